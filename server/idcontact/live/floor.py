"""What both ends of a socket share: the hub, the board, the limits, and the way to say something."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from idcontact.errors import Unavailable
from idcontact.live import messages as m
from idcontact.live.frames import encode, placed, seal_frame
from idcontact.live.handover import OpenSockets
from idcontact.live.stored import Say

if TYPE_CHECKING:
    from idcontact.live.attendance import Attendance
    from idcontact.live.board import Board
    from idcontact.live.conversations import Conversations
    from idcontact.live.hub import Hub
    from idcontact.live.labels import Labels
    from idcontact.live.local import Local
    from idcontact.live.positions import Positions
    from idcontact.live.socket import Answer
    from idcontact.live.staff_port import AuditTrail, StaffDoor
    from idcontact.live.stored import Appended
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
    attendances: set[Attendance] = field(default_factory=set)
    """The agents who are at a console here."""
    sockets: OpenSockets = field(default_factory=OpenSockets)

    def say(
        self, local: Local, by: m.Sender, part: str, name: str | None, frame: m.SendMessage, answer: Answer
    ) -> None:
        """Append a message; answered when it is stored. This node's sockets get it without a detour."""
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
        said = Say(local.id, by, part, frame.id, sealed, self.hub.node, self.limits.frames_per_10_seconds)
        # Who said it may be gone by then: the others must hear it all the same.
        self.conversations.store.append_soon(said, partial(self._said, local, plain, answer, frame.id))

    def _said(self, local: Local, plain: bytes, answer: Answer, command: str, outcome: Appended | Exception) -> None:
        if isinstance(outcome, Exception):
            if isinstance(outcome, Unavailable):
                # It may be stored, and on too few replicas: who is here hears of it as they do on other nodes.
                self.hub.stored(local.id, "public", local.feeds["public"].due)
            answer(outcome)
            return
        try:
            if outcome.again:
                # What was first said with this id is in the log; this time it may have been other words.
                self.hub.stored(local.id, "public", outcome.seq)
            else:
                frame = placed(plain, local.stored.log_ids["public"], outcome.seq, outcome.at)
                self.hub.said_here(local.id, "public", outcome.seq, frame)
        finally:
            answer(m.Ack(id=command, seq=outcome.seq, at=outcome.at))
