"""A core that keeps results of who identifies first: a real store, stand-in plugins, and a person's browser."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Final

import httpx2
from starlette.applications import Starlette

from core_house import AUTH, COMM, StandInPlugin, stand_in_plugin
from idcontact.asset_files import AssetFiles
from idcontact.config import ResultsSettings
from idcontact.core.part import CoreNeeds, CorePart
from idcontact.core.settings import CoreSettings
from idcontact.errors import IdContactError
from idcontact.keystore import DirectoryKeyStore
from idcontact.limits import Limiter
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.receipts import Receipts, receipts_in
from idcontact.results import result_check
from idcontact.settings import read
from idcontact.tokens import AuthResult, Dialect, EncryptKey, ResultStatus, ResultWriter, SigningKey
from plugin_house import key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis

INTERNAL: Final = "http://core.internal/core"
ELSEWHERE: Final = "http://phone.example"
ATTRIBUTES: Final = {"fullname": "Suzanne Moulin", "city": "Rotterdam"}
SETTINGS: Final[dict[str, object]] = {
    "auth_methods": [
        {"tag": "digid", "name": "DigiD", "start": "plugin:auth_test"},
        {"tag": "far", "name": "Far away", "start": "http://auth.example"},
        {"tag": "unable", "name": "Unable", "start": "plugin:auth_test", "disable_attr_url": True},
        {"tag": "unread", "name": "Unread", "start": "plugin:auth_test"},
    ],
    "comm_methods": [
        {"tag": "chat", "name": "Chat", "start": "plugin:live", "context": True, "image_path": "/chat.svg"},
        {"tag": "phone", "name": {"nl": "Bellen", "en": "Call"}, "start": ELSEWHERE},
    ],
    "purposes": [
        {
            "tag": "move",
            "name": {"nl": "Verhuizing", "en": "A move"},
            "attributes": ["fullname", "city"],
            "allowed_auth": ["*"],
            "allowed_comm": ["chat", "phone"],
        },
        {
            "tag": "permit",
            "attributes": ["fullname"],
            "allowed_auth": ["far"],
            "allowed_comm": ["chat"],
            "allow_unauthenticated": True,
        },
    ],
    "allowed_origins": ["https://www.example.org"],
    "internal_secret": "a secret of the core's own, 32 bytes and more",
    "start_limit": "1000 per min",
}
IDENTIFY_FIRST: Final = {"purpose": "move", "auth_method": "digid", "lang": "en"}
AS_PERSON: Final = {"Accept": "text/html", "Accept-Language": "en", "Origin": "https://core.example.org"}


@dataclass
class House:
    """The core, its plugins, a browser, and what a test has in its hand."""

    core: CorePart
    pages: Pages
    auth: StandInPlugin
    comm: StandInPlugin
    phone: StandInPlugin
    receipts: Receipts
    browser: httpx2.AsyncClient
    inside: httpx2.AsyncClient
    now: list[float]
    waits: list[Callable[[], Awaitable[object]]]
    """What happens while the core waits, one after the other."""

    def another_browser(self) -> httpx2.AsyncClient:
        return _browser(self.core, self.pages)

    def token(self, *, sign: str = "digid", status: ResultStatus = ResultStatus.SUCCESS, **attributes: str) -> str:
        """An auth result of the method `sign`."""
        given = (attributes or dict(ATTRIBUTES)) if status is ResultStatus.SUCCESS else None
        writer = ResultWriter(
            SigningKey.from_pem(key_pair(sign)[0]), EncryptKey.from_pem(key_pair("encrypt")[1]), Dialect.ID_CONTACT
        )
        return writer.write(AuthResult(status=status, attributes=given), self.now[0])

    async def begin(self, **changes: str) -> Begun:
        """Identify first, as a form of a page says it."""
        answer = await self.browser.post("/start", data={**IDENTIFY_FIRST, **changes})
        assert answer.status_code == 303, answer.text
        asked = self.auth.asked[-1]
        return Begun(asked["continuation"].removeprefix("https://core.example.org"), asked.get("attr_url"))

    async def deliver(self, attr_url: str | None, token: str) -> int:
        """An auth plugin's delivery; the status of the answer."""
        assert attr_url is not None
        answer = await self.inside.post(attr_url.removeprefix(INTERNAL), content=token)
        return answer.status_code

    async def identified(self, **changes: str) -> Begun:
        """Somebody who has identified, and is coming back."""
        begun = await self.begin(**changes)
        assert await self.deliver(begun.attr_url, self.token()) == 200
        return begun

    async def page(self, begun: Begun, *, browser: httpx2.AsyncClient | None = None, lang: str = "") -> str:
        answer = await (browser or self.browser).get(f"{begun.path}{f'?lang={lang}' if lang else ''}")
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    async def choose(
        self, begun: Begun, comm_method: str = "chat", *, browser: httpx2.AsyncClient | None = None, **changes: str
    ) -> httpx2.Response:
        """Press the button of the choice."""
        fields = {"purpose": "move", "comm_method": comm_method, "auth_handle": begun.handle, **changes}
        return await (browser or self.browser).post("/start", data=fields)


@dataclass(frozen=True)
class Begun:
    """Where somebody who identifies comes back, and where their result goes."""

    path: str
    attr_url: str | None

    @property
    def handle(self) -> str:
        return self.path.rpartition("/")[2]

    def with_result(self, token: str) -> str:
        return f"{self.path}?result={token}"


def forms_of(page: str) -> list[dict[str, str]]:
    """What the forms of a page send, with the first of each choice made."""
    found = []
    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        fields = re.findall(r'<(?:input|button)[^>]*?name="(\w+)" value="([^"]*)"', form)
        found.append(dict(reversed(fields)))
    return found


def ways_on(page: str) -> list[str]:
    """The values of the choices of a page that can be made."""
    found = re.findall(r'name="comm_method" value="(\w+)"([^>]*)', page)
    return [value for value, more in found if "disabled" not in more]


def results_settings(folder: Path) -> ResultsSettings:
    """What reads the results of the methods `digid`, `far` and `unable`."""
    methods = [
        {
            "tag": tag,
            "name": tag,
            "verify_keys": [{"type": "EC", "key": key_pair(tag)[1]}],
            "attributes": ["fullname", "city"],
        }
        for tag in ("digid", "far", "unable")
    ]
    table = {"decrypt_key": {"type": "EC", "key": key_pair("encrypt")[0]}, "auth_methods": methods}
    return read(table, ResultsSettings, base=folder)


def _browser(core: CorePart, pages: Pages) -> httpx2.AsyncClient:
    app = Starlette(routes=core.public_routes(), exception_handlers={IdContactError: pages.handle})
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="https://core.example.org", headers=AS_PERSON
    )


@asynccontextmanager
async def split_house(
    redis: Redis, folder: Path, *, reachable: bool = False, reads: bool = True, **changes: object
) -> AsyncIterator[House]:
    """The core with these settings; its keys are kept in `folder`."""
    now, waits = [time.time()], list[Callable[[], Awaitable[object]]]()

    async def wait(seconds: float) -> None:
        del seconds
        if waits:
            await waits.pop(0)()

    auth = stand_in_plugin({"client_url": "https://auth.example/page"})
    comm = stand_in_plugin({"client_url": "https://core.example.org/land/1"})
    phone = stand_in_plugin({"client_url": "tel:0201234567,1234567890"})
    keystore = DirectoryKeyStore(folder / "keys")
    keystore.current()
    pages = Pages(
        public_url="https://core.example.org", assets=AssetFiles({"/assets": ASSETS_FOLDER}), clock=lambda: now[0]
    )
    results = results_settings(folder)
    async with Outgoing(limit=5.0) as outgoing:
        for base in (AUTH, "http://auth.example"):
            outgoing.mount(base, auth.application("/start_authentication"))
        outgoing.mount(COMM, comm.application("/start_communication"))
        outgoing.mount(ELSEWHERE, phone.application("/start_communication"))
        core = CorePart(
            CoreNeeds(
                redis=redis,
                keystore=keystore,
                prefix="idc",
                settings=read({**SETTINGS, **changes}, CoreSettings, base=folder),
                plugin_bases={"live": COMM, "auth_test": AUTH},
                results=result_check(results.decrypt_key, results.auth_methods, "results") if reads else None,
                outgoing=outgoing,
                pages=pages,
                limiter=Limiter(redis, "idc"),
                public_url="https://core.example.org",
                internal_url=INTERNAL,
                reachable=reachable,
                return_origins=["https://core.example.org", "https://www.example.org"],
                clock=lambda: now[0],
                wait=wait,
            )
        )
        inside = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=core.internal), base_url="http://core.internal")
        async with core.lifespan(), _browser(core, pages) as browser, inside:
            receipts = receipts_in(redis, keystore, "idc")
            yield House(core, pages, auth, comm, phone, receipts, browser, inside, now, waits)
    keystore.close()
