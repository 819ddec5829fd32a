"""Each shim, and the choice after identifying: a core among plugins in processes of their own, a stranger's too."""

from __future__ import annotations

import logging
import re
import time
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest
import pytest_asyncio

from idcontact.tokens import DecryptKey, ResultReader, VerifyKey
from plugin_house import key_pair
from plugin_processes import COMMON, Place, Strangers, plugin_process, strangers
from running import ATTRIBUTES, Site, make_site, running_house
from visitors import Answer, Visitor, connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from servers import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET: Final = "a secret of the core's own, 32 bytes and more"
UI: Final = "https://www.voorbeeld.example/tel/"

METHODS = """
internal_secret = "{secret}"
# more of the core
[[auth_methods]]
tag = "theirs"
name = "Theirs"
start = "{strangers}"
[[comm_methods]]
tag = "phone"
name = {{ nl = "Bellen", en = "Call" }}
start = "{strangers}"
[[comm_methods]]
tag = "trial"
name = "Trial"
start = "{comm.internal}"
# more of the method
"""
TOP: Final = "# more of the core"
COMM_METHOD: Final = "# more of the method"

AUTH = """
[plugins.auth_test]
allowed_origins = [{origins}]
sign_key = {{ file = "sign.pem" }}
encrypt_key = {{ file = "encrypt.pem" }}
[plugins.auth_test.attributes]
fullname = "Suzanne Moulin"
city = "Rotterdam"
"""

COMM = """
[plugins.comm_test]
decrypt_key = { file = "decrypt.pem" }
[[plugins.comm_test.auth_methods]]
tag = "test"
name = "Test person"
verify_keys = [{ file = "verify.pem" }]
attributes = ["fullname", "city"]
"""


@dataclass
class Town:
    """The core, an auth plugin and a comm plugin of ours, those of strangers, and a person."""

    site: Site
    strangers: Strangers
    visitor: Visitor
    auth: Place
    comm: Place
    logs: list[Path]
    told: pytest.LogCaptureFixture

    async def identifies(self, choice: str = "share", **start: str) -> Answer:
        """From the form to where the auth plugin sends the browser."""
        started = await self.visitor.post("/start", {"purpose": "report_move", "auth_method": "test", **start})
        assert started.status == 303, started.text
        assert started.location.startswith(self.auth.public)
        assert (await self.visitor.get(started.location)).status == 200
        return await self.visitor.post(started.location, {"choice": choice}, Origin=self.auth.public)

    def read(self, token: str) -> dict[str, str] | None:
        """The attributes in a token of our auth plugin, as a stranger with the right keys reads them."""
        folder = self.site.folder
        verify = {"test": [VerifyKey.from_pem((folder / "verify.pem").read_text())]}
        reader = ResultReader(DecryptKey.from_pem((folder / "decrypt.pem").read_text()), verify)
        return reader.read(token, time.time()).result.attributes

    def written(self) -> str:
        """What the core and both plugins of ours logged."""
        return "".join([self.told.text, *(log.read_text() for log in self.logs)])


@dataclass
class Neighbours:
    """Those who are there all the time: each core comes to the same address, with other settings."""

    site: Site
    strangers: Strangers
    auth: Place
    comm: Place
    logs: list[Path]
    told: pytest.LogCaptureFixture | None = None
    """What the core of one test logs."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def plugins(one_redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Neighbours]:
    """Both plugins of ours, in processes of their own, and the strangers.

    On one kind of server: what differs between them is not what goes from process to process.
    """
    redis, folder, auth, comm = one_redis_server, tmp_path_factory.mktemp("town"), Place(), Place()
    with redis.client() as client:
        client.flushall()
    async with strangers() as others:
        methods = METHODS.format(secret=SECRET, strangers=others.url, comm=comm)
        site = make_site(folder, redis.url, top=methods)
        (folder / "ui.pem").write_text(key_pair("ui")[0])
        known = ", ".join(
            f'"{url}"' for url in (site.url, site.internal, comm.public, comm.internal, others.url, UI[:-5])
        )
        settings = {
            "auth_test": COMMON.format(place=auth, redis=redis.url, name="auth") + AUTH.format(origins=known),
            "comm_test": COMMON.format(place=comm, redis=redis.url, name="comm") + COMM,
        }
        with ExitStack() as running:
            logs = [running.enter_context(plugin_process(name, written, folder)) for name, written in settings.items()]
            yield Neighbours(site, others, auth, comm, logs)


@pytest.fixture
def neighbours(plugins: Neighbours, caplog: pytest.LogCaptureFixture) -> Neighbours:
    caplog.set_level(logging.DEBUG)
    return replace(plugins, told=caplog)


@asynccontextmanager
async def town(
    here: Neighbours, *, top: str = "", auth_method: str = "", comm_method: str = "", listen: bool = True
) -> AsyncIterator[Town]:
    """A core with these settings. Its `test` is the auth plugin's process; without `listen`, that cannot reach us."""
    here.strangers.started.clear()
    here.strangers.delivered.clear()
    site, settings = here.site, here.site.config.read_text()
    text = settings.replace('start = "plugin:auth_test"', f'start = "{here.auth.internal}"\n{auth_method}')
    text = text.replace(TOP, top).replace(COMM_METHOD, comm_method)
    if not listen:
        text = re.sub(r"internal_(listen|url) = .*\n", "", text)
    site.config.write_text(text)
    assert here.told is not None
    try:
        async with connections() as session, running_house(site):
            visitor = Visitor(session, site, "en")
            yield Town(site, here.strangers, visitor, here.auth, here.comm, here.logs, here.told)
    finally:
        site.config.write_text(settings)


# --- attr_url -------------------------------------------------------------------------------------------------------


async def test_a_plugin_that_cannot_deliver_is_led_by_the_core_which_delivers(neighbours: Neighbours) -> None:
    async with town(neighbours, auth_method="disable_attr_url = true") as places:
        back = await places.identifies(comm_method="trial")
        state, result = re.fullmatch(rf"{places.site.url}/auth_attr_shim/([^?]+)\?result=(.+)", back.location).groups()  # type: ignore[union-attr]
        assert jwt.decode(state, SECRET, algorithms=["HS256"])["continuation"].startswith(places.comm.public)
        onward = await places.visitor.get(back.location)
        assert (onward.status, onward.location.startswith(places.comm.public)) == (303, True)
        page = await places.visitor.get(onward.location)
        assert "Suzanne Moulin" in page.text
        assert "the attr_url, from" in page.text
        assert all(secret not in places.written() for secret in (state, result, "Suzanne"))


async def test_who_refuses_there_is_led_on_the_same_way(neighbours: Neighbours) -> None:
    async with town(neighbours, auth_method="disable_attr_url = true") as places:
        back = await places.identifies("refuse", comm_method="trial")
        onward = await places.visitor.get(back.location)
        assert "failed or was cancelled" in (await places.visitor.get(onward.location)).text


# --- attributes at start --------------------------------------------------------------------------------------------


async def test_a_plugin_that_takes_no_result_at_the_start_is_given_an_earlier_one_afterwards(
    neighbours: Neighbours,
) -> None:
    async with town(neighbours, comm_method="disable_attributes_at_start = true") as places:
        message = {"purpose": "report_move", "auth_result": places.site.token(), "comm_method": "trial"}
        started = await places.visitor.post("/start", message)
        assert (started.status, started.location.startswith(places.comm.public)) == (303, True)
        page = await places.visitor.get(started.location)
        assert "the attr_url, from" in page.text


# --- tel ------------------------------------------------------------------------------------------------------------


async def test_a_telephone_number_is_shown_on_our_own_page_and_the_result_goes_to_the_telephone_plugin(
    neighbours: Neighbours,
) -> None:
    async with town(neighbours) as places:
        back = await places.identifies(comm_method="phone")
        assert re.fullmatch(rf"{places.site.url}/tel/[\w-]{{43}}", back.location)
        page = await places.visitor.get(back.location)
        assert "1 2 3, 4 5 6, 7 8 9 0" in page.text
        [(path, token)] = places.strangers.delivered
        assert (path, places.read(token)) == (f"/session_result/{'c' * 32}", ATTRIBUTES)
        assert all(text not in places.written() for text in ("1234567890", back.location.rpartition("/")[2], token))


async def test_on_the_organisations_own_page_as_the_published_core_does(neighbours: Neighbours) -> None:
    top = f'tel_shim = "ui"\nui_tel_url = "{UI}"\nui_signing_privkey = {{ file = "ui.pem" }}'
    async with town(neighbours, top=top, auth_method="shim_tel_url = true") as places:
        back = await places.identifies(comm_method="phone")
        assert back.location.startswith(UI)
        _shows_the_number(back.location.removeprefix(UI))
        assert len(places.strangers.delivered) == 1


async def test_both_shims_at_once(neighbours: Neighbours) -> None:
    top = f'tel_shim = "ui"\nui_tel_url = "{UI}"\nui_signing_privkey = {{ file = "ui.pem" }}'
    method = "shim_tel_url = true\ndisable_attr_url = true"
    async with town(neighbours, top=top, auth_method=method) as places:
        back = await places.identifies(comm_method="phone")
        assert back.location.startswith(f"{places.site.url}/auth_attr_shim/")
        assert places.strangers.delivered == []
        onward = await places.visitor.get(back.location)
        _shows_the_number(onward.location.removeprefix(UI))
        [(_, token)] = places.strangers.delivered
        assert places.read(token) == ATTRIBUTES


async def test_a_plugin_of_a_stranger_is_given_the_bare_token_as_the_successor_does(neighbours: Neighbours) -> None:
    top = 'tel_shim = "bare"\nui_signing_privkey = { file = "ui.pem" }'
    async with town(neighbours, top=top) as places:
        start = {"purpose": "report_move", "auth_method": "theirs", "comm_method": "phone"}
        started = await places.visitor.post("/start", start)
        assert started.location == f"{places.strangers.url}/identify"
        asked = places.strangers.started[-1]
        _shows_the_number(asked["continuation"])
        assert asked["attr_url"].endswith("c" * 32)


def _shows_the_number(token: str) -> None:
    assert jwt.get_unverified_header(token) == {"alg": "ES256"}
    claims: dict[str, Any] = jwt.decode(token, key_pair("ui")[1], algorithms=["ES256"])
    assert (claims["continuation"], claims["exp"] - claims["iat"]) == ("tel:0201234567,1234567890", 3600)


# --- identify first, choose afterwards ------------------------------------------------------------------------------


@pytest.mark.parametrize("listen", [True, False], ids=["delivered", "in the address"])
async def test_who_identified_first_chats_with_our_own_agents(neighbours: Neighbours, listen: bool) -> None:
    async with town(neighbours, listen=listen) as places:
        visitor, handle = places.visitor, await _identified_first(places, listen=listen)
        chosen = await visitor.post("/start", _choice(handle, "chat"))
        assert (chosen.status, "/land/" in chosen.location) == (303, True), chosen.text
        landed = await visitor.post(chosen.location)
        conversation = landed.location.rpartition("/")[2]
        assert (await visitor.get(landed.location)).status == 200
        async with visitor.at(conversation) as socket:
            view = await socket.view(phase="waiting")
            assert (view["auth"]["status"], view["auth"]["method"]) == ("given", "test")
        again = await visitor.post("/start", _choice(handle, "chat"))
        assert (again.status, again.location) == (303, chosen.location), "pressed twice, started once"
        assert handle not in places.written()
        assert "Suzanne" not in places.written()


async def test_who_identified_first_calls_a_strangers_telephone_plugin(neighbours: Neighbours) -> None:
    async with town(neighbours) as places:
        handle = await _identified_first(places)
        chosen = await places.visitor.post("/start", _choice(handle, "phone"))
        assert "/tel/" in chosen.location
        [started] = places.strangers.started
        assert (started["purpose"], places.read(started["auth_result"])) == ("report_move", ATTRIBUTES)


async def test_who_identified_first_goes_on_to_a_plugin_of_ours_elsewhere(neighbours: Neighbours) -> None:
    async with town(neighbours, comm_method="context = true") as places:
        handle = await _identified_first(places)
        chosen = await places.visitor.post("/start", _choice(handle, "trial"))
        assert chosen.status == 303, chosen.text
        assert "Suzanne Moulin" in (await places.visitor.get(chosen.location)).text


async def test_another_browser_gets_nothing_of_it(neighbours: Neighbours) -> None:
    async with town(neighbours) as places:
        handle = await _identified_first(places)
        stranger = Visitor(places.visitor.session, places.site, "en")
        assert (await stranger.get(f"/choose/{handle}")).status == 401
        assert (await stranger.post("/start", _choice(handle, "chat"))).status == 401
        assert (await places.visitor.get(f"/choose/{handle}")).status == 200


async def _identified_first(places: Town, *, listen: bool = True) -> str:
    back = await places.identifies(lang="en")
    found = re.fullmatch(rf"{places.site.url}/choose/([\w-]{{43}})(\?result=.+)?", back.location)
    assert found is not None
    assert (found[2] is None) is listen
    if found[2] is not None:
        clean = await places.visitor.get(back.location)
        assert (clean.status, clean.location) == (303, f"/choose/{found[1]}")
    page = await places.visitor.get(f"/choose/{found[1]}")
    assert "How do you want to contact us?" in page.text
    return found[1]


def _choice(handle: str, comm_method: str) -> dict[str, str]:
    return {"purpose": "report_move", "auth_handle": handle, "comm_method": comm_method, "lang": "en"}
