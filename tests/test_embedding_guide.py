"""docs/embed.md says what the widget really has; its snippets are what the browser's tests serve."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/embed.md").read_text(encoding="utf-8")
START = ROOT / "widget/src/start"


def rows(heading: str) -> dict[str, str]:
    """The tables under a heading: what the first column names, and the rest of the row."""
    _, _, section = GUIDE.partition(f"\n## {heading}\n")
    return dict(re.findall(r"^\| `([^`]+)` \|(.*)$", section.partition("\n## ")[0], re.MULTILINE))


def test_every_attribute_of_the_element_is_explained_and_no_other() -> None:
    source = (START / "start_element.ts").read_text(encoding="utf-8")
    observed = re.search(r"observedAttributes = \[(.*?)\]", source, re.DOTALL)
    assert observed is not None
    assert sorted(rows("A plain page")) == sorted(re.findall(r'"([^"]+)"', observed[1]))


def test_every_event_of_the_element_is_explained_with_all_that_it_tells() -> None:
    source = (START / "events.ts").read_text(encoding="utf-8")
    events = dict(re.findall(r'^  "(idc-[a-z]+)": \{(.*)\};$', source, re.MULTILINE))
    told = {event: re.findall(r"`([A-Za-z]+)`", row.partition("|")[0]) for event, row in rows("Events").items()}
    assert told == {event: re.findall(r"(\w+):", members) for event, members in events.items()}


def test_every_problem_that_the_element_tells_of_is_named() -> None:
    sources = "".join((START / name).read_text(encoding="utf-8") for name in ("events.ts", "options.ts"))
    kinds = re.search(r"type Problem = (.*);", sources)
    further = re.search(r'"idc-problem": \{ problem: Problem \| (.*) \};', sources)
    assert kinds is not None
    assert further is not None
    problems = re.findall(r'"(\w+)"', kinds[1] + further[1])
    _, _, named = rows("Events")["idc-problem"].partition("|")
    assert re.findall(r"`(\w+)`", named) == problems


def test_the_readme_leads_to_the_guide() -> None:
    assert "(docs/embed.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
