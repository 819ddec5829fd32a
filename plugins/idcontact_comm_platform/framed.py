"""Errors in a frame on the platform's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response


def in_frames(response: Response, ancestors: Sequence[str]) -> Response:
    """An error page where the room would be: it has to be seen there too. `ancestors` are origins, maybe none."""
    policy = response.headers.get("Content-Security-Policy")
    if policy is not None and ancestors:
        response.headers["Content-Security-Policy"] = policy.replace(
            "frame-ancestors 'none'", f"frame-ancestors {' '.join(ancestors)}"
        )
    return response
