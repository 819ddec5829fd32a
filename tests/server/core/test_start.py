"""Each kind of start at the core's door, with plugins whose answers are in the test's hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from starlette.responses import JSONResponse, Response

from core_house import core_house
from idcontact.core.start import Kept
from plugin_house import key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from core_house import House

SETTINGS: dict[str, object] = {
    "auth_methods": [{"tag": "digid", "name": "DigiD", "start": "plugin:auth_test"}],
    "comm_methods": [
        {"tag": "chat", "name": "Chat", "start": "plugin:live", "context": True},
        {"tag": "phone", "name": "Phone", "start": "plugin:live"},
        {"tag": "late", "name": "Late", "start": "plugin:live", "disable_attributes_at_start": True},
    ],
    "purposes": [
        {"tag": "move", "attributes": ["name"], "allowed_auth": ["*"], "allowed_comm": ["*"]},
        {
            "tag": "question",
            "attributes": ["name"],
            "allowed_auth": ["*"],
            "allowed_comm": ["chat", "phone"],
            "allow_unauthenticated": True,
        },
    ],
    "authonly_request_keys": {"platform": {"type": "EC", "key": key_pair("requestor")[1]}},
}
TOKEN = "eyJ.a.b.c.d"
HANDLE = "h" * 43
CANCEL = {"cancel_url": "http://live/cancel/1"}
STARTED = {"client_url": "https://live/land/1", "attr_url": "http://live/attr/1"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with core_house(SETTINGS, tmp_path) as made:
        yield made


# --- with an earlier result -----------------------------------------------------------------------------------------


async def test_an_earlier_result_goes_along_and_nobody_identifies_again(house: House) -> None:
    answer = await house.start_by_json({"purpose": "move", "comm_method": "phone", "auth_result": TOKEN})
    assert (answer.status_code, answer.json()) == (200, {"client_url": "https://live/land/1"})
    assert house.comm.asked == [{"purpose": "move", "auth_result": TOKEN}]
    assert house.auth.asked == []
    assert house.comm.delivered == []


@pytest.mark.parametrize("token", ["€", "a.b.c.d", "a.b.c.d.e&x=y", "a.b.c.d.e#", "a.b.c.d.\r\nX: y", "a" * 40_000])
async def test_what_is_no_token_is_refused_and_put_into_no_address(house: House, token: str) -> None:
    message = {"purpose": "move", "comm_method": "late", "auth_result": token}
    answer = await house.start_by_json(message, {})
    assert answer.status_code in {400, 413}
    assert house.comm.asked == []


async def test_an_address_that_is_too_long_to_pass_on_is_not_led_back_to(house: House) -> None:
    fields = {"purpose": "question", "comm_method": "chat", "return_url": f"https://www.example.org/?{'a' * 4096}"}
    assert (await house.client.post("/start", data=fields)).status_code == 303
    assert "return_url" not in house.comm.asked[0]["context"]


async def test_a_method_of_ours_hears_that_a_result_came_along(house: House) -> None:
    await house.start_by_json({"purpose": "move", "comm_method": "chat", "auth_result": TOKEN})
    assert house.comm.asked[0]["context"] == {"auth": "given", "language": "nl", "channel": "chat"}


async def test_a_method_that_takes_no_result_at_the_start_gets_it_afterwards(house: House) -> None:
    answer = await house.start_by_json({"purpose": "move", "comm_method": "late", "auth_result": TOKEN})
    assert answer.json() == {"client_url": "https://live/land/1"}
    assert house.comm.asked == [{"purpose": "move"}]
    assert house.comm.delivered == [TOKEN.encode()]


@pytest.mark.parametrize(
    ("client_url", "expected"),
    [
        ("https://live/land/1", f"https://live/land/1?result={TOKEN}"),
        ("https://live/land?id=1", f"https://live/land?id=1&result={TOKEN}"),
    ],
)
async def test_a_method_that_takes_no_result_at_the_start_and_has_no_attr_url_gets_it_in_its_client_url(
    house: House, client_url: str, expected: str
) -> None:
    house.comm.answer = lambda: JSONResponse({"client_url": client_url})
    answer = await house.start_by_json({"purpose": "move", "comm_method": "late", "auth_result": TOKEN})
    assert answer.json() == {"client_url": expected}


async def test_a_telephone_number_cannot_hold_a_result(house: House) -> None:
    house.comm.answer = lambda: JSONResponse({"client_url": "tel:0201234567,12"})
    answer = await house.start_by_json({"purpose": "move", "comm_method": "late", "auth_result": TOKEN})
    assert answer.status_code == 502


async def test_a_result_that_the_plugin_does_not_accept_is_the_callers_fault(house: House) -> None:
    house.comm.answer = lambda: Response(status_code=400)
    for method in ("phone", "late"):
        house.comm.at_attr_url = 400
        answer = await house.start_by_json({"purpose": "move", "comm_method": method, "auth_result": TOKEN})
        expected = (400, "auth_result") if method == "phone" else (502, None)
        assert (answer.status_code, answer.json()["field"]) == expected
    house.comm.answer = lambda: JSONResponse(STARTED)
    answer = await house.start_by_json({"purpose": "move", "comm_method": "late", "auth_result": TOKEN})
    assert (answer.status_code, answer.json()["field"]) == (400, "auth_result")


# --- without identifying --------------------------------------------------------------------------------------------


async def test_a_purpose_that_allows_it_is_started_without_identifying(house: House) -> None:
    answer = await house.start_by_json({"purpose": "question", "comm_method": "chat"})
    assert answer.json() == {"client_url": "https://live/land/1"}
    assert house.comm.asked[0]["context"]["auth"] == "none"
    assert house.auth.asked == []


async def test_a_form_that_leaves_its_methods_empty_is_started_without_identifying_too(house: House) -> None:
    fields = {"purpose": "question", "comm_method": "phone", "auth_method": "", "auth_handle": ""}
    answer = await house.client.post("/start", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://live/land/1")
    assert house.comm.asked == [{"purpose": "question"}]


async def test_a_program_is_given_a_telephone_number_as_it_is_and_a_browser_a_page(house: House) -> None:
    house.comm.answer = lambda: JSONResponse({"client_url": "tel:0201234567,12"})
    start = {"purpose": "question", "comm_method": "phone"}
    assert (await house.start_by_json(start)).json() == {"client_url": "tel:0201234567,12"}
    answer = await house.client.post("/start", data=start)
    assert answer.headers["location"] == "https://core.example.org/tel/1"


async def test_a_purpose_that_does_not_allow_it_says_that_identifying_is_missing(house: House) -> None:
    answer = await house.start_by_json({"purpose": "move", "comm_method": "chat"})
    assert (answer.status_code, answer.json()["field"]) == (400, "auth_method")
    assert house.comm.asked == []


# --- identify first -------------------------------------------------------------------------------------------------


async def test_who_identifies_first_comes_back_to_the_core(house: House) -> None:
    answer = await house.client.post("/start", data={"purpose": "move", "auth_method": "digid", "lang": "en"})
    assert (answer.status_code, answer.headers["location"]) == (303, "https://auth/page?x=1~;2")
    assert house.comm.asked == []
    assert house.auth.asked == [
        {
            "attributes": ["name"],
            "continuation": "https://core.example.org/choose/h",
            "attr_url": "http://core.internal/core/result/h.s",
        }
    ]
    [(purpose, method, visitor)] = house.kept.begun
    assert (purpose, method, visitor.language) == ("move", "digid", "en")
    assert visitor.browser is not None
    assert "set-cookie" in answer.headers


async def test_a_start_by_json_that_identifies_first_is_recognised_by_a_cookie_too(house: House) -> None:
    answer = await house.start_by_json({"purpose": "move", "auth_method": "digid"})
    assert answer.status_code == 200
    assert answer.headers["set-cookie"].startswith("__Host-idc-browser-")
    assert house.kept.begun[0][2].browser is not None


def kept(expires_in: float = 200, purpose: str = "move") -> Kept:
    now = time.time()
    return Kept(purpose, "digid", TOKEN, now - 100, now + expires_in)


async def test_a_kept_result_is_given_to_a_method_of_ours_as_a_receipt_however_old(house: House) -> None:
    house.kept.results[HANDLE] = kept(expires_in=-1000)
    fields = {"purpose": "move", "comm_method": "chat", "auth_handle": HANDLE}
    answer = await house.client.post("/start", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://live/land/1")
    asked: dict[str, Any] = house.comm.asked[0]
    assert "auth_result" not in asked
    assert (asked["context"]["auth"], asked["context"]["method"]) == ("given", "digid")
    assert asked["context"]["receipt"] == "digid".ljust(43, "r")
    assert house.kept.results == {}


async def test_a_plugin_that_knows_no_receipt_of_ours_is_given_the_result_as_it_was_while_it_is_valid(
    house: House,
) -> None:
    def only_tokens() -> Response:
        known = "auth_result" in house.comm.asked[-1]
        return JSONResponse(STARTED) if known else Response(status_code=400)

    house.comm.answer = only_tokens
    start = {"purpose": "move", "comm_method": "chat", "auth_handle": HANDLE}
    house.kept.results[HANDLE] = kept(expires_in=5)
    refused = await house.client.post("/start", data=start)
    assert (refused.status_code, refused.json()["code"]) == (410, "identify_again")
    house.kept.results[HANDLE] = kept()
    assert (await house.client.post("/start", data=start)).status_code == 303
    assert house.comm.asked[-1]["auth_result"] == TOKEN
    assert house.comm.asked[-1]["context"] == {"auth": "given", "method": "digid", "language": "nl", "channel": "chat",
                                               "browser": house.comm.asked[-1]["context"]["browser"]}  # fmt: skip


async def test_a_kept_result_is_given_to_another_method_as_it_was_while_it_is_valid(house: House) -> None:
    house.kept.results[HANDLE] = kept()
    await house.client.post("/start", data={"purpose": "move", "comm_method": "phone", "auth_handle": HANDLE})
    assert house.comm.asked == [{"purpose": "move", "auth_result": TOKEN}]


async def test_a_kept_result_that_is_too_old_for_another_method_has_to_be_identified_again(house: House) -> None:
    house.kept.results[HANDLE] = kept(expires_in=5)
    answer = await house.client.post("/start", data={"purpose": "move", "comm_method": "phone", "auth_handle": HANDLE})
    assert (answer.status_code, answer.json()["code"]) == (410, "identify_again")
    assert answer.json()["back"] == "/contact/move?lang=nl&comm_method=phone"
    assert house.comm.asked == []
    assert HANDLE in house.kept.results, "it still serves a method of ours"


async def test_a_kept_result_is_not_lost_when_the_plugin_fails_or_the_purpose_is_another(house: House) -> None:
    house.kept.results[HANDLE] = kept()
    house.comm.answer = lambda: Response(status_code=500)
    start = {"comm_method": "chat", "auth_handle": HANDLE}
    assert (await house.client.post("/start", data={"purpose": "move", **start})).status_code == 502
    other = await house.client.post("/start", data={"purpose": "question", **start})
    assert (other.status_code, other.json()["field"]) == (400, "auth_handle")
    house.comm.answer = lambda: JSONResponse(STARTED)
    assert (await house.client.post("/start", data={"purpose": "move", **start})).status_code == 303
    assert (await house.client.post("/start", data={"purpose": "move", **start})).status_code == 410


# --- during communication -------------------------------------------------------------------------------------------


def signed(key: str = key_pair("requestor")[0], **members: str) -> bytes:
    request = {"purpose": "move", "auth_method": "digid", "comm_url": "https://platform.example/chat", **members}
    return jwt.encode({"request": request}, key, algorithm="ES256", headers={"kid": "platform"}).encode()


async def start_by_signed_request(house: House, token: bytes) -> Any:
    return await house.client.post(
        "/start", content=token, headers={"Content-Type": "application/jwt", "Accept": "application/json"}
    )


async def test_a_signed_request_identifies_for_a_conversation_elsewhere(house: House) -> None:
    answer = await start_by_signed_request(house, signed(attr_url="https://platform.example/attr") + b"\n")
    assert (answer.status_code, answer.json()) == (200, {"client_url": "https://auth/page?x=1~;2"})
    assert house.comm.asked == []
    assert house.auth.asked == [
        {
            "attributes": ["name"],
            "continuation": "https://platform.example/chat",
            "attr_url": "https://platform.example/attr",
        }
    ]


async def test_a_signed_request_without_attr_url_gets_the_result_in_its_comm_url(house: House) -> None:
    await start_by_signed_request(house, signed())
    assert house.auth.asked == [{"attributes": ["name"], "continuation": "https://platform.example/chat"}]


@pytest.mark.parametrize(
    ("token", "field"),
    [
        (signed(key=key_pair("somebody")[0]), None),
        (signed(purpose="nothing"), "purpose"),
        (signed(auth_method="nothing"), "auth_method"),
        (signed(comm_url="javascript:alert(1)"), "request.comm_url"),
        (signed(comm_method="chat"), "request.comm_method"),
    ],
)
async def test_a_signed_request_that_makes_no_sense_calls_nobody(house: House, token: bytes, field: str | None) -> None:
    answer = await start_by_signed_request(house, token)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert house.auth.asked == []


async def test_a_platform_is_not_limited_by_its_address_but_who_guesses_is(house: House) -> None:
    for _ in range(20):
        assert (await start_by_signed_request(house, signed())).status_code == 200
    assert house.limiter.keys == []
    house.limiter.left = 1
    assert (await start_by_signed_request(house, b"a.b.c")).status_code == 400
    assert (await start_by_signed_request(house, b"a.b.c")).status_code == 429


# --- nothing is half-started ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_url", [None, "javascript:alert(1)"])
async def test_when_the_auth_plugin_fails_a_plugin_of_ours_is_told_that_nobody_comes(
    house: House, client_url: str | None
) -> None:
    house.comm.answer = lambda: JSONResponse({**STARTED, **CANCEL})
    house.auth.answer = lambda: Response(status_code=500) if client_url is None else JSONResponse({"client_url": "x"})
    answer = await house.start_by_json({"purpose": "move", "auth_method": "digid", "comm_method": "chat"})
    assert answer.status_code == 502
    assert house.comm.called_off == 1


async def test_when_the_auth_plugin_gives_no_answer_in_time_a_plugin_of_ours_is_told_so_too(house: House) -> None:
    house.comm.answer = lambda: JSONResponse({**STARTED, **CANCEL})
    house.auth.free.clear()
    answer = await house.start_by_json({"purpose": "move", "auth_method": "digid", "comm_method": "chat"})
    assert (answer.status_code, house.comm.called_off) == (504, 1)


async def test_a_plugin_of_others_is_left_to_expire(house: House) -> None:
    house.comm.answer = lambda: JSONResponse({**STARTED, **CANCEL})
    house.auth.answer = lambda: Response(status_code=500)
    answer = await house.start_by_json({"purpose": "move", "auth_method": "digid", "comm_method": "phone"})
    assert answer.status_code == 502
    assert house.comm.called_off == 0


async def test_a_session_that_starts_is_not_called_off(house: House) -> None:
    house.comm.answer = lambda: JSONResponse({**STARTED, **CANCEL})
    answer = await house.start_by_json({"purpose": "move", "auth_method": "digid", "comm_method": "chat"})
    assert answer.status_code == 200
    assert house.comm.called_off == 0


# --- the way back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "back"),
    [
        ({"purpose": "move", "comm_method": "x"}, "/contact/move?lang=nl&comm_method=x"),
        (
            {"purpose": "move", "lang": "en", "return_url": "https://www.example.org/a?b"},
            "/contact/move?lang=en&return_url=https%3A%2F%2Fwww.example.org%2Fa%3Fb",
        ),
        ({"purpose": "move", "return_url": "https://evil.example/"}, "/contact/move?lang=nl"),
        ({"purpose": "nothing", "return_url": "https://www.example.org/a"}, "https://www.example.org/a"),
        ({"purpose": "nothing", "return_url": "https://evil.example/"}, None),
        ({"lang": "en"}, None),
    ],
)
async def test_a_form_that_cannot_be_started_leads_back_to_the_choice_or_to_where_the_person_came_from(
    house: House, fields: dict[str, str], back: str | None
) -> None:
    answer = await house.client.post("/start", data=fields)
    assert (answer.status_code, answer.json()["back"]) == (400, back)


# --- closed ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[House]:
    """Both purposes are closed: one for ever, one until a day to come."""
    opens = datetime.now(UTC).date() + timedelta(days=3)
    hours = {
        "never": {"time_zone": "Europe/Amsterdam"},
        "later": {"time_zone": "UTC", "special_days": {str(opens): ["09:00-17:00"]}},
    }
    move, question = ({**purpose} for purpose in SETTINGS["purposes"])  # type: ignore[attr-defined]
    purposes = [{**move, "opening_hours": "later"}, {**question, "opening_hours": "never"}]
    async with core_house({**SETTINGS, "purposes": purposes, "opening_hours": hours}, tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    "members",
    [
        {"auth_method": "digid", "comm_method": "chat"},
        {"auth_method": "digid"},
        {"auth_result": TOKEN, "comm_method": "phone"},
        {"auth_handle": HANDLE, "comm_method": "chat"},
        {"comm_method": "chat"},
    ],
)
@pytest.mark.parametrize("purpose", ["move", "question"])
async def test_nothing_starts_while_a_purpose_is_closed(closed: House, purpose: str, members: dict[str, str]) -> None:
    answer = await closed.start_by_json({"purpose": purpose, **members})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (409, "closed", "purpose")
    opens = datetime.now(UTC).date() + timedelta(days=3)
    assert (f"until {opens}T09:00:00+00:00" in answer.json()["message"]) is (purpose == "move")
    assert (closed.comm.asked, closed.auth.asked, closed.kept.begun) == ([], [], [])


async def test_who_is_talking_already_may_identify_though_the_purpose_is_closed(closed: House) -> None:
    assert (await start_by_signed_request(closed, signed())).status_code == 200
