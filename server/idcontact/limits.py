"""How often something may be done: sliding windows in Redis, shared by all nodes.

Every door that costs us something or can be guessed at counts here: `/start`, landings, log-in, commands of sockets.
While Redis is away nothing passes (`Unavailable`): a limit that fails open is no limit.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self

from redis.exceptions import NoScriptError

from idcontact.errors import TooManyRequests
from idcontact.pipe import Batch, Pipe
from idcontact.pipes import line_to
from idcontact.redis import Script, reaching
from idcontact.settings_values import Duration, MisfitError, kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis
    from starlette.requests import HTTPConnection

    from idcontact.pipe import Line

_IPV6_SITE: Final = 64
_HASH: Final = "\0" * 32
"""As long as the hash of a key, and in no name: where it stands in a packed command, the hash belongs."""
_KINDS: Final = 1000
"""So many kinds of hits are remembered; there are few: names and limits are those of the settings."""


@dataclass(frozen=True)
class Limit:
    """At most `count` times in any `seconds` (whole, at least 1). In settings: `"20 per 10 min"`."""

    count: int
    seconds: int

    EXPECTED: ClassVar[str] = 'a limit such as "20 per 10 min" or "5 per s"'

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A limit from `"<count> per <duration>"`."""
        written = re.fullmatch(r"([1-9][0-9]{0,8}) per (.+)", raw) if isinstance(raw, str) else None
        if written is None:
            raise MisfitError(cls.EXPECTED, "another string" if isinstance(raw, str) and raw else kind_of(raw))
        period = written[2] if written[2][0].isdecimal() else f"1 {written[2]}"
        try:
            seconds = Duration.from_setting(period, base)
        except MisfitError:
            raise MisfitError(cls.EXPECTED, "another string") from None
        if seconds < 1 or not seconds.is_integer():
            raise MisfitError("a limit over whole seconds, 1 or more", "another string")
        return cls(int(written[1]), int(seconds))


class Limiter:
    """Counts hits by name and key. Keys are kept hashed: they are addresses, account names, cookies.

    While `run` runs, hits go over one pipelined connection of its own, at a tenth of the price; without it, or while
    that is down, over the pool.
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._root = f"{prefix}:limit:"
        self._script = Script(redis, "idcontact", "limits.lua")
        self._pipe = line_to(redis, [self._script])
        self._around_hash: dict[tuple[str, int, int, int], tuple[bytes, bytes]] = {}
        self.refused: Counter[str] = Counter()
        """How often each limit refused somebody, here, since the start."""

    @property
    def line(self) -> Line:
        """That connection, for others whose questions are short."""
        return self._pipe

    @property
    def interruptions(self) -> int:
        """How often that connection broke."""
        return self._pipe.interruptions

    @property
    def up(self) -> asyncio.Event:
        """Whether that connection stands."""
        return self._pipe.up

    async def run(self) -> None:
        """Keep that connection; for ever."""
        await self._pipe.run()

    async def hit(self, name: str, key: str, limit: Limit) -> None:
        """Count one, or refuse it. What is refused is not counted, so nobody lengthens their own wait by trying.

        Raises:
            TooManyRequests: over the limit; `retry_after` is when the next one fits.
            Unavailable: Redis cannot be reached.

        """
        await self._ask(name, key, limit, 1)

    async def check(self, name: str, key: str, limit: Limit) -> None:
        """Refuse where `hit` would, and count nothing: for what only counts when it turns out badly.

        Raises:
            TooManyRequests: over the limit; `retry_after` is when the next one fits.
            Unavailable: Redis cannot be reached.

        """
        await self._ask(name, key, limit, 0)

    async def forget(self, name: str, key: str, limit: Limit) -> None:
        """Start counting from nothing, after a success that shows the earlier hits were honest.

        Raises:
            Unavailable: Redis cannot be reached.

        """
        with reaching():
            await self._redis.delete(self._key(name, _hashed(key), limit))

    async def _ask(self, name: str, key: str, limit: Limit, counted: Literal[0, 1]) -> None:
        hashed = _hashed(key)
        if self._pipe.up.is_set():
            wait = await self._answer_to(name, hashed, limit, counted)
        else:
            words = self._words(name, hashed, limit, counted)
            wait = await self._script([words[0]], [*words[1:]])
        if wait:
            self.refused[name] += 1
            raise TooManyRequests(
                "this was done too often; wait before trying again",
                retry_after=math.ceil(int(wait) / 1000),
                reason=name,
            )

    def _key(self, name: str, hashed: str, limit: Limit) -> str:
        return f"{self._root}{name}:{hashed}:{limit.count}:{limit.seconds}"

    def _words(self, name: str, hashed: str, limit: Limit, counted: Literal[0, 1]) -> tuple[str, int, int, int]:
        return self._key(name, hashed, limit), limit.count, limit.seconds * 1000, counted

    def _answer_to(self, name: str, hashed: str, limit: Limit, counted: Literal[0, 1]) -> asyncio.Future[int]:
        pipe = self._pipe
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def hand_out(answer: object) -> None:
            if answered.done():
                return
            if isinstance(answer, int):
                answered.set_result(answer)
            elif isinstance(answer, NoScriptError):  # the server has forgotten it: once more, with its text
                pipe.script(self._script, self._words(name, hashed, limit, counted), 1, hand_out)
            else:
                answered.set_exception(answer if isinstance(answer, Exception) else TypeError(type(answer).__name__))

        if isinstance(pipe, Pipe):
            pipe.call(self._packed(name, hashed, limit, counted), hand_out)
        else:
            pipe.script(self._script, self._words(name, hashed, limit, counted), 1, hand_out)
        return answered

    def _packed(self, name: str, hashed: str, limit: Limit, counted: Literal[0, 1]) -> bytes:
        """The command as it is written. But for the hash, all of a kind are the same: packed once."""
        kind = (name, limit.count, limit.seconds, counted)
        around = self._around_hash.get(kind)
        if around is None:
            words = self._words(name, _HASH, limit, counted)
            before, _, after = Batch((("EVALSHA", self._script.sha, 1, *words),)).packed.partition(_HASH.encode())
            around = before, after
            if len(self._around_hash) < _KINDS:
                self._around_hash[kind] = around
        return b"%b%b%b" % (around[0], hashed.encode(), around[1])


class _Caller(str):
    """An address to count by, with its hash: who comes by one, mostly comes more than once."""

    __slots__ = ("hashed",)
    hashed: str


def _hashed(key: str) -> str:
    return key.hashed if isinstance(key, _Caller) else _hash_of(key)


def _hash_of(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def client_address(connection: HTTPConnection) -> str:
    """Whom to count, as a key for `Limiter.hit`: an IPv4 address, or the /64 of an IPv6 address.

    One subscriber has a whole /64 and may use a new address for every request (RFC 6177). The address is what the
    server put in the ASGI scope; whether a forwarding header decided it is a setting of the server. Without one (a
    unix socket whose proxy names nobody) all callers are one.
    """
    client = connection.scope.get("client")
    return _counted(client[0] if client else "")


@lru_cache(maxsize=4096)
def _counted(host: str) -> _Caller:
    caller = _Caller(_whom(host))
    caller.hashed = _hash_of(caller)
    return caller


def _whom(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, _IPV6_SITE), strict=False))
    return str(address)
