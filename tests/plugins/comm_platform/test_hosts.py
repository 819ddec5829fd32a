"""What a host sees of a room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import idcontact_comm_platform
from comm_house import auth_token, comm_settings
from idcontact.errors import SettingsError
from idcontact.plugin.testkit import MemoryRecords
from platform_house import (
    AS_PERSON,
    AS_PROGRAM,
    GUEST_SECRET,
    PUBLIC,
    PlatformHouse,
    guest_token,
    host_token,
    open_platform_house,
)
from plugin_house import NOW, error_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def house() -> AsyncIterator[PlatformHouse]:
    async with open_platform_house() as opened:
        yield opened


async def test_a_host_sees_everyone_in_the_room_newest_last(house: PlatformHouse) -> None:
    await house.identify(guest_token("g1", name="Ann"), {"fullname": "Ann Bakker"})
    house.now[0] += 1
    await house.begin(guest_token("g2", name="Bob"))
    house.now[0] += 1
    await house.identify(guest_token("g3", name="Cor"), {"fullname": "Cor Dekker", "city": "Delft"})
    page = (await house.see(host_token())).text
    said = ["Ann", "Report a move", "Checked details, via Test person", "Name", "Ann Bakker",
            "Bob", "is identifying now", "Cor", "Cor Dekker", "City", "Delft"]  # fmt: skip
    places = [page.index(text, page.index("<main")) for text in said]
    assert places == sorted(places)
    assert [person["name"] for person in await house.seen(host_token())] == ["Ann", "Cor"]


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "nl",
            ["Gegevens van deelnemers", "Verhuizing", "Gecontroleerde gegevens, via Proefpersoon", "Naam", "Plaats"],
        ),
        ("en", ["Details of participants", "Report a move", "Checked details, via Test person", "Name", "City"]),
    ],
)
async def test_the_page_speaks_the_hosts_language(house: PlatformHouse, language: str, texts: list[str]) -> None:
    await house.identify(guest_token(), {"fullname": "Henk de Vries", "city": "Utrecht"})
    page = await house.see(host_token(), {**AS_PERSON, "Accept-Language": language})
    for text in [*texts, f'lang="{language}"']:
        assert text in page.text


async def test_a_name_that_the_platform_gave_is_said_to_be_unchecked(house: PlatformHouse) -> None:
    await house.begin(guest_token(name="Verified by DigiD"))
    assert "This name comes from the conversation platform and is not checked." in (await house.see(host_token())).text


async def test_names_and_values_are_text_and_never_markup(house: PlatformHouse) -> None:
    await house.identify(guest_token(name="<i>Henk</i>"), {"fullname": "<script>alert(1)</script>"})
    page = (await house.see(host_token())).text
    assert "&lt;i&gt;Henk&lt;/i&gt;" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_a_host_sees_nobody_of_another_room(house: PlatformHouse) -> None:
    await house.identify(guest_token("g1", "16"), {"fullname": "Henk de Vries"})
    assert await house.seen(host_token("17")) == []
    page = (await house.see(host_token("17"))).text
    assert "Henk" not in page
    assert "Nobody has shared details yet" in page


@pytest.mark.parametrize(
    "token", ["x", host_token(secret="x" * 32), guest_token(), host_token(secret=GUEST_SECRET),
              host_token(claims={"exp": NOW}), host_token(domain="guest")],
)  # fmt: skip
async def test_a_link_that_does_not_hold_shows_nothing(house: PlatformHouse, token: str) -> None:
    await house.identify(guest_token(), {"fullname": "Henk de Vries"})
    page = await house.see(token)
    assert (page.status_code, "Henk" in page.text) == (400, False)
    assert error_of(await house.see(token, AS_PROGRAM))[0] == 400


@pytest.mark.parametrize("token", [host_token(), "x"])
async def test_the_page_is_shown_in_frames_of_the_sites_that_the_settings_name_and_no_others(
    house: PlatformHouse, token: str
) -> None:
    page = await house.see(token)
    assert "frame-ancestors https://video.example;" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    async with open_platform_house({"frame_ancestors": []}) as unframed:
        assert "frame-ancestors 'none';" in (await unframed.see(token)).headers["content-security-policy"]


async def test_the_page_finds_its_script_and_its_stream(house: PlatformHouse) -> None:
    page = (await house.see(host_token())).text
    script = page.split('script type="module" src="')[1].split('"')[0]
    answer = await house.browser.get(script)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]
    assert f'data-live="{PUBLIC}/host/live/{host_token()}?since=' in page


async def test_what_was_received_is_shown_also_after_the_settings_changed() -> None:
    records = MemoryRecords(lambda: NOW)
    async with open_platform_house(records=records) as before:
        await before.identify(guest_token(), {"fullname": "Henk de Vries"})
        attr_url = await before.begin(guest_token("g2"))
    methods = comm_settings()["auth_methods"]
    assert isinstance(methods, list)
    changed = {"auth_methods": methods[1:], "purposes": {"other": {"attributes": ["city"]}}}
    async with open_platform_house(changed, records=records) as after:
        page = (await after.see(host_token())).text
        assert await after.deliver(attr_url, auth_token({"fullname": "Somebody"}, sign="other sign")) == 200
        assert [person["attributes"] for person in await after.seen(host_token())][1:] == [{}]
    assert "Checked details, via test." in page
    assert "Subject: report_move." in page


def test_both_languages_say_the_same_things() -> None:
    folder = Path(idcontact_comm_platform.__file__).parent
    nl, en = (json.loads((folder / "texts" / f"{language}.json").read_text()) for language in ("nl", "en"))
    assert list(nl) == list(en)
    used = "".join(path.read_text() for path in (folder / "templates").iterdir())
    for key in nl:
        assert key in used or key.startswith("comm_platform.logged."), key


# --- how long -------------------------------------------------------------------------------------------------------


async def test_without_settings_of_ones_own_nothing_is_kept_for_longer_than_a_quarter_of_an_hour(
    house: PlatformHouse,
) -> None:
    await house.identify(guest_token(), {"fullname": "Henk de Vries"})
    house.now[0] += 15 * 60 - 1
    assert len(await house.seen(host_token())) == 1
    house.now[0] += 15 * 60
    assert await house.seen(host_token()) == []


async def test_a_room_that_is_looked_at_is_kept_for_two_hours_and_no_longer(house: PlatformHouse) -> None:
    await house.identify(guest_token(), {"fullname": "Henk de Vries"})
    for _ in range(11):
        house.now[0] += 10 * 60
        assert len(await house.seen(host_token())) == 1
    house.now[0] += 10 * 60
    assert await house.seen(host_token()) == []


async def test_the_time_of_one_guest_is_not_that_of_another(house: PlatformHouse) -> None:
    await house.identify(guest_token("g1"), {"fullname": "Ann"})
    for _ in range(6):
        house.now[0] += 10 * 60
        await house.seen(host_token())
    await house.identify(guest_token("g2"), {"fullname": "Bob"})
    for _ in range(6):
        house.now[0] += 10 * 60
        await house.seen(host_token())
    assert [person["attributes"]["fullname"] for person in await house.seen(host_token())] == ["Bob"]


async def test_a_result_that_comes_after_the_guest_is_gone_is_not_expected(house: PlatformHouse) -> None:
    attr_url = await house.begin(guest_token())
    house.now[0] += 15 * 60
    assert await house.deliver(attr_url, auth_token({"fullname": "Henk"}, at=house.now[0])) == 404


# --- settings -------------------------------------------------------------------------------------------------------


async def mistakes(**settings: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        async with open_platform_house(settings):
            pass
    return caught.value.mistakes


async def test_mistakes_in_the_settings_are_named_all_at_once() -> None:
    said = await mistakes(
        widget_url="https://widget.example", core_url="nowhere", guest_signature_secret="short", idle="soon",
        frame_ancestors=["https://video.example/room"], dialect="latin", purpose={},
    )  # fmt: skip
    assert [line.split(",")[0].removeprefix("plugins.comm_platform.") for line in said] == [
        "core_url: expected an absolute URL (http:// or https://) without user name",
        "widget_url: expected a URL (http:// or https://) that ends in /",
        "guest_signature_secret: expected a secret of at least 32 bytes: a string",
        'dialect: expected "id-contact" or "verder-helpen"',
        "frame_ancestors[0]: expected the origin of a website",
        'idle: expected a length of time such as "15 min"',
        "purpose: is not a setting here; did you mean purposes?",
    ]
    assert "short" not in "".join(line for line in said if "shorter" not in line)


async def test_settings_that_would_let_a_guest_pass_for_a_host_or_keep_nothing_are_refused() -> None:
    said = await mistakes(host_signature_secret=GUEST_SECRET, idle=0, lifetime="500 ms", purposes={})
    assert [line.removeprefix("plugins.comm_platform.").partition(":")[0] for line in said] == [
        "host_signature_secret",
        "idle",
        "lifetime",
        "purposes",
    ]
