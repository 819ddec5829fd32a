"""What `redis_url` says of sentinels."""

from __future__ import annotations

import pytest

from idcontact.errors import SettingsError
from idcontact.redis import connect
from idcontact.sentinel import SentinelPool, is_sentinel, sentinel_pool

SECRET = "a-password-of-some-length"


def test_sentinels_their_service_and_the_way_in_are_read() -> None:
    pool = sentinel_pool("redis+sentinel://me:p%40ss@one:1,two,[::1]:3/main/2?sentinel_password=other", {})
    assert pool.service_name == "main"
    asked = [sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels]
    assert [(one["host"], one["port"]) for one in asked] == [("one", 1), ("two", 26379), ("::1", 3)]
    assert {one["password"] for one in asked} == {"other"}
    given = pool.connection_kwargs
    assert (given["username"], given["password"], given["db"]) == ("me", "p@ss", 2)


def test_with_tls_both_are_reached_by_it() -> None:
    pool = sentinel_pool("rediss+sentinel://one:1/main", {})
    assert pool.connection_class.__name__ == "SentinelManagedSSLConnection"
    assert pool.sentinel_manager.sentinels[0].connection_pool.connection_class.__name__ == "SSLConnection"


def test_a_client_of_them_is_made_as_any_other() -> None:
    assert isinstance(connect("redis+sentinel://one:1/main").connection_pool, SentinelPool)
    assert not is_sentinel("redis://one:1/0")


@pytest.mark.parametrize(
    "rest",
    [
        "one:1",
        "one:1/",
        "/main",
        "one:1,/main",
        "one:0/main",
        "one:x/main",
        "one:99999/main",
        "one:1/main/x",
        "one/m?a=b",
    ],
)
def test_what_names_no_sentinels_or_no_service_is_refused_and_not_repeated(rest: str) -> None:
    with pytest.raises(SettingsError, match=r"redis\+sentinel://host:port,host:port/service or .*, got") as refused:
        connect(f"redis+sentinel://user:{SECRET}@{rest}")
    assert SECRET not in str(refused.value)
