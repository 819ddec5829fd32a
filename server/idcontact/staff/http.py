"""Pages of staff: log in, log out, and the shell of the console.

The Origin of every POST is checked before it comes here (`security.OriginCheck`); each form also carries a token that
only a page of ours can hold, so that nobody is logged in or out by another site's form.
"""

from __future__ import annotations

import math
import re
import secrets
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from starlette.responses import RedirectResponse

from idcontact.bodies import FORM_BODY, decode_form, fit, read_body
from idcontact.errors import BadRequest, NotAllowed, TooLarge, TooManyRequests, Unavailable
from idcontact.languages import known
from idcontact.limits import client_address
from idcontact.openapi import FORM_TYPE, LANGUAGE, ApiResource, ApiRoute, Operation, Parameter, page, see_other
from idcontact.staff.log_in import DEVICE_COOKIE, Attempt, LogIn, Success
from idcontact.staff.sessions import COOKIE, StaffMember, StaffSessions, carries_token, form_token
from idcontact.urls import with_query

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from idcontact.languages import Language
    from idcontact.pages import Pages
    from idcontact.staff.audit import AuditTrail

LOG_IN_PATH: Final = "/staff/login"
CONSOLE_PATH: Final = "/console"
LOG_IN_COOKIE: Final = "__Host-idc-login"
_LOG_IN_FORM: Final = "log in"
_CONSOLE_FORM: Final = "console"


class LogInForm(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of the log-in page."""

    account: str
    password: str
    csrf: str = ""
    next: str = CONSOLE_PATH
    lang: str = ""


class LogOutForm(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of the log-out button. `everywhere` ends the sessions on all devices."""

    csrf: str = ""
    everywhere: Literal["", "1"] = ""


_SHOW_LOG_IN: Final = Operation(
    summary="The log-in page of staff",
    query=[LANGUAGE, Parameter("next", "Path of the page to go on to.")],
    answers=[page("The form."), see_other("On, for who is logged in.")],
)
_LOG_IN: Final = Operation(
    summary="Log in as staff",
    query=[LANGUAGE],
    bodies={FORM_TYPE: LogInForm},
    answers=[
        see_other("To the page to go on to."),
        page("The form again: the account or the password is wrong.", 401),
        page("The form again: it was not of this browser.", 403),
        page("The form again: too many tries.", 429),
    ],
    errors=[BadRequest, NotAllowed, TooLarge],
)
_LOG_OUT: Final = Operation(
    summary="Log out as staff",
    query=[LANGUAGE],
    bodies={FORM_TYPE: LogOutForm},
    body_required=False,
    answers=[see_other("To the log-in page.")],
    errors=[BadRequest, NotAllowed, TooLarge],
)
_CONSOLE: Final = Operation(
    summary="The console of staff",
    query=[LANGUAGE],
    answers=[page("The console."), see_other("To the log-in page, for who is not logged in.")],
)


def own_path(path: str) -> str:
    """`path` when it leads to a page of this site and nowhere else; otherwise the console."""
    return path if re.fullmatch(r"/(?!/)[A-Za-z0-9._~/-]*(\?[A-Za-z0-9._~/=&-]*)?", path) else CONSOLE_PATH


class StaffPages:
    """The routes of staff. `device_seconds` is how long a device is remembered after a log-in."""

    def __init__(
        self, pages: Pages, sessions: StaffSessions, log_in: LogIn, audit: AuditTrail, *, device_seconds: float
    ) -> None:
        self._pages = pages
        self._sessions = sessions
        self._log_in = log_in
        self._audit = audit
        self._device_seconds = int(device_seconds)

    def routes(self) -> list[ApiRoute]:
        """For the public application."""
        return [
            ApiResource(LOG_IN_PATH, {"GET": (self.show_log_in, _SHOW_LOG_IN), "POST": (self.log_in, _LOG_IN)}),
            ApiRoute("/staff/logout", self.log_out, methods=["POST"], operation=_LOG_OUT),
            ApiRoute(CONSOLE_PATH, self.console, methods=["GET"], operation=_CONSOLE),
        ]

    async def show_log_in(self, request: Request) -> Response:
        """The log-in page; straight on for who is logged in."""
        next_path = own_path(request.query_params.get("next", CONSOLE_PATH))
        if await self._sessions.member_of(request.cookies) is not None:
            return RedirectResponse(next_path, 303)
        return self._form(request, self._pages.language(request), next_path)

    async def log_in(self, request: Request) -> Response:
        """Check what was filled in: a session and on to the console, or the page again with what is wrong."""
        form = fit(decode_form(await read_body(request, FORM_BODY)), LogInForm)
        form = msgspec.structs.replace(form, next=own_path(form.next))
        if not carries_token(request.cookies.get(LOG_IN_COOKIE), _LOG_IN_FORM, form.csrf):
            return self._again(request, form, "login.stale", status=403)
        device = request.cookies.get(DEVICE_COOKIE) or None
        try:
            success = await self._log_in.attempt(Attempt(form.account, form.password, client_address(request), device))
            if success is None:
                return self._again(request, form, "login.wrong", status=401)
            return await self._welcome(request, form, success)
        except TooManyRequests as error:
            return self._too_often(request, form, error)
        except Unavailable as error:
            return self._again(request, form, "login.unavailable", status=error.status)

    async def log_out(self, request: Request) -> Response:
        """End this session, or all sessions of the account."""
        form = fit(decode_form(await read_body(request, FORM_BODY)), LogOutForm)
        member = await self._sessions.member_of(request.cookies)
        if member is not None:
            if not carries_token(request.cookies.get(COOKIE), _CONSOLE_FORM, form.csrf):
                raise NotAllowed("this form does not belong to this session", field="csrf")
            await self._log_out(member, everywhere=form.everywhere == "1")
        response = RedirectResponse(LOG_IN_PATH, 303)
        _delete_cookie(response, COOKIE)
        return response

    async def console(self, request: Request) -> Response:
        """The shell of the console, or the log-in page for who is not logged in."""
        member = await self._sessions.member_of(request.cookies)
        if member is None:
            response: Response = RedirectResponse(LOG_IN_PATH, 303)
            if COOKIE in request.cookies:
                _delete_cookie(response, COOKIE)
            return response
        return self._pages.render(request, "console.html", csrf=form_token(request.cookies[COOKIE], _CONSOLE_FORM))

    # --- parts of these ---

    async def _welcome(self, request: Request, form: LogInForm, success: Success) -> Response:
        """A new session, whatever cookies came along: none of them is adopted."""
        earlier = await self._sessions.member_of(request.cookies)
        if earlier is not None:
            await self._sessions.end(earlier.session)
        session = await self._sessions.begin(success.account)
        response = RedirectResponse(_in_language(form.next, known(form.lang), request, self._pages), 303)
        _set_cookie(response, COOKIE, session)
        _set_cookie(response, DEVICE_COOKIE, success.device, max_age=self._device_seconds)
        _delete_cookie(response, LOG_IN_COOKIE)
        return response

    async def _log_out(self, member: StaffMember, *, everywhere: bool) -> None:
        if everywhere:
            await self._sessions.end_all(member.id)
            await self._audit.logged_out_everywhere(member.id)
            return
        await self._sessions.end(member.session)
        await self._audit.logged_out(member.id)

    def _too_often(self, request: Request, form: LogInForm, error: TooManyRequests) -> Response:
        minutes = math.ceil(error.retry_after / 60)
        key = "login.too_often" if minutes > 1 else "login.too_often_one"
        response = self._again(request, form, key, status=error.status, minutes=minutes)
        response.headers["Retry-After"] = str(error.retry_after)
        return response

    def _again(self, request: Request, form: LogInForm, key: str, *, status: int, **values: object) -> Response:
        language = known(form.lang) or self._pages.language(request)
        problem = self._pages.text(language, key, **values)
        return self._form(request, language, form.next, account=form.account, problem=problem, status=status)

    def _form(
        self,
        request: Request,
        language: Language,
        next_path: str,
        *,
        account: str = "",
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        """The log-in page, with a cookie of its own that its token belongs to."""
        cookie = request.cookies.get(LOG_IN_COOKIE, "")
        is_new = not re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie)
        if is_new:
            cookie = secrets.token_urlsafe(32)
        response = self._pages.render(
            request,
            "login.html",
            status=status,
            language=language,
            csrf=form_token(cookie, _LOG_IN_FORM),
            account=account,
            next_path=next_path,
            problem=problem,
        )
        if is_new:
            _set_cookie(response, LOG_IN_COOKIE, cookie)
        return response


def _in_language(path: str, language: Language | None, request: Request, pages: Pages) -> str:
    """The path, with the language of the log-in page where that is not what the browser asks for by itself."""
    if language is None or language == pages.language(request) or "lang=" in path:
        return path
    return with_query(path, f"lang={language}")


def _set_cookie(response: Response, name: str, value: str, max_age: int | None = None) -> None:
    """Lax: with Strict, a link in a mail to the console would show the log-in page to who is logged in."""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="lax")


def _delete_cookie(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")
