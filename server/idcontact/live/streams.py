"""The streams of this node, and the way there for what is POSTed at another.

A page's POSTs may come in at any node. Its stream's token names the node, and holds a key of the stream's own: a node
that gets a batch for another one seals it and publishes it to there. So Redis never sees what was said, and the key is
never in Redis.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from idcontact.errors import Gone, SealBroken
from idcontact.keystore import DataKey
from idcontact.live.stream import Stream
from idcontact.redis import reaching

if TYPE_CHECKING:
    from redis.asyncio import Redis

_TOKEN = re.compile(r"([0-9a-f]{12})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})")
_ADDRESS = struct.Struct(">16sQ")
MAX_NUMBER = 2**53


@dataclass(frozen=True)
class _Kept:
    owner: str
    secret: str
    stream: Stream


@dataclass(frozen=True)
class Streams:
    """Made once per node."""

    redis: Redis
    prefix: str
    node: str
    _open: dict[str, _Kept] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        """Where other nodes publish what was POSTed there."""
        return self._channel_of(self.node)

    def open(self, owner: str) -> tuple[str, Stream]:
        """A new stream of this owner (one part in one conversation, or one person at a console), and its id."""
        stream_id, secret = secrets.token_urlsafe(12), _new_key()
        stream = Stream(f"{self.node}.{stream_id}.{secret}")
        self._open[stream_id] = _Kept(owner, secret, stream)
        return stream_id, stream

    def close(self, stream_id: str) -> None:
        """It is over."""
        del self._open[stream_id]

    async def take(self, token: str, owner: str, number: int, frames: list[str]) -> None:
        """Bring a batch to its stream. Raises Gone where there is no such stream of this owner, and Unavailable."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise _gone()
        node, stream_id, secret = found.groups()
        if node != self.node:
            await self._send_on(found, owner, number, frames)
            return
        kept = self._open.get(stream_id)
        if kept is None or kept.owner != owner or not hmac.compare_digest(kept.secret, secret):
            raise _gone()
        kept.stream.take(number, frames)

    async def _send_on(self, token: re.Match[str], owner: str, number: int, frames: list[str]) -> None:
        node, stream_id, secret = token.groups()
        address = _ADDRESS.pack(stream_id.encode(), number)
        sealed = _key(secret).seal("\n".join(frames).encode(), address + owner.encode())
        with reaching():
            heard = await self.redis.execute_command("SPUBLISH", self._channel_of(node), address + sealed)  # type: ignore[no-untyped-call]
        if not cast("int", heard):
            raise _gone()

    def published(self, raw: bytes) -> None:
        """A batch for a stream here was POSTed at another node."""
        if len(raw) < _ADDRESS.size:
            return
        stream_id, number = _ADDRESS.unpack_from(raw)
        kept = self._open.get(stream_id.decode("latin-1"))
        if kept is None:
            return  # it ended meanwhile, and its page knows
        address, sealed = raw[: _ADDRESS.size], raw[_ADDRESS.size :]
        try:
            frames = _key(kept.secret).open(sealed, address + kept.owner.encode())
        except SealBroken:
            return  # somebody has made it up, or it is not theirs
        kept.stream.take(number, frames.decode().split("\n"))

    def _channel_of(self, node: str) -> str:
        return f"{self.prefix}:{{n{node}}}:posted"


def _new_key() -> str:
    return base64.urlsafe_b64encode(DataKey.new().secret()).rstrip(b"=").decode()


def _key(secret: str) -> DataKey:
    return DataKey(base64.urlsafe_b64decode(secret + "="))


def _gone() -> Gone:
    return Gone("this stream is over; open another")
