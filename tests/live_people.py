"""The two sides of the live test client, with the verbs of the domain. From docs/live-protocol.md alone, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

from live_browser import Browser, post_internally
from live_client import Client, Frame
from running import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from running import Site


class EndUser(Client):
    """Somebody who wants help."""

    def __init__(self, site: Site, browser: Browser) -> None:
        super().__init__(site, "", browser)
        self.client_url = ""
        self.attr_url: str | None = None
        self.conversation = ""
        self.state: Frame = {}
        self.page_of_landing = ""

    @classmethod
    async def start(cls, site: Site, purpose: str = "report_move", *, context: Mapping[str, str] | None = None) -> Self:
        """Begin as a core does for them: what they get is an address to go to."""
        body: Frame = {"purpose": purpose}
        if context is not None:
            body["context"] = dict(context)
        status, answer = await post_internally(
            f"{site.live}/start_communication", json.dumps(body).encode(), "application/json"
        )
        assert status == 200, (status, answer)
        started = json.loads(answer)
        end_user = cls(site, Browser(site.url))
        end_user.client_url, end_user.attr_url = started["client_url"], started.get("attr_url")
        return end_user

    async def identify(self, token: str) -> int:
        """Deliver an auth result as an auth plugin does; the status of the answer."""
        assert self.attr_url is not None
        return (await post_internally(self.attr_url, token.encode(), "application/jwt"))[0]

    async def land(self) -> None:
        """Go where `client_url` leads, and on to the conversation's page."""
        landing = await self.browser.get(self.client_url)
        assert landing.status == 200, landing.status
        sent_on = await self.browser.submit(landing)
        assert sent_on.status == 303, sent_on.status
        assert sent_on.location is not None
        page = await self.browser.get(sent_on.location)
        assert page.status == 200, page.status
        self.page_of_landing = page.text
        self.conversation = page.url.rsplit("/", 1)[1]
        self.path = f"/c/{self.conversation}/socket"

    def second_tab(self) -> EndUser:
        """The same page once more, in the same browser."""
        tab = type(self)(self.site, self.browser)
        tab.conversation, tab.path = self.conversation, self.path
        return tab

    def view(self, frame: Frame) -> None:
        """Keep the newest state of the conversation."""
        if frame["type"] in {"welcome", "conversation"} and (
            not self.state or frame["type"] == "welcome" or frame["conversation"]["version"] > self.state["version"]
        ):
            self.state = frame["conversation"]

    async def in_phase(self, *phases: str) -> Frame:
        """The conversation's state, when it is in one of these phases."""
        await self.until(lambda: self.state.get("phase") in phases, f"phase {phases}, not {self.state.get('phase')}")
        return self.state

    async def say(self, text: str, *, command_id: str | None = None) -> Frame:
        """Say something; the ack."""
        return await self.command("send", command_id=command_id, conversation=self.conversation, text=text)

    async def end(self) -> Frame:
        """End the conversation, or leave the queue."""
        return await self.command("end", conversation=self.conversation)

    def messages(self) -> list[Frame]:
        """Every message, in order."""
        return [event for event in self.events(self.conversation) if event["type"] == "message"]

    def texts(self) -> list[str]:
        """What was said, in order."""
        return [message["text"] for message in self.messages()]

    async def said(self, *texts: str) -> None:
        """Until exactly this has been said."""
        await self.until(lambda: self.texts() == list(texts), f"{len(texts)} messages, not {len(self.texts())}")


class Staff(Client):
    """Somebody of the staff, at a console."""

    def __init__(self, site: Site, account: str, browser: Browser, language: str = "en") -> None:
        super().__init__(site, f"/console/socket?lang={language}", browser)
        self.account = account
        self.me: Frame = {}
        self.conversations: dict[str, Frame] = {}
        self.attributes: dict[str, Frame] = {}
        self.offers: dict[str, Frame] = {}
        self.queue: dict[str, Frame] = {}
        self.agents: dict[str, Frame] = {}
        self.queue_version: int | None = None
        self.missed_a_delta = False

    @classmethod
    async def log_in(cls, site: Site, account: str) -> Self:
        """Log in by the form, as people do."""
        browser = Browser(site.url)
        form = await browser.get("/staff/login")
        assert form.status == 200, form.status
        inside = await browser.submit(form, account=account, password=PASSWORD)
        assert inside.status == 303, inside.status
        return cls(site, account, browser)

    def another_console(self) -> Staff:
        """The console once more, in the same browser."""
        return type(self)(self.site, self.account, self.browser)

    def view(self, frame: Frame) -> None:
        """Keep what there is to see at a console."""
        match frame["type"]:
            case "welcome":
                self.me = frame["me"]
                self.conversations = {one["id"]: one for one in frame["conversations"]}
                self.logs = {key: log for key, log in self.logs.items() if key[0] in self.conversations}
                self.offers = {one["id"]: one for one in frame["offers"]}
                self.queue_version = None
            case "me":
                self.me = frame["me"]
            case "offer":
                self.offers[frame["offer"]["id"]] = frame["offer"]
            case "offer_gone":
                self.offers.pop(frame["id"], None)
            case "queue" | "queue_delta":
                self._view_queue(frame)
            case _:
                self._view_conversation(frame)

    def _view_conversation(self, frame: Frame) -> None:
        match frame["type"]:
            case "conversation":
                seen = frame["conversation"]
                known = self.conversations.get(seen["id"])
                if known is None or seen["version"] > known["version"]:
                    self.conversations[seen["id"]] = seen
                if seen["phase"] != "active":
                    self.attributes.pop(seen["id"], None)
            case "conversation_gone":
                self.conversations.pop(frame["conversation"], None)
                self.attributes.pop(frame["conversation"], None)
                for log in ("public", "staff"):
                    self.logs.pop((frame["conversation"], log), None)
            case "attributes":
                self.attributes[frame["conversation"]] = frame
            case "attributes_gone":
                self.attributes.pop(frame["conversation"], None)

    def _view_queue(self, frame: Frame) -> None:
        if frame["type"] == "queue":
            self.queue, self.agents = {}, {}
        elif frame["after"] != self.queue_version:
            self.missed_a_delta = True
            return
        self.queue_version = frame["version"]
        self.queue.update({entry["conversation"]: entry for entry in frame.get("entries", [])})
        self.agents.update({agent["id"]: agent for agent in frame.get("agents", [])})
        for gone in frame.get("entries_gone", []):
            self.queue.pop(gone, None)
        for gone in frame.get("agents_gone", []):
            self.agents.pop(gone, None)

    async def available(self) -> None:
        """Take conversations."""
        await self.command("set_status", status="available")

    async def away(self) -> None:
        """Take no new conversations."""
        await self.command("set_status", status="away")

    async def offered(self, conversation: str | None = None) -> Frame:
        """The offer that stands: any, or the one of this conversation."""

        def look() -> Frame | None:
            standing = [one for one in self.offers.values() if conversation in {None, one["conversation"]}]
            return standing[0] if standing else None

        return await self.until(look, f"an offer to {self.account}")

    async def accept(self, offer: Frame) -> str:
        """Accept it, and have the conversation on the screen; its id."""
        conversation: str = offer["conversation"]
        await self.command("accept", conversation=conversation, offer=offer["id"])
        await self.in_phase(conversation, "active")
        return conversation

    async def decline(self, offer: Frame) -> None:
        """Leave it to somebody else."""
        await self.command("decline", conversation=offer["conversation"], offer=offer["id"])

    async def accept_next(self, conversation: str | None = None) -> str:
        """Wait for an offer and accept it; the conversation's id."""
        return await self.accept(await self.offered(conversation))

    async def in_phase(self, conversation: str, *phases: str) -> Frame:
        """A conversation of this agent, when it is in one of these phases."""
        await self.until(
            lambda: self.conversations.get(conversation, {}).get("phase") in phases, f"{self.account}: phase {phases}"
        )
        return self.conversations[conversation]

    async def gone(self, conversation: str) -> None:
        """Until the conversation is no longer this agent's."""
        await self.until(lambda: conversation not in self.conversations, "the conversation to be gone")

    async def disclosed(self, conversation: str) -> dict[str, str]:
        """The verified attributes on the screen, by tag."""
        await self.until(lambda: conversation in self.attributes, "the attributes")
        return {one["tag"]: one["value"] for one in self.attributes[conversation]["attributes"]}

    async def say(self, conversation: str, text: str, *, command_id: str | None = None) -> Frame:
        """Say something; the ack."""
        return await self.command("send", command_id=command_id, conversation=conversation, text=text)

    async def end(self, conversation: str) -> Frame:
        """End the conversation."""
        return await self.command("end", conversation=conversation)

    async def finish(self, conversation: str) -> Frame:
        """Say that the work after the conversation is done."""
        return await self.command("finish", conversation=conversation)

    def texts(self, conversation: str) -> list[str]:
        """What was said in the conversation, in order."""
        return [event["text"] for event in self.events(conversation) if event["type"] == "message"]

    async def said(self, conversation: str, *texts: str) -> None:
        """Until exactly this has been said."""
        await self.until(
            lambda: self.texts(conversation) == list(texts),
            f"{len(texts)} messages, not {len(self.texts(conversation))}",
        )
