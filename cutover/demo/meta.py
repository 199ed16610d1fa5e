"""meta=siteinfo, tokens, userinfo; action=login and logout (recordings 001-010, 395)."""

import time
from typing import Any

from cutover.demo.api import NOTICE, Result
from cutover.demo.calls import ApiError, Call, wikibase_error
from cutover.demo.records import User
from cutover.demo.sessions import ANONYMOUS_TOKEN
from cutover.demo.shapes import TEXT

TOKEN_KINDS = ("csrf", "login", "rollback", "patrol", "watch", "createaccount", "userrights")
RIGHTS = {
    "*": ("read", "edit", "createpage", "item-term", "property-term", "item-merge", "item-redirect", "property-create"),
    "user": ("move", "upload", "sendemail", "purge"),
    "bot": ("bot", "autopatrol", "apihighlimits", "writeapi"),
    "sysop": ("delete", "undelete", "protect", "rollback", "block", "deletedhistory", "deletedtext", "apihighlimits"),
}

_VALUE_TYPES = {
    "commonsMedia": "string",
    "geo-shape": "string",
    "tabular-data": "string",
    "url": "string",
    "external-id": "string",
    "wikibase-item": "wikibase-entityid",
    "wikibase-property": "wikibase-entityid",
    "globe-coordinate": "globecoordinate",
    "monolingualtext": "monolingualtext",
    "quantity": "quantity",
    "string": "string",
    "time": "time",
}
_SUBPAGES = frozenset((1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15))
_LOGIN_WARNING = (
    'Main-account login via "action=login" is deprecated and may stop working without warning. To continue login with '
    '"action=login", see [[Special:BotPasswords]]. To safely continue using main-account login, '
    'see "action=clientlogin".'
)


def meta_siteinfo(call: Call) -> Result:
    """Return what siprop asks for: general, namespaces, statistics."""
    wanted = call.values("siprop", ("general", "namespaces", "statistics", "rightsinfo"))
    wanted = ["general"] if wanted is None else wanted
    out: Result = {}
    if "general" in wanted:
        out["general"] = _general(call)
    if "namespaces" in wanted:
        out["namespaces"] = {str(number): _namespace(call, number) for number in call.world.facts.namespaces}
    if "statistics" in wanted:
        pages = len(call.world.pages)
        counts = {"pages": pages, "articles": 0, "edits": len(call.world.revisions), "images": 0}
        out["statistics"] = {**counts, "users": len(call.world.users), "activeusers": 0, "admins": 1, "jobs": 0}
    if "rightsinfo" in wanted:
        out["rightsinfo"] = {"url": "", "text": ""}
    return out


def _general(call: Call) -> Result:
    facts, server = call.world.facts, call.world.server
    return {
        "mainpage": "Main Page",
        "base": f"{server}/wiki/Main_Page",
        "sitename": facts.sitename,
        "generator": facts.generator,
        "dbtype": "mysql",
        "case": "first-letter",
        "lang": "en",
        "fallback": [],
        "writeapi": True,
        "maxarticlesize": 2097152,
        "timezone": "UTC",
        "timeoffset": 0,
        "articlepath": "/wiki/$1",
        "scriptpath": "/w",
        "script": "/w/index.php",
        "variantarticlepath": False,
        "server": server,
        "servername": server.partition("://")[2].partition(":")[0],
        "wikiid": facts.wiki_id,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "maxuploadsize": 104857600,
        "wikibase-propertytypes": {name: {"valuetype": value} for name, value in _VALUE_TYPES.items()},
        "wikibase-conceptbaseuri": facts.concept_base_uri,
        "wikibase-geoshapestoragebaseurl": "https://commons.wikimedia.org/wiki/",
        "wikibase-tabulardatastoragebaseurl": "https://commons.wikimedia.org/wiki/",
    }


def _namespace(call: Call, number: int) -> Result:
    names = call.world.facts.namespaces[number]
    out: Result = {"id": number, "case": "first-letter", TEXT + "name": names["name"]}
    out |= {"subpages": number in _SUBPAGES, "content": number == 0, "nonincludable": False}
    return out | {key: names[key] for key in ("canonical", "defaultcontentmodel") if key in names}


def meta_tokens(call: Call) -> Result:
    """Return tokens. An anonymous one for edits is a constant; one for login opens a session."""
    kinds = call.values("type", TOKEN_KINDS)
    out: Result = {}
    stamp = int(time.time())
    for kind in ["csrf"] if kinds is None else kinds:
        if kind != "login" and call.user is None:
            out[f"{kind}token"] = ANONYMOUS_TOKEN
            continue
        if call.session is None:
            call.session, cookies = call.world.sessions.start()
            call.cookies += cookies
        out[f"{kind}token"] = call.session.token(kind, stamp)
    return {"tokens": out}


def meta_userinfo(call: Call) -> Result:
    """Return who is asking."""
    wanted = call.values("uiprop") or []
    user = call.user
    info: Result = {"id": user.user_id, "name": user.name} if user else {"id": 0, "name": call.author, "anon": True}
    groups = groups_of(user)
    if "groups" in wanted:
        info["groups"] = groups
    if "rights" in wanted:
        info["rights"] = list(dict.fromkeys(right for group in groups for right in RIGHTS.get(group, ())))
    if "ratelimits" in wanted:
        info["ratelimits"] = {}
    return {"userinfo": info}


def groups_of(user: User | None) -> list[str]:
    """Return the groups of an account, the implicit ones last."""
    return [*sorted(user.groups), "*", "user", "autoconfirmed"] if user else ["*"]


def may(user: User | None, right: str) -> bool:
    """Whether an account has a right."""
    return any(right in RIGHTS.get(group, ()) for group in groups_of(user))


def run_login(call: Call) -> Result:
    """Run action=login: first without a token (then it is given), or with one from meta=tokens."""
    call.vary = False
    name, password, token = call.text("lgname"), call.text("lgpassword"), call.text("lgtoken")
    call.text("lgdomain")
    if call.session is None or not token:
        if call.session is None:
            call.session, cookies = call.world.sessions.start()
            call.cookies += cookies
        given: dict[str, Any] = {"result": "NeedToken", "token": call.session.token("login", int(time.time()))}
        return {"login": given}
    if not call.session.accepts("login", token):
        return {"login": {"result": "WrongToken"}}
    user = call.world.users.get((name or "").partition("@")[0].replace("_", " "))
    call.edited = True  # login sets the read-your-writes cookies too
    if user is None or user.password != password:
        reason = "Incorrect username or password entered. Please try again."
        return {"login": {"result": "Failed", "reason": reason}}
    call.world.sessions.end(call.session)
    call.session, cookies = call.world.sessions.start(user)
    call.cookies += cookies
    call.warn("deprecation-help", NOTICE, module="main")
    call.warn("deprecation", _LOGIN_WARNING)
    return {"login": {"result": "Success", "lguserid": user.user_id, "lgusername": user.name}}


def run_logout(call: Call) -> Result:
    """Run action=logout."""
    call.vary = False
    if call.session:
        call.cookies += call.world.sessions.end(call.session)
    call.edited = True
    return {}


def permission_denied(right: str) -> ApiError:
    """Return the error for a right that the user lacks."""
    info = f"The action you have requested is limited to users who have the right {right}."
    return wikibase_error("permissiondenied", info) if right == "edit" else ApiError("permissiondenied", info)
