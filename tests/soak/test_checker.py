"""The checker finds what was planted: in journals written by hand, and in those of a real conversation."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from running import ATTRIBUTES, make_site, running_house
from soak.checker import Checker
from soak.journal import Journal, Record
from soak.journaled import JournaledEndUser, JournaledStaff
from soak.story import EVENTS, C, Story, acked, event, heard, hello, offer, phase, queue, said, sends

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Site

LAST = 15
"""How many events the real conversation has: three before its twelve messages."""


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4404, 4409])
def test_a_page_that_is_told_to_stop_though_it_is_its_persons_only_one_is_found(story: Story, code: int) -> None:
    place = story.end_user.records.index(Record("lost"))
    story.end_user.records[place] = Record("lost", {"code": code})
    story.finds(f"end user 1: its only page was told to stop: {code}")


@pytest.mark.parametrize("code", [1006, 1012, 1013, 4408, 4429])
def test_a_page_that_is_told_to_come_back_is_no_fault(story: Story, code: int) -> None:
    story.end_user.records[story.end_user.records.index(Record("lost"))] = Record("lost", {"code": code})
    assert story.verdict().faults == []


def test_a_conversation_in_which_all_went_well_has_no_faults_and_is_counted(story: Story) -> None:
    verdict = story.verdict()
    assert verdict.faults == []
    counts = verdict.counts
    assert (counts.messages_sent, counts.messages_acknowledged, counts.messages_in_logs) == (3, 3, 3)
    assert (counts.events_received, counts.reconnections, counts.people_served) == (10, 1, 1)
    assert "        3  messages acknowledged" in str(counts)


@pytest.mark.parametrize("seq", [1, 3, 5])
@pytest.mark.parametrize("side", ["end_user", "agent"])
def test_a_lost_event_is_found(story: Story, side: str, seq: int) -> None:
    journal: Journal = getattr(story, side)
    del journal.records[story.at(journal, seq)]
    story.finds("hole" if seq < 5 else f"no {side} received it")


@pytest.mark.parametrize("side", ["end_user", "agent"])
def test_an_event_that_came_twice_is_found(story: Story, side: str) -> None:
    journal: Journal = getattr(story, side)
    place = story.at(journal, 4)
    journal.records.insert(place + 1, copy.deepcopy(journal.records[place]))
    story.finds("received twice")


def test_an_event_that_comes_again_after_a_reconnect_is_found(story: Story) -> None:
    welcome = story.at(story.end_user, 4) + 4
    story.end_user.records.insert(welcome + 1, Record("heard", EVENTS[3]))
    story.finds("event 4 of the public log was received twice")


@pytest.mark.parametrize("side", ["end_user", "agent"])
def test_two_events_in_the_other_order_are_found(story: Story, side: str) -> None:
    journal: Journal = getattr(story, side)
    one, two = story.at(journal, 1), story.at(journal, 2)
    journal.records[one], journal.records[two] = journal.records[two], journal.records[one]
    story.finds("hole")


def test_another_order_for_the_other_side_is_found_though_the_numbers_are_right(story: Story) -> None:
    three, four = (story.at(story.agent, seq) for seq in (3, 4))
    story.agent.records[three] = Record("heard", said(3, "agent", "a1"))
    story.agent.records[four] = Record("heard", said(4, "end_user", "u1"))
    story.finds("another one than somebody else received")


def test_another_order_than_was_acknowledged_is_found_though_both_sides_agree(story: Story) -> None:
    for journal in (story.end_user, story.agent):
        journal.records[story.at(journal, 3)] = Record("heard", said(3, "agent", "a1"))
        journal.records[story.at(journal, 4)] = Record("heard", said(4, "end_user", "u1"))
    story.finds("acknowledged as message 3 is something else", "acknowledged as message 4 is something else")


def test_a_message_that_was_stored_twice_is_found(story: Story) -> None:
    for journal in (story.end_user, story.agent):
        journal.records.append(Record("heard", said(6, "end_user", "u2")))
    story.finds("said before, as 5")


def test_an_acknowledgement_of_what_was_never_stored_is_found(story: Story) -> None:
    story.end_user.records += [sends("u3"), acked("u3", 6)]
    story.finds("message 6", "no agent received it", "no end_user received it")


def test_what_no_agent_could_receive_since_none_has_the_conversation_any_more_is_no_loss(story: Story) -> None:
    del story.agent.records[story.at(story.agent, 5)]
    story.end_user.records.append(Record("heard", event(6, "left")))
    story.end_user.records.append(heard("conversation", conversation=phase("waiting", 3)))
    story.agent.records.append(heard("conversation_gone", conversation=C))
    story.agent.records.append(queue(3, C))
    assert story.verdict().faults == []


def test_a_log_that_comes_from_the_beginning_after_a_welcome_without_it_is_no_double(story: Story) -> None:
    have = {"conversation": C, "log": "public", "log_id": "one", "seq": 5}
    story.agent.records += [Record("lost"), *hello(have), heard("welcome", conversations=[], offers=[])]
    story.agent.records += [heard("conversation", conversation=phase("active", 4)), queue(3, C, state="assigned")]
    story.agent.records += [Record("heard", one) for one in EVENTS]
    assert story.verdict().faults == []


def test_two_answers_to_a_command_that_was_sent_once_are_found(story: Story) -> None:
    story.end_user.records.append(acked("u2", 5))
    story.finds("sent 1 times and answered 2 times")


def test_attributes_before_the_acceptance_are_found(story: Story) -> None:
    accept = next(n for n, one in enumerate(story.agent.records) if one.frame.get("type") == "accept")
    shown = next(n for n, one in enumerate(story.agent.records) if one.frame.get("type") == "attributes")
    story.agent.records.insert(accept, story.agent.records[shown])
    story.finds("ann was shown attributes of a conversation that they had not accepted")


def test_attributes_for_an_agent_whose_acceptance_was_refused_are_found(story: Story) -> None:
    place = next(n for n, one in enumerate(story.agent.records) if one.frame.get("id") == "t1" and one.what == "heard")
    story.agent.records[place] = heard("error", id="t1", code="conflict")
    story.finds("had not accepted")


def test_attributes_for_another_agent_or_the_end_user_are_found(story: Story) -> None:
    shown = heard("attributes", conversation=C, attributes=[{"value": "Suzanne Moulin"}])
    story.others.append(Journal("bob", "bob", [*hello(), heard("welcome", conversations=[], offers=[]), shown]))
    story.end_user.records.append(shown)
    story.finds("bob was shown attributes", "an end user was shown attributes")


def test_values_of_attributes_in_another_frame_are_found(story: Story) -> None:
    story.agent.records.insert(3, heard("offer", offer={**offer("8", 5), "x": ["Suzanne Moulin"]}))
    story.finds("values of attributes stood in a frame `offer`")


def waiting(story: Story) -> Journal:
    """Somebody else, who waits from now on."""
    other = "z" * 26
    records = [*hello(), heard("welcome", conversation={"id": other, "version": 1, "phase": "waiting"})]
    journal = Journal("end user 2", None, records)
    story.others.append(journal)
    story.agent.records.append(queue(3, other))
    return journal


def test_whoever_waits_and_is_in_the_queue_is_not_forgotten(story: Story) -> None:
    waiting(story)
    verdict = story.verdict()
    assert (verdict.faults, verdict.counts.people_in_the_queue) == ([], 1)


def test_whoever_waits_and_is_not_in_the_queue_was_forgotten(story: Story) -> None:
    waiting(story)
    story.agent.records.append(queue(4))
    story.finds("end user 2: is waiting, and is not in the queue")


def test_whoever_is_over_without_having_been_served_or_having_left_was_forgotten(story: Story) -> None:
    journal = waiting(story)
    journal.records.append(heard("conversation", conversation={"id": "z" * 26, "version": 2, "phase": "closed"}))
    story.agent.records.append(queue(4))
    story.finds("end user 2: was never served, and is closed")


def test_two_agents_in_one_conversation_are_found(story: Story) -> None:
    for journal in (story.end_user, story.agent):
        journal.records.append(Record("heard", event(6, "joined", "agent", name="Bob")))
    story.finds("an agent is there already")


def test_one_offer_to_two_agents_is_found(story: Story) -> None:
    again = heard("welcome", conversations=[], offers=[offer("7", 5)])
    story.others.append(Journal("bob", "bob", [*hello(), again]))
    story.finds("an offer was made to two agents")


def test_a_place_in_the_queue_that_changed_is_found(story: Story) -> None:
    story.agent.records.append(heard("offer", offer=offer("9", 6)))
    story.finds("the entered_at of conversation")


# --- a real conversation ------------------------------------------------------------------------------------------


def lose(journal: Journal, place: int) -> None:
    del journal.records[place]


def double(journal: Journal, place: int) -> None:
    journal.records.insert(place, journal.records[place])


def swap(journal: Journal, place: int) -> None:
    records = journal.records
    later = next(n for n in range(place + 1, len(records)) if records[n].frame.get("type") == "message")
    records[place], records[later] = records[later], records[place]


async def test_what_is_planted_in_the_journals_of_a_real_conversation_is_found(
    one_redis_url: str, tmp_path: Path
) -> None:
    async with running_house(make_site(tmp_path, one_redis_url)) as site:
        end_user, ann = await JournaledEndUser.start(site), await JournaledStaff.log_in(site, "ann")
        try:
            await _talk(site, end_user, ann)
        finally:
            for client in (end_user, ann):
                await client.disconnect()
                await client.browser.close()
    journals, values = [end_user.journal, ann.journal], dict.fromkeys(ATTRIBUTES.values(), end_user.conversation)
    untouched = Checker(journals, values).verdict()
    assert (untouched.faults, untouched.counts.messages_acknowledged) == ([], 12)
    assert (untouched.counts.reconnections, untouched.counts.people_served) == (1, 1)
    for tamper, words in ((lose, "hole"), (double, "received twice"), (swap, "hole")):
        for number, journal in enumerate(journals):
            for place, record in enumerate(journal.records):
                if record.frame.get("type") == "message" and record.frame["seq"] < LAST - 1:
                    found = _after(tamper, journals, number, place, values)
                    assert any(words in fault for fault in found), (tamper, place, found)


async def _talk(site: Site, end_user: JournaledEndUser, ann: JournaledStaff) -> None:
    assert await end_user.identify(site.token()) == 200
    await end_user.land()
    await ann.connect()
    await ann.available()
    await end_user.connect()
    conversation = await ann.accept_next()
    await end_user.in_phase("active")
    for number in range(5):
        await end_user.say(f"question {number}")
        await ann.say(conversation, f"answer {number}")
    end_user.lose()
    await end_user.closed()
    await ann.say(conversation, "still there?")
    await end_user.resume()
    await end_user.say("yes")
    for client in (end_user, ann):
        await client.has_seq(conversation, LAST)
    assert await ann.disclosed(conversation) == ATTRIBUTES


def _after(
    tamper: Callable[[Journal, int], None], journals: list[Journal], number: int, place: int, values: dict[str, str]
) -> list[str]:
    tampered = [Journal(one.who, one.account, list(one.records)) for one in journals]
    tamper(tampered[number], place)
    return Checker(tampered, values).verdict().faults
