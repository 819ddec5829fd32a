from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.core.kinds import (
    DuringCommunication,
    FullSession,
    IdentifyFirst,
    Unauthenticated,
    WithEarlierResult,
    WithKeptResult,
    kind_of,
    signed_kind_of,
)
from idcontact.errors import BadRequest
from idcontact.protocol import SignedStartRequest, StartRequest

if TYPE_CHECKING:
    from idcontact.core.kinds import StartKind

VALUES = {
    "comm_method": "chat",
    "auth_method": "digid",
    "auth_result": "a.b.c.d.e",
    "auth_handle": "h" * 43,
    "comm_url": "https://example.org/chat",
    "attr_url": "https://example.org/attr",
}
KINDS: dict[frozenset[str], StartKind] = {
    frozenset({"comm_method", "auth_method"}): FullSession("move", "digid", "chat"),
    frozenset({"auth_method"}): IdentifyFirst("move", "digid"),
    frozenset({"comm_method", "auth_result"}): WithEarlierResult("move", "a.b.c.d.e", "chat"),
    frozenset({"comm_method", "auth_handle"}): WithKeptResult("move", "h" * 43, "chat"),
    frozenset({"comm_method"}): Unauthenticated("move", "chat"),
}


def start_request(members: frozenset[str]) -> StartRequest:
    return msgspec.convert({"purpose": "move", **{name: VALUES[name] for name in members}}, StartRequest)


@given(st.frozensets(st.sampled_from(sorted(VALUES))))
def test_a_request_is_of_the_one_kind_its_members_make_or_names_one_that_does_not_belong(
    members: frozenset[str],
) -> None:
    request = start_request(members)
    if members in KINDS:
        assert kind_of(request) == KINDS[members]
        return
    with pytest.raises(BadRequest) as refused:
        kind_of(request)
    assert refused.value.field in (members | {"comm_method"})


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"comm_method", "auth_method", "auth_result"}, "auth_result: auth_method and auth_result do not go together"),
        ({"comm_method", "auth_result", "auth_handle"}, "auth_handle: auth_result and auth_handle do not go together"),
        ({"auth_method", "comm_url"}, "comm_url: belongs in a signed request (application/jwt), and not in this one"),
        ({"comm_method", "attr_url"}, "attr_url: belongs in a signed request (application/jwt), and not in this one"),
        ({"auth_result"}, "comm_method: is missing"),
        (set(), "comm_method: is missing"),
    ],
)
def test_a_request_that_mixes_kinds_says_which_fields_conflict(members: set[str], said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        kind_of(start_request(frozenset(members)))
    assert str(refused.value) == said


SIGNED = {"purpose": "move", "auth_method": "digid", "comm_url": "https://example.org/chat?a=b#part"}
ATTR_URL = {"attr_url": "https://example.org/attr"}


def signed(**members: str) -> SignedStartRequest:
    return msgspec.convert({**SIGNED, **members}, SignedStartRequest)


def test_a_signed_request_identifies_for_a_conversation_elsewhere() -> None:
    kind = signed_kind_of(signed(**ATTR_URL))
    assert kind == DuringCommunication("move", "digid", SIGNED["comm_url"], ATTR_URL["attr_url"])
    assert signed_kind_of(signed(comm_url="tel:0201234567,12", **ATTR_URL)).comm_url == "tel:0201234567,12"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({**ATTR_URL, "comm_method": "chat"}, "request.comm_method"),
        ({**ATTR_URL, "auth_result": "x"}, "request.auth_result"),
        ({**ATTR_URL, "auth_handle": "x"}, "request.auth_handle"),
        ({**ATTR_URL, "comm_url": "javascript:alert(1)"}, "request.comm_url"),
        ({**ATTR_URL, "comm_url": "//example.org/"}, "request.comm_url"),
        ({**ATTR_URL, "comm_url": "https://user@example.org/"}, "request.comm_url"),
        ({"attr_url": "tel:12"}, "request.attr_url"),
        ({"attr_url": "file:///etc/passwd"}, "request.attr_url"),
        ({"comm_url": "tel:0201234567,12"}, "request.comm_url"),
        ({"comm_url": "https://example.org/#part"}, "request.comm_url"),
    ],
)
def test_a_signed_request_that_leads_nowhere_or_mixes_kinds_is_refused(members: dict[str, str], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        signed_kind_of(signed(**members))
    assert refused.value.field == field


def test_what_a_start_carries_does_not_show_when_it_is_printed() -> None:
    for kind in (*KINDS.values(), signed_kind_of(signed(**ATTR_URL))):
        assert "a.b.c" not in repr(kind)
        assert "hhh" not in repr(kind)
        assert "example.org" not in repr(kind)
