"""What `docker/` gives a server: secrets as files, and settings that can be used with them."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from idcontact.languages import LANGUAGES, TEXTS_FOLDER
from idcontact.tokens import DecryptKey
from idcontact.trial import try_config

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = msgspec.yaml.decode((DOCKER / "compose.yml").read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of `docker/` with its secrets made."""
    copy = tmp_path / "docker"
    shutil.copytree(DOCKER, copy, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([copy / "new-secrets"], check=True, capture_output=True)
    return copy


def test_the_front_ends_are_built_from_what_the_image_is_given(tmp_path: Path) -> None:
    stage = (DOCKER / "Dockerfile").read_text().partition("AS front-ends\n")[2].partition("\nFROM ")[0]
    for given in re.findall(r"^COPY (.+) \S+$", stage, re.MULTILINE):
        for name in given.split():
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, tmp_path / name)
    (tmp_path / "node_modules").mkdir()
    for package in (ROOT / "node_modules").iterdir():
        if not package.name.startswith("."):
            (tmp_path / "node_modules" / package.name).symlink_to(package)
    for command in re.findall(r"^RUN npm run (\w+)$", stage, re.MULTILINE):
        script = json.loads((tmp_path / "package.json").read_text())["scripts"][command]
        subprocess.run(script.split(), cwd=tmp_path, check=True, capture_output=True)
    widget = (tmp_path / "server/idcontact/static/widget.js").read_text()
    for language in LANGUAGES:
        texts = json.loads((TEXTS_FOLDER / f"{language}.json").read_text())["widget"]
        assert texts["title"] in widget


def test_every_secret_that_a_service_reads_is_given_to_it_as_a_file(folder: Path) -> None:
    files = {name: folder / secret["file"] for name, secret in COMPOSE["secrets"].items()}
    assert all(file.is_file() for file in files.values())
    for service, settings in (("server", "idcontact.toml"), ("valkey", "valkey.conf")):
        read = re.findall(r"/run/secrets/(\w+)", (folder / settings).read_text())
        assert set(read) == set(COMPOSE["services"][service]["secrets"]) <= set(files)


def test_no_secret_stands_in_the_environment_or_in_what_is_kept_with_the_project(folder: Path) -> None:
    assert not any("environment" in service or "env_file" in service for service in COMPOSE["services"].values())
    kept = "\n".join(path.read_text() for path in DOCKER.iterdir() if path.is_file())
    for secret in ("redis_url", "internal_secret"):
        assert (folder / "secrets" / secret).read_text().strip() not in kept
    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o700


def test_secrets_are_made_once(folder: Path) -> None:
    before = {path.name: path.read_text() for path in (folder / "secrets").iterdir()}
    again = subprocess.run([folder / "new-secrets"], check=False, capture_output=True, text=True)
    assert (again.returncode, "nothing was changed" in again.stderr) == (1, True)
    assert before == {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def test_the_settings_can_be_used_with_the_secrets_that_are_made(folder: Path) -> None:
    shutil.copy(folder / "secrets" / "encrypt_key.public.pem", folder / "digid.public.pem")  # any public key
    text = (folder / "idcontact.toml").read_text().replace("/etc/idcontact", str(folder))
    for name, secret in COMPOSE["secrets"].items():
        text = text.replace(f"/run/secrets/{name}", str(folder / secret["file"]))
    (folder / "idcontact.toml").write_text(text)
    trial = try_config(folder / "idcontact.toml", {"IDCONTACT__KEYS_DIR": "/var/lib/idcontact/keys"})
    assert (trial.reading.mistakes, trial.reading.warnings, trial.heard) == ([], [], [])
    live = trial.reading.result().live
    assert live is not None
    assert DecryptKey.from_pem(live.decrypt_key.value()).algorithm == "ECDH-ES"
