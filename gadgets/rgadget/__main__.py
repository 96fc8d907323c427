"""`rgadget` and `python -m gadgets.rgadget`: finds out whether the extra is installed, then runs the command."""

import sys
from importlib.util import find_spec

NEEDED = ("django", "requests", "cryptography")


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 good, 1 something to fix, 2 cannot be run like this, 3 the other side does not answer."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"rgadget: {', '.join(missing)} がありません。 pip install 'madoguchi[rgadget]' を実行してください。\n"
            f"rgadget: {', '.join(missing)} is missing. Run: pip install 'madoguchi[rgadget]'\n"
        )
        return 2
    from gadgets.rgadget.cli import run  # what is missing is named before it is imported

    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    raise SystemExit(main())
