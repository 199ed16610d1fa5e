"""The configuration: a wrong file names the place, the field and what was expected."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.config import Config
from backends.config_file import ConfigError, example, parse_config, read_config

WRONG = [
    ("phase: nope", "c.yaml:1: phase: expected one of prepare, export, shadow_reads, read_cutover, got 'nope'"),
    ("\nwiki:\n  urll: x", "c.yaml:3: wiki.urll: there is no such field; did you mean 'url'?"),
    ("wiki:\n  zzz: x", "c.yaml:2: wiki.zzz: there is no such field; the fields here are url, "),
    ("proxy:\n  clients_max: many", "c.yaml:2: proxy.clients_max: expected a whole number, got 'many'"),
    ("proxy:\n  clients_max: true", "c.yaml:2: proxy.clients_max: expected a whole number, got True"),
    ("proxy:\n  clients_max: 0", "c.yaml:2: proxy.clients_max: expected at least 1, got 0"),
    ("shadow:\n  sample_rate: 2", "c.yaml:2: shadow.sample_rate: expected at most 1, got 2"),
    ("proxy: [1]", "c.yaml:1: proxy: expected fields with values under it"),
    ("a: [", "c.yaml:1: is not YAML"),
    ("wiki:\n  url: ftp://x", "c.yaml:2: wiki.url: expected an http:// or https:// URL, got 'ftp://x'"),
    ("proxy:\n  listen: here", "c.yaml:2: proxy.listen: expected host:port, got 'here'"),
    ("proxy:\n  trusted_proxies: [10.0.0.1/8]", "c.yaml:2: proxy.trusted_proxies: expected networks"),
    ("wiki:\n  entity_namespaces: {item: x}", "c.yaml:2: wiki.entity_namespaces: expected names with whole numbers"),
    ("phase: prepare\nphase: export", "c.yaml:2: phase: is given twice"),
    ("store:\n  index: mysql://a:hunter2@db/x", "c.yaml:2: store.index: a password does not belong"),
    ("reads:\n  surfaces: [rest, soap]", "c.yaml:2: reads.surfaces: expected some of wbgetentities, "),
    ("- a", "c.yaml:1: expected fields with values under it"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_config_names_line_field_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.yaml")
    assert str(caught.value).startswith(message)


def test_an_empty_file_is_the_default() -> None:
    assert parse_config("", "c.yaml") == Config()


def test_a_whole_number_may_stand_for_a_number() -> None:
    assert parse_config("proxy:\n  connect_timeout_s: 2", "c").proxy.connect_timeout_s == 2.0


def test_every_field_says_what_it_means_and_the_example_loads() -> None:
    for section in fields(Config):
        value = getattr(Config(), section.name)
        for one in fields(value) if is_dataclass(value) else (section,):
            assert one.metadata["doc"], one.name
            assert f"{one.name}:" in example()
    assert parse_config(example(), "example") == Config()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_config(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_config(tmp_path / "c.yaml")


@given(st.text(max_size=60))
def test_any_text_is_a_config_or_a_named_error(text: str) -> None:
    message = "c:"
    try:
        parse_config(text, "c")
    except ConfigError as error:
        message = str(error)
    assert message.startswith("c:")
