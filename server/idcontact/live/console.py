"""The staff's end of the socket: an agent's or a supervisor's console."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, assert_never, cast

from idcontact.errors import Conflict, IdContactError, KeyGone, NotAllowed, NotFound, SealBroken, Unavailable
from idcontact.live import messages as m
from idcontact.live.attendance import Attendance
from idcontact.live.chair import AgentChair
from idcontact.live.conversation_state import Phase
from idcontact.live.frames import auth_view, encode, queue_agent, queue_entry
from idcontact.live.happenings import Ended, WrapUpDone
from idcontact.live.socket import REPLACED, TRY_AGAIN, Socket
from idcontact.live.typist import Typist

if TYPE_CHECKING:
    from idcontact.live.floor import Floor
    from idcontact.live.routing_store import AgentRecord, Delta, EntryRecord
    from idcontact.live.socket import Answer
    from idcontact.live.staff_port import Member

_log = logging.getLogger(__name__)


class Console:
    """One console's socket: a `Handler` of frames, a listener to the board, with a chair at each conversation."""

    def __init__(self, member: Member, language: str, socket: Socket[m.StaffFrame], floor: Floor) -> None:
        self.member = member
        self.language = language
        self.socket = socket
        self.floor = floor
        self._attendance = Attendance(member, floor, socket.close)
        self._chairs: dict[str, AgentChair] = {}
        self._typist = Typist(floor.conversations.store, "agent", member.id)
        self._welcomed = False
        self._version = -1
        self._closed = False

    # --- frames ---------------------------------------------------------------------------------------------------

    async def hello(self, frame: m.Hello) -> None:
        """Welcome, the conversations with what is missing of each, and the queue."""
        self._leave_chairs()
        self._welcomed = False
        board = self.floor.board
        try:
            async with asyncio.timeout(5):
                await board.ready.wait()
        except TimeoutError:
            raise Unavailable("the queue cannot be read now; try again in a moment") from None
        if not await self._attendance.begin(frame) or self._closed:
            return
        board.listeners.add(self)
        chairs = [await self._sit(conversation) for conversation in board.assigned_to(self.member.id)]
        here = [chair for chair in chairs if chair is not None]
        offered = board.offered_to(self.member.id)
        offer = None if offered is None else await self._offer_view(offered)
        views = {chair: view for chair in here if (view := chair.view()) is not None}
        welcome = m.StaffWelcome(
            server_time=await self.floor.conversations.store.now(),
            limits=self.floor.limits,
            me=self._me(),
            conversations=list(views.values()),
            offers=[] if offer is None else [offer],
        )
        self.socket.send_frame(welcome)
        self._welcomed = True
        self._send_queue()
        self._send_news_since(welcome)
        for chair in here:
            # The page forgets the logs of what the welcome does not list.
            await chair.begin(frame.have if chair in views else ())
        self._follow_board()

    def _send_news_since(self, welcome: m.StaffWelcome) -> None:
        """What the board heard while the welcome was being made."""
        me = self._me()
        if me != welcome.me:
            self.socket.send_frame(m.Me(me=me))
        offered = self.floor.board.offered_to(self.member.id)
        if offered is not None and str(offered.offer) not in {offer.id for offer in welcome.offers}:
            self.floor.tasks.start(self._send_offer(), "send an offer")

    def say(self, frame: m.SendMessage, answer: Answer) -> None:
        """Say something in a conversation of this agent."""
        chair = self._chairs.get(frame.conversation)
        if chair is None:
            self.floor.tasks.start(self._say_without_chair(frame, answer), "answer what is not said")
        else:
            self.floor.say(chair.local, "agent", self.member.id, self.member.name, frame, answer)

    async def _say_without_chair(self, frame: m.SendMessage, answer: Answer) -> None:
        try:
            answer(await self._said_before(frame))
        except (NotFound, KeyGone, SealBroken):
            answer(_not_theirs())
        except Exception as error:  # noqa: BLE001 - whoever said it waits for an answer, whatever goes wrong
            answer(error)

    async def _said_before(self, frame: m.SendMessage) -> m.Ack:
        """It may have been said before the conversation went from this agent, or have come to them unheard here."""
        conversation, store = frame.conversation, self.floor.conversations.store
        state = (await store.load(conversation)).state
        said = await store.answer(conversation, f"agent|{self.member.id}|{frame.id}")
        if said is not None and await store.vouch(conversation, state.version):
            return m.Ack(id=frame.id, seq=said.seq, at=said.at)
        here = state.phase is Phase.ACTIVE and state.agent is not None and state.agent.id == self.member.id
        if said is not None or here:
            raise Unavailable("this conversation cannot be reached here yet; try again in a moment")
        raise _not_theirs()

    async def handle(self, frame: m.StaffFrame) -> m.Ack | None:
        """Any later frame."""
        match frame:
            case m.Hello() | m.Ping() | m.SendMessage():
                return None  # the socket's own, and `say`
            case m.Seen():
                self._chair(frame.conversation)
                store = self.floor.conversations.store
                await store.mark_seen(frame.conversation, "agent", self.member.id, frame.seq)
                return None
            case m.Typing():
                self._chair(frame.conversation)
                await self._typist.says(frame)
                return None
            case m.EndConversation():
                return await self._happen(frame.id, frame.conversation, Ended("agent", self.member.id))
            case m.FinishWrapUp():
                return await self._happen(frame.id, frame.conversation, WrapUpDone(self.member.id))
            case m.SetStatus():
                return await self._set_status(frame)
            case m.AcceptOffer():
                return await self._accept(frame)
            case m.DeclineOffer():
                return await self._decline(frame)
            case _:
                assert_never(frame)

    async def bye(self) -> None:
        """The socket is gone."""
        self._closed = True
        self.floor.board.listeners.discard(self)
        self._leave_chairs()
        await self._attendance.leave()

    # --- acts -----------------------------------------------------------------------------------------------------

    async def _set_status(self, frame: m.SetStatus) -> m.Ack:
        if not self._attendance.takes_conversations:
            raise NotAllowed("only agents have a status")
        await self.floor.conversations.routing.set_status(self.member.id, frame.status, command=frame.id)
        return m.Ack(id=frame.id)

    async def _accept(self, frame: m.AcceptOffer) -> m.Ack:
        conversations = self.floor.conversations
        taken = await conversations.routing.accept(
            frame.conversation, _number(frame.offer), self.member.id, command=frame.id
        )
        if not taken:
            raise Conflict("this offer is no longer open", field="offer")
        raw = await conversations.routing.unheard(frame.conversation)
        if raw is not None:
            await conversations.hear(frame.conversation, raw)
        return m.Ack(id=frame.id)

    async def _decline(self, frame: m.DeclineOffer) -> m.Ack:
        routing = self.floor.conversations.routing
        if not await routing.decline(frame.conversation, _number(frame.offer), self.member.id, command=frame.id):
            raise Conflict("this offer is no longer open", field="offer")
        return m.Ack(id=frame.id)

    async def _happen(self, command: str, conversation: str, happening: Ended | WrapUpDone) -> m.Ack:
        outcome = await self.floor.conversations.happen(
            conversation, happening, command=f"agent:{self.member.id}|{command}"
        )
        return m.Ack(id=command, seq=outcome.committed.seq or None, at=outcome.committed.at or None)

    def _chair(self, conversation: str) -> AgentChair:
        chair = self._chairs.get(conversation)
        if chair is None:
            raise _not_theirs()
        return chair

    # --- conversations --------------------------------------------------------------------------------------------

    async def _sit(self, conversation: str) -> AgentChair | None:
        """A chair at it; None when it is gone, or cannot be read: the others must go on all the same."""
        try:
            local = await self.floor.hub.open(conversation)
        except NotFound:
            return None
        except (KeyGone, SealBroken) as error:
            _log.error("a conversation cannot be opened: %s", error, extra={"conversation": conversation})
            return None
        if self._closed or conversation in self._chairs:
            self.floor.hub.close(local)
            return None
        chair = self._chairs[conversation] = AgentChair(self, local)
        return chair

    async def _take_part(self, conversation: str) -> None:
        """A conversation came to this agent."""
        try:
            if conversation not in self._chairs and (chair := await self._sit(conversation)) is not None:
                # From the beginning: whatever the page had of it, it forgot when it was not this agent's.
                await chair.begin(())
        except IdContactError as error:
            self.failed(conversation, error)

    def failed(self, conversation: str, error: IdContactError) -> None:
        """A conversation could not be opened. Nothing half-open: the page comes again, and gets all of it."""
        _log.warning("a conversation could not be opened: %s", error, extra={"conversation": conversation})
        self.socket.close(TRY_AGAIN)

    def _leave_chairs(self) -> None:
        for chair in tuple(self._chairs.values()):
            chair.leave()
        self._chairs.clear()

    def dismissed(self, conversation: str) -> None:
        """This agent no longer has part in it."""
        chair = self._chairs.pop(conversation, None)
        if chair is not None:
            chair.leave()
            self.socket.send_frame(m.ConversationGone(conversation=conversation))

    # --- the board ------------------------------------------------------------------------------------------------

    def board_changed(self, delta: Delta) -> None:
        """One act's changes."""
        if (
            delta.replaced is not None
            and delta.replaced.agent == self.member.id
            and delta.replaced.conn == self._attendance.conn
        ):
            self.socket.close(REPLACED)
            return
        if not self._welcomed or self._is_about_other_agents(delta):
            return
        self._send_delta(delta)
        for ended in delta.offers_gone:
            if ended.agent == self.member.id:
                gone = m.OfferGone(id=str(ended.offer), conversation=ended.conversation, reason=ended.reason)
                self.socket.send_frame(gone)
        for made in delta.offers:
            if made.agent == self.member.id:
                self.floor.tasks.start(self._send_offer(), "send an offer")
        if any(agent.id == self.member.id for agent in delta.agents):
            missed = self.member.id in delta.missed
            self.socket.send_frame(m.Me(me=self._me(), reason="missed_offers" if missed else None))
        if self._is_about_ours(delta):
            self._follow_board()

    def _is_about_other_agents(self, delta: Delta) -> bool:
        """Whether it is of no matter here: most deltas are, when all agents come back at once."""
        if delta.entries or delta.entries_gone or delta.offers or delta.offers_gone:
            return False
        return not any(self._sees_agent(agent) for agent in delta.agents)

    def _is_about_ours(self, delta: Delta) -> bool:
        """Whether something came to this agent or left. Most is about others, and to look at all takes long."""
        if not self._chairs.keys().isdisjoint(delta.entries_gone):
            return True
        return any(entry.agent == self.member.id or entry.conversation in self._chairs for entry in delta.entries)

    def board_reloaded(self) -> None:
        """Anything may have changed."""
        if not self._welcomed:
            return
        if self.floor.board.version < self._version:
            # The store fell back to an earlier copy of itself, and may know an earlier console of this agent.
            self.floor.tasks.start(self._attendance.arrive_again(), "be there again")
        self._send_queue()
        self.socket.send_frame(m.Me(me=self._me()))
        if self.floor.board.offered_to(self.member.id) is not None:
            self.floor.tasks.start(self._send_offer(), "send an offer")
        self._follow_board()

    def _follow_board(self) -> None:
        """Take part in what is this agent's now, and in nothing else."""
        mine = set(self.floor.board.assigned_to(self.member.id))
        for conversation in mine - self._chairs.keys():
            self.floor.tasks.start(self._take_part(conversation), "take part in a conversation")
        for conversation in self._chairs.keys() - mine:
            self.dismissed(conversation)
        for chair in self._chairs.values():
            chair.board_changed()

    async def _send_offer(self) -> None:
        entry = self.floor.board.offered_to(self.member.id)
        if entry is None:
            return
        try:
            view = await self._offer_view(entry)
        except IdContactError as error:
            _log.warning("an offer could not be shown: %s", error)
            return
        if view is not None:
            self.socket.send_frame(m.Offer(offer=view))

    async def _offer_view(self, entry: EntryRecord) -> m.OfferView | None:
        try:
            state = (await self.floor.conversations.store.load(entry.conversation)).state
        except (NotFound, KeyGone, SealBroken):
            return None
        return m.OfferView(
            id=str(entry.offer),
            conversation=entry.conversation,
            purpose=entry.purpose,
            purpose_label=self.floor.labels.purpose(entry.purpose, self.language),
            channel=entry.channel,
            language=entry.language,
            entered_at=entry.entered_at,
            until=entry.until_ or 0,
            auth=auth_view(state, self.floor.labels, self.language),
        )

    def _me(self) -> m.StaffMember:
        known = self.floor.board.agents.get(self.member.id)
        labels = {tag: self.floor.labels.purpose(tag, self.language) for tag in self.member.purposes}
        return m.StaffMember(
            id=self.member.id,
            name=self.member.name,
            roles=sorted(self.member.roles),  # type: ignore[arg-type]  # staff's settings allow no other roles
            purposes=labels,
            capacity=self.member.capacity,
            status="away" if known is None else known.status,
            load=0 if known is None else known.load,
        )

    def _sees_entry(self, entry: EntryRecord) -> bool:
        return entry.purpose in self.member.purposes

    def _sees_agent(self, agent: AgentRecord) -> bool:
        return agent.id == self.member.id or ("supervisor" in self.member.roles and self._shares(agent))

    def _shares(self, agent: AgentRecord) -> bool:
        return not set(self.member.purposes).isdisjoint(agent.purposes)

    def _send_queue(self) -> None:
        board = self.floor.board
        self._version = board.version
        snapshot = m.QueueSnapshot(
            version=board.version,
            entries=cast("list[m.QueueEntry]", board.encoded_entries(tuple(self.member.purposes))),
            agents=[queue_agent(a) for a in board.agents.values() if self._sees_agent(a)],
        )
        self.socket.send(encode(snapshot))

    def _send_delta(self, delta: Delta) -> None:
        entries = [queue_entry(e) for e in delta.entries if self._sees_entry(e)]
        agents = [queue_agent(a) for a in delta.agents if self._sees_agent(a)]
        if entries or agents or delta.entries_gone:
            frame = m.QueueDelta(
                after=self._version,
                version=delta.version,
                entries=entries,
                entries_gone=delta.entries_gone,
                agents=agents,
            )
            self._version = delta.version
            self.socket.send(encode(frame))


def _not_theirs() -> NotAllowed:
    return NotAllowed("this conversation is not yours", field="conversation")


def _number(offer: str) -> int:
    if not offer.isdecimal() or len(offer) > 15:
        raise NotFound("there is no such offer", field="offer")
    return int(offer)
