"""`cutover config`: check a config file, or print the example with every field."""

import argparse
import sys
from pathlib import Path

from backends.config_file import example, read_config


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("what", choices=("check", "example"))
    parser.add_argument("file", type=Path, nargs="?", help="the file to check")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    if options.what == "example":
        print(example(), end="")
        return 0
    if options.file is None:
        print("cutover config check: which file?", file=sys.stderr)
        return 2
    read_config(options.file)
    print(f"{options.file}: good")
    return 0
