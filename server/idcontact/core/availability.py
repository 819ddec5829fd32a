"""What can be chosen for a purpose now: its options, with who is there for each comm method.

Comm methods marked `context = true` are asked (`GET {start}/availability/{purpose}`, LIVE.md); for others the
purpose's opening hours are all that is known. Nobody who asks for the options waits for a plugin: what was heard a
moment ago is told while it is asked again, by one at a time; a plugin that fails or takes longer than `PATIENCE` is
left out, and left alone for a while.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote

import msgspec

from idcontact.bodies import decode_json
from idcontact.errors import BadRequest, IdContactError, PluginFailed
from idcontact.opening_hours import ALWAYS, Opening
from idcontact.protocol import Availability

if TYPE_CHECKING:
    from collections.abc import Callable

    from idcontact.core.options import CommMethod, Purpose, Purposes
    from idcontact.outgoing import Answer
    from idcontact.protocol import SessionOptions
    from idcontact.tasks import Tasks

FRESH: Final = 1.5
"""Seconds for which an answer is told without asking again."""
USABLE: Final = 10.0
"""Seconds for which it is told while it is asked again; older than that is waited for."""
PATIENCE: Final = 0.5
"""Seconds that a plugin gets to say who is there."""
PAUSE: Final = 5.0
"""Seconds for which a plugin that gave no answer is not asked again."""
_A_DAY: Final = 86_400.0

_log = logging.getLogger(__name__)


class Getting(Protocol):
    """Asks plugins; `outgoing.Outgoing` is one."""

    async def get(self, url: str, *, plugin: str = "") -> Answer:
        """GET, once. Raises PluginFailed, PluginTimeout."""


@dataclass
class _Watched:
    """A purpose, and what is known of it now. `edition` counts the changes of that. Times are those of the clock."""

    purpose: Purpose
    asked: list[CommMethod]
    opening: Opening = ALWAYS
    changes_at: float = 0.0
    said: dict[str, Availability] = field(default_factory=dict)
    """What plugins said, by comm method."""
    heard_at: float = -math.inf
    asking: asyncio.Task[object] | None = None
    paused: dict[str, float] = field(default_factory=dict)
    """Until when a comm method that gave no answer is left alone."""
    edition: int = 0


class Offers:
    """See the module. `clock` is in seconds since 1970; `tasks` owns what is asked beside the requests."""

    def __init__(self, purposes: Purposes, outgoing: Getting, tasks: Tasks, clock: Callable[[], float]) -> None:
        self._outgoing = outgoing
        self._tasks = tasks
        self._clock = clock
        self._watched = {
            purpose.tag: _Watched(purpose, [m for m in purpose.comm_methods.values() if m.channel is not None])
            for purpose in purposes
        }
        self._written: dict[tuple[str | None, str], tuple[int, bytes]] = {}
        """Options as JSON, by purpose (None: all of them) and language, each with its edition."""

    async def of(self, purpose: Purpose, language: str) -> SessionOptions:
        """The options of a purpose, with the names in `language`."""
        watched = self._watched[purpose.tag]
        await self._look(watched)
        return _options(watched, language)

    async def json(self, purpose: Purpose, language: str) -> bytes:
        """The same, as `GET /session_options/{purpose}` answers it."""
        watched = self._watched[purpose.tag]
        await self._look(watched)
        written = self._kept(purpose.tag, language, watched.edition)
        return written or self._keep(purpose.tag, language, watched.edition, _options(watched, language))

    async def all_json(self, language: str) -> bytes:
        """The options of all purposes, as `GET /session_options` answers them."""
        await self._look(*self._watched.values())
        edition = sum(watched.edition for watched in self._watched.values())
        written = self._kept(None, language, edition)
        if written is not None:
            return written
        return self._keep(
            None, language, edition, {tag: _options(watched, language) for tag, watched in self._watched.items()}
        )

    def _kept(self, purpose: str | None, language: str, edition: int) -> bytes | None:
        kept = self._written.get((purpose, language))
        return kept[1] if kept is not None and kept[0] == edition else None

    def _keep(self, purpose: str | None, language: str, edition: int, message: object) -> bytes:
        written = msgspec.json.encode(message)
        self._written[purpose, language] = (edition, written)
        return written

    # --- what is known now ------------------------------------------------------------------------------------------

    async def _look(self, *purposes: _Watched) -> None:
        """Bring what is known of these up to date, as far as that takes no waiting; wait where it is too old."""
        now = self._clock()
        awaited = [asking for watched in purposes if (asking := self._begin(watched, now)) is not None]
        if awaited:
            await asyncio.wait(awaited)

    def _begin(self, watched: _Watched, now: float) -> asyncio.Task[object] | None:
        """Look at the clock, and ask what has to be asked; what is returned has to be waited for."""
        if now >= watched.changes_at:
            watched.opening = watched.purpose.opening(now)
            watched.changes_at = math.inf if watched.opening.until is None else watched.opening.until.timestamp()
            if watched.opening.until is None and watched.purpose.opening_hours is not None:
                watched.changes_at = now + _A_DAY
            watched.edition += 1
        if not watched.asked or 0 <= now - watched.heard_at <= FRESH:
            return None
        if watched.asking is None or watched.asking.done():
            watched.asking = self._tasks.start(self._hear(watched), f"who is there for {watched.purpose.tag}")
        return None if now - watched.heard_at <= USABLE else watched.asking

    async def _hear(self, watched: _Watched) -> None:
        answers = await asyncio.gather(*(self._ask(watched, method) for method in watched.asked))
        said = {m.tag: answer for m, answer in zip(watched.asked, answers, strict=True) if answer is not None}
        watched.heard_at = self._clock()
        if said != watched.said:
            watched.said = said
            watched.edition += 1

    async def _ask(self, watched: _Watched, method: CommMethod) -> Availability | None:
        paused_until = watched.paused.get(method.tag)
        if paused_until is not None and self._clock() < paused_until:
            return None
        url = f"{method.base}/availability/{quote(watched.purpose.tag, safe='')}"
        try:
            async with asyncio.timeout(PATIENCE):
                said = _read(await self._outgoing.get(url, plugin=method.tag), method.tag)
        except (IdContactError, TimeoutError) as error:
            if paused_until is None:  # said once, not for as long as it lasts
                what = str(error) or f"no answer within {PATIENCE:g} s"
                level = logging.INFO if isinstance(error, _NotOffered) else logging.WARNING
                _log.log(level, "comm method %s does not say who is there: %s", method.tag, what)
            watched.paused[method.tag] = self._clock() + PAUSE
            return None
        watched.paused.pop(method.tag, None)
        return said


class _NotOffered(PluginFailed):
    """The plugin has no word on it, as it may."""


def _options(watched: _Watched, language: str) -> SessionOptions:
    options = watched.purpose.options(language)
    methods = [
        msgspec.structs.replace(method, availability=_availability(watched, method.tag))
        for method in options.comm_methods
    ]
    return msgspec.structs.replace(options, comm_methods=methods)


def _availability(watched: _Watched, method: str) -> Availability | None:
    said, opening = watched.said.get(method), watched.opening
    if said is not None:
        return both(opening, said)
    if watched.purpose.opening_hours is None:
        return None
    return Availability(open=opening.open, until=None if opening.until is None else opening.until.isoformat())


def both(opening: Opening, said: Availability) -> Availability:
    """What holds when the purpose's hours say one thing and a plugin another: closed by either is closed."""
    there = Opening(said.open, None if said.until is None else datetime.fromisoformat(said.until))
    is_open = opening.open and there.open
    if is_open:
        until = min((each.until for each in (opening, there) if each.until is not None), default=None)
    else:
        opens = [each.until for each in (opening, there) if not each.open]
        until = None if None in opens else max(each for each in opens if each is not None)
    return msgspec.structs.replace(
        said,
        open=is_open,
        until=None if until is None else until.isoformat(),
        expected_wait=said.expected_wait if is_open else None,
    )


def _read(answer: Answer, plugin: str) -> Availability:
    """What a plugin says. Raises PluginFailed when it is none, BadRequest when it makes no sense."""
    if answer.status == HTTPStatus.NOT_FOUND:
        raise _NotOffered(plugin, "it does not offer that")
    if not answer.is_success:
        raise PluginFailed(plugin, "it was refused", reason=f"status {answer.status}")
    said = decode_json(answer.body, Availability)
    if said.until is not None and not _is_moment(said.until):
        raise BadRequest("is not a time as in RFC 3339, with an offset", field="until")
    return said


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
