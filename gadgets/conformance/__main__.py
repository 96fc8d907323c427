"""`python -m gadgets.conformance URL`."""

from gadgets.conformance import main

if __name__ == "__main__":
    raise SystemExit(main())
