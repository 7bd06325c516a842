-- audit: a line of the audit log. Returns the id of the line, '' where it was written before.

return record(args.audit)
