"""Identify first, choose afterwards: the result is verified once, kept sealed, bound to a browser, passed on once."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import Response

from idcontact.browser import browser_digest
from idcontact.core.choosing import PATIENCE
from idcontact.core.split import LIFETIME
from idcontact.tokens import ResultStatus
from split_house import ATTRIBUTES, IDENTIFY_FIRST, INTERNAL, House, forms_of, split_house, ways_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis


@pytest.fixture
async def house(redis: Redis, tmp_path: Path) -> AsyncIterator[House]:
    async with split_house(redis, tmp_path) as opened:
        yield opened


def failed(house: House) -> str:
    return house.token(status=ResultStatus.FAILED)


# --- the first start ------------------------------------------------------------------------------------------------


async def test_who_identifies_first_comes_back_to_the_core_and_so_does_the_result(house: House) -> None:
    begun = await house.begin()
    assert re.fullmatch(r"/choose/[A-Za-z0-9_-]{43}", begun.path)
    assert re.fullmatch(rf"{INTERNAL}/result/{begun.handle}\.[A-Za-z0-9_-]{{43}}", begun.attr_url or "")
    assert house.auth.asked[0]["attributes"] == ["fullname", "city"]


async def test_a_plugin_elsewhere_that_cannot_reach_the_core_brings_the_result_along(house: House) -> None:
    assert (await house.begin(auth_method="far")).attr_url is None


async def test_a_plugin_elsewhere_that_can_reach_the_core_delivers(redis: Redis, tmp_path: Path) -> None:
    async with split_house(redis, tmp_path, reachable=True) as house:
        assert (await house.begin(auth_method="far")).attr_url is not None


async def test_a_plugin_that_cannot_deliver_brings_the_result_straight_to_the_choice(house: House) -> None:
    begun = await house.begin(auth_method="unable")
    assert (begun.path[:8], begun.attr_url) == ("/choose/", None)


@pytest.mark.parametrize("method", ["digid", "unread"])
async def test_without_a_key_to_read_its_results_a_method_cannot_come_first(
    redis: Redis, tmp_path: Path, method: str
) -> None:
    async with split_house(redis, tmp_path, reads=method == "unread") as house:
        fields = {**IDENTIFY_FIRST, "auth_method": method}
        answer = await house.browser.post("/start", data=fields, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "comm_method")
        assert house.auth.asked == []


async def test_nobody_identifies_first_where_there_is_nothing_to_choose_afterwards(
    redis: Redis, tmp_path: Path
) -> None:
    purposes = [{"tag": "move", "attributes": ["fullname"], "allowed_auth": ["*"], "allowed_comm": []}]
    async with split_house(redis, tmp_path, purposes=purposes) as house:
        answer = await house.browser.post("/start", data=IDENTIFY_FIRST, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "comm_method")
        assert house.auth.asked == []


# --- the result -----------------------------------------------------------------------------------------------------


async def test_a_result_is_taken_and_the_same_one_again_is_fine(house: House) -> None:
    begun, token = await house.begin(), house.token()
    assert [await house.deliver(begun.attr_url, token) for _ in range(2)] == [200, 200]
    assert await house.deliver(begun.attr_url, house.token()) == 404, "another one is not expected any more"


async def test_a_bad_token_is_refused_before_anything_is_looked_up(house: House) -> None:
    begun = await house.begin()
    for place in (begun.attr_url, f"{INTERNAL}/result/nowhere"):
        assert await house.deliver(place, "x.y.z.a.b") == 400
    assert await house.deliver(f"{INTERNAL}/result/nowhere", house.token()) == 404
    wrong_secret = f"{INTERNAL}/result/{begun.handle}.{'A' * 43}"
    assert await house.deliver(wrong_secret, house.token()) == 404
    assert await house.deliver(begun.attr_url, house.token()) == 200, "nothing of that has spoiled it"


async def test_a_result_serves_one_choice(house: House) -> None:
    one, two, token = await house.begin(), await house.begin(), house.token()
    assert await house.deliver(one.attr_url, token) == 200
    assert await house.deliver(two.attr_url, token) == 400


async def test_a_result_of_a_method_that_the_purpose_does_not_allow_is_refused(house: House) -> None:
    begun = await house.begin(purpose="permit", auth_method="far")
    refused = await house.browser.get(begun.with_result(house.token(sign="digid")))
    assert refused.status_code == 400
    allowed = await house.browser.get(begun.with_result(house.token(sign="far", fullname="S")))
    assert allowed.status_code == 303


async def test_a_result_with_attributes_that_its_method_may_not_give_is_refused(house: House) -> None:
    begun = await house.begin()
    assert await house.deliver(begun.attr_url, house.token(bsn="999990019")) == 400


async def test_of_results_that_come_together_one_is_taken_however_often_it_comes(house: House) -> None:
    begun, tokens = await house.begin(), [house.token() for _ in range(3)]
    statuses = await asyncio.gather(*(house.deliver(begun.attr_url, token) for token in tokens * 3))
    taken = statuses.index(200) % 3
    assert statuses == [200 if number == taken else 404 for number in range(3)] * 3


async def test_an_expired_token_is_refused(house: House) -> None:
    begun, token = await house.begin(), house.token()
    house.now[0] += 300
    assert await house.deliver(begun.attr_url, token) == 400


# --- the page -------------------------------------------------------------------------------------------------------


async def test_who_has_identified_is_offered_the_ways_to_talk_in_the_language_they_began_in(house: House) -> None:
    begun = await house.identified(return_url="https://www.example.org/move")
    page = await house.page(begun)
    assert "How do you want to contact us?" in page
    assert ways_on(page) == ["chat", "phone"]
    [form] = forms_of(page)
    assert form == {
        "purpose": "move",
        "lang": "en",
        "return_url": "https://www.example.org/move",
        "auth_handle": begun.handle,
        "comm_method": "chat",
    }
    assert "Gelukt: u heeft laten zien wie u bent" in await house.page(begun, lang="nl")
    assert all(value not in page for value in ATTRIBUTES.values())


async def test_the_page_opens_in_the_browser_that_began_and_in_no_other(house: House) -> None:
    begun = await house.identified()
    async with house.another_browser() as other:
        for address in (begun.path, begun.with_result(house.token())):
            answer = await other.get(address)
            assert answer.status_code == 401
            assert "belongs to another browser" in answer.text
            assert begun.handle not in answer.text
    assert "How do you want" in await house.page(begun)


async def test_a_handle_that_never_was_is_gone(house: House) -> None:
    for handle in ("A" * 43, "x", "%00", "é"):
        assert (await house.browser.get(f"/choose/{handle}")).status_code == 410


async def test_the_page_is_kept_and_passed_on_by_nobody(house: House) -> None:
    answer = await house.browser.get((await house.identified()).path)
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def test_a_result_that_comes_a_moment_after_the_person_is_waited_for(house: House) -> None:
    begun = await house.begin()

    async def nothing_yet() -> None:
        assert house.comm.asked == []

    async def arrives() -> None:
        assert await house.deliver(begun.attr_url, house.token()) == 200

    house.waits += [nothing_yet, arrives]
    assert "How do you want to contact us?" in await house.page(begun)


async def test_a_page_that_waits_comes_back_by_itself_until_it_has_waited_long_enough(house: House) -> None:
    begun = await house.begin()
    waiting = await house.browser.get(begun.path)
    assert "One moment" in waiting.text
    assert waiting.headers["refresh"] == "3"
    house.now[0] += PATIENCE + 1
    late = await house.browser.get(begun.path)
    assert "We do not know yet who you are" in late.text
    assert "refresh" not in late.headers
    assert forms_of(late.text) == [{"purpose": "move", "lang": "en", "auth_method": "digid"}]
    assert await house.deliver(begun.attr_url, house.token()) == 200, "a late one is still welcome"
    assert "How do you want" in await house.page(begun)


async def test_who_did_not_identify_may_try_again_and_hears_that_nothing_was_shared(house: House) -> None:
    begun = await house.begin()
    assert await house.deliver(begun.attr_url, failed(house)) == 200
    page = await house.page(begun)
    assert "Nothing about you has been shared" in page
    [form] = forms_of(page)
    assert form == {"purpose": "move", "lang": "en", "auth_method": "digid"}
    again = await house.browser.post("/start", data=form)
    assert again.status_code == 303
    assert house.auth.asked[-1]["continuation"] != house.auth.asked[0]["continuation"]


async def test_who_did_not_identify_may_go_on_unverified_where_the_purpose_allows_it(house: House) -> None:
    begun = await house.begin(purpose="permit", auth_method="far")
    answer = await house.browser.get(begun.with_result(house.token(sign="far", status=ResultStatus.FAILED)))
    assert answer.status_code == 303
    retry, unverified = forms_of(await house.page(begun))
    assert retry["auth_method"] == "far"
    assert unverified == {"purpose": "permit", "lang": "en", "comm_method": "chat"}
    assert (await house.browser.post("/start", data=unverified)).headers["location"].endswith("/land/1")
    assert house.comm.asked[-1]["context"]["auth"] == "none"


async def test_a_result_in_the_address_is_taken_and_leaves_it_at_once(house: House) -> None:
    begun = await house.begin(auth_method="far")
    address = begun.with_result(house.token(sign="far"))
    for _ in range(2):
        answer = await house.browser.get(address)
        assert (answer.status_code, answer.headers["location"], answer.text) == (303, begun.path, "")
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "How do you want to contact us?" in await house.page(begun)


@pytest.mark.parametrize("result", ["", "not-a-token-7f3a", "a.b.c.d.e", "a.b.c.d.e&result=f.g.h.i.j"])
async def test_a_result_in_the_address_that_is_none_is_a_page_with_a_way_back(house: House, result: str) -> None:
    begun = await house.begin(auth_method="far")
    answer = await house.browser.get(begun.with_result(result))
    assert answer.status_code == 400
    assert "Your details could not be checked" in answer.text
    assert 'href="/contact/move?lang=en"' in answer.text
    assert begun.handle not in answer.text
    assert (await house.browser.get(begun.with_result(house.token(sign="far")))).status_code == 303


# --- the second start -----------------------------------------------------------------------------------------------


async def test_a_plugin_of_ours_gets_a_receipt_however_long_the_person_thought(house: House) -> None:
    begun, token = await house.begin(), house.token()
    received_at = house.now[0]
    assert await house.deliver(begun.attr_url, token) == 200
    house.now[0] += 20 * 60
    answer = await house.choose(begun)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://core.example.org/land/1")
    context = house.comm.asked[0]["context"]
    assert (context["auth"], context["method"], "auth_result" in house.comm.asked[0]) == ("given", "digid", False)
    receipt = await house.receipts.redeem(context["receipt"])
    assert receipt is not None
    assert (receipt.token, receipt.received_at) == (token, received_at)
    assert await house.receipts.redeem(context["receipt"]) is None, "once"


async def test_a_plugin_of_others_gets_the_token_as_it_was_while_it_is_valid(house: House) -> None:
    begun, token = await house.begin(), house.token()
    await house.deliver(begun.attr_url, token)
    house.now[0] += 200
    answer = await house.choose(begun, "phone")
    assert answer.headers["location"].startswith("https://core.example.org/tel/"), "a number is shown on our page"
    assert house.phone.asked == [{"purpose": "move", "auth_result": token}]


async def test_for_a_plugin_of_others_one_identifies_once_more_when_the_token_has_expired(house: House) -> None:
    begun = await house.identified()
    house.now[0] += 290
    chosen, again = forms_of(await house.page(begun))
    assert (chosen["comm_method"], chosen["auth_handle"]) == ("chat", begun.handle)
    assert again == {"purpose": "move", "lang": "en", "auth_method": "digid", "comm_method": "phone"}
    refused = await house.choose(begun, "phone")
    assert refused.status_code == 410
    assert 'href="/contact/move?' in refused.text
    assert "comm_method=phone" in refused.text
    assert house.phone.asked == []
    assert (await house.choose(begun, "chat")).status_code == 303, "it was given back"


async def test_who_presses_twice_starts_once_and_is_led_there_whichever_answer_they_see(house: House) -> None:
    begun = await house.identified()
    house.comm.free.clear()

    async def answers() -> None:
        house.comm.free.set()

    house.waits += [answers]
    pressed = await asyncio.gather(*(house.choose(begun) for _ in range(6)))
    assert {(one.status_code, one.headers["location"]) for one in pressed} == {(303, "https://core.example.org/land/1")}
    assert len(house.comm.asked) == 1


async def test_who_goes_back_is_led_to_what_they_chose_and_to_nothing_else(house: House) -> None:
    begun = await house.identified()
    assert [(await house.choose(begun)).status_code for _ in range(2)] == [303, 303]
    assert (await house.choose(begun, "phone")).status_code == 410
    assert (len(house.comm.asked), house.phone.asked) == (1, [])
    page = await house.browser.get(begun.path)
    assert page.status_code == 410
    assert 'href="/contact/move?lang=en"' in page.text


async def test_a_start_that_nobody_ends_is_not_waited_for_for_ever(house: House) -> None:
    begun = await house.identified()
    house.comm.free.clear()
    pressed = {asyncio.create_task(house.choose(begun)) for _ in range(2)}
    [first], [other] = await asyncio.wait(pressed, return_when=asyncio.FIRST_COMPLETED)
    assert first.result().status_code == 410
    house.comm.free.set()
    assert (await other).status_code == 303


async def test_the_browser_that_identified_is_the_one_that_is_recognised_where_they_talk(house: House) -> None:
    begun = await house.identified()
    [cookie] = [value for name, value in house.browser.cookies.items() if "browser" in name]
    await house.choose(begun)
    assert house.comm.asked[0]["context"]["browser"] == browser_digest(cookie)


async def test_when_the_plugin_fails_the_person_may_choose_again(house: House) -> None:
    begun, working = await house.identified(), house.comm.answer
    house.comm.answer = lambda: Response(status_code=500)
    failure = await house.choose(begun, lang="en")
    assert failure.status_code == 502
    assert f'href="{begun.path}?lang=en"' in failure.text, "nobody identifies again for that"
    assert ways_on(await house.page(begun)) == ["chat", "phone"]
    house.comm.answer = working
    assert (await house.choose(begun)).status_code == 303


async def test_nobody_else_passes_it_on(house: House) -> None:
    begun = await house.identified()
    async with house.another_browser() as other:
        assert (await house.choose(begun, browser=other)).status_code == 401
        message = {"purpose": "move", "comm_method": "chat", "auth_handle": begun.handle}
        program = await other.post("/start", json=message, headers={"Accept": "application/json"})
        assert (program.status_code, program.json()["error"]["code"]) == (401, "other_browser")
    assert house.comm.asked == []
    assert (await house.choose(begun)).status_code == 303


async def test_there_is_nothing_to_pass_on_before_a_result_came_and_after_a_failed_one(house: House) -> None:
    begun = await house.begin()
    assert (await house.choose(begun)).status_code == 409
    await house.deliver(begun.attr_url, failed(house))
    assert (await house.choose(begun)).status_code == 409
    assert house.comm.asked == []


async def test_it_serves_the_purpose_that_it_was_given_for(house: House) -> None:
    begun = await house.identified()
    assert (await house.choose(begun, purpose="permit")).status_code == 400
    assert (await house.choose(begun)).status_code == 303


async def test_half_an_hour_later_nothing_of_it_is_left(house: House, redis: Redis) -> None:
    begun = await house.identified()
    keys = [key async for key in redis.scan_iter(match="idc:*record:core:*")]
    [lives] = [await redis.pttl(key) for key in keys]
    assert 0 < lives <= LIFETIME * 1000
    await redis.delete(*keys)
    assert (await house.browser.get(begun.path)).status_code == 410
    assert (await house.choose(begun)).status_code == 410


# --- at rest --------------------------------------------------------------------------------------------------------


async def test_nothing_that_is_kept_or_logged_can_be_read(
    house: House, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    begun, token = await house.begin(), house.token()
    await house.deliver(begun.attr_url, token)
    await house.page(begun)
    [cookie] = [value for name, value in house.browser.cookies.items() if "browser" in name]
    await house.choose(begun)
    phone = await house.begin()
    await house.deliver(phone.attr_url, house.token())
    dialled = (await house.choose(phone, "phone")).headers["location"]
    secrets = {
        "handle": begun.handle,
        "secret": (begun.attr_url or "").rpartition(".")[2],
        "token": token[:80],
        "end of the token": token[-60:],
        "cookie": cookie,
        "receipt": house.comm.asked[0]["context"]["receipt"],
        "telephone number": "0201234567",
        "telephone code": "1234567890",
        "page of the number": dialled.rpartition("/")[2],
        **ATTRIBUTES,
    }
    kept = b"\n".join([await _whole(redis, key) async for key in redis.scan_iter(count=1000)])
    assert kept.count(b":record:core") >= 3
    assert [name for name, secret in secrets.items() if secret.encode() in kept] == []
    # The client of this test logs its own addresses; the product's loggers are the ones that may not.
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("idcontact"))
    assert said
    assert [name for name, secret in secrets.items() if secret in said] == []


async def _whole(redis: Any, key: bytes) -> bytes:
    """A key with all that it holds."""
    match await redis.type(key):
        case b"hash":
            return key + b" " + b" ".join(part for pair in (await redis.hgetall(key)).items() for part in pair)
        case b"zset":
            return key + b" " + b" ".join(await redis.zrange(key, 0, -1))
        case _:
            return key + b" " + bytes(await redis.get(key) or b"")
