from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from idcontact.errors import BadRequest, SettingsError
from idcontact.plugin import AuthPlugin, AuthSession, AuthSettings, PluginHost
from idcontact.tokens import ResultStatus
from plugin_house import (
    AS_PERSON,
    ATTR_URL,
    CONTINUATION,
    NOW,
    PUBLIC,
    House,
    error_of,
    key_pair,
    open_house,
)
from searching import examples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

KNOWN = {"name": "Willeke", "bsn": "999990019", "long": "x" * 40_000}


class Clerk(AuthPlugin):
    """A plugin as an author writes one: it knows everybody as Willeke."""

    async def check(self, attributes: Sequence[str]) -> None:
        if "income" in attributes:
            raise BadRequest("is not known here", field="attributes")

    async def show(self, request: Request, session: AuthSession) -> Response:
        return PlainTextResponse(",".join(session.attributes))

    async def act(self, request: Request, session: AuthSession, fields: Mapping[str, str]) -> Response:
        if fields["choice"] == "yes":
            return await self.finish(session, KNOWN, acr="high")
        return await self.fail(session)

    def more_routes(self) -> Sequence[BaseRoute]:
        return [Route("/remember/{session}", self._remember, methods=["GET"])]

    async def _remember(self, request: Request) -> Response:
        session = await self.session_of(request, request.path_params["session"])
        before = session.own
        assert await self.keep(session, b"remembered") is not None
        assert await self.keep(session, b"late") is None
        return PlainTextResponse(before)


def clerk(host: PluginHost, settings: Mapping[str, object]) -> Clerk:
    return Clerk(host, host.read_settings(settings, AuthSettings))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(clerk, {}) as opened:
        yield opened


# --- start_authentication -------------------------------------------------------------------------------------------


async def test_a_start_is_answered_with_a_page_of_the_plugin(house: House) -> None:
    url = await house.start("name")
    assert re.fullmatch(rf"{re.escape(PUBLIC)}/session/[A-Za-z0-9_-]{{43}}", url)
    assert (await house.browser.get(url)).text == "name"


async def test_an_attribute_that_cannot_be_given_is_a_bad_request(house: House) -> None:
    message = {"attributes": ["name", "income"], "continuation": CONTINUATION}
    assert error_of(await house.start_raw(message)) == (400, "attributes")


@pytest.mark.parametrize("member", ["continuation", "attr_url"])
@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x", "javascript:alert(1)", "http://core.example.org/", "https://core.example.org:8443/x",
     "https://core.example.org@evil.example/", "https://core.example.org.evil.example/", "//core.example.org/x",
     "tel:1", "https://core.example.org\\@evil.example/", "data:text/html,x", "/land", "http://169.254.169.254/latest/",
     "http://core.internal/attr", "file:///etc/passwd"],
)  # fmt: skip
async def test_nobody_is_sent_and_nothing_delivered_to_where_it_is_not_allowed(
    house: House, member: str, url: str
) -> None:
    message = {"attributes": list[str](), "continuation": CONTINUATION, "attr_url": ATTR_URL, member: url}
    assert error_of(await house.start_raw(message)) == (400, member)


async def test_an_origin_of_the_settings_is_allowed_beside_our_own() -> None:
    async with open_house(clerk, {"allowed_origins": ["https://video.example.com"]}) as house:
        await house.start(continuation="https://video.example.com/room?x=1")
        await house.start()


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"attributes": [], "continuation": ""}, "continuation"),
        ({"attributes": []}, "continuation"),
        ({"continuation": CONTINUATION}, "attributes"),
        ({"attributes": [1], "continuation": CONTINUATION}, "attributes[0]"),
        ({"attributes": [], "continuation": f"{CONTINUATION}#end"}, "continuation"),
        ([], None),
    ],
)
async def test_a_start_that_makes_no_sense_names_what_is_wrong(house: House, message: object, field: str) -> None:
    assert error_of(await house.start_raw(message)) == (400, field)


async def test_a_start_over_the_limit_is_too_large(house: House) -> None:
    message = {"attributes": ["x" * 9000], "continuation": CONTINUATION}
    assert (await house.start_raw(message)).status_code == 413


async def test_a_null_attr_url_means_none_and_the_public_door_does_not_start(house: House) -> None:
    message: dict[str, object] = {"attributes": [], "continuation": CONTINUATION, "attr_url": None, "unknown": {}}
    assert (await house.start_raw(message)).status_code == 200
    answer = await house.browser.post(f"{PUBLIC}/start_authentication", json=message)
    assert answer.status_code == 404


# --- one browser ----------------------------------------------------------------------------------------------------


async def test_the_cookie_of_a_session_is_for_this_host_and_session_only(house: House) -> None:
    cookie = (await house.browser.get(await house.start())).headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-idc-auth-[0-9a-f]{16}=[A-Za-z0-9_-]{43}; HttpOnly; Max-Age=900; Path=/; SameSite=lax; Secure", cookie
    )


async def test_two_sessions_go_on_side_by_side_in_one_browser(house: House) -> None:
    one, other = await house.start("name"), await house.start("bsn")
    await house.browser.get(one)
    await house.browser.get(other)
    await house.press(one, "yes")
    await house.press(other, "yes")
    assert [house.read(token).result.attributes for token in house.receiver.tokens] == [
        {"name": "Willeke"},
        {"bsn": "999990019"},
    ]


async def test_a_session_belongs_to_the_first_browser_and_another_one_gets_a_readable_page(house: House) -> None:
    url = await house.start("name")
    await house.browser.get(url)
    async with house.another_browser() as other:
        answer = await other.get(url, headers=AS_PERSON)
        assert answer.status_code == 410
        assert "Go back to the website that you came from and start again" in answer.text
        assert "<html" in answer.text
        assert (await house.press(url, "yes", browser=other)).status_code == 403
    assert (await house.browser.get(url)).text == "name"
    assert house.receiver.tokens == []


async def test_of_two_browsers_that_open_a_session_at_once_one_has_it(house: House) -> None:
    url = await house.start()
    async with house.another_browser() as one, house.another_browser() as other:
        answers = await asyncio.gather(one.get(url), other.get(url))
        assert sorted(answer.status_code for answer in answers) == [200, 410]
        pressed = await asyncio.gather(house.press(url, "yes", browser=one), house.press(url, "no", browser=other))
        assert sorted(answer.status_code for answer in pressed) == [303, 403]
    assert len(house.receiver.tokens) == 1


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}])
async def test_a_browser_that_only_looks_ahead_does_not_take_the_session(house: House, headers: dict[str, str]) -> None:
    url = await house.start("name")
    async with house.another_browser() as other:
        assert (await other.get(url, headers=headers)).status_code == 503
        assert (await other.head(url)).status_code == 503
    assert (await house.browser.get(url)).text == "name"


async def test_a_cookie_of_another_session_is_none(house: House) -> None:
    url, other = await house.start(), await house.start()
    await house.browser.get(url)
    assert (await house.press(other, "yes")).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}],
)
async def test_a_form_of_another_site_is_refused(house: House, headers: dict[str, str]) -> None:
    url = await house.start()
    await house.browser.get(url)
    assert (await house.press(url, "yes", headers=headers)).status_code == 403
    assert house.receiver.tokens == []


async def test_after_fifteen_minutes_a_person_is_told_to_start_again(house: House) -> None:
    url = await house.start()
    await house.browser.get(url)
    house.now[0] += 15 * 60
    for answer in (await house.browser.get(url, headers=AS_PERSON), await house.press(url, "yes")):
        assert answer.status_code == 410
        assert "has expired" in answer.text
        assert "<html" in answer.text
    assert house.receiver.tokens == []


@settings(max_examples=examples(30))
@given(session=st.text(st.characters(exclude_characters="/?#%\\", exclude_categories=["Cs", "Cc"]), min_size=1))
async def test_a_session_that_never_was_is_gone(session: str) -> None:
    async with open_house(clerk, {}) as house:
        assert (await house.browser.get(f"{PUBLIC}/session/{session}")).status_code in (404, 410)


# --- the result -----------------------------------------------------------------------------------------------------


async def finished(house: House, choice: str, *attributes: str, **changes: str | None) -> str:
    """Where the browser is sent after this choice."""
    url = await house.start(*attributes, **changes)
    await house.browser.get(url)
    answer = await house.press(url, choice)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_a_result_is_delivered_to_attr_url_before_the_browser_goes_on(house: House) -> None:
    assert await finished(house, "yes", "bsn", "name") == CONTINUATION
    [token] = house.receiver.tokens
    read = house.read(token)
    assert (read.method, read.result.status, read.issued_at) == ("auth_test", ResultStatus.SUCCESS, int(NOW))
    assert read.result.attributes == {"bsn": "999990019", "name": "Willeke"}
    assert (read.result.acr, read.result.auth_time) == ("high", int(NOW))


async def test_only_what_was_asked_is_passed_on(house: House) -> None:
    await finished(house, "yes", "name")
    assert house.read(house.receiver.tokens[0]).result.attributes == {"name": "Willeke"}


async def test_without_attr_url_the_result_is_in_the_query_of_the_continuation(house: House) -> None:
    location = await finished(house, "yes", "name", attr_url=None, continuation=f"{CONTINUATION}?a=b")
    before, _, token = location.partition("&result=")
    assert before == f"{CONTINUATION}?a=b"
    assert house.read(token).result.attributes == {"name": "Willeke"}
    assert house.receiver.tokens == []


async def test_a_refusal_is_delivered_as_failed_in_both_ways(house: House) -> None:
    assert await finished(house, "no", "name") == CONTINUATION
    location = await finished(house, "no", "name", attr_url=None)
    for token in (house.receiver.tokens[0], location.partition("?result=")[2]):
        read = house.read(token)
        assert (read.result.status, read.result.attributes) == (ResultStatus.FAILED, None)


async def test_the_page_of_the_redirect_tells_nobody_where_it_came_from(house: House) -> None:
    url = await house.start()
    await house.browser.get(url)
    assert (await house.press(url, "yes")).headers["referrer-policy"] == "no-referrer"


async def test_a_second_press_delivers_the_same_result_again_whatever_it_says(house: House) -> None:
    url = await house.start("name")
    await house.browser.get(url)
    for choice in ("yes", "yes", "no"):
        assert (await house.press(url, choice)).headers["location"] == CONTINUATION
    answer = await house.browser.get(url)
    assert (answer.status_code, answer.headers["location"]) == (303, CONTINUATION)
    assert len(house.receiver.tokens) == 4
    assert len(set(house.receiver.tokens)) == 1


async def test_two_presses_at_once_make_one_result(house: House) -> None:
    url = await house.start("name")
    await house.browser.get(url)
    answers = await asyncio.gather(*(house.press(url, choice) for choice in ("yes", "no", "yes")))
    assert {answer.headers["location"] for answer in answers} == {CONTINUATION}
    assert len(set(house.receiver.tokens)) == 1


async def test_an_unclear_answer_is_followed_by_the_same_token_and_the_browser_goes_on(house: House) -> None:
    house.receiver.statuses = [500, None, 503]
    assert await finished(house, "yes", "name") == CONTINUATION
    assert len(house.receiver.tokens) == 3
    assert len(set(house.receiver.tokens)) == 1
    assert house.waited == [0.2, 1.0]


async def test_a_refused_delivery_sends_the_browser_on_too(house: House) -> None:
    house.receiver.statuses = [404]
    assert await finished(house, "yes", "name") == CONTINUATION
    assert len(house.receiver.tokens) == 1


async def test_a_result_that_cannot_be_written_is_delivered_as_failed(house: House) -> None:
    await finished(house, "yes", "long")
    assert house.read(house.receiver.tokens[0]).result.status is ResultStatus.FAILED


async def test_no_attribute_token_or_session_reaches_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.receiver.statuses = [500, 500, 500]
    with caplog.at_level(logging.DEBUG, logger="idcontact"):
        url = await house.start("bsn")
        await house.browser.get(url)
        await house.press(url, "yes")
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("idcontact"))
    assert "could not be delivered" in ours
    for secret in ("999990019", house.receiver.tokens[0], url.rpartition("/")[2], ATTR_URL):
        assert secret not in ours


async def test_a_plugin_keeps_something_of_its_own_with_a_session(house: House) -> None:
    url = await house.start("name")
    await house.browser.get(url)
    remember = url.replace("/session/", "/remember/")
    assert (await house.browser.get(remember)).text == ""
    async with house.another_browser() as other:
        assert (await other.get(remember)).status_code == 403
    await house.press(url, "yes")
    assert house.read(house.receiver.tokens[0]).result.attributes == {"name": "Willeke"}


# --- settings -------------------------------------------------------------------------------------------------------


async def test_keys_that_cannot_be_used_are_named_both_at_once() -> None:
    wrong = {"type": "EC", "key": key_pair("sign")[1]}, {"type": "EC", "key": key_pair("encrypt")[0]}
    with pytest.raises(SettingsError) as caught:
        async with open_house(clerk, {"sign_key": wrong[0], "encrypt_key": wrong[1]}):
            pass
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == [
        "plugins.auth_test.sign_key",
        "plugins.auth_test.encrypt_key",
    ]
