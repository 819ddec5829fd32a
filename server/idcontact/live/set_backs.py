"""When the store falls back to an earlier copy of itself: a replica took over that had not got everything yet.

What a node handed out last is then no longer in the log, or something else is in its place. Whoever notices gives the
log another id, under which everybody gets the whole of it again, and tells people that something may be missing.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from idcontact.live import messages as m
from idcontact.live.frames import seal_event
from idcontact.live.keys import keys_of
from idcontact.redis import Script

if TYPE_CHECKING:
    from collections.abc import Collection

    from redis.asyncio import Redis

    from idcontact.live.keys import LogName
    from idcontact.live.stored import Stored


class SetBacks:
    """What a node does about a conversation that it finds set back; of many nodes that find it, one does it."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._prefix = prefix
        self._set_back = Script(redis, __package__, "set_back.lua")

    async def note(self, known: Stored, lost: Collection[LogName], *, behind: bool) -> bool:
        """`known` is what was here before; `lost` are the logs that no longer hold what was handed out of them.

        `behind`: the state is an earlier one too. Whether there was anything to do (still).
        """
        conversation = known.state.id
        keys = keys_of(conversation, self._prefix)
        fresh: dict[LogName, str] = {"public": secrets.token_hex(8), "staff": secrets.token_hex(8)}
        told = m.MaybeLostEvent(
            conversation=conversation, log="public", log_id=fresh["public"], seq=0, at=0, by="system"
        )
        args: list[str | bytes | int] = [conversation, keys.channels, known.state.version if behind else -1]
        for log, log_id in fresh.items():
            args += [known.log_ids[log] if log in lost else "", log_id]
        args.append(seal_event(told, known.key))
        return bool(await self._set_back([keys.hash, keys.log("public"), keys.routes], args))
