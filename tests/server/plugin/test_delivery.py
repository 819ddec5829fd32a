from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idcontact.outgoing import Outgoing
from idcontact.plugin.delivery import PAUSES, deliver, with_result
from plugin_house import ATTR_URL, Receiver
from searching import examples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TLS = ssl.create_default_context()
UNCLEAR = st.sampled_from([500, 502, 503, 504, 599, None])
REFUSED = st.sampled_from([300, 302, 303, 400, 404, 410, 413, 429])


class Waits:
    """A wait that takes no time and is noted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def delivered(receiver: Receiver) -> tuple[bool, list[float]]:
    """Whether a token arrives at such a receiver, and the pauses that were made."""
    waits = Waits()
    async with Outgoing(limit=0.5, tls=TLS) as outgoing:
        outgoing.mount(ATTR_URL, receiver)
        return await deliver(outgoing, ATTR_URL, "a.b.c.d.e", waits), waits.seconds


async def test_a_token_is_posted_as_a_jwt_without_a_newline() -> None:
    receiver = Receiver()
    assert await delivered(receiver) == (True, [])
    assert receiver.tokens == ["a.b.c.d.e"]
    assert receiver.content_types == ["application/jwt"]


@settings(max_examples=examples(40))
@given(unclear=st.lists(UNCLEAR, max_size=2), success=st.sampled_from([200, 201, 204]))
async def test_the_same_token_is_sent_again_after_each_unclear_answer(unclear: list[int | None], success: int) -> None:
    receiver = Receiver([*unclear, success])
    assert await delivered(receiver) == (True, list(PAUSES[: len(unclear)]))
    assert receiver.tokens == ["a.b.c.d.e"] * (len(unclear) + 1)


@settings(max_examples=examples(40))
@given(unclear=st.lists(UNCLEAR, min_size=3, max_size=3))
async def test_after_three_unclear_answers_it_is_given_up(unclear: list[int | None]) -> None:
    receiver = Receiver(list(unclear))
    assert await delivered(receiver) == (False, list(PAUSES))
    assert len(receiver.tokens) == 3


@settings(max_examples=examples(40))
@given(unclear=st.lists(UNCLEAR, max_size=2), refused=REFUSED)
async def test_a_clear_refusal_is_not_repeated(unclear: list[int | None], refused: int) -> None:
    receiver = Receiver([*unclear, refused])
    assert (await delivered(receiver))[0] is False
    assert len(receiver.tokens) == len(unclear) + 1


@pytest.fixture
async def outgoing() -> AsyncIterator[Outgoing]:
    async with Outgoing(limit=0.1) as client:
        yield client


async def test_nobody_there_is_unclear_too_and_the_log_tells_neither_token_nor_address(
    outgoing: Outgoing, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    waits = Waits()
    with caplog.at_level(logging.DEBUG):
        assert not await deliver(outgoing, f"http://127.0.0.1:{unused_tcp_port}/attr/secret", "a.b.c", waits)
    assert waits.seconds == list(PAUSES)
    assert "could not be delivered" in caplog.text
    assert "secret" not in caplog.text
    assert "a.b.c" not in caplog.text


@pytest.mark.parametrize(
    ("continuation", "expected"),
    [
        ("https://a/land", "https://a/land?result=t"),
        ("https://a/land?x=1", "https://a/land?x=1&result=t"),
        ("https://a/land?", "https://a/land?&result=t"),
    ],
)
def test_a_result_in_the_query_follows_what_is_there(continuation: str, expected: str) -> None:
    assert with_result(continuation, "t") == expected
