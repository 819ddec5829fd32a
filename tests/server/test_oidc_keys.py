"""The keys of a provider, that change while we know them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from openid import (
    REDIRECT,
    OpenIdProvider,
    forged,
    jwk_of,
    openid_provider,
    provider_key,
    public_jwk,
    resigned,
    tab_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with openid_provider(REDIRECT) as running:
        yield running


def old_keys() -> dict[str, Any]:
    return {"keys": [public_jwk(jwk_of(provider_key("RS256", "old"), "RS256", "before"))]}


async def test_keys_that_the_provider_changed_are_asked_for_once(provider: OpenIdProvider) -> None:
    answers = iter([old_keys()])
    async with tab_at(provider, {"/jwks": lambda keys: next(answers, keys)}) as tab:
        # The first look finds the old keys only; it was just now, so nobody asks again.
        assert "no key" in await tab.refused(await tab.come_back())
        tab.ahead = 31
        assert (await tab.finish(await tab.come_back())).subject == "ann.desk"
        assert tab.between.asked.count("/jwks") == 2


async def test_made_up_keys_do_not_make_us_ask_all_the_time(provider: OpenIdProvider) -> None:
    def unknown(claims: dict[str, Any]) -> str:
        return provider.sign(claims, kid="made up")

    async with tab_at(provider, {"/token": forged(unknown)}) as tab:
        for _ in range(4):
            await tab.refused(await tab.come_back())
        assert tab.between.asked.count("/jwks") == 1
        tab.ahead = 31
        for _ in range(3):
            await tab.refused(await tab.come_back())
        assert tab.between.asked.count("/jwks") == 2


async def test_a_key_that_was_withdrawn_is_not_believed_for_longer_than_an_hour(provider: OpenIdProvider) -> None:
    withdrawn = False
    async with tab_at(provider, {"/jwks": lambda keys: old_keys() if withdrawn else keys}) as tab:
        await tab.finish(await tab.come_back())
        withdrawn = True
        tab.ahead = 60 * 60
        change = resigned(provider, lambda said: {**said, "exp": time.time() + 9000})
        tab.between.changes["/token"] = change
        assert "no key" in await tab.refused(await tab.come_back())


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"alg": "RS512"}, {"kty": "oct", "k": "eA"}, {"kty": "EC"}, {"n": "!"}, {"n": "AQAB"}]
)
async def test_a_key_that_is_not_for_this_is_not_used(provider: OpenIdProvider, change: dict[str, str]) -> None:
    def changed(keys: dict[str, Any]) -> dict[str, Any]:
        return {"keys": [{**key, **change} for key in keys["keys"]]}

    async with tab_at(provider, {"/jwks": changed}) as tab:
        assert "no key" in await tab.refused(await tab.come_back())
