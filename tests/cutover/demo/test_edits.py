import json
from collections.abc import Iterator
from typing import Any

import pytest
from shared_truth import SHARED, needs_shared

RECORDED = [
    *("035", "036", "038", "039", "040", "041", "044", "045", "046", "047", "048", "050", "052", "053", "054"),
    *("057", "058", "059", "060", "062", "063", "064", "082", "087", "088", "128", "129", "132", "135", "138"),
    *("140", "141", "142", "154", "155", "156", "192", "194", "195", "197", "198", "210", "212", "216"),
]


def recordings() -> Iterator[tuple[str, dict[str, Any]]]:
    for number in RECORDED:
        (path,) = (SHARED / "recordings/api").glob(f"{number}-*.json")
        yield path.stem, json.loads(path.read_text())


def shape(value: Any) -> Any:
    """The keys and types of an answer: what a client can rely on."""
    if isinstance(value, dict):
        return {
            key: shape(item)
            for key, item in value.items()
            if key not in ("labels", "aliases", "claims", "sitelinks", "descriptions")
        }
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


@needs_shared
async def test_answers_have_the_shape_code_and_cookies_of_the_recorded_ones(client):
    world = client.world
    world.edit(
        "Q5",
        lambda entity: {
            **entity,
            "labels": {"en": {"language": "en", "value": "L"}},
            "descriptions": {"en": {"language": "en", "value": "city number 1"}},
        },
    )
    items = [world.create_item({"en": f"n{number}"}) for number in range(3)]
    cleared = world.create_item()
    names = {
        "Q7": items[0],
        "Q14": items[1],
        "Q37": cleared,
        "Q40": items[2],
        "Q3": "Q66",
        "Item:Q40": f"Item:{items[2]}",
    }
    token = await client.log_in("Admin")
    differing = []
    for name, recording in recordings():
        fields = {**recording["request"]["query"], **recording["request"]["form"]}
        fields = {key: names.get(value, value) for key, value in fields.items() if key != "tags"}
        if "baserevid" in fields:
            fields["baserevid"] = str(world.head(fields["id"]).rev_id)
        if "token" in fields and "badtoken" not in name:
            fields["token"] = token
        if recording["request"]["method"] == "POST":
            told = await client.post(**fields)
        else:
            told = await client.get(
                "/w/api.php?" + "&".join(f"{key}={value}" for key, value in fields.items()).replace("+", "%2B")
            )
        theirs = json.loads(recording["response"]["body"])
        recorded_headers = [header for header, _ in recording["response"]["headers"]]
        codes = [value for header, value in recording["response"]["headers"] if header == "MediaWiki-API-Error"]
        same = shape(told.json) == shape(theirs) and told.json.get("error", {}).get("code") == theirs.get(
            "error", {}
        ).get("code")
        cookies = len(told.headers.getall("Set-Cookie", [])) == recorded_headers.count("Set-Cookie")
        if not (
            same and cookies and told.headers.getall("MediaWiki-API-Error", []) == codes and "Vary" not in told.headers
        ):
            differing.append((name, told.body, recording["response"]["body"]))
    assert differing == []


async def test_a_label_is_set_and_the_same_again_changes_nothing(small):
    token = await small.log_in()
    first = await small.post(action="wbsetlabel", id="Q1", language="fr", value=" un ", token=token)
    assert first.json["entity"]["labels"] == {"fr": {"language": "fr", "value": "un"}}
    again = await small.post(action="wbsetlabel", id="q1", language="fr", value="un", token=token)
    assert again.json["entity"]["nochange"] == ""
    assert again.json["entity"]["lastrevid"] == first.json["entity"]["lastrevid"]
    assert "Set-Cookie" not in again.headers
    head = small.world.head("Q1")
    assert (head.user, head.comment) == ("Alice", "/* wbsetlabel-add:1|fr */ un")


async def test_an_anonymous_edit_is_saved_under_the_forwarded_address(small):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": "203.0.113.9"}
    body = b"action=wbsetlabel&id=Q1&language=nl&value=een&token=%2B%5C&format=json"
    told = await small.send("POST", "/w/api.php", headers, body)
    assert told.json["success"] == 1
    assert [cookie.partition("=")[0] for cookie in told.headers.getall("Set-Cookie")] == [
        "cpPosIndex",
        "UseDC",
        "UseCDNCache",
    ]
    head = small.world.head("Q1")
    assert (head.user, head.user_id) == ("203.0.113.9", 0)


async def test_a_stale_base_conflicts_on_the_same_term_and_is_patched_on_another(small):
    token = await small.log_in()
    base = str(small.world.head("Q1").rev_id)
    await small.post(action="wbsetlabel", id="Q1", language="en", value="two", token=token)
    clash = await small.post(action="wbsetlabel", id="Q1", language="en", value="three", baserevid=base, token=token)
    assert clash.json["error"]["code"] == "editconflict"
    assert [one["name"] for one in clash.json["error"]["messages"]] == ["wikibase-api-editconflict", "edit-conflict"]
    patched = await small.post(action="wbsetlabel", id="Q1", language="fr", value="un", baserevid=base, token=token)
    assert patched.json["warnings"]["wbsetlabel"]["messages"][0]["name"] == "wikibase-conflict-patched"
    labels = small.world.content(small.world.head("Q1"))["labels"]
    assert (labels["en"]["value"], labels["fr"]["value"]) == ("two", "un")
    wrong = await small.post(action="wbsetlabel", id="Q1", language="fr", value="x", baserevid="99999", token=token)
    assert wrong.json["error"]["code"] == "nosuchrevid"


async def test_a_whole_item_is_created_changed_and_cleared(small):
    token = await small.log_in()
    small.world.create({"type": "property", "datatype": "string"})
    data = {
        "labels": {"en": {"language": "en", "value": "new"}},
        "sitelinks": {"enwiki": {"site": "enwiki", "title": "New"}},
        "claims": [
            {
                "mainsnak": {"snaktype": "value", "property": "P1", "datavalue": {"type": "string", "value": "v"}},
                "type": "statement",
                "rank": "normal",
            }
        ],
    }
    made = (await small.post(action="wbeditentity", new="item", data=json.dumps(data), token=token)).json["entity"]
    assert made["id"] == "Q2"
    assert list(made)[-1] == "lastrevid"
    assert made["sitelinks"]["enwiki"]["url"] == "https://en.wikipedia.org/wiki/New"
    assert made["claims"]["P1"][0]["mainsnak"]["datatype"] == "string"
    by_page = await small.post(action="wbsetlabel", site="enwiki", title="New", language="de", value="neu", token=token)
    assert by_page.json["entity"]["id"] == "Q2"
    cleared = (await small.post(action="wbeditentity", id="Q2", clear="1", data="{}", token=token)).json["entity"]
    assert (cleared["labels"], cleared["claims"], cleared["sitelinks"]) == ({}, {}, {})
    assert (await small.api(action="wbgetentities", sites="enwiki", titles="New"))["entities"]["-1"]["missing"] == ""


async def test_a_property_is_created_with_its_datatype(small):
    token = await small.log_in()
    told = await small.post(action="wbeditentity", new="property", data='{"datatype":"url"}', token=token)
    assert (told.json["entity"]["id"], told.json["entity"]["datatype"]) == ("P1", "url")
    assert small.world.datatypes == {"P1": "url"}


async def test_a_statement_is_created_once_for_each_call(small):
    small.world.create({"type": "property", "datatype": "string"})
    token = await small.log_in()
    fields = {
        "action": "wbcreateclaim",
        "entity": "Q1",
        "property": "P1",
        "snaktype": "value",
        "value": '"x"',
        "token": token,
    }
    told = [(await small.post(**fields)).json for _ in range(2)]
    assert told[0]["claim"]["mainsnak"]["datatype"] == "string"
    assert told[0]["claim"]["id"] != told[1]["claim"]["id"]
    assert told[1]["pageinfo"]["lastrevid"] == small.world.head("Q1").rev_id


async def test_a_redirect_is_followed_by_reads_and_refused_by_writes(small):
    token = await small.log_in()
    empty = small.world.create_item()
    told = await small.post(**{"action": "wbcreateredirect", "from": empty, "to": "Q1", "token": token})
    assert told.json == {"success": 1, "redirect": "Q1"}
    again = await small.post(**{"action": "wbcreateredirect", "from": empty, "to": "Q1", "token": token})
    assert again.json["success"] == 1
    assert "Set-Cookie" not in again.headers
    record = (await small.api(action="wbgetentities", ids=empty))["entities"][empty]
    assert record["redirects"] == {"from": empty, "to": "Q1"}
    refused = await small.post(action="wbsetlabel", id=empty, language="en", value="x", token=token)
    assert refused.json["error"]["code"] == "unresolved-redirect"


async def test_deleting_needs_the_right_and_leaves_a_log_entry(small):
    token = await small.log_in("Alice")
    refused = await small.post(action="delete", title="Item:Q1", token=token)
    assert refused.json["error"]["code"] == "permissiondenied"
    token = await small.log_in("Admin")
    done = await small.post(action="delete", title="Item:Q1", reason="r", token=token)
    assert done.json["delete"]["logid"] == small.world.changes[-1].log_id
    assert (await small.api(action="wbgetentities", ids="Q1"))["entities"]["Q1"]["missing"] == ""
    back = await small.post(action="undelete", title="Item:Q1", token=token)
    assert back.json["undelete"]["revisions"] == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"action": "wbsetlabel", "id": "Q1", "language": "en", "value": "x" * 251}, "modification-failed"),
        ({"action": "wbsetlabel", "id": "Q34", "language": "en", "value": "x"}, "no-such-entity"),
        ({"action": "wbsetlabel", "site": "enwiki", "title": "None", "language": "en"}, "no-such-entity-link"),
        ({"action": "wbeditentity", "id": "Q1", "new": "item", "data": "{}"}, "param-illegal"),
        ({"action": "undelete", "title": "A|B"}, "invalidtitle"),
    ],
)
async def test_refusals_have_their_codes(small, fields, code):
    token = await small.log_in("Admin")
    assert (await small.post(**fields, token=token)).json["error"]["code"] == code
