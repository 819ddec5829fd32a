"""People on bad networks: end users and agents whose pages come back by themselves, as docs/live-protocol.md says.

They talk at random until they are told to stop; what comes of it is for the checker. The pauses between what they do
are a person's pace, not a wait for the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import aiohttp
from websockets.exceptions import WebSocketException

from live_browser import Browser
from running import PASSWORD
from soak.journaled import Journaled, JournaledEndUser, JournaledStaff

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from live_browser import Page
    from live_client import Command, Frame
    from soak.house import House

_SILENCE: Final = 2.0  # seconds without an answer to a ping: the connection is dead
_CHECK_EVERY: Final = 1.5
_UNANSWERED: Final = 8.0  # seconds after which a command is sent again on a connection that lives
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_AGAIN: Final = frozenset({"unavailable", "rate_limited"})
_OVER: Final = frozenset({"wrapping_up", "closed", "purged"})
_LOST: Final = (OSError, TimeoutError, WebSocketException, aiohttp.ClientError, AssertionError)
"""AssertionError: what the test client waited for did not come."""
_ONE_IN: Final = 5
"""Of so many people there is one whose network lets no WebSocket through."""


@dataclass
class Pace:
    """How everybody behaves. `think`: seconds between two things that one does, on average."""

    chance: random.Random
    think: float
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Nobody comes, says anything or takes anybody any more."""
    acknowledged: int = 0
    _awaited: int = 0
    _enough: asyncio.Event = field(default_factory=asyncio.Event)

    def note_ack(self) -> None:
        """Something was acknowledged."""
        self.acknowledged += 1
        if self.acknowledged >= self._awaited:
            self._enough.set()

    async def more_acknowledged(self, count: int, seconds: float) -> None:
        """Until that much more was acknowledged, or for so long."""
        self._awaited = self.acknowledged + count
        self._enough.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), seconds)

    async def pause(self) -> None:
        """Until this person does the next thing."""
        await asyncio.sleep(min(self.chance.expovariate(1 / self.think), 5 * self.think))

    def happens(self, probability: float) -> bool:
        return self.chance.random() < probability


class Enduring(Journaled):
    """A page that comes back. `stay` is its life: whoever makes it keeps that task."""

    pace: Pace
    state_is_old: bool = False
    """Whether it has yet to hear a welcome of a socket that it has now."""
    lid_closed: float = 0.0
    """Seconds for which this page is to be away, from the next chance on."""

    async def stay(self) -> None:
        """Connected, for as long as it takes."""
        pause = _FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(4 * _SILENCE):
                    await self.resume()
                pause = _FIRST_PAUSE
                await self._until_lost()
            except _LOST:
                pause = min(2 * pause, _LONGEST_PAUSE)
            self.lose()
            await self.disconnect()
            self.journal.note("lost", {} if self.close_code is None else {"code": self.close_code})
            away, self.lid_closed = self.lid_closed, 0.0
            await asyncio.sleep(away + pause * (0.5 + self.pace.chance.random()))

    async def _until_lost(self) -> None:
        while self.is_open and not self.lid_closed:
            assert self._reading is not None
            await asyncio.wait({self._reading}, timeout=_CHECK_EVERY)
            if self.is_open:
                async with asyncio.timeout(_SILENCE):
                    await self._pinged()

    async def _pinged(self) -> None:
        nonce = secrets.token_hex(4)
        self._pong = asyncio.get_running_loop().create_future()
        self._nonce = nonce
        await self.send_frame({"type": "ping", "nonce": nonce})
        await self._pong

    _pong: asyncio.Future[None] | None = None
    _nonce = ""

    def _hear(self, frame: Frame) -> None:
        super()._hear(frame)
        self.faults.clear()  # the checker finds them itself, and goes on to the next
        if frame["type"] == "welcome":
            self.state_is_old = False
        if frame["type"] == "pong" and frame["nonce"] == self._nonce and self._pong and not self._pong.done():
            self._pong.set_result(None)

    async def send_frame(self, frame: Frame) -> None:
        """What is sent without a connection is kept, and sent with the next one."""
        if self.is_open:
            await super().send_frame(frame)

    async def do(self, kind: str, **members: Any) -> Frame | None:
        """A command, until it is answered for good: its ack, or None when it was refused."""
        command = await self.begin(kind, **members)
        while True:
            frame = await self._answer(command)
            if frame["type"] == "ack":
                self.pace.note_ack()
                return frame
            if frame["code"] not in _AGAIN:
                return None
            await asyncio.sleep((frame.get("retry_after_ms") or 100) / 1000)
            command = await self.begin(kind, command_id=frame["id"], **members)

    async def _answer(self, command: Command) -> Frame:
        while True:
            done, _ = await asyncio.wait({command.answer}, timeout=_UNANSWERED)
            if done:
                return command.answer.result()
            await self._send(command)

    async def say_some(self, conversation: str) -> None:
        """A few things at once, or one."""
        count = self.pace.chance.choice((1, 1, 1, 3))
        await asyncio.gather(
            *(self.do("send", conversation=conversation, text=f"words {secrets.token_hex(4)}") for _ in range(count))
        )

    def has_all_of(self, conversation: str) -> bool:
        """Whether this page has the end of the log: nothing comes after that, but that some was lost."""
        log = self.logs.get((conversation, "public"))
        return log is not None and any(event["type"] == "ended" for event in log.events)


class Visitor(Enduring, JournaledEndUser):
    """An end user, from the start to the end of one conversation."""

    values: dict[str, str]

    @classmethod
    async def come(cls, house: House, pace: Pace, number: int) -> Self:
        """Start, identify and land, whatever the network does meanwhile."""
        started = json.loads(
            await house.post("/plugins/live/start_communication", b'{"purpose": "report_move"}', "application/json")
        )
        visitor = cls(house.door, Browser(house.door.url))
        visitor.pace = pace
        visitor.by_stream = number % _ONE_IN == 0
        visitor.journal.who = f"end user {number}"
        visitor.client_url = started["client_url"]
        visitor.values = {"fullname": f"given-{secrets.token_hex(6)}", "city": f"given-{secrets.token_hex(6)}"}
        try:
            place = started["attr_url"].partition("/plugins/")[2]
            await house.post(f"/plugins/{place}", house.door.token(visitor.values).encode(), "application/jwt")
            await visitor.arrive()
        except BaseException:
            await visitor.browser.close()
            raise
        return visitor

    async def arrive(self) -> None:
        """Land as a browser does on a bad network: whichever page does not come is loaded again."""
        pages: list[Page] = []

        async def land() -> None:
            answer = await self.browser.submit(await self.browser.get(self.client_url))
            assert answer.status == 303, answer.status
            pages.append(answer)

        await persist(land)
        where = pages[-1].location
        assert where is not None

        async def look() -> None:
            page = await self.browser.get(where)
            assert page.status == 200, page.status
            self.conversation = page.url.rsplit("/", 1)[1]

        await persist(look)
        self.path = f"/c/{self.conversation}/socket"

    async def converse(self) -> None:
        """Wait, talk, and end it or let it be ended."""
        while not self.pace.over.is_set() and self.state.get("phase") not in _OVER:
            await self.pace.pause()
            active = self.state.get("phase") == "active"
            if self.pace.happens(0.02 if active else 0.002):
                await self.do("end", conversation=self.conversation)
            elif active:
                await self.say_some(self.conversation)
        if not self.pace.over.is_set():
            await self.until(lambda: self.has_all_of(self.conversation), "the end", 120)


class Agent(Enduring, JournaledStaff):
    """An agent at a console."""

    async def work(self) -> None:
        """Answer offers, talk, end and finish conversations."""
        ignored: set[str] = set()
        while not self.pace.over.is_set():
            await self.pace.pause()
            if self.me.get("status") == "away":
                await self.do("set_status", status="available")
            for offer in list(self.offers.values()):
                if offer["id"] not in ignored:
                    await self._consider(offer, ignored)
            for conversation, view in list(self.conversations.items()):
                await self._attend(conversation, view["phase"])
        await self.do("set_status", status="away")

    async def _consider(self, offer: Frame, ignored: set[str]) -> None:
        kind = self.pace.chance.choices(("accept", "decline", "ignore"), (90, 7, 3))[0]
        if kind == "ignore":
            ignored.add(offer["id"])
        else:
            await self.do(kind, conversation=offer["conversation"], offer=offer["id"])
            self.offers.pop(offer["id"], None)

    async def _attend(self, conversation: str, phase: str) -> None:
        if phase == "active" and self.pace.happens(0.03):
            await self.do("end", conversation=conversation)
        elif phase == "active":
            await self.say_some(conversation)
        elif phase == "wrapping_up" and self.has_all_of(conversation):
            await self.do("finish", conversation=conversation)


class Watcher(Enduring, JournaledStaff):
    """A supervisor, who looks at the queue."""


Member = TypeVar("Member", Agent, Watcher)


async def log_in(house: House, pace: Pace, account: str, kind: type[Member], *, number: int) -> Member:
    """Somebody of the staff, logged in; not connected yet. `number`: how many came before."""
    browser = Browser(house.door.url)

    async def by_the_form() -> None:
        inside = await browser.submit(await browser.get("/staff/login"), account=account, password=PASSWORD)
        assert inside.status == 303, inside.status

    await persist(by_the_form)
    member = kind(house.door, account, browser)
    member.pace = pace
    member.by_stream = number % _ONE_IN == 0
    return member


async def persist(step: Callable[[], Awaitable[None]]) -> None:
    """Again, until it works: what somebody does who sees an error page."""
    last = ""
    for _ in range(200):
        try:
            async with asyncio.timeout(3):
                await step()
        except (OSError, TimeoutError, aiohttp.ClientError, AssertionError) as error:
            last = f"{type(error).__name__} {error}"
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError(f"it never worked, at last for {last}")
