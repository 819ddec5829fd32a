"""Auth results, on receipt: checked once, used once, and sealed. Nobody looks at their five minutes again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from idcontact.errors import Conflict, NotFound, TokenRejected
from idcontact.live.conversation import ResultArrived
from idcontact.live.conversation_state import Auth, AuthStatus
from idcontact.tokens import ReadResult, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idcontact.live.conversations import Conversations
    from idcontact.results import ResultCheck

_log = logging.getLogger(__name__)


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
    clock: Callable[[], float]

    def check(self, token: bytes | str) -> ReadResult:
        """Read a token. Raises `TokenRejected`."""
        return self.checks.read(token, self.clock())

    async def take(self, conversation: str, read: ReadResult) -> None:
        """Give a checked result to a conversation. The same one again is fine.

        Raises `TokenRejected` when another conversation used it, `NotFound` when this one waits for none.
        """
        state = (await self.conversations.store.load(conversation)).state
        if state.auth.digest == read.digest:
            return
        needs = self.purposes.get(state.purpose, PurposeNeeds(frozenset()))
        if needs.methods is not None and read.method not in needs.methods:
            raise TokenRejected(f"method {read.method} is not allowed for purpose {state.purpose}")
        seconds = int(read.expires_at - self.clock()) + 60
        if not await self.conversations.store.claim_result(read.digest, conversation, seconds):
            raise TokenRejected("this auth result was used before")
        given = read.result.attributes or {}
        kept = {tag: value for tag, value in given.items() if tag in needs.attributes}
        if len(kept) < len(given):
            _log.warning(
                "an auth result held more than its purpose asks for; the rest was dropped",
                extra={"conversation": conversation},
            )
        success = read.result.status is ResultStatus.SUCCESS
        auth = Auth(
            status=AuthStatus.GIVEN if success else AuthStatus.FAILED,
            method=read.method,
            level=read.result.acr or self.checks.methods[read.method].level,
            at=int((read.result.auth_time or read.issued_at) * 1000),
            tags=tuple(kept),
            digest=read.digest,
        )
        try:
            await self.conversations.happen(
                conversation, ResultArrived(auth), attributes=msgspec.json.encode(kept) if success else None
            )
        except Conflict as conflict:
            # The same result may have come twice at the same moment: then both are told that it is here.
            if (await self.conversations.store.load(conversation)).state.auth.digest != read.digest:
                raise NotFound("this conversation does not wait for an auth result") from conflict
