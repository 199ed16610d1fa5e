"""The `cutover` command: one verb per file, imported only when asked for.

Exit codes: 0 done, 1 done and something was found, 2 the command or the configuration is wrong,
3 something outside failed, 130 interrupted.
"""

import argparse
import importlib
import logging
import sys

from backends.config_file import ConfigError
from backends.errors import BackendError

VERBS = {
    "serve": "run the proxy in front of a wiki",
    "export": "copy the wiki's history into the store",
    "follow": "keep the store current with what the wiki commits (serve starts it by itself)",
    "phase": "look at the phase, flip, go back",
    "verify": "hold the store against the wiki: counts, heads, history, one entity",
    "show": "print what the store holds of an entity",
    "dump": "print every revision that the store holds, one JSON object a line",
    "fsck": "check the store: index against snapshots, both ways; mend it, or make the index anew",
    "index": "make the tables of the index, behind Vitess its VSchema too, or look at them",
    "bucket": "make the S3 bucket for the snapshots, or look at it",
    "verifier": "judge the samples that the proxies took (serve starts it by itself)",
    "report": "say what the verifier found",
    "mismatch": "list what differs, and tell everything about one case",
    "demo": "show it all on a sample wiki",
    "canonical": "print the canonical form, or the digest, of entity JSON in any shape",
    "diff": "say how two documents differ: in words, as a patch, as jsondiff",
    "rules": "list, check and test the normalisation rules",
    "config": "check a config file, or print the example",
}
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main(argv: list[str] | None = None) -> int:
    """Run one verb. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="cutover", description="Move a live Wikibase without anyone noticing.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    given = (sys.argv[1:] if argv is None else argv)[:1]
    for verb, text in VERBS.items():
        sub = verbs.add_parser(verb, help=text, description=text)
        if given == [verb]:
            importlib.import_module(f"cutover.{verb}").arguments(sub)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr)
    logging.getLogger("asyncmy").setLevel(logging.ERROR)  # it repeats what a server notes, such as a table that exists
    try:
        return int(importlib.import_module(f"cutover.{options.verb}").run(options))
    except ConfigError as error:
        print(f"cutover: {error}", file=sys.stderr)
        return 2
    except BackendError as error:
        hint = "; trying again may help" if error.retry else ""
        print(f"cutover: {error}{hint}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
