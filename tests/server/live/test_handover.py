"""The sockets of a node that ends: sent to the others in batches, and nobody is held to be gone meanwhile."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from idcontact.live.handover import FEW, PAUSE, OpenSockets, batches
from live_floor import floor_of
from running import make_site, running_house

if TYPE_CHECKING:
    from pathlib import Path

    from live_client import Frame


class Closed:
    """A socket that notes how it is closed."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    @property
    def closed_with(self) -> int | None:
        return self.codes[0] if self.codes else None

    def close(self, code: int) -> None:
        self.codes.append(code)


@given(count=st.integers(0, 20_000), seconds=st.floats(0, 60))
def test_everybody_is_in_one_batch_and_the_last_one_goes_in_time(count: int, seconds: float) -> None:
    sizes = batches(count, seconds)
    assert sum(sizes) == count
    assert all(size > 0 for size in sizes)
    assert (len(sizes) - 1) * PAUSE <= seconds or len(sizes) <= 1


@given(count=st.integers(1, 20_000), seconds=st.floats(0, 60))
def test_batches_are_as_small_as_time_allows_but_few_do_not_wait(count: int, seconds: float) -> None:
    sizes = batches(count, seconds)
    assert all(size == sizes[0] for size in sizes[:-1])
    if count <= FEW:
        assert sizes == [count]
    elif sizes[0] > FEW:  # smaller ones would have taken too long
        assert -(-count // (sizes[0] - 1)) > seconds / PAUSE


async def test_a_batch_goes_only_after_a_pause() -> None:
    sent = [Closed() for _ in range(2 * FEW + 1)]
    pauses: list[int] = []

    async def pause(seconds: float) -> None:
        assert seconds == PAUSE
        pauses.append(sum(bool(socket.codes) for socket in sent))

    sockets = OpenSockets(pause)
    with ExitStack() as open_sockets:
        for socket in sent:
            open_sockets.enter_context(sockets.kept(socket, "end_user"))
        await sockets.hand_over(3)
    assert pauses == [FEW, 2 * FEW]
    assert all(socket.codes == [1012] for socket in sent)


async def test_who_comes_when_the_node_is_leaving_is_sent_on_at_once() -> None:
    sockets, late = OpenSockets(), Closed()
    await sockets.hand_over(3)
    with sockets.kept(late, "agent"):
        assert late.codes == [1012]
        assert len(sockets) == 1
    assert len(sockets) == 0


async def test_nobody_hears_that_who_is_handed_over_was_gone(one_redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "leaving").mkdir()
    house = make_site(tmp_path, one_redis_url)
    async with running_house(house), floor_of(house) as floor:
        leaving = make_site(tmp_path / "leaving", one_redis_url, beside=house)
        async with running_house(leaving):
            end_user, ann = await floor.talk(site=leaving)
            await ann.away()
            other, bob = await floor.talk("bob", at=leaving)
            since = [len(client.frames) for client in (ann, other)]
        assert await end_user.closed() == await bob.closed() == 1012
        end_user.site = bob.site = house
        await end_user.connect()
        await bob.connect()
        for person, agent in ((end_user, ann), (other, bob)):
            await person.say("still here")
            await agent.said(person.conversation, "still here")
        for client, before in zip((ann, other), since, strict=True):
            for frame in client.frames[before:]:
                if frame["type"] == "conversation":
                    assert _all_present(frame["conversation"]), frame


def _all_present(view: Frame) -> bool:
    """What a console says of the end user, or a page of the agent."""
    return bool(view["end_user_present"] if "end_user_present" in view else view["agent"]["present"])
