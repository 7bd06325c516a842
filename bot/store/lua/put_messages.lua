-- messages.

put(args.messages)
