"""Core, authentication plugin and this plugin, each in a process of its own: whole sessions by telephone."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import jwt
import msgspec
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from plugin_house import key_pair
from plugin_processes import Place, common_settings, plugin_process
from running import ATTRIBUTES, ServerProcess, Site, make_site
from servers import RedisServer, wanted_kinds
from visitors import Answer, Visitor, connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

in_town = pytest.mark.asyncio(loop_scope="module")

CALL: Final = "c0ffee00-1234-4321-9999-feedc0ffee00"
LINK_SECRET: Final = "the secret of the flow in the contact centre"
INFO_SECRET: Final = "the secret of the page that agents look at"
UI: Final = "https://www.voorbeeld.example/tel/"

TOP: Final = "# more of the core"
AUTH_METHOD: Final = "# more of the method"
METHODS: Final = """
{top}
[[comm_methods]]
tag = "phone"
name = {{ nl = "Bellen", en = "Call" }}
start = "{phone}"
{method}
"""
AUTH: Final = """
[plugins.auth_test]
allowed_origins = [{origins}]
sign_key = {{ file = "sign.pem" }}
encrypt_key = {{ file = "encrypt.pem" }}
[plugins.auth_test.attributes]
fullname = "Suzanne Moulin"
city = "Rotterdam"
"""
PHONE: Final = f"""
[plugins.comm_phone]
phonenumber = "020 123 45 67"
decrypt_key = {{ file = "decrypt.pem" }}
link_secret = "{LINK_SECRET}"
info_secret = "{INFO_SECRET}"
[[plugins.comm_phone.auth_methods]]
tag = "test"
name = "Test person"
verify_keys = [{{ file = "verify.pem" }}]
attributes = ["fullname", "city"]
"""


@pytest.fixture
def redis_url(one_redis_url: str) -> str:
    """One kind is enough: what differs between them is not what goes from process to process."""
    return one_redis_url


@dataclass
class Platform:
    """The contact centre: it takes calls, and asks who calls."""

    visitor: Visitor
    base: str
    call: str
    """The call that is spoken of, where no other one is named."""

    async def link(self, dtmf: str, call: str | None = None) -> int:
        """A caller typed these digits."""
        body = msgspec.json.encode({"dtmf": dtmf, "sessionid": call or self.call})
        bearer = f"Bearer {LINK_SECRET}"
        answer = await self.visitor.request(
            "POST", f"{self.base}/link_phone", body, Authorization=bearer, Content_Type="application/json"
        )
        return answer.status

    async def info(self, call: str | None = None) -> Any:
        """What the agent is shown."""
        url = f"{self.base}/session_info/{call or self.call}"
        answer = await self.visitor.request("GET", url, Authorization=f"Bearer {INFO_SECRET}")
        assert answer.status == 200, answer.text
        return answer.json


@dataclass
class Town:
    """A core, an auth plugin, one or two nodes of the telephone plugin, a contact centre, and a person."""

    site: Site
    visitor: Visitor
    platforms: list[Platform]
    logs: list[Path]
    secrets: list[str] = field(default_factory=list)

    async def identifies(self, choice: str = "share") -> Answer:
        """From the form to where the auth plugin sends the browser."""
        start = {"purpose": "report_move", "auth_method": "test", "comm_method": "phone"}
        started = await self.visitor.post("/start", start)
        assert started.status == 303, started.text
        assert (await self.visitor.get(started.location)).status == 200
        origin = started.location.partition("/session")[0].partition("/plugins")[0]
        back = await self.visitor.post(started.location, {"choice": choice}, Origin=origin)
        assert back.status == 303, back.text
        return back

    async def reads(self, address: str) -> str:
        """The digits on the core's own page, as the person dials them."""
        assert re.fullmatch(rf"{self.site.url}/tel/[\w-]{{43}}", address)
        page = await self.visitor.get(address)
        assert page.status == 200, page.text
        assert "020 123 45 67" in page.text
        dialled = re.search(r'href="tel:0201234567,([0-9]{10})"', unescape(page.text))
        assert dialled is not None
        groups = re.findall(r"<span>([0-9]{3,4})</span>", page.text)
        assert "".join(groups) == dialled[1]
        self.secrets += [address.rpartition("/")[2], dialled[1]]
        return dialled[1]

    def written(self) -> str:
        """All that the processes wrote."""
        return "".join(log.read_text() for log in self.logs)


@dataclass
class Neighbours:
    """Those who are there all the time: each core comes to the same address, with other settings."""

    site: Site
    phones: list[Place]
    logs: list[Path]
    redis_url: str


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def neighbours(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Neighbours]:
    """An auth plugin and two nodes of the telephone plugin, in processes of their own, with a store of their own."""
    folder, auth, phones = tmp_path_factory.mktemp("town"), Place(), [Place(), Place()]
    with RedisServer(wanted_kinds()[0]) as store, ExitStack() as plugins:
        site = make_site(folder, store.url, top=METHODS.format(phone=phones[0].internal, top=TOP, method=""))
        text = site.config.read_text()
        site.config.write_text(text.replace('start = "plugin:auth_test"', f'start = "{auth.internal}"\n{AUTH_METHOD}'))
        (folder / "ui.pem").write_text(key_pair("ui")[0])
        origins = ", ".join(f'"{url}"' for url in (site.url, phones[0].internal, UI.removesuffix("/tel/")))
        settings = common_settings(auth, store.url, "auth") + AUTH.format(origins=origins)
        logs = [plugins.enter_context(plugin_process("auth_test", settings, folder))]
        for number, place in enumerate(phones):
            settings = common_settings(place, store.url, "phone") + PHONE
            logs.append(plugins.enter_context(plugin_process("comm_phone", settings, folder, f"phone-{number}")))
        yield Neighbours(site, phones, logs, store.url)


@asynccontextmanager
async def town(here: Neighbours, *, top: str = "", auth_method: str = "") -> AsyncIterator[Town]:
    """A core with these settings among its neighbours."""
    site, settings = here.site, here.site.config.read_text()
    site.config.write_text(settings.replace(TOP, top).replace(AUTH_METHOD, auth_method))
    try:
        async with ServerProcess(site) as core, connections() as session:
            visitor = Visitor(session, site, "en")
            call = str(uuid4())
            platforms = [Platform(visitor, place.internal, call) for place in here.phones]
            yield Town(site, visitor, platforms, [*here.logs, core.log])
    finally:
        site.config.write_text(settings)


async def all_that_is_stored(redis_url: str) -> bytes:
    async with Redis.from_url(redis_url, protocol=2) as redis:
        stored = [(key, await redis.dump(key)) for key in await redis.keys("*")]
    return repr(stored).encode()


@in_town
async def test_who_identified_and_dials_the_code_of_the_cores_page_is_known_to_the_agent(
    neighbours: Neighbours,
) -> None:
    async with town(neighbours) as places:
        platform, _ = places.platforms
        dtmf = await places.reads((await places.identifies()).location)
        assert await platform.link("".join(reversed(dtmf)) + "0") == 404
        assert await platform.link(dtmf) == 200
        told = {"purpose": "report_move", "auth_result": {"status": "succes", "attributes": ATTRIBUTES}}
        assert await platform.info() == told
        assert await platform.link(dtmf, "a second call") == 404
        stored, written = await all_that_is_stored(neighbours.redis_url), places.written()
        for secret in (*places.secrets, platform.call, "Suzanne", "report_move", LINK_SECRET, INFO_SECRET):
            assert secret.encode() not in stored
            assert secret == "report_move" or secret not in written


@in_town
async def test_who_refuses_can_call_and_the_agent_hears_that_it_failed(neighbours: Neighbours) -> None:
    async with town(neighbours) as places:
        platform, _ = places.platforms
        dtmf = await places.reads((await places.identifies("refuse")).location)
        assert await platform.link(dtmf) == 200
        assert await platform.info() == {"purpose": "report_move", "auth_result": {"status": "failed"}}


@in_town
async def test_the_organisations_own_page_is_told_the_same_number_and_code(neighbours: Neighbours) -> None:
    top = f'tel_shim = "ui"\nui_tel_url = "{UI}"\nui_signing_privkey = {{ file = "ui.pem" }}'
    async with town(neighbours, top=top, auth_method="shim_tel_url = true") as places:
        platform, _ = places.platforms
        location = (await places.identifies()).location
        assert location.startswith(UI)
        claims = jwt.decode(location.removeprefix(UI), key_pair("ui")[1], algorithms=["ES256"])
        dialled = re.fullmatch(r"tel:0201234567,([0-9]{10})", claims["continuation"])
        assert dialled is not None
        assert await platform.link(dialled[1]) == 200
        assert (await platform.info())["auth_result"]["attributes"] == ATTRIBUTES


@in_town
async def test_an_earlier_result_goes_along_and_the_person_reads_their_code_at_once(neighbours: Neighbours) -> None:
    async with town(neighbours) as places:
        platform, _ = places.platforms
        message = {"purpose": "report_move", "auth_result": places.site.token(), "comm_method": "phone"}
        dtmf = await places.reads((await places.visitor.post("/start", message)).location)
        assert await platform.link(dtmf) == 200
        assert (await platform.info())["auth_result"]["attributes"] == ATTRIBUTES


@in_town
async def test_what_comes_to_one_node_is_known_to_the_other(neighbours: Neighbours) -> None:
    async with town(neighbours) as places:
        one, other = places.platforms
        dtmf = await places.reads((await places.identifies()).location)
        assert await other.link(dtmf) == 200
        assert await one.link(dtmf, "another") == 404
        assert await one.info() == await other.info()
        assert (await one.info())["auth_result"]["attributes"] == ATTRIBUTES


async def test_as_a_plugin_of_the_server_itself_it_does_the_same(redis_url: str, tmp_path: Path) -> None:
    method = "context = true"
    site = make_site(tmp_path, redis_url, top=METHODS.format(phone="plugin:comm_phone", top="", method=method))
    with site.config.open("a") as config:
        config.write(PHONE)
    async with ServerProcess(site) as core, connections() as session:
        visitor = Visitor(session, site, "en")
        platform = Platform(visitor, f"{site.internal}/plugins/comm_phone", CALL)
        places = Town(site, visitor, [platform], [core.log])
        dtmf = await places.reads((await places.identifies()).location)
        assert await platform.link(dtmf) == 200
        assert (await platform.info())["auth_result"] == {"status": "succes", "attributes": ATTRIBUTES}
        for path in ("link_phone", "clean_db", f"session_info/{CALL}"):
            assert (await visitor.get(f"/plugins/comm_phone/{path}")).status == 404, "it is not reached from outside"
        document = (await visitor.request("GET", f"{site.internal}/openapi.json")).json
        assert "/plugins/comm_phone/session_info/{sessionid}" in document["paths"]
        assert all(secret not in places.written() for secret in (*places.secrets, CALL, "Suzanne"))


async def test_when_nobody_can_identify_nothing_of_the_telephone_is_left(
    redis_url: str, redis: Redis, tmp_path: Path
) -> None:
    method = "context = true"
    site = make_site(tmp_path, redis_url, top=METHODS.format(phone="plugin:comm_phone", top="", method=method))
    text = site.config.read_text().replace('start = "plugin:auth_test"', f'start = "{Place().internal}"')
    site.config.write_text(text + PHONE)
    async with ServerProcess(site), connections() as session:
        start = {"purpose": "report_move", "auth_method": "test", "comm_method": "phone"}
        answer = await Visitor(session, site, "en").post("/start", start)
        assert answer.status == 502
        assert await redis.keys("*record:comm_phone:*") == []


@pytest.mark.parametrize("command", [["-m", "idcontact_comm_phone"], ["-m", "idcontact", "plugin", "comm_phone"]])
def test_settings_that_cannot_be_used_are_named(redis_url: str, tmp_path: Path, command: list[str]) -> None:
    config = tmp_path / "phone.toml"
    config.write_text(f"{common_settings(Place(), redis_url, 'phone')}\n[plugins.comm_phone]\nidle = 0\n")
    done = subprocess.run(
        [sys.executable, *command, "--config", str(config)], capture_output=True, text=True, check=False, timeout=60
    )
    named = [line.rpartition("plugins.comm_phone.")[2].partition(":")[0] for line in done.stderr.splitlines()]
    assert (done.returncode, named) == (2, ["phonenumber", "decrypt_key", "auth_methods", "idle"])
