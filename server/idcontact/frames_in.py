"""What comes in over a WebSocket, cut into frames (RFC 6455 section 5.2), and the texts of those that are a message.

Nearly all that people's pages send is a short text in one frame. To take that apart with general means costs as much
as to encrypt it, and more than to check it; everything else is left to those.
"""

from __future__ import annotations

from typing import Final

try:
    from websockets.speedups import apply_mask
except ImportError:  # built without C
    from websockets.utils import apply_mask

_TEXT: Final = 0x81
"""The whole of a text message, without extensions."""
_MASKED: Final = 0x80
_MEDIUM: Final = 126
"""Where a length would be: it follows in 2 bytes; with one more, in 8."""
_LONGEST_HEAD: Final = 14


class FrameCutter:
    """Cuts at the ends of frames. A frame of much more than `longest` is not waited for, and nothing cut after it."""

    __slots__ = ("_longest", "_needed", "_rest", "_uncut")

    def __init__(self, longest: int) -> None:
        self._longest = longest + _LONGEST_HEAD
        self._rest: bytearray | None = None
        self._needed = 0
        """How long what is left must be before there is a use in looking at it again."""
        self._uncut = False

    def cut(self, data: bytes) -> list[bytes]:
        """The frames that are whole now; a frame too long as far as it has come, so that it can be refused."""
        if self._uncut:
            return [data]
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data, self._rest = bytes(self._rest), None
        frames = []
        start, end = 0, len(data)
        while start < end:
            stop = _end_of_frame(data, start)
            if stop > end and stop - start <= self._longest:
                self._rest, self._needed = bytearray(data[start:]), stop - start
                break
            if stop - start > self._longest:
                self._uncut, stop = True, end
            frames.append(data[start:stop])
            start = stop
        return frames


def _end_of_frame(data: bytes, start: int) -> int:
    """Where the frame at `start` ends, or its head where that is not whole yet."""
    known = len(data) - start
    if known < 2:
        return start + 2
    second = data[start + 1]
    length, head = second & 0x7F, 6 if second & _MASKED else 2
    if length >= _MEDIUM:
        more = 2 if length == _MEDIUM else 8
        if known < 2 + more:
            return start + 2 + more
        length, head = int.from_bytes(data[start + 2 : start + 2 + more], "big"), head + more
    return start + head + length


def text_of(frame: bytes) -> bytes | None:
    """The text of a whole frame of less than 64 kB that is a message by itself, as a client sends it; else None."""
    if frame[0] != _TEXT or len(frame) < 6 or not frame[1] & _MASKED:
        return None
    length, mask = frame[1] & 0x7F, 2
    if length > _MEDIUM:
        return None
    if length == _MEDIUM:
        length, mask = int.from_bytes(frame[2:4], "big"), 4
    start = mask + 4
    if len(frame) - start != length:
        return None
    return apply_mask(frame[start:], frame[mask:start])
