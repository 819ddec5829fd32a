"""Frames of clients, however they come in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from idcontact.frames_in import FrameCutter, text_of

LONGEST = 70_000
LENGTHS = st.sampled_from((0, 1, 125, 126, 127, 65535, 65536, LONGEST)) | st.integers(0, 300)
"""Around the places where RFC 6455 section 5.2 writes a length in another way."""
KINDS = (
    (Opcode.TEXT, True),
    (Opcode.TEXT, False),
    (Opcode.CONT, True),
    (Opcode.BINARY, True),
    (Opcode.PING, True),
    (Opcode.CLOSE, True),
)


def written(opcode: Opcode, fin: bool, length: int, *, mask: bool = True) -> bytes:
    """A frame as a client sends it."""
    if opcode in {Opcode.PING, Opcode.CLOSE}:
        length = min(length, 125)
    return Frame(opcode, b"x" * length, fin).serialize(mask=mask)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """Frames, and the same bytes in other pieces."""
    kinds = draw(st.lists(st.tuples(st.sampled_from(KINDS), LENGTHS, st.booleans()), max_size=6))
    frames = [written(opcode, fin, length, mask=mask) for (opcode, fin), length, mask in kinds]
    whole = b"".join(frames)
    places = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[start:stop] for start, stop in zip([0, *places], [*places, len(whole)], strict=True)]
    return frames, [piece for piece in pieces if piece]


@given(streams())
def test_what_comes_in_any_pieces_comes_out_in_whole_frames(stream: tuple[list[bytes], list[bytes]]) -> None:
    frames, pieces = stream
    cutter = FrameCutter(LONGEST)
    assert [frame for piece in pieces for frame in cutter.cut(piece)] == frames


def test_a_frame_that_comes_a_byte_at_a_time_is_whole_with_the_last_one() -> None:
    frame = written(Opcode.TEXT, True, 300)
    cutter = FrameCutter(LONGEST)
    assert [cutter.cut(frame[at : at + 1]) for at in range(len(frame))] == [[]] * (len(frame) - 1) + [[frame]]


@given(length=LENGTHS.filter(lambda length: length < 65536))
def test_the_text_of_a_message_in_one_frame_is_what_was_said(length: int) -> None:
    said = b"y" * length
    assert text_of(Frame(Opcode.TEXT, said).serialize(mask=True)) == said


@given(st.sampled_from(KINDS[1:]), LENGTHS)
def test_no_other_frame_has_a_text(kind: tuple[Opcode, bool], length: int) -> None:
    assert text_of(written(*kind, length)) is None


@given(LENGTHS)
def test_nor_has_one_without_a_mask_or_with_bits_of_an_extension(length: int) -> None:
    assert text_of(written(Opcode.TEXT, True, length, mask=False)) is None
    plain = written(Opcode.TEXT, True, length)
    assert text_of(bytes((plain[0] | 0x40,)) + plain[1:]) is None


def test_a_length_in_more_bytes_than_it_needs_is_not_taken_for_a_shorter_one() -> None:
    frame = bytes((0x81, 0xFF)) + (119).to_bytes(8, "big") + b"mask" + b"x" * 119
    assert FrameCutter(LONGEST).cut(frame) == [frame]
    assert text_of(frame) is None


def test_a_frame_that_is_too_long_comes_out_with_its_head_and_nothing_is_cut_after_it() -> None:
    frame = written(Opcode.TEXT, True, LONGEST + 1)
    before = written(Opcode.TEXT, True, 3)
    cutter = FrameCutter(LONGEST)
    assert cutter.cut(before + frame[:5]) == [before]
    assert cutter.cut(frame[5:20]) == [frame[:20]]
    assert text_of(frame[:20]) is None
    assert cutter.cut(frame[20:] + before) == [frame[20:] + before]
