"""The forms of a report: all of it is there, and what a wiki said is escaped."""

import json
from html.parser import HTMLParser
from itertools import groupby

from verifier.report import Report
from verifier.report_forms import plain, render_html, render_json, render_markdown, render_text


async def test_the_json_has_everything(report: Report, hostile: str) -> None:
    told = json.loads(render_json(report))
    assert told["overall"]["bound"]["failures"] == 2
    assert told["overall"]["outcomes"] == {
        "error": 2, "match": 96, "match_under_rule": 1, "mismatch": 1, "not_comparable_yet": 1, "not_compared": 1,
        "shed": 3,
    }  # fmt: skip
    assert told["mismatches"][0]["detail"] == hostile
    assert told["findings"][0]["kind"] == "snapshot_corrupt"
    assert told["epoch"]["number"] == 1


async def test_the_text_says_the_bound_and_obeys_nobody(report: Report) -> None:
    text = render_text(report)
    assert "2 of 99 comparisons differ" in text
    assert "95% confidence" in text
    assert "snapshot_corrupt: Q1 revision 7" in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert "\\u001b[31m" in text


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


async def test_the_page_holds_no_markup_of_the_wiki_and_loads_nothing(report: Report) -> None:
    page = render_html(report)
    tags = Tags()
    tags.feed(page)
    assert not {"script", "img", "iframe", "link"} & tags.tags
    assert not {"src", "href", "onerror"} & tags.attributes
    assert "&lt;script&gt;alert(1)" in page
    assert "2 of 99 comparisons differ" in page
    assert not {"\x1b", "\u202e"} & set(page)


async def test_the_markdown_holds_no_markup_of_the_wiki(report: Report) -> None:
    text = render_markdown(report)
    prose = [line for line in text.splitlines() if not line.startswith("    ")]
    assert not [line for line in prose if "<" in line]
    assert "| surface rest | 1 |" in text
    bars = [line.replace("\\|", "").count("|") if line.startswith("|") else 0 for line in prose]
    tables = [set(group) for inside, group in groupby(bars, bool) if inside]
    assert len(tables) > 4
    assert [widths for widths in tables if len(widths) > 1] == []


def test_control_characters_are_written_out() -> None:
    assert plain("a\x00b\u2028é\ud800") == "a\\u0000b\\u2028é\\ud800"
