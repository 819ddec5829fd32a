"""What the checker allows where a copy of the store took over that had lost something; and nothing of it elsewhere."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from soak.falls import Fall
from soak.journal import Journal, Record
from soak.story import EVENTS, C, Story, acked, event, heard, hello, offer, phase, queue, said

if TYPE_CHECKING:
    from soak.journal import Frame

FALL = Fall(1005, 1500)
"""What was stored as event 5 may be lost, and nothing before it."""
LATER = 2000


@pytest.fixture
def story() -> Story:
    return Story()


def comes(journal: Journal, *events: Frame) -> None:
    journal.records += [Record("heard", one, LATER) for one in events]


def fall_back(story: Story, *, told: bool = True) -> list[Frame]:
    """The agent saw another event 5 than the end user, and the log comes again, with what was acknowledged."""
    story.falls.append(FALL)
    story.agent.records[story.at(story.agent, 5)] = Record("heard", said(5, "agent", "lost"))
    word = event(6, "maybe_lost") if told else said(6, "agent", "a2")
    again = [{**one, "log_id": "two"} for one in (*EVENTS, word)]
    for journal in (story.end_user, story.agent):
        comes(journal, *again)
    return again


# --- logs ---------------------------------------------------------------------------------------------------------


def test_a_log_that_comes_again_because_the_store_lost_its_end_is_no_fault(story: Story) -> None:
    fall_back(story)
    verdict = story.verdict()
    assert (verdict.faults, verdict.counts.whole_logs_again) == ([], 2)
    assert (verdict.counts.messages_acknowledged, verdict.counts.messages_in_logs) == (3, 3)


@pytest.mark.parametrize("falls", [[], [Fall(LATER + 1, LATER + 2)]], ids=["ever", "yet"])
def test_a_log_that_comes_again_though_the_store_lost_nothing_is_found(story: Story, falls: list[Fall]) -> None:
    fall_back(story)
    story.falls = falls
    story.finds("came again, though the store has lost nothing")


def test_two_histories_under_one_number_that_no_copy_lost_are_found(story: Story) -> None:
    fall_back(story)
    story.falls = [Fall(1006, 1500)]
    story.finds("ann: event 5 of the public log is lost, and a copy of the store had it")


@pytest.mark.parametrize("side", ["end_user", "agent"])
def test_an_event_that_a_copy_had_and_that_does_not_come_again_is_found(story: Story, side: str) -> None:
    fall_back(story)
    journal: Journal = getattr(story, side)
    place = next(n for n, one in enumerate(journal.records) if one.frame.get("log_id") == "two")
    frame = journal.records[place + 1].frame
    journal.records[place + 1] = Record("heard", {**frame, "at": 1400}, LATER)
    story.finds("event 2 of the public log is lost, and a copy of the store had it")


def test_a_log_that_comes_back_because_what_took_its_place_was_lost_too_is_no_fault(story: Story) -> None:
    fall_back(story)
    story.falls.append(Fall(1006, 1600))
    for journal in (story.end_user, story.agent):
        comes(journal, *copy.deepcopy(EVENTS))
    assert story.verdict().faults == []


def test_who_stays_with_a_log_that_another_took_the_place_of_is_found(story: Story) -> None:
    fall_back(story)
    del story.end_user.records[-6:]
    story.finds("end user 1: still has the public log")


def test_who_keeps_a_log_that_another_took_the_place_of_is_found(story: Story) -> None:
    fall_back(story)
    del story.agent.records[-6:]
    story.finds("ann: still has the public log")


def test_a_log_that_comes_again_without_a_word_is_found(story: Story) -> None:
    fall_back(story, told=False)
    story.finds("nobody was told why")


def test_what_was_acknowledged_and_is_not_in_the_log_that_comes_again_is_found(story: Story) -> None:
    again = fall_back(story)
    again[4].update(said(5, "agent", "a2"), log_id="two")
    story.finds("acknowledged as message 5 is something else")


def forget(story: Story, *, gone: bool) -> None:
    """The agent saw another event 5, and forgot it with the conversation, which came back."""
    story.agent.records[story.at(story.agent, 5)] = Record("heard", said(5, "agent", "lost"))
    if gone:
        story.agent.records.append(heard("conversation_gone", conversation=C))
    else:
        have = {"conversation": C, "log": "public", "log_id": "one", "seq": 5}
        story.agent.records += [Record("lost"), *hello(have), heard("welcome", conversations=[], offers=[])]
    story.agent.records += [heard("conversation", conversation=phase("active", 4)), queue(3, C, state="assigned")]
    comes(story.agent, *EVENTS)


@pytest.mark.parametrize("gone", [True, False], ids=["as it was told", "for its welcome did not list it"])
def test_what_an_agent_forgot_with_the_conversation_is_no_other_history_when_it_was_lost(
    story: Story, *, gone: bool
) -> None:
    forget(story, gone=gone)
    story.falls.append(FALL)
    assert story.verdict().faults == []
    story.falls.clear()
    story.finds("event 5 of the public log is another one than somebody else received")


# --- the queue ----------------------------------------------------------------------------------------------------


def is_offered(story: Story, frame: Frame) -> None:
    """To another agent."""
    welcome = heard("welcome", conversations=[], offers=[frame])
    story.others.append(Journal("bob", "bob", [*hello(), welcome]))


@pytest.mark.parametrize(
    ("again", "fault"),
    [(3600, None), (3400, "an offer was made to two agents"), (3000, "an offer was made to two agents")],
    ids=["by the next copy", "by the same copy", "at once"],
)
def test_the_number_of_an_offer_is_given_again_by_the_next_copy_alone(
    story: Story, again: int, fault: str | None
) -> None:
    story.falls.append(Fall(2900, 3500))
    is_offered(story, offer("7", 5, again))
    assert [said.partition(": ")[2] for said in story.verdict().faults] == ([] if fault is None else [fault])


def test_two_offers_of_one_number_are_found_when_the_first_was_long_before_the_failover(story: Story) -> None:
    story.falls.append(Fall(3001, 3500))
    is_offered(story, offer("7", 5, 3600))
    story.finds("an offer was made to two agents")


def test_who_came_in_the_moment_of_a_failover_comes_to_the_queue_again_and_nobody_else(story: Story) -> None:
    story.agent.records.append(heard("offer", offer=offer("9", 4000)))
    story.falls.append(Fall(5, 3000))
    assert story.verdict().faults == []
    for elsewhere in (Fall(1100, 3000), Fall(5, 4001)):
        story.falls[:] = [elsewhere]
        story.finds("the entered_at of conversation")


def test_an_arrival_is_counted_again_when_it_was_first_heard_of_in_that_moment_and_else_not(story: Story) -> None:
    entry = {"conversation": C, "arrival": 2, "entered_at": 5, "priority": 5, "state": "assigned"}
    story.agent.records.append(Record("heard", {"type": "queue", "version": 3, "entries": [entry]}, LATER))
    story.falls.append(Fall(-10, 1500))
    assert story.verdict().faults == []
    for elsewhere in (Fall(1, 1500), Fall(-10, LATER + 1)):
        story.falls[:] = [elsewhere]
        story.finds("the arrival of conversation")


def test_a_priority_never_changes(story: Story) -> None:
    story.falls.append(Fall(-10, 0))
    first = next(one.frame for one in story.agent.records if one.frame.get("type") == "queue")
    first["entries"][0]["priority"] = 4
    story.finds("the priority of conversation")


# --- acceptances, and pages ---------------------------------------------------------------------------------------


def refuse(story: Story) -> None:
    """The acceptance is sent again, later, and refused; attributes had been shown."""
    journal = story.agent
    place = next(n for n, one in enumerate(journal.records) if one.frame.get("type") == "ack")
    journal.records[place] = Record("heard", {"type": "error", "id": "t1", "code": "conflict"}, LATER)


def test_attributes_of_an_acceptance_that_was_lost_and_then_refused_are_no_fault(story: Story) -> None:
    refuse(story)
    story.falls.append(Fall(1, 1500))
    assert story.verdict().faults == []


def test_attributes_of_an_acceptance_that_was_refused_when_nothing_had_been_lost_since_are_found(story: Story) -> None:
    refuse(story)
    for elsewhere in (Fall(-10, -5), Fall(LATER, LATER + 1)):
        story.falls[:] = [elsewhere]
        story.finds("had not accepted")


@pytest.mark.parametrize("code", [4401, 4404])
def test_a_page_of_which_the_store_knows_nothing_any_more_is_found_after_a_failover_too(
    story: Story, code: int
) -> None:
    """Who was given a cookie, was logged in or has a conversation was told so when a replica had it."""
    story.falls.append(FALL)
    place = story.end_user.records.index(Record("lost"))
    story.end_user.records[place] = Record("lost", {"code": code})
    story.finds(f"its only page was told to stop: {code}")


def test_a_message_that_was_acknowledged_in_the_moment_of_a_failover_is_missed(story: Story) -> None:
    story.falls.append(FALL)
    story.end_user.records.append(acked("u3", 6))
    story.end_user.records.insert(-1, Record("sent", {"type": "send", "id": "u3", "conversation": C, "text": "x"}))
    story.finds("message 6", "no end_user received it")
