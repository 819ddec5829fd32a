from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.core.accept import prefers_json

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "APPLICATION/JSON; q=0.1",
        "application/json, text/plain, */*",
        "application/json, text/html",
        "text/html;q=0.5, application/json",
        "application/json, text/html;q=0.9",
        "application/*",
        "*/*, text/html;q=0",
        "text/*;q=0.2, application/*;q=0.3",
    ],
)
def test_who_prefers_json_gets_json(accept: str) -> None:
    assert prefers_json(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "",
        CHROMIUM,
        "text/html",
        "text/html, application/json",
        "text/html, application/json;q=0.9",
        "application/json;q=0",
        "application/json;q=nonsense",
        "application/json;q=0, */*",
        "application/json;q=2",
        "image/png",
        "application/jsonp",
    ],
)
def test_browsers_and_everybody_else_are_redirected(accept: str) -> None:
    assert not prefers_json(accept)


weights = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


@given(json=weights, page=weights)
def test_of_two_named_types_the_heavier_one_decides_in_any_order(json: float, page: float) -> None:
    items = [f"application/json;q={json}", f"text/html;q={page}"]
    if json != page:
        assert prefers_json(",".join(items)) is prefers_json(",".join(reversed(items))) is (json > page)


@given(st.text(max_size=60))
def test_any_header_is_answered(accept: str) -> None:
    assert prefers_json(accept) in (True, False)
