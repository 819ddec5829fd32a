"""Conversations under way, as many as wanted: made in the store by the product's own parts, not through its doors.

Through the doors a thousand take minutes. What lies in the store afterwards is the same: the state, sealed; the place
in routing; the agent who accepted, and a log that says so; the attributes; the cookies of both.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import uvloop
from msgspec.structs import replace

from idcontact.config import load_config
from idcontact.keystore import DirectoryKeyStore
from idcontact.live.conversation import deadlines, wanted
from idcontact.live.conversation_state import AgentPart, Auth, AuthStatus, Conversation, Phase
from idcontact.live.conversations import Conversations
from idcontact.live.entrances import cookie_name
from idcontact.live.happenings import Assigned
from idcontact.live.keys import hashed, new_id, new_secret
from idcontact.live.labels import Labels
from idcontact.live.routing_store import EntryRecord, RoutingStore, decode_assignment
from idcontact.live.store import ConversationStore
from idcontact.live.stored import Change, Stored
from idcontact.pipe import Pipe
from idcontact.redis import connect
from idcontact.staff.accounts import Accounts
from idcontact.staff.sessions import COOKIE, StaffSessions
from idcontact.staff.store import StaffStore
from idcontact.tasks import Tasks
from live_client import PROTOCOL
from running import ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from redis.asyncio import Redis

    from idcontact.config import Config
    from idcontact.staff.settings import StaffAccount
    from running import Site

_PURPOSE: Final = "report_move"
_OTHER_PURPOSE: Final = "passport"
_LASTS_MS: Final = 3_600_000
"""How long those who are not connected are held to be there: longer than anything is measured."""
_AT_ONCE: Final = 16
_IDLE_EACH: Final = 20
_ATTRIBUTES: Final = msgspec.json.encode(ATTRIBUTES)


@dataclass(frozen=True)
class Page:
    """A page of one of the two: what it shows at the door, and what `hello` says that it has."""

    conversation: str
    path: str
    cookie: str
    have: tuple[Mapping[str, Any], ...]

    def headers(self, site: Site) -> dict[str, str]:
        """Of its handshake."""
        return {"Origin": site.url, "Cookie": self.cookie, "Sec-WebSocket-Protocol": PROTOCOL}

    def hello(self) -> str:
        """Its first frame."""
        return msgspec.json.encode({"type": "hello", "have": self.have}).decode()

    def line(self, site: Site) -> str:
        """As the load generator reads it (load.c), for the node `site`."""
        headers = "".join(f"{name}: {value}\\r\\n" for name, value in self.headers(site).items())
        return f"{self.conversation}\t:{site.port}{self.path}\t{headers}\n"


def put_under_way(site: Site, pairs: int, idle: int = 0) -> list[Page]:
    """Make `pairs` conversations, of accounts `agent0` and on, and `idle` ones of whom nobody comes.

    The pages of the pairs: the end user's and the agent's, in turns.
    """
    return uvloop.run(_put(site, pairs, idle))


def put_crowd_under_way(site: Site, pairs: int, others: int) -> tuple[list[tuple[Page, Page]], list[Page]]:
    """Make `pairs` conversations as above, and the pages of `others` end users, whose agents do not come.

    They come about something else: no agent has thousands of conversations of others on the screen.
    """
    return uvloop.run(_put_crowd(site, pairs, others))


def write_lines(site: Site, pages: list[Page], sockets: Path) -> None:
    """The sockets of these pages, for the load generator."""
    sockets.write_text("".join(page.line(site) for page in pages))


async def _put(site: Site, pairs: int, idle: int) -> list[Page]:
    async with _making(load_config(site.config, {})) as making:
        couples = await making.pairs([f"agent{number}" for number in range(pairs)])
        await making.idle(idle)
        return [page for couple in couples for page in couple]


async def _put_crowd(site: Site, pairs: int, others: int) -> tuple[list[tuple[Page, Page]], list[Page]]:
    async with _making(load_config(site.config, {})) as making:
        couples = await making.pairs([f"agent{number}" for number in range(pairs)])
        return couples, await making.pages(await making.idle(others, _OTHER_PURPOSE))


@dataclass(frozen=True)
class _Making:
    redis: Redis
    conversations: Conversations
    sessions: StaffSessions
    accounts: dict[str, StaffAccount]

    async def idle(self, count: int, purpose: str = _PURPOSE) -> list[str]:
        """So many of agents who are elsewhere, who have twenty each. What routing keeps of them is laid down whole."""
        several, now = asyncio.Semaphore(_AT_ONCE), await self.conversations.store.now()

        async def one(number: int) -> EntryRecord:
            async with several:
                return await self._laid_down(f"elsewhere{number // _IDLE_EACH}", now, purpose)

        entries = await asyncio.gather(*map(one, range(count)))
        agents = sorted({entry.agent for entry in entries if entry.agent is not None})
        for agent in agents:
            await self._arrives(agent, _IDLE_EACH, purpose)
        root = self.conversations.routing.root
        async with self.redis.pipeline(transaction=False) as pipeline:
            for entry in entries:
                # Without what is not there: Lua would take a null for something.
                known = {name: value for name, value in msgspec.to_builtins(entry).items() if value is not None}
                pipeline.hset(f"{root}entries", entry.conversation, msgspec.json.encode(known))
                pipeline.sadd(f"{root}held:{entry.agent}", entry.conversation)
            await pipeline.execute()
        for agent in agents:  # now that they have these: what is new to routing it would tell to each conversation
            await self.conversations.routing.set_status(agent, "available", new_id())
        return [entry.conversation for entry in entries]

    async def _laid_down(self, agent: str, now: int, purpose: str) -> EntryRecord:
        """A conversation of this agent, and its entry in routing."""
        store = self.conversations.store
        state = self._waiting(now, purpose)
        key = await store.create(state, {}, {"ticket": hashed(state.id)})
        before = Stored(state, key, last_activity=0, log_ids={}, seqs={}, now=0, mark=b"", set_back=0)
        active = replace(state, phase=Phase.ACTIVE, generation=1, agent=AgentPart(agent, agent, state.created_at))
        change = Change(
            state=active,
            deadlines=deadlines(active, self.conversations.rules(purpose), 0),
            lease=state.created_at + _LASTS_MS,
            attributes=_ATTRIBUTES,
        )
        assert (await store.commit(before, change)).outcome == "ok"
        return EntryRecord(
            conversation=state.id,
            purpose=state.purpose,
            channel=state.channel,
            language=state.language,
            priority=5,
            arrival=state.created_at,
            entered_at=state.created_at,
            version=1,
            generation=1,
            state="assigned",
            present=True,
            agent=agent,
        )

    async def pairs(self, agents: list[str]) -> list[tuple[Page, Page]]:
        """A conversation of each of these agents, and the pages of both."""
        for agent in agents:
            await self._arrives(agent, 1)
            await self.conversations.routing.set_status(agent, "available", new_id())
        several = asyncio.Semaphore(_AT_ONCE)

        async def one() -> tuple[Page, Page]:
            async with several:
                return await self._pages(*await self._accepted())

        return list(await asyncio.gather(*(one() for _ in agents)))

    async def _arrives(self, agent: str, capacity: int, purpose: str = _PURPOSE) -> None:
        routing, until = self.conversations.routing, await self.conversations.store.now() + _LASTS_MS
        await routing.act(
            "arrive", id=agent, name=agent, purposes=[purpose], capacity=capacity, conn="elsewhere", lease=until
        )

    def _waiting(self, now: int, purpose: str = _PURPOSE) -> Conversation:
        """Somebody who has identified and landed, and is connected elsewhere."""
        return Conversation(
            id=new_id(),
            purpose=purpose,
            channel="chat",
            language="nl",
            created_at=now,
            phase=Phase.WAITING,
            auth=Auth(AuthStatus.GIVEN, "test", at=now, tags=tuple(ATTRIBUTES)),
            landed_at=now,
            entered_at=now,
            conn="elsewhere",
        )

    async def _accepted(self) -> tuple[str, str]:
        """A new conversation that was offered and accepted, and by whom."""
        store, routing = self.conversations.store, self.conversations.routing
        state = self._waiting(await store.now())
        due = {**deadlines(state, self.conversations.rules(_PURPOSE), 0), "lease": state.created_at + _LASTS_MS}
        await store.create(state, due, {"ticket": hashed(state.id)})
        await routing.sync(
            dataclasses.replace(wanted(state), version=1), channel=state.channel, language=state.language
        )
        entry = await routing.entry(state.id)
        assert entry is not None
        assert entry.agent is not None
        assert entry.offer is not None
        assert await routing.accept(state.id, entry.offer, entry.agent)
        raw = await routing.unheard(state.id)
        assert raw is not None
        word = decode_assignment(raw)
        assigned = Assigned(word.agent, word.name, word.generation, word.present)
        await self.conversations.happen(state.id, assigned, attributes=_ATTRIBUTES)
        await routing.confirm(state.id, raw)
        return state.id, entry.agent

    async def pages(self, conversations: list[str]) -> list[Page]:
        """Those of end users who have not said anything yet."""
        several = asyncio.Semaphore(_AT_ONCE)

        async def one(conversation: str) -> Page:
            async with several:
                return Page(conversation, f"/c/{conversation}/socket", await self._let_in(conversation), ())

        return list(await asyncio.gather(*map(one, conversations)))

    async def _let_in(self, conversation: str) -> str:
        """The end user's cookie."""
        store, cookie = self.conversations.store, new_secret()
        assert await store.exchange(conversation, conversation, cookie) == "ok"
        assert await store.enter(conversation, cookie)
        return f"{cookie_name(conversation)}={cookie}"

    async def _pages(self, conversation: str, agent: str) -> tuple[Page, Page]:
        theirs = await self._let_in(conversation)
        stored = await self.conversations.store.load(conversation)
        public, staff = (
            {"conversation": conversation, "log": log, "log_id": stored.log_ids[log], "seq": stored.seqs[log]}
            for log in ("public", "staff")
        )
        ours = f"{COOKIE}={await self.sessions.begin(self.accounts[agent])}"
        return (
            Page(conversation, f"/c/{conversation}/socket", theirs, (public,)),
            Page(conversation, "/console/socket?lang=nl", ours, (public, staff)),
        )


@asynccontextmanager
async def _making(config: Config) -> AsyncIterator[_Making]:
    live, url = config.live, config.redis_url
    assert live is not None
    assert url is not None
    redis, keystore = connect(url.value()), DirectoryKeyStore(config.keys_dir)
    try:
        async with Tasks() as tasks:
            store = ConversationStore(redis, partial(Pipe, redis), keystore, config.redis_prefix)
            tasks.start(store.pipe.run(), "append connection")
            routing = RoutingStore(redis, config.redis_prefix, live.routing)
            conversations = Conversations(store, routing, live.rules, Labels({}, {}, {}))
            staff = StaffStore(redis, config.redis_prefix)
            sessions = StaffSessions(staff, Accounts(()), config.staff, time.time)
            yield _Making(redis, conversations, sessions, {account.id: account for account in config.staff.accounts})
    finally:
        keystore.close()
        await redis.aclose()
