import re


async def test_an_anonymous_token_is_the_constant_and_login_opens_a_session(small):
    told = await small.get("/w/api.php?action=query&meta=tokens&type=csrf|login&format=json")
    tokens = told.json["query"]["tokens"]
    assert tokens["csrftoken"] == "+\\"
    assert re.fullmatch(r"[0-9a-f]{48}\+\\", tokens["logintoken"])
    assert [cookie.partition("=")[0] for cookie in told.headers.getall("Set-Cookie")] == ["wikidb_a_session"]
    assert "Vary" not in told.headers


async def test_login_in_two_steps_without_asking_for_a_token_first(small):
    first = (await small.post(action="login", lgname="Alice", lgpassword="sample")).json["login"]
    assert first["result"] == "NeedToken"
    second = await small.post(action="login", lgname="Alice", lgpassword="sample", lgtoken=first["token"])
    assert second.json["login"] == {"result": "Success", "lguserid": 3, "lgusername": "Alice"}
    assert len(second.headers.getall("Set-Cookie")) == 7


async def test_a_wrong_password_or_token_fails(small):
    token = (await small.api(action="query", meta="tokens", type="login"))["query"]["tokens"]["logintoken"]
    wrong = await small.post(action="login", lgname="Alice", lgpassword="x", lgtoken=token)
    assert wrong.json["login"]["result"] == "Failed"
    stale = await small.post(action="login", lgname="Alice", lgpassword="sample", lgtoken="x+\\")
    assert stale.json["login"]["result"] == "WrongToken"


async def test_who_is_asking(small):
    info = (await small.api(action="query", meta="userinfo", uiprop="groups|rights"))["query"]["userinfo"]
    assert (info["id"], info["anon"], info["groups"]) == (0, True, ["*"])
    token = await small.log_in("AlphaBot")
    info = (await small.api(action="query", meta="userinfo", uiprop="groups|rights"))["query"]["userinfo"]
    assert (info["id"], info["name"]) == (10, "AlphaBot")
    assert "bot" in info["rights"]
    assert (await small.post(action="logout", token=token)).json == {}
    assert (await small.api(action="query", meta="tokens"))["query"]["tokens"]["csrftoken"] == "+\\"


async def test_the_site_tells_its_namespaces_models_and_statistics(client):
    told = await client.api(action="query", meta="siteinfo", siprop="general|namespaces|statistics")
    spaces = told["query"]["namespaces"]
    assert (spaces["120"]["defaultcontentmodel"], spaces["122"]["name"]) == ("wikibase-item", "Property")
    assert told["query"]["general"]["wikibase-conceptbaseuri"] == "http://alpha.example/entity/"
    assert told["query"]["general"]["server"] == client.wiki.url
    assert told["query"]["statistics"]["pages"] == 85
    old = (await client.get("/w/api.php?action=query&meta=siteinfo&siprop=namespaces&format=json")).json
    assert old["query"]["namespaces"]["0"] == {"id": 0, "case": "first-letter", "content": "", "*": ""}
