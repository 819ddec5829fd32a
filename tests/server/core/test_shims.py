"""What the core does in the place of auth plugins that cannot do all of the protocol: every form that is written."""

from __future__ import annotations

import base64
import dataclasses
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from core_house import CountingLimiter
from idcontact.asset_files import AssetFiles
from idcontact.core.options import AuthMethod, Purposes
from idcontact.core.settings import CoreSettings
from idcontact.core.shims import MAX_RESULT, STATE_LIFETIME, AttrUrlShim, Shims
from idcontact.core.start import Onward
from idcontact.core.telephone import Telephone
from idcontact.errors import BadRequest, IdContactError, SettingsError
from idcontact.limits import Limit
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.plugin.testkit import MemoryRecords
from idcontact.settings import read
from idcontact.tokens import VerifyKey
from plugin_house import Receiver, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

SECRET: Final = "a secret of the core's own, of 64 bytes, which is as much as HS512 wants"
NOW: Final = 1_800_000_000
ATTR_URL: Final = "http://comm.example/attr/secret"
CONTINUATION: Final = "https://comm.example/land/ticket?x=1~;2"
TEL: Final = "tel:0201234567,1234567890"
RESULT: Final = "eyJh.QUJD.ZGVm.Z2hp.amts"
LIMITED: Final = {"tag": "limited", "name": "Limited", "start": "https://auth.example", "disable_attr_url": True}
WHOLE: Final = {"tag": "whole", "name": "Whole", "start": "https://auth.example"}


def core_settings(**changes: object) -> CoreSettings:
    raw: dict[str, object] = {
        "auth_methods": [WHOLE, LIMITED],
        "comm_methods": [],
        "purposes": [{"tag": "move", "attributes": [], "allowed_auth": ["*"], "allowed_comm": []}],
        "internal_secret": SECRET,
    }
    written = {name: value for name, value in {**raw, **changes}.items() if value is not None}
    return read(written, CoreSettings, base=Path("/nonexistent"))


def method(**changes: object) -> AuthMethod:
    """An auth method that says so in its settings."""
    found = Purposes(core_settings(auth_methods=[{**WHOLE, **changes}]), {})
    return found.find("move").auth_method("whole")


@dataclass
class House:
    """The shims, the attr_url that they deliver to, and a browser."""

    shims: Shims
    receiver: Receiver
    limiter: CountingLimiter
    browser: httpx2.AsyncClient
    now: list[float] = field(default_factory=lambda: [float(NOW)])


def shims_of(now: list[float], **changes: object) -> Shims:
    return shims_within(now, None, core_settings(**changes))


def shims_within(now: list[float], within: str | None, settings: CoreSettings) -> Shims:
    """Of a process that alone reaches addresses of this origin."""
    pages = Pages(public_url="https://core.example.org", assets=AssetFiles({"/assets": ASSETS_FOLDER}))
    telephone = Telephone(MemoryRecords(lambda: now[0]), pages, "https://core.example.org")
    return Shims(settings, "https://core.example.org", telephone, lambda: now[0], within)


@asynccontextmanager
async def open_house(**changes: object) -> AsyncIterator[House]:
    now, receiver, limiter = [float(NOW)], Receiver(), CountingLimiter()
    pages = Pages(public_url="https://core.example.org", assets=AssetFiles({"/assets": ASSETS_FOLDER}))
    shims = shims_of(now, **changes)
    async with Outgoing(limit=0.5) as outgoing:
        outgoing.mount("http://comm.example", receiver)
        routes = AttrUrlShim(shims, outgoing, limiter, Limit(5, 60)).routes()
        app = Starlette(routes=routes, exception_handlers={IdContactError: pages.handle})
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="https://core.example.org") as browser:
            yield House(shims, receiver, limiter, browser, now)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, as they are written."""
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


# --- attr_url: what the plugin is told ------------------------------------------------------------------------------


async def test_a_plugin_that_can_deliver_is_told_what_the_communication_plugin_said(house: House) -> None:
    assert await house.shims.lead(method(), CONTINUATION, ATTR_URL) == Onward(CONTINUATION, ATTR_URL)


async def test_a_plugin_that_cannot_deliver_is_led_by_the_core_with_a_signed_state(house: House) -> None:
    led = await house.shims.lead(method(disable_attr_url=True), CONTINUATION, ATTR_URL)
    assert led.attr_url is None
    base, _, state = led.continuation.rpartition("/")
    assert base == "https://core.example.org/auth_attr_shim"
    header, claims = parts_of(state)
    assert header == {"alg": "HS256"}
    assert claims == {"attr_url": ATTR_URL, "continuation": CONTINUATION, "iat": NOW, "exp": NOW + 1800}
    assert jwt.decode(state, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False}) == claims


async def test_without_an_attr_url_there_is_nothing_to_do_for_it(house: House) -> None:
    assert await house.shims.lead(method(disable_attr_url=True), CONTINUATION, None) == Onward(CONTINUATION, None)


# --- attr_url: when the browser comes back --------------------------------------------------------------------------


async def state_in(house: House) -> str:
    led = await house.shims.lead(method(disable_attr_url=True), CONTINUATION, ATTR_URL)
    return led.continuation.removeprefix("https://core.example.org")


async def test_a_result_is_delivered_and_the_browser_goes_on_without_it(house: House) -> None:
    answer = await house.browser.get(f"{await state_in(house)}?result={RESULT}")
    assert (answer.status_code, answer.headers["location"], answer.content) == (303, CONTINUATION, b"")
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    assert (house.receiver.tokens, house.receiver.content_types) == ([RESULT], ["application/jwt"])


async def test_a_state_that_the_published_core_signed_is_ours(house: House) -> None:
    claims = {"continuation": CONTINUATION, "attr_url": ATTR_URL, "iat": NOW, "exp": NOW + 1800}
    state = jwt.encode(claims, SECRET, algorithm="HS256")
    answer = await house.browser.get(f"/auth_attr_shim/{state}?result={RESULT}")
    assert (answer.status_code, house.receiver.tokens) == (303, [RESULT])


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_the_person_goes_on_whatever_the_attr_url_answers(
    house: House, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    house.receiver.statuses = [status]
    state = await state_in(house)
    answer = await house.browser.get(f"{state}?result={RESULT}")
    assert (answer.status_code, answer.headers["location"]) == (303, CONTINUATION)
    assert house.receiver.tokens == [RESULT], "once: it may have arrived"
    assert str(status) in caplog.text
    assert all(secret not in caplog.text for secret in (RESULT, state, "secret", "ticket"))


async def test_the_person_goes_on_when_the_attr_url_cannot_be_reached(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.receiver.statuses = [None]
    answer = await house.browser.get(f"{await state_in(house)}?result={RESULT}")
    assert (answer.status_code, answer.headers["location"]) == (303, CONTINUATION)
    assert "could not be delivered" in caplog.text
    assert RESULT not in caplog.text


async def test_who_comes_back_without_a_result_goes_on_and_nothing_is_delivered(house: House) -> None:
    answer = await house.browser.get(await state_in(house))
    assert (answer.status_code, answer.headers["location"], house.receiver.tokens) == (303, CONTINUATION, [])


async def test_a_page_that_is_loaded_again_delivers_the_same_again_for_the_receiver_to_take_once(house: House) -> None:
    address = f"{await state_in(house)}?result={RESULT}"
    assert [(await house.browser.get(address)).status_code for _ in range(2)] == [303, 303]
    assert house.receiver.tokens == [RESULT, RESULT]


async def test_who_asks_only_where_it_leads_delivers_nothing(house: House) -> None:
    answer = await house.browser.head(f"{await state_in(house)}?result={RESULT}")
    assert (answer.status_code, house.receiver.tokens) == (303, [])


async def test_a_continuation_to_a_telephone_is_gone_on_to_as_well(house: House) -> None:
    claims = {"continuation": TEL, "attr_url": ATTR_URL, "iat": NOW, "exp": NOW + 1800}
    answer = await house.browser.get(f"/auth_attr_shim/{jwt.encode(claims, SECRET, algorithm='HS256')}")
    assert answer.headers["location"] == TEL


@pytest.mark.parametrize(
    "result",
    ["", "x", "a.b.c", "a.b.c.d.e.f", "a.b.c.d.%C3%A9", "a.b.c.d.e%20", "a.b.c.d.e=", "%3Cscript%3E", "a.b.c.d.e%0A",
     "a.b.c.d." + "e" * MAX_RESULT],
)  # fmt: skip
async def test_a_result_that_is_no_token_is_refused_and_delivered_to_nobody(house: House, result: str) -> None:
    answer = await house.browser.get(f"{await state_in(house)}?result={result}")
    assert (answer.status_code, answer.json()["error"]["code"], house.receiver.tokens) == (400, "token_rejected", [])


async def test_two_results_are_none(house: House) -> None:
    answer = await house.browser.get(f"{await state_in(house)}?result={RESULT}&result={RESULT}")
    assert (answer.status_code, house.receiver.tokens) == (400, [])


async def test_a_refusal_is_a_readable_page_for_a_person(house: House) -> None:
    as_person = {"Accept": "text/html", "Accept-Language": "en"}
    answer = await house.browser.get(f"{await state_in(house)}?result=x", headers=as_person)
    assert answer.headers["content-type"].startswith("text/html")
    assert "Your details could not be checked" in answer.text


async def test_what_asks_for_a_delivery_is_counted_by_address(house: House) -> None:
    await house.browser.get("/auth_attr_shim/x")
    assert house.limiter.keys == [("auth_attr_shim", "127.0.0.1")]


# --- attr_url: states that are not ours -----------------------------------------------------------------------------


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: object) -> str:
    claims = {"attr_url": ATTR_URL, "continuation": CONTINUATION, "iat": NOW, "exp": NOW + 1800, **changes}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, algorithm=algorithm)


@pytest.mark.parametrize(
    "state",
    [
        "x",
        "a.b.c",
        signed(secret="another secret, of 32 bytes as well"),
        signed(algorithm="HS512"),
        jwt.encode({"attr_url": ATTR_URL, "continuation": CONTINUATION, "iat": NOW, "exp": NOW + 9}, "", "none"),
        signed(attr_url=None),
        signed(continuation=None),
        signed(exp=None),
        signed(exp="later"),
        signed(attr_url="tel:112"),
        signed(attr_url="file:///etc/passwd"),
        signed(continuation="javascript:alert(1)"),
        signed(continuation="//evil.example"),
        signed(exp=NOW),
    ],
)
async def test_a_state_that_is_not_ours_or_leads_nowhere_is_refused(house: House, state: str) -> None:
    answer = await house.browser.get(f"/auth_attr_shim/{state}?result={RESULT}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (400, "bad_request", "state")
    assert house.receiver.tokens == []


async def test_a_state_holds_for_half_an_hour(house: House) -> None:
    state = await state_in(house)
    house.now[0] += STATE_LIFETIME - 1
    assert (await house.browser.get(state)).status_code == 303
    house.now[0] += 1
    assert (await house.browser.get(state)).status_code == 400


_HOUSE_OF_ONE_STATE: Final = shims_of([float(NOW)])
_STATE: Final = signed()


@given(place=st.integers(0, len(_STATE) - 1), put=st.characters(min_codepoint=32, max_codepoint=1000))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_state_with_any_character_changed_is_refused_or_the_same_one(place: int, put: str) -> None:
    changed = _STATE[:place] + put + _STATE[place + 1 :]
    same = _decoded(changed) == _decoded(_STATE)  # the last character of a part may have bits that say nothing
    if same:
        assert _HOUSE_OF_ONE_STATE.read_state(changed) == Onward(CONTINUATION, ATTR_URL)
    else:
        with pytest.raises(BadRequest):
            _HOUSE_OF_ONE_STATE.read_state(changed)


@given(st.text(max_size=400))
def test_no_text_is_a_state_by_accident(text: str) -> None:
    with pytest.raises(BadRequest):
        _HOUSE_OF_ONE_STATE.read_state(text)


def _decoded(token: str) -> list[bytes] | None:
    header, payload, *signature = token.split(".")
    if not token.isascii() or not all(part.replace("-", "").replace("_", "").isalnum() for part in token.split(".")):
        return None
    last = base64.urlsafe_b64decode(signature[0] + "==") if len(signature) == 1 else b""
    return [header.encode(), payload.encode(), last]


# --- tel ------------------------------------------------------------------------------------------------------------

UI: Final = {
    "tel_shim": "ui",
    "ui_tel_url": "https://www.example.org/tel/",
    "ui_signing_privkey": {"type": "EC", "key": key_pair("ui")[0]},
}
BARE: Final = {"tel_shim": "bare", "ui_signing_privkey": UI["ui_signing_privkey"]}


@pytest.mark.parametrize(
    ("mode", "says", "shimmed"),
    [
        ({}, None, True), ({}, True, True), ({}, False, False),
        (UI, None, False), (UI, True, True), (UI, False, False),
        (BARE, None, True), (BARE, True, True), (BARE, False, False),
    ],
)  # fmt: skip
async def test_who_is_led_to_something_else_than_a_telephone_number(
    mode: Mapping[str, object], says: bool | None, shimmed: bool
) -> None:
    limited = method(**({} if says is None else {"shim_tel_url": says}))
    led = await shims_of([float(NOW)], **mode).lead(limited, TEL, ATTR_URL)
    assert (led.continuation != TEL, led.attr_url) == (shimmed, ATTR_URL)


@pytest.mark.parametrize("mode", [{}, UI, BARE])
async def test_a_continuation_on_the_web_stays_as_it_is(mode: Mapping[str, object]) -> None:
    led = await shims_of([float(NOW)], **mode).lead(method(shim_tel_url=True), CONTINUATION, None)
    assert led == Onward(CONTINUATION, None)


@pytest.mark.parametrize("mode", [UI, BARE])
async def test_the_token_is_exactly_as_the_published_core_writes_it(mode: Mapping[str, object]) -> None:
    led = await shims_of([NOW + 0.9], **mode).lead(method(shim_tel_url=True), TEL, ATTR_URL)
    token = led.continuation.removeprefix("https://www.example.org/tel/")
    assert led.continuation.startswith("https:") == (mode is UI)
    header, claims = parts_of(token)
    assert header == {"alg": "ES256"}
    assert claims == {"continuation": TEL, "iat": NOW, "exp": NOW + 3600}
    key = VerifyKey.from_pem(key_pair("ui")[1])
    jwt.decode(token, key.native, algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False})


async def test_an_rsa_key_signs_by_rs256() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    mode = {**UI, "ui_signing_privkey": {"type": "RSA", "key": pem}}
    led = await shims_of([float(NOW)], **mode).lead(method(shim_tel_url=True), TEL, None)
    token = led.continuation.rpartition("/")[2]
    assert parts_of(token)[0] == {"alg": "RS256"}
    jwt.decode(token, key.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})


async def test_our_own_page_holds_nothing_of_the_number_in_its_address() -> None:
    led = await shims_of([float(NOW)]).lead(method(), TEL, ATTR_URL)
    base, _, place = led.continuation.rpartition("/")
    assert (base, len(place)) == ("https://core.example.org/tel", 43)


async def test_both_shims_combine_the_telephone_first() -> None:
    limited = method(disable_attr_url=True, shim_tel_url=True)
    shims = shims_of([float(NOW)], **UI)
    led = await shims.lead(limited, TEL, ATTR_URL)
    state = shims.read_state(led.continuation.rpartition("/")[2])
    assert state.attr_url == ATTR_URL
    assert parts_of(state.continuation.rpartition("/")[2])[1]["continuation"] == TEL


async def test_without_a_page_for_numbers_the_core_sends_a_browser_to_the_number_itself() -> None:
    shims = shims_of([float(NOW)], **BARE)
    led = await shims.lead(method(disable_attr_url=True), TEL, ATTR_URL)
    assert shims.read_state(led.continuation.rpartition("/")[2]) == Onward(TEL, ATTR_URL)


async def test_who_is_elsewhere_cannot_deliver_to_an_address_within_this_process() -> None:
    inner = "http://idcontact.internal/plugins/live/attr/1"
    within = "http://idcontact.internal"
    shims = shims_within([float(NOW)], within, core_settings())
    far, near = method(), dataclasses.replace(method(), plugin="auth_test")
    assert await shims.lead(near, CONTINUATION, inner) == Onward(CONTINUATION, inner)
    led = await shims.lead(far, CONTINUATION, inner)
    assert shims.read_state(led.continuation.rpartition("/")[2]) == Onward(CONTINUATION, inner)
    without = shims_within([float(NOW)], within, core_settings(internal_secret=None, auth_methods=[WHOLE]))
    assert await without.lead(far, CONTINUATION, inner) == Onward(CONTINUATION, None)


async def test_a_browser_that_no_auth_plugin_sends_on_is_shown_a_number_on_our_own_page_if_on_any() -> None:
    ours, theirs = shims_of([float(NOW)]), shims_of([float(NOW)], **UI)
    assert (await ours.client_url(TEL)).startswith("https://core.example.org/tel/")
    assert [await ours.client_url(CONTINUATION), await theirs.client_url(TEL)] == [CONTINUATION, TEL]


# --- what has to be there -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"internal_secret": None}, ["internal_secret"]),
        (
            {"tel_shim": "ui", "auth_methods": [{**WHOLE, "shim_tel_url": True}]},
            ["ui_tel_url", "ui_signing_privkey"],
        ),
        ({"tel_shim": "bare"}, ["ui_signing_privkey"]),
        (
            {"tel_shim": "ui", "auth_methods": [{**LIMITED, "shim_tel_url": True}], "internal_secret": None},
            ["internal_secret", "ui_tel_url", "ui_signing_privkey"],
        ),
    ],
)
def test_what_a_shim_cannot_do_without_is_said_at_the_start(changes: Mapping[str, object], named: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        shims_of([float(NOW)], **changes)
    assert [mistake.partition(":")[0] for mistake in refused.value.mistakes] == named


def test_what_no_method_needs_may_be_missing() -> None:
    shims_of([float(NOW)], auth_methods=[WHOLE], internal_secret=None, tel_shim="ui")


async def test_without_a_secret_no_state_is_ours() -> None:
    async with open_house(auth_methods=[WHOLE], internal_secret=None) as house:
        assert (await house.browser.get(f"/auth_attr_shim/{signed()}?result={RESULT}")).status_code == 400
        assert house.receiver.tokens == []
