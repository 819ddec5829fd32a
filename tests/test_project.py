"""The project as a whole: locks, licence, and nothing in it of the machine that it was made on."""

from __future__ import annotations

import json
import random
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
PEERS_LOCK = "benchmarks/peers/requirements.lock"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-dev.lock": [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]],
    "requirements-build.lock": PROJECT["dependency-groups"]["build"],
}


def tracked_texts() -> dict[str, str]:
    """Every text file that is in the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = {}
    for name in filter(None, listed.split("\0")):
        try:
            texts[name] = (ROOT / name).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):  # a picture; a file that is being removed
            continue
    return texts


TEXTS = tracked_texts()


def lines_with(pattern: str, files: str = "") -> list[str]:
    return [
        f"{name}:{number}"
        for name, text in TEXTS.items()
        if re.search(files, name)
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]


def pinned(lock: str) -> dict[str, list[str]]:
    """Package → its pinned versions; more than one where they differ by platform or Python version."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,-]+\])?==([^ ;\\]+)", TEXTS[lock], re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


@pytest.mark.parametrize("lock", [*LOCKS, PEERS_LOCK])
def test_a_lock_holds_a_hash_for_every_package_and_no_address(lock: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", TEXTS[lock])
    assert len(entries) == sum(len(versions) for versions in pinned(lock).values())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in TEXTS[lock]
    assert "--index-url" not in TEXTS[lock]
    assert "--find-links" not in TEXTS[lock]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_in_step_with_the_project_file(lock: str) -> None:
    versions = pinned(lock)
    for requirement in map(Requirement, ASKED[lock]):
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} is not in {lock}: run `make locks`"
        assert all(requirement.specifier.contains(version) for version in found), f"{requirement}: run `make locks`"


def test_the_locks_agree_with_each_other() -> None:
    run, develop, build = (pinned(lock) for lock in LOCKS)
    assert {name: versions for name, versions in run.items() if develop.get(name) != versions} == {}
    assert {name for name in build.keys() & develop.keys() if build[name] != develop[name]} == set()


@pytest.mark.parametrize("name", ["package-lock.json", "benchmarks/peers/package-lock.json"])
def test_a_lock_of_npm_holds_integrity_hashes_and_no_address(name: str) -> None:
    lock = json.loads(TEXTS[name])
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


@pytest.mark.parametrize(("size", "status"), [(14_900, 0), (15_100, 1)])
def test_the_build_says_how_large_the_widget_is_and_fails_over_15_kilobytes(
    tmp_path: Path, size: int, status: int
) -> None:
    (tmp_path / "widget.js").write_bytes(random.Random(1).randbytes(size))  # cannot be made any smaller
    command = ["node", str(ROOT / "client" / "build.mjs"), "--size", str(tmp_path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert re.fullmatch(r"widget\.js: 1[45]\d{3} bytes gzipped, at most 15000\n", checked.stdout)
    assert (checked.returncode, "too large" in checked.stderr) == (status, status == 1)


def test_every_check_looks_at_the_size_of_the_widget() -> None:
    recipe = TEXTS["Makefile"].partition("\ntest:")[2].partition("\n\n")[0]
    assert "npm run size" in recipe
    assert json.loads(TEXTS["package.json"])["scripts"]["size"] == "node client/build.mjs --size"
    assert TEXTS[".ci/run"].rstrip().endswith("make test")


def test_nothing_names_a_path_of_a_machine_or_a_registry() -> None:
    assert lines_with(r"(?<![\w.])/(wor[k]|roo[t]|hom[e])/|\.\./share[d]") == []
    assert lines_with(r"https?://[^/\s]*(pyp[i]|npmj[s]|pythonhoste[d]|debia[n])\b") == []


def test_nothing_is_left_to_do() -> None:
    assert lines_with(r"\b(TOD[O]|FIXM[E]|XX[X])\b", r"\.(py|ts|lua|css|html|md|toml|sh)$") == []


def test_the_licence_is_the_european_union_public_licence_in_whole() -> None:
    licence = TEXTS["LICENSE"]
    assert licence.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2")
    articles = re.findall(r"^(\d+)\. [A-Z]", licence, re.MULTILINE)
    assert articles == [str(number) for number in range(1, 16)]
    assert "Compatible Licences" in licence.partition("Appendix")[2]
    assert PROJECT["project"]["license"] == "EUPL-1.2"
    assert json.loads(TEXTS["package.json"])["license"] == "EUPL-1.2"


def test_every_page_of_the_documentation_is_reached_from_another() -> None:
    pages = {name for name in TEXTS if re.fullmatch(r"docs/.+\.md", name)} - {"docs/decisions/template.md"}
    linked = set()
    for name, text in TEXTS.items():
        if name.endswith(".md"):
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                path = (ROOT / name).parent / target
                assert path.exists(), f"{name} links to {target}, which is not there"
                linked.add(path.resolve().relative_to(ROOT.resolve()).as_posix())
    assert pages <= linked, "not linked from anywhere"
