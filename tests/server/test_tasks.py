"""Tasks that have an owner."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from idcontact.tasks import Tasks, several


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_leaving_ends_what_still_runs() -> None:
    async with Tasks() as tasks:
        task = tasks.start(for_ever())
        await asyncio.sleep(0)
    assert task.cancelled()


async def test_leaving_waits_for_what_has_something_to_finish() -> None:
    finished = False

    async def tidy() -> None:
        nonlocal finished
        try:
            await for_ever()
        finally:
            await asyncio.sleep(0)
            finished = True

    async with Tasks() as tasks:
        tasks.start(tidy())
        await asyncio.sleep(0)
    assert finished


async def test_a_cancellation_that_a_library_loses_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `asyncio.wait_for` of Python 3.11 does."""
    monkeypatch.setattr("idcontact.tasks._PATIENCE", 0.01)

    async def loses_one() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await for_ever()
        await for_ever()

    async with asyncio.timeout(5), Tasks() as tasks:
        task = tasks.start(loses_one())
        await asyncio.sleep(0)
    assert task.cancelled()


async def test_several_are_done_at_a_time_and_begun_in_order() -> None:
    begun: list[int] = []
    done: list[int] = []
    together = asyncio.Barrier(3)

    async def do(number: int) -> None:
        begun.append(number)
        await together.wait()
        done.append(number)

    async with asyncio.timeout(10):
        await several(3, (do(number) for number in range(9)))
    assert begun == list(range(9))
    assert sorted(done) == begun


async def test_the_first_failure_ends_the_others_and_begins_no_more() -> None:
    begun: list[int] = []
    ended: list[int] = []

    async def do(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise ValueError
        try:
            await for_ever()
        finally:
            ended.append(number)

    with pytest.raises(ValueError):  # noqa: PT011 - it has no text
        await several(3, (do(number) for number in range(9)))
    assert (begun, sorted(ended)) == ([0, 1, 2], [0, 1])


async def test_a_failure_is_said_by_its_kind_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("Suzanne Moulin")

    async with Tasks() as tasks:
        await asyncio.wait({tasks.start(fails(), "work")})
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "task work failed: ValueError")


async def test_what_is_kept_begins_again_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idcontact.tasks._PAUSE", 0.0)
    begun = 0
    third = asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ValueError
        third.set()
        await for_ever()

    async with asyncio.timeout(5), Tasks() as tasks:
        task = tasks.keep(work, "work")
        await third.wait()
    assert (begun, task.cancelled()) == (3, True)
