"""Both applications of a real house, against their own OpenAPI documents: schemathesis finds nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from fuzzed import CALLS, findings, full_site, internal_examples, public_examples, with_examples
from idcontact.live import socket as live_socket
from running import running_house
from searching import examples, times
from visitors import Program, Visitor, connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from running import Site
    from servers import RedisServer

pytestmark = [pytest.mark.hypothesis, pytest.mark.asyncio(loop_scope="module")]

SEED = ("--seed", "1") if times() == 1 else ()
"""The same requests in every run of `make test`."""
FUZZED = ("--max-examples", str(examples(4)), *SEED)
"""Of each operation; beside them the examples, and every boundary of every schema once."""
NOT_FUZZED = ("--phases", "examples,coverage", *SEED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(one_redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    with one_redis_server.client() as client:
        client.flushall()
    with pytest.MonkeyPatch.context() as patch:
        # Who opens a stream and says nothing is waited for: here by nobody, since schemathesis never says anything.
        patch.setattr(live_socket, "HELLO_WITHIN", 0.05)
        async with running_house(full_site(tmp_path_factory.mktemp("site"), one_redis_server.url)) as running:
            yield running


@pytest.fixture(autouse=True)
def nothing_unforeseen(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Afterwards: nothing went wrong that nobody noticed."""
    yield
    troubles = [one for one in caplog.get_records("call") if one.exc_info or one.levelno >= logging.ERROR]
    assert not troubles, caplog.text[-4000:]


@pytest.mark.parametrize(
    ("accept", "budget"), [("application/json", FUZZED), ("text/html", NOT_FUZZED)], ids=["programs", "people"]
)
async def test_the_public_application_does_what_its_document_says(
    site: Site, accept: str, budget: tuple[str, ...]
) -> None:
    async with connections() as session:
        visitor = Visitor(session, site)
        document = await with_examples(site.url, session, site, await public_examples(visitor))
    headers = ("--header", f"Accept: {accept}", "--header", f"Cookie: {visitor.cookie_header}")
    assert await findings(document, site.url, site.folder, *headers, *budget) == ""


async def test_the_internal_application_does_what_its_document_says(site: Site) -> None:
    async with connections() as session:
        document = await with_examples(site.internal, session, site, await internal_examples(Program(session, site)))
    contact_centre = ("--header", f"Authorization: Bearer {CALLS}")
    assert await findings(document, site.internal, site.folder, *contact_centre, *FUZZED) == ""
