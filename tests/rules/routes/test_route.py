"""The values of recognition: what a Site derives from its fields."""

from dataclasses import replace

from rules.routes.reasons import Reason, not_ours
from rules.routes.route import Entry, NotOurs, Site


def test_scripts_are_found_under_each_script_path():
    assert Site(script_paths=("/w/", "")).entries == {
        "/w/": Entry.INDEX, "/w/api.php": Entry.API, "/w/rest.php": Entry.REST, "/w/index.php": Entry.INDEX,
        "/": Entry.INDEX, "/api.php": Entry.API, "/rest.php": Entry.REST, "/index.php": Entry.INDEX,
    }  # fmt: skip


def test_an_article_path_in_the_query_is_no_path():
    assert Site(article_path="/w/index.php?title=$1").article_prefix is None
    assert Site(article_path="/nothing").article_prefix is None


def test_the_wikis_own_names_are_those_that_are_not_english_in_any_order():
    for names in (("Special", "Spezial"), ("Spezial", "Special")):
        assert Site(special_names=names).entitydata_title == "Spezial:EntityData"
    assert Site().entitydata_title == "Special:EntityData"


def test_sites_are_equal_by_what_was_given():
    assert replace(Site(), article_path="/a/$1") == Site(article_path="/a/$1") != Site()


def test_reasons_are_short_words_counted_once():
    assert [reason for reason in Reason if not_ours(reason) != NotOurs(reason.value)] == []
    assert all(reason.value.replace("_", "").isalpha() and len(reason.value) < 25 for reason in Reason)
