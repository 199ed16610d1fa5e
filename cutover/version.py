"""The version of the programs, as the installed distribution says."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("cutover")
except PackageNotFoundError:  # run from a tree that was never installed
    VERSION = "unknown"
