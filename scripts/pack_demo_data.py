"""Pack the recordings of a real Wikibase into the sample wiki's two data files.

    python scripts/pack_demo_data.py ../shared/datasets/wiki-a cutover/demo

Written: wiki.jsonl.zst (facts, pages, revisions) and reads.jsonl.zst (anonymous requests with
their recorded answers). Only what the public may see goes in: archived revisions are left out,
hidden fields are empty and only their bits say so.
"""

import argparse
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from cutover.demo.forms import read_form, split_values
from cutover.demo.php import stored_json

Row = list[Any]

_PASSED_OVER = {"date", "x-request-id", "connection", "transfer-encoding", "content-length", "server"}
_TOKEN = re.compile(r"'((?:[^'\\]|\\.)*)'|(NULL)|(-?[\d.]+(?:e[-+]?\d+)?)|(\()|(\))|,", re.DOTALL)
_INSTALLER = 2  # the account under which the wiki was set up
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "Z": "\x1a", "b": "\b"}


def main() -> None:
    """Read the dataset folder named first, write both files into the folder named second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    dump = gzip.decompress((arguments.dataset / "dump.sql.gz").read_bytes()).decode("utf-8", "surrogateescape")
    _write(arguments.out / "wiki.jsonl.zst", list(_wiki_lines(arguments.dataset, dump)))
    _write(arguments.out / "reads.jsonl.zst", list(_read_lines(arguments.dataset)))


def _wiki_lines(dataset: Path, dump: str) -> Iterator[dict[str, Any]]:
    truth = [
        json.loads(line) for line in gzip.decompress((dataset / "truth/revisions.jsonl.gz").read_bytes()).splitlines()
    ]
    facts = json.loads((dataset / "LocalSettings-facts.json").read_text())
    live = [one for one in truth if one["state"] != "archived"]
    users = {row[1]: row[0] for row in _rows(dump, "user") if row[0] != _INSTALLER}
    groups: dict[int, list[str]] = {}
    for user_id, group, _ in _rows(dump, "user_groups"):
        groups.setdefault(user_id, []).append(group)
    rc_ids = {row[10]: row[0] for row in _rows(dump, "recentchanges")}
    other = list(_plain_pages(dump, facts["entity_namespaces"], users))
    yield {
        "wiki": {
            "server": "http://127.0.0.1:8492",
            "sitename": facts["sitename"],
            "wiki_id": facts["wgDBname"],
            "generator": facts["mediawiki"],
            "concept_base_uri": facts["concept_base_uri"],
            "namespaces": facts["namespaces"],
            "sites": _sites(dump),
            "languages": _languages(live, list(_read_lines(dataset))),
            "badge_items": facts["badge_items"],
            "id_counters": facts["id_counters"],
            "users": [
                {"name": name, "user_id": user_id, "groups": groups.get(user_id, [])} for name, user_id in users.items()
            ],
            "next_rev_id": 1 + max(row[0] for row in _rows(dump, "revision")),
            "next_page_id": 1 + max([row[0] for row in _rows(dump, "page")] + [one["page_id"] for one in truth]),
            "next_rc_id": 1 + max(rc_ids.values()),
            "next_log_id": 1 + max(row[0] for row in _rows(dump, "logging")),
            "created": {row[0]: bool(row[4]) for row in _rows(dump, "page") if row[1] in (120, 122)},
        }
    }
    yield from other
    slots = _extra_slots(dump)
    for one in live:
        if one["is_head"]:
            yield {"page": {"page_id": one["page_id"], "ns": one["ns"], "title": one["title"], "latest": one["rev_id"]}}
        yield {"revision": _revision(one, users, rc_ids, slots)}


def _revision(
    one: dict[str, Any], users: dict[str, int], rc_ids: dict[int, int], slots: dict[int, Any]
) -> dict[str, Any]:
    error = one.get("api_error")
    packed = {
        **{
            key: one[key] for key in ("rev_id", "page_id", "parent_id", "timestamp", "user", "comment", "tags", "minor")
        },
        **{key: one[key] for key in ("bot", "sha1", "slot_sha1", "size", "deleted_bits")},
        "user_id": None if one["user"] is None else users.get(one["user"], 0),
        "rc_id": rc_ids.get(one["rev_id"]),
        "text": None if one["content"] is None else stored_json(one["content"]),
        "error": error and error.removeprefix("internal_api_error_").partition(":")[0],
        "model": "wikibase-property" if one["title"].startswith("Property:") else "wikibase-item",
    }
    if one["rev_id"] in slots:
        packed["slot_size"], packed["other_slots"] = slots[one["rev_id"]]
    return packed


def _plain_pages(dump: str, namespaces: dict[str, int], users: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yield the pages of the entity namespaces that hold wikitext, with their revisions."""
    pages = {row[0]: row for row in _rows(dump, "page") if row[1] in namespaces.values() and row[10] == "wikitext"}
    comments = {row[0]: row[2] for row in _rows(dump, "comment")}
    comment_of = dict(_rows(dump, "revision_comment_temp"))
    names = {row[0]: row[2] for row in _rows(dump, "actor")}
    texts = {f"tt:{row[0]}": row[1] for row in _rows(dump, "text") if row[2] == "utf-8"}
    contents = {row[0]: row for row in _rows(dump, "content")}
    content_of = {row[0]: contents[row[2]] for row in _rows(dump, "slots")}
    prefixes = {120: "Item:", 122: "Property:"}
    for page_id, row in pages.items():
        title = prefixes[row[1]] + row[2].replace("_", " ")
        yield {"page": {"page_id": page_id, "ns": row[1], "title": title, "latest": row[8]}}
    for row in _rows(dump, "revision"):
        if row[1] in pages:
            sha1 = _hex(row[9])
            user = names[row[3]]
            packed = {"rev_id": row[0], "page_id": row[1], "parent_id": row[8], "timestamp": _iso(row[4]), "user": user}
            packed |= {"comment": comments[comment_of[row[0]]], "tags": [], "minor": bool(row[5]), "bot": None}
            packed |= {"sha1": sha1, "slot_sha1": sha1, "size": row[7], "deleted_bits": row[6], "rc_id": None}
            packed |= {
                "user_id": users.get(user, 0),
                "text": texts[content_of[row[0]][4]],
                "error": None,
                "model": "wikitext",
            }
            yield {"revision": packed}


def _extra_slots(dump: str) -> dict[int, tuple[int, dict[str, Any]]]:
    """Return, for revisions with more than the main slot: the main slot's size and the other slots."""
    roles = {row[0]: row[1] for row in _rows(dump, "slot_roles")}
    models = {row[0]: row[1] for row in _rows(dump, "content_models")}
    texts = {f"tt:{row[0]}": row[1] for row in _rows(dump, "text") if row[2] == "utf-8"}
    contents = {row[0]: row for row in _rows(dump, "content")}
    found: dict[int, dict[str, Row]] = {}
    for rev_id, role, content_id, _ in _rows(dump, "slots"):
        found.setdefault(rev_id, {})[roles[role]] = contents[content_id]
    return {
        rev_id: (
            slots["main"][1],
            {
                role: {"size": row[1], "sha1": _hex(row[2]), "model": models[row[3]], "text": texts[row[4]]}
                for role, row in slots.items()
                if role != "main"
            },
        )
        for rev_id, slots in found.items()
        if len(slots) > 1
    }


def _read_lines(dataset: Path) -> Iterator[dict[str, Any]]:
    for line in gzip.decompress((dataset / "reads.jsonl.gz").read_bytes()).splitlines():
        one = json.loads(line)
        request, response = one["request"], one["response"]
        headers = [
            pair for pair in request["headers"] if pair[0].lower() not in ("host", "user-agent", "content-length")
        ]
        chunked = any(name.lower() == "transfer-encoding" for name, _ in response["headers"])
        kept = [pair for pair in response["headers"] if pair[0].lower() not in _PASSED_OVER]
        body = {key: response[key] for key in ("body", "body_base64") if key in response}
        yield {
            "n": one["n"],
            "kind": one["kind"],
            "request": {
                "method": request["method"],
                "target": request["target"],
                "headers": headers,
                "body": request["body"],
            },
            "response": {
                "status": response["status"],
                "reason": response["reason"],
                "headers": kept,
                "chunked": chunked,
                **body,
            },
        }


def _languages(revisions: list[dict[str, Any]], reads: list[dict[str, Any]]) -> list[str]:
    # The large item has labels in most languages the wiki knows; the rest were accepted in recorded reads.
    found: set[str] = set()
    for read in reads:
        target, body = read["request"]["target"], read["request"]["body"] or ""
        values = read_form(target.partition("?")[2], body.encode(), _content_type(read)).values
        refused = re.findall(r'for parameter \\"languages\\": ([^"]*)', read["response"].get("body", ""))
        wrong = {code.strip() for codes in refused for code in codes.split(",")}
        found.update(set(split_values(values.get("languages", ""))) - wrong)
    found = {code for code in found if re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", code)}
    for one in revisions:
        content = one["content"] or {}
        for part in ("labels", "descriptions", "aliases"):
            found.update(content.get(part) or ())
    return sorted(found)


def _content_type(read: dict[str, Any]) -> str:
    headers: dict[str, str] = {name.lower(): value for name, value in read["request"]["headers"]}
    return headers.get("content-type", "")


def _sites(dump: str) -> dict[str, str]:
    return {row[1]: re.findall(r'"page_path";s:\d+:"([^"]+)"', row[8])[0] for row in _rows(dump, "sites")}


def _rows(dump: str, table: str) -> Iterator[Row]:
    """Yield the rows of a table's INSERT statements: numbers, strings, None."""
    for start in re.finditer(rf"^INSERT INTO `{table}` VALUES\s", dump, re.MULTILINE):
        row: Row | None = None
        position = start.end()
        while dump[position] != ";":
            if row is None and dump[position] in "\n, ":
                position += 1
                continue
            token = _TOKEN.match(dump, position)
            assert token, (table, dump[position : position + 40])
            position = token.end()
            if token[4]:
                row = []
            elif token[5]:
                assert row is not None
                yield row
                row = None
            elif row is not None and token[0] != ",":
                row.append(_value(token))


def _value(token: re.Match[str]) -> Any:
    if token[1] is not None:
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token[1], flags=re.DOTALL)
    if token[2]:
        return None
    return float(token[3]) if "." in token[3] or "e" in token[3] else int(token[3])


def _hex(base36: str) -> str:
    return f"{int(base36, 36):040x}"


def _iso(stamp: str) -> str:
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:14]}Z"


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    data = b"\n".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() for line in lines) + b"\n"
    # A long window finds the many revisions of one large item in one another.
    settings = zstandard.ZstdCompressionParameters.from_level(22, window_log=27, enable_ldm=True)
    packed = zstandard.ZstdCompressor(compression_params=settings).compress(data)
    path.write_bytes(packed)
    print(f"{path}: {len(lines)} lines, {len(data)} bytes, packed {len(packed)}")


if __name__ == "__main__":
    main()
