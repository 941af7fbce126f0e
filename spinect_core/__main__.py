"""``python -m spinect_core`` is the command line."""

from spinect_core.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
