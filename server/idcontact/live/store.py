"""Conversations in the store: their keys and scripts, and only here.

A conversation lives in one of 256 buckets, `{c000}` to `{c255}`, so that one script may number, store and publish in
its slot. Its hash holds in the clear only what scripts compare (version, phase, agent's id, counters, hashes of
secrets); the state, the events and the attributes are sealed under the conversation's own key (`keystore.py`).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

import msgspec

from idcontact.errors import Conflict, NotFound, TooManyRequests
from idcontact.keystore import DataKey, KeyStore
from idcontact.live.bucket_store import BucketStore
from idcontact.live.conversation_state import Conversation, Phase
from idcontact.live.keys import KINDS, Keys, LogName, context, hashed, keys_of
from idcontact.live.set_backs import SetBacks
from idcontact.live.stored import Appended, Change, Committed, Say, Sealed, Stored
from idcontact.quick import QuickReader, fields_of
from idcontact.receipts import UsedResults
from idcontact.redis import Script, reaching
from idcontact.sealing import registration, sealed_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio import Redis

    from idcontact.durability import Replicas
    from idcontact.pipe import Line
    from idcontact.redis import Took

_ISSUED_COOKIES = 5
_TIME_ONE_IN = 64
_MARK = 12
"""How many bytes of what is sealed are there by chance alone: its nonce."""
SAFETY_EXPIRY = 24 * 3600
_LOADED = [
    "version",
    "state",
    "key",
    "last_activity",
    "log_public",
    "log_staff",
    "seq_public",
    "seq_staff",
    "set_back",
]
_state = msgspec.msgpack.Decoder(Conversation)


def _appended(answered: Callable[[Appended | Exception], None], answer: object) -> None:
    """What the append script said."""
    if isinstance(answer, Exception):
        answered(answer)
        return
    outcome, seq, at = cast("tuple[bytes, int, int]", answer)
    match outcome:
        case b"ok" | b"again":
            answered(Appended(seq, at, again=outcome == b"again"))
        case b"gone":
            answered(NotFound("this conversation does not exist, or no longer"))
        case b"often":
            answered(TooManyRequests("too much is said at once; try again in a moment", retry_after=at // 1000 + 1))
        case b"full":
            answered(Conflict("this conversation has become too long; start a new one"))
        case _:
            answered(Conflict("nothing can be said in this conversation now"))


def _sealed(name: bytes, fields: dict[bytes, bytes]) -> Sealed:
    return Sealed(int(name.split(b"-")[0]), int(fields[b"at"]), fields[b"event"])


def _milliseconds(time: Sequence[bytes | int]) -> int:
    """What TIME answers."""
    return int(time[0]) * 1000 + int(time[1]) // 1000


def _timed(
    answered: Callable[[Appended | Exception], None], relayed: Callable[[float], None]
) -> Callable[[Appended | Exception], None]:
    """The same, and it says how long that took."""
    began = time.perf_counter()

    def timed(outcome: Appended | Exception) -> None:
        relayed(time.perf_counter() - began)
        answered(outcome)

    return timed


class ConversationStore:
    """Every method is one round trip or one script; all raise `Unavailable` while the store is away."""

    def __init__(
        self,
        redis: Redis,
        pipe: Callable[[list[Script]], Line],
        keystore: KeyStore,
        prefix: str,
        *,
        expiry: int = SAFETY_EXPIRY,
        replicas: Replicas | None = None,
        took: Took | None = None,
        relayed: Callable[[float], None] | None = None,
    ) -> None:
        """`expiry`: seconds after which what no deadline ended is dropped; longer than any phase lasts.

        `took` is told how long scripts took, `relayed` how many seconds some of the messages took to be stored.
        """
        self._expiry = expiry
        self._relayed = relayed
        self._until_timed = _TIME_ONE_IN
        self._redis = redis
        self._keystore = keystore
        self._replicas = replicas
        self.prefix = prefix
        self._used = UsedResults(redis, prefix)
        script = partial(Script, redis, __package__, took=took, replicas=replicas)
        self._append = script("append.lua")
        self._commit = script("commit.lua")
        self._enter = script("enter.lua")
        self._exchange = script("exchange.lua")
        self._renew = script("renew.lua")
        self._seen = script("seen.lua")
        self._told = script("told.lua")
        self._typing = script("typing.lua")
        self._vouch = script("vouch.lua")
        self._postpone = script("postpone.lua")
        self.set_backs = SetBacks(redis, prefix)
        self.pipe = pipe([self._append])
        for one in (self._commit, self._enter, self._renew, self._seen, self._told, self._typing):
            one.go_by(self.pipe)
        self._quick = QuickReader(redis, self.pipe if replicas is None else None)
        self.buckets = BucketStore(redis, self.pipe, prefix, took)

    def keys(self, conversation: str) -> Keys:
        """The names of everything of one conversation."""
        return keys_of(conversation, self.prefix)

    async def now(self) -> int:
        """The store's clock, milliseconds."""
        return _milliseconds(*await self._quick.read(("TIME",)))

    async def create(self, state: Conversation, deadlines: dict[str, int], secret_hashes: dict[str, str]) -> DataKey:
        """A new conversation. `secret_hashes`: `ticket`, and `attr` when a result may be delivered."""
        keys = self.keys(state.id)
        key = DataKey.new()
        wrapped = self._keystore.wrap(key)
        fields: dict[str, str | bytes | int] = {
            "version": 0,
            "phase": state.phase.value,
            "agent": "",
            "state": key.seal(msgspec.msgpack.encode(state), context(state.id, "state")),
            "key": wrapped,
            "log_public": secrets.token_hex(8),
            "log_staff": secrets.token_hex(8),
            "seq_public": 0,
            "seq_staff": 0,
            **secret_hashes,
        }
        registry, member, epoch = registration(self.prefix, keys.tag, keys.hash, wrapped)
        with reaching():
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(keys.hash, mapping=fields)  # type: ignore[arg-type]  # redis-py's mapping type is invariant
                pipeline.expire(keys.hash, self._expiry)
                pipeline.zadd(registry, {member: epoch})
                for kind, at in deadlines.items():
                    pipeline.zadd(keys.due, {f"{kind}|{state.id}": at})
                await pipeline.execute()
        return key

    async def load(self, conversation: str) -> Stored:
        """The conversation as it is. Raises `NotFound`."""
        keys = self.keys(conversation)
        fields, time = await self._quick.read(("HMGET", keys.hash, *_LOADED), ("TIME",))
        version, sealed, wrapped, activity, log_public, log_staff, seq_public, seq_staff, set_back = fields
        if version is None or wrapped is None:
            raise NotFound("this conversation does not exist, or no longer")
        key = self._keystore.unwrap(wrapped)
        state = _state.decode(key.open(sealed, context(conversation, "state")))
        return Stored(
            state=msgspec.structs.replace(state, version=int(version)),
            key=key,
            last_activity=int(activity or 0),
            log_ids={"public": log_public.decode(), "staff": log_staff.decode()},
            seqs={"public": int(seq_public), "staff": int(seq_staff)},
            now=_milliseconds(time),
            mark=sealed[:_MARK],
            set_back=int(set_back or 0),
        )

    async def commit(self, before: Stored, change: Change) -> Committed:
        """Store what follows, if nothing else happened since `before` was read."""
        keys, state = self.keys(before.state.id), change.state
        what: dict[str, object] = {
            "expected": before.state.version,
            "phase": state.phase.value,
            "agent": state.agent.id if state.agent is not None and state.phase is Phase.ACTIVE else "",
            "expiry": self._expiry,
            "deadlines": change.deadlines,
            "kinds": KINDS if state.phase is not Phase.PURGED else (*KINDS, "lease"),
            "lease": change.lease,
            "tell_routing": change.tell_routing,
            "forget": change.forget,
        }
        if change.command is not None:
            what["command"] = change.command
        if change.claim is not None:
            kind, at = change.claim
            what["claim"] = {"kind": kind, "at": at, "last_activity": before.last_activity}
        if change.attributes is not None:
            what["attributes"] = True
        sealed = before.key.seal(msgspec.msgpack.encode(state), context(state.id, "state"))
        args: list[str | bytes | int] = [state.id, keys.channels, msgspec.json.encode(what), sealed, before.mark]
        for log, event in change.events:
            args += [log, event]
        if change.attributes is not None:
            args.append(change.attributes)
        registry = sealed_key(self.prefix, keys.tag)
        commit = self._commit.acknowledged if change.acknowledged else self._commit
        answer = await commit(
            [
                keys.hash,
                keys.log("public"),
                keys.log("staff"),
                keys.routes,
                keys.due,
                keys.untold,
                registry,
            ],
            args,
        )
        outcome = answer[0].decode()
        if outcome == "again":
            seq, at = answer[1].split(b"|")
            return Committed("again", seq=int(seq), at=int(at))
        if outcome != "ok":
            return Committed(outcome)
        return Committed("ok", version=int(answer[1]), seq=int(answer[2]), at=int(answer[3]))

    async def answer(self, conversation: str, command: str) -> Committed | None:
        """The first answer to a command, or None."""
        with reaching():
            kept: bytes | None = await self._redis.hget(  # type: ignore[assignment]  # answers are bytes here
                self.keys(conversation).hash, command
            )
        if kept is None:
            return None
        seq, at = kept.split(b"|")
        return Committed("again", seq=int(seq), at=int(at))

    async def vouch(self, conversation: str, version: int) -> bool:
        """That what was read or made is stored as safely as was promised; False when it is not what is stored now."""
        if self._replicas is None:
            return True  # what is there is stored
        return bool(await self._vouch.acknowledged([self.keys(conversation).hash], [version]))

    def append_soon(self, said: Say, answered: Callable[[Appended | Exception], None]) -> None:
        """Say something. `answered` is called with where it went, or with why not.

        In the order of the calls: without a task between, which would cost more than all the rest.
        """
        if self._relayed is not None:
            self._until_timed -= 1
            if not self._until_timed:
                self._until_timed = _TIME_ONE_IN
                answered = _timed(answered, self._relayed)
        keys = self.keys(said.conversation)
        conversation, who, part, command, event, node, allowed = said
        words = (who, part, command, event, node, keys.channels, conversation, allowed)
        self.pipe.script(
            self._append, keys.of_append + words, len(keys.of_append), lambda answer: _appended(answered, answer)
        )

    async def append(self, said: Say) -> Appended:
        """The same for who waits for it. What was sent is done, also when nobody waits any more."""
        done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()

        def settle(outcome: Appended | Exception) -> None:
            if done.cancelled():
                return
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)

        self.append_soon(said, settle)
        return await done

    async def read(self, conversation: str, log: LogName, first: int, last: int | None = None) -> list[Sealed]:
        """The events `first` to `last` (to the end when None) of one log, in order."""
        end = "+" if last is None else f"{last}-0"
        (found,) = await self._quick.read(("XRANGE", self.keys(conversation).log(log), f"{first}-0", end))
        return [_sealed(name, fields_of(entry)) for name, entry in found]

    async def attributes(self, stored: Stored) -> bytes | None:
        """The opened attributes, or None when there are none (any more)."""
        (sealed,) = await self._quick.read(("HGET", self.keys(stored.state.id).hash, "attributes"))
        return None if sealed is None else stored.key.open(sealed, context(stored.state.id, "attributes"))

    async def renew(self, conversation: str, node: str, route_ms: int, lease_ms: int) -> int | None:
        """Keep this node's route, and the end user's lease where `lease_ms` > 0. None: the conversation is gone."""
        keys = self.keys(conversation)
        version = await self._renew([keys.hash, keys.routes, keys.due], [conversation, node, route_ms, lease_ms])
        return None if version is None else int(version)

    async def leave(self, conversation: str, node: str) -> None:
        """This node has no sockets of it any more."""
        with reaching():
            await self._redis.hdel(self.keys(conversation).routes, node)

    # --- doors --------------------------------------------------------------------------------------------------

    async def holds(self, conversation: str, what: Literal["attr"], secret: str) -> bool:
        """Whether `secret` is the one that this conversation was made with."""
        with reaching():
            kept: bytes | None = await self._redis.hget(  # type: ignore[assignment]  # answers are bytes here
                self.keys(conversation).hash, what
            )
        return kept is not None and secrets.compare_digest(kept.decode(), hashed(secret))

    async def exchange(self, conversation: str, ticket: str, cookie: str) -> Literal["ok", "spent", "unknown"]:
        """A ticket for a cookie."""
        answer: bytes = await self._exchange.acknowledged(
            [self.keys(conversation).hash], [hashed(ticket), hashed(cookie), _ISSUED_COOKIES]
        )
        match answer:
            case b"ok":
                return "ok"
            case b"spent":
                return "spent"
            case _:
                return "unknown"

    async def knows_ticket(self, conversation: str, ticket: str) -> bool:
        """Whether this ticket can still be exchanged. Changes nothing."""
        with reaching():
            kept: bytes | None = await self._redis.hget(  # type: ignore[assignment]  # answers are bytes here
                self.keys(conversation).hash, "ticket"
            )
        return kept is not None and secrets.compare_digest(kept.decode(), hashed(ticket))

    async def exists(self, conversation: str) -> bool:
        """Whether there is such a conversation (still)."""
        with reaching():
            return bool(await self._redis.exists(self.keys(conversation).hash))

    async def enter(self, conversation: str, cookie: str) -> bool:
        """Whether this cookie opens the conversation. The first that comes back spends the ticket."""
        return bool(await self._enter([self.keys(conversation).hash], [hashed(cookie)]))

    async def claim_result(self, digest: str, conversation: str, seconds: int) -> bool:
        """Use an auth result, once: False when another conversation did."""
        return await self._used.claim(digest, conversation, seconds)

    # --- what is seen ---------------------------------------------------------------------------------------------

    async def mark_seen(self, conversation: str, who: str, part: str, seq: int) -> None:
        """Remember how far somebody has read, and tell the other side."""
        keys = self.keys(conversation)
        await self._seen([keys.hash, keys.routes], [who, part, seq, keys.channels, conversation])

    async def seen(self, conversation: str) -> dict[str, int]:
        """How far each side has read."""
        ((user, agent),) = await self._quick.read(
            ("HMGET", self.keys(conversation).hash, "seen_end_user", "seen_agent")
        )
        return {"end_user": int(user or 0), "agent": int(agent or 0)}

    async def tell_typing(self, conversation: str, who: str, part: str, *, on: bool) -> None:
        """Tell the other side that somebody types, or has stopped, where they may say something now."""
        keys = self.keys(conversation)
        await self._typing([keys.hash, keys.routes], [who, part, keys.channels, conversation, int(on)])

    # --- what is due ----------------------------------------------------------------------------------------------

    async def told(self, conversation: str, version: int) -> None:
        """Routing has heard the state of `version`; forgotten only if it is still that."""
        keys = self.keys(conversation)
        await self._told([keys.hash, keys.untold], [conversation, version])

    async def postpone(self, kind: str, conversation: str, until: int) -> None:
        """A deadline that cannot be met now, so that it does not stand in the way of others."""
        await self._postpone([self.keys(conversation).due], [f"{kind}|{conversation}", until])

    async def erase(self, conversation: str) -> None:
        """What is left of a conversation whose hash is gone."""
        keys = self.keys(conversation)
        with reaching():
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.delete(keys.log("public"), keys.log("staff"), keys.routes)
                pipeline.zrem(keys.due, *(f"{kind}|{conversation}" for kind in (*KINDS, "lease")))
                await pipeline.execute()

    async def settle(self) -> None:
        """Wait until the append connection is up. Raises `Unavailable` when it does not come up for long."""
        with reaching():
            await asyncio.wait_for(self.pipe.up.wait(), 10)
