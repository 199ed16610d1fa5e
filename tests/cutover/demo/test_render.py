from cutover.demo.render import render_entity, render_link, render_statement


def test_filters_leave_what_they_name(world):
    entity = world.content(world.head("Q65"))
    shown = render_entity(world, entity, props=("labels", "sitelinks"), languages=("en",), sites=("ruwiki",), urls=True)
    assert list(shown) == ["type", "id", "labels", "sitelinks"]
    assert list(shown["labels"]) == ["en"]
    assert list(shown["sitelinks"]) == ["ruwiki"]
    assert shown["sitelinks"]["ruwiki"]["url"].startswith("https://ru.wikipedia.org/wiki/Lofordvenber_1051:_%22x%22/y_")


def test_sites_are_sorted_unless_told(world):
    entity = world.content(world.head("Q4"))
    assert list(render_entity(world, entity)["sitelinks"]) == sorted(entity["sitelinks"])
    assert list(render_entity(world, entity, sort_sites=False)["sitelinks"]) == list(entity["sitelinks"])


def test_a_snak_of_a_deleted_property_has_no_datatype(world):
    entity = world.content(world.head("Q42"))
    shown = render_entity(world, entity)["claims"]
    assert "datatype" not in shown["P13"][0]["mainsnak"]
    assert shown["P1"][0]["mainsnak"]["datatype"] == "string"


def test_every_snak_of_a_statement_gets_its_datatype(world):
    entity = world.content(world.head("Q900"))
    shown = render_statement(world, entity["claims"]["P1"][0])
    assert shown["qualifiers"]["P3"][0]["datatype"] == "commonsMedia"
    assert all("datatype" in snak for ref in shown["references"] for group in ref["snaks"].values() for snak in group)


def test_a_link_without_address_is_as_stored(world):
    link = {"site": "enwiki", "title": "A b", "badges": []}
    assert render_link(world, link, url=False) == link
