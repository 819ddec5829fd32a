"""The core in one process and its plugins in others: every kind of start and each shim, over real HTTP.

The core is a server without live conversations. It offers one communication plugin in four ways: with an attr_url, with
a result in the address, and each of these as one that takes no result at the start.
"""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
import msgspec
import pytest
import pytest_asyncio

from idcontact.tokens import AuthResult, Dialect, EncryptKey, ResultStatus, ResultWriter, SigningKey
from plugin_house import key_pair
from plugin_processes import Place, common_settings, plugin_process
from running import ServerProcess, Site
from visitors import Answer, Visitor, connections, emptied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import aiohttp

    from servers import RedisServer

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

CORE: Final = """
start_limit = "1000 per min"
internal_secret = "a secret that is long enough for HS256"
[authonly_request_keys.platform]
file = "requestor.pem"
[results]
decrypt_key = {{ file = "decrypt.pem" }}
[[results.auth_methods]]
tag = "test"
name = "Test person"
verify_keys = [{{ file = "verify.pem" }}]
attributes = ["fullname", "city"]
[[auth_methods]]
tag = "test"
name = "Test person"
start = "{auth}/"
[[auth_methods]]
tag = "limited"
name = "One that cannot deliver"
start = "{auth}"
disable_attr_url = true
[[comm_methods]]
tag = "delivered"
name = "With an attr_url"
start = "{by_attr_url}"
[[comm_methods]]
tag = "addressed"
name = "In the address"
start = "{by_address}/"
[[comm_methods]]
tag = "delivered_late"
name = "With an attr_url, not at the start"
start = "{by_attr_url}"
disable_attributes_at_start = true
[[comm_methods]]
tag = "addressed_late"
name = "In the address, not at the start"
start = "{by_address}"
disable_attributes_at_start = true
[[purposes]]
tag = "report_move"
attributes = ["fullname"]
allowed_auth = ["*"]
allowed_comm = ["*"]
[[purposes]]
tag = "question"
attributes = ["fullname"]
allowed_auth = ["*"]
allowed_comm = ["*"]
allow_unauthenticated = true
"""
AUTH: Final = """
[plugins.auth_test]
allowed_origins = [{origins}]
sign_key = {{ file = "sign.pem" }}
encrypt_key = {{ file = "encrypt.pem" }}
[plugins.auth_test.attributes]
fullname = "Willeke de Bruijn"
city = "Voorbeeldstad"
"""
COMM: Final = """
[plugins.comm_test]
decrypt_key = {{ file = "decrypt.pem" }}
attr_url = {attr_url}
[[plugins.comm_test.auth_methods]]
tag = "test"
name = "Test person"
verify_keys = [{{ file = "verify.pem" }}]
attributes = ["fullname", "city"]
"""
METHODS: Final = ["delivered", "addressed", "delivered_late", "addressed_late"]
GIVEN: Final = "You have identified yourself"


@dataclass(frozen=True)
class Installation:
    """Four processes, and what they wrote."""

    site: Site
    auth: Place
    comm: Place
    logs: list[Path]

    def token(self, **changes: Any) -> str:
        """An auth result as the auth plugin writes it."""
        writer = ResultWriter(
            SigningKey.from_pem(key_pair("sign")[0]),
            EncryptKey.from_pem(key_pair("encrypt")[1]),
            Dialect.ID_CONTACT,
        )
        result: dict[str, Any] = {"status": ResultStatus.SUCCESS, "attributes": {"fullname": "Suzanne Moulin"}}
        return writer.write(AuthResult(**{**result, **changes}), time.time())


def write_keys(folder: Path) -> None:
    """What the auth plugin signs and encrypts by, and what others read its results with."""
    pairs = {"sign": ("sign.pem", "verify.pem"), "encrypt": ("decrypt.pem", "encrypt.pem")}
    for name, (private, public) in pairs.items():
        (folder / private).write_text(key_pair(name)[0])
        (folder / public).write_text(key_pair(name)[1])


def settings_of_core(place: Place, redis_url: str, auth: Place, comms: list[Place]) -> str:
    by_attr_url, by_address = (comm.internal for comm in comms)
    methods = CORE.format(auth=auth.internal, by_attr_url=by_attr_url, by_address=by_address)
    top, tables = methods.split("[authonly_request_keys", 1)
    common, labels = common_settings(place, redis_url, "core").split("[attributes", 1)
    return f"{common}{top}[attributes{labels}[authonly_request_keys{tables}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    folder, url = tmp_path_factory.mktemp("installation"), emptied(redis_server)
    core, auth, delivered, addressed = Place(), Place(), Place(), Place()
    write_keys(folder)
    (folder / "requestor.pem").write_text(key_pair("requestor")[1])
    site = Site(folder, core.port, core.internal_port)
    site.config.write_text(settings_of_core(core, url, auth, [delivered, addressed]))
    origins = ", ".join(
        f'"{origin}"' for place in (core, delivered, addressed) for origin in (place.public, place.internal)
    )
    with ExitStack() as processes:
        logs = [
            processes.enter_context(plugin_process(name, common_settings(place, url, label) + own, folder, label))
            for name, place, label, own in (
                ("auth_test", auth, "auth", AUTH.format(origins=origins)),
                ("comm_test", delivered, "delivered", COMM.format(attr_url="true")),
                ("comm_test", addressed, "addressed", COMM.format(attr_url="false")),
            )
        ]
        async with ServerProcess(site) as server:
            yield Installation(site, auth, delivered, [*logs, server.log])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with connections() as session:
        yield session


@pytest.fixture
def visitor(session: aiohttp.ClientSession, installation: Installation) -> Visitor:
    """A person's browser, in English."""
    return Visitor(session, installation.site, "en")


async def follow(visitor: Visitor, answer: Answer) -> Answer:
    """Go where the browser is sent, until there is a page."""
    while answer.status in {302, 303}:
        location = answer.location
        answer = await visitor.get(location if location.startswith("http") else visitor.site.url + location)
    return answer


async def share(visitor: Visitor, client_url: str, choice: str = "share") -> Answer:
    """Go through the auth plugin to the page that the browser ends at."""
    assert (await visitor.get(client_url)).status == 200
    origin = client_url.partition("/session")[0]
    return await follow(visitor, await visitor.post(client_url, {"choice": choice}, Origin=origin))


async def start_by_json(visitor: Visitor, **message: str) -> Any:
    """What a program that starts a session is answered."""
    answer = await visitor.request(
        "POST", "/start", msgspec.json.encode(message), Content_Type="application/json", Accept="application/json"
    )
    assert answer.status == 200, answer.text
    return answer.json["client_url"]


# --- a full session, and the shims ----------------------------------------------------------------------------------


@pytest.mark.parametrize("comm_method", METHODS)
@pytest.mark.parametrize("auth_method", ["test", "limited"])
async def test_a_full_session_by_json_and_by_form_brings_what_was_shared(
    visitor: Visitor, auth_method: str, comm_method: str
) -> None:
    start = {"purpose": "report_move", "auth_method": auth_method, "comm_method": comm_method}
    started = await visitor.post("/start", start)
    assert started.status == 303
    for client_url in (started.location, await start_by_json(visitor, **start)):
        page = await share(visitor, client_url)
        assert GIVEN in page.text
        assert "Willeke de Bruijn" in page.text
        assert "Voorbeeldstad" not in page.text, "nobody asked for it"


@pytest.mark.parametrize("comm_method", ["delivered", "addressed"])
@pytest.mark.parametrize("auth_method", ["test", "limited"])
async def test_who_refuses_is_known_as_who_did_not_identify(
    visitor: Visitor, auth_method: str, comm_method: str
) -> None:
    start = {"purpose": "report_move", "auth_method": auth_method, "comm_method": comm_method}
    page = await share(visitor, await start_by_json(visitor, **start), "refuse")
    assert "failed or was cancelled" in page.text
    assert "Willeke" not in page.text


# --- the other kinds of start ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("comm_method", METHODS)
async def test_an_earlier_result_is_there_when_the_person_comes(
    visitor: Visitor, installation: Installation, comm_method: str
) -> None:
    token = installation.token()
    client_url = await start_by_json(visitor, purpose="report_move", auth_result=token, comm_method=comm_method)
    assert ("result=" in client_url) is (comm_method == "addressed_late")
    page = await follow(visitor, await visitor.get(client_url))
    assert "Suzanne Moulin" in page.text


async def test_an_earlier_result_that_is_not_accepted_is_the_callers_fault(
    visitor: Visitor, installation: Installation
) -> None:
    message = {"purpose": "report_move", "auth_result": installation.token()[:-4] + "AAAA", "comm_method": "delivered"}
    answer = await visitor.request(
        "POST", "/start", msgspec.json.encode(message), Content_Type="application/json", Accept="application/json"
    )
    assert answer.error == (400, "bad_request", "auth_result")


async def test_who_need_not_identify_does_not(visitor: Visitor) -> None:
    page = await follow(visitor, await visitor.post("/start", {"purpose": "question", "comm_method": "delivered"}))
    assert page.status == 200
    assert GIVEN not in page.text


@pytest.mark.parametrize("comm_method", METHODS)
async def test_who_identifies_first_chooses_afterwards_how_to_talk(visitor: Visitor, comm_method: str) -> None:
    started = await visitor.post("/start", {"purpose": "report_move", "auth_method": "test", "lang": "en"})
    choice = await share(visitor, started.location)
    assert "With an attr_url" in choice.text
    assert "Willeke" not in choice.text, "the core shows nothing of what was shared"
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', choice.text))
    chosen = await visitor.post("/start", {**fields, "comm_method": comm_method})
    assert chosen.status == 303, chosen.text
    page = await follow(visitor, chosen)
    assert "Willeke de Bruijn" in page.text
    again = await visitor.post("/start", {**fields, "comm_method": comm_method})
    assert (again.status, again.location) == (303, chosen.location), "once, however often they press"
    another = next(method for method in METHODS if method != comm_method)
    assert (await visitor.post("/start", {**fields, "comm_method": another})).status == 410


@pytest.mark.parametrize("auth_method", ["test", "limited"])
@pytest.mark.parametrize("delivered", [True, False], ids=["attr_url", "result="])
async def test_a_platform_asks_to_identify_during_a_conversation_of_its_own(
    visitor: Visitor, installation: Installation, auth_method: str, delivered: bool
) -> None:
    """The platform's part is played by the communication plugin: its landing is the conversation."""
    landing = await visitor.request(
        "POST",
        f"{installation.comm.internal}/start_communication",
        b'{"purpose": "report_move"}',
        Content_Type="application/json",
    )
    request = {"purpose": "report_move", "auth_method": auth_method, "comm_url": landing.json["client_url"]}
    if delivered:
        request["attr_url"] = landing.json["attr_url"]
    now = int(time.time())
    signed = jwt.encode(
        {"request": request, "iat": now, "exp": now + 300},
        key_pair("requestor")[0],
        algorithm="ES256",
        headers={"kid": "platform"},
    )
    answer = await visitor.request("POST", "/start", signed, Content_Type="application/jwt", Accept="application/json")
    page = await share(visitor, answer.json["client_url"])
    assert "Willeke de Bruijn" in page.text


async def test_no_process_wrote_down_what_was_shared_or_a_token(installation: Installation) -> None:
    written = "".join(log.read_text() for log in installation.logs)
    assert "POST /start 303" in written
    for secret in ("Willeke", "Suzanne", "eyJ", "result="):
        assert secret not in written
