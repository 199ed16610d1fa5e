"""The `cutover` command: one verb per file, imported only when asked for."""

import sys


def main(argv: list[str] | None = None) -> int:
    """Run one verb. Returns the exit code."""
    raise NotImplementedError(argv)


if __name__ == "__main__":
    sys.exit(main())
