"""When the store falls back to an earlier copy of itself: a replica took over that had not got everything yet.

What a node handed out last is then no longer in the log, or something else is in its place. Whoever notices gives the
logs other ids, under which everybody gets the whole of them again, and tells people that something may be missing. Both
logs: what was lost of the one was mostly lost with something of the other, and nobody may be left who had that.

That copy may fall back in its turn, to one in which the logs have the ids again that were taken from them. They get yet
others: under one id nobody gets a second history.

A node knows what it handed out. What was handed out by one that went down with the old copy, only pages know: they say
in `hello` which event they have last, and when that was. Their word is taken, but not often: everybody is told, and
has everything sent again. Who lies may do so to others three times in a conversation, and then only to themselves.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Literal, cast

from idcontact.errors import Unavailable
from idcontact.live import messages as m
from idcontact.live.frames import seal_event
from idcontact.live.keys import keys_of
from idcontact.redis import Script

if TYPE_CHECKING:
    from collections.abc import Collection

    from redis.asyncio import Redis

    from idcontact.live.keys import LogName
    from idcontact.live.stored import Stored

_log = logging.getLogger(__name__)
_CLAIMS = 3
"""How often pages of one side are believed of one log of a conversation, for as long as the store is the same copy."""
_BETWEEN_CLAIMS = 10_000
"""Milliseconds between the first two times; between the next two it is twice that."""


class SetBacks:
    """What a node does about a conversation that it finds set back; of many nodes that find it, one does it."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._prefix = prefix
        self._set_back = Script(redis, __package__, "set_back.lua")

    async def note(
        self, known: Stored, lost: Collection[LogName], unsure: Collection[LogName] = (), *, behind: bool
    ) -> bool:
        """`known` is what was here before; `lost` are the logs that no longer hold what was handed out of them.

        `behind`: the state is an earlier one too; then so may be the logs of which it is not known what was handed out,
        the `unsure`. Whether there was anything to do (still).
        """
        if lost:
            unsure = known.log_ids  # all of them: who had something of the other log may be gone, as its node may be
        elif not behind:
            return False
        return await self._do(known, unsure, known.state.version, "") == b"done"

    async def claim(self, known: Stored, lost: LogName, who: m.Sender) -> Literal["done", "nothing", "enough"]:
        """A page of `who` says that it has what this log does not hold.

        done: everybody gets the log again. nothing: somebody was before us, and they do. enough: that side has said so
        too often to be believed. Raises `Unavailable` when the last time is too short ago: the page is to come back.
        """
        answer = await self._do(known, known.log_ids, -1, f"{who}_{lost}")
        if answer == b"early":
            raise Unavailable("this conversation cannot be resumed now; try again in a moment", reason="set back")
        if answer == b"done":
            _log.warning(
                "a page says that it has what the store lost: its conversation was set back",
                extra={"conversation": known.state.id},
            )
        return cast('Literal["done", "nothing", "enough"]', answer.decode())

    async def _do(self, known: Stored, void: Collection[LogName], seen: int, claim: str) -> bytes:
        conversation = known.state.id
        keys = keys_of(conversation, self._prefix)
        fresh: dict[LogName, str] = {"public": secrets.token_hex(8), "staff": secrets.token_hex(8)}
        told = m.MaybeLostEvent(
            conversation=conversation, log="public", log_id=fresh["public"], seq=0, at=0, by="system"
        )
        args: list[str | bytes | int] = [conversation, keys.channels, seen, known.set_back]
        for log, log_id in fresh.items():
            args += [known.log_ids[log], log_id]
        args += [" ".join(void), seal_event(told, known.key), claim, _CLAIMS, _BETWEEN_CLAIMS]
        answer: bytes = await self._set_back([keys.hash, keys.log("public"), keys.routes], args)
        return answer
