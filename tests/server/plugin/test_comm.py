"""How a communication begins and is called off, and the settings of the kit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from comm_house import INTERNAL, PUBLIC, SUZANNE, CommHouse, Desk, auth_token, comm_settings, desk, open_comm_house
from idcontact.errors import SettingsError
from plugin_house import NOW, error_of, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def house() -> AsyncIterator[CommHouse]:
    async with open_comm_house(desk, {}) as opened:
        yield opened


# --- start_communication ---------------------------------------------------------------------------------------------


async def test_a_start_is_answered_with_a_page_and_where_the_result_is_to_come(house: CommHouse) -> None:
    started = await house.start()
    secret = "[A-Za-z0-9_-]{43}"
    assert re.fullmatch(rf"{PUBLIC}/session/{secret}", started.client_url)
    assert re.fullmatch(rf"{INTERNAL}/attr/{secret}\.{secret}", started.attr_url or "")
    assert re.fullmatch(rf"{INTERNAL}/cancel/{secret}\.{secret}", started.cancel_url or "")
    assert await house.see(started) == "report_move en awaited"


async def test_a_plugin_that_wants_results_in_the_address_names_no_attr_url() -> None:
    async with open_comm_house(desk, {"attr_url": False}) as by_address:
        assert (await by_address.start()).attr_url is None


async def test_a_result_in_the_start_leaves_nothing_to_come(house: CommHouse) -> None:
    started = await house.start(auth_result=auth_token(SUZANNE))
    assert (started.attr_url, started.cancel_url) == (None, None)
    assert await house.see(started) == f"report_move en given test low {int(NOW)} {SUZANNE}"


async def test_a_start_with_a_result_that_is_not_accepted_is_refused(house: CommHouse) -> None:
    message = {"purpose": "report_move", "auth_result": auth_token(SUZANNE, sign="nobodys")}
    assert error_of(await house.start_raw(message)) == (400, None)


def with_receipt(receipt: str, **members: object) -> dict[str, object]:
    context = {"auth": "given", "channel": "chat", "language": "en", "receipt": receipt}
    return {"purpose": "report_move", "context": context, **members}


async def test_a_result_that_the_core_verified_long_ago_is_taken_by_its_receipt_once(house: CommHouse) -> None:
    assert house.host.receipts is not None
    receipt = await house.host.receipts.keep(auth_token(SUZANNE), NOW)
    house.now[0] += 100
    receipt_of_old = await house.host.receipts.keep(auth_token(SUZANNE, at=NOW - 900), NOW - 890)
    started = await house.start(**with_receipt(receipt))
    assert await house.see(started) == f"report_move en given test low {int(NOW)} {SUZANNE}"
    old = await house.start(**with_receipt(receipt_of_old))
    assert f"given test low {int(NOW) - 900}" in await house.see(old)
    assert error_of(await house.start_raw(with_receipt(receipt))) == (400, "context.receipt")


async def test_a_result_that_the_core_used_may_be_brought_again_after_an_answer_that_was_lost(house: CommHouse) -> None:
    assert house.host.receipts is not None
    token = auth_token(SUZANNE)
    for _ in range(2):
        started = await house.start(**with_receipt(await house.host.receipts.keep(token, NOW)))
        assert "Suzanne Moulin" in await house.see(started)


async def test_a_receipt_that_is_not_known_or_comes_beside_a_token_is_refused(house: CommHouse) -> None:
    for message in (with_receipt("r" * 43), with_receipt("r" * 43, auth_result=auth_token(SUZANNE))):
        assert error_of(await house.start_raw(message)) == (400, "context.receipt")


async def test_members_that_are_not_known_are_ignored_and_null_is_absent(house: CommHouse) -> None:
    started = await house.start(auth_result=None, context=None, colour="blue")
    assert started.attr_url is not None


@pytest.mark.parametrize(
    ("message", "field"),
    [({}, "purpose"), ({"purpose": 7}, "purpose"), ({"purpose": "complaint"}, "purpose"), ([], None),
     ({"purpose": "x", "context": {"auth": "maybe"}}, "context.auth"),
     ({"purpose": "x", "context": {"auth": "none", "channel": "chat", "language": "nl", "return_url": "javascript:1"}},
      "context.return_url")],
)  # fmt: skip
async def test_a_start_that_is_not_one_is_refused_by_the_member_at_fault(
    house: CommHouse, message: object, field: str | None
) -> None:
    assert error_of(await house.start_raw(message)) == (400, field)


async def test_a_core_that_says_so_gets_the_persons_language_and_no_attr_url_where_nobody_identifies(
    house: CommHouse,
) -> None:
    context = {"auth": "none", "channel": "chat", "language": "nl"}
    started = await house.start(context=context)
    assert (started.attr_url, started.cancel_url) == (None, None)
    assert await house.see(started) == "report_move nl none"
    in_english = await house.browser.get(f"{started.client_url}?lang=en")
    assert in_english.text == "report_move en none"


# --- cancel_url ------------------------------------------------------------------------------------------------------


async def test_a_session_that_nobody_will_come_to_is_ended_by_the_core(house: CommHouse) -> None:
    started = await house.start()
    assert started.cancel_url is not None
    assert (await house.post(started.cancel_url)).status_code == 200
    assert (await house.browser.get(started.client_url)).status_code == 410
    assert (await house.post(started.cancel_url)).status_code == 200


async def test_a_session_is_not_cancelled_once_somebody_is_there_nor_by_who_may_deliver_to_it(
    house: CommHouse,
) -> None:
    started = await house.start()
    assert started.attr_url is not None
    assert started.cancel_url is not None
    await house.post(started.attr_url.replace("/attr/", "/cancel/"))
    await house.see(started)
    await house.post(started.cancel_url)
    assert "awaited" in await house.see(started)


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "mistake"),
    [({"tag": "test"}, "auth_methods[1].tag: is the tag of an earlier one too; each needs its own"),
     ({"verify_keys": [{"type": "EC", "key": key_pair("sign")[1]}]},
      "test, other: expected keys of their own, got the same key for both")],
)  # fmt: skip
async def test_two_methods_that_cannot_be_told_apart_are_refused(second: dict[str, object], mistake: str) -> None:
    methods = comm_settings()["auth_methods"]
    assert isinstance(methods, list)
    with pytest.raises(SettingsError) as caught:
        async with open_comm_house(desk, {"auth_methods": [methods[0], {**methods[1], **second}]}):
            pass
    assert caught.value.mistakes[0].endswith(mistake)


@pytest.mark.parametrize("lifetime", ["0 s", "59 s", 0])
async def test_a_lifetime_that_nobody_can_come_in_is_refused(lifetime: object) -> None:
    with pytest.raises(SettingsError) as caught:
        async with open_comm_house(desk, {"lifetime": lifetime}):
            pass
    assert caught.value.mistakes == [
        'plugins.comm_test.lifetime: expected a length of time of a minute or more, such as "1 h", got a shorter one'
    ]


async def test_a_lifetime_of_a_minute_is_one() -> None:
    async with open_comm_house(desk, {"lifetime": "1 min"}) as house:
        await house.see(await house.start())


async def test_a_method_that_the_settings_no_longer_have_is_called_by_its_tag(house: CommHouse) -> None:
    assert isinstance(house.plugin, Desk)
    assert house.plugin.method_name("test", "nl") == "Proefpersoon"
    assert house.plugin.method_name("gone", "nl") == "gone"


async def test_an_attribute_without_a_name_is_called_by_its_tag(house: CommHouse) -> None:
    assert isinstance(house.plugin, Desk)
    assert house.plugin.attribute_name("fullname", "nl") == "fullname"
