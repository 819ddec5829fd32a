"""What Prometheus reads: that it is what happens, only behind the internal door, and says of nobody who they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from idcontact.live import part
from idcontact.live.store import _TIME_ONE_IN
from live_floor import floor_of
from running import ATTRIBUTES, make_site, running_house
from scraping import measured, samples, scraped, until_measured
from workers_house import workers_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from running import Site
    from servers import RedisServer

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]
PURPOSE = "report_move"
LANDINGS = 20
GUIDE = Path(__file__).resolve().parents[2] / "docs/operate.md"


@pytest.fixture(autouse=True, scope="module")
def looks_often() -> Iterator[None]:
    """The inspection goes its rounds at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part, "ROUND", 0.2)
        yield


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    with redis_server.client() as client:
        client.flushall()
    made = make_site(tmp_path_factory.mktemp("house"), redis_server.url)
    few = made.config.read_text().replace('landing_limit = "1000 per min"', f'landing_limit = "{LANDINGS} per min"')
    made.config.write_text(few)
    async with running_house(made):
        yield made


async def test_people_queues_and_conversations_are_counted(site: Site) -> None:
    async with floor_of(site) as floor:
        first = await floor.waits(PURPOSE)
        await until_measured(site, "idcontact_queue_length", 1, purpose=PURPOSE)
        assert await measured(site, "idcontact_queue_length", purpose="passport") == 0
        assert 0 < await measured(site, "idcontact_queue_longest_wait_seconds", purpose=PURPOSE) < 60
        assert await measured(site, "idcontact_sockets", role="end_user") == 1
        ann = await floor.agent("ann")
        offer = await ann.offered()
        await until_measured(site, "idcontact_offers", 1, purpose=PURPOSE)
        assert await measured(site, "idcontact_agents_available", purpose=PURPOSE) == 1
        assert await measured(site, "idcontact_sockets", role="agent") == 1
        await ann.accept(offer)
        await first.in_phase("active")
        await until_measured(site, "idcontact_conversations", 1, phase="active")
        assert await measured(site, "idcontact_offers", purpose=PURPOSE) == 0
        assert await measured(site, "idcontact_queue_length", purpose=PURPOSE) == 0
        assert await measured(site, "idcontact_attributes_oldest_seconds") > 0
        assert await measured(site, "idcontact_attributes_overstayed_seconds") == 0


async def test_messages_and_scripts_are_timed(site: Site) -> None:
    async with floor_of(site) as floor:
        end_user, _ = await floor.talk()
        before = await measured(site, "idcontact_relay_seconds_count")
        for number in range(_TIME_ONE_IN):
            await end_user.say(f"message {number}")
        assert await measured(site, "idcontact_relay_seconds_count") == before + 1
        assert 0 < await measured(site, "idcontact_relay_seconds_sum") < 60
        for script in ("commit", "routing", "enter"):
            assert await measured(site, "idcontact_script_seconds_count", script=script) > 0
        await until_measured(site, "idcontact_redis_up", 1)
        assert await measured(site, "idcontact_loop_lag_seconds_count") > 0
        assert await measured(site, "process_open_fds") > 0


async def test_it_says_of_nobody_who_they_are(site: Site) -> None:
    async with floor_of(site) as floor:
        end_user, ann = await floor.talk()
        page = await scraped(site)
        for secret in (end_user.conversation, "Ann de Boer", '"ann"', "127.0.0.1", *ATTRIBUTES.values()):
            assert secret not in page, secret
        await ann.disconnect()
    labels = {label for _, pairs in samples(page) for label, _ in pairs}
    assert labels <= {"role", "purpose", "phase", "script", "connection", "limit", "code", "le"}


async def test_every_measure_says_what_it_is(site: Site) -> None:
    families = list(text_string_to_metric_families(await scraped(site)))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.documentation
        assert family.type in {"gauge", "counter", "histogram"}
        assert family.name.startswith(("idcontact_", "process_"))


async def test_the_guide_for_operators_has_a_row_for_each_of_them_and_for_nothing_else(site: Site) -> None:
    rows = re.findall(r"^\| `(idcontact_\w+)` \| (?:`(\w+)`)? ?\| ", GUIDE.read_text(), re.MULTILINE)
    families = list(text_string_to_metric_families(await scraped(site)))
    served = {family.name + ("_total" if family.type == "counter" else ""): family for family in families}
    measures = {name for name in served if name.startswith("idcontact_") and not name.endswith("_created")}
    assert dict(rows).keys() == measures
    for name, label in rows:
        labels = {label for sample in served[name].samples for label in sample.labels} - {"le"}
        assert labels <= {label} - {""}, name


async def test_it_is_behind_the_internal_door_alone(site: Site) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{site.url}/metrics") as answer:
        assert answer.status == 404


async def test_what_a_limit_refuses_is_counted_by_the_name_of_the_limit(site: Site) -> None:
    # The last of those of this house: from here nobody lands any more.
    async with aiohttp.ClientSession() as session:
        refused = 0
        for _ in range(LANDINGS + 1):
            async with session.post(f"{site.url}/land/nothing", headers={"origin": site.url}) as answer:
                refused += answer.status == 429
    assert refused > 0
    assert await measured(site, "idcontact_limit_refused_total", limit="landing") == refused


async def test_one_scrape_answers_for_all_processes_behind_an_address(
    one_redis_server: RedisServer, tmp_path: Path
) -> None:
    made = make_site(tmp_path, one_redis_server.url, top=f'redis_prefix = "{tmp_path.name}"')
    async with workers_of(made, 2) as parent:
        processes = {str(worker) for worker in parent.workers()}
        for process in processes:
            await until_measured(made, "idcontact_redis_up", 1, process=process)
        page = await scraped(made)
        families = list(text_string_to_metric_families(page))
        assert len({family.name for family in families}) == len(families)
        assert all({sample.labels["process"] for sample in one.samples} <= processes for one in families)
        for process in processes:
            assert samples(page)["process_resident_memory_bytes", frozenset({("process", process)})] > 0


async def test_a_store_that_is_away_leaves_what_this_node_knows_by_itself(
    own_redis_server: RedisServer, tmp_path: Path
) -> None:
    made = make_site(tmp_path, own_redis_server.url)
    async with running_house(made):
        await until_measured(made, "idcontact_reconnects_total", 0, connection="append")
        own_redis_server.kill()
        await until_measured(made, "idcontact_redis_up", 0)
        page = samples(await scraped(made))
        assert ("idcontact_sockets", frozenset({("role", "agent")})) in page
        assert ("idcontact_deadline_overdue_seconds", frozenset()) not in page
        own_redis_server.start()
        await until_measured(made, "idcontact_redis_up", 1)
        for connection in ("append", "subscription"):
            await until_measured(made, "idcontact_reconnects_total", 1, connection=connection)
