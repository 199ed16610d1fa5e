"""One call of the Action API: its parameters with their checks, its warnings, and its errors as values to raise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cutover.demo.forms import Form, split_values
from cutover.demo.records import User
from cutover.demo.sessions import Session
from cutover.demo.world import World

LIMIT, LIMIT_HIGH = 50, 500


@dataclass(frozen=True, slots=True)
class Message:
    """A message of Wikibase beside an error."""

    name: str
    parameters: tuple[Any, ...]
    html: str


class ApiError(Exception):
    """An error as the API reports it, with HTTP status 200. `module` is where errorformats say it happened."""

    def __init__(
        self,
        code: str,
        info: str,
        *,
        messages: tuple[Message, ...] = (),
        extra: Mapping[str, Any] | None = None,
        module: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        docref: bool = True,
    ) -> None:
        super().__init__(info)
        self.code = code
        self.info = info
        self.messages = messages
        self.extra = dict(extra or {})
        self.module = module if module is not None else "main" if messages else None
        self.headers = headers
        self.docref = docref


def wikibase_error(
    code: str, info: str, name: str | None = None, *parameters: Any, html: str | None = None, **extra: Any
) -> ApiError:
    """Return an error of a Wikibase module: it carries its message (wikibase.md 5.8)."""
    message = Message(name or f"wikibase-api-{code}", parameters, info if html is None else html)
    return ApiError(code, info, messages=(message,), extra=extra)


def exception_error(name: str, request_id: str) -> ApiError:
    """Return what a PHP exception inside a module is reported as."""
    info = f"[{request_id}] Caught exception of type {name}"
    return ApiError(f"internal_api_error_{name}", info, extra={"errorclass": name}, module="", docref=False)


@dataclass(slots=True)
class Call:
    """A call being answered. Modules read parameters here and leave warnings, cookies, and `edited`."""

    world: World
    form: Form
    method: str
    headers: Mapping[str, str]  # lower-case names
    session: Session | None
    request_id: str
    module: str = "main"
    known: set[str] = field(default_factory=set)
    warnings: list[tuple[str, str, str, Mapping[str, Any]]] = field(default_factory=list)  # module, code, text, data
    notes: list[Message] = field(default_factory=list)  # Wikibase's warnings of an edit
    cookies: list[str] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)  # what "max" meant, by module
    edited: bool = False
    vary: bool = True

    @property
    def user(self) -> User | None:
        """The account behind the session, None for anonymous."""
        return self.session.user if self.session else None

    @property
    def author(self) -> str:
        """The name under which an edit is saved. Loopback is a trusted proxy, as on the observed wiki."""
        forwarded = self.headers.get("x-forwarded-for", "127.0.0.1").rpartition(",")[2].strip()
        return self.user.name if self.user else forwarded

    @property
    def high_limits(self) -> bool:
        """Whether the user may ask for ten times as much (apihighlimits)."""
        return bool(self.user and self.user.groups & {"bot", "sysop"})

    def warn(self, code: str, text: str, *, module: str | None = None, **data: Any) -> None:
        """Leave a warning."""
        self.warnings.append((module or self.module, code, text, data))

    def has(self, name: str) -> bool:
        """Whether a parameter is there: the way PHP clients say true."""
        self.known.add(name)
        return name in self.form.values

    def text(self, name: str) -> str | None:
        """Return a parameter, None when absent."""
        self.known.add(name)
        if name in self.form.arrays:
            self.warn("unsupportedarray", f'Parameter "{name}" uses unsupported PHP array syntax.', module="main")
        if name in self.form.unclean:
            text = (
                f'The value passed for "{name}" contains invalid or non-normalized data. Textual data should be valid, '
                "NFC-normalized Unicode without C0 control characters other than HT (\\t), LF (\\n), and CR (\\r)."
            )
            self.warn("badutf8", text)
        return self.form.values.get(name)

    def required(self, name: str) -> str:
        """Return a parameter that must be there."""
        value = self.text(name)
        if value is None:
            raise ApiError("missingparam", f'The "{name}" parameter must be set.', module=self.module)
        return value

    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str | None:
        """Return a parameter that must be one of a few."""
        value = self.text(name)
        if value is None:
            return default
        if value not in allowed:
            raise ApiError("badvalue", f'Unrecognized value for parameter "{name}": {value}.', module=self.module)
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            info = f'Invalid value "{value}" for integer parameter "{name}".'
            raise ApiError("badinteger", info, module=self.module) from None

    def values(self, name: str, allowed: Collection[str] | None = None, *, repeats: bool = False) -> list[str] | None:
        """Return a list parameter, None when absent. Values that are not allowed are dropped with a warning."""
        text = self.text(name)
        if text is None:
            return None
        found = split_values(text)
        limit = LIMIT_HIGH if self.high_limits else LIMIT
        if len(found) > limit:
            info = f'Too many values supplied for parameter "{name}". The limit is {limit}.'
            sizes = {"limit": limit, "lowlimit": LIMIT, "highlimit": LIMIT_HIGH}
            raise ApiError("toomanyvalues", info, extra=sizes, module=self.module)
        if allowed is None:
            return found
        unknown = list(dict.fromkeys(value for value in found if value not in allowed))
        if unknown:
            plural = "s" if len(unknown) > 1 else ""
            shown = f'Unrecognized value{plural} for parameter "{name}": {", ".join(unknown)}'
            self.warn("unrecognizedvalues", shown.rstrip(), values=unknown)
        kept = [value for value in found if value in allowed]
        return kept if repeats else list(dict.fromkeys(kept))

    def limit(self, name: str, default: int, most: int) -> int:
        """Return a limit: "max", or a number that is cut to what is allowed, with a warning."""
        if self.text(name) == "max":
            self.limits[self.module] = most
            return most
        value = self.integer(name)
        if value is None:
            return default
        if not 1 <= value <= most:
            self.warn("integeroutofrange", f'The value "{value}" for parameter "{name}" must be between 1 and {most}.')
        return max(1, min(value, most))
