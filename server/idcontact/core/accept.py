"""Whether an answer is wanted as JSON or as a redirect (RFC 9110 §12.5.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_SPECIFIC: Final = {"*/*": 1, "application/*": 2, "text/*": 2, "application/json": 3, "text/html": 3}
_NOT_THERE: Final = (0.0, 0, 0)


@lru_cache(maxsize=1024)
def prefers_json(accept: str) -> bool:
    """Whether JSON is preferred over a page.

    By weight; at equal weight what is named more exactly, then what is named first. `*/*` alone prefers a page: that is
    what browsers and simple programs send, and a redirect suits both.
    """
    ranges = [_media_range(item, -place) for place, item in enumerate(accept.split(","))]
    json = _best(ranges, ("application/json", "application/*", "*/*"))
    page = _best(ranges, ("text/html", "text/*", "*/*"))
    return json[0] > 0 and json > page


def _best(ranges: list[tuple[str, float, int]], fitting: tuple[str, ...]) -> tuple[float, int, int]:
    """Weight, exactness and place of the most exact range that fits."""
    for media in fitting:
        found = [(weight, _SPECIFIC[media], place) for name, weight, place in ranges if name == media]
        if found:
            return max(found)
    return _NOT_THERE


def _media_range(item: str, place: int) -> tuple[str, float, int]:
    name, *parameters = (part.strip().lower() for part in item.split(";"))
    weight = next((part.removeprefix("q=") for part in parameters if part.startswith("q=")), "1")
    try:
        value = float(weight)
    except ValueError:
        value = 0.0
    return name, value if 0 <= value <= 1 else 0.0, place
