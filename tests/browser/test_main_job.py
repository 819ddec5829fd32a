"""The main job in a real browser: someone identifies, waits, and talks to an agent who sees who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from running import ATTRIBUTES
from web_words import LANGUAGES

if TYPE_CHECKING:
    from web_people import Agent, EndUser
    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NAME, CITY = ATTRIBUTES["fullname"], ATTRIBUTES["city"]
QUESTION = "Ik ga verhuizen. Geverifieerd: mijn naam is de burgemeester."
ANSWER = "Waar gaat u naartoe?\nZie https://www.voorbeeld.example/verhuizen."


async def in_conversation(town: Town, topic: str = "report_move") -> tuple[EndUser, Agent]:
    """Somebody and Ann, talking."""
    end_user = await town.end_user()
    await end_user.waits(topic)
    agent = await town.agent()
    await agent.helps()
    await end_user.is_helped()
    return end_user, agent


@pytest.mark.parametrize("language", LANGUAGES)
async def test_someone_comes_from_the_municipalitys_page_and_is_helped_to_the_end(
    town: Town, language: Language
) -> None:
    end_user = await town.end_user(language)
    words = end_user.words
    await end_user.starts()
    for value in (NAME, CITY):
        await end_user.reads(value)
    await end_user.shares()
    await end_user.sees_heading(words.waiting)
    await end_user.reads(words.first_in_line)
    await end_user.reads(words.nobody_present)

    agent = await town.agent("ann", language)
    await agent.is_available()
    await agent.is_offered(words.report_move)
    await end_user.reads(words.one_present)
    assert not [frame for frame in agent.frames if NAME in frame or CITY in frame]
    await agent.accepts()
    await end_user.is_helped()
    await agent.sees_verified(NAME, CITY)

    await end_user.says(QUESTION)
    await agent.sees_messages(QUESTION)
    await agent.says(ANSWER)
    await end_user.sees_messages(QUESTION, ANSWER)
    await expect(end_user.log.get_by_role("link")).to_have_attribute("href", "https://www.voorbeeld.example/verhuizen")

    for person in (end_user, agent):
        await person.page.reload()
        await person.sees_messages(QUESTION, ANSWER)
    await agent.sees_verified(NAME, CITY)

    await end_user.ends()
    await end_user.sees_heading(words.ended)
    await end_user.reads(words.ended_by_end_user)
    await agent.reads(words.wrap_up_by_end_user)
    await expect(agent.panel).to_contain_text(words.no_longer_shown)
    assert NAME not in await agent.page.locator("body").inner_text()
    await agent.presses(words.finish)
    await expect(agent.panel).to_have_count(0)
    await end_user.page.get_by_role("link", name=words.back).click()
    await end_user.page.wait_for_url("**/?topic=report_move*")


async def test_what_is_verified_stands_apart_from_what_the_end_user_says(town: Town) -> None:
    end_user, agent = await in_conversation(town)
    await end_user.says("Geverifieerd\nNaam\nPrins Pils\nWoonplaats\nAmsterdam")
    await agent.reads("Prins Pils")
    await agent.reads(agent.words.not_checked)
    await agent.sees_verified(NAME, CITY)
    await expect(agent.panel).to_contain_text("Met Proefpersoon", use_inner_text=True)
    await expect(agent.panel).not_to_contain_text("Prins Pils")
    await expect(agent.log).not_to_contain_text(NAME)
    talk, panel = await agent.log.bounding_box(), await agent.panel.bounding_box()
    assert talk is not None
    assert panel is not None
    assert talk["x"] + talk["width"] <= panel["x"], "the panel stands beside the conversation"


async def test_a_supervisor_sees_queue_and_agents_live_but_no_attribute(town: Town) -> None:
    supervisor = await town.supervisor()
    words = supervisor.words
    queue, ann = supervisor.row(words.report_move).first, supervisor.row("Ann de Boer")
    await expect(queue.get_by_role("cell").first).to_have_text("0")
    await expect(ann).to_have_count(0)
    end_user = await town.end_user()
    await end_user.waits()
    await expect(queue.get_by_role("cell").first).to_have_text("1")
    agent = await town.agent()
    await agent.helps()
    await expect(queue.get_by_role("cell").first).to_have_text("0")
    await expect(queue.get_by_role("cell").last).to_have_text("1")
    await expect(ann.get_by_role("cell").first).to_have_text(words.available)
    await expect(ann).to_contain_text("1 van 3")
    await agent.sees_verified(NAME, CITY)
    await end_user.says("Dit is niet voor de toezichthouder.")
    await agent.sees_messages("Dit is niet voor de toezichthouder.")
    await end_user.ends()
    await agent.presses(words.finish)
    await expect(ann).to_contain_text("0 van 3")
    await agent.page.close()
    await expect(ann.get_by_role("cell").first).to_have_text(words.absent)
    secrets = (NAME, CITY, "toezichthouder")
    assert not [frame for frame in supervisor.frames if any(one in frame for one in secrets)]


async def test_an_agent_ends_and_the_end_user_is_told(town: Town) -> None:
    end_user, agent = await in_conversation(town)
    await agent.says("Het is geregeld.")
    await end_user.sees_messages("Het is geregeld.")
    await agent.ends()
    await end_user.sees_heading(end_user.words.ended)
    await end_user.reads(end_user.words.ended_by_agent)
    await end_user.sees_messages("Het is geregeld.")
    await agent.reads(agent.words.wrap_up_by_agent)
    await end_user.page.reload()
    await end_user.sees_heading(end_user.words.ended)


async def test_who_does_not_want_to_share_cannot_go_on_where_that_is_needed(town: Town) -> None:
    end_user = await town.end_user()
    await end_user.starts("report_move")
    await end_user.refuses()
    await end_user.sees_heading(end_user.words.not_identified)
    await end_user.reads("Er zijn geen gegevens gedeeld.")
    await end_user.reads(end_user.words.may_not_continue)
    await expect(end_user.page.get_by_role("button", name=end_user.words.continue_unverified)).to_have_count(0)
    supervisor = await town.supervisor()
    await expect(supervisor.row(supervisor.words.report_move).first.get_by_role("cell").first).to_have_text("0")
    await end_user.page.get_by_role("link", name=end_user.words.back).click()
    await end_user.page.wait_for_url("**/?topic=report_move*")
    await end_user.chooses()
    await end_user.presses(end_user.words.start)
    await end_user.shares()
    await end_user.sees_heading(end_user.words.waiting)


async def test_who_does_not_want_to_share_may_go_on_unverified_where_that_is_allowed(town: Town) -> None:
    end_user = await town.end_user()
    await end_user.starts("passport")
    await end_user.refuses()
    await end_user.sees_heading(end_user.words.not_identified)
    await end_user.reads(end_user.words.may_continue)
    await end_user.presses(end_user.words.continue_unverified)
    await end_user.sees_heading(end_user.words.waiting)
    agent = await town.agent()
    await agent.is_available()
    await expect(agent.offer).to_contain_text(agent.words.not_verified)
    await agent.accepts()
    await expect(agent.panel).to_contain_text(agent.words.not_verified)
    await expect(agent.verified).to_have_count(0)
    assert not [frame for frame in agent.frames if NAME in frame]


async def test_what_one_agent_declines_is_offered_to_another_and_keeps_its_place(town: Town) -> None:
    first, second = await town.end_user(), await town.end_user()
    await first.waits()
    await second.waits()
    await second.reads(second.words.one_before)
    ann = await town.agent("ann")
    await ann.is_available()
    await ann.is_offered(ann.words.report_move)
    bob = await town.agent("bob")
    await bob.is_available()
    await bob.is_offered(bob.words.report_move)
    await bob.declines()
    await bob.sees_no_offer()
    await first.reads(first.words.first_in_line)
    await second.reads(second.words.one_before)
    await ann.accepts()
    await first.is_helped()
    await second.reads(second.words.first_in_line)


async def test_an_agent_who_is_away_is_offered_nothing(town: Town) -> None:
    agent = await town.agent()
    await agent.is_available()
    await agent.is_away()
    end_user = await town.end_user()
    await end_user.waits()
    await end_user.reads(end_user.words.nobody_present)
    await agent.sees_no_offer()
    await agent.is_available()
    await agent.is_offered(agent.words.report_move)
    await agent.is_away()
    await agent.sees_no_offer()
    await end_user.reads(end_user.words.first_in_line)


async def test_who_leaves_the_queue_is_gone_from_it(town: Town) -> None:
    end_user = await town.end_user()
    await end_user.waits()
    agent = await town.agent()
    await agent.is_available()
    await agent.is_offered(agent.words.report_move)
    await end_user.leaves_the_queue()
    await end_user.sees_heading(end_user.words.ended)
    await end_user.reads(end_user.words.left_the_queue)
    await agent.sees_no_offer()
    await agent.reads(agent.words.nobody_waits)


async def test_an_agent_helps_several_people_at_once_and_sees_who_wrote(town: Town) -> None:
    first, agent = await in_conversation(town)
    second = await town.end_user()
    await second.waits("passport")
    await agent.accepts()
    await second.is_helped()
    await second.says("Over mijn paspoort.")
    await agent.sees_messages("Over mijn paspoort.")
    await first.says("Over mijn verhuizing.")
    own = agent.page.get_by_role("navigation").filter(has_text=agent.words.report_move)
    await expect(own.get_by_role("button", name=agent.words.report_move)).to_contain_text("1 ongelezen bericht")
    await own.get_by_role("button", name=agent.words.report_move).click()
    await agent.sees_messages("Over mijn verhuizing.")
    await agent.says("Goedemiddag.")
    await first.sees_messages("Over mijn verhuizing.", "Goedemiddag.")
    await second.sees_messages("Over mijn paspoort.")


async def test_an_agent_who_looks_elsewhere_hears_and_sees_in_the_title_that_something_is_offered(town: Town) -> None:
    agent = await town.stranger()
    await agent.page.add_init_script(
        """document.hasFocus = () => false;
        window.tones = 0;
        const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (when) { window.tones += 1; return start.call(this, when); };"""
    )
    await agent.logs_in("ann")
    await agent.is_available()
    end_user = await town.end_user()
    await end_user.waits()
    await agent.is_offered(agent.words.report_move)
    await expect(agent.page).to_have_title(agent.words.offer)
    await agent.page.wait_for_function("window.tones > 0")
