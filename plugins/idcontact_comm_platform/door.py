"""Who may see a room, besides having a link to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.requests import Request


class Door(Protocol):
    """Asked at each look at a room."""

    async def admits(self, request: Request) -> bool:
        """Whether who asks may come in. Raises Unavailable."""


class OpenDoor:
    """The link is enough."""

    async def admits(self, request: Request) -> bool:
        """Everybody."""
        del request
        return True
