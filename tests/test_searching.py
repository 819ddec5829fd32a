"""What `make test` tries is the same each time; what `make soak` tries is not, and is more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from searching import SAME, SEARCH, WrongNumber, examples, register_profiles, times

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = {path: path.read_text() for path in Path(__file__).parent.rglob("test_*.py") if path != Path(__file__)}


@pytest.fixture(autouse=True)
def afterwards_as_it_was() -> Iterator[None]:
    profile = settings.get_current_profile_name()
    yield
    register_profiles()
    settings.load_profile(profile)


def test_what_is_tried_by_itself_is_the_same_each_time() -> None:
    register_profiles()
    assert settings.get_current_profile_name() == SAME
    assert settings.default is not None
    assert (settings.default.derandomize, settings.default.database) == (True, None)
    assert (times(), examples(12)) == (1, 12)


def test_a_search_is_at_random_and_as_many_times_longer_as_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as asked:
        asked.setenv("IDCONTACT_SEARCH", "7")
        register_profiles()
        settings.load_profile(SEARCH)
        assert settings.default is not None
        assert (settings.default.derandomize, settings.default.max_examples) == (False, 700)
        assert examples(12) == 84


@pytest.mark.parametrize("written", ["", "0", "-1", "many", "1.5", "٣"])
def test_a_number_of_times_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    with monkeypatch.context() as asked:
        asked.setenv("IDCONTACT_SEARCH", written)
        with pytest.raises(WrongNumber, match="IDCONTACT_SEARCH"):
            register_profiles()


def test_no_test_has_a_number_of_examples_or_a_chance_of_its_own() -> None:
    own = r"max_examples=(?!examples\()|derandomize=|load_profile\("
    assert [str(path) for path, text in TESTS.items() if re.search(own, text)] == []


def test_a_state_machine_that_is_run_by_hand_is_searched_too() -> None:
    for path, text in TESTS.items():
        by_hand = len(re.findall(r"^    run_state_machine_as_test\(", text, re.MULTILINE))
        assert text.count("@pytest.mark.hypothesis") >= by_hand, path
