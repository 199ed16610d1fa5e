"""action=paraminfo, meta=languageinfo, meta=allmessages: what a wiki tells of itself to who renders in its stead.

As much as is asked for there; the values are those of a MediaWiki 1.39 (`facts.json`).
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from cutover.demo.api import Result
from cutover.demo.calls import Call

_FACTS = Path(__file__).with_name("facts.json")


@cache
def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(_FACTS.read_text(encoding="utf-8"))
    return facts


def run_paraminfo(call: Call) -> Result:
    """Return the parameters of wbgetentities, whichever modules are asked for."""
    call.text("modules")
    return {"paraminfo": {"helpformat": "none", "modules": _facts()["parameters"]}}


def meta_languageinfo(call: Call) -> Result:
    """Return the fallbacks and variants of every language, all at once."""
    for name in ("liprop", "licode"):
        call.text(name)
    return {"languageinfo": _facts()["languages"]}


def meta_allmessages(call: Call) -> Result:
    """Return no message: none was changed here."""
    for name in ("ammessages", "amlang"):
        call.text(name)
    return {"allmessages": []}
