"""What a core meets of people and programs that mean no good, or were only given odd names."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from html import unescape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx2
import jwt
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from comm_house import INTERNAL as COMM_INTERNAL
from comm_house import SUZANNE, auth_token, desk, open_comm_house
from core_house import CountingLimiter, core_house
from idcontact.core.options import Purposes
from idcontact.core.settings import CoreSettings
from idcontact.core.shims import AttrUrlShim, Shims
from idcontact.core.telephone import Telephone
from idcontact.limits import Limit
from idcontact.plugin.testkit import MemoryRecords
from idcontact.settings import read
from plugin_house import key_pair
from split_house import SETTINGS as SPLIT_SETTINGS
from split_house import split_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis

    from comm_house import CommHouse
    from core_house import House
    from idcontact.core.options import AuthMethod

ODD: Final = [
    "a/b",
    "/a//b/",
    "\"quoted\" 'twice'",
    "🚚 verhuizen",
    "<b>bold</b>",
    "a?b#c&d=e",
    "%2F",
    " ",
    "a\\b",
    "{x}",
]
"""Tags may be anything."""
OWN: Final = "https://core.example.org"
HOSTILE: Final = '<img src=x onerror="alert(1)">{{ 7 * 7 }}'
PRIVATE, PUBLIC = key_pair("requestor")
REQUEST: Final = {"purpose": "move", "auth_method": "digid", "comm_url": "https://platform.example/chat"}
MEMBERS: Final = {
    "auth_method": "digid",
    "auth_result": "eyJ.a.b.c.d",
    "auth_handle": "h" * 43,
    "comm_method": "chat",
    "comm_url": "https://platform.example/chat",
    "attr_url": "https://platform.example/attr",
}
STARTED: Final = {"client_url": "https://live/land/1", "attr_url": "http://live/attr/1"}


def settings(*purposes: str) -> dict[str, object]:
    return {
        "auth_methods": [{"tag": "digid", "name": HOSTILE, "start": "plugin:auth_test"}],
        "comm_methods": [{"tag": "chat", "name": "Chat", "start": "plugin:live", "context": True}],
        "purposes": [
            {"tag": tag, "attributes": ["name"], "allowed_auth": ["*"], "allowed_comm": ["*"]} for tag in purposes
        ],
        "authonly_request_keys": {"platform": {"type": "EC", "key": PUBLIC}},
    }


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with core_house(settings("move", *ODD), tmp_path) as made:
        yield made


# --- purposes -------------------------------------------------------------------------------------------------------


def signed(claims: dict[str, Any] | None = None, key: str = PRIVATE, kid: str = "platform", alg: str = "ES256") -> str:
    return jwt.encode({"request": REQUEST} if claims is None else claims, key, alg, headers={"kid": kid})


async def start_by_signed_request(house: House, token: str) -> Any:
    headers = {"Content-Type": "application/jwt", "Accept": "application/json"}
    return await house.client.post("/start", content=token, headers=headers)


@pytest.mark.parametrize("tag", ODD)
async def test_a_purpose_may_be_called_anything_and_is_found_by_every_way(house: House, tag: str) -> None:
    options = await house.client.get(f"/session_options/{quote(tag, safe='')}")
    assert (options.status_code, [m["tag"] for m in options.json()["comm_methods"]]) == (200, ["chat"])
    full = {"purpose": tag, "auth_method": "digid", "comm_method": "chat"}
    assert (await house.start_by_json(full)).status_code == 200
    assert (await house.client.post("/start", data=full)).status_code == 303
    assert (await start_by_signed_request(house, signed({"request": {**REQUEST, "purpose": tag}}))).status_code == 200
    assert [asked["purpose"] for asked in house.comm.asked] == [tag, tag]
    assert len(house.auth.asked) == 3


@pytest.mark.parametrize("tag", [f"no {tag}" for tag in ODD])
async def test_a_purpose_that_there_is_not_is_named_as_the_fault_and_not_repeated(house: House, tag: str) -> None:
    full = {"purpose": tag, "auth_method": "digid", "comm_method": "chat"}
    answers = [
        await house.client.get(f"/session_options/{quote(tag, safe='')}"),
        await house.start_by_json(full),
        await house.client.post("/start", data=full),
        await start_by_signed_request(house, signed({"request": {**REQUEST, "purpose": tag}})),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["field"]) == (400, "purpose")
        assert tag not in answer.json()["message"]
    assert house.comm.asked == house.auth.asked == []


# --- kinds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "conflict"),
    [
        (["auth_method", "auth_result", "comm_method"], ["auth_method", "auth_result"]),
        (["auth_method", "auth_handle"], ["auth_method", "auth_handle"]),
        (["auth_result", "auth_handle", "comm_method"], ["auth_result", "auth_handle"]),
        (["auth_method", "auth_result", "auth_handle"], ["auth_method", "auth_result", "auth_handle"]),
        (["auth_method", "comm_method", "comm_url"], ["comm_url"]),
        (["auth_method", "comm_method", "attr_url"], ["attr_url"]),
    ],
)
async def test_a_start_of_two_kinds_is_of_none_and_names_the_fields_that_conflict(
    house: House, members: list[str], conflict: list[str]
) -> None:
    start = {"purpose": "move", **{name: MEMBERS[name] for name in members}}
    for answer in (await house.start_by_json(start), await house.client.post("/start", data=start)):
        told = answer.json()
        assert (answer.status_code, told["code"], told["field"]) == (400, "bad_request", conflict[-1])
        assert [name for name in MEMBERS if name in told["message"]] == conflict
    assert (house.comm.asked, house.auth.asked, house.kept.begun) == ([], [], [])


@pytest.mark.parametrize("name", ["comm_method", "auth_result", "auth_handle"])
async def test_a_signed_request_of_two_kinds_names_the_fields_that_conflict(house: House, name: str) -> None:
    answer = await start_by_signed_request(house, signed({"request": {**REQUEST, name: MEMBERS[name]}}))
    assert (answer.status_code, answer.json()["field"]) == (400, f"request.{name}")
    assert f"{name} and comm_url" in answer.json()["message"]
    assert house.auth.asked == []


async def test_a_member_that_is_null_or_a_field_that_is_empty_mixes_nothing(house: House) -> None:
    full = {"purpose": "move", "auth_method": "digid", "comm_method": "chat"}
    others = ("auth_result", "auth_handle", "comm_url", "attr_url")
    assert (await house.start_by_json({**full, **dict.fromkeys(others)})).status_code == 200
    assert (await house.client.post("/start", data={**full, **dict.fromkeys(others, "")})).status_code == 303
    assert len(house.auth.asked) == 2


# --- signed requests ------------------------------------------------------------------------------------------------


def signed_by_the_public_key() -> str:
    """The classic confusion: HS256 with the public key, which everybody has, for a secret."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    signing_input = f"{part({'alg': 'HS256', 'kid': 'platform'})}.{part({'request': REQUEST})}"
    mac = hmac.new(PUBLIC.encode(), signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("token", "field"),
    [
        pytest.param(signed(kid="nobody"), "kid", id="unknown kid"),
        pytest.param(signed(key=key_pair("somebody")[0]), None, id="wrong key"),
        pytest.param(signed(key="", alg="none"), "alg", id="alg none"),
        pytest.param(signed_by_the_public_key(), "alg", id="HS256 with the public key"),
        pytest.param(signed({"request": REQUEST, "exp": int(time.time()) - 1}), "exp", id="expired"),
        pytest.param(signed({}), "request", id="without request"),
        pytest.param("not.a.token", None, id="no token"),
        pytest.param("", None, id="nothing"),
    ],
)
async def test_a_signed_request_that_cannot_be_believed_is_a_bad_request_at_the_door(
    house: House, token: str, field: str | None
) -> None:
    answer = await start_by_signed_request(house, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert field is None or answer.json()["field"] == field
    assert house.auth.asked == []


# --- where it leads -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cancel_url",
    ["javascript:alert(1)", "file:///etc/passwd", "tel:112", "//live/cancel/1", "/cancel/1", "http://user@live/cancel/1",
     "http://live/cancel/1\r\nX: y", "http://live\\@evil.example/", ""],
)  # fmt: skip
async def test_a_session_is_called_off_at_no_address_that_is_none(
    house: House, cancel_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    house.comm.answer = lambda: JSONResponse({**STARTED, "cancel_url": cancel_url})
    house.auth.answer = lambda: Response(status_code=500)
    answer = await house.start_by_json({"purpose": "move", "auth_method": "digid", "comm_method": "chat"})
    assert (answer.status_code, answer.json()["code"]) == (502, "plugin_failed")
    assert house.comm.called_off == 0
    assert "evil" not in caplog.text


async def test_a_state_that_is_replayed_with_another_result_gives_a_communication_nothing_new(tmp_path: Path) -> None:
    async with open_comm_house(desk, {}) as house:
        house.host.outgoing.mount(COMM_INTERNAL, house.plugin.internal)
        shims, limited, app = leading_core(house, tmp_path)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=OWN) as browser:
            started = await house.start()
            led = await shims.lead(limited, started.client_url, started.attr_url)
            for attributes in (SUZANNE, {"fullname": "Eve"}, SUZANNE):
                answer = await browser.get(f"{led.continuation}?result={auth_token(attributes)}")
                assert (answer.status_code, answer.headers["location"]) == (303, started.client_url)
        page = await house.see(started)
    assert "Suzanne Moulin" in page
    assert "Eve" not in page


def leading_core(house: CommHouse, folder: Path) -> tuple[Shims, AuthMethod, Starlette]:
    """A core that delivers to the plugin of that house, for an auth method that cannot; the method; and its page."""
    limited = {"tag": "limited", "name": "Limited", "start": "https://auth.example", "disable_attr_url": True}
    changes = {"auth_methods": [limited], "comm_methods": list[object](), "internal_secret": "s" * 32}
    purposes = [{"tag": "move", "attributes": list[str](), "allowed_auth": ["*"], "allowed_comm": list[str]()}]
    core = read({**changes, "purposes": purposes}, CoreSettings, base=folder)
    telephone = Telephone(MemoryRecords(), house.host.pages, OWN)
    shims = Shims(core, OWN, telephone, house.host.clock)
    app = Starlette(routes=AttrUrlShim(shims, house.host.outgoing, CountingLimiter(), Limit(9, 60)).routes())
    return shims, Purposes(core, {}).find("move").auth_method("limited"), app


# --- names ----------------------------------------------------------------------------------------------------------


def markup_of(page: str) -> list[str]:
    return re.findall(r"<img[^>]*onerror|<script(?! src=)", page)


async def test_names_with_markup_in_them_are_shown_as_text_on_every_page(redis: Redis, tmp_path: Path) -> None:
    auth: Any = SPLIT_SETTINGS["auth_methods"]
    comm: Any = SPLIT_SETTINGS["comm_methods"]
    changes: dict[str, Any] = {
        "auth_methods": [{**method, "name": HOSTILE, "description": HOSTILE} for method in auth],
        "comm_methods": [{**method, "name": HOSTILE, "description": HOSTILE} for method in comm],
        "attributes": {"fullname": {"name": HOSTILE}},
    }
    async with split_house(redis, tmp_path, **changes) as house:
        begun = await house.identified()
        pages = [(await house.browser.get("/contact/move")).text, (await house.browser.get(begun.path)).text]
        house.now[0] += 290  # one has to identify once more for the telephone: names it on a button
        pages.append((await house.browser.get(begun.path)).text)
        options = await house.browser.get("/session_options/move", headers={"Accept": "application/json"})
    for page in pages:
        assert HOSTILE in unescape(page)
        assert markup_of(page) == []
    assert options.headers["content-type"] == "application/json"
    assert options.json()["auth_methods"][0]["name"] == HOSTILE
