"""Both applications of a real house, against their own OpenAPI documents: schemathesis finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from fuzzed import CALLS, findings, full_site, internal_examples, public_examples, with_examples
from running import ServerProcess
from searching import examples, times
from servers import RedisServer
from visitors import Program, Visitor, connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = [pytest.mark.hypothesis, pytest.mark.asyncio(loop_scope="module")]

SEED = ("--seed", "1") if times() == 1 else ()
"""The same requests in every run of `make test`."""
FUZZED = ("--max-examples", str(examples(4)), *SEED)
"""Of each operation; beside them the examples, and every boundary of every schema once."""
NOT_FUZZED = ("--phases", "examples,coverage", *SEED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    with RedisServer("valkey") as redis:
        site = full_site(tmp_path_factory.mktemp("site"), redis.url)
        async with ServerProcess(site, "info") as running:
            yield running


@pytest.fixture(autouse=True)
def nothing_unforeseen(server: ServerProcess) -> Iterator[None]:
    """Afterwards: nothing went wrong that nobody noticed."""
    yield
    log = server.log.read_text()
    assert "Traceback" not in log, log[-4000:]


@pytest.mark.parametrize(
    ("accept", "budget"), [("application/json", FUZZED), ("text/html", NOT_FUZZED)], ids=["programs", "people"]
)
async def test_the_public_application_does_what_its_document_says(
    server: ServerProcess, accept: str, budget: tuple[str, ...]
) -> None:
    site = server.site
    async with connections() as session:
        visitor = Visitor(session, site)
        document = await with_examples(site.url, session, site, await public_examples(visitor))
    headers = ("--header", f"Accept: {accept}", "--header", f"Cookie: {visitor.cookie_header}")
    assert await findings(document, site.url, site.folder, *headers, *budget) == ""


async def test_the_internal_application_does_what_its_document_says(server: ServerProcess) -> None:
    site = server.site
    async with connections() as session:
        document = await with_examples(site.internal, session, site, await internal_examples(Program(session, site)))
    contact_centre = ("--header", f"Authorization: Bearer {CALLS}")
    assert await findings(document, site.internal, site.folder, *contact_centre, *FUZZED) == ""
