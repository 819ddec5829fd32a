"""`publiccode.yml` is as its standard (version 0.4) has it, and says what holds of the project.

The shapes are the mandatory keys and limits of https://yml.publiccode.tools/schema.core.html, and the optional keys
that are used here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from idcontact.languages import LANGUAGES

ROOT = Path(__file__).parent.parent
CATEGORIES = {
    "call-center-management",
    "communications",
    "customer-service-and-support",
    "digital-citizenship",
    "identity-management",
    "instant-messaging",
}
"""Those of the standard's list that fit."""


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is named."""


class Description(Strict, frozen=True):
    shortDescription: Annotated[str, Meta(min_length=1, max_length=150, pattern=r"^[^\n]*$")]  # noqa: N815 - theirs
    longDescription: Annotated[str, Meta(min_length=150, max_length=10_000)]  # noqa: N815
    features: Annotated[list[str], Meta(min_length=5, max_length=20)]
    localisedName: str  # noqa: N815


class Legal(Strict, frozen=True):
    license: str


class Contact(Strict, frozen=True):
    name: Annotated[str, Meta(min_length=1)]


class Maintenance(Strict, frozen=True):
    type: Literal["internal", "community"]
    contacts: Annotated[list[Contact], Meta(min_length=1)]


class Localisation(Strict, frozen=True):
    localisationReady: bool  # noqa: N815
    availableLanguages: list[str]  # noqa: N815


class Dependency(Strict, frozen=True):
    name: str
    versionMin: str  # noqa: N815
    optional: bool = False


class DependsOn(Strict, frozen=True):
    open: list[Dependency]


class Audience(Strict, frozen=True):
    countries: list[Annotated[str, Meta(pattern="^[a-z]{2}$")]]
    scope: list[Literal["government", "local-authorities"]]


class PublicCode(Strict, frozen=True):
    publiccodeYmlVersion: Literal["0.4"]  # noqa: N815
    name: str
    url: Annotated[str, Meta(pattern="^https://")]
    softwareType: Literal["standalone/web"]  # noqa: N815
    developmentStatus: Literal["concept", "development", "beta", "stable", "obsolete"]  # noqa: N815
    platforms: Annotated[list[Literal["web"]], Meta(min_length=1)]
    categories: Annotated[list[str], Meta(min_length=1)]
    intendedAudience: Audience  # noqa: N815
    description: dict[str, Description]
    legal: Legal
    maintenance: Maintenance
    localisation: Localisation
    dependsOn: DependsOn  # noqa: N815


def test_it_is_as_the_standard_has_it_and_says_what_holds() -> None:
    said = msgspec.yaml.decode((ROOT / "publiccode.yml").read_bytes(), type=PublicCode)
    assert set(said.categories) <= CATEGORIES
    assert said.legal.license == json.loads((ROOT / "package.json").read_text())["license"]
    assert set(said.localisation.availableLanguages) == set(said.description) == set(LANGUAGES)


def test_it_names_no_host_that_stands_for_one_in_an_example() -> None:
    """An address of the project's own, or one that everybody sees to be none: never one that looks like one."""
    said = msgspec.yaml.decode((ROOT / "publiccode.yml").read_bytes(), type=PublicCode)
    host = urlsplit(said.url).hostname or ""
    assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", host)
    assert not re.search(r"(^|\.)(example|test|localhost)(\.(com|net|org))?$", host), "RFC 2606"
