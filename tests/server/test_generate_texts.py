"""Types of what the front ends say, and what is found where a language does not say all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from idcontact.generate.texts import PARTS, differences, module
from idcontact.languages import LANGUAGES, TEXTS_FOLDER, known

if TYPE_CHECKING:
    from pathlib import Path

Texts = dict[str, object]

FIRST: Texts = {
    "language": "Nederlands",
    "login.too_often": "Wacht {minutes} minuten.",
    "shared": {"cancel": "Annuleren", "left": {"one": "Nog 1 teken", "other": "Nog {count} tekens"}},
    "wait": {"soon": "Zo"},
    "widget": {"problems": {"failing": "Storing"}, "step": "Stap {step} van {of}", "authFirst": "Naar {auth}"},
    "page": {"expect": ["a", "b"]},
    "console": {"title": "Medewerkers"},
}


def written(folder: Path, **languages: Texts) -> Path:
    for language, texts in {"nl": FIRST, **languages}.items():
        (folder / f"{language}.json").write_text(json.dumps(texts), "utf-8")
    return folder


def test_every_language_says_all_of_it() -> None:
    assert differences(TEXTS_FOLDER) == []
    assert LANGUAGES[0] == "nl"
    assert set(LANGUAGES) == {path.stem for path in TEXTS_FOLDER.iterdir()}


def test_a_language_is_known_when_there_are_texts_in_it() -> None:
    assert [known("en"), known("fy"), known(""), known(None)] == ["en", None, None, None]


def test_types_follow_from_the_places_and_the_forms_of_a_text(tmp_path: Path) -> None:
    types = module(written(tmp_path))
    assert all(name in types for name in PARTS.values())
    assert "  readonly cancel: string;" in types
    assert "  readonly left: (count: number) => string;" in types
    assert "  readonly problems: {\n    readonly failing: string;\n  };" in types
    assert "  readonly step: (values: { of: string | number; step: string | number }) => string;" in types
    assert "  readonly authFirst: (auth: string | number) => string;" in types
    assert "  readonly expect: readonly string[];" in types
    assert "login" not in types


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"shared": {"cancel": "Anuluj"}}, ["shared.left is missing"]),
        ({"console": {"title": "A", "more": "B"}}, ["console.more is left over"]),
        ({"further": "B"}, ["further is left over"]),
        ({"login.too_often": "Czekaj."}, ["login.too_often has other {places}: minutes expected"]),
        ({"language": " "}, ["language is empty"]),
        ({"page": {"expect": "a"}}, ["page.expect is shaped otherwise"]),
        ({"widget": {**FIRST["widget"], "problems": "Awaria"}}, ["widget.problems is shaped otherwise"]),  # type: ignore[dict-item]
        ({"shared": {"cancel": "Anuluj", "left": {"one": "1", "few": "{count}"}}}, ["shared.left.other is missing"]),
        ({"shared": {"cancel": "Anuluj", "left": {"few": "{count}", "many": "{count}", "other": "{count}"}}}, []),
    ],
)
def test_what_another_language_lacks_has_besides_or_shapes_otherwise_is_named(
    tmp_path: Path, change: Texts, found: list[str]
) -> None:
    folder = written(tmp_path, pl={**FIRST, **change})
    assert differences(folder) == [f"{folder / 'pl.json'}: {line}" for line in found]
