"""Who is in a room of the platform, and what was received of whom: kept sealed, on all nodes, for a limited time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from idcontact.errors import BadRequest, NotFound, TokenRejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idcontact.plugin import PluginHost
    from idcontact_comm_platform.links import Guest, Host

ACTIVITY_PAUSE: Final = 60
"""Seconds after which looking at a room counts as activity again."""
_TRIES: Final = 100
"""How often a change is tried while others change the same room: each time it fails, one of theirs was done."""


class State(StrEnum):
    """How it stands with somebody's identification."""

    BEGUN = "begun"
    GIVEN = "given"
    FAILED = "failed"


class Received(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """An auth result that was checked when it came, and is not doubted again. `attributes`: None when it failed."""

    method: str
    level: str | None
    attributes: dict[str, str] | None
    digest: str


class Person(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A guest who began to identify. `attr` is a hash of what stands in the attr_url. Times: seconds since 1970.

    `revision` is another one after each change that shows.
    """

    id: str
    name: str
    purpose: str
    instance: str | None
    attr: str
    created_at: float
    active_at: float
    changed_at: float
    revision: str
    received: Received | None = None

    @property
    def state(self) -> State:
        """How it stands with the identification."""
        if self.received is None:
            return State.BEGUN
        return State.FAILED if self.received.attributes is None else State.GIVEN


class _Link(msgspec.Struct, frozen=True, array_like=True, tag="link"):
    """What an attr_url leads to."""

    room: str
    person: str


@dataclass(frozen=True)
class View:
    """A room as a host sees it: its people, newest last. `until`: when the next of them is gone."""

    people: Sequence[Person]
    until: float | None

    @property
    def revision(self) -> str:
        """Another one after each change that shows. Says nothing else."""
        said = "\n".join(person.revision for person in self.people)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


_people = msgspec.msgpack.Decoder(list[Person])
_link = msgspec.msgpack.Decoder(_Link)


class Rooms:
    """The rooms of one platform. `secret` names them in the store; `idle` and `lifetime` are in seconds.

    A person is kept until nobody has done anything for `idle`, and never longer than `lifetime`. To identify, to give
    a result and to look at the room is to do something.
    """

    def __init__(self, host: PluginHost, secret: str, *, idle: float, lifetime: float) -> None:
        self._records = host.records
        self._signals = host.signals
        self._clock = host.clock
        self._secret = secret.encode()
        self._idle = idle
        self._lifetime = lifetime

    def place(self, room_id: str) -> str:
        """What a room is called in the store and in hints: nobody without the secret gets from one to the other."""
        return hmac.new(self._secret, f"room {room_id}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()

    def key_of(self, guest: Guest) -> str:
        """A guest among all others, to count what they do."""
        return f"{self.place(guest.room_id)} {_id_of(guest)}"

    async def check_may_begin(self, guest: Guest) -> None:
        """Raise BadRequest when there is a result of this guest already."""
        _check_may_begin(_person(await self._present(self.place(guest.room_id)), _id_of(guest)))

    async def begin(self, guest: Guest, attr_id: str) -> None:
        """The guest begins to identify, or begins again: `attr_id` leads their result here. Raises BadRequest."""
        place, person_id = self.place(guest.room_id), _id_of(guest)
        await self._records.put(attr_id, msgspec.msgpack.encode(_Link(place, person_id)), self._lifetime)

        def begun(people: list[Person], now: float) -> list[Person]:
            before = _person(people, person_id)
            _check_may_begin(before)
            person = Person(
                id=person_id,
                name=guest.name,
                purpose=guest.purpose,
                instance=guest.instance,
                attr=_hashed(attr_id),
                created_at=now if before is None else before.created_at,
                active_at=now,
                changed_at=now,
                revision=_new_revision(),
            )
            return [*(other for other in people if other.id != person_id), person]

        await self._change(place, begun)

    async def purpose_at(self, attr_id: str) -> str:
        """What the guest of this attr_url identifies for. Raises NotFound."""
        link = await self._link(attr_id)
        return _at_attr(await self._present(link.room), link.person, attr_id).purpose

    async def receive(self, attr_id: str, received: Received, remembered: float) -> None:
        """Give the guest of this attr_url a result. The same one again changes nothing; nobody else may use it for
        `remembered` seconds.

        Raises NotFound when none is expected there, TokenRejected when it was used elsewhere.
        """
        link = await self._link(attr_id)

        def given(people: list[Person], now: float) -> list[Person] | None:
            person = _at_attr(people, link.person, attr_id)
            if person.received is not None:
                if person.received.digest == received.digest:
                    return None
                raise _nothing_expected()
            filled = msgspec.structs.replace(
                person, received=received, active_at=now, changed_at=now, revision=_new_revision()
            )
            return [*(other for other in people if other is not person), filled]

        if given(await self._present(link.room), self._clock()) is None:
            return
        if not await self._records.claim(received.digest, attr_id, remembered):
            raise TokenRejected("this auth result was used before")
        await self._change(link.room, given)

    async def look(self, host: Host) -> View:
        """The room as this host sees it. To look is to do something."""
        place = self.place(host.room_id)
        people = await self._present(place)
        now = self._clock()
        if any(now >= person.active_at + min(ACTIVITY_PAUSE, self._idle / 2) for person in people):
            people = await self._touch(place)
        seen = [person for person in people if _is_for(host, person)]
        seen.sort(key=lambda person: person.changed_at)
        return View(seen, min((self._end(person) for person in seen), default=None))

    async def _touch(self, place: str) -> list[Person]:
        def active(people: list[Person], now: float) -> list[Person]:
            return [msgspec.structs.replace(person, active_at=now) for person in people]

        return await self._change(place, active, tell=False)

    # --- the store ---

    async def _link(self, attr_id: str) -> _Link:
        record = await self._records.read(attr_id)
        if record is None:
            raise _nothing_expected()
        try:
            return _link.decode(record.value)
        except msgspec.MsgspecError:  # the id of something else that the plugin keeps
            raise _nothing_expected() from None

    async def _present(self, place: str) -> list[Person]:
        record = await self._records.read(place)
        return [] if record is None else self._still_there(_people.decode(record.value))

    def _still_there(self, people: list[Person]) -> list[Person]:
        now = self._clock()
        return [person for person in people if now < self._end(person)]

    def _end(self, person: Person) -> float:
        return min(person.active_at + self._idle, person.created_at + self._lifetime)

    async def _change(
        self, place: str, change: Callable[[list[Person], float], list[Person] | None], *, tell: bool = True
    ) -> list[Person]:
        """Change what is in a room, whoever else changes it at the same time. `change` gives None for no change.

        Raises Unavailable when the store keeps refusing.
        """
        for _ in range(_TRIES):
            record = await self._records.read(place)
            before = [] if record is None else self._still_there(_people.decode(record.value))
            now = self._clock()
            after = change(before, now)
            if after is None or (record is None and not after):
                return before
            value = msgspec.msgpack.encode(after)
            ttl = max((self._end(person) - now for person in after), default=0.0)
            if record is None:
                done = await self._records.put(place, value, ttl)
            else:
                done = await self._records.replace(place, value, record, ttl)
            if done:
                if tell:
                    await self._signals.tell(place)
                return after
        raise Unavailable("too many others change this room now; try again")


def _check_may_begin(person: Person | None) -> None:
    if person is not None and person.state is State.GIVEN:
        raise BadRequest("this guest has identified already")


def _person(people: Sequence[Person], person_id: str) -> Person | None:
    return next((person for person in people if person.id == person_id), None)


def _at_attr(people: Sequence[Person], person_id: str, attr_id: str) -> Person:
    person = _person(people, person_id)
    if person is None or not hmac.compare_digest(person.attr, _hashed(attr_id)):
        raise _nothing_expected()
    return person


def _is_for(host: Host, person: Person) -> bool:
    """Rooms of two instances of a platform may have one number: where both say which, they are not mixed up."""
    return host.instance is None or person.instance is None or host.instance == person.instance


def new_attr_id() -> str:
    """What stands in an attr_url: 64 characters, 384 random bits."""
    return secrets.token_urlsafe(48)


def _id_of(guest: Guest) -> str:
    """Two instances of a platform may each have a guest of one number."""
    return msgspec.json.encode((guest.instance, guest.id)).decode()


def _new_revision() -> str:
    return secrets.token_urlsafe(9)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _nothing_expected() -> NotFound:
    return NotFound("no auth result is expected here")
