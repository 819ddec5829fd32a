"""What assistive technology is told of a part of a page: names, roles and states, held by golden files.

`IDCONTACT_GOLDEN=write` writes the files anew; what changed is then read before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.async_api import Locator

GOLDEN: Final = Path(__file__).parent / "golden" / "aria"
_WRITE: Final = os.environ.get("IDCONTACT_GOLDEN") == "write"


async def is_told(part: Locator, name: str) -> None:
    """Exactly what `tests/golden/aria/{name}.yml` says."""
    golden = GOLDEN / f"{name}.yml"
    told = f"{await part.aria_snapshot()}\n"
    if _WRITE:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(told, "utf-8")
    assert told == golden.read_text("utf-8"), f"{golden.name} says something else"
