"""The staff part, put together: built once by the composition root and passed in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from idcontact.staff.accounts import Accounts
from idcontact.staff.audit import AuditTrail
from idcontact.staff.http import StaffPages
from idcontact.staff.log_in import LogIn
from idcontact.staff.sessions import StaffSessions
from idcontact.staff.store import StaffStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from idcontact.durability import Replicas
    from idcontact.limits import Limiter
    from idcontact.openapi import ApiRoute
    from idcontact.pages import Pages
    from idcontact.pipe import Line
    from idcontact.staff.settings import StaffSettings


class Staff:
    """`sessions` and `audit` are for other parts; `routes` for the public application. `clock` gives seconds UTC.

    `replicas`: whom log-ins and log-outs wait for.
    """

    def __init__(
        self,
        redis: Redis,
        prefix: str,
        *,
        settings: StaffSettings,
        limiter: Limiter,
        pages: Pages,
        clock: Callable[[], float] = time.time,
        replicas: Replicas | None = None,
    ) -> None:
        store = self._store = StaffStore(redis, prefix, replicas)
        accounts = Accounts(settings.accounts)
        self.audit = AuditTrail(redis, prefix, retention=settings.audit_retention, clock=clock)
        self.sessions = StaffSessions(store, accounts, settings, clock)
        log_in = LogIn(store, accounts, limiter, self.audit, settings, clock)
        self._pages = StaffPages(pages, self.sessions, log_in, self.audit, device_seconds=settings.known_device)

    def go_by(self, line: Line) -> None:
        """Look sessions up by a pipelined connection, while it stands: everybody who comes back is looked up."""
        self._store.go_by(line)

    def routes(self) -> list[ApiRoute]:
        """Log-in, log-out and the console."""
        return self._pages.routes()
