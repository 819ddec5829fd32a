"""The people of a live test, and a floor that is empty again when the test is over.

One running house serves all tests of a module; so whoever came has to go, and whatever was begun has to end.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from live_people import EndUser, Staff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from running import Site

_OVER: Final = frozenset({"wrapping_up", "closed", "purged"})


class Logins:
    """Who has logged in where: once for all tests of a house, since log-ins are limited."""

    def __init__(self) -> None:
        self._staff: dict[tuple[str, str], Staff] = {}

    async def console(self, site: Site, account: str) -> Staff:
        """A console of that account, not connected yet."""
        key = (site.url, account)
        if key not in self._staff:
            self._staff[key] = await Staff.log_in(site, account)
        return self._staff[key].another_console()

    async def close(self) -> None:
        """Shut all their browsers."""
        for member in self._staff.values():
            await member.browser.close()


class Floor:
    """Everybody who takes part in one test."""

    def __init__(self, site: Site, logins: Logins) -> None:
        self.site = site
        self.by_stream = False
        """Whether everybody who comes from now on does so where WebSockets are blocked."""
        self._logins = logins
        self._end_users: list[EndUser] = []
        self._staff: list[Staff] = []

    async def arrives(self, purpose: str = "report_move", *, site: Site | None = None) -> EndUser:
        """An end user who has started at `site`, and is nowhere yet."""
        end_user = await EndUser.start(site or self.site, purpose)
        end_user.by_stream = self.by_stream
        self._end_users.append(end_user)
        return end_user

    async def waits(self, purpose: str = "report_move", *, site: Site | None = None) -> EndUser:
        """An end user who has identified, and waits in the queue."""
        end_user = await self.arrives(purpose, site=site)
        assert await end_user.identify(self.site.token()) == 200
        await end_user.land()
        await end_user.connect()
        await end_user.in_phase("waiting")
        await end_user.ping()  # the welcome is not the last of hello: until then a store that is lost ends the socket
        return end_user

    def tab(self, end_user: EndUser) -> EndUser:
        """That end user's page in a second tab, not connected yet."""
        tab = end_user.second_tab()
        tab.by_stream = self.by_stream
        self._end_users.append(tab)
        return tab

    async def console(self, account: str, *, site: Site | None = None) -> Staff:
        """A console of that account, not connected yet."""
        member = await self._logins.console(site or self.site, account)
        member.by_stream = self.by_stream
        self._staff.append(member)
        return member

    async def staff(self, account: str, *, site: Site | None = None) -> Staff:
        """A console of that account, connected, with the queue on it; its status as it was."""
        member = await self.console(account, site=site)
        await member.connect()
        await member.until(lambda: member.queue_version is not None, "the queue")
        return member

    async def agent(self, account: str, *, site: Site | None = None) -> Staff:
        """An agent who takes conversations."""
        member = await self.staff(account, site=site)
        await member.available()
        return member

    async def talk(
        self, account: str = "ann", *, site: Site | None = None, at: Site | None = None
    ) -> tuple[EndUser, Staff]:
        """An end user at `site` and an agent at `at`, in conversation."""
        end_user = await self.waits(site=site)
        agent = await self.agent(account, site=at)
        await agent.accept_next(end_user.conversation)
        await end_user.in_phase("active")
        return end_user, agent

    async def clear(self) -> None:
        """End everything, send everybody home, and say what the server did wrong to anyone."""
        try:
            for member in self._staff:
                if member.is_open and "agent" in member.me["roles"]:
                    await member.away()
            for end_user in self._end_users:
                await self._end(end_user)
            for member in {one.account: one for one in self._staff if one.me.get("load", 0)}.values():
                await self._finish(member)
        finally:
            await self.leave()
        assert not (faults := [fault for client in (*self._end_users, *self._staff) for fault in client.faults]), faults

    async def leave(self) -> None:
        """Close everything as it is."""
        for client in (*self._end_users, *self._staff):
            await client.disconnect()
        for end_user in self._end_users:
            await end_user.browser.close()

    async def _end(self, end_user: EndUser) -> None:
        if end_user.state.get("phase", "closed") in _OVER:
            return
        await end_user.connect(())  # another tab may have taken it over, or the connection is lost
        if end_user.state["phase"] not in _OVER:
            await end_user.end()
            await end_user.in_phase(*_OVER)

    async def _finish(self, member: Staff) -> None:
        if not member.is_open:
            await member.connect(())
            await member.away()
        await member.until(
            lambda: all(one["phase"] != "active" for one in member.conversations.values()), "all conversations to end"
        )
        for conversation, view in list(member.conversations.items()):
            if view["phase"] == "wrapping_up":
                await member.finish(conversation)
        await member.until(lambda: member.me["load"] == 0, "nothing left to do")


@asynccontextmanager
async def floor_of(site: Site) -> AsyncIterator[Floor]:
    """The people of a test that has a house of its own."""
    logins = Logins()
    floor = Floor(site, logins)
    try:
        yield floor
        await floor.clear()
    finally:
        await floor.leave()
        await logins.close()
