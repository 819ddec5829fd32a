"""What everything of a conversation is called in the store, and its ids and secrets."""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, TypeAlias

BUCKETS = 256
LogName: TypeAlias = Literal["public", "staff"]
KINDS = (
    "preparing",
    "auth_wait",
    "waiting_grace",
    "user_grace",
    "agent_grace",
    "idle",
    "asked",
    "hard_limit",
    "wrap_up",
    "retention",
)
"""Every kind of deadline that follows from a state. Beside them stands `lease`, which sockets renew."""


@dataclass(frozen=True)
class Keys:
    """The names of everything of one conversation."""

    id: str
    prefix: str

    @cached_property
    def tag(self) -> str:
        """The bucket's hash tag."""
        return bucket_tag(zlib.crc32(self.id.encode()) % BUCKETS)

    @cached_property
    def root(self) -> str:
        """What every key of the bucket starts with."""
        return f"{self.prefix}:{self.tag}:"

    @cached_property
    def hash(self) -> str:
        """The conversation itself, with the remembered answers, by command: no other field has a `|` in its name."""
        return f"{self.root}conv:{self.id}"

    def log(self, name: LogName) -> str:
        """One of its logs."""
        return f"{self.hash}:{name}"

    @property
    def routes(self) -> str:
        """The nodes that have sockets of it."""
        return f"{self.hash}:routes"

    @cached_property
    def of_append(self) -> tuple[str, ...]:
        """What the append script is given."""
        return self.hash, self.log("public"), self.routes

    @property
    def due(self) -> str:
        """The bucket's deadlines."""
        return f"{self.root}due"

    @property
    def untold(self) -> str:
        """The bucket's conversations that routing has yet to hear of."""
        return f"{self.root}untold"

    @cached_property
    def channels(self) -> str:
        """Root of the bucket's node channels."""
        return f"{self.root}node:"


def bucket_root(bucket: int, prefix: str) -> str:
    """What every key of the bucket of this number starts with."""
    return f"{prefix}:{bucket_tag(bucket)}:"


def bucket_tag(bucket: int) -> str:
    """The hash tag of the bucket of this number."""
    return f"{{c{bucket:03}}}"


@lru_cache(maxsize=10_000)
def keys_of(conversation: str, prefix: str) -> Keys:
    """The same ones each time: a message needs them all."""
    return Keys(conversation, prefix)


def new_id() -> str:
    """A public id: 26 characters of base32, 128 bits of chance. It opens nothing by itself."""
    return base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]


def new_secret() -> str:
    """256 bits of chance, for tickets, cookies and attr_urls."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """How a secret is kept. Secrets are long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def context(conversation: str, what: str) -> bytes:
    """What a sealed text is bound to."""
    return f"{conversation}|{what}".encode()
