"""What happens to conversations: read, decide, commit, and tell routing. The one way to change one.

`happen` is safe to repeat and safe to lose half-way: the deadlines and the debt to routing are committed with the
state, so any node finishes what another began (`deadlines.py`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from idcontact.errors import Conflict, KeyGone, NotFound, SealBroken, Unavailable
from idcontact.live.conversation import deadlines, decide, wanted
from idcontact.live.conversation_state import Conversation, Phase, Rules
from idcontact.live.frames import event_of, seal_event
from idcontact.live.happenings import ACKNOWLEDGED, Assigned, Connected, DeadlineReached, Disconnected, Happening
from idcontact.live.keys import context
from idcontact.live.routing import Wanted
from idcontact.live.routing_store import RoutingStore, decode_assignment
from idcontact.live.stored import Change, Committed, Stored
from idcontact.redis import TOO_FEW_REPLICAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from idcontact.live.labels import Labels
    from idcontact.live.store import ConversationStore

_log = logging.getLogger(__name__)
_TRIES = 20
_GONE_VERSION = 10**12
"""Above any version a conversation can have: what is gone stays gone for routing."""


@dataclass(frozen=True)
class Outcome:
    """What `happen` came to: the state as it now is, and what the store said."""

    state: Conversation
    before: Stored
    committed: Committed


class Conversations:
    """See the module."""

    def __init__(
        self, store: ConversationStore, routing: RoutingStore, rules: Callable[[str], Rules], labels: Labels
    ) -> None:
        self.store = store
        self.routing = routing
        self.rules = rules
        self.labels = labels

    async def start(self, state: Conversation, secret_hashes: dict[str, str]) -> None:
        """A new conversation. Raises `Unavailable`: then there is none that anybody knows of."""
        await self.store.create(state, deadlines(state, self.rules(state.purpose), 0), secret_hashes)
        if not await self.store.vouch(state.id, state.version):
            raise Unavailable("the conversation cannot be kept now; try again in a moment")
        _log.info("conversation prepared", extra={"conversation": state.id, "purpose": state.purpose})

    async def happen(
        self,
        conversation: str,
        happening: Happening,
        *,
        command: str | None = None,
        claim: tuple[str, int] | None = None,
        attributes: bytes | None = None,
    ) -> Outcome:
        """Let something happen, exactly once.

        `command` remembers the answer under that name; `claim` makes a deadline part of the same step; `attributes`
        are stored sealed. Raises `NotFound`, `Conflict`, `NotAllowed` and `Unavailable`.
        """
        for _ in range(_TRIES):
            before = await self.store.load(conversation)
            outcome = await self._try(before, happening, command, claim, attributes)
            if outcome is not None:
                return outcome
        raise Conflict("too much happens in this conversation at once; try again")

    async def _try(
        self,
        before: Stored,
        happening: Happening,
        command: str | None,
        claim: tuple[str, int] | None,
        attributes: bytes | None,
    ) -> Outcome | None:
        rules = self.rules(before.state.purpose)
        if isinstance(happening, DeadlineReached):
            happening = DeadlineReached(happening.kind, before.last_activity)
        try:
            decision = decide(before.state, happening, before.now, rules)
        except Conflict:
            if command is not None and (answered := await self.store.answer(before.state.id, command)) is not None:
                return await self._as_it_was(before, happening, answered)
            raise
        if decision.state is before.state and claim is None:
            answered = None if command is None else await self.store.answer(before.state.id, command)
            nothing_new = answered or Committed("ok", version=before.state.version)
            return await self._as_it_was(before, happening, nothing_new)
        sealed = None
        if attributes is not None and not decision.forget_attributes:
            sealed = before.key.seal(attributes, context(before.state.id, "attributes"))
        events = tuple(
            (said.log, seal_event(event_of(said, before, decision.state, self.labels), before.key))
            for said in decision.said
        )
        change = Change(
            state=decision.state,
            deadlines=deadlines(decision.state, rules, before.last_activity),
            events=events,
            lease=_lease(happening, before, rules),
            tell_routing=_wants_other(before.state, decision.state),
            forget=decision.forget_attributes,
            command=command,
            claim=claim,
            attributes=sealed,
            acknowledged=isinstance(happening, ACKNOWLEDGED),
        )
        committed = await self.store.commit(before, change)
        if committed.outcome == "lost":
            return None
        if committed.outcome == "gone":
            raise NotFound("this conversation does not exist, or no longer")
        if committed.outcome == "ok":
            _note(before.state, decision.state)
            if change.tell_routing:
                await self.tell_routing(before.state.id)
            return Outcome(replace(decision.state, version=committed.version), before, committed)
        return Outcome(before.state, before, committed)

    async def _as_it_was(self, before: Stored, happening: Happening, committed: Committed) -> Outcome | None:
        """Nothing was to be stored. Whoever did may not have lived to see it on enough replicas."""
        if isinstance(happening, ACKNOWLEDGED) and not await self.store.vouch(before.state.id, before.state.version):
            return None
        return Outcome(before.state, before, committed)

    async def tell_routing(self, conversation: str) -> None:
        """Bring routing in line with the conversation as it is now."""
        try:
            state = (await self.store.load(conversation)).state
        except (NotFound, KeyGone, SealBroken):
            # One that nobody can read is offered to nobody. Should its key come back, so will its end user's next sign.
            gone = Wanted(conversation=conversation, version=_GONE_VERSION, generation=0, want="none")
            if await self.routing.sync(gone, channel="", language=""):
                await self.store.told(conversation, _GONE_VERSION)
            return
        # Not before a replica has it, either: it would never be told again, should that one take over in between.
        if await self.routing.sync(wanted(state), channel=state.channel, language=state.language):
            await self.store.told(conversation, state.version)

    async def hear(self, conversation: str, raw: bytes) -> None:
        """Bring the conversation in line with what routing says of it (the outbox's `raw`), and say that it heard."""
        word = decode_assignment(raw)
        try:
            happening = Assigned(word.agent, word.name, word.generation, word.present)
            heard = (await self.happen(conversation, happening)).state
            if not await self._is_kept(heard):
                return  # it is heard again until it is
            follows = _follows(heard, word.generation)
        except (NotFound, KeyGone, SealBroken):
            follows = False
        if not follows:
            await self.tell_routing(conversation)
        await self.routing.confirm(conversation, raw)

    async def _is_kept(self, state: Conversation) -> bool:
        """As safely as was promised; what is not yet is done all the same."""
        try:
            return await self.store.vouch(state.id, state.version)
        except Unavailable as unavailable:
            if unavailable.reason != TOO_FEW_REPLICAS:
                raise
            return False


def _follows(state: Conversation, generation: int) -> bool:
    """Whether the conversation took that assignment up: otherwise routing has to hear the truth."""
    return state.phase in {Phase.ACTIVE, Phase.WRAPPING_UP} and state.generation == generation


def _lease(happening: Happening, before: Stored, rules: Rules) -> int:
    if isinstance(happening, Connected):
        return before.now + rules.lease
    if isinstance(happening, Disconnected) and before.state.conn == happening.conn:
        return 0
    if isinstance(happening, DeadlineReached) and happening.kind == "lease":
        return 0
    return -1


def _wants_other(before: Conversation, after: Conversation) -> bool:
    """Whether routing has to hear of this change."""
    old, new = wanted(before), wanted(after)
    return (old.want, old.generation, old.present) != (new.want, new.generation, new.present)


def _note(before: Conversation, after: Conversation) -> None:
    if before.phase is not after.phase:
        _log.info(
            "conversation %s -> %s",
            before.phase.value,
            after.phase.value,
            extra={"conversation": after.id, "purpose": after.purpose, "reason": after.end_reason},
        )
