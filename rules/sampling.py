"""Which exchanges become samples, and what of a request may be kept in one (invariant 10).

Keeping is by name: only parameters that say what was read. Whatever is not on the list (tokens, passwords,
user names in asserts, callbacks) never gets into a sample.
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlencode

KEPT_PARAMETERS = frozenset(
    {
        "action",
        "ids",
        "sites",
        "titles",
        "props",
        "languages",
        "languagefallback",
        "sitefilter",
        "redirects",
        "normalize",
        "entity",
        "claim",
        "property",
        "rank",
        "id",
        "format",
        "formatversion",
        "revision",
        "flavor",
        "redirect",
        "oldid",
        "title",
        "curid",
        "pageids",
        "revids",
        "prop",
        "list",
        "rvprop",
        "rvslots",
        "rvlimit",
        "rvdir",
        "rvstart",
        "rvstartid",
        "rvend",
        "rvendid",
        "rvcontinue",
        "continue",
        "utf8",
        "ascii",
        "errorformat",
        "errorlang",
        "uselang",
        "variant",
        "maxage",
        "smaxage",
        "_fields",
        "generator",
        "callback",
    }
)
"""Parameters of entity reads (wikibase.md 1.1, 1.2, 1.4) that are no secret."""

_TARGET_CHARS_MAX = 16384
_PATH_CHARS = "/:$-_.!~*'(),;@&=+%|"


def safe_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the kept parameters as a query, in their order."""
    kept = [(key, value) for key, value in pairs if key.partition("[")[0] in KEPT_PARAMETERS]
    return urlencode(kept, encoding="utf-8", errors="surrogateescape")


def safe_query(query: str) -> str:
    """Return the query with the kept parameters only, re-encoded, in their order."""
    return safe_pairs(parse_qsl(query, keep_blank_values=True, errors="surrogateescape"))


def safe_target(target: bytes) -> str:
    """Return a request target with the kept parameters only. A fragment cannot survive."""
    path, _, query = target.decode("utf-8", "surrogateescape").partition("?")
    kept = safe_query(query.partition("#")[0])
    path = quote(path.partition("#")[0], safe=_PATH_CHARS, errors="surrogateescape")
    return (f"{path}?{kept}" if kept else path)[:_TARGET_CHARS_MAX]


def safe_form(body: bytes) -> bytes:
    """Return an urlencoded form with the kept parameters only."""
    return safe_query(body.decode("utf-8", "surrogateescape")).encode("ascii")


def chosen(share: float, draw: float) -> bool:
    """Tell whether an exchange is sampled; `draw` is uniform in [0, 1)."""
    return draw < share
