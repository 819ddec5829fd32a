"""Logging: one JSON object a line on standard error, for programs to read."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TextIO

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_EXTRAS: Final = ("conversation", "purpose", "reason", "deadline", "code", "event", "who", "tags")
"""Members of `extra` that may be written. A name that is not here is left out, so that nothing slips in."""

_QUIET: Final = ("aiohttp", "asyncio", "uvicorn.error", "websockets", "multipart", "python_multipart")
"""Libraries whose debug lines may hold what people send."""


_TOGETHER: Final = 0.02
"""Seconds for which an entry that is no warning may wait for others."""

_PIECE_BYTES: Final = 4096
"""PIPE_BUF of Linux: no more than this is certain to go into a pipe in one piece (POSIX, write())."""


class JsonLines(logging.Formatter):
    """Time, level, logger, text, and the extras that are known."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "time": _moment(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": _writable(_text(record)),
        }
        line.update({name: _writable(value) for name in _EXTRAS if (value := getattr(record, name, None)) is not None})
        if record.exc_info is not None and record.exc_info[1] is not None:
            line["error"] = _where(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def _moment(seconds: float) -> str:
    return f"{_second(int(seconds))}.{int(seconds % 1 * 1000):03}+00:00"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """A moment, but for its fraction: the same for all lines of a second."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


class _LinesHandler(logging.StreamHandler[TextIO]):
    """Writes entries; of one that cannot be written, where it came from, and not what was in it.

    The entries of a moment (`_TOGETHER`) go out together: a busy server writes once for many requests. What needs
    attention is written at once, and all that was said before it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str | tuple[float, str, str]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop that will write them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        try:
            self._lines.append(self.format(record) + self.terminator)
            if record.levelno >= logging.WARNING or not self._soon():
                self.flush()
        except Exception:  # noqa: BLE001 - whatever is wrong with an entry, it does not end what it is about
            self.handleError(record)

    def say(self, logger: str, text: str) -> None:
        """An entry of level info with nothing besides, without a record: a tenth of the price. Written out later."""
        entry = (time.time(), logger, text)
        with self.lock or contextlib.nullcontext():
            self._lines.append(entry)
            if not self._soon():
                self.flush()

    def _written(self, entry: str | tuple[float, str, str]) -> str:
        if isinstance(entry, str):
            return entry
        moment, logger, text = entry
        said = _said(text)
        return f'{{"time":"{_moment(moment)}","level":"info","logger":"{logger}","text":{said}}}{self.terminator}'

    def flush(self) -> None:
        """Write what is kept."""
        with self.lock or contextlib.nullcontext():
            self._loop = None
            lines, self._lines = self._lines, []
            for together in in_pieces(map(self._written, lines)):
                self.stream.write(together)
            super().flush()

    def _soon(self) -> bool:
        """Write in a moment; False where there is no event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(_TOGETHER, self.flush)
        return True

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Called by `emit` while the exception is handled."""
        place = f"{record.pathname}:{record.lineno}"
        line = {"level": "error", "logger": record.name, "text": "an entry could not be written", "error": [place]}
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(msgspec.json.encode(line).decode() + self.terminator)


def in_pieces(lines: Iterable[str]) -> Iterator[str]:
    """The lines, as many together as a pipe takes whole: other processes of this server may write to it as well."""
    together: list[str] = []
    size = 0
    for line in lines:
        length = len(line) if line.isascii() else len(line.encode())
        if together and size + length > _PIECE_BYTES:
            yield "".join(together)
            together, size = [], 0
        together.append(line)
        size += length
    if together:
        yield "".join(together)


def say(logger: logging.Logger, text: str) -> None:
    """`logger.info(text)`, for what is said of every request: where nobody else listens, without the machinery."""
    handlers = logger.root.handlers
    node: logging.Logger | None = logger
    while node is not None and node.propagate and not node.handlers:
        node = node.parent
    if node is logger.root and len(handlers) == 1 and isinstance(handlers[0], _LinesHandler):
        handlers[0].say(logger.name, text)
    else:
        logger.info("%s", text)


def _text(record: logging.LogRecord) -> str:
    """What is said. Of the event loop's own words no more than is fixed: the rest shows arguments and results."""
    if record.name != "asyncio":
        return record.getMessage()
    if record.exc_info is not None:
        return "an exception was not caught"
    return record.getMessage().partition("\n")[0]


def _writable(value: object) -> object:
    """Text without what UTF-8 has no bytes for (lone surrogates, as in names of files)."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _said(text: str) -> str:
    """As a member of an entry. Nearly every text is writable: tried first, since that costs a third."""
    try:
        return msgspec.json.encode(text).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_writable(text)).decode()


def _where(error: BaseException) -> list[str]:
    """Type and places, without the error's text and without source lines: either may hold what people sent."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_qualname}")
        trace = trace.tb_next
    return [type(error).__name__, *places[-8:]]


def set_up(level: str) -> None:
    """Write everything from `level` up; what libraries say only from warnings up."""
    # Which thread and process said it is written nowhere; to find that out is half of what a line costs.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = _LinesHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        _give_to_root(library)


def _give_to_root(logger: logging.Logger | None) -> None:
    """Undo what a library set up for itself, on the way up: everything is written in one form, once."""
    while logger is not None and logger.parent is not None:
        logger.handlers.clear()
        logger.propagate = True
        logger = logger.parent
