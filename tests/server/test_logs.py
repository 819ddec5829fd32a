"""What is written to the log, and above all what is not."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.logs import in_pieces, set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "Suzanne Moulin 7f3a"


class TroubleError(Exception):
    """An error whose text is what somebody sent."""


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Logging as the server sets it up, into memory; as it was, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {
        name: logger.level for name, logger in root.manager.loggerDict.items() if isinstance(logger, logging.Logger)
    }
    set_up("debug")
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, logger in root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger):
            logger.setLevel(levels.get(name, logging.NOTSET))


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in log.getvalue().split("\n")[:-1]]


def test_a_line_says_when_how_serious_where_and_what(log: io.StringIO) -> None:
    logging.getLogger("idcontact.live").warning("%d of them", 3, extra={"conversation": "abc", "tags": ["city"]})
    [line] = lines(log)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "idcontact.live",
        "text": "3 of them",
        "conversation": "abc",
        "tags": ["city"],
    }


def test_an_extra_that_is_not_known_is_left_out(log: io.StringIO) -> None:
    logging.getLogger("idcontact.live").error("said", extra={"token": SECRET, "attributes": {"fullname": SECRET}})
    assert SECRET not in log.getvalue()
    assert set(lines(log)[0]) == {"time", "level", "logger", "text"}


def test_of_an_exception_only_its_kind_and_places_are_written(log: io.StringIO) -> None:
    def fail(sent: str) -> None:
        try:
            int(sent)
        except ValueError as error:
            raise TroubleError(f"cannot: {sent}") from error

    try:
        fail(SECRET)
    except TroubleError:
        logging.getLogger("idcontact.live").exception("it failed", stack_info=True)
    assert SECRET not in log.getvalue()
    [line] = lines(log)
    assert line["error"][0] == "TroubleError"
    assert line["error"][-1].endswith("fail")
    assert all("test_logs.py:" in place for place in line["error"][1:])


def test_one_entry_is_one_line_whatever_is_in_it(log: io.StringIO) -> None:
    logging.getLogger("idcontact").warning('a "quote"\n{"level": "forged"}\r\u2028', extra={"who": "a\nb"})
    [line] = lines(log)
    assert (line["level"], line["who"]) == ("warning", "a\nb")


def test_text_that_is_no_unicode_is_written_all_the_same(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    # Ours alone: what pytest notes of it cannot be told from one of its processes to another.
    monkeypatch.setattr(root, "handlers", [h for h in root.handlers if getattr(h, "stream", None) is log])
    logging.getLogger("idcontact").warning("a path %s", "\udcff", extra={"who": "\ud800"})
    [line] = lines(log)
    assert line["text"] == "a path ?"


def test_an_entry_that_cannot_be_written_is_not_spilled_elsewhere(
    log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise TroubleError(SECRET)

    logging.getLogger("idcontact").warning(SECRET, extra={"who": Unspeakable()})
    assert capsys.readouterr().err == ""
    [line] = lines(log)
    assert (line["logger"], line["text"]) == ("idcontact", "an entry could not be written")
    assert "test_logs.py:" in line["error"][0]


@pytest.mark.parametrize(
    "library", ["aiohttp.client", "asyncio", "uvicorn.error", "websockets.server", "multipart.multipart"]
)
def test_libraries_are_heard_only_when_something_is_wrong(log: io.StringIO, library: str) -> None:
    logger = logging.getLogger(library)
    logger.debug("> TEXT %s", SECRET)
    logger.info("request %s", SECRET)
    assert log.getvalue() == ""
    logger.warning("something is wrong")
    assert [line["logger"] for line in lines(log)] == [library]


async def _forgotten_task() -> None:
    async def fails() -> None:
        raise TroubleError(SECRET)

    task = asyncio.get_running_loop().create_task(fails())
    await asyncio.wait({task})


async def _callback_that_fails() -> None:
    def fails(sent: str) -> None:
        raise TroubleError(sent)

    asyncio.get_running_loop().call_soon(fails, SECRET)
    await asyncio.sleep(0)


@pytest.mark.parametrize("mishap", [_forgotten_task, _callback_that_fails])
def test_what_the_event_loop_says_of_a_failure_holds_nothing_of_it(log: io.StringIO, mishap: Callable[[], Any]) -> None:
    asyncio.run(mishap())
    assert SECRET not in log.getvalue()
    assert [line["error"][0] for line in lines(log)] == ["TroubleError"]


def test_the_level_decides_what_is_written(log: io.StringIO) -> None:
    set_up("warning")
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr
    handler.setStream(log)
    logging.getLogger("idcontact.access").info("GET / 200")
    logging.getLogger("idcontact").warning("heard")
    assert [line["text"] for line in lines(log)] == ["heard"]


@given(st.lists(st.text(st.sampled_from("aé€\U0001f600"), max_size=3000).map(lambda text: f"{text}\n"), max_size=20))
def test_lines_go_out_whole_and_no_more_together_than_a_pipe_takes_at_once(written: list[str]) -> None:
    pieces = list(in_pieces(written))
    assert "".join(pieces) == "".join(written)
    assert all(piece.endswith("\n") for piece in pieces)
    assert all(len(piece.encode()) <= 4096 or piece.count("\n") == 1 for piece in pieces)
    fewest = sum(len(line.encode()) for line in written) / 4096
    assert len(pieces) <= max(2 * fewest + 1, 1)
