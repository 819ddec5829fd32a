"""The languages that the product speaks: those there is a file of texts for, `texts/<language>.json`.

One file holds all that the product says in a language: what server-made pages say as flat keys, and under `shared`,
`widget`, `page` and `console` what the front ends say. A further language is one file more, with the same keys;
`python -m idcontact.generate --check` (part of `make lint`) names what is missing, left over, or shaped otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeAlias

Language: TypeAlias = str
"""`nl`: the primary subtag of a language tag (RFC 5646)."""

TEXTS_FOLDER: Final = Path(__file__).parent / "texts"
FIRST: Final[Language] = "nl"
"""What is spoken where nobody asks for a language of ours; its file is the one that others are held against."""
LANGUAGES: Final[tuple[Language, ...]] = (
    FIRST,
    *sorted(path.stem for path in TEXTS_FOLDER.glob("*.json") if path.stem != FIRST),
)


def known(asked: str | None) -> Language | None:
    """What was asked for, when there are texts in it."""
    return asked if asked in LANGUAGES else None
