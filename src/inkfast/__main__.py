"""`python -m inkfast`: the command line."""

from inkfast.cli import main

if __name__ == "__main__":
    main()
