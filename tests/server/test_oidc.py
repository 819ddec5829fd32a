"""Logging in at a real OpenID provider, and everything that somebody in between could try."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import pytest
from starlette.datastructures import QueryParams

from idcontact.browser import new_browser
from idcontact.errors import NotAllowed, PluginError, SettingsError
from idcontact.oidc import ProviderSettings
from idcontact.settings import read
from openid import (
    CLIENT,
    METADATA,
    REDIRECT,
    SECRET,
    OpenIdProvider,
    forged,
    openid_provider,
    provider_key,
    resigned,
    tab_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module", params=["RS256", "ES256"])
def each_provider(request: pytest.FixtureRequest) -> Iterator[OpenIdProvider]:
    with openid_provider(REDIRECT, request.param) as running:
        yield running


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with openid_provider(REDIRECT) as running:
        yield running


async def test_somebody_logs_in_and_is_known_by_subject_and_claims(each_provider: OpenIdProvider) -> None:
    async with tab_at(each_provider) as tab:
        identity = await tab.finish(await tab.come_back("ann.desk"))
    assert identity.subject == "ann.desk"
    assert identity.has("groups", ["desk"])
    assert not identity.has("groups", ["other"])
    assert identity.has("sub", ["x", "ann.desk"])
    assert not identity.has("absent", ["x"])
    assert "ann" not in repr(identity)


@pytest.mark.parametrize(
    ("account", "counts"),
    [("ann", True), ("ann.unverified", False), ("ann.unsaid", False), ("ann.said_as_text", False)],
)
async def test_an_email_address_counts_when_the_same_token_says_that_it_is_verified(
    provider: OpenIdProvider, account: str, counts: bool
) -> None:
    async with tab_at(provider, scopes=["email", "groups"]) as tab:
        identity = await tab.finish(await tab.come_back(account))
    assert identity.claims["email"] == "ann@example.org"
    assert identity.has("email", ["ann@example.org"]) is counts
    assert identity.is_unverified("email") is not counts
    assert identity.has("groups", ["everyone"]), "of other claims nobody says that"
    assert not identity.is_unverified("groups")


async def test_the_browser_is_sent_to_the_provider_with_a_challenge_a_nonce_and_a_state(
    provider: OpenIdProvider,
) -> None:
    async with tab_at(provider) as tab:
        one, other = [parse_qs(urlsplit(await tab.party.begin(tab.browser)).query) for _ in range(2)]
    assert (one["code_challenge_method"], one["response_type"], one["scope"]) == (["S256"], ["code"], ["openid groups"])
    assert (one["redirect_uri"], one["client_id"]) == ([REDIRECT], [CLIENT])
    for name in ("state", "nonce", "code_challenge"):
        assert len(one[name][0]) >= 43
        assert one[name] != other[name]


async def test_two_tabs_of_one_browser_each_finish_their_own(provider: OpenIdProvider) -> None:
    async with tab_at(provider) as tab:
        queries = [await tab.come_back("ann"), await tab.come_back("bob")]
        people = [(await tab.finish(query)).subject for query in reversed(queries)]
    assert people == ["bob", "ann"]


async def test_a_log_in_is_finished_once(provider: OpenIdProvider) -> None:
    async with tab_at(provider) as tab:
        query = await tab.come_back()
        await tab.finish(query)
        assert await tab.refused(query) == "state is unknown, used or expired"


async def test_of_all_who_finish_a_log_in_at_once_one_does(provider: OpenIdProvider) -> None:
    async with tab_at(provider) as tab:
        query = await tab.come_back()
        outcomes = await asyncio.gather(*(tab.finish(query) for _ in range(5)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Identity", *["NotAllowed"] * 4]


async def test_a_log_in_that_takes_too_long_is_over(provider: OpenIdProvider) -> None:
    async with tab_at(provider) as tab:
        query = await tab.come_back()
        tab.ahead = 10 * 60
        assert await tab.refused(query) == "state is unknown, used or expired"


async def test_what_another_browser_began_is_refused(provider: OpenIdProvider) -> None:
    async with tab_at(provider) as tab:
        for browser in (new_browser(), None):
            query = await tab.come_back()
            with pytest.raises(NotAllowed) as caught:
                await tab.party.finish(QueryParams(query), browser)
            assert caught.value.reason == "another browser began this"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "x" * 43}, "state is unknown"),
        ({"state": None}, "state is unknown"),
        ({"code": "x"}, "the provider refuses the code"),
        ({"code": None}, "the provider refuses the code"),
        ({"iss": "https://evil.example"}, "iss of the answer"),
        ({"iss": None}, "iss of the answer"),
        ({"error": "access_denied"}, "the provider did not log them in"),
    ],
)
async def test_an_answer_that_was_changed_on_the_way_is_refused(
    provider: OpenIdProvider, changes: dict[str, str | None], reason: str
) -> None:
    async with tab_at(provider) as tab:
        assert reason in await tab.refused(await tab.come_back(), **changes)


async def test_an_iss_that_is_another_is_refused_also_where_the_provider_does_not_promise_one(
    provider: OpenIdProvider,
) -> None:
    def silent(metadata: dict[str, Any]) -> dict[str, Any]:
        return {**metadata, "authorization_response_iss_parameter_supported": False}

    async with tab_at(provider, {METADATA: silent}) as tab:
        assert "iss" in await tab.refused(await tab.come_back(), iss="https://evil.example")
        assert (await tab.finish(await tab.come_back(), iss=None)).subject == "ann.desk"


@pytest.mark.parametrize("name", ["state", "code", "iss"])
async def test_a_parameter_that_is_given_twice_is_refused(provider: OpenIdProvider, name: str) -> None:
    async with tab_at(provider) as tab:
        query = await tab.come_back()
        value = dict(parse_qsl(query))[name]
        with pytest.raises(NotAllowed) as caught:
            await tab.party.finish(QueryParams(f"{query}&{urlencode({name: value})}"), tab.browser)
        assert caught.value.reason == f"{name} is given twice"


async def test_a_code_that_was_got_with_another_challenge_is_refused_by_the_provider(provider: OpenIdProvider) -> None:
    async with tab_at(provider) as tab:
        query = await tab.come_back(code_challenge="x" * 43)
        assert await tab.refused(query) == "the provider refuses the code"
        [sent] = tab.between.sent
    assert len(parse_qs(sent)["code_verifier"][0]) == 64


async def test_a_code_of_somebody_elses_log_in_is_refused(provider: OpenIdProvider) -> None:
    async with tab_at(provider) as tab, tab_at(provider) as victim:
        stolen = dict(parse_qsl(await victim.come_back("victim")))["code"]
        assert await tab.refused(await tab.come_back(), code=stolen) == "the provider refuses the code"


async def test_a_nonce_that_is_not_ours_is_refused(provider: OpenIdProvider) -> None:
    async with tab_at(provider) as tab:
        assert await tab.refused(await tab.come_back(nonce="somebody else's")) == "ID token: nonce"


# --- the ID token ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": "other", "azp": CLIENT}, "aud"),
        ({"aud": ["other"], "azp": CLIENT}, "aud"),
        ({"aud": [CLIENT, "other"]}, "aud"),
        ({"aud": [CLIENT, "other"], "azp": CLIENT}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": None}, "aud"),
        ({"azp": "other"}, "azp"),
        ({"exp": time.time() - 1}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "9999999999"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": time.time() + 3600}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": time.time() + 3600}, "nbf"),
        ({"nonce": "other"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["x"]}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "sub"),
    ],
)
async def test_an_id_token_that_is_not_for_this_log_in_is_refused_though_the_provider_signed_it(
    provider: OpenIdProvider, claims: dict[str, Any], reason: str
) -> None:
    def change(said: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**said, **claims}.items() if value is not None}

    async with tab_at(provider, {"/token": resigned(provider, change)}) as tab:
        assert await tab.refused(await tab.come_back()) == f"ID token: {reason}"


async def test_an_audience_that_is_a_list_of_us_alone_is_fine(provider: OpenIdProvider) -> None:
    change = resigned(provider, lambda said: {**said, "aud": [CLIENT], "azp": CLIENT})
    async with tab_at(provider, {"/token": change}) as tab:
        assert (await tab.finish(await tab.come_back())).subject == "ann.desk"


async def test_no_algorithm_but_those_of_the_settings_is_believed_whatever_the_provider_lists(
    provider: OpenIdProvider,
) -> None:
    def lists_all(metadata: dict[str, Any]) -> dict[str, Any]:
        return {**metadata, "id_token_signing_alg_values_supported": ["none", "HS256", "RS384", "RS256"]}

    def by_hmac(claims: dict[str, Any]) -> str:
        return jwt.encode(claims, SECRET.ljust(32), "HS256", headers={"kid": "now"})

    def by_nobody(claims: dict[str, Any]) -> str:
        return jwt.encode(claims, "", "none")

    def by_another_hash(claims: dict[str, Any]) -> str:
        return jwt.encode(claims, provider_key("RS256"), "RS384", headers={"kid": "now"})

    for make in (by_nobody, by_hmac, by_another_hash):
        async with tab_at(provider, {METADATA: lists_all, "/token": forged(make)}) as tab:
            assert await tab.refused(await tab.come_back()) == "ID token: its alg is not one of the settings"


async def test_a_key_that_the_provider_does_not_have_signs_nothing(provider: OpenIdProvider) -> None:
    other = provider_key("RS256", "somebody else's")
    for header in ({"kid": "now"}, {"kid": "other"}, dict[str, str]()):

        def by_other(claims: dict[str, Any], header: dict[str, str] = header) -> str:
            return jwt.encode(claims, other, "RS256", headers=header)

        async with tab_at(provider, {"/token": forged(by_other)}) as tab:
            assert await tab.refused(await tab.come_back()) == "ID token: no key of the provider verifies it"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b.c.d.e", "x" * 40_000])
async def test_what_is_no_token_is_refused(provider: OpenIdProvider, token: str) -> None:
    async with tab_at(provider, {"/token": lambda tokens: {**tokens, "id_token": token}}) as tab:
        assert (await tab.refused(await tab.come_back())).startswith("ID token: ")


async def test_an_extension_that_nobody_knows_is_refused(provider: OpenIdProvider) -> None:
    change = forged(lambda claims: provider.sign(claims, crit=["b64"], b64=True))
    async with tab_at(provider, {"/token": change}) as tab:
        assert await tab.refused(await tab.come_back()) == "ID token: crit is refused"


# --- the provider ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        (METADATA, lambda metadata: {**metadata, "issuer": "https://evil.example"}),
        (METADATA, lambda metadata: {**metadata, "token_endpoint": "javascript:alert(1)"}),
        (METADATA, lambda metadata: {}),
        (METADATA, lambda metadata: "x"),
        ("/jwks", lambda keys: {"keys": "x"}),
        ("/token", lambda tokens: {"access_token": "x"}),
    ],
)
async def test_a_provider_that_makes_no_sense_is_its_own_fault(
    provider: OpenIdProvider, path: str, changed: Callable[[Any], Any]
) -> None:
    async with tab_at(provider, {path: changed}) as tab:
        with pytest.raises(PluginError):
            await tab.finish(await tab.come_back())


async def test_a_provider_that_is_not_there_is_said(provider: OpenIdProvider) -> None:
    async with tab_at(provider, issuer="http://127.0.0.1:9") as tab:
        with pytest.raises(PluginError):
            await tab.party.begin(tab.browser)


async def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(provider: OpenIdProvider) -> None:
    def by_post(metadata: dict[str, Any]) -> dict[str, Any]:
        return {**metadata, "token_endpoint_auth_methods_supported": ["client_secret_post"]}

    async with tab_at(provider, {METADATA: by_post}) as tab:
        assert (await tab.finish(await tab.come_back())).subject == "ann.desk"
        assert parse_qs(tab.between.sent[0])["client_secret"] == [SECRET]


@pytest.mark.parametrize(
    "issuer",
    ["http://login.example", "login.example", "https://login.example/?x", "", "ftp://x", "https://a@b.example"],
)
def test_an_issuer_has_to_be_reached_by_https(issuer: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read({"issuer": issuer, "client_id": "x", "client_secret": "x"}, ProviderSettings, base=tmp_path)
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == ["issuer"]


@pytest.mark.parametrize("algorithm", ["none", "HS256", "EdDSA", "rs256"])
def test_an_algorithm_that_proves_nothing_cannot_be_configured(algorithm: str, tmp_path: Path) -> None:
    told = {"issuer": "https://login.example/", "client_id": "x", "client_secret": "x", "algorithms": [algorithm]}
    with pytest.raises(SettingsError) as caught:
        read(told, ProviderSettings, base=tmp_path)
    assert caught.value.mistakes[0].startswith("algorithms[0]")
