"""The staff part on a real Redis, with accounts, a clock to turn, and browsers that visit it."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx2
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from idcontact.asset_files import AssetFiles
from idcontact.door import AccessLog, BodyLimit, Door
from idcontact.errors import IdContactError
from idcontact.limits import Limiter
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.security import OriginCheck, SecurityHeaders
from idcontact.staff.part import Staff
from idcontact.staff.settings import PasswordHash, StaffAccount, StaffSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis.asyncio import Redis
    from starlette.types import ASGIApp

ORIGIN: Final = "https://contact.example"
PASSWORDS: Final[Mapping[str, str]] = {"anna": "appel-taart-42", "bob": "bosbes-jam-77"}
_CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_HASHES: Final = {account: _CHEAP.hash(password) for account, password in PASSWORDS.items()}


def account(name: str, **changes: object) -> StaffAccount:
    """An agent with a password of `PASSWORDS`."""
    values: dict[str, object] = {
        "id": name,
        "name": name.title(),
        "password_hash": PasswordHash(_HASHES[name]),
        "roles": frozenset({"agent"}),
        "purposes": ("report_move",),
        "capacity": 2,
    }
    return StaffAccount(**(values | changes))  # type: ignore[arg-type]  # the fields' types are checked by the tests


def rehashed(password: str) -> PasswordHash:
    """The hash of a new password."""
    return PasswordHash(_CHEAP.hash(password))


@dataclass
class Clock:
    """A clock that stands still until it is turned. It is behind that of Redis, as a node's may be."""

    now: float = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class House:
    """One node of the server, as far as staff goes."""

    redis: Redis
    settings: StaffSettings = field(default_factory=lambda: StaffSettings(accounts=(account("anna"), account("bob"))))
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.pages = Pages(public_url=ORIGIN, assets=AssetFiles({"/assets": ASSETS_FOLDER}))
        self.staff = Staff(
            self.redis,
            "idc",
            settings=self.settings,
            limiter=Limiter(self.redis, "idc"),
            pages=self.pages,
            clock=self.clock,
        )
        self.app: ASGIApp = Door(
            Starlette(
                routes=self.staff.routes(),
                exception_handlers={IdContactError: self.pages.handle, HTTPException: self.pages.handle},
            ),
            log=AccessLog(logging.getLogger("idcontact.access")),
            headers=SecurityHeaders(https_only=True),
            bodies=BodyLimit(default=64 * 1024),
            origins=OriginCheck(own_origins=[ORIGIN]),
            refuse=self.pages.error_response,
        )

    def restarted_with(self, *accounts: StaffAccount) -> House:
        """Another process on the same Redis, with other accounts in its settings."""
        return House(self.redis, StaffSettings(accounts=accounts), self.clock)

    def browser(self, address: str = "192.0.2.1") -> Browser:
        """A browser with an empty cookie jar at this address."""
        return Browser(self, address)


class Browser:
    """Fills in the log-in form as a person would. Closes nothing: it holds no connection."""

    def __init__(self, house: House, address: str) -> None:
        self.jar = httpx2.Cookies()
        self.address = address
        self.house = house

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self._request("GET", path, None, {"Accept": "text/html", **headers})

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx2.Response:
        return await self._request("POST", path, fields, {"Accept": "text/html", "Origin": ORIGIN, **headers})

    async def log_in(self, name: str, password: str | None = None, **fields: str) -> httpx2.Response:
        page = await self.get("/staff/login")
        shown = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        filled = {"account": name, "password": PASSWORDS[name] if password is None else password}
        return await self.post("/staff/login", shown | filled | fields)

    async def console_token(self) -> str:
        """What the console's log-out form carries."""
        found = re.search(r'csrf="([^"]+)"', (await self.get("/console")).text)
        assert found
        return found[1]

    def cookies(self) -> dict[str, str]:
        return dict(self.jar.items())

    async def _request(
        self, method: str, path: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.house.app, client=(self.address, 1))
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, cookies=self.jar) as client:
            response = await client.request(method, path, data=fields, headers=headers)
            self.jar = client.cookies
            return response
