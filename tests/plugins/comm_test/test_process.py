"""Core, authentication plugin and this plugin, each in a process of its own, over real HTTP: two towns for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from plugin_house import key_pair
from plugin_processes import COMMON, Place, plugin_process
from running import ServerProcess, Site, make_site
from visitors import Answer, Visitor, connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from servers import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = """
[[auth_methods]]
tag = "elsewhere"
name = "Elsewhere"
start = "{auth.internal}"
[[comm_methods]]
tag = "trial"
name = "Trial"
start = "{comm.internal}"
context = {context}
"""

AUTH = """
[plugins.auth_test]
allowed_origins = ["{comm.public}", "{comm.internal}"]
sign_key = { file = "trial-sign.pem" }
encrypt_key = { file = "trial-encrypt.pem" }
[plugins.auth_test.attributes]
fullname = "Willeke de Bruijn"
city = "Voorbeeldstad"
"""

COMM = """
[plugins.comm_test]
decrypt_key = { file = "trial-decrypt.pem" }
attr_url = {attr_url}
[[plugins.comm_test.auth_methods]]
tag = "elsewhere"
name = "Elsewhere"
verify_keys = [{ file = "trial-verify.pem" }]
attributes = ["fullname", "city"]
"""


@dataclass
class Trial:
    """The three of them, in the hands of one person; `logs` are the files that the processes write to."""

    site: Site
    comm: Place
    redis_url: str
    logs: list[Path]

    async def identify(self, visitor: Visitor, choice: str) -> Answer:
        """From the start to the page of the plugin, by way of the authentication."""
        start = {"purpose": "report_move", "auth_method": "elsewhere", "comm_method": "trial"}
        started = await visitor.post("/start", start)
        assert started.status == 303, started.text
        assert (await visitor.get(started.location)).status == 200
        origin = started.location.partition("/session")[0]
        landing = await visitor.post(started.location, {"choice": choice}, Origin=origin)
        assert landing.status == 303
        return await visitor.get(landing.location)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def trial(
    request: pytest.FixtureRequest, one_redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Trial]:
    """The parameter says whether the plugin asks for results at an attr_url."""
    folder, redis_url = tmp_path_factory.mktemp("trial"), one_redis_server.url
    with one_redis_server.client() as client:
        client.flushall()
    auth, comm = Place(), Place()
    for name, (private, public) in {
        "sign": ("trial-sign.pem", "trial-verify.pem"),
        "encrypt": ("trial-decrypt.pem", "trial-encrypt.pem"),
    }.items():
        (folder / private).write_text(key_pair(name)[0])
        (folder / public).write_text(key_pair(name)[1])
    attr_url = "true" if request.param else "false"
    site = make_site(folder, redis_url, top=METHODS.format(auth=auth, comm=comm, context=attr_url))
    settings = {
        "auth_test": COMMON.format(place=auth, redis=redis_url, name="auth")
        + AUTH.replace("{comm.public}", comm.public).replace("{comm.internal}", comm.internal),
        "comm_test": COMMON.format(place=comm, redis=redis_url, name="comm") + COMM.replace("{attr_url}", attr_url),
    }
    with (
        plugin_process("auth_test", settings["auth_test"], folder) as one,
        plugin_process("comm_test", settings["comm_test"], folder) as other,
    ):
        async with ServerProcess(site) as server:
            yield Trial(site, comm, redis_url, [one, other, server.log])


delivered = pytest.mark.parametrize("trial", [True], ids=["attr_url"], indirect=True)
in_the_address = pytest.mark.parametrize("trial", [False], ids=["address"], indirect=True)
either_way = pytest.mark.parametrize("trial", [True, False], ids=["attr_url", "address"], indirect=True)


async def all_that_is_stored(trial: Trial) -> bytes:
    async with Redis.from_url(trial.redis_url, protocol=2) as redis:
        return b"\n".join([await redis.dump(key) or b"" for key in await redis.keys("*")])


@delivered
async def test_what_an_auth_plugin_delivers_at_the_attr_url_is_shown_to_the_person_alone(trial: Trial) -> None:
    async with connections() as session:
        visitor = Visitor(session, trial.site, "en")
        page = await trial.identify(visitor, "share")
        for text in ("You have identified yourself", "Willeke de Bruijn", "Name (fullname)", "the attr_url, from"):
            assert text in page.text
        client_url = re.search(r'href="(/session/[^?"]+)\?lang=nl', page.text)
        assert client_url is not None
        stranger = Visitor(session, trial.site, "en")
        seen = await stranger.get(f"{trial.comm.public}{client_url[1]}")
        assert (seen.status, "Willeke" in seen.text) == (410, False)
        assert b"Willeke" not in await all_that_is_stored(trial)
    written = "".join(log.read_text() for log in trial.logs)
    assert "Willeke" not in written
    assert client_url[1].rpartition("/")[2] not in written


@in_the_address
async def test_a_result_in_the_address_is_taken_out_of_it_and_shown(trial: Trial) -> None:
    async with connections() as session:
        visitor = Visitor(session, trial.site, "en")
        landing = await trial.identify(visitor, "share")
        assert landing.status == 303
        assert re.fullmatch(rf"{trial.comm.public}/session/[\w-]{{43}}", landing.location)
        assert landing.headers["Referrer-Policy"] == "no-referrer"
        assert landing.headers["Cache-Control"] == "no-store"
        page = await visitor.get(landing.location)
        assert "Willeke de Bruijn" in page.text
        assert "the address of this page" in page.text
        assert b"Willeke" not in await all_that_is_stored(trial)
    written = "".join(log.read_text() for log in trial.logs)
    assert "result=" not in written


@either_way
async def test_who_refuses_reads_that_nothing_was_shared(trial: Trial) -> None:
    async with connections() as session:
        visitor = Visitor(session, trial.site, "en")
        page = await trial.identify(visitor, "refuse")
        if page.status == 303:
            page = await visitor.get(page.location)
        assert "failed or was cancelled" in page.text
