"""The Action API: finds the module, checks in MediaWiki's order, prints the result or the error.

The order of checks is that of wikibase.md 0.2: assert, parameters, token, read-only, maxlag. Errors
have status 200 and the header MediaWiki-API-Error. Only JSON is printed; other formats get a page.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from cutover.demo.answers import EPOCH, HTML, PRIVATE, Answer
from cutover.demo.calls import ApiError, Call, Message
from cutover.demo.php import api_json
from cutover.demo.sessions import ANONYMOUS_TOKEN, after_edit_cookies
from cutover.demo.shapes import TEXT, Wrapped, shaped

MAIN_PARAMETERS = frozenset(
    [
        "action",
        "format",
        "maxlag",
        "smaxage",
        "maxage",
        "assert",
        "assertuser",
        "requestid",
        "servedby",
        "curtimestamp",
        "responselanginfo",
        "origin",
        "uselang",
        "variant",
        "errorformat",
        "errorlang",
        "errorsuselocal",
    ]
)
JSON_PARAMETERS = frozenset(("callback", "utf8", "ascii", "formatversion"))
ERROR_FORMATS = frozenset(("plaintext", "wikitext", "html", "raw", "none", "bc"))
VARY = "Accept-Encoding, Treat-as-Untrusted, Cookie"
MAIL = "https://lists.wikimedia.org/postorius/lists/mediawiki-api-announce.lists.wikimedia.org/"
NOTICE = (
    f"Subscribe to the mediawiki-api-announce mailing list at <{MAIL}> "
    "for notice of API deprecations and breaking changes."
)

_FORMATS = frozenset((None, "json", "jsonfm", "none", "php", "phpfm", "rawfm", "xml", "xmlfm"))

Result = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module: what runs it, the parameters it must have, and whether it writes (then POST and a token)."""

    run: Callable[[Call], Result]
    required: tuple[str, ...] = ()
    writes: bool = False
    csrf: bool = False  # writes, and needs a token for it


def answer_call(call: Call, modules: Mapping[str, Module]) -> Answer:
    """Answer one request to api.php."""
    values = call.form.values
    if "action" not in values:
        return _page(call, "MediaWiki API help", "")
    printable = values.get("format") in ("json", "none")
    error: ApiError | None = None
    result: Result = {}
    try:
        result = _run(call, modules)
    except ApiError as raised:
        error = raised
    if not printable and not error and values.get("format") not in _FORMATS:
        error = ApiError("badvalue", f'Unrecognized value for parameter "format": {values.get("format")}.')
    if not printable:
        return _page(
            call, "MediaWiki API result", json.dumps(shaped(error.info if error else result, 2), indent=4), error
        )
    return _print(call, result, error)


def _run(call: Call, modules: Mapping[str, Module]) -> Result:
    call.choice("errorformat", ERROR_FORMATS)
    if call.form.values.get("formatversion", "1") not in ("1", "2", "latest"):
        info = f'Unrecognized value for parameter "formatversion": {call.form.values["formatversion"]}.'
        call.warn("badvalue", info, module="json")
        call.warn("error-printer", "Error printer failed. Will retry without params.", module="main")
        raise ApiError("badvalue", info)
    action = str(call.choice("action", modules))
    limits = {name: call.integer(name) for name in ("maxlag", "maxage", "smaxage")}
    _check_assert(call)
    module = modules[action]
    call.module = action
    for name in module.required:
        call.required(name)
    if module.writes or module.csrf:
        _check_write(call, module)
    if limits["maxlag"] is not None and call.world.lag_s > limits["maxlag"]:
        raise _lagged(call.world.lag_s, limits["maxlag"])
    if (module.writes or module.csrf) and call.method != "POST":
        raise ApiError("mustbeposted", f'The "{action}" module requires a POST request.')
    result = module.run(call)
    _warn_unknown(call)
    return result


def _check_assert(call: Call) -> None:
    wanted = call.choice("assert", ("anon", "user", "bot"))
    if wanted == "anon" and call.user:
        raise ApiError("assertanonfailed", "You are no longer logged out, so the action could not be completed.")
    if wanted in ("user", "bot") and not call.user:
        raise ApiError("assertuserfailed", "You are no longer logged in, so the action could not be completed.")
    if wanted == "bot" and "bot" not in (call.user.groups if call.user else ()):
        raise ApiError("assertbotfailed", 'You do not have the "bot" right, so the action could not be completed.')
    name = call.text("assertuser")
    if name is not None and (call.user is None or call.user.name != name):
        info = f'You are no longer logged in as "{name}", so the action could not be completed.'
        raise ApiError("assertnameduserfailed", info)


def _check_write(call: Call, module: Module) -> None:
    if module.csrf:
        token = call.required("token")
        if "token" in call.form.queried and "token" not in call.form.posted:
            info = "The following parameter was found in the query string, but must be in the POST body: token."
            raise ApiError("mustpostparams", info)
        good = call.session.accepts("csrf", token) if call.user and call.session else token == ANONYMOUS_TOKEN
        if not good:
            raise ApiError("badtoken", "Invalid CSRF token.")
    if call.world.read_only:
        reason = call.world.read_only if isinstance(call.world.read_only, str) else "maintenance in progress"
        raise ApiError("readonly", "The wiki is currently in read-only mode.", extra={"readonlyreason": reason})


def _lagged(lag_s: float, allowed_s: int) -> ApiError:
    lag = int(lag_s) if lag_s == int(lag_s) else lag_s
    plural = "" if abs(lag) == 1 else "s"
    return ApiError(
        "maxlag",
        f"Waiting for a database server: {lag} second{plural} lagged.",
        extra={"host": "", "lag": lag, "type": "db"},
        headers=(("Retry-After", str(max(5, allowed_s))), ("X-Database-Lag", str(int(lag)))),
    )


def _warn_unknown(call: Call) -> None:
    formats = JSON_PARAMETERS if call.form.values.get("format") == "json" else frozenset()
    unknown = [name for name in call.form.values if name not in call.known | MAIN_PARAMETERS | formats]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        call.warn("unrecognizedparams", f"Unrecognized parameter{plural}: {', '.join(unknown)}.", module="main")


def _print(call: Call, result: Result, error: ApiError | None) -> Answer:
    values = call.form.values
    modern = values.get("formatversion") in ("2", "latest")
    style = values.get("errorformat", "bc")
    style = style if style in ERROR_FORMATS else "bc"
    out: Result = {}
    if "requestid" in values:
        out["requestid"] = values["requestid"]
    if "curtimestamp" in values:
        out["curtimestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if "responselanginfo" in values:
        out |= {"uselang": values.get("uselang", "en"), "errorlang": "en"}
    if warnings := _warnings(call, style):
        out["warnings"] = warnings
    out |= _error(call, error, style) if error else result
    ascii_only = "ascii" in values if modern else "utf8" not in values
    body = api_json(shaped(out, 2 if modern else 1), ascii_only=ascii_only)
    content_type = "application/json; charset=utf-8"
    if "callback" in values:
        name = re.sub(r"[^][.'\"_A-Za-z0-9]", "", values["callback"])
        body = b"/**/" + name.encode() + b"(" + body + b")"
        content_type = "text/javascript; charset=utf-8"
    if values.get("format") == "none":
        body, content_type = b"", "text/plain; charset=utf-8"
    suffix = "txt" if values.get("format") == "none" else "js" if "callback" in values else "json"
    return Answer(headers=(("Content-Type", content_type), *_headers(call, error, suffix)), body=body)


def _warnings(call: Call, style: str) -> Any:
    if style == "bc":
        by_module: dict[str, Any] = {}
        for module, _, text, _data in call.warnings:
            had = by_module.get(module, {}).get(TEXT + "warnings")
            by_module[module] = {TEXT + "warnings": text if had is None else f"{had}\n{text}"}
        if call.notes:
            notes = [{**_message(note), "type": "warning"} for note in call.notes]
            by_module.setdefault(call.module, {})["messages"] = notes
        return by_module
    return [
        {"code": code, **_styled(style, text, "", ()), **({"data": data} if data else {}), "module": module}
        for module, code, text, data in call.warnings
    ]


def _error(call: Call, error: ApiError, style: str) -> Result:
    messages = {"messages": [_message(one) for one in error.messages]} if error.messages else {}
    ending = {TEXT + "docref": docref(call.world.server)} if error.docref else {}
    if style == "bc":
        return {"error": {"code": error.code, "info": error.info, **error.extra, **messages, **ending}}
    first = error.messages[0] if error.messages else Message(error.code, (), error.info)
    data = {**error.extra, **messages}
    module = "main" if error.module is None else error.module
    entry = {"code": error.code, **_styled(style, error.info, first.name, first.parameters)}
    entry |= ({"data": data} if data else {}) | ({"module": module} if module else {})
    return {"errors": [entry], **ending}


def _styled(style: str, text: str, key: str, parameters: tuple[Any, ...]) -> Result:
    match style:
        case "none":
            return {}
        case "raw":
            return {"key": key, "params": list(parameters)}
        case "html":
            return {TEXT + "html": text}
        case _:
            return {TEXT + "text": text}


def _message(message: Message) -> Result:
    return {"name": message.name, "parameters": list(message.parameters), "html": Wrapped(message.html)}


def docref(server: str) -> str:
    """Return the sentence that ends each error."""
    return (
        f"See {server}/w/api.php for API usage. Subscribe to the mediawiki-api-announce mailing list at "
        f"&lt;{MAIL}&gt; for notice of API deprecations and breaking changes."
    )


def _headers(call: Call, error: ApiError | None, suffix: str) -> list[tuple[str, str]]:
    values = call.form.values
    headers = list(error.headers) if error else []
    if call.edited:
        stamp = int(time.time())
        call.cookies += after_edit_cookies(1, stamp, call.author + call.headers.get("user-agent", ""))
    headers += [("Set-Cookie", cookie) for cookie in call.cookies]
    origin = values.get("origin")
    if "callback" in values or origin == "*":
        headers.append(("MediaWiki-Login-Suppressed", "true"))
    if origin == "*":
        exposed = "MediaWiki-API-Error, Retry-After, X-Database-Lag, MediaWiki-Login-Suppressed"
        headers += [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "false")]
        headers.append(("Access-Control-Expose-Headers", exposed))
    elif origin is not None:
        headers.append(("MediaWiki-CORS-Rejection", "Origin mismatch"))
    if error:
        headers.append(("MediaWiki-API-Error", error.code))
    headers += [("X-Frame-Options", "DENY"), ("Content-Disposition", f"inline; filename=api-result.{suffix}")]
    if call.vary and not call.edited and not error:
        headers.append(("Vary", VARY if origin in (None, "*") else VARY.replace("Treat", "Origin, Treat")))
    return headers + _cache_headers(values, private=bool(error or call.edited or not call.vary), failed=bool(error))


def _cache_headers(values: Mapping[str, str], *, private: bool, failed: bool) -> list[tuple[str, str]]:
    ages = [values.get(name, "0") for name in ("smaxage", "maxage")]
    shared_s, own_s = (int(age) if age.lstrip("-").isdigit() else 0 for age in ages)
    if failed:
        return [("Cache-Control", f"private, must-revalidate, max-age={own_s}")]
    if private or not (shared_s or own_s):
        return [("Cache-Control", PRIVATE)]
    least_s = min(shared_s, own_s)
    expires = formatdate(time.time() + least_s, usegmt=True) if least_s else "Thu, 01 Jan 1970 00:00:01 GMT"
    return [("Expires", expires), ("Cache-Control", f"s-maxage={shared_s}, max-age={own_s}, public")]


def _page(call: Call, title: str, text: str, error: ApiError | None = None) -> Answer:
    shown = text.replace("&", "&amp;").replace("<", "&lt;")
    head = f"<html><head><title>{title} - {call.world.facts.sitename}</title></head>"
    page = f"<!DOCTYPE html>\n{head}<body><pre>{shown}</pre></body></html>\n"
    failed = [("MediaWiki-API-Error", error.code)] if error else []
    headers = [("Content-Type", HTML), *failed, ("Vary", "Accept-Encoding, Cookie"), ("Expires", EPOCH)]
    return Answer(headers=(*headers, ("Cache-Control", PRIVATE)), body=page.encode())
