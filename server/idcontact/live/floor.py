"""What both ends of a socket share: the hub, the board, the limits, and the way to say something."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from idcontact.live import messages as m
from idcontact.live.frames import encode, placed, seal_frame
from idcontact.live.store import Say

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
        plain = encode(
            m.MessageEvent(
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
        )
        sealed = seal_frame(plain, local.stored.key, local.id, "public")
        # Not after the `await`: who said it may be gone by then, and the others must hear it all the same.
        heard = partial(self._said, local, plain)
        appended = await self.conversations.store.append(
            Say(local.id, by, part, frame.id, sealed, self.hub.node), heard
        )
        return m.Ack(id=frame.id, seq=appended.seq, at=appended.at)

    def _said(self, local: Local, plain: bytes, appended: Appended) -> None:
        if appended.again:
            # What was first said with this id is in the log; this time it may have been other words.
            self.hub.stored(local, "public", appended.seq)
        else:
            self.hub.came(local, "public", appended.seq, placed(plain, appended.seq, appended.at))
