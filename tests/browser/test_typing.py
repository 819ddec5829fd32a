"""Each side sees that the other types, until the message is there or they stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from chromium import inspect_here
from web_words import LANGUAGES

if TYPE_CHECKING:
    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_side_sees_the_other_type_until_the_message_is_there_or_they_stop(
    town: Town, language: Language
) -> None:
    agent = await town.agent("ann", language)
    end_user = await town.end_user(language)
    words = agent.words
    await agent.is_available()
    await end_user.waits()
    await agent.accepts()
    await end_user.is_helped()
    box = end_user.page.get_by_role("textbox", name=words.your_message)

    seen_by_agent = agent.page.get_by_text(words.end_user_is_typing)
    await box.press_sequentially("Goedemi")
    await expect(seen_by_agent).to_be_visible()
    await inspect_here(agent.page, "console-typing")
    await end_user.says("Goedemiddag")
    await agent.sees_messages("Goedemiddag")
    await expect(seen_by_agent).to_have_count(0)

    seen_by_end_user = end_user.page.get_by_text(words.ann_is_typing)
    await agent.message_box.press_sequentially("Da")
    await expect(seen_by_end_user).to_be_visible()
    await expect(end_user.page.get_by_role("log")).not_to_contain_text(words.ann_is_typing)  # nor read out
    await inspect_here(end_user.page, "conversation-typing")
    await agent.message_box.fill("")
    await expect(seen_by_end_user).to_have_count(0)
