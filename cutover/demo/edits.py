"""The write modules: parameters, conflicts, the save, and each one's answer (wikibase-observed.md 4)."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from cutover.demo.api import Result
from cutover.demo.calls import ApiError, Call, Message, wikibase_error
from cutover.demo.entities_api import load, no_such_entity, parse_local, unresolved_redirect
from cutover.demo.meta import may
from cutover.demo.records import Page
from cutover.demo.render import render_entity, render_statement
from cutover.demo.shapes import Raw
from cutover.demo.statements import (
    BadDataError,
    changed_parts,
    clean_term,
    stored_statement,
    with_aliases,
    with_data,
    with_statement,
    with_term,
)
from cutover.demo.titles import TitleError, normalise_title
from cutover.demo.world import Entity, EntityMissingError
from wikibase.ids import EntityId, EntityType, entity_type

TERM_LENGTH_MAX = 250

_SINGULAR = {"labels": "label", "descriptions": "description"}
_MAPS = ("labels", "descriptions", "aliases", "claims", "sitelinks")
_CONFLICT = "Edit conflict. Could not patch the current revision."
_SELECTOR = 'You need to provide either an entity "id", or a "site" and "page" combination, but not both.'
_COMMENT_LENGTH_MAX = 500

Change = Callable[[Entity], Entity]


def set_label(call: Call) -> Result:
    """Run wbsetlabel."""
    return _set_term(call, "labels")


def set_description(call: Call) -> Result:
    """Run wbsetdescription."""
    return _set_term(call, "descriptions")


def _set_term(call: Call, key: str) -> Result:
    language = str(call.choice("language", call.world.facts.languages))
    value = clean_term(call.text("value") or "")
    entity_id = _target(call)
    before = _current(call, entity_id)
    had = before[key].get(language)
    action = "remove" if not value else "set" if had else "add"
    shown = value or (had["value"] if had else "")
    note = f"/* {call.module}-{action}:1|{language} */ {shown}"
    saved, rev_id, nochange = _save(call, entity_id, lambda entity: with_term(entity, key, language, value), note)
    term = {"language": language, "value": value} if value else {"language": language, "removed": ""}
    return _term_result(saved, rev_id, nochange=nochange, terms={key: {language: term}})


def set_aliases(call: Call) -> Result:
    """Run wbsetaliases: set, or add and remove."""
    language = str(call.choice("language", call.world.facts.languages))
    given = {name: call.values(name) for name in ("set", "add", "remove")}
    if (given["set"] is None) == (given["add"] is None and given["remove"] is None):
        raise wikibase_error("invalid-list", "Invalid list data.")
    lists = {name: [clean_term(one) for one in found or ()] for name, found in given.items()}
    entity_id = _target(call)

    def change(entity: Entity) -> Entity:
        replace = None if given["set"] is None else lists["set"]
        return with_aliases(entity, language, add=lists["add"], remove=lists["remove"], replace=replace)

    action = "set" if given["set"] is not None else "add" if lists["add"] else "remove"
    named = lists[action]
    note = f"/* wbsetaliases-{action}:{len(named)}|{language} */ {', '.join(named)}"
    saved, rev_id, nochange = _save(call, entity_id, change, note)
    group = saved["aliases"].get(language)
    return _term_result(saved, rev_id, nochange=nochange, terms={"aliases": {language: group}} if group else {})


def _term_result(saved: Entity, rev_id: int, *, nochange: bool, terms: Result) -> Result:
    entity = {**terms, "id": saved["id"], "type": saved["type"], "lastrevid": rev_id}
    return {"entity": Raw({**entity, **({"nochange": ""} if nochange else {})}), "success": 1}


def edit_entity(call: Call) -> Result:
    """Run wbeditentity."""
    data = _json(call.required("data"))
    if not isinstance(data, dict | list):
        raise wikibase_error("not-recognized-array", "An array was expected, but not found.")
    fields: dict[str, Any] = data if isinstance(data, dict) else {}
    clear = call.has("clear")
    entity_id = _target(call, fields)

    def change(entity: Entity) -> Entity:
        start = {key: {} if key in _MAPS else value for key, value in entity.items()} if clear else entity
        return with_data(start, fields, lambda: f"{entity['id']}${str(uuid.uuid4()).upper()}")

    action = "override" if clear else "update"
    note = f"/* wbeditentity-{action}:0| */" if entity_id else f"/* wbeditentity-create-{_new_type(call)}:0| */"
    saved, rev_id, nochange = _save(call, entity_id, change, note, clear=clear)
    shown = {**render_entity(call.world, saved, urls=True, sort_sites=False), "lastrevid": rev_id}
    return {"entity": Raw({**shown, **({"nochange": ""} if nochange else {})}), "success": 1}


def create_claim(call: Call) -> Result:
    """Run wbcreateclaim."""
    entity_id = parse_local(call.required("entity"))
    prop = call.required("property").upper()
    kind = str(call.choice("snaktype", ("value", "novalue", "somevalue")))
    value = call.text("value")
    if entity_id is None:
        raise wikibase_error("invalid-entity-id", "Invalid entity ID.")
    if kind == "value" and value is None:
        info = "A value needs to be provided when creating a claim with PropertyValueSnak snak."
        raise wikibase_error("param-missing", info, "wikibase-api-claim-value-missing")
    if prop not in call.world.datatypes:
        raise wikibase_error("no-such-entity", 'Could not find an entity with the ID "$1".')
    snak: dict[str, Any] = {"snaktype": kind, "property": prop}
    if kind == "value":
        snak["datavalue"] = _data_value(str(value), call.world.datatypes[prop])
    statement = stored_statement({"mainsnak": snak}, f"{entity_id}${str(uuid.uuid4()).upper()}")
    note = f"/* wbcreateclaim-create:1| */ [[Property:{prop}]]" + (
        f": {json.loads(str(value))}" if kind == "value" else ""
    )
    _, rev_id, _ = _save(call, entity_id, lambda entity: with_statement(entity, statement, str), note)
    shown = render_statement(call.world, statement)
    return {"pageinfo": {"lastrevid": rev_id}, "success": 1, "claim": Raw(shown)}


def _data_value(text: str, datatype: str) -> Result:
    try:
        value = json.loads(text)
    except ValueError:
        raise wikibase_error("invalid-snak", "Invalid snak data.") from None
    if datatype in ("wikibase-item", "wikibase-property"):
        named = value.get("id") or f"{'Q' if datatype == 'wikibase-item' else 'P'}{value.get('numeric-id')}"
        whole = {"entity-type": datatype.removeprefix("wikibase-"), "numeric-id": int(named[1:]), "id": named}
        return {"value": whole, "type": "wikibase-entityid"}
    types = {"time": "time", "quantity": "quantity", "globe-coordinate": "globecoordinate"}
    kind = types.get(datatype, "monolingualtext" if datatype == "monolingualtext" else "string")
    if kind == "string" and not isinstance(value, str):
        raise wikibase_error("invalid-snak", "Invalid snak data.")
    return {"value": value, "type": kind}


def create_redirect(call: Call) -> Result:
    """Run wbcreateredirect: from an empty item (or a redirect) to a live one."""
    source, target = parse_local(call.required("from")), parse_local(call.required("to"))
    if source is None or target is None:
        raise wikibase_error("invalid-entity-id", "Invalid entity ID.")
    try:
        before, after = call.world.content(call.world.head(source)), call.world.content(call.world.head(target))
    except EntityMissingError:
        raise wikibase_error("no-such-entity", 'Could not find an entity with the ID "$1".') from None
    if entity_type(source) is EntityType.PROPERTY or entity_type(target) is EntityType.PROPERTY:
        info = (
            "Can't create redirect (possibly because redirects between this kind of entity are not supported at all)."
        )
        raise wikibase_error("cant-redirect", info)
    if "redirect" in after:
        raise wikibase_error("target-is-redirect", "The redirect's target must not be a redirect too.")
    if any(before.get(key) for key in _MAPS):
        info = f"Can't create redirect on non empty item {source}"
        raise wikibase_error("origin-not-empty", info, None, info)
    if before.get("redirect") != target:
        call.world.redirect(source, target, user=call.author)
        call.edited = True
    call.vary = False
    return {"success": 1, "redirect": target}


def delete_page(call: Call) -> Result:
    """Run action=delete."""
    page, title = _page(call)
    reason = call.text("reason") or ""
    _check_right(call, "delete")
    if page is None:
        raise ApiError("missingtitle", "The page you specified doesn't exist.", module="delete")
    log_id = call.world.delete(title, user=call.author, reason=reason)
    call.edited = True
    return {"delete": {"title": title, "reason": reason, "logid": log_id}}


def undelete_page(call: Call) -> Result:
    """Run action=undelete."""
    _, title = _page(call)
    reason = call.text("reason") or ""
    _check_right(call, "undelete")
    count = call.world.undelete(title, user=call.author, reason=reason)
    if not count:
        info = "Couldn't undelete: the requested revisions may not exist or may have been undeleted already."
        raise ApiError("cantundelete", info, module="undelete")
    call.edited = True
    return {"undelete": {"title": title, "revisions": count, "fileversions": 0, "reason": reason}}


def _page(call: Call) -> tuple[Page | None, str]:
    page_id = call.integer("pageid")
    if page_id is not None:
        page = call.world.pages.get(page_id)
        return page, page.title if page else ""
    try:
        title = normalise_title(call.required("title"), call.world.facts.namespaces)[1]
    except TitleError:
        raise ApiError("invalidtitle", f'Bad title "{call.form.values["title"]}".') from None
    return call.world.page(title), title


def _check_right(call: Call, right: str) -> None:
    call.vary = False
    if not may(call.user, right):
        info = f"The action you have requested is limited to users with the right {right}."
        raise ApiError("permissiondenied", info)


def _target(call: Call, data: Result | None = None) -> EntityId | None:
    """Return the entity that an edit addresses, None for a new one."""
    call.vary = False
    new, named = _new_type(call), call.text("id")
    site, title = call.text("site"), call.text("title")
    if new:
        if named is not None:
            raise wikibase_error("param-illegal", "An illegal set of parameters have been used.")
        if new == "property" and not (data and data.get("datatype")):
            raise wikibase_error("param-missing", "A property needs a datatype.")
        return None
    if (named is None) == (site is None or title is None):
        selector = "wikibase-api-illegal-id-or-site-page-selector"
        html = (
            _SELECTOR.replace('"id"', "<var>id</var>")
            .replace('"site"', "<var>site</var>")
            .replace('"page"', "<var>page</var>")
        )
        raise wikibase_error("param-illegal", _SELECTOR, selector, html=html)
    if named is None:
        found = call.world.site_links.get((str(site), str(title).replace("_", " ").strip()))
        if found is None:
            info = "Could not find an entity with this site link."
            raise wikibase_error("no-such-entity-link", info, None, site, title)
        return found
    entity_id = parse_local(named)
    if entity_id is None:
        raise wikibase_error("invalid-entity-id", "Invalid entity ID.")
    return entity_id


def _new_type(call: Call) -> str | None:
    return call.choice("new", ("item", "property"))


def _current(call: Call, entity_id: EntityId | None) -> Entity:
    if entity_id is None:
        kind = str(_new_type(call))
        return {"type": kind, "id": "", **{key: {} for key in _MAPS if key != "sitelinks" or kind == "item"}}
    try:
        entity = load(call, entity_id)
    except EntityMissingError:
        raise no_such_entity(entity_id) from None
    if "redirect" in entity:
        raise unresolved_redirect()
    return entity


def _save(
    call: Call, entity_id: EntityId | None, change: Change, note: str, *, clear: bool = False
) -> tuple[Entity, int, bool]:
    """Check, save, and return the saved entity, the current revision, and whether nothing changed."""
    summary = call.text("summary")
    comment = f"{note}, {summary}" if summary else note
    comment = comment.removesuffix(" ")[:_COMMENT_LENGTH_MAX]
    tags = tuple(call.values("tags") or ())
    bot = call.has("bot") and may(call.user, "bot")
    base_id = call.integer("baserevid")
    before = _current(call, entity_id)
    try:
        after = change(before)
    except BadDataError as problem:
        raise wikibase_error(problem.code, str(problem)) from None
    _check_terms(before, after)
    if entity_id is None:
        after = {**after, **_datatype(call)}
        created, rev_id = call.world.create(after, user=call.author, comment=comment, tags=tags, bot=bot)
        call.edited = True
        return call.world.content(call.world.head(created)), rev_id, False
    head = call.world.head(entity_id)
    if base_id and base_id != head.rev_id:
        _check_conflict(call, head.page_id, base_id, before, change, clear=clear)
    rev_id = call.world.edit(entity_id, lambda _: after, user=call.author, comment=comment, tags=tags, bot=bot)
    nochange = rev_id == head.rev_id
    call.edited = not nochange
    return call.world.content(call.world.head(entity_id)), rev_id, nochange


def _datatype(call: Call) -> Result:
    if _new_type(call) != "property":
        return {}
    return {"datatype": _json(call.required("data"))["datatype"]}


def _check_conflict(call: Call, page_id: int, base_id: int, latest: Entity, change: Change, *, clear: bool) -> None:
    base_revision = call.world.revisions.get(base_id)
    if base_revision is None or base_revision.page_id != page_id:
        raise wikibase_error("nosuchrevid", "Revision with ID not found.")
    base = call.world.content(base_revision)
    theirs = changed_parts(base, latest)
    if clear or "redirect" in base or changed_parts(base, change(base)) & theirs:
        found = Message("wikibase-api-editconflict", (), _CONFLICT), Message("edit-conflict", (), "Edit conflict.")
        raise ApiError("editconflict", _CONFLICT, messages=found)
    call.notes.append(Message("wikibase-conflict-patched", (), "Your edit was patched into the latest version."))


def _check_terms(before: Entity, after: Entity) -> None:
    for key, name in _SINGULAR.items():
        for language, term in after[key].items():
            if term != before[key].get(language) and len(term["value"]) > TERM_LENGTH_MAX:
                info = f"{name.title()} must be no more than {TERM_LENGTH_MAX} characters long"
                shown = term["value"][:29] + "..."
                raise wikibase_error(
                    "modification-failed", info, f"wikibase-validator-{name}-too-long", str(TERM_LENGTH_MAX), shown
                )
    for language, term in after["labels"].items():
        description = after["descriptions"].get(language)
        changed = term != before["labels"].get(language) or description != before["descriptions"].get(language)
        if changed and description and description["value"] == term["value"]:
            info = f"Label and description for language code {language} can not have the same value."
            raise wikibase_error("modification-failed", info, "wikibase-validator-label-equals-description", language)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise wikibase_error("invalid-json", "Invalid json in request.") from None
