"""What Prometheus would read of a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from running import Site


async def scraped(site: Site) -> str:
    """The page of metrics."""
    async with aiohttp.ClientSession() as session, session.get(f"{site.internal}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return await answer.text()


def samples(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a page, by its name and its labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


async def measured(site: Site, name: str, **labels: str) -> float:
    """One sample as it is now."""
    return samples(await scraped(site))[name, frozenset(labels.items())]


async def until_measured(site: Site, name: str, value: float, **labels: str) -> None:
    """Scrape until a sample has this value."""
    now: float | None = None
    for _ in range(2_000):
        now = samples(await scraped(site)).get((name, frozenset(labels.items())))
        if now == value:
            return
    raise AssertionError(f"{name} is {now}, not {value}")
