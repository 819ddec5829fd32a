from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from starlette.responses import JSONResponse, Response

from core_house import core_house
from idcontact.browser import browser_digest, has_started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from core_house import House

SETTINGS: dict[str, object] = {
    "auth_methods": [
        {"tag": "digid", "name": "DigiD", "image_path": "/digid.svg", "start": "plugin:auth_test"},
        {"tag": "paper", "name": {"nl": "Papier", "en": "Paper"}, "start": "http://127.0.0.1:1/"},
    ],
    "comm_methods": [
        {"tag": "chat", "name": "Chat", "start": "plugin:live", "context": True, "channel": "video"},
        {
            "tag": "phone",
            "name": "Phone",
            "start": "plugin:live",
            "description": {"nl": "Bellen", "en": "By telephone"},
        },
    ],
    "attributes": {"a": {"name": {"nl": "Kenmerk A", "en": "Attribute A"}}},
    "purposes": [
        {
            "tag": "move",
            "name": {"nl": "Verhuizen", "en": "Moving"},
            "attributes": ["a", "b"],
            "allowed_auth": ["paper", "digid"],
            "allowed_comm": ["*"],
        },
        {"tag": "permit", "attributes": [], "allowed_auth": ["digid"], "allowed_comm": ["chat"]},
    ],
}
START = {"purpose": "move", "auth_method": "digid", "comm_method": "chat"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with core_house(SETTINGS, tmp_path) as made:
        yield made


# --- session options ------------------------------------------------------------------------------------------------


async def test_options_are_in_the_order_of_the_purpose_or_of_the_configuration_for_a_star(house: House) -> None:
    answer = await house.client.get("/session_options/move", headers={"Accept-Language": "en"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "auth_methods": [
            {"tag": "paper", "name": "Paper", "image_path": ""},
            {"tag": "digid", "name": "DigiD", "image_path": "/digid.svg"},
        ],
        "comm_methods": [
            {"tag": "chat", "name": "Chat", "image_path": ""},
            {"tag": "phone", "name": "Phone", "image_path": "", "description": "By telephone"},
        ],
        "name": "Moving",
        "attributes": [{"tag": "a", "name": "Attribute A"}, {"tag": "b", "name": "b"}],
    }


async def test_options_of_all_purposes_are_keyed_by_purpose(house: House) -> None:
    answer = await house.client.get("/session_options")
    assert list(answer.json()) == ["move", "permit"]
    assert [method["tag"] for method in answer.json()["permit"]["comm_methods"]] == ["chat"]
    assert answer.json()["move"]["auth_methods"][0]["name"] == "Papier"


async def test_options_of_an_unknown_purpose_are_a_bad_request_that_names_it(house: House) -> None:
    answer = await house.client.get("/session_options/nothing")
    assert (answer.status_code, answer.json()["field"]) == (400, "purpose")


# --- a full session -------------------------------------------------------------------------------------------------


async def test_the_comm_plugin_comes_first_and_the_auth_plugin_continues_to_it(house: House) -> None:
    answer = await house.start_by_json(START)
    assert (answer.status_code, answer.json()) == (200, {"client_url": "https://auth/page?x=1~;2"})
    context = {"auth": "pending", "method": "digid", "language": "nl", "channel": "video"}
    assert house.comm.asked == [{"purpose": "move", "context": context}]
    assert house.auth.asked == [
        {"attributes": ["a", "b"], "continuation": "https://live/land/1", "attr_url": "http://live/attr/1"}
    ]


async def test_a_comm_plugin_without_attr_url_gets_the_result_in_its_client_url(house: House) -> None:
    house.comm.answer = lambda: Response('{"client_url": "tel:0201234567,12", "attr_url": null, "more": 1}')
    answer = await house.start_by_json({**START, "comm_method": "phone", "extra": [1]})
    assert answer.status_code == 200
    assert house.comm.asked == [{"purpose": "move"}]
    assert house.auth.asked == [{"attributes": ["a", "b"], "continuation": "tel:0201234567,12"}]


@pytest.mark.parametrize("accept", ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", None])
async def test_browsers_are_redirected_and_the_address_is_not_rewritten(house: House, accept: str | None) -> None:
    answer = await house.start_by_json(START, {"Accept": accept} if accept else {})
    assert (answer.status_code, answer.headers["location"]) == (303, "https://auth/page?x=1~;2")
    assert answer.content == b""


async def test_a_form_starts_the_same_session_with_its_context(house: House) -> None:
    fields = {**START, "lang": "en", "return_url": "https://www.example.org/move?x#y"}
    answer = await house.client.post("/start", data=fields)
    assert answer.status_code == 303
    [cookie] = answer.headers.get_list("set-cookie")
    attributes = "HttpOnly; Max-Age=3600; Path=/; SameSite=lax; Secure"
    made = re.fullmatch(rf"__Host-idc-browser-[A-Za-z0-9_-]{{12}}=([A-Za-z0-9_-]{{43}}); {attributes}", cookie)
    assert made is not None
    assert house.comm.asked[0]["context"] == {
        "auth": "pending",
        "method": "digid",
        "language": "en",
        "channel": "video",
        "return_url": "https://www.example.org/move?x#y",
        "browser": browser_digest(made[1]),
    }


async def test_a_start_by_json_sets_no_cookie(house: House) -> None:
    assert "set-cookie" not in (await house.start_by_json(START)).headers


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "javascript:alert(1)", "//www.example.org", "https://www.example.org@evil.example", "/x",
     "https://www.example.org:444/", "http://www.example.org/", "https://www.example.org\\.evil.example/", ""],
)  # fmt: skip
async def test_nobody_is_led_back_to_a_website_that_is_not_allowed(house: House, url: str) -> None:
    await house.client.post("/start", data={**START, "return_url": url})
    assert "return_url" not in house.comm.asked[0]["context"]


async def test_each_start_is_recognised_by_a_cookie_of_its_own(house: House) -> None:
    first, second = [await house.client.post("/start", data=START) for _ in range(2)]
    names = {answer.headers["set-cookie"].partition("=")[0] for answer in (first, second)}
    assert len(names) == 2
    browsers = {asked["context"]["browser"] for asked in house.comm.asked}
    assert len(browsers) == 2
    assert all(has_started(house.client.cookies, browser) for browser in browsers)
    assert not has_started(house.client.cookies, browser_digest("another"))


# --- bad requests ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "field_at_fault"),
    [
        ({**START, "purpose": "nothing"}, "purpose"),
        ({**START, "auth_method": "nothing"}, "auth_method"),
        ({**START, "comm_method": "nothing"}, "comm_method"),
        ({**START, "purpose": "permit", "auth_method": "paper"}, "auth_method"),
        ({**START, "purpose": "permit", "comm_method": "phone"}, "comm_method"),
        ({**START, "purpose": 1}, "purpose"),
        ({"auth_method": "digid", "comm_method": "chat"}, "purpose"),
        ({"purpose": "move"}, "comm_method"),
        ([], None),
    ],
)
async def test_a_start_that_makes_no_sense_names_what_is_wrong_and_calls_nobody(
    house: House, message: object, field_at_fault: str | None
) -> None:
    answer = await house.start_by_json(message)
    assert (answer.status_code, answer.json()["field"]) == (400, field_at_fault)
    assert house.comm.asked == house.auth.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 5000, b'{"purpose": "\xff"}', b"purpose=move"])
async def test_what_is_not_json_is_a_bad_request(house: House, body: bytes) -> None:
    answer = await house.client.post("/start", content=body, headers={"Content-Type": "application/json; charset=x"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [b"purpose=a&purpose=b&auth_method=digid&comm_method=chat", b"purpose", b"%ff%fe=\xff", b"a=%ff", b"x&" * 200],
)
async def test_what_is_not_a_form_is_a_bad_request(house: House, body: bytes) -> None:
    answer = await house.client.post(
        "/start", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
async def test_another_media_type_is_told_what_is_expected(house: House, content_type: str) -> None:
    answer = await house.client.post("/start", content=b"{}", headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["message"]


@pytest.mark.parametrize(("media", "limit"), [("application/json", 8192), ("application/x-www-form-urlencoded", 32768)])
async def test_a_body_over_its_limit_is_refused_announced_or_not(house: House, media: str, limit: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(limit // 1024 + 1):
            yield b" " * 1024

    headers = {"Content-Type": media}
    assert (await house.client.post("/start", content=b" " * (limit + 1), headers=headers)).status_code == 413
    assert (await house.client.post("/start", content=pieces(), headers=headers)).status_code == 413
    assert (await house.client.post("/start", content=b" " * limit, headers=headers)).status_code == 400


async def test_who_starts_too_often_has_to_wait(house: House) -> None:
    house.limiter.left = 1
    assert (await house.start_by_json(START)).status_code == 200
    assert (await house.start_by_json(START)).status_code == 429
    assert house.limiter.keys == [("start", "127.0.0.1")] * 2
    assert len(house.comm.asked) == 1


async def test_only_the_methods_of_the_protocol_are_there(house: House) -> None:
    assert (await house.client.get("/start")).status_code == 405
    assert (await house.client.post("/session_options", json={})).status_code == 405


# --- plugins that fail ----------------------------------------------------------------------------------------------


def nonsense(body: str, status: int = 200) -> Callable[[], Response]:
    return lambda: Response(body, status)


@pytest.mark.parametrize("who", ["comm", "auth"])
@pytest.mark.parametrize(
    "answer",
    [
        nonsense("not json"),
        nonsense("{}"),
        nonsense('{"client_url": 1}'),
        nonsense('{"client_url": "javascript:alert(1)"}'),
        nonsense('{"client_url": "/relative"}'),
        nonsense('{"client_url": "https://user@example.org/"}'),
        nonsense('{"client_url": "https://example.org/\\r\\nSet-Cookie: a=b"}'),
        nonsense('{"client_url": "https://example.org"}', 500),
        nonsense('{"client_url": "https://example.org"}', 302),
        nonsense('{"client_url": "https://example.org"}', 400),
    ],
)
async def test_a_plugin_that_refuses_or_answers_nonsense_is_a_bad_gateway(
    house: House, who: str, answer: Callable[[], Response]
) -> None:
    (house.comm if who == "comm" else house.auth).answer = answer
    response = await house.start_by_json(START)
    assert (response.status_code, response.json()["code"]) == (502, "plugin_failed")
    assert len(house.auth.asked) == (1 if who == "auth" else 0)


@pytest.mark.parametrize("attr_url", ["tel:12", "ftp://x", "javascript:1", "http://", ""])
async def test_an_attr_url_that_nothing_can_be_posted_to_is_a_bad_gateway(house: House, attr_url: str) -> None:
    house.comm.answer = lambda: JSONResponse({"client_url": "https://live/", "attr_url": attr_url})
    assert (await house.start_by_json(START)).status_code == 502
    assert house.auth.asked == []


async def test_a_plugin_that_is_down_is_a_bad_gateway(house: House) -> None:
    assert (await house.start_by_json({**START, "auth_method": "paper"})).status_code == 502


@pytest.mark.parametrize("who", ["comm", "auth"])
async def test_a_plugin_that_is_too_slow_is_a_gateway_timeout(house: House, who: str) -> None:
    (house.comm if who == "comm" else house.auth).free.clear()
    response = await house.start_by_json(START)
    assert (response.status_code, response.json()["code"]) == (504, "plugin_timeout")


async def test_a_mistake_of_ours_reaches_the_server_which_writes_it_down(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mistaken(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(house.limiter, "hit", mistaken)
    with pytest.raises(LookupError):
        await house.start_by_json(START)
