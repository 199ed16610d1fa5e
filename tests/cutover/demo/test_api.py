import pytest

READ = {"action": "wbgetentities", "ids": "Q1", "props": "info"}


async def test_maxlag_refuses_reads_and_writes_while_the_wiki_lags(small):
    small.world.lag_s = 7
    told = await small.get("/w/api.php?action=wbgetentities&ids=Q1&maxlag=5&format=json")
    assert told.status == 200
    assert told.json["error"] | {"*": ""} == {
        "code": "maxlag",
        "info": "Waiting for a database server: 7 seconds lagged.",
        "host": "",
        "lag": 7,
        "type": "db",
        "*": "",
    }
    assert [told.headers[name] for name in ("MediaWiki-API-Error", "Retry-After", "X-Database-Lag")] == [
        "maxlag",
        "5",
        "7",
    ]
    assert (await small.api(**READ, maxlag="7"))["success"] == 1
    assert (await small.api(**READ))["success"] == 1


async def test_a_recorded_read_with_maxlag_is_answered_anew_while_the_wiki_lags(client):
    target = next(
        one.target
        for one in client.world.recorded.exchanges
        if one.kind == "wbgetentities.maxlag" and "maxlag=5" in one.target
    )
    assert "error" not in (await client.get(target)).json
    client.world.lag_s = 60
    assert (await client.get(target)).headers["MediaWiki-API-Error"] == "maxlag"


async def test_a_wiki_that_may_only_be_read_refuses_writes_with_its_reason(small):
    token = await small.log_in()
    small.world.read_only = "moving house"
    told = await small.post(action="wbsetlabel", id="Q1", language="en", value="x", token=token)
    assert (told.json["error"]["code"], told.json["error"]["readonlyreason"]) == ("readonly", "moving house")
    assert (await small.api(**READ))["success"] == 1


@pytest.mark.parametrize(
    ("wanted", "name", "code"),
    [
        ("user", "", "assertuserfailed"),
        ("anon", "Alice", "assertanonfailed"),
        ("bot", "Alice", "assertbotfailed"),
        ("bot", "AlphaBot", None),
        ("user", "Alice", None),
    ],
)
async def test_asserts_about_the_user_are_checked(small, wanted, name, code):
    if name:
        await small.log_in(name)
    told = await small.api(**READ, **{"assert": wanted})
    assert told.get("error", {}).get("code") == code


async def test_a_bad_token_wins_over_read_only_and_lag(small):
    await small.log_in()
    small.world.read_only, small.world.lag_s = True, 99
    fields = {"action": "wbsetlabel", "id": "Q1", "language": "en", "value": "x", "maxlag": "5"}
    assert (await small.post(**fields, token="+\\")).json["error"]["code"] == "badtoken"
    assert (await small.post(**fields)).json["error"]["code"] == "missingparam"


async def test_a_write_by_get_names_the_token_in_the_query(small):
    told = await small.get("/w/api.php?action=wbsetlabel&id=Q1&language=en&value=x&token=%2B%5C&format=json")
    assert told.json["error"]["code"] == "mustpostparams"


async def test_the_token_may_not_stand_in_the_query_of_a_post(small):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    told = await small.send(
        "POST", "/w/api.php?token=%2B%5C&format=json", form, b"action=wbsetlabel&id=Q1&language=en&value=x"
    )
    assert told.json["error"]["code"] == "mustpostparams"


async def test_bots_may_ask_for_five_hundred(small):
    ids = "|".join(f"Q{number}" for number in range(1, 52))
    assert (await small.api(action="wbgetentities", ids=ids))["error"]["code"] == "toomanyvalues"
    await small.log_in("AlphaBot")
    assert len((await small.api(action="wbgetentities", ids=ids))["entities"]) == 51


async def test_unknown_actions_and_formats_are_told(small):
    assert (await small.api(action="wbnosuch"))["error"]["code"] == "badvalue"
    told = await small.get("/w/api.php?action=query&format=yaml")
    assert told.headers["MediaWiki-API-Error"] == "badvalue"
    assert (await small.get("/w/api.php")).headers["Content-Type"].startswith("text/html")


async def test_a_preflight_request_is_answered(small):
    told = await small.send("OPTIONS", "/w/api.php?origin=*")
    assert told.headers["Access-Control-Allow-Origin"] == "*"


async def test_jsonp_is_wrapped_and_cleaned(small):
    told = await small.get("/w/api.php?action=wbgetentities&ids=Q9&format=json&callback=a.b(x")
    assert told.body == b'/**/a.bx({"entities":{"Q9":{"id":"Q9","missing":""}},"success":1})'
