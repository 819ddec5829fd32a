"""What the pages say, in Dutch and in English: as much of it as people look for in the browser's tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["nl", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("nl", "en")


@dataclass(frozen=True, kw_only=True)
class Words:
    """One language."""

    language: Language
    # the municipality's page
    test_person: str
    elsewhere: str
    chat: str
    next: str
    start: str
    choose_first: str
    what_will_happen: str
    no_connection: str
    no_contact_here: str
    # identification
    share: str
    refuse: str
    # waiting
    to_the_conversation: str
    identifying: str
    waiting: str
    first_in_line: str
    one_before: str
    nobody_present: str
    one_present: str
    about_four_minutes: str
    leave_queue: str
    leave_yes: str
    not_identified: str
    may_continue: str
    may_not_continue: str
    continue_unverified: str
    # conversation
    talking_to_ann: str
    your_message: str
    send: str
    sending: str
    sent: str
    read: str
    new_messages: str
    ann_is_typing: str
    end_user_is_typing: str
    there_was_a_fault: str
    not_kept: str
    one_not_kept: str
    send_again: str
    remove: str
    offline: str
    end: str
    end_yes: str
    end_no: str
    opened_elsewhere: str
    # afterwards
    ended: str
    ended_by_end_user: str
    ended_by_agent: str
    left_the_queue: str
    back: str
    # the console
    account: str
    password: str
    log_in: str
    wrong_password: str
    available: str
    away: str
    offer: str
    accept: str
    decline: str
    nobody_waits: str
    conversations: str
    missed_offers: str
    details: str
    message_to_end_user: str
    verified: str
    not_verified: str
    not_checked: str
    wrap_up_by_end_user: str
    wrap_up_by_agent: str
    finish: str
    no_longer_shown: str
    report_move: str
    passport: str
    attributes: tuple[str, str]
    row_in_conversation: str
    absent: str


NL: Final = Words(
    language="nl",
    test_person="Proefpersoon",
    elsewhere="Andere dienst",
    chat="Chatten",
    next="Volgende",
    start="Starten",
    choose_first="Maak eerst een keuze.",
    what_will_happen="Dit gaat er gebeuren",
    no_connection="Wij kunnen nu geen verbinding maken.",
    no_contact_here="Voor dit onderwerp kunt u hier geen contact opnemen.",
    share="Ja, delen en verdergaan",
    refuse="Nee, niet delen",
    to_the_conversation="Naar het gesprek",
    identifying="Wij wachten op uw identificatie",
    waiting="U staat in de wachtrij",
    first_in_line="U bent als eerste aan de beurt.",
    one_before="Er is 1 persoon voor u.",
    nobody_present="Er is nu geen medewerker aanwezig.",
    one_present="1 medewerker aanwezig",
    about_four_minutes="U wacht waarschijnlijk ongeveer 4 minuten.",
    leave_queue="Wachtrij verlaten",
    leave_yes="Ja, verlaten",
    not_identified="Het is niet gelukt om vast te stellen wie u bent",
    may_continue="U kunt wel verdergaan.",
    may_not_continue="Voor dit onderwerp moeten wij zeker weten wie u bent.",
    continue_unverified="Ga verder zonder identificatie",
    talking_to_ann="U chat met Ann de Boer",
    your_message="Uw bericht",
    send="Versturen",
    sending="Wordt verstuurd…",
    sent="Verstuurd",
    read="Gelezen",
    new_messages="Nieuwe berichten",
    ann_is_typing="Ann de Boer is aan het typen…",
    end_user_is_typing="Inwoner is aan het typen…",
    there_was_a_fault="Er was een storing.",
    not_kept="Niet bewaard, door een storing",
    one_not_kept="1 bericht van u is niet bewaard.",
    send_again="Opnieuw versturen",
    remove="Weghalen",
    offline="Verbinding weg; wij verbinden opnieuw…",
    end="Gesprek beëindigen",
    end_yes="Ja, beëindigen",
    end_no="Nee,",
    opened_elsewhere="Deze pagina is ergens anders geopend.",
    ended="Dit gesprek is afgelopen",
    ended_by_end_user="U heeft het gesprek beëindigd.",
    ended_by_agent="De medewerker heeft het gesprek beëindigd.",
    left_the_queue="U heeft de wachtrij verlaten.",
    back="Terug naar de website",
    account="Gebruikersnaam",
    password="Wachtwoord",
    log_in="Inloggen",
    wrong_password="De gebruikersnaam en het wachtwoord horen niet bij elkaar.",
    available="Beschikbaar",
    away="Afwezig",
    offer="Nieuw gesprek",
    accept="Aannemen",
    decline="Niet nu",
    nobody_waits="Er wacht niemand.",
    conversations="Uw gesprekken",
    missed_offers="U bent op afwezig gezet",
    details="Gegevens bij dit gesprek",
    message_to_end_user="Uw bericht aan de inwoner",
    verified="Geverifieerd",
    not_verified="Niet geverifieerd",
    not_checked="Wat de inwoner hier zegt, is niet gecontroleerd.",
    wrap_up_by_end_user="De inwoner heeft het gesprek beëindigd.",
    wrap_up_by_agent="U heeft het gesprek beëindigd.",
    finish="Afronden",
    no_longer_shown="De gegevens zijn niet meer zichtbaar.",
    report_move="Verhuizing doorgeven",
    passport="Paspoort",
    attributes=("Naam", "Woonplaats"),
    row_in_conversation="In gesprek",
    absent="Niet ingelogd",
)

EN: Final = Words(
    language="en",
    test_person="Test person",
    elsewhere="Another service",
    chat="Chat",
    next="Next",
    start="Start",
    choose_first="Please make a choice first.",
    what_will_happen="What will happen",
    no_connection="We cannot connect right now.",
    no_contact_here="You cannot contact us here about this subject.",
    share="Yes, share and go on",
    refuse="No, do not share",
    to_the_conversation="Go to the conversation",
    identifying="We are waiting for your identification",
    waiting="You are in the queue",
    first_in_line="You are next.",
    one_before="There is 1 person before you.",
    nobody_present="No agent is present at the moment.",
    one_present="1 agent present",
    about_four_minutes="You will probably wait about 4 minutes.",
    leave_queue="Leave the queue",
    leave_yes="Yes, leave",
    not_identified="We could not establish who you are",
    may_continue="You can still continue.",
    may_not_continue="For this subject we need to be sure who you are.",
    continue_unverified="Continue without identification",
    talking_to_ann="You are chatting with Ann de Boer",
    your_message="Your message",
    send="Send",
    sending="Sending…",
    sent="Sent",
    read="Read",
    new_messages="New messages",
    ann_is_typing="Ann de Boer is typing…",
    end_user_is_typing="End user is typing…",
    there_was_a_fault="There was a fault.",
    not_kept="Not kept, because of a fault",
    one_not_kept="1 message of yours was not kept.",
    send_again="Send again",
    remove="Remove",
    offline="Connection lost; we are reconnecting…",
    end="End conversation",
    end_yes="Yes, end it",
    end_no="No,",
    opened_elsewhere="This page was opened somewhere else.",
    ended="This conversation has ended",
    ended_by_end_user="You ended the conversation.",
    ended_by_agent="The agent ended the conversation.",
    left_the_queue="You left the queue.",
    back="Back to the website",
    account="Username",
    password="Password",
    log_in="Log in",
    wrong_password="The username and the password do not belong together.",
    available="Available",
    away="Away",
    offer="New conversation",
    accept="Accept",
    decline="Not now",
    nobody_waits="Nobody is waiting.",
    conversations="Your conversations",
    missed_offers="You were set to away",
    details="Details of this conversation",
    message_to_end_user="Your message to the end user",
    verified="Verified",
    not_verified="Not verified",
    not_checked="What the end user says here has not been checked.",
    wrap_up_by_end_user="The end user ended the conversation.",
    wrap_up_by_agent="You ended the conversation.",
    finish="Finish",
    no_longer_shown="The details are no longer visible.",
    report_move="Report a move",
    passport="Passport",
    attributes=("Name", "City"),
    row_in_conversation="Being helped",
    absent="Not logged in",
)

WORDS: Final[dict[Language, Words]] = {"nl": NL, "en": EN}
