from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

import pytest

from idcontact.errors import NotFound, TokenRejected
from idcontact.keystore import DirectoryKeyStore
from idcontact.plugin.testkit import MemoryRecords
from idcontact.records import SealedRecords
from idcontact.tokens import ResultStatus
from idcontact_comm_phone.sessions import PhoneSessions, Result

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from redis.asyncio import Redis

    from idcontact.records import Record, Records

HOUR: Final = 3600.0
CALL: Final = "c0ffee00-1234-4321-9999-feedc0ffee00"


def given(digest: str = "d1", **attributes: str) -> Result:
    """A result that was accepted."""
    return Result(ResultStatus.SUCCESS, attributes, None, digest, expires_at=300)


def sessions_in(records: Records) -> PhoneSessions:
    return PhoneSessions(records, b"a secret of the nodes", HOUR)


@pytest.fixture
def phone() -> PhoneSessions:
    return sessions_in(MemoryRecords())


@pytest.fixture
def nodes(redis: Redis, tmp_path: Path) -> Iterator[list[PhoneSessions]]:
    """Two nodes on one store, each with its own view of the keys."""
    keystores = [DirectoryKeyStore(tmp_path / "keys") for _ in range(2)]
    yield [sessions_in(SealedRecords(redis, keystore, "idc", "comm_phone")) for keystore in keystores]
    for keystore in keystores:
        keystore.close()


async def outcomes(*work: Coroutine[object, object, object]) -> list[str]:
    """What came of things done at the same moment: `done`, or the error."""
    done = await asyncio.gather(*work, return_exceptions=True)
    return ["done" if outcome is None else type(outcome).__name__ for outcome in done]


# --- codes ----------------------------------------------------------------------------------------------------------


async def test_a_session_is_dialled_by_ten_digits_and_delivered_to_by_a_code_of_32_characters(
    phone: PhoneSessions,
) -> None:
    places = [await phone.begin("report_move", awaits=True) for _ in range(200)]
    assert all(re.fullmatch("[0-9]{10}", place.dtmf) for place in places)
    assert all(re.fullmatch("[A-Za-z0-9_-]{32}", place.code) for place in places)
    assert len({place.dtmf for place in places}) == len({place.code for place in places}) == 200
    for number in range(10):
        assert any(place.dtmf.startswith(str(number)) for place in places), "a leading zero is a digit as any other"


async def test_digits_that_somebody_has_are_given_to_nobody_else(
    phone: PhoneSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([7, 7, 7, 42])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(drawn))
    first, second = await phone.begin("one", awaits=True), await phone.begin("other", awaits=True)
    assert (first.dtmf, second.dtmf) == ("0000000007", "0000000042")
    await phone.link(first.dtmf, CALL)
    assert (await phone.of_call(CALL)).purpose == "one"


# --- ties -----------------------------------------------------------------------------------------------------------


async def test_of_two_calls_with_one_code_at_the_same_moment_one_is_tied(nodes: list[PhoneSessions]) -> None:
    for round_ in range(10):
        place = await nodes[0].begin("report_move", awaits=True)
        calls = [f"{CALL} {round_} {number}" for number in range(6)]
        done = await outcomes(*(nodes[n % 2].link(place.dtmf, call) for n, call in enumerate(calls)))
        assert sorted(done) == ["NotFound"] * 5 + ["done"]
        for call, outcome in zip(calls, done, strict=True):
            told = await outcomes(*(node.of_call(call) for node in nodes))
            assert told == [told[0]] * 2
            assert (told[0] == "NotFound") == (outcome == "NotFound")
            if outcome == "NotFound":  # who typed the code of another may go on to type their own
                await nodes[0].link((await nodes[1].begin("passport", awaits=True)).dtmf, call)
                assert (await nodes[1].of_call(call)).purpose == "passport"


async def test_of_two_codes_in_one_call_at_the_same_moment_one_is_tied(nodes: list[PhoneSessions]) -> None:
    for round_ in range(10):
        one, other = [await nodes[0].begin(name, awaits=True) for name in ("one", "other")]
        call = f"{CALL} {round_}"
        done = await outcomes(nodes[0].link(one.dtmf, call), nodes[1].link(other.dtmf, call))
        assert sorted(done) == ["NotFound", "done"]
        assert (await nodes[1].of_call(call)).purpose == ("one" if done[0] == "done" else "other")
        left = other if done[0] == "done" else one
        await nodes[0].link(left.dtmf, f"{call} again")
        assert (await nodes[1].of_call(f"{call} again")).purpose != (await nodes[1].of_call(call)).purpose


async def test_a_result_and_a_call_at_the_same_moment_are_both_kept(nodes: list[PhoneSessions]) -> None:
    for round_ in range(10):
        place = await nodes[0].begin("report_move", awaits=True)
        result, call = given(f"d{round_}", fullname="Suzanne"), f"{CALL} {round_}"
        assert await outcomes(nodes[0].receive(place.code, result, 0), nodes[1].link(place.dtmf, call)) == ["done"] * 2
        session = await nodes[0].of_call(call)
        assert session.result == result


async def test_a_call_that_came_halfway_can_be_tied_again(
    phone: PhoneSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await phone.begin("report_move", awaits=True)

    async def outage(*_: object, **__: object) -> bool:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(phone, "_replace", outage)
        with pytest.raises(ConnectionError):
            await phone.link(place.dtmf, CALL)
    with pytest.raises(NotFound):
        await phone.of_call(CALL)
    await phone.link(place.dtmf, CALL)
    assert (await phone.of_call(CALL)).purpose == "report_move"


class Repeating(MemoryRecords):
    """A store whose first answers are lost, so that the client asks each thing again."""

    async def replace(self, record_id: str, value: bytes, expected: Record, ttl: float | None = None) -> bool:
        await super().replace(record_id, value, expected, ttl)
        return await super().replace(record_id, value, expected, ttl)


async def test_a_call_whose_tie_landed_while_the_answer_was_lost_is_tied_and_still_only_once() -> None:
    phone = sessions_in(Repeating())
    place = await phone.begin("report_move", awaits=True)
    await phone.link(place.dtmf, CALL)
    assert (await phone.of_call(CALL)).purpose == "report_move"
    for call in (CALL, "another call"):
        with pytest.raises(NotFound):
            await phone.link(place.dtmf, call)


# --- results --------------------------------------------------------------------------------------------------------


async def test_of_two_results_at_the_same_moment_one_is_kept(nodes: list[PhoneSessions]) -> None:
    for round_ in range(10):
        place = await nodes[0].begin("report_move", awaits=True)
        done = await outcomes(
            *(nodes[n % 2].receive(place.code, given(f"{round_} {n}", fullname=str(n)), 0) for n in range(6))
        )
        assert sorted(done) == ["NotFound"] * 5 + ["done"]


async def test_one_result_for_two_sessions_at_the_same_moment_is_used_once(nodes: list[PhoneSessions]) -> None:
    for round_ in range(10):
        places = [await nodes[0].begin("report_move", awaits=True) for _ in range(2)]
        done = await outcomes(*(nodes[n].receive(place.code, given(f"{round_}"), 0) for n, place in enumerate(places)))
        assert sorted(done) == ["TokenRejected", "done"]


async def test_the_same_result_at_the_same_moment_is_fine(nodes: list[PhoneSessions]) -> None:
    place = await nodes[0].begin("report_move", awaits=True)
    assert await outcomes(*(nodes[n % 2].receive(place.code, given(), 0) for n in range(6))) == ["done"] * 6


async def test_a_session_that_awaits_nothing_takes_nothing(phone: PhoneSessions) -> None:
    place = await phone.begin("report_move", awaits=False)
    with pytest.raises(NotFound):
        await phone.receive(place.code, given(), 0)


# --- called off -----------------------------------------------------------------------------------------------------


async def test_what_is_called_off_is_gone_and_leaves_nothing(redis: Redis, nodes: list[PhoneSessions]) -> None:
    place = await nodes[0].begin("report_move", awaits=True)
    await nodes[1].cancel(place.cancel)
    assert await redis.keys("*") == []
    for what in (nodes[0].link(place.dtmf, CALL), nodes[0].receive(place.code, given(), 0)):
        with pytest.raises(NotFound):
            await what


@pytest.mark.parametrize("came", ["a result", "a call"])
async def test_what_somebody_came_to_is_not_called_off(phone: PhoneSessions, came: str) -> None:
    place = await phone.begin("report_move", awaits=True)
    if came == "a result":
        await phone.receive(place.code, given(), 0)
    else:
        await phone.link(place.dtmf, CALL)
    await phone.cancel(place.cancel)
    if came == "a result":
        await phone.link(place.dtmf, CALL)
    assert (await phone.of_call(CALL)).purpose == "report_move"


async def test_who_only_knows_where_to_deliver_calls_nothing_off(phone: PhoneSessions) -> None:
    place = await phone.begin("report_move", awaits=True)
    other = await phone.begin("report_move", awaits=True)
    for guess in (place.code, f"{place.code}.", f"{place.code}.{other.cancel.partition('.')[2]}", "", ".", "\ud800"):
        await phone.cancel(guess)
    await phone.link(place.dtmf, CALL)


async def test_a_forgotten_session_leaves_nothing_of_its_call_either(redis: Redis, nodes: list[PhoneSessions]) -> None:
    place = await nodes[0].begin("report_move", awaits=True)
    await nodes[0].link(place.dtmf, CALL)
    await nodes[1].forget(place.code)
    await nodes[1].forget(place.code)
    assert await redis.keys("*") == []


# --- time -----------------------------------------------------------------------------------------------------------


async def test_a_session_lives_an_hour_from_the_last_that_was_made_of_it(
    redis: Redis, nodes: list[PhoneSessions]
) -> None:
    phone = nodes[0]
    place = await phone.begin("report_move", awaits=True)
    for step in (phone.receive(place.code, given(), 0), phone.link(place.dtmf, CALL)):
        records = await redis.keys("*record*")
        for key in records:
            await redis.pexpire(key, 60_000)
        await step
        for key in await redis.keys("*record*"):
            assert 3_590_000 < await redis.pttl(key) <= 3_600_000
    for key in await redis.keys("*record*"):
        await redis.pexpire(key, 60_000)
    await phone.of_call(CALL)
    with pytest.raises(NotFound):
        await phone.link(place.dtmf, "another call")
    with pytest.raises(NotFound):
        await phone.receive(place.code, given("d2"), 0)
    await phone.receive(place.code, given(), 0)
    for key in await redis.keys("*record*"):
        assert await redis.pttl(key) <= 60_000, "to ask, and what is refused, is no activity"


# --- at rest --------------------------------------------------------------------------------------------------------


async def test_nothing_in_the_store_tells_who_calls_or_leads_to_it(redis: Redis, nodes: list[PhoneSessions]) -> None:
    place = await nodes[0].begin("a_purpose", awaits=True)
    result = Result(ResultStatus.SUCCESS, {"fullname": "Suzanne Moulin"}, "http://auth/session/x", "d1", 300)
    await nodes[0].receive(place.code, result, 0)
    await nodes[0].link(place.dtmf, CALL)
    stored = b""
    for key in await redis.keys("*"):
        match await redis.type(key):
            case b"hash":
                value: object = await redis.hgetall(key)
            case b"string":
                value = await redis.get(key)
            case _:
                value = await redis.zrange(key, 0, -1)
        stored += repr((key, value)).encode()
    assert b"record" in stored
    secrets = [
        place.dtmf,
        place.code,
        place.cancel.partition(".")[2],
        CALL,
        "a_purpose",
        "Suzanne",
        "fullname",
        "auth/",
    ]
    for text in (*secrets, *map(_as_records_are_named, (place.dtmf, CALL))):
        assert text.encode() not in stored


def _as_records_are_named(text: str) -> str:
    """What whoever tries out all digits would look for."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


async def test_without_the_secret_of_the_nodes_no_digits_lead_anywhere(redis: Redis, tmp_path: Path) -> None:
    keystore = DirectoryKeyStore(tmp_path / "keys")
    records = SealedRecords(redis, keystore, "idc", "comm_phone")
    place = await PhoneSessions(records, b"the secret of the nodes", HOUR).begin("report_move", awaits=True)
    with pytest.raises(NotFound):
        await PhoneSessions(records, b"another secret", HOUR).link(place.dtmf, CALL)
    await PhoneSessions(records, b"the secret of the nodes", HOUR).link(place.dtmf, CALL)
    keystore.close()


async def test_a_session_tells_nothing_of_itself_where_it_is_written(phone: PhoneSessions) -> None:
    place = await phone.begin("report_move", awaits=True)
    result = given(fullname="Suzanne")
    await phone.receive(place.code, result, 0)
    assert "Suzanne" not in repr(result)
    assert not any(secret in repr(place) for secret in (place.code, place.dtmf, place.cancel))


async def test_a_result_is_used_once_also_at_a_node_whose_clock_is_a_minute_behind() -> None:
    now = [0.0]
    phone = sessions_in(MemoryRecords(lambda: now[0]))
    one, other = [await phone.begin("report_move", awaits=True) for _ in range(2)]
    await phone.receive(one.code, given(), now[0])
    now[0] = given().expires_at + 59
    with pytest.raises(TokenRejected):
        await phone.receive(other.code, given(), now[0] - 60)


async def test_a_result_that_another_session_used_is_refused(phone: PhoneSessions) -> None:
    one, other = [await phone.begin("report_move", awaits=True) for _ in range(2)]
    await phone.receive(one.code, given(), 0)
    with pytest.raises(TokenRejected):
        await phone.receive(other.code, given(), 0)
