-- Give free turns to deliveries that wait.
-- installations, max_concurrent.

for _, installation in ipairs(args.installations) do
  start_deliveries(installation, args.max_concurrent)
end
