"""The stores and the service of live, on a real server, without sockets and HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from idcontact.errors import Unavailable
from idcontact.keystore import DirectoryKeyStore
from idcontact.live.conversation_state import Auth, AuthStatus, Conversation, Rules
from idcontact.live.conversations import Conversations
from idcontact.live.happenings import Connected, Landed, ResultArrived
from idcontact.live.keys import hashed, new_id
from idcontact.live.labels import Labels
from idcontact.live.routing_store import RoutingStore
from idcontact.live.store import ConversationStore
from idcontact.pipes import line_to
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest
    from redis.asyncio import Redis

    from idcontact.durability import Replicas
    from idcontact.live.stored import Stored

LEASE = 45_000


@dataclass
class Parts:
    """What a node has of live, but for its sockets."""

    redis: Redis
    conversations: Conversations
    rules: Rules

    @property
    def store(self) -> ConversationStore:
        return self.conversations.store

    @property
    def routing(self) -> RoutingStore:
        return self.conversations.routing

    async def prepared(self) -> str:
        """A conversation that waits for its result and its end user; its ticket is `t`."""
        now = await self.store.now()
        state = Conversation(
            id=new_id(), purpose="move", channel="chat", language="nl", created_at=now, auth=Auth(AuthStatus.PENDING)
        )
        await self.conversations.start(state, {"ticket": hashed("t"), "attr": hashed("a")})
        return state.id

    async def waiting(self) -> str:
        """An identified end user in the queue, connected as `s1`."""
        conversation = await self.prepared()
        given = Auth(AuthStatus.GIVEN, "test", at=1, tags=("fullname",), digest="d")
        await self.conversations.happen(conversation, ResultArrived(given), attributes=b'{"fullname":"Suzanne"}')
        await self.conversations.happen(conversation, Landed(same_browser=True))
        await self.conversations.happen(conversation, Connected("s1"))
        return conversation

    async def apart(self, count: int) -> list[str]:
        """So many end users in the queue, whose conversations all lie in other slots."""
        found: dict[str, str] = {}
        while len(found) < count:
            conversation = await self.waiting()
            found.setdefault(self.store.keys(conversation).tag, conversation)
        return [*found.values()]

    def take_away(self, patch: pytest.MonkeyPatch, *conversations: str) -> None:
        """The slots of these are out of reach: nothing of what lies there is read, or changed."""
        tags = {self.store.keys(one).tag for one in conversations}
        load, renew = self.store.load, self.store.renew

        def reach(conversation: str) -> None:
            if self.store.keys(conversation).tag in tags:
                raise Unavailable("the store cannot be reached now; try again in a moment")

        async def loading(conversation: str) -> Stored:
            reach(conversation)
            return await load(conversation)

        async def renewing(conversation: str, *more: Any) -> int | None:
            reach(conversation)
            return await renew(conversation, *more)

        patch.setattr(self.store, "load", loading)
        patch.setattr(self.store, "renew", renewing)

    async def agent(self, name: str = "ann", capacity: int = 3) -> None:
        """An agent who is there and available."""
        lease = await self.store.now() + LEASE
        await self.routing.act(
            "arrive", id=name, name=name.title(), purposes=["move"], capacity=capacity, conn="k", lease=lease
        )
        await self.routing.act("set_status", agent=name, status="available")

    async def accept(self, conversation: str, agent: str = "ann") -> None:
        """The agent takes the offer; routing knows, the conversation does not yet."""
        entry = await self.routing.entry(conversation)
        assert entry is not None
        assert entry.offer is not None
        assert await self.routing.accept(conversation, entry.offer, agent)

    async def active(self) -> str:
        """A conversation of agent ann."""
        await self.agent()
        conversation = await self.waiting()
        await self.accept(conversation)
        raw = await self.routing.unheard(conversation)
        assert raw is not None
        await self.conversations.hear(conversation, raw)
        return conversation

    async def phase(self, conversation: str) -> str:
        return (await self.store.load(conversation)).state.phase.value


@asynccontextmanager
async def parts(
    redis: Redis, folder: Path, rules: Rules | None = None, replicas: Replicas | None = None
) -> AsyncIterator[Parts]:
    """Parts with rules of one's own."""
    holds = rules or Rules()
    keystore = DirectoryKeyStore(folder / "keys")
    pipe = partial(line_to, redis, replicas=replicas)
    store = ConversationStore(redis, pipe, keystore, "idc", replicas=replicas)
    labels = Labels({}, {}, {})
    async with Tasks() as tasks:
        tasks.start(store.pipe.run())
        await store.settle()
        routing = RoutingStore(redis, "idc", replicas=replicas)
        yield Parts(redis, Conversations(store, routing, lambda _purpose: holds, labels), holds)
    keystore.close()
