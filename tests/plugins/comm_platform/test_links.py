"""The links that a platform makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.errors import BadRequest
from idcontact.settings_values import SigningSecret
from idcontact_comm_platform.links import Guest, Host, Links, checked_guest
from platform_house import GUEST_SECRET, HOST_SECRET, guest_token, host_token, signed
from plugin_house import NOW, key_pair

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "published_samples.json").read_text())
GUESTS = Links(SigningSecret(GUEST_SECRET), Guest)
HOSTS = Links(SigningSecret(HOST_SECRET), Host)


def refused(token: str, now: float = NOW) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        GUESTS.read(token, now)
    return caught.value


def test_the_published_sample_of_a_guest_is_read_until_it_expires() -> None:
    sample = SAMPLES["guest_token"]
    links = Links(SigningSecret(sample["secret"]), Guest)
    guest = links.read(sample["token"], sample["now"])
    assert (guest.id, guest.name, guest.room_id, guest.purpose) == ("101-1010-1010-101", "Unknown", "16", "test")
    assert (guest.redirect_url, guest.domain, guest.instance) == ("https://tweedegolf.nl", "guest", "tweedegolf.nl")
    with pytest.raises(BadRequest, match="exp: has been reached"):
        links.read(sample["token"], sample["expired_at"])


def test_the_published_sample_of_a_host_is_read_until_it_expires_though_its_iat_is_later() -> None:
    sample = SAMPLES["host_token"]
    links = Links(SigningSecret(sample["secret"]), Host)
    host = links.read(sample["token"], sample["now"])
    assert (host.room_id, host.domain, host.instance) == ("16", "user", "tweedegolf.nl")
    with pytest.raises(BadRequest, match="exp"):
        links.read(sample["token"], sample["expired_at"])


def test_the_dialect_of_the_successor_names_neither_domain_nor_instance_and_no_id_of_a_host() -> None:
    assert GUESTS.read(guest_token(), NOW).domain is None
    assert HOSTS.read(host_token(), NOW) == Host(room_id="16")


def test_what_is_not_known_is_ignored() -> None:
    assert GUESTS.read(guest_token(more=1, claims={"rec": "x", "iat": NOW + 9999}), NOW).id == "g1"


@pytest.mark.parametrize(("claim", "offset", "holds"), [
    ("exp", 1, True), ("exp", 0, False), ("exp", -1, False), ("nbf", 30, True), ("nbf", 31, False),
])  # fmt: skip
def test_times_hold_where_there_are_any(claim: str, offset: int, holds: bool) -> None:
    token = guest_token(claims={claim: NOW + offset})
    if holds:
        GUESTS.read(token, NOW)
    else:
        assert refused(token).field == claim


@pytest.mark.parametrize("member", ["id", "redirectUrl", "name", "roomId", "purpose"])
def test_a_guest_without_one_of_these_is_refused_by_its_name(member: str) -> None:
    assert member in str(refused(guest_token(**dict[str, Any]({member: None}))))


def test_a_token_without_a_payload_is_refused() -> None:
    assert refused(signed({"exp": NOW + 1}, GUEST_SECRET)).field == "payload"


def test_a_host_may_not_come_as_a_guest_nor_a_guest_as_a_host() -> None:
    assert "signature" in str(refused(guest_token(secret=HOST_SECRET)))
    assert refused(guest_token(domain="user")).field == "payload.domain"
    with pytest.raises(BadRequest):
        HOSTS.read(host_token(domain="guest"), NOW)
    with pytest.raises(BadRequest):
        HOSTS.read(guest_token(), NOW)


@pytest.mark.parametrize("header", [
    {"alg": "none"}, {"alg": "HS512"}, {"alg": "RS256"}, {"typ": "JWT"}, {"alg": "hs256"},
    {"alg": "HS256", "crit": ["exp"]}, {"alg": ["HS256"]},
])  # fmt: skip
def test_another_algorithm_is_refused_whoever_signed(header: dict[str, object]) -> None:
    assert refused(signed({"payload": {}}, GUEST_SECRET, header)).field == "token"


def test_a_public_key_is_no_secret() -> None:
    token = jwt.encode({"payload": {}}, key_pair("start")[0], algorithm="ES256")
    assert refused(token).field == "token"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "x" * 40_000, "a.b.c", guest_token()[:-2] + "é"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refused(token).field == "token"


@given(st.data())
def test_no_changed_character_passes(data: st.DataObject) -> None:
    token = guest_token(claims={"exp": NOW + 60})
    place = data.draw(st.integers(0, len(token) - 2))  # the last one holds bits that mean nothing
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda character: character != token[place]))
    with pytest.raises(BadRequest):
        GUESTS.read(token[:place] + other + token[place + 1 :], NOW)


@pytest.mark.parametrize("half", [chr(0xD83D), chr(0xDE00)], ids=["first", "second"])
def test_half_a_character_in_a_name_is_replaced_and_elsewhere_refused(half: str) -> None:
    assert GUESTS.read(guest_token(name=f"Henk{half}."), NOW).name == "Henk\ufffd."
    assert GUESTS.read(guest_token(name="Henk\U0001f600"), NOW).name == "Henk\U0001f600"
    for member in ("id", "roomId", "purpose", "instance", "redirectUrl"):
        assert (
            refused(guest_token(**dict[str, Any]({member: f"https://a.example/{half}"}))).field == f"payload.{member}"
        )
    for member in ("roomId", "instance"):
        with pytest.raises(BadRequest, match=f"payload.{member}"):
            HOSTS.read(host_token(**dict[str, Any]({member: half})), NOW)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/room", "tel:123", "https://a@b.example/", "", "data:,x"])
def test_nobody_is_sent_to_what_is_no_website(url: str) -> None:
    with pytest.raises(BadRequest, match=r"payload\.redirectUrl"):
        checked_guest(GUESTS.read(guest_token(redirectUrl=url), NOW))
