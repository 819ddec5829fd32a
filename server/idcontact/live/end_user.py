"""The end user's end of the socket."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, assert_never

from idcontact.errors import Conflict, IdContactError, NotFound, Overtaken, Unavailable
from idcontact.live import messages as m
from idcontact.live.comings import is_overtaken, name_of
from idcontact.live.conversation_state import Phase
from idcontact.live.frames import encode, end_user_view
from idcontact.live.happenings import Connected, Disconnected, Ended, WentOnUnverified
from idcontact.live.socket import GONE, REPLACED, Socket
from idcontact.live.typist import Typist

if TYPE_CHECKING:
    from idcontact.live.conversations import Conversations
    from idcontact.live.floor import Floor
    from idcontact.live.keys import LogName
    from idcontact.live.local import Local
    from idcontact.live.positions import Standing
    from idcontact.live.socket import Answer
    from idcontact.live.stored import Stored

_log = logging.getLogger(__name__)
_AGAIN = 0.5


class EndUserEnd:
    """One end user's socket: a `Handler` of frames and a `Seat` at the conversation."""

    who: m.Sender = "end_user"
    logs: tuple[LogName, ...] = ("public",)

    def __init__(self, conversation: str, socket: Socket[m.EndUserFrame], floor: Floor) -> None:
        self.id = conversation
        self._socket = socket
        self._floor = floor
        self._conversations: Conversations = floor.conversations
        self._conn = ""
        """By this name the store knows this socket; none before hello."""
        self._local: Local | None = None
        self._shown = -1
        self._here = -1
        """The version at which the store knew again that this socket is here."""
        self._reconnecting = False
        self._typist = Typist(floor.conversations.store, "end_user")

    # --- frames ---------------------------------------------------------------------------------------------------

    async def hello(self, frame: m.Hello) -> None:
        """Welcome, what is missing, then everything as it comes."""
        self._stand_up()
        self._conn = self._conn or name_of(frame)
        try:
            await self._conversations.happen(self.id, Connected(self._conn))
        except Overtaken:
            self._socket.close(REPLACED)
            return
        local = self._local = await self._floor.hub.open(self.id)
        stored = await self._conversations.store.load(self.id)
        self._shown = stored.state.version
        welcome = m.EndUserWelcome(
            server_time=stored.now,
            limits=self._floor.limits,
            participant="end_user",
            conversation=self._view(stored),
        )
        self._socket.send_frame(welcome)
        await self._floor.hub.seat(local, self, frame.have)
        await self._send_seen()
        self._floor.positions.watch(self)

    def say(self, frame: m.SendMessage, answer: Answer) -> None:
        """Say something."""
        self._own(frame.conversation)
        if self._local is None:
            raise NotFound("this conversation does not exist, or no longer")
        self._floor.say(self._local, "end_user", "", None, frame, answer)

    async def handle(self, frame: m.EndUserFrame) -> m.Ack | None:
        """Any later frame."""
        match frame:
            case m.Hello() | m.Ping() | m.SendMessage():
                return None  # the socket's own, and `say`
            case m.Seen():
                self._own(frame.conversation)
                await self._conversations.store.mark_seen(self.id, "end_user", "", frame.seq)
                return None
            case m.Typing():
                self._own(frame.conversation)
                await self._typist.says(frame)
                return None
            case m.EndConversation():
                self._own(frame.conversation)
                return await self._happen(frame.id, Ended("end_user"))
            case m.ContinueUnverified():
                self._own(frame.conversation)
                return await self._happen(frame.id, WentOnUnverified())
            case _:
                assert_never(frame)

    async def bye(self) -> None:
        """The socket is gone: the place is kept for a while."""
        self._floor.positions.forget(self)
        if self._local is None:
            return
        self._stand_up()
        if self._floor.sockets.leaving:
            return  # handed over: whoever does not come back is missed when the lease lapses
        try:
            await self._conversations.happen(self.id, Disconnected(self._conn))
        except NotFound:
            return
        except IdContactError as error:
            # The lease lapses by itself, and does the same.
            _log.debug("a leaving end user could not be noted: %s", error)

    def _stand_up(self) -> None:
        if self._local is not None:
            self._floor.hub.unseat(self._local, self)
            self._floor.hub.close(self._local)
            self._local = None

    def _own(self, conversation: str) -> None:
        if conversation != self.id:
            raise NotFound("this is not your conversation", field="conversation")

    async def _happen(self, command: str, happening: Ended | WentOnUnverified) -> m.Ack:
        outcome = await self._conversations.happen(self.id, happening, command=f"end_user|{command}")
        return m.Ack(id=command, seq=outcome.committed.seq or None, at=outcome.committed.at or None)

    async def _send_seen(self) -> None:
        seen = (await self._conversations.store.seen(self.id))["agent"]
        if seen:
            self._socket.send_frame(m.SeenBy(conversation=self.id, by="agent", seq=seen))

    # --- the seat -------------------------------------------------------------------------------------------------

    def deliver(self, frame: bytes) -> None:
        """Send this frame, in this order."""
        self._socket.send(frame)

    async def room(self) -> None:
        """Come back when there is room for more."""
        await self._socket.room()

    def changed(self, stored: Stored) -> None:
        """The conversation is now like this."""
        if stored.state.version < max(self._shown, self._here):
            return  # read before what was read, or done, since
        known = stored.state.conn
        if known != self._conn and not self._reconnecting:
            if known is not None and not is_overtaken(known, by=self._conn):
                self._socket.close(REPLACED)
                return
            if stored.state.phase is not Phase.PURGED:
                # The lease lapsed while the store or this node was away, but the socket is here. Or the store fell back
                # to an earlier copy of itself, and knows an earlier try of this very page.
                self._take_again()
        self._show(stored)

    def set_back(self, stored: Stored) -> None:
        """The socket that the store knows may be an earlier one: this one is here, so it says so again."""
        if stored.state.conn != self._conn and not self._reconnecting:
            self._take_again()
        self._show(stored)

    def _take_again(self) -> None:
        self._reconnecting = True
        self._floor.tasks.start(self._reconnect(), "take the lease again")

    def _show(self, stored: Stored) -> None:
        if stored.state.version > self._shown:
            self._shown = stored.state.version
            self._socket.send(encode(m.ConversationView(conversation=self._view(stored))))
            self._floor.positions.watch(self)

    async def _reconnect(self) -> None:
        try:
            while self._local is not None:
                try:
                    connected = await self._conversations.happen(self.id, Connected(self._conn))
                except Overtaken:
                    self._socket.close(REPLACED)
                    return
                except (Unavailable, Conflict):  # or too much happens at once
                    await asyncio.sleep(_AGAIN)
                else:
                    self._here = connected.committed.version
                    return
        except IdContactError as error:
            _log.debug("a lease could not be taken again: %s", error)
        finally:
            self._reconnecting = False

    def gone(self) -> None:
        """The conversation is no more."""
        self._socket.close(GONE)

    # --- the queue ------------------------------------------------------------------------------------------------

    @property
    def waits_for(self) -> str | None:
        """The purpose in whose queue this end user is, if any."""
        state = self._local.stored.state if self._local is not None else None
        return state.purpose if state is not None and state.phase is Phase.WAITING else None

    def stands(self, standing: Standing) -> None:
        """Where this end user is in the queue."""
        position = m.Position(
            conversation=self.id,
            position=standing.place,
            agents_present=standing.agents_present,
            expected_wait=standing.expected_wait,
        )
        self._socket.send_frame(position)

    def _view(self, stored: Stored) -> m.EndUserConversation:
        rules = self._conversations.rules(stored.state.purpose)
        return end_user_view(stored.state, self._floor.labels, rules)
