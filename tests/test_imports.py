"""Dependencies point one way: who may import whom, held by reading every module's syntax tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SOURCES = (ROOT / "server", ROOT / "plugins")

PARTS = ("core", "live", "staff")
"""Parts that do not know each other. `live` and `staff` meet through a Protocol, and both are put together above."""

ABOVE = ("__main__", "app", "serve", "workers", "trial", "config", "staff_door", "cli", "demo", "generate")
"""What puts parts together, and so may import any of them. Nothing below imports these."""

FOR_PLUGINS = (
    "plugin",
    "applications",
    "asset_files",
    "bodies",
    "browser",
    "errors",
    "jws",
    "limits",
    "oidc",
    "openapi",
    "pages",
    "pem",
    "protocol",
    "receipts",
    "records",
    "results",
    "security",
    "settings",
    "settings_values",
    "tasks",
    "tokens",
    "urls",
)
"""What a plugin may know of the server: the kit for its authors, and what the kit's signatures are made of."""

RULES = ("idcontact.live.conversation", "idcontact.live.conversation_state", "idcontact.live.routing")
"""Rules without I/O and clock: time is an argument, and nothing is awaited."""

NOT_FOR_RULES = (
    "asyncio",
    "aiohttp",
    "logging",
    "os",
    "pathlib",
    "random",
    "redis",
    "secrets",
    "socket",
    "starlette",
    "time",
)


@dataclass(frozen=True)
class Import:
    """One imported module, where, and whether it is imported when the importing module is (not in a function)."""

    importer: str
    imported: str
    line: int
    at_once: bool
    for_types: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules() -> dict[str, Path]:
    """Every module of the server and of our plugins, by its dotted name."""
    found = {}
    for source in SOURCES:
        for path in source.rglob("*.py"):
            parts = path.relative_to(source).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
TREES = {name: ast.parse(path.read_bytes(), str(path)) for name, path in MODULES.items()}


def imports_of(name: str) -> Iterator[Import]:
    return _imports_in(TREES[name], name, at_once=True, for_types=False)


def _imports_in(node: ast.AST, name: str, *, at_once: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for imported in _named_in(child):
                yield Import(name, imported, child.lineno, at_once, for_types)
            continue
        in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        types_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        yield from _imports_in(child, name, at_once=at_once and not in_function, for_types=for_types or types_only)


def _named_in(statement: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    assert statement.level == 0, "imports are absolute"
    assert statement.module is not None
    whole = [f"{statement.module}.{alias.name}" for alias in statement.names]
    return [name if name in MODULES else statement.module for name in whole]


IMPORTS = [found for name in MODULES for found in imports_of(name)]


def part_of(module: str) -> str:
    """`idcontact.live.store` → `live`; a plugin's module → `plugins`; anything else → its top-level package."""
    top, _, rest = module.partition(".")
    if top == "idcontact":
        return rest.partition(".")[0]
    return "plugins" if top.startswith("idcontact_") else top


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def broken(importers: tuple[str, ...], imported: tuple[str, ...]) -> list[str]:
    """Imports from a part of the first kind of one of the second, other than itself."""
    return [
        str(found)
        for found in IMPORTS
        if part_of(found.importer) in importers
        and part_of(found.imported) in imported
        and part_of(found.importer) != part_of(found.imported)
    ]


def test_the_modules_that_the_rules_speak_of_are_there() -> None:
    for part in (*PARTS, *ABOVE, *FOR_PLUGINS):
        assert f"idcontact.{part}" in MODULES
    for rules in RULES:
        assert rules in MODULES
    assert any(name.startswith("idcontact_auth_test") for name in MODULES)


def test_core_live_and_staff_do_not_know_each_other() -> None:
    assert broken(PARTS, PARTS) == []


def test_only_the_composition_knows_the_composition() -> None:
    below = tuple({part_of(name) for name in MODULES} - set(ABOVE))
    assert broken(below, ABOVE) == []


def test_what_all_parts_stand_on_knows_no_part_and_no_plugin() -> None:
    foundation = tuple({part_of(name) for name in MODULES} - {*PARTS, *ABOVE, "plugins"})
    assert broken(foundation, (*PARTS, "plugins")) == []


def test_no_part_knows_a_plugin() -> None:
    assert broken((*PARTS, *ABOVE), ("plugins",)) == []


def test_plugins_know_the_kit_alone() -> None:
    rest = tuple({part_of(name) for name in MODULES if name.startswith("idcontact.")} - set(FOR_PLUGINS))
    assert broken(("plugins",), rest) == []


def test_a_plugin_does_not_know_another() -> None:
    across = [
        str(found)
        for found in IMPORTS
        if part_of(found.importer) == part_of(found.imported) == "plugins"
        and found.importer.partition(".")[0] != found.imported.partition(".")[0]
    ]
    assert across == []


@pytest.mark.parametrize("rules", RULES)
def test_rules_have_no_input_no_output_and_no_clock(rules: str) -> None:
    assert [str(found) for found in imports_of(rules) if within(found.imported, NOT_FOR_RULES)] == []
    awaits = [node for node in ast.walk(TREES[rules]) if isinstance(node, ast.Await | ast.AsyncFunctionDef)]
    assert awaits == []


def test_the_server_does_not_know_its_tests_and_benchmarks() -> None:
    outside = ("tests", "benchmarks", "pytest", "hypothesis", "playwright", "httpx2")
    assert [str(found) for found in IMPORTS if within(found.imported, outside)] == []


def test_only_the_command_line_prints_and_knows_arguments() -> None:
    strangers = [
        str(found)
        for found in IMPORTS
        if within(found.imported, ("argparse", "getpass")) and part_of(found.importer) not in ABOVE
    ]
    assert strangers == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for found in IMPORTS:
        if found.at_once and not found.for_types and found.imported in MODULES:
            graph[found.importer].add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
