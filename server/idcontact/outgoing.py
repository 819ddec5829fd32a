"""Requests from this process to plugins and to attr_urls: one pooled client, and a direct call for our own plugins.

Whatever is called gets the same request and the same limits: a time for the whole of it, no redirects, an answer of
bounded size, no cookies, no compression. Where an application of this process answers for a URL (`mount`), it is
called as ASGI directly: no socket, and cancelled when its time is up.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import traceback
from collections.abc import Mapping
from types import coroutine
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec
from yarl import URL

from idcontact.errors import PluginFailed, PluginTimeout
from idcontact.urls import is_web_url

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from types import TracebackType

    from starlette.types import ASGIApp, Message, Scope

WHOLE_REQUEST: Final = 5.0
"""Seconds that a plugin gets for the whole of a request."""
MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read; a longer one is a failure."""

_IDLE: Final = 4.0
"""Seconds after which a connection is not used again: many servers (uvicorn, Node.js) close one that was idle for 5."""
_ENDS_A_BASE: Final = ("", "/", "?")
"""What may follow the base of a mounted application in a URL that it answers for."""
_JSON: Final = {"Content-Type": "application/json"}
"""The headers of nearly every request."""
_logger = logging.getLogger(__name__)


class Answer(msgspec.Struct, frozen=True):
    """What a plugin answered, whatever its status."""

    status: int
    body: bytes

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, …)"

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


class _Asked(msgspec.Struct, frozen=True):
    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"_Asked(method={self.method!r}, …)"


class Outgoing:
    """An asynchronous context manager; requests are possible while it is entered.

    `limit` is in seconds, for one whole request.
    """

    def __init__(self, *, limit: float = WHOLE_REQUEST, tls: ssl.SSLContext | None = None) -> None:
        self._limit = limit
        self._tls = tls
        self._mounted: list[_Mounted] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # One TLS context for all: loading the system's certificates takes tens of milliseconds.
        tls = self._tls
        if tls is None:
            tls = await asyncio.to_thread(ssl.create_default_context)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=100, limit_per_host=50, keepalive_timeout=_IDLE),
            timeout=aiohttp.ClientTimeout(total=None),  # one limit is enough: that around the whole, in `_ask`
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "idcontact"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def mount(self, base_url: str, app: ASGIApp) -> None:
        """Let `app` answer for `base_url` and all below it, with the path of `base_url` as its root path."""
        base = base_url.rstrip("/")
        others = [mounted for mounted in self._mounted if mounted.base != base]
        # The innermost answers: it is the first that fits.
        self._mounted = sorted([*others, _Mounted(base, app)], key=lambda mounted: -len(mounted.base))

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        plugin: str = "",
    ) -> Answer:
        """POST, once. `plugin` is the tag that errors name.

        Raises PluginTimeout after the limit, and PluginFailed when it cannot be reached or what comes is not an answer.
        """
        plain = headers is None and content_type == "application/json"
        sent = _JSON if plain else {"Content-Type": content_type, **(headers or {})}
        asked = _Asked("POST", url, body, sent)
        return await self._ask(asked, plugin or (urlsplit(url).hostname or ""))

    async def get(self, url: str, *, plugin: str = "") -> Answer:
        """GET, once; the same limits and errors as those of `post`."""
        return await self._ask(_Asked("GET", url), plugin or (urlsplit(url).hostname or ""))

    async def _ask(self, asked: _Asked, plugin: str) -> Answer:
        mounted = self._answering(asked.url)
        answer = self._send(asked, plugin) if mounted is None else _call(mounted, asked, plugin)
        if mounted is not None:
            # What answers without waiting for anything needs no time limit, and could not be stopped by one.
            try:
                awaited = answer.send(None)
            except StopIteration as at_once:
                answered: Answer = at_once.value
                return answered
            answer = _rest(answer, awaited)
        try:
            async with asyncio.timeout(self._limit):
                return await answer
        except TimeoutError:
            raise PluginTimeout(
                plugin, "a service that is needed did not answer in time", reason=f"no answer within {self._limit:g} s"
            ) from None

    def _answering(self, url: str) -> _Mounted | None:
        for mounted in self._mounted:
            if url.startswith(mounted.base) and url[len(mounted.base) : len(mounted.base) + 1] in _ENDS_A_BASE:
                return mounted
        return None

    # --- over the network ---

    async def _send(self, asked: _Asked, plugin: str) -> Answer:
        if self._session is None:
            raise RuntimeError("requests are possible only inside `async with`")
        if not is_web_url(asked.url):
            raise _failed(plugin, "not an http or https URL")
        try:
            # `encoded`: the URL is sent as it was given; a signature or a ticket in it may not be normalised.
            target = URL(asked.url, encoded=True)
            async with self._session.request(
                asked.method, target, data=asked.body, headers=asked.headers, allow_redirects=False
            ) as response:
                return Answer(response.status, await _bounded(response, plugin))
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(plugin, type(error).__name__) from None


# --- within this process ---------------------------------------------------------------------------------------------


@coroutine
def _rest(work: Coroutine[Any, Any, Answer], awaited: object) -> Generator[Any, Any, Answer]:
    """The rest of a coroutine, whose first step has been taken here and waits for `awaited`."""
    while True:
        try:
            try:
                came = yield awaited
            except BaseException as error:  # noqa: BLE001 - a cancellation too is for the work itself
                awaited = work.throw(error)
            else:
                awaited = work.send(came)
        except StopIteration as end:
            answer: Answer = end.value
            return answer


class _Mounted:
    """An application of this process, and what each request to it has in common."""

    def __init__(self, base: str, app: ASGIApp) -> None:
        parts = urlsplit(base)
        self.base = base
        self.app = app
        self._root = parts.path
        self._host = (b"host", parts.netloc.encode("latin-1"))
        self._json_headers = [self._host, *_sent(_JSON)]
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": parts.scheme,
            "root_path": unquote(parts.path),
            "server": (parts.hostname, parts.port),
            "client": None,
        }

    def scope(self, asked: _Asked) -> Scope:
        """That of one request."""
        target = asked.url[len(self.base) :].partition("#")[0]
        path, _, query = target.partition("?")
        path = self._root + path
        headers = self._json_headers.copy() if asked.headers is _JSON else [self._host, *_sent(asked.headers)]
        if asked.body is not None:
            headers.append((b"content-length", b"%d" % len(asked.body)))
        scope = self._scope.copy()
        scope["method"] = asked.method
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = path.encode("latin-1")
        scope["query_string"] = query.encode("latin-1")
        scope["headers"] = headers
        scope["extensions"] = {}
        return scope


def _sent(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    sent = {"accept": "application/json"} | {name.lower(): value for name, value in headers.items()}
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]


async def _call(mounted: _Mounted, asked: _Asked, plugin: str) -> Answer:
    exchange = _Exchange(asked.body or b"")
    try:
        await mounted.app(mounted.scope(asked), exchange.receive, exchange.send)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything: it is its failure, and stays here
        if not exchange.complete:
            _note_failure(plugin, error)
            raise _failed(plugin, type(error).__name__) from None
    if exchange.status is None or not exchange.complete:
        raise _failed(plugin, "no complete answer")
    if exchange.too_long:
        raise _too_long(plugin)
    return Answer(exchange.status, exchange.answer)


class _Exchange:
    """One request and its answer, as the two callables of ASGI (HTTP, version 3)."""

    __slots__ = ("_body", "_done", "answer", "complete", "status", "too_long")

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._done: asyncio.Event | None = None
        """Made for who waits for the end."""
        self.status: int | None = None
        self.answer = b""
        self.complete = False
        self.too_long = False

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.complete:
            self._done = self._done or asyncio.Event()
            await self._done.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.complete:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.answer += message.get("body", b"")
            if len(self.answer) > MAX_ANSWER:
                self.too_long = True
                self.answer = b""
            if not message.get("more_body", False):
                self.complete = True
                if self._done is not None:
                    self._done.set()


# --- answers ---------------------------------------------------------------------------------------------------------


async def _bounded(response: aiohttp.ClientResponse, plugin: str) -> bytes:
    if response.content_length is not None and response.content_length <= MAX_ANSWER:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER:
            response.close()
            raise _too_long(plugin)
    return bytes(body)


def _note_failure(plugin: str, error: Exception) -> None:
    """Log the kind and the place of an exception, without its text, which may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    _logger.error("plugin %s failed: %s at %s", plugin, type(error).__name__, place)


def _failed(plugin: str, reason: str) -> PluginFailed:
    return PluginFailed(plugin, "a service that is needed cannot be reached or does not work", reason=reason)


def _too_long(plugin: str) -> PluginFailed:
    return _failed(plugin, f"an answer of more than {MAX_ANSWER} bytes")
