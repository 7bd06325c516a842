"""Pure tools over text: hidden characters, secrets, globs, languages, tokens."""
