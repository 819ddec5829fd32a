from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.urls import host_of, is_browser_url, origin_of, split_web_url, with_query


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.ORG/a?b#c", "https://example.org"),
        ("https://example.org:443/", "https://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("http://example.org:443", "http://example.org:443"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("HTTPS://example.org", "https://example.org"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin
    assert host_of(url) == origin.partition("://")[2]


@pytest.mark.parametrize(
    "url",
    ["", "/x", "//example.org", "https:example.org", "https:///x", "https://a@example.org", "https://@example.org",
     "https://example.org\\@evil.example", "https://exa\tmple.org", " https://example.org", "https://example.org\n",
     "https://exämple.org", "https://example.org:0", "https://example.org:x", "https://[::1", "javascript:alert(1)",
     "data:text/html,x", "blob:https://example.org/x", "ws://example.org", "https://example.org/\r\nSet-Cookie: a=b"],
)  # fmt: skip
def test_what_browsers_may_read_in_another_way_is_no_web_address(url: str) -> None:
    assert split_web_url(url) is None
    assert origin_of(url) is None
    assert host_of(url) == ""
    assert not is_browser_url(url)


@given(st.text(max_size=80))
def test_whatever_is_taken_for_a_web_address_is_safe_in_a_header(text: str) -> None:
    for url in (text, f"https://example.org/{text}", f"https://{text}/"):
        if is_browser_url(url):
            assert url.isascii()
            assert url.isprintable()
            assert "\\" not in url
            assert urlsplit(url).scheme in ("http", "https", "tel")


@pytest.mark.parametrize("url", ["tel:0201234567,12", "tel:0201234567|12", "tel:+31-20-1234567", "tel:112"])
def test_a_browser_may_be_sent_to_a_telephone_number(url: str) -> None:
    assert is_browser_url(url)


@pytest.mark.parametrize("url", ["tel:", "tel:1\n2", "tel:1 2", "tel://x/../y", "sms:1", "tel:<b>"])
def test_but_to_nothing_that_only_looks_like_one(url: str) -> None:
    assert not is_browser_url(url)


def test_a_query_is_appended_to_what_is_there() -> None:
    assert with_query("https://a/b", "c=d") == "https://a/b?c=d"
    assert with_query("https://a/b?x", "c=d") == "https://a/b?x&c=d"
