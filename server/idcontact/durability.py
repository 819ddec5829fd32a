"""What the store may lose, as the settings say it, and whether the Redis or Valkey that is there keeps that promise.

Looked at once, when the server starts: a store that throws away what it acknowledged, or keeps less than it has to, is
refused with what to set. Of a Cluster each primary is looked at. A managed service may not tell how it is set: then its
own figures are read (INFO), and what those do not say either is warned about.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self, TypeAlias

from redis.exceptions import ResponseError

from idcontact.errors import SettingsError, Unavailable
from idcontact.redis import TOO_FEW_REPLICAS, Script, a_key_at_each, primaries, reaching
from idcontact.settings_values import Duration, MisfitError

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis

_log = logging.getLogger(__name__)

Durability: TypeAlias = Literal["everysec", "always", "replicated"]
"""`everysec`: a kill of Redis loses nothing, a crash of its machine up to a second. `always`: not even that.
`replicated`: what is acknowledged is on so many replicas as well."""

_ASKED: Final = ("maxmemory-policy", "appendonly", "appendfsync")
_KEEPS: Final[dict[Durability, frozenset[str]]] = {
    "everysec": frozenset({"everysec", "always"}),
    "always": frozenset({"always"}),
}


TOO_FEW: Final = "the store has too few replicas that keep up"
_WATCH_MS: Final = 1000
"""How long a look at the replicas may take: who asks after our health waits for it."""


class ReplicaWait(Duration):
    """How long an acknowledgement may wait for replicas: shorter than a command may take at all."""

    EXPECTED: ClassVar[str] = 'a length of time from "10 ms" to "4 s"'
    __slots__ = ()

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """Seconds."""
        length = super().from_setting(raw, base)
        if not 0.01 <= length <= 4:
            raise MisfitError(cls.EXPECTED, "another length")
        return length


@dataclass(frozen=True)
class Replicas:
    """An acknowledgement goes out when `count` replicas have what it acknowledges, within `milliseconds`."""

    count: int
    milliseconds: int


@dataclass(frozen=True)
class _Found:
    """How the server is set; None: it does not say."""

    policy: str | None
    appendonly: bool | None
    appendfsync: str | None
    replicas: int


async def check_store(redis: Redis, durability: Durability | None, replicas: int = 0) -> None:
    """Refuse a store that keeps less than was promised. Raises SettingsError with all that is to be set."""
    with reaching():
        all_found = [await _look(primary) for primary in await primaries(redis)]
    # Several may have the same to say: once is enough.
    mistakes = dict.fromkeys(said for found in all_found for said in (*_evicts(found), *_forgets(found, durability)))
    if mistakes:
        raise SettingsError([*mistakes])
    for warning in dict.fromkeys(
        said for found in all_found for said in (*_unsaid(found, durability), *_too_few(found, replicas))
    ):
        _log.warning("%s", warning)


async def _look(redis: Redis) -> _Found:
    memory = await redis.info("memory")
    persistence = await redis.info("persistence")
    replication = await redis.info("replication")
    try:
        told = await redis.config_get(*_ASKED)
    except ResponseError:  # a managed service does not let itself be asked, by anybody or by this user
        told = {}
    aof = persistence.get("aof_enabled")
    appendonly = told["appendonly"] == "yes" if "appendonly" in told else None if aof is None else bool(int(aof))
    return _Found(
        policy=told.get("maxmemory-policy") or memory.get("maxmemory_policy"),
        appendonly=appendonly,
        appendfsync=told.get("appendfsync"),
        replicas=int(replication.get("connected_slaves", 0)),
    )


def _evicts(found: _Found) -> list[str]:
    if found.policy in {None, "noeviction"}:
        return []
    said = f"its maxmemory-policy is {found.policy}: it throws conversations away when its memory is full"
    return [f"redis_url: {said}; set maxmemory-policy to noeviction"]


def _forgets(found: _Found, durability: Durability | None) -> list[str]:
    if durability is None or durability not in _KEEPS:
        return []
    if found.appendonly is False:
        return [f"durability: {durability} needs an append-only file; set appendonly to yes in Redis"]
    if found.appendfsync is not None and found.appendfsync not in _KEEPS[durability]:
        said = f"the appendfsync of Redis is {found.appendfsync}, which keeps less"
        return [f"durability: {durability} is promised, but {said}; set it to {durability}"]
    return []


def _unsaid(found: _Found, durability: Durability | None) -> list[str]:
    warnings = []
    if found.policy is None:
        warnings.append("redis_url: it does not say its maxmemory-policy; see to it that it is noeviction")
    if durability is None and found.appendonly is False:
        said = "Redis keeps no append-only file: when it restarts, all conversations are gone"
        warnings.append(f"durability: {said}; set appendonly to yes")
    if durability in _KEEPS and (found.appendonly is None or found.appendfsync is None):
        said = f"Redis does not say whether it keeps what {durability} promises"
        warnings.append(f"durability: {said}; see to it that appendonly is yes and appendfsync {durability}")
    return warnings


def _too_few(found: _Found, replicas: int) -> list[str]:
    """Not refused: a replica may be starting beside us; until it is there nothing is acknowledged."""
    if found.replicas >= replicas:
        return []
    said = f"{found.replicas} replicas are connected, {replicas} are needed"
    return [f"durability: {said}; until they are there, what people say is answered as unavailable"]


class ReplicaWatch:
    """Whether replicas keep up, where acknowledgements wait for them: those of each primary."""

    def __init__(self, redis: Redis, prefix: str, replicas: Replicas | None) -> None:
        self._redis = redis
        self._key = f"{prefix}:replicas"
        self._follow: Script | None = None
        if replicas is not None:
            patient = Replicas(replicas.count, min(replicas.milliseconds, _WATCH_MS))
            self._follow = Script(redis, __package__, "follow.lua", replicas=patient)

    async def wrong(self) -> str | None:
        """What is wrong, in words for the operator. Raises `Unavailable` while the store is away."""
        if self._follow is None:
            return None
        with reaching():
            keys = await a_key_at_each(self._redis, self._key)
        asked = (self._follow.acknowledged([key], []) for key in keys)
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, Unavailable) and answer.reason == TOO_FEW_REPLICAS:
                return TOO_FEW
            if isinstance(answer, BaseException):
                raise answer
        return None
