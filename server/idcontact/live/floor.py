"""What both ends of a socket share: the hub, the board, the limits, and the way to say something."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from idcontact.live import messages as m
from idcontact.live.frames import encode

if TYPE_CHECKING:
    from idcontact.live.board import Board
    from idcontact.live.conversations import Conversations
    from idcontact.live.hub import Hub, Local
    from idcontact.live.labels import Labels
    from idcontact.live.positions import Positions
    from idcontact.live.staff_port import AuditTrail, StaffDoor
    from idcontact.live.store import Appended
    from idcontact.tasks import Tasks


@dataclass(frozen=True)
class Floor:
    """Made once per node."""

    conversations: Conversations
    hub: Hub
    board: Board
    positions: Positions
    labels: Labels
    limits: m.Limits
    door: StaffDoor
    audit: AuditTrail
    tasks: Tasks

    async def say(self, local: Local, by: m.Sender, part: str, name: str | None, frame: m.SendMessage) -> m.Ack:
        """Append a message; acknowledged when it is stored. This node's sockets get it without a detour."""
        event = m.MessageEvent(
            conversation=local.id,
            log="public",
            log_id=local.stored.log_ids["public"],
            seq=0,
            at=0,
            by=by,
            text=frame.text,
            name=name,
            command=frame.id,
        )
        done = self.conversations.say(event, local.stored.key, part=part, node=self.hub.node)
        # Not after the `await`: who said it may be gone by then, and the others must hear it all the same.
        done.add_done_callback(partial(self._said, local, event))
        appended = await asyncio.shield(done)
        return m.Ack(id=frame.id, seq=appended.seq, at=appended.at)

    def _said(self, local: Local, event: m.MessageEvent, done: asyncio.Future[Appended]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        appended = done.result()
        if appended.again:
            # What was first said with this id is in the log; this time it may have been other words.
            self.hub.stored(local, "public", appended.seq)
        else:
            self.hub.came(local, "public", appended.seq, encode(replace(event, seq=appended.seq, at=appended.at)))
