import pytest

from backends.config import Config
from backends.errors import RefusedError
from backends.wiki.database import Cluster
from export.api_source import ApiSource
from export.opening import clusters_of, entity_namespaces, limits_of, namespace_models, opened_source
from wikibase.ids import EntityType


async def test_without_a_database_the_wiki_is_read_over_its_api() -> None:
    async with opened_source(Config()) as source:
        assert isinstance(source, ApiSource)
        assert not source.shows_archive


def test_clusters_are_databases_here_or_elsewhere() -> None:
    said = {"a": "es_a", "b": "es_a.blobs_b", "c": "mysql://reader@10.0.0.5:3307/es_c.blobs_c?tls=off"}
    found = clusters_of(said, "secret")
    assert found["a"] == Cluster("es_a")
    assert found["b"] == Cluster("es_a", "blobs_b")
    elsewhere = found["c"]
    assert (elsewhere.database, elsewhere.table) == ("es_c", "blobs_c")
    assert elsewhere.server is not None
    assert (elsewhere.server.host, elsewhere.server.port, elsewhere.server.password) == ("10.0.0.5", 3307, "secret")
    with pytest.raises(RefusedError, match="cluster bad"):
        clusters_of({"bad": "mysql://nobody"}, "")


def test_namespaces_say_what_their_pages_hold_by_default() -> None:
    assert entity_namespaces(Config()) == {EntityType.ITEM: 120, EntityType.PROPERTY: 122}
    assert namespace_models(Config()) == {120: "wikibase-item", 122: "wikibase-property"}


def test_limits_are_those_of_the_configuration() -> None:
    assert limits_of(Config()).entities_at_once == Config().export.entities_at_once
