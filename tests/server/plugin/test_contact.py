from __future__ import annotations

import pytest

from idcontact.errors import TokenRejected
from idcontact.plugin.contact import CommSessions, Received
from idcontact.plugin.testkit import MemoryRecords
from idcontact.tokens import ResultStatus


def received(at: int) -> Received:
    """One result that holds until 300, as a node takes it whose clock says `at`."""
    return Received(
        way="attr_url",
        method="test",
        status=ResultStatus.FAILED,
        level=None,
        identified_at=0,
        received_at=at,
        attributes=None,
        session_url=None,
        digest="d1",
        expires_at=300,
    )


async def test_a_result_is_used_once_also_at_a_node_whose_clock_is_a_minute_behind() -> None:
    now = [0.0]
    sessions = CommSessions(MemoryRecords(lambda: now[0]), 3600)
    one, other = [await sessions.begin("report_move", None, awaits=True) for _ in range(2)]
    await sessions.receive(await sessions.find(one.session), received(0))
    now[0] = 359
    with pytest.raises(TokenRejected):
        await sessions.receive(await sessions.find(other.session), received(299))
