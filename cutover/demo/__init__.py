"""A sample wiki on loopback, and the demonstration that drives real traffic through the proxy before it."""

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `cutover demo`."""
    parser.add_argument("--once", action="store_true", help="end when everything was shown; leave nothing running")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--requests", type=int, default=1500, help="requests to drive through the proxy")
    parser.add_argument("--seed", type=int, default=7, help="which requests; the same seed gives the same")
    parser.add_argument("--index", default="", metavar="DSN", help="an empty database for the index, instead of SQLite")
    parser.add_argument("--ledger", default="", metavar="DSN", help="an empty database for the ledger, as well")
    parser.add_argument("--data", help="directory to keep; without it a temporary one is used and removed")


def run(options: argparse.Namespace) -> int:
    """Run `cutover demo`."""
    from cutover.demo.run import run as demonstrate  # noqa: PLC0415 - the tests' wiki needs none of it

    return demonstrate(options)
