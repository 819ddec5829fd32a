"""The audit trail: what is kept, and what never is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec
import pytest

from idcontact.errors import Unavailable
from idcontact.logs import JsonLines
from idcontact.redis import connect
from idcontact.staff.audit import AuditEntry, AuditTrail
from staff_house import Clock, House

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from servers import RedisServer


async def test_a_disclosure_says_who_saw_which_attributes_of_whom_when_and_why(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "idcontact.audit")
    clock = Clock()
    trail = AuditTrail(redis, "idc", retention=3600, clock=clock)
    await trail.disclosed(
        "anna", tags=["phone", "fullname"], conversation="c1", purpose="report_move", reason="accepted"
    )
    entry = AuditEntry(
        event="disclosed",
        at=int(clock() * 1000),
        who="anna",
        tags=("fullname", "phone"),
        conversation="c1",
        purpose="report_move",
        reason="accepted",
    )
    assert await trail.entries() == [entry]
    line = msgspec.json.decode(JsonLines().format(caplog.records[-1]), type=dict[str, object])
    del line["time"]
    assert line == {
        "level": "info",
        "logger": "idcontact.audit",
        "text": "disclosed",
        "event": "disclosed",
        "who": "anna",
        "tags": ["fullname", "phone"],
        "conversation": "c1",
        "purpose": "report_move",
        "reason": "accepted",
    }


async def test_log_ins_and_log_outs_are_kept_in_order(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser()
    await browser.log_in("nobody-we-know", "x")
    await browser.log_in("anna", "wrong")
    await browser.log_in("anna")
    await browser.post("/staff/logout", {"csrf": await browser.console_token()})
    await browser.log_in("anna")
    await browser.post("/staff/logout", {"csrf": await browser.console_token(), "everywhere": "1"})
    assert [(entry.event, entry.who) for entry in await house.staff.audit.entries()] == [
        ("log_in_refused", "anna"),
        ("logged_in", "anna"),
        ("logged_out", "anna"),
        ("logged_in", "anna"),
        ("logged_out_everywhere", "anna"),
    ]


async def test_entries_are_dropped_after_their_retention(redis: Redis) -> None:
    clock = Clock()
    await redis.xadd("idc:audit", {"entry": b"{}"}, id=f"{int(clock() - 3601) * 1000}-0")
    await AuditTrail(redis, "idc", retention=3600, clock=clock).logged_in("anna")
    assert await redis.xlen("idc:audit") == 1


async def test_what_cannot_be_recorded_is_reported_and_not_logged_as_done(
    own_redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "idcontact.audit")
    client = connect(own_redis_server.url)
    try:
        own_redis_server.kill()
        trail = AuditTrail(client, "idc", retention=3600, clock=Clock())
        with pytest.raises(Unavailable):
            await trail.logged_in("anna")
        assert not [record for record in caplog.records if record.name == "idcontact.audit"]
    finally:
        await client.aclose()
