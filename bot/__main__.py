"""`python -m bot` and `glossator` are the same."""

from bot.cli import main

if __name__ == "__main__":
    main()
