"""The audit trail: who was shown what, when and why; who logged in. Never what the shown values were.

Each entry is appended to a Redis stream, `<prefix>:audit`, and logged to `idcontact.audit` with its members as extras,
in that order: what could not be recorded does not happen (`Unavailable`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, cast

import msgspec

from idcontact.redis import reaching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio import Redis

_log = logging.getLogger("idcontact.audit")


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry. `at` is milliseconds UTC, `who` the id of an account, `tags` those of the attributes shown."""

    event: Literal["disclosed", "logged_in", "log_in_refused", "logged_out", "logged_out_everywhere"]
    at: int
    who: str
    tags: tuple[str, ...] = ()
    conversation: str | None = None
    purpose: str | None = None
    reason: str | None = None


class AuditTrail:
    """Appends entries. `retention` is in seconds; `clock` gives seconds UTC. All methods raise `Unavailable`."""

    def __init__(self, redis: Redis, prefix: str, *, retention: float, clock: Callable[[], float]) -> None:
        self._redis = redis
        self._key = f"{prefix}:audit"
        self._retention = int(retention * 1000)
        self._clock = clock

    async def disclosed(self, who: str, *, tags: Sequence[str], conversation: str, purpose: str, reason: str) -> None:
        """Attributes with these tags are about to be shown to `who`. `reason` is a word of ours, such as `accepted`."""
        entry = AuditEntry(
            event="disclosed",
            at=self._now(),
            who=who,
            tags=tuple(sorted(tags)),
            conversation=conversation,
            purpose=purpose,
            reason=reason,
        )
        await self._append(entry)

    async def logged_in(self, who: str) -> None:
        """Somebody logged in."""
        await self._append(AuditEntry(event="logged_in", at=self._now(), who=who))

    async def log_in_refused(self, who: str) -> None:
        """Somebody gave a wrong password for an account that exists."""
        await self._append(AuditEntry(event="log_in_refused", at=self._now(), who=who))

    async def logged_out(self, who: str) -> None:
        """Somebody logged out on one device."""
        await self._append(AuditEntry(event="logged_out", at=self._now(), who=who))

    async def logged_out_everywhere(self, who: str) -> None:
        """Somebody ended all their sessions."""
        await self._append(AuditEntry(event="logged_out_everywhere", at=self._now(), who=who))

    async def entries(self, *, count: int = 100) -> list[AuditEntry]:
        """The last entries, oldest first."""
        with reaching():
            found = cast("list[tuple[bytes, dict[bytes, bytes]]]", await self._redis.xrevrange(self._key, count=count))
        return [msgspec.json.decode(fields[b"entry"], type=AuditEntry) for _, fields in reversed(found)]

    async def _append(self, entry: AuditEntry) -> None:
        line = msgspec.json.encode(entry)
        oldest = str(max(0, entry.at - self._retention))
        with reaching():
            await self._redis.xadd(self._key, {"entry": line}, minid=oldest, approximate=False)
        _log.info(entry.event, extra=msgspec.to_builtins(entry))

    def _now(self) -> int:
        return int(self._clock() * 1000)
