from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idcontact.errors import SettingsError
from idcontact.settings import Address, Duration, Localized, PemSource, Secret, Url, Where, load, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PEM = "-----BEGIN PUBLIC KEY-----\nnot looked at here\n-----END PUBLIC KEY-----\n"


class Colour(StrEnum):
    RED = "red"
    BLUE = "dark-blue"


class Door(msgspec.Struct, frozen=True, kw_only=True):
    tag: str
    name: Localized
    open_for: Duration = Duration(900)
    keys: list[PemSource] = []


class Cellar(msgspec.Struct, frozen=True, kw_only=True):
    stock: Path = Path("stock")
    depth: int = 3


class House(msgspec.Struct, frozen=True, kw_only=True):
    public_url: Url
    password: Secret | None = None
    doors: list[Door] = []
    limits: dict[str, int] = {}
    rooms: Annotated[int, msgspec.Meta(ge=1)] = 1
    height: float = 2.5
    heated: bool = False
    colour: Colour = Colour.RED
    mode: Literal["quiet", "loud"] = "quiet"
    folder: Path = Path("keys")
    cellar: Cellar = Cellar(depth=2)
    plugins: dict[str, dict[str, object]] = {}

    @classmethod
    def cross_check(cls, table: Mapping[str, object]) -> Iterable[tuple[Where, str]]:
        if table.get("mode") == "loud" and table.get("rooms") == 1:
            yield ("mode",), "needs more than one room"


def house(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> House:
    file = tmp_path / "house.toml"
    file.write_text(text)
    return load(file, House, environ or {})


def mistakes(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        house(tmp_path, text, environ)
    return caught.value.mistakes


def test_a_file_becomes_typed_settings_with_defaults_beside_them(tmp_path: Path) -> None:
    (tmp_path / "door.pem").write_text(PEM)
    settings = house(
        tmp_path,
        """
        public_url = "https://example.org/help/"
        password = "open sesame"
        rooms = 3
        [[doors]]
        tag = "front"
        name = {nl = "Voordeur", en = "Front door"}
        open_for = "15 min"
        keys = [{file = "door.pem"}, {type = "EC", key = "-----BEGIN PUBLIC KEY-----"}]
        [limits]
        people = 4
        [plugins.bell]
        tune = [1, {loud = true}]
        """,
    )
    assert settings.public_url == "https://example.org/help"
    assert settings.public_url.origin == "https://example.org"
    assert settings.password is not None
    assert settings.password.value() == "open sesame"
    assert settings.doors[0].name.get("en") == "Front door"
    assert settings.doors[0].name.get("fy") == "Voordeur"
    assert settings.doors[0].open_for == 900.0
    assert [key.value() for key in settings.doors[0].keys] == [PEM, "-----BEGIN PUBLIC KEY-----"]
    assert settings.limits == {"people": 4}
    assert settings.plugins == {"bell": {"tune": [1, {"loud": True}]}}
    assert (settings.height, settings.colour, settings.folder) == (2.5, Colour.RED, tmp_path / "keys")


def test_a_default_path_starts_beside_the_file_too_however_deep_it_lies(tmp_path: Path) -> None:
    assert house(tmp_path, 'public_url = "http://a"').cellar == Cellar(stock=tmp_path / "stock", depth=2)
    written = house(tmp_path, 'public_url = "http://a"\ncellar = {depth = 1}')
    assert written.cellar == Cellar(stock=tmp_path / "stock", depth=1)


def test_every_mistake_is_reported_at_once_with_its_path(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        """
        pasword = "x"
        rooms = 1
        mode = "loud"
        height = "tall"
        heated = 1
        colour = "dark-bleu"
        folder = 3
        doors = [{tag = "front", name = {nl = "Deur", de = "Tür"}, open_for = "a while"}, "back",
                 {tag = 1, name = {en = 2}}]
        limits = {people = "four"}
        """,
    )
    assert found == [
        f"public_url: expected {Url.EXPECTED}, but it is missing",
        f"doors[0].name: expected {Localized.EXPECTED}, got a table with other keys (of front)",
        f"doors[0].open_for: expected {Duration.EXPECTED}, got another string (of front)",
        "doors[1]: expected a table, got a string",
        "doors[2].tag: expected a string, got a whole number",
        "doors[2].name.en: expected a text, got a whole number",
        "limits.people: expected a whole number, got a string",
        "height: expected a number, got a string",
        "heated: expected true or false, got a whole number",
        'colour: expected "red" or "dark-blue", got another; did you mean "dark-blue"?',
        "folder: expected the path of a file or folder, got a whole number",
        "pasword: is not a setting here; did you mean password?",
        "mode: needs more than one room",
    ]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("rooms = 0", "rooms: expected a whole number >= 1"),
        ("rooms = true", "rooms: expected a whole number, got true or false"),
        ('mode = "silent"', 'mode: expected "quiet" or "loud", got another'),
        ("mode = ['quiet']", 'mode: expected "quiet" or "loud", got a list'),
        ("doors = 1", "doors: expected a list, got a whole number"),
        ("limits = 1979-05-27", "limits: expected a table, got a date or time"),
        ("password = ''", 'password: expected a secret: a string, or {file = "…"}, got an empty string'),
        ("'two words' = 1", "(a key of 9 characters): is not a setting here"),
    ],
)
def test_a_value_that_does_not_fit_is_told_what_was_expected(tmp_path: Path, line: str, mistake: str) -> None:
    assert mistakes(tmp_path, f'public_url = "http://localhost:8000"\n{line}') == [mistake]


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org", "javascript:alert(1)", "https://", "https://user@example.org", "https:/x",
     "https://example.org/?a=b", "https://example.org/#x", "https://example.org\\@evil.example", "https://exa mple.org",
     "https://example.org:0", "https://example.org:99999", "https://[::1", "//example.org"],
)  # fmt: skip
def test_only_absolute_web_addresses_are_urls(tmp_path: Path, url: str) -> None:
    [mistake] = mistakes(tmp_path, f"public_url = '{url}'")
    assert mistake.startswith("public_url: expected an absolute URL")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ('"90 s"', 90),
        ('"90s"', 90),
        ('"15 min"', 900),
        ('"2 h"', 7200),
        ('"500 ms"', 0.5),
        ('"0"', 0),
        ("12", 12),
        ("1.5", 1.5),
    ],
)
def test_a_duration_is_seconds_however_it_is_written(tmp_path: Path, written: str, seconds: float) -> None:
    settings = house(tmp_path, f'public_url = "http://a"\ndoors = [{{tag = "a", name = "A", open_for = {written}}}]')
    assert settings.doors[0].open_for == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", ["-1", "nan", "inf", "true", '"5 weeks"', '"-5 s"', '"1e9 h"', '""', '"5 s "', "[]"]
)
def test_what_is_not_a_length_of_time_is_refused(tmp_path: Path, written: str) -> None:
    [mistake] = mistakes(
        tmp_path, f'public_url = "http://a"\ndoors = [{{tag = "a", name = "A", open_for = {written}}}]'
    )
    assert mistake.startswith("doors[0].open_for: expected a length of time")


class Ears(msgspec.Struct, frozen=True, kw_only=True):
    listen_on: Address


@pytest.mark.parametrize("written", ["127.0.0.1:8000", "0.0.0.0:0", "[::1]:65535"])
def test_an_address_to_listen_on_is_a_number_and_a_port(tmp_path: Path, written: str) -> None:
    assert str(read({"listen_on": written}, Ears, base=tmp_path).listen_on) == written


@pytest.mark.parametrize(
    "written", ["", "localhost:8000", "127.0.0.1", "127.0.0.1:65536", "1.2.3.400:80", "::1:80", "[127.0.0.1:80", 8000]
)
def test_anything_else_cannot_be_listened_on(tmp_path: Path, written: object) -> None:
    with pytest.raises(SettingsError, match="listen_on: expected an address and port"):
        read({"listen_on": written}, Ears, base=tmp_path)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = f"{tmp_path}/missing.pem: No such file or directory"
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "binary.pem").write_bytes(b"\xff\xfe\x00")
    found = mistakes(
        tmp_path,
        """
        public_url = "http://a"
        [[doors]]
        tag = "front"
        name = "A"
        keys = [{file = "missing.pem"}, {file = "empty.pem"}, {file = "binary.pem"}, {file = 1}, "door.pem",
                {typ = "RSA"}, {type = "DSA", key = "-----BEGIN "}, {type = "RSA", key = 5}]
        """,
    )
    assert found == [
        f"doors[0].keys[0].file: expected a file that can be read, but {missing} (of front)",
        "doors[0].keys[1].file: expected PEM text, which begins with -----BEGIN, got something else (of front)",
        f"doors[0].keys[2].file: expected a text file, but {tmp_path}/binary.pem is not text in UTF-8 (of front)",
        "doors[0].keys[3].file: expected the path of a file, got a whole number (of front)",
        f"doors[0].keys[4]: expected {PemSource.EXPECTED}, got a string (of front)",
        f"doors[0].keys[5]: expected {PemSource.EXPECTED}, got a table with other keys (of front)",
        'doors[0].keys[6].type: expected "RSA" or "EC", got another (of front)',
        "doors[0].keys[7].key: expected PEM text, got a whole number (of front)",
    ]


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame\n")
    settings = house(tmp_path, 'public_url = "http://a"\npassword = {file = "password"}')
    assert settings.password == Secret("open sesame")


def test_the_settings_file_itself_missing_or_broken_is_one_plain_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "none.toml", House, {})
    assert caught.value.mistakes == [f"{tmp_path}/none.toml: cannot be read: No such file or directory"]
    assert mistakes(tmp_path, "a = 1\nb = hunter2") == [f"{tmp_path}/house.toml: is not TOML, at line 2, column 5"]
    (tmp_path / "house.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="is not text in UTF-8"):
        load(tmp_path / "house.toml", House, {})


def test_the_environment_goes_over_the_file_in_every_type(tmp_path: Path) -> None:
    settings = house(
        tmp_path,
        'public_url = "http://a"\nrooms = 1\n[[doors]]\ntag = "front"\nname = "A"\n[plugins.bell]\ntune = 1',
        {
            "IDCONTACT__PUBLIC_URL": "https://b.example",
            "IDCONTACT__ROOMS": "7",
            "IDCONTACT__HEATED": "true",
            "IDCONTACT__HEIGHT": "3.25",
            "IDCONTACT__PASSWORD": "123456",
            "IDCONTACT__DOORS__0__OPEN_FOR": "90 s",
            "IDCONTACT__LIMITS__PEOPLE": "4",
            "IDCONTACT__PLUGINS__BELL__VOICE": "soft",
            "IDCONTACT_UNRELATED": "x",
            "PATH": "/bin",
        },
    )
    assert (settings.public_url, settings.rooms, settings.heated, settings.height) == (
        "https://b.example",
        7,
        True,
        3.25,
    )
    assert settings.password == Secret("123456")
    assert (settings.doors[0].tag, settings.doors[0].open_for) == ("front", 90.0)
    assert settings.limits == {"people": 4}
    assert settings.plugins == {"bell": {"tune": 1, "voice": "soft"}}


def test_the_environment_can_give_a_list_or_table_as_toml(tmp_path: Path) -> None:
    environ = {"IDCONTACT__DOORS": '[{tag = "back", name = "B"}]', "IDCONTACT__LIMITS": "{people = 2}"}
    settings = house(tmp_path, 'public_url = "http://a"', environ)
    assert [door.tag for door in settings.doors] == ["back"]
    assert settings.limits == {"people": 2}


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    environ = {
        "IDCONTACT__ROOMS": "many",
        "IDCONTACT__HETED": "true",
        "IDCONTACT__ROOMS__BIG": "1",
        "IDCONTACT__DOORS": "[unclosed",
        "IDCONTACT__": "1",
    }
    assert mistakes(tmp_path, 'public_url = "http://a"\nrooms = 2', environ) == [
        "IDCONTACT__: does not lead to a setting; what it lies in is not a table",
        "IDCONTACT__ROOMS__BIG: does not lead to a setting; what it lies in is not a table",
        "doors: expected a list or table written as in TOML, got a string (from IDCONTACT__DOORS)",
        "rooms: expected a whole number, got a string (from IDCONTACT__ROOMS)",
        "heted: is not a setting here; did you mean heated? (from IDCONTACT__HETED)",
    ]


def test_a_part_reads_its_own_table_later_under_its_own_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read({"tag": "a", "nam": "A"}, Door, base=tmp_path, where=("plugins", "bell"))
    assert caught.value.mistakes == [
        f"plugins.bell.name: expected {Localized.EXPECTED}, but it is missing",
        "plugins.bell.nam: is not a setting here; did you mean name?",
    ]


def test_a_secret_hides_itself() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {msgspec.structs.replace(HELD, password=secret)}"
    assert secret.value() == "hunter2"
    assert secret != Secret("hunter3")


HELD = House(public_url=Url("http://a"))

# What nobody writes by accident as a word of the messages: at least one sign that is in none of them.
secrets = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cs", "Cc"]), min_size=8
).map(lambda text: f"§{text}§")
wrong_places = st.sampled_from(
    ["public_url", "rooms", "height", "heated", "colour", "mode", "doors", "limits", "plugins", "nowhere"]
)


def wrapped(secret: str, how: str) -> Any:
    shapes: dict[str, Any] = {
        "bare": secret,
        "list": [secret],
        "table": {"file": 1, "key": secret},
        "door": [
            {
                "tag": secret,
                "name": {"nl": [secret]},
                "open_for": secret,
                "keys": [secret, {"type": secret, "key": secret}],
            }
        ],
        "key": {secret: secret},
    }
    return shapes[how]


@given(secret=secrets, place=wrong_places, how=st.sampled_from(["bare", "list", "table", "door", "key"]))
def test_a_secret_in_a_wrong_place_never_appears_in_the_error(secret: str, place: str, how: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read({place: wrapped(secret, how), "password": wrapped(secret, "list")}, House, base=Path("/nonexistent"))
    assert secret not in str(caught.value)
    assert secret not in repr(caught.value)


@given(secret=secrets, name=st.sampled_from(["ROOMS", "DOORS", "LIMITS", "PASSWORD__X", "NOWHERE", "DOORS__0__KEYS"]))
def test_a_secret_in_a_wrong_variable_never_appears_in_the_error(secret: str, name: str, tmp_path_factory: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "broken.toml"
    file.write_text("rooms = 0")
    with pytest.raises(SettingsError) as caught:
        load(file, House, {f"IDCONTACT__{name}": secret})
    assert secret not in str(caught.value)


@given(secret=secrets, before=st.sampled_from(["password = ", "password = '", "[", "a = {b = ", "x = 1\n"]))
def test_a_secret_in_a_file_that_is_not_toml_never_appears_in_the_error(
    secret: str, before: str, tmp_path_factory: Any
) -> None:
    assume("\n" not in secret)
    file = tmp_path_factory.getbasetemp() / "broken.toml"
    file.write_text(before + secret + "\n")
    with pytest.raises(SettingsError) as caught:
        load(file, House, {})
    assert secret not in str(caught.value)
