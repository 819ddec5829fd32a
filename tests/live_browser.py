"""As much of a browser as the live tests need: pages, forms and cookies of one person.

Cookies are kept by hand: `__Host-` cookies are Secure, and ordinary jars do not send those over plain HTTP, as
browsers do for loopback addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE: Final = aiohttp.ClientTimeout(total=20)


@dataclass
class Form:
    """The first form of a page that is sent by POST: where to, and what stands in it."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """An answer, and the address that it came from."""

    url: str
    status: int
    text: str
    location: str | None

    @property
    def form(self) -> Form:
        """Its form; a page without one is not what the test is looking at."""
        reader = _FormReader()
        reader.feed(self.text)
        assert reader.form is not None, f"no form at {self.url} ({self.status})"
        return reader.form


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form: Form | None = None
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        members = {name: value or "" for name, value in attrs}
        if tag == "form" and self.form is None and members.get("method", "get").lower() == "post":
            self.form, self._inside = Form(members.get("action", "")), True
        elif tag == "input" and self._inside and self.form is not None and "name" in members:
            self.form.fields[members["name"]] = members.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


class Browser:
    """One person's browser at one origin. Redirects are not followed by themselves: they are what is tested."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.cookies: dict[str, str] = {}
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=_PATIENCE)

    @property
    def cookie_header(self) -> str:
        """All cookies, as a request carries them."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def get(self, url: str) -> Page:
        """GET, as a click on a link does."""
        return await self._ask("GET", url, None)

    async def submit(self, page: Page, **fields: str) -> Page:
        """Send the page's form, with these fields filled in; only fields that it has."""
        form = page.form
        unknown = fields.keys() - form.fields.keys()
        assert not unknown, f"the form has no {unknown}"
        return await self._ask("POST", urljoin(page.url, form.action), {**form.fields, **fields})

    async def _ask(self, method: str, url: str, fields: Mapping[str, str] | None) -> Page:
        headers = {"Accept": "text/html"}
        if self.cookies:
            headers["Cookie"] = self.cookie_header
        if method == "POST":
            headers["Origin"] = self.origin
        url = urljoin(self.origin, url)
        async with self._session.request(method, url, data=fields, headers=headers, allow_redirects=False) as answer:
            for line in answer.headers.getall("Set-Cookie", []):
                self._keep(line)
            return Page(url, answer.status, await answer.text(), answer.headers.get("Location"))

    def _keep(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value

    async def close(self) -> None:
        """Shut the window."""
        await self._session.close()


async def post_internally(url: str, body: bytes, content_type: str) -> tuple[int, bytes]:
    """A POST from server to server, as a core or an auth plugin makes it; its status and body."""
    async with (
        aiohttp.ClientSession(timeout=_PATIENCE) as session,
        session.post(url, data=body, headers={"Content-Type": content_type}, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.read()
