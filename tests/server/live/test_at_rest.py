"""What is kept and what is logged can be read by nobody: not during a conversation, and not after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live_floor import floor_of
from running import ATTRIBUTES, PASSWORD, ServerProcess, make_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import redis as redis_client

    from live_floor import Floor
    from live_people import EndUser, Staff
    from servers import RedisServer

SAID = ("my cat is called Mozart", "and lives at Zeedijk 99")


async def test_nothing_that_people_say_or_are_is_readable_at_rest_or_in_the_log(
    own_redis_server: RedisServer, tmp_path: Path
) -> None:
    site = make_site(tmp_path, own_redis_server.url, live='retention = "0 s"\nwrap_up = "1 s"')
    async with ServerProcess(site) as server:
        async with floor_of(site) as floor:
            end_user, ann, token = await _identified_conversation(floor)
            secrets = _secrets(end_user, ann, token)
            _is_nowhere(secrets, own_redis_server, server.log)

            await end_user.end()
            await ann.in_phase(end_user.conversation, "wrapping_up")
            assert await end_user.closed() == 4404
            await ann.gone(end_user.conversation)
            assert _left_of(end_user.conversation, own_redis_server) == []

            await end_user.open()
            assert await end_user.closed() == 4404
            end_user.state["phase"] = "purged"
        _is_nowhere(secrets, own_redis_server, server.log)


async def _identified_conversation(floor: Floor) -> tuple[EndUser, Staff, str]:
    token = floor.site.token()
    end_user = await floor.arrives()
    assert await end_user.identify(token) == 200
    await end_user.land()
    await end_user.connect()
    ann = await floor.agent("ann")
    await ann.accept_next(end_user.conversation)
    assert await ann.disclosed(end_user.conversation) == ATTRIBUTES
    await end_user.say(SAID[0])
    await ann.say(end_user.conversation, SAID[1])
    await end_user.said(*SAID)
    return end_user, ann, token


def _secrets(end_user: EndUser, ann: Staff, token: str) -> dict[str, bytes]:
    assert end_user.attr_url is not None
    cookies = {**end_user.browser.cookies, **ann.browser.cookies}
    found = {
        **{f"attribute {tag}": value for tag, value in ATTRIBUTES.items()},
        **{f"message {number}": text for number, text in enumerate(SAID)},
        **{f"cookie {name}": value for name, value in cookies.items()},
        "ticket": end_user.client_url.rsplit(".", 1)[1],
        "attr_url": end_user.attr_url.rsplit(".", 1)[1],
        "token": token[:100],
        "end of token": token[-60:],
        "password": PASSWORD,
    }
    assert len(found) == 12, found.keys()
    assert all(len(value) > 8 for value in found.values())
    return {name: value.encode() for name, value in found.items()}


def _is_nowhere(secrets: dict[str, bytes], redis: RedisServer, log: Path) -> None:
    files = sorted((redis.directory / "appendonlydir").iterdir())
    places = {file.name: file.read_bytes() for file in (*files, log)}
    assert any(b"EVALSHA" in text or b"XADD" in text for text in places.values()), "the append-only file is there"
    with redis.client() as client:
        places["the keys"] = b"\n".join(_everything(client))
    readable = [
        f"{name} in {place}" for place, text in places.items() for name, secret in secrets.items() if secret in text
    ]
    assert readable == []


def _left_of(conversation: str, redis: RedisServer) -> list[bytes]:
    """The keys that still name the conversation, but those that have to, each for its own time.

    The audit trail; the hash of a used auth result, until that would have expired; and routing's memory of what is
    done, so that late news does not bring an entry back.
    """
    may = (b"audit", b"idc:result:", b"idc:{routing}:")
    with redis.client() as client:
        naming = [line.partition(b" ")[0] for line in _everything(client) if conversation.encode() in line]
    return [key for key in naming if conversation.encode() in key or not any(part in key for part in may)]


def _everything(client: redis_client.Redis) -> Iterator[bytes]:
    """Every key with all that it holds, a line each; values as they are, and not as DUMP compresses them."""
    readers: dict[bytes, Callable[[bytes], object]] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        assert isinstance(kind, bytes)
        yield key + b" " + _flat(readers[kind](key))


def _flat(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case dict():
            return b" ".join(_flat(part) for pair in value.items() for part in pair)
        case list() | tuple() | set():
            return b" ".join(_flat(part) for part in value)
        case _:
            return str(value).encode()
