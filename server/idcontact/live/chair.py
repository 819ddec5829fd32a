"""An agent's part in one conversation: a `Seat`, and the only place where attributes are shown."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from idcontact.errors import IdContactError
from idcontact.live import messages as m
from idcontact.live.conversation import attributes_open_to
from idcontact.live.frames import encode, staff_view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from idcontact.live.console import Console
    from idcontact.live.keys import LogName
    from idcontact.live.local import Local
    from idcontact.live.stored import Stored

_log = logging.getLogger(__name__)
_values = msgspec.json.Decoder(dict[str, str])


class AgentChair:
    """See the module. It shows something only while routing and the conversation agree that it is this agent's."""

    who: m.Sender = "agent"
    logs: tuple[LogName, ...] = ("public", "staff")

    def __init__(self, console: Console, local: Local) -> None:
        self._console = console
        self.local = local
        self._begun = False
        self._left = False
        self._shown = -1
        self._attributes_shown = 0
        """The generation under which attributes were shown; 0: none are on the screen."""

    def view(self) -> m.StaffConversation | None:
        """The conversation as this agent sees it; None while it is not (yet) theirs."""
        stored = self.local.stored
        if stored.state.agent is None or stored.state.agent.id != self._console.member.id:
            return None
        floor = self._console.floor
        rules = floor.conversations.rules(stored.state.purpose)
        return staff_view(stored.state, floor.labels, rules, self._console.language)

    async def begin(self, have: Iterable[m.Have]) -> None:
        """Take the seat. What this console is missing is sent once the conversation is theirs."""
        if self._begun or self._left:
            return
        if self.view() is None:
            # Routing has assigned it; the conversation follows in a moment, and `changed` begins.
            if self not in self.local.seats:
                self.local.seats.append(self)
            self._console.floor.hub.reload(self.local)
            return
        self._begun = True
        if self in self.local.seats:
            self.local.seats.remove(self)
        self._send_view()
        await self._console.floor.hub.seat(self.local, self, have)
        await self._send_seen()
        self._show_attributes()

    def leave(self) -> None:
        """Give the seat up."""
        self._left = True
        self._console.floor.hub.unseat(self.local, self)
        self._console.floor.hub.close(self.local)

    # --- the seat -------------------------------------------------------------------------------------------------

    def deliver(self, frame: bytes) -> None:
        """Send this frame, in this order."""
        if self._begun and not self._left:
            self._console.socket.send(frame)

    async def room(self) -> None:
        """Come back when there is room for more."""
        await self._console.socket.room()

    def changed(self, stored: Stored) -> None:
        """The conversation is now like this."""
        agent = stored.state.agent
        if not self._begun:
            if agent is not None and agent.id == self._console.member.id:
                self._console.floor.tasks.start(self._begin_late(), "begin a conversation")
            return
        if agent is None or agent.id != self._console.member.id:
            self._console.dismissed(self.local.id)
            return
        self._send_view()
        self._show_attributes()

    def set_back(self, stored: Stored) -> None:
        """Whose it is, is said by routing, which fell back with it."""
        self.changed(stored)

    def gone(self) -> None:
        """The conversation is no more."""
        self._console.dismissed(self.local.id)

    async def _begin_late(self) -> None:
        try:
            await self.begin([])
        except IdContactError as error:
            self._console.failed(self.local.id, error)

    def _send_view(self) -> None:
        view = self.view()
        if view is not None and view.version > self._shown:
            self._shown = view.version
            self._console.socket.send(encode(m.StaffConversationView(conversation=view)))

    async def _send_seen(self) -> None:
        seen = (await self._console.floor.conversations.store.seen(self.local.id))["end_user"]
        if seen:
            self._console.socket.send_frame(m.SeenBy(conversation=self.local.id, by="end_user", seq=seen))

    # --- attributes -----------------------------------------------------------------------------------------------

    def _may_see(self, stored: Stored) -> bool:
        """Both slots agree: routing's assignment and the conversation's agent and generation."""
        entry = self._console.floor.board.entries.get(self.local.id)
        if entry is None or entry.state != "assigned" or entry.agent != self._console.member.id:
            return False
        return attributes_open_to(stored.state, self._console.member.id, entry.generation)

    def board_changed(self) -> None:
        """Routing may have come to another mind about whose this is."""
        if self._begun:
            self._show_attributes()

    def _show_attributes(self) -> None:
        stored = self.local.stored
        open_now = self._may_see(stored)
        if open_now and self._attributes_shown != stored.state.generation:
            self._attributes_shown = stored.state.generation
            self._console.floor.tasks.start(self._send_attributes(stored), "show attributes")
        elif not open_now and self._attributes_shown:
            self._attributes_shown = 0
            self._console.socket.send_frame(m.AttributesGone(conversation=self.local.id))

    async def _send_attributes(self, stored: Stored) -> None:
        floor, member, state = self._console.floor, self._console.member, stored.state
        try:
            raw = await floor.conversations.store.attributes(stored)
            if raw is None:
                return
            # Written down before it is shown: a disclosure that cannot be recorded does not happen.
            await floor.audit.disclosed(
                who=member.id,
                tags=state.auth.tags,
                conversation=state.id,
                purpose=state.purpose,
                reason="accepted the conversation",
            )
        except IdContactError as error:
            self._attributes_shown = 0
            _log.warning("attributes could not be shown: %s", error, extra={"conversation": state.id})
            return
        if self._left or not self._may_see(self.local.stored):
            return
        language = self._console.language
        shown = [
            m.VerifiedAttribute(tag=tag, label=floor.labels.attribute(tag, language), value=value)
            for tag, value in _values.decode(raw).items()
        ]
        frame = m.Attributes(
            conversation=state.id,
            method_label=floor.labels.method(state.auth.method or "", language),
            verified_at=state.auth.at or 0,
            attributes=shown,
            level=state.auth.level,
        )
        self._console.socket.send_frame(frame)
