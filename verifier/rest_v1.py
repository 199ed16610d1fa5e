"""Answers of the REST API v1, as far as they can be judged: what v1 leaves out of a value is left out on both sides.

`wikibase.rest_v1` brings statements to the keys of the Action API; here they become an answer like any other. A value
of a data type that nobody knows cannot be brought there: such an answer is not compared, and says why.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wikibase.answers import Answer, entities_in
from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId
from wikibase.rest_v1 import claim_of_v1, claims_of_v1

REASON = "rest_v1"
"""The reason with which `wikibase.answers` leaves such an answer aside."""

UNREADABLE = "rest_v1_value"

Json = Any


def v1_answer(body: Json, *, asked: Sequence[EntityId], etag: str | None, modified: str | None) -> Answer:
    """Return what an answer of v1 holds: values without what v1 never tells. Raises nothing, whatever the body is."""
    try:
        plain = _plain(body)
    except NotAnEntityError as error:
        return Answer(reason=UNREADABLE, detail=str(error)[:200])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return Answer(reason="unexpected_body", detail=f"{type(error).__name__}: {error}"[:200])
    return entities_in("rest", plain, asked=asked, etag=etag, modified=modified)


def _plain(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the body with its statements as v0 would write them: an item, a map of statements, or one statement."""
    if "statements" in body:
        return {**body, "statements": claims_of_v1(body["statements"])}
    return claim_of_v1(body) if "rank" in body else claims_of_v1(body)
