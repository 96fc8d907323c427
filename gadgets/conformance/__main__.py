"""`python -m gadgets.conformance URL`."""

from gadgets.conformance.command import run

if __name__ == "__main__":
    raise SystemExit(run())
