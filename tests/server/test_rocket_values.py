"""Values of ROCKET_ variables, as the published core takes them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.rocket_values import Value, value_of

WORDS = st.text("abcdefghij-_/:", min_size=1, max_size=8).filter(lambda word: word not in ("true", "false"))
PLAIN = st.booleans() | st.integers(-(10**17), 10**17) | WORDS
VALUES: st.SearchStrategy[Value] = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-_09", min_size=1), inner, max_size=3),
    max_leaves=8,
)


def written(value: Value) -> str:
    """As somebody would write it, with no more quotes than are needed."""
    match value:
        case bool():
            return json.dumps(value)
        case list():
            return f"[{', '.join(map(written, value))}]"
        case dict():
            return "{" + ", ".join(f"{key} = {written(inner)}" for key, inner in value.items()) + "}"
    return str(value)


@given(VALUES)
def test_what_is_written_as_documented_is_read_so_however_deep(value: Value) -> None:
    assert value_of(f" {written(value)} ") == value


@given(st.text(max_size=30))
def test_nothing_is_malformed(text: str) -> None:
    assert value_of(text) is not None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8000", 8000),
        ("-1", -1),
        ("1.5", 1.5),
        ("true", True),
        ("trueish", "trueish"),
        (" text with spaces ", "text with spaces"),
        ("https://core.example.org/x?a=b", "https://core.example.org/x?a=b"),
        ('"8000"', "8000"),
        ('" kept "', " kept "),
        (r'"a\n\"b\" \u00e9 \\"', 'a\n"b" é \\'),
        (r'"\x"', r'"\x"'),
        ('"open', '"open'),
        ("[1, two, [3]]", [1, "two", [3]]),
        ("[]", []),
        ("{}", {}),
        ("[1, 2,]", [1, 2]),
        ("[1 2]", ["1 2"]),
        ("[hi", "[hi"),
        ("{a=1, b = [x]} ", {"a": 1, "b": ["x"]}),
        ("{a}", "{a}"),
        ("", ""),
        ("[" * 60 + "]" * 60, "[" * 60 + "]" * 60),
        ("1.2.3", "1.2.3"),
        (".", "."),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_each_form_of_value(text: str, value: Value) -> None:
    assert value_of(text) == value
