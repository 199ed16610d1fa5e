"""Why a request is not ours, or cannot be decided: one fixed word each, so that it can be counted.

The words are metric labels and stand in stored reports: add, never rename.
"""

from enum import StrEnum

from rules.routes.route import NotOurs


class Reason(StrEnum):
    """What a request is instead of an entity read or write."""

    # Not a script of the wiki, or not a way to ask it.
    STATIC = "static"  # any path that is no script and no article
    OTHER_SCRIPT = "other_script"  # load.php, thumb.php, opensearch_desc.php ...
    METHOD = "method"  # OPTIONS, PUT on api.php ...
    CONCEPT_URI = "concept_uri"  # /entity/Q5: the web server's own 303, or 404 where it has no such rule (1.3)

    # Action API
    ACTION_NOT_ENTITY = "action_not_entity"
    NO_CONTENT_CHANGE = "no_content_change"  # purge, watch, patrol, thank: posts that leave the content alone
    PAGE_NOT_ENTITY = "page_not_entity"  # the page named cannot hold an entity
    SEARCH = "search"
    RENDERED_LABELS = "rendered_labels"  # wbformatentities: labels as HTML or text
    ENTITY_TERMS = "entity_terms"  # prop=entityterms, pageterms: from the term store, which lags (observed 5)
    VALUE = "value"  # wbformatvalue, wbparsevalue
    GRAPHQL = "graphql"
    CONSTRAINTS = "constraints"
    QUERY_METADATA = "query_metadata"
    REVISION_METADATA = "revision_metadata"  # prop=revisions that does not ask for content
    DELETED_REVISIONS = "deleted_revisions"  # what only the privileged may see is neither sampled nor answered
    EXPORT_XML = "export_xml"
    PARSED = "parsed"  # parse, compare, expandtemplates: rendered by the wiki
    TOO_MANY_VALUES = "too_many_values"  # above the highest limit that any account has

    # EntityData, the special page
    RDF = "rdf"
    SERIALIZED_PHP = "serialized_php"
    HTML = "html"  # Q5.html leads to the entity's page
    FORMAT_UNKNOWN = "format_unknown"  # 415
    HELP = "help"  # no id: the help page
    PURGE = "purge"  # data with a side effect that only the wiki can have: it empties the CDN
    REDIRECT_NEGOTIATED = "redirect_negotiated"  # no format: 303 by Accept, or 406
    REDIRECT_CANONICAL = "redirect_canonical"  # 301: q5.json, Q5.JSON, Q5.json?format=ttl
    REDIRECT_NAME = "redirect_name"  # 301/302: special:entitydata/Q5.json
    MALFORMED_ID = "malformed_id"  # the one id asked for is none here: refused before any entity is read

    # REST
    REST_CORE = "rest_core"
    REST_NO_ROUTE = "rest_no_route"
    REST_METHOD = "rest_method"
    REST_NO_ENTITY = "rest_no_entity"  # openapi.json, property-data-types

    # Pages
    PAGE_HTML = "page_html"
    SPECIAL_OTHER = "special_other"
    REDIRECT_ENTITY_PAGE = "redirect_entity_page"
    REDIRECT_API_PATH = "redirect_api_path"  # /w/api.php/x is 301 to /w/api.php

    # What cannot be decided is never guessed.
    UNDECIDABLE_TARGET = "undecidable_target"  # no path in the request target
    UNDECIDABLE_PARAMETERS = "undecidable_parameters"  # more than PHP takes by default: where it cuts is not known
    UNDECIDABLE_BODY = "undecidable_body"  # multipart that is cut off or malformed
    UNDECIDABLE_MODULE = "undecidable_module"  # an action=wb… that this table does not know


_NOT_OURS = {reason: NotOurs(reason.value) for reason in Reason}


def not_ours(reason: Reason) -> NotOurs:
    """Return the one answer with that reason."""
    return _NOT_OURS[reason]
