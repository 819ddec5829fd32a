"""Auth results, on receipt: checked once, used once, and sealed. Nobody looks at their five minutes again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from idcontact.errors import Conflict, NotFound, TokenRejected
from idcontact.live.conversation_state import Auth, AuthStatus
from idcontact.live.happenings import ResultArrived
from idcontact.receipts import came_along
from idcontact.tokens import ReadResult, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idcontact.live.conversation_state import Conversation
    from idcontact.live.conversations import Conversations
    from idcontact.protocol import StartCommunication
    from idcontact.receipts import Receipts
    from idcontact.results import ResultCheck

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Brought:
    """A result that came along with a start. `used`: the core verified and used it before, for this."""

    read: ReadResult
    used: bool


@dataclass(frozen=True)
class PurposeNeeds:
    """What a purpose asks for, and the methods whose results it takes; None: all of them."""

    attributes: frozenset[str]
    methods: frozenset[str] | None = None


@dataclass(frozen=True)
class Receiver:
    """Takes auth results for conversations."""

    conversations: Conversations
    checks: ResultCheck
    purposes: Mapping[str, PurposeNeeds]
    receipts: Receipts
    clock: Callable[[], float]

    def check(self, token: bytes | str) -> ReadResult:
        """Read a token. Raises `TokenRejected`."""
        return self.checks.read(token, self.clock())

    async def brought(self, message: StartCommunication) -> Brought | None:
        """The result that came along, read as of when it was received. Raises `TokenRejected`, `BadRequest`."""
        receipt = await came_along(message, self.receipts, self.clock())
        return None if receipt is None else Brought(self.checks.read(receipt.token, receipt.received_at), receipt.used)

    async def take(self, conversation: str, read: ReadResult, *, used: bool = False) -> None:
        """Give a checked result to a conversation. The same one again is fine. `used`: the core used it, for this.

        Raises `TokenRejected` when another conversation used it, `NotFound` when this one waits for none.
        """
        if await self._has(conversation, read.digest):
            return
        state = (await self.conversations.store.load(conversation)).state
        self._check_method(state, read)
        seconds = int(read.expires_at - self.clock())
        if not used and not await self.conversations.store.claim_result(read.digest, conversation, seconds):
            raise TokenRejected("this auth result was used before")
        await self._give(state, read)

    async def _has(self, conversation: str, digest: str) -> bool:
        """Whether that result is here, stored as safely as was promised."""
        store = self.conversations.store
        while (stored := await store.load(conversation)).state.auth.digest == digest:
            if await store.vouch(conversation, stored.state.version):
                return True
        return False

    def _needs(self, state: Conversation) -> PurposeNeeds:
        return self.purposes.get(state.purpose, PurposeNeeds(frozenset()))

    def _check_method(self, state: Conversation, read: ReadResult) -> None:
        methods = self._needs(state).methods
        if methods is not None and read.method not in methods:
            raise TokenRejected(f"method {read.method} is not allowed for purpose {state.purpose}")

    async def _give(self, state: Conversation, read: ReadResult) -> None:
        given = read.result.attributes or {}
        kept = {tag: value for tag, value in given.items() if tag in self._needs(state).attributes}
        if len(kept) < len(given):
            _log.warning(
                "an auth result held more than its purpose asks for; the rest was dropped",
                extra={"conversation": state.id},
            )
        success = read.result.status is ResultStatus.SUCCESS
        attributes = msgspec.json.encode(kept) if success else None
        auth = Auth(
            status=AuthStatus.GIVEN if success else AuthStatus.FAILED,
            method=read.method,
            level=read.result.acr or self.checks.methods[read.method].level,
            at=int((read.result.auth_time or read.issued_at) * 1000),
            tags=tuple(kept),
            digest=read.digest,
        )
        try:
            await self.conversations.happen(state.id, ResultArrived(auth), attributes=attributes)
        except Conflict as conflict:
            # The same result may have come twice at the same moment: then both are told that it is here.
            if not await self._has(state.id, read.digest):
                raise NotFound("this conversation does not wait for an auth result") from conflict
