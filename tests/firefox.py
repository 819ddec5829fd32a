"""A real Firefox for tests, spoken to by WebDriver BiDi, which it understands by itself (W3C, WebDriver BiDi).

As much of the protocol as the tests use: pages with cookies of their own, scripts, real pointer and keyboard input, and
what goes wrong on a page without anybody seeing it.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import msgspec
from websockets.asyncio.client import connect

from chromium import PATIENCE, Missing, check_front_ends

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

_PREFERENCES: Final = {
    "app.update.disabledForTesting": True,
    "browser.chrome.site_icons": False,  # a website's picture of its own is no matter of ours
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "intl.accept_languages": "nl",
    "network.proxy.type": 0,
    "toolkit.telemetry.enabled": False,
}

_NOTE_VIOLATIONS: Final = """() => addEventListener("securitypolicyviolation", (event) => console.error(
    `violation of ${event.effectiveDirective}: ${event.blockedURI} at ${event.sourceFile}`))"""
"""A violation of policy is told on the console too, but not everywhere to who listens there."""

_FIND: Final = r"""(kinds, name) => new Promise((resolve) => {
    const within = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
        [one, ...(one.shadowRoot ? within(one.shadowRoot) : [])]);
    const labelsOf = (one) => [...(one.labels ?? [])].map((label) => label.textContent);
    const nameOf = (one) => [one.getAttribute("aria-label"), ...labelsOf(one), one.textContent]
        .find((text) => text?.trim())?.replace(/\s+/g, " ").trim() ?? "";
    const look = () => {
        const found = within(document).find((one) =>
            one.matches(kinds) && one.checkVisibility() && !one.disabled && nameOf(one).startsWith(name));
        if (found === undefined) return requestAnimationFrame(look);
        found.scrollIntoView({ block: "center", behavior: "instant" });
        resolve(found);
    };
    look();
})"""
_READ: Final = r"""(text) => new Promise((resolve) => {
    const says = (one) => one.checkVisibility() && one.textContent.replace(/\s+/g, " ").includes(text);
    const shown = (root) => [...root.querySelectorAll(":not(script, style)")].some((one) =>
        (one.shadowRoot !== null && shown(one.shadowRoot)) || says(one));
    const look = () => shown(document.documentElement) ? resolve(true) : requestAnimationFrame(look);
    look();
})"""


class BiDiError(Exception):
    """Firefox refused a command, or is gone."""


class _Connection:
    """Commands and their answers over one WebSocket, and the events in between, by name."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: list[FirefoxPage] = []

    async def command(self, method: str, **params: object) -> dict[str, Any]:
        """What Firefox answers. Raises BiDiError, and TimeoutError after `PATIENCE`."""
        number = next(self._numbers)
        answered = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        await self._socket.send(msgspec.json.encode({"id": number, "method": method, "params": params}).decode())
        async with asyncio.timeout(PATIENCE / 1000):
            answer: dict[str, Any] = await answered
        return answer

    def listen(self, page: FirefoxPage) -> None:
        """Tell a page of its events from now on."""
        self._listeners.append(page)

    def listen_no_more(self) -> None:
        """None of the pages so far is told any more."""
        self._listeners.clear()

    async def read(self) -> None:
        """Until the socket is closed."""
        async for text in self._socket:
            message = msgspec.json.decode(text)
            if message["type"] == "event":
                for page in self._listeners:
                    page.heard(message["method"], message["params"])
                continue
            answered = self._waiting.pop(message["id"])
            if answered.cancelled():
                continue
            if message["type"] == "success":
                answered.set_result(message["result"])
            else:
                answered.set_exception(BiDiError(f"{message['error']}: {message['message']}"))


class FirefoxPage:
    """A page, with a cookie jar of its own, in the hands of somebody who reads, points and types."""

    def __init__(self, connection: _Connection, context: str) -> None:
        self._connection = connection
        self._context = context
        self._loaded = ""
        self._changed = asyncio.Event()
        self._noted: list[str] = []

    def heard(self, event: str, params: dict[str, Any]) -> None:
        """Something happened in this Firefox."""
        if (params.get("context") or params.get("source", {}).get("context")) != self._context:
            return
        if event == "log.entryAdded" and params["level"] in {"error", "warn"}:
            self._noted.append(f"{params['level']}: {params['text']}")
        elif event == "browsingContext.load":
            self._loaded = params["url"]
            self._changed.set()

    @property
    def troubles(self) -> list[str]:
        """Errors and warnings of scripts, of policy, of loading."""
        return list(self._noted)

    async def goes_to(self, url: str) -> None:
        """An address, until it is loaded."""
        self._loaded = ""
        # Not `wait`: Firefox would report a frame of the page that is refused as a failure of the whole page.
        await self._command("browsingContext.navigate", url=url, wait="none")
        await self.arrives_at(".")

    async def arrives_at(self, pattern: str) -> None:
        """Until a page is loaded whose address ends so."""
        async with asyncio.timeout(PATIENCE / 1000):
            while not re.search(f"{pattern}$", self._loaded):
                self._changed.clear()
                await self._changed.wait()

    async def reads(self, text: str) -> None:
        """Until it is there to be seen."""
        await self._call(_READ, text)

    async def presses(self, name: str) -> None:
        """A button or a link, by how its name begins."""
        await self._click("button, a[href], summary", name)

    async def picks(self, name: str) -> None:
        """One of several, by how its label begins."""
        await self._click("input[type=radio]", name)

    async def says(self, box: str, text: str) -> None:
        """Type it in the box of this name, and send it off."""
        await self._click("textarea, input:not([type=radio], [type=hidden])", box)
        await self.types(f"{text}\ue007")

    async def types(self, keys: str) -> None:
        """One key after the other; those without a character as WebDriver has them (Tab is U+E004, Enter U+E007)."""
        strokes = [{"type": stroke, "value": key} for key in keys for stroke in ("keyDown", "keyUp")]
        await self._command("input.performActions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    async def evaluate(self, expression: str) -> Any:
        """What a script in the page gives: a string, a number, true, false or null."""
        return (await self._call(f"() => ({expression})")).get("value")

    async def _click(self, kinds: str, name: str) -> None:
        found = await self._call(_FIND, kinds, name)
        origin = {"type": "element", "element": {"sharedId": found["sharedId"]}}
        strokes = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self._command("input.performActions", actions=[{"type": "pointer", "id": "mouse", "actions": strokes}])

    async def _call(self, function: str, *arguments: str) -> dict[str, Any]:
        answer = await self._connection.command(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[{"type": "string", "value": argument} for argument in arguments],
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise BiDiError(answer["exceptionDetails"]["text"])
        result: dict[str, Any] = answer["result"]
        return result

    async def _command(self, method: str, **params: object) -> None:
        await self._connection.command(method, context=self._context, **params)


class Firefox:
    """A browser without any windows."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._people: list[str] = []

    async def new_page(self) -> FirefoxPage:
        """A page of somebody who was never here before."""
        person = await self._connection.command("browser.createUserContext")
        self._people.append(person["userContext"])
        made = await self._connection.command("browsingContext.create", type="tab", userContext=person["userContext"])
        page = FirefoxPage(self._connection, made["context"])
        self._connection.listen(page)
        return page

    async def empty(self) -> None:
        """Close the pages of everybody."""
        self._connection.listen_no_more()
        while self._people:
            await self._connection.command("browser.removeUserContext", userContext=self._people.pop())


@asynccontextmanager
async def firefox_running(profile: Path) -> AsyncIterator[Firefox]:
    """A Firefox with an empty `profile`. Raises Missing."""
    check_front_ends()
    lines = [f"user_pref({name!r}, {msgspec.json.encode(value).decode()});" for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    async with _process(profile) as address, connect(f"{address}/session", max_size=None, proxy=None) as socket:
        connection = _Connection(socket)
        async with _meanwhile(connection.read()):
            await connection.command("session.new", capabilities={})
            await connection.command("session.subscribe", events=["log.entryAdded", "browsingContext.load"])
            await connection.command("script.addPreloadScript", functionDeclaration=_NOTE_VIOLATIONS)
            yield Firefox(connection)
            await connection.command("browser.close")


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Not a TaskGroup: a fixture is left in another task than it was entered in."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


@asynccontextmanager
async def _process(profile: Path) -> AsyncIterator[str]:
    """The address where it listens."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise Missing("no firefox on PATH: `apt-get install firefox-esr`; `make test` does that where it may")
    process = await asyncio.create_subprocess_exec(
        program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        address = await _address(process.stderr)
        # Read on: a Firefox whose pipe is full would wait until somebody reads it.
        async with _meanwhile(process.stderr.read()):
            yield address
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _address(stderr: asyncio.StreamReader) -> str:
    async with asyncio.timeout(PATIENCE / 1000):
        async for line in stderr:
            found = re.search(rb"WebDriver BiDi listening on (ws://\S+)", line)
            if found is not None:
                return found[1].decode()
    raise BiDiError("Firefox ended before it listened")
