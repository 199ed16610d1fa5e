"""MediaWiki's XML: revisions with several slots, hidden and left-out texts, and what is no such XML."""

from collections.abc import Iterator

import pytest

from wikibase.errors import NotAnEntityError
from wikibase.xml_pages import XmlText, read_xml

EXPORT = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo><sitename>W</sitename><namespaces><namespace key="0" /></namespaces></siteinfo>
  <page>
    <title>File:Cat.jpg</title><ns>6</ns><id>7</id><redirect title="x" />
    <revision>
      <id>12</id><parentid>11</parentid><timestamp>2020-01-02T03:04:05Z</timestamp>
      <contributor><username>A</username><id>99</id></contributor>
      <comment>c</comment><origin>12</origin><model>wikitext</model><format>text/x-wiki</format>
      <text bytes="5" sha1="x" xml:space="preserve">a &lt;b&gt;
 &amp; c</text><sha1>x</sha1>
      <content><role>mediainfo</role><origin>12</origin><model>wikibase-mediainfo</model><format>application/json</format>
        <text bytes="2">{}</text></content>
    </revision>
    <revision><id>13</id><model>wikibase-item</model><text bytes="9" deleted="deleted" /></revision>
  </page>
  <page>
    <title>Q1</title><ns>0</ns><id>8</id>
    <revision><id>14</id><model>wikibase-item</model><text bytes="9" id="44" location="tt:44" /></revision>
    <revision><id>15</id><model>wikibase-item</model><text bytes="0" /></revision>
    <revision><id>nonsense</id><model>wikibase-item</model></revision>
  </page>
</mediawiki>"""


def texts(xml: str, size: int = 50) -> list[XmlText]:
    data = xml.encode()
    return list(read_xml(data[at : at + size] for at in range(0, len(data), size)))


@pytest.mark.parametrize("size", [1, 7, 50, 100_000])
def test_every_slot_of_every_revision_comes_with_what_is_told_of_it(size: int) -> None:
    found = [
        (one.title, one.page_id, one.role, one.rev_id, one.model, one.text, one.reason) for one in texts(EXPORT, size)
    ]
    assert sorted(found, key=str) == sorted(
        [
            ("File:Cat.jpg", 7, "main", 12, "wikitext", "a <b>\n & c", ""),
            ("File:Cat.jpg", 7, "mediainfo", 12, "wikibase-mediainfo", "{}", ""),
            ("File:Cat.jpg", 7, "main", 13, "wikibase-item", None, "texthidden"),
            ("Q1", 8, "main", 14, "wikibase-item", None, "stub"),
            ("Q1", 8, "main", 15, "wikibase-item", None, "no_text"),
            ("Q1", 8, "main", None, "wikibase-item", None, "no_text"),
        ],
        key=str,
    )


def test_a_revision_tells_its_parent_time_and_line() -> None:
    first = next(one for one in texts(EXPORT) if one.role == "main")
    assert (first.parent_id, first.timestamp, first.line) == (11, "2020-01-02T03:04:05Z", 9)


def test_revisions_come_while_the_file_is_read() -> None:
    def endless() -> Iterator[bytes]:
        yield b"<mediawiki><page><title>Q1</title>"
        while True:
            yield b"<revision><id>1</id><model>wikibase-item</model><text>{}</text></revision>"

    found = read_xml(endless())
    assert [next(found).text for _ in range(3)] == ["{}"] * 3


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("", "no element found"),
        ("<html/>", "of <html>"),
        ("<mediawiki><page></mediawiki>", "mismatched tag"),
        ('<!DOCTYPE m [<!ENTITY a "aaaa">]><mediawiki>&a;</mediawiki>', "DOCTYPE"),
        ("<mediawiki>&a;</mediawiki>", "undefined entity"),
        ("<mediawiki>\x01</mediawiki>", "invalid token"),
    ],
)
def test_what_is_no_such_xml_is_refused_by_name(xml: str, words: str) -> None:
    with pytest.raises(NotAnEntityError, match=words):
        texts(xml)
