"""Which of a page's connections is the newest.

A page that gives a try up and comes by another one may still have a `hello` of the first under way: in a network that
held it back, or at a node that stood still. What comes late must not take the place of what came since. Where a page
says who it is (`page`) and how often it has tried (`attempt`), both are in the name by which the store knows its
connection.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idcontact.live.messages import Hello

_NAMED = re.compile(r"([^~]+)~([0-9]+)~")


def name_of(hello: Hello) -> str:
    """A name of its own for the connection of which this is the first frame."""
    chance = secrets.token_urlsafe(12)
    return chance if hello.page is None else f"{hello.page}~{hello.attempt}~{chance}"


def is_overtaken(name: str, by: str) -> bool:
    """Whether `by` is a later try of the same page. The same rule is in `routing.lua`."""
    this, other = _NAMED.match(name), _NAMED.match(by)
    return this is not None and other is not None and this[1] == other[1] and int(this[2]) < int(other[2])
