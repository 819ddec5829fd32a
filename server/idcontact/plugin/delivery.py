"""Delivery of an auth result: to attr_url, or in the query of the continuation (WIRE.md, "Authentication plugin")."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from idcontact.errors import PluginError
from idcontact.urls import with_query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from idcontact.outgoing import Outgoing

PAUSES: Final = (0.2, 1.0)
"""Seconds before the second and the third try."""

_logger = logging.getLogger(__name__)


def with_result(continuation: str, token: str) -> str:
    """The continuation with the result in its query. A token is base64url and dots: nothing in it needs encoding."""
    return with_query(continuation, f"result={token}")


async def deliver(outgoing: Outgoing, attr_url: str, token: str, wait: Callable[[float], Awaitable[None]]) -> bool:
    """POST a token to attr_url; whether it is known to have arrived.

    After an unclear answer (none in time, connection lost, 5xx) the same token is sent again, at most twice: who has it
    already answers 2xx for it, so nothing is doubled. A clear refusal is not repeated.
    """
    outcome = ""
    for pause in (*PAUSES, None):
        try:
            answer = await outgoing.post(attr_url, token.encode("ascii"), content_type="application/jwt")
        except PluginError as error:
            outcome = error.reason or error.code
        else:
            if answer.is_success:
                return True
            outcome = f"status {answer.status}"
            if answer.status < 500:
                break
        if pause is not None:
            await wait(pause)
    # Not where to: the address of a result is a capability.
    _logger.warning("an auth result could not be delivered: %s", outcome)
    return False
