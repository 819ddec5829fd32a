"""The one tree of errors that people and programs meet, and its one mapping to statuses and close codes.

    IdContactError
    ├── SettingsError          a configuration that cannot be used; every mistake by its dotted path
    ├── StartFailed            a process of ours did not come up
    ├── RequestError           the caller's fault
    │   ├── BadRequest         400
    │   ├── NotAuthenticated   401
    │   │   └── OtherBrowser   401   began in another browser
    │   ├── NotAllowed         403
    │   ├── NotFound           404
    │   ├── Gone               410   was there, is used or expired
    │   │   └── IdentifyAgain      410   an auth result that is too old to be passed on
    │   ├── Conflict           409   does not fit the state it meets
    │   │   ├── Closed         409   nobody is there at this hour
    │   │   └── Overtaken      409   a later try of the same page came first
    │   ├── TooLarge           413
    │   ├── WrongMediaType     415
    │   └── TooManyRequests    429
    ├── TokenRejected          400   an auth result or another token that is not accepted
    ├── PluginError            a plugin's fault
    │   ├── PluginFailed       502   refused, unreachable, or answered nonsense
    │   └── PluginTimeout      504
    ├── Unavailable            503   the store cannot be reached; nothing was acknowledged
    ├── KeyGone                410   what it protected can never be read again
    └── SealBroken             500   sealed data that was changed, or belongs elsewhere

`message` is for the person or program that caused it and never holds a secret, a token, an attribute value or a
message text. `reason` is for the operator's log, under the same rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime


class IdContactError(Exception):
    """Root of the tree. `code` is stable and machine-readable; `field` names the member at fault, if there is one."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, field: str | None = None, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        text = self.message if self.field is None else f"{self.field}: {self.message}"
        return text if self.reason is None else f"{text} ({self.reason})"


class SettingsError(IdContactError):
    """A configuration that cannot be used. `mistakes`: a line for each, `dotted.path: what was expected`."""

    code = "settings"

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class StartFailed(IdContactError):
    """A process that belongs to this one did not come up. It has said why by itself."""

    code = "start_failed"


class RequestError(IdContactError):
    """The caller's fault."""

    status = 400
    code = "bad_request"


class BadRequest(RequestError):
    """The request is malformed, or names something that does not exist or is not allowed here."""


class NotAuthenticated(RequestError):
    """Nobody is logged in, or the cookie is not (or no longer) valid."""

    status = 401
    code = "not_authenticated"


class OtherBrowser(NotAuthenticated):
    """Something that one browser began, and another, or one that forgot its cookies, wants to go on with."""

    code = "other_browser"


class NotAllowed(RequestError):
    """Known, but not permitted."""

    status = 403
    code = "not_allowed"


class NotFound(RequestError):
    """There is nothing here, or nothing that this caller may know of."""

    status = 404
    code = "not_found"


class Conflict(RequestError):
    """The act does not fit the state that it meets."""

    status = 409
    code = "conflict"


class Closed(Conflict):
    """Outside the opening hours. `until` is when they begin again, with an offset; None: not soon."""

    code = "closed"

    def __init__(self, message: str, *, until: datetime | None, field: str | None = None) -> None:
        said = message if until is None else f"{message} until {until.isoformat()}"
        super().__init__(said, field=field)
        self.until = until


class Overtaken(Conflict):
    """The connection of a page that has come by a later one since."""


class Gone(RequestError):
    """It was here, and is used or expired."""

    status = 410
    code = "gone"


class IdentifyAgain(Gone):
    """An auth result that was good when it came, and is too old for who it would be passed on to now."""

    code = "identify_again"


class TooLarge(RequestError):
    """More bytes than are accepted here."""

    status = 413
    code = "too_large"


class WrongMediaType(RequestError):
    """A Content-Type that is not understood here."""

    status = 415
    code = "wrong_media_type"


class TooManyRequests(RequestError):
    """Over a limit. `retry_after` is in whole seconds."""

    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int, field: str | None = None, reason: str | None = None) -> None:
        super().__init__(message, field=field, reason=reason)
        self.retry_after = retry_after


class TokenRejected(IdContactError):
    """A token that is not accepted. The caller hears only that; `reason` tells the operator why."""

    status = 400
    code = "token_rejected"

    def __init__(self, reason: str) -> None:
        super().__init__("the token is not accepted", reason=reason)


class PluginError(IdContactError):
    """A plugin's fault. `plugin` is its configured tag."""

    status = 502
    code = "plugin_failed"

    def __init__(self, plugin: str, message: str, *, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.plugin = plugin


class PluginFailed(PluginError):
    """Refused, unreachable, or answered nonsense."""


class PluginTimeout(PluginError):
    """Did not answer within the limit (5 s for the whole request)."""

    status = 504
    code = "plugin_timeout"


class Unavailable(IdContactError):
    """The store cannot be reached now. Nothing was acknowledged; the same command may be sent again."""

    status = 503
    code = "unavailable"


class KeyGone(IdContactError):
    """The epoch key that wrapped this data key is destroyed: what it protected can never be read again."""

    status = 410
    code = "gone"


class SealBroken(IdContactError):
    """Sealed data that does not open: changed, cut short, or sealed for another place."""
