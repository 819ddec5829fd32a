from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from comm_house import INTERNAL, SESSION_URL, CommHouse, Started, auth_token, open_comm_house
from idcontact_comm_phone import create
from phone_house import CALL, SETTINGS, SUZANNE, dtmf_of, info, link, request, told_of
from plugin_house import error_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def house() -> AsyncIterator[CommHouse]:
    async with open_comm_house(create, SETTINGS) as opened:
        yield opened


# --- start_communication --------------------------------------------------------------------------------------------


async def test_a_start_is_answered_with_a_number_to_dial_and_where_the_result_is_to_come(house: CommHouse) -> None:
    started = await house.start()
    assert re.fullmatch(r"tel:0201234567,[0-9]{10}", started.client_url)
    assert re.fullmatch(rf"{INTERNAL}/session_result/[A-Za-z0-9_-]{{32}}", started.attr_url or "")


async def test_a_start_with_a_result_names_no_place_for_one(house: CommHouse) -> None:
    answer = await house.start_raw({"purpose": "report_move", "auth_result": auth_token(SUZANNE)})
    assert list(answer.json()) == ["client_url"]
    dtmf = answer.json()["client_url"].partition(",")[2]
    assert (await link(house, dtmf)).status_code == 200
    assert await told_of(house) == {
        "purpose": "report_move",
        "auth_result": {"status": "succes", "attributes": SUZANNE},
    }


async def test_a_start_with_a_result_that_is_not_accepted_is_refused(house: CommHouse) -> None:
    message = {"purpose": "report_move", "auth_result": auth_token(SUZANNE, sign="nobodys")}
    assert error_of(await house.start_raw(message)) == (400, None)


async def test_a_result_that_was_used_starts_nothing_more(house: CommHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    message = {"purpose": "report_move", "auth_result": auth_token(SUZANNE)}
    assert (await house.start_raw(message)).status_code == 200
    drawn = iter([42, 42])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(drawn))
    assert error_of(await house.start_raw(message)) == (400, None)
    started = await house.start(purpose="passport")
    assert dtmf_of(started) == "0000000042", "nobody has the digits of what was refused"
    await link(house, dtmf_of(started))
    assert (await told_of(house))["purpose"] == "passport"


async def test_whom_the_core_starts_without_identifying_has_no_result_to_wait_for(house: CommHouse) -> None:
    context = {"auth": "none", "channel": "chat", "language": "nl"}
    started = await house.start(context=context)
    assert started.attr_url is None
    assert started.cancel_url is None
    await link(house, dtmf_of(started))
    assert await told_of(house) == {"purpose": "report_move", "auth_result": None}


async def test_a_receipt_of_the_core_stands_for_the_result_it_received_however_long_ago(house: CommHouse) -> None:
    assert house.host.receipts is not None
    received_at, house.now[0] = house.now[0], house.now[0] + 3000
    receipt = await house.host.receipts.keep(auth_token(SUZANNE, at=received_at), received_at)
    context = {"auth": "given", "channel": "chat", "language": "nl", "receipt": receipt}
    started = await house.start(context=context)
    assert started.attr_url is None
    await link(house, dtmf_of(started))
    assert (await told_of(house))["auth_result"]["attributes"] == SUZANNE


async def test_a_receipt_that_is_not_known_is_refused_so_that_the_core_sends_the_result(house: CommHouse) -> None:
    context = {"auth": "given", "channel": "chat", "language": "nl", "receipt": "r" * 43}
    assert error_of(await house.start_raw({"purpose": "x", "context": context})) == (400, "context.receipt")


@pytest.mark.parametrize(
    ("message", "field"),
    [({}, "purpose"), ({"purpose": 7}, "purpose"), ({"purpose": ""}, "purpose"), ([], None)],
)
async def test_a_start_that_is_not_one_is_refused_by_the_member_at_fault(
    house: CommHouse, message: object, field: str | None
) -> None:
    assert error_of(await house.start_raw(message)) == (400, field)


async def test_members_that_are_not_known_are_ignored_and_null_is_absent(house: CommHouse) -> None:
    assert (await house.start(auth_result=None, context=None, colour="blue")).attr_url is not None


async def test_a_start_that_is_called_off_leads_nowhere(house: CommHouse) -> None:
    started = await house.start()
    assert started.cancel_url is not None
    assert [(await house.post(started.cancel_url)).status_code for _ in range(2)] == [200, 200]
    assert (await link(house, dtmf_of(started))).status_code == 404


# --- session_result -------------------------------------------------------------------------------------------------


async def test_a_result_that_is_delivered_is_told_of_the_call(house: CommHouse) -> None:
    started = await house.start()
    assert (await house.deliver(started, auth_token(SUZANNE), content_type="text/plain")).status_code == 200
    await link(house, dtmf_of(started))
    assert (await told_of(house))["auth_result"] == {"status": "succes", "attributes": SUZANNE}


async def test_a_result_may_come_while_they_are_talking(house: CommHouse) -> None:
    started = await house.start()
    await link(house, dtmf_of(started))
    assert await told_of(house) == {"purpose": "report_move", "auth_result": None}
    assert (await house.deliver(started, f"{auth_token(SUZANNE)}\n")).status_code == 200
    assert (await told_of(house))["auth_result"]["attributes"] == SUZANNE


async def test_a_bad_token_is_refused_before_anybody_asks_where_it_came(house: CommHouse) -> None:
    started = await house.start()
    for token in ("", "nonsense", auth_token(SUZANNE, sign="nobodys"), auth_token({"income": "1"})):
        assert (await house.deliver(started, token)).status_code == 400
        unknown = Started("", f"{INTERNAL}/session_result/{'x' * 32}", None)
        assert (await house.deliver(unknown, token)).status_code == 400
    assert (await house.deliver(started, auth_token(SUZANNE))).status_code == 200


async def test_a_token_that_is_too_large_is_refused(house: CommHouse) -> None:
    assert (await house.deliver(await house.start(), "x" * 8193)).status_code == 413


async def test_an_expired_token_is_a_bad_one(house: CommHouse) -> None:
    started, token = await house.start(), auth_token(SUZANNE)
    house.now[0] += 300
    assert (await house.deliver(started, token)).status_code == 400


async def test_a_code_that_is_not_known_is_not_found(house: CommHouse) -> None:
    for code in ("x" * 32, "", "a%20b", "%00"):
        unknown = Started("", f"{INTERNAL}/session_result/{code}", None)
        assert (await house.deliver(unknown, auth_token(SUZANNE))).status_code == 404


async def test_a_session_is_filled_once_and_the_same_result_again_is_fine(house: CommHouse) -> None:
    started, token = await house.start(), auth_token(SUZANNE)
    assert [(await house.deliver(started, token)).status_code for _ in range(2)] == [200, 200]
    assert (await house.deliver(started, auth_token({"fullname": "Eve"}))).status_code == 404
    await link(house, dtmf_of(started))
    assert (await told_of(house))["auth_result"]["attributes"] == SUZANNE


async def test_a_result_that_another_session_used_is_refused(house: CommHouse) -> None:
    one, other, token = await house.start(), await house.start(), auth_token(SUZANNE)
    assert (await house.deliver(one, token)).status_code == 200
    assert (await house.deliver(other, token)).status_code == 400


# --- session_info ---------------------------------------------------------------------------------------------------


async def test_who_waits_longer_than_a_token_lives_keeps_their_identity(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token(SUZANNE))
    house.now[0] += 6 * 60
    await link(house, dtmf_of(started))
    house.now[0] += 50 * 60
    assert (await told_of(house))["auth_result"] == {"status": "succes", "attributes": SUZANNE}


@pytest.mark.parametrize(("dialect", "spelled"), [("id-contact", "succes"), ("verder-helpen", "success")])
async def test_a_success_is_spelled_as_the_dialect_does(dialect: str, spelled: str) -> None:
    async with open_comm_house(create, {**SETTINGS, "dialect": dialect}) as house:
        one, other = await house.start(), await house.start()
        await house.deliver(one, auth_token({}, session_url=SESSION_URL))
        await house.deliver(other, auth_token(None))
        await link(house, dtmf_of(one), "one")
        await link(house, dtmf_of(other), "other")
        told = {"status": spelled, "attributes": {}, "session_url": SESSION_URL}
        assert (await told_of(house, "one"))["auth_result"] == told
        assert (await told_of(house, "other"))["auth_result"] == {"status": "failed"}


@pytest.mark.parametrize("call", ["+31612345678", "call 7", "a/b/c", "%", "é", "x" * 500])
async def test_a_call_is_found_by_whatever_the_platform_calls_it(house: CommHouse, call: str) -> None:
    started = await house.start()
    assert (await link(house, dtmf_of(started), call)).status_code == 200
    escaped = "".join(f"%{byte:02X}" for byte in call.encode())
    assert (await told_of(house, escaped))["purpose"] == "report_move"


async def test_a_call_that_is_not_tied_is_not_found(house: CommHouse) -> None:
    started = await house.start()
    assert (await info(house, "")).status_code == 404
    for call in (CALL, dtmf_of(started), (started.attr_url or "").rpartition("/")[2]):
        assert error_of(await info(house, call)) == (404, None)


async def test_what_is_told_is_kept_by_no_cache(house: CommHouse) -> None:
    started = await house.start()
    await link(house, dtmf_of(started))
    answer = await info(house)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


# --- link_phone -----------------------------------------------------------------------------------------------------


async def test_a_call_is_tied_once(house: CommHouse) -> None:
    started = await house.start()
    tied = await link(house, dtmf_of(started))
    assert (tied.status_code, tied.content) == (200, b"")
    for call in (CALL, "another"):
        assert (await link(house, dtmf_of(started), call)).status_code == 404
    assert (await info(house, "another")).status_code == 404


async def test_a_call_is_tied_to_one_session_only(house: CommHouse) -> None:
    one, other = await house.start(), await house.start(purpose="passport")
    await link(house, dtmf_of(one))
    assert (await link(house, dtmf_of(other))).status_code == 404
    assert (await told_of(house))["purpose"] == "report_move"
    assert (await link(house, dtmf_of(other), "its own")).status_code == 200


@pytest.mark.parametrize("dtmf", ["", "1", "12345678901", "abcdefghij", "\N{ARABIC-INDIC DIGIT ONE}" * 10])
async def test_digits_that_nobody_has_are_not_found(house: CommHouse, dtmf: str) -> None:
    await house.start()
    assert error_of(await link(house, dtmf)) == (404, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [(b"", None), (b"{", None), ({}, "dtmf"), ({"dtmf": 1234567890, "sessionid": CALL}, "dtmf"),
     ({"dtmf": "1234567890"}, "sessionid"), ({"dtmf": "1234567890", "sessionid": ""}, "sessionid"),
     ({"dtmf": "1234567890", "sessionid": "x" * 501}, "sessionid"), ({"dtmf": "1" * 101, "sessionid": "x"}, "dtmf")],
)  # fmt: skip
async def test_what_is_no_tie_is_a_bad_request_that_names_the_member(
    house: CommHouse, body: object, field: str | None
) -> None:
    assert error_of(await request(house, "POST", "/link_phone", body)) == (400, field)


async def test_members_of_a_tie_that_are_not_known_are_ignored_and_its_media_type_too(house: CommHouse) -> None:
    body = {"dtmf": dtmf_of(await house.start()), "sessionid": CALL, "queue": "sales"}
    answer = await request(house, "POST", "/link_phone", body, **{"Content-Type": "text/plain"})
    assert answer.status_code == 200


# --- idle -----------------------------------------------------------------------------------------------------------


async def test_what_is_idle_for_an_hour_is_removed_and_what_is_made_of_it_counts(house: CommHouse) -> None:
    started = await house.start()
    house.now[0] += 3599
    await house.deliver(started, auth_token(SUZANNE, at=house.now[0]))
    house.now[0] += 3599
    await link(house, dtmf_of(started))
    house.now[0] += 3599
    assert (await info(house)).status_code == 200
    house.now[0] += 1
    assert (await info(house)).status_code == 404
    assert (await link(house, dtmf_of(started), "later")).status_code == 404


async def test_how_long_that_is_stands_in_the_settings() -> None:
    async with open_comm_house(create, {**SETTINGS, "idle": "10 min"}) as house:
        started = await house.start()
        house.now[0] += 600
        assert (await link(house, dtmf_of(started))).status_code == 404


async def test_to_clean_the_database_is_answered_and_removes_nothing(house: CommHouse) -> None:
    started = await house.start()
    cleaned = await request(house, "GET", "/clean_db")
    assert (cleaned.status_code, cleaned.content) == (200, b"")
    assert (await link(house, dtmf_of(started))).status_code == 200


# --- what is written down -------------------------------------------------------------------------------------------


async def test_no_log_and_no_error_holds_a_code_a_value_or_a_token(
    house: CommHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    started, token = await house.start(), auth_token(SUZANNE, session_url=SESSION_URL)
    code = (started.attr_url or "").rpartition("/")[2]
    answers = [
        await house.deliver(started, token),
        await house.deliver(started, auth_token({"fullname": "Eve"})),
        await link(house, "4455667788"),
        await link(house, dtmf_of(started)),
        await link(house, dtmf_of(started), "another"),
        await info(house, "unknown-call"),
    ]
    written = "\n".join([*(record.getMessage() for record in caplog.records if record.name.startswith("idcontact")),
                         *(answer.text for answer in answers)])  # fmt: skip
    assert "no session for this call" in written
    for secret in (token, "Suzanne", "Eve", SESSION_URL, code, dtmf_of(started), "4455667788", CALL, "unknown-call"):
        assert secret not in written
