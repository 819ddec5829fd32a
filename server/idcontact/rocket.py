"""The settings of the published core, in both dialects, read as ours: `Rocket.toml` or `config.toml`, unchanged.

Such a file is a number of profiles: `[default]`, below the selected one (`ROCKET_PROFILE`, otherwise `release`), below
`[global]`. Tables merge, however deep; a list or a value is replaced whole. `ROCKET_*` variables go above the file,
and our own `IDCONTACT__*`, by our names of the settings, above those.

Its keys become ours: `server_url` is `public_url`, `address` and `port` are `listen`; methods, purposes and shims have
the same names. `tel_shim` follows from what is there: with `ui_tel_url` it is "ui", with `ui_signing_privkey` alone
"bare". A setting of ours may stand in a profile like any other. A key that is neither is warned about.

`internal_url` is where plugins reach the published core at the one port that it has. Ours has a listener of its own
for them, so it counts only beside `internal_listen`; without that nothing listens there, and plugins elsewhere are
asked for results by way of the browser (`result=`), which they all know.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, cast

from idcontact.rocket_values import value_of
from idcontact.settings_values import kind_of
from idcontact.settings_written import FromEnvironment, Origin, Where, Written, dotted, name

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX: Final = "ROCKET_"
STANDARD_PROFILES: Final = ("default", "debug", "release", "global")

_NOT_FOR_SETTINGS: Final = ("profile", "config")
_WEB_SERVER: Final = "it is of the published core's web server"
_UNUSED: Final = {
    "sentry_dsn": "nothing is sent to Sentry; what goes wrong is in the log",
    "tls": "TLS is the work of the reverse proxy in front",
    "log_level": "the command takes --log-level",
    "cli_colors": _WEB_SERVER,
    "ident": _WEB_SERVER,
    "ip_header": _WEB_SERVER,
    "keep_alive": _WEB_SERVER,
    "limits": _WEB_SERVER,
    "max_blocking": _WEB_SERVER,
    "proxy_proto_header": _WEB_SERVER,
    "secret_key": _WEB_SERVER,
    "shutdown": _WEB_SERVER,
    "temp_dir": _WEB_SERVER,
    "workers": _WEB_SERVER,
}
"""What the published core or its web server takes, and why there is nothing here for it."""


def is_rocket(table: Mapping[str, object], environ: Mapping[str, str]) -> bool:
    """Whether a settings file is one of profiles: it has a table of a standard profile, or is nothing but tables of
    which one is the selected profile's.
    """
    profiles = {key.lower() for key, inner in table.items() if isinstance(inner, Mapping)}
    if profiles & set(STANDARD_PROFILES):
        return True
    return len(profiles) == len(table) and selected_profile(environ) in profiles


def selected_profile(environ: Mapping[str, str]) -> str:
    """The profile between `default` and `global`."""
    return environ.get("ROCKET_PROFILE", "").strip().lower() or "release"


def from_rocket(table: Mapping[str, object], environ: Mapping[str, str]) -> Written:
    """The file, with its variables and ours over it, as a table of our settings."""
    written = Written({}, strict=False)
    profiles = dict.fromkeys(("default", selected_profile(environ), "global"))
    for profile in profiles:
        for key, inner in table.items():
            if key.lower() == profile and isinstance(inner, Mapping):
                _merge(written, inner, partial(_in_file, (key,)))
    for key, inner in table.items():
        if not isinstance(inner, Mapping):
            written.mistakes.append(
                f"{name(key)}: stands outside of a profile; settings of all profiles are in [global]"
            )
    _lay_over(written, environ)
    _translate(written)
    written.lay_over(environ)
    _conclude(written)
    return written


def _merge(written: Written, added: Mapping[str, object], origin: Callable[[Where], Origin]) -> None:
    def merge(into: dict[str, Any], table: Mapping[str, object], where: Where) -> None:
        for key, inner in table.items():
            here = (*where, key)
            if isinstance(inner, Mapping) and isinstance(into.get(key), dict):
                merge(into[key], inner, here)
                continue
            for known in [known for known in written.origins if known[: len(here)] == here]:
                del written.origins[known]
            into[key] = copy.deepcopy(inner)
            written.origins[here] = origin(here)

    merge(written.table, added, ())


def _lay_over(written: Written, environ: Mapping[str, str]) -> None:
    """`ROCKET_SERVER_URL` is `server_url`. A dot leads into a table; an underscore does not."""
    for variable in sorted(environ):
        key = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or key in _NOT_FOR_SETTINGS:
            continue
        value: object = value_of(environ[variable])
        if isinstance(value, bool | int | float):
            # Kept as text, so that a secret of digits stays one: its setting says what it is.
            value = FromEnvironment(environ[variable].strip())
        for part in reversed(key.split(".")):
            value = {part: value}
        _merge(written, cast("dict[str, object]", value), partial(_in_variable, variable))


def _in_file(path: Where, where: Where) -> Origin:
    return Origin((*path, *where))


def _in_variable(variable: str, where: Where) -> Origin:
    return Origin(where, variable)


def _translate(written: Written) -> None:
    """Their names to ours: what lies over them next has those."""
    table = written.table
    for key, why in _UNUSED.items():
        if table.pop(key, None) is not None:
            _warn(written, (key,), f"is not used: {why}")
    _rename(written, "server_url", "public_url")
    _listen(written)


def _conclude(written: Written) -> None:
    """What follows from all that was written, wherever it stands."""
    table = written.table
    if "internal_url" in table and "internal_listen" not in table:
        del table["internal_url"]
        _warn(written, ("internal_url",), "is not used without internal_listen: nothing would listen there")
    if "tel_shim" not in table and ("ui_tel_url" in table or "ui_signing_privkey" in table):
        table["tel_shim"] = "ui" if "ui_tel_url" in table else "bare"
        written.origins["tel_shim",] = written.origin(
            ("ui_tel_url" if "ui_tel_url" in table else "ui_signing_privkey",)
        )


def _rename(written: Written, theirs: str, ours: str) -> None:
    if theirs in written.table:
        written.table[ours] = written.table.pop(theirs)
        written.origins[ours,] = written.origin((theirs,))
    elif ours not in written.table:
        written.origins[ours,] = Origin((theirs,))


def _listen(written: Written) -> None:
    """Our `listen` of `address` and `port`, unless it is said itself."""
    said = {key: written.table.pop(key) for key in ("address", "port") if key in written.table}
    if not said or "listen" in written.table:
        return
    address, port = said.get("address", "127.0.0.1"), said.get("port", 8000)
    host = _host(address)
    if host is None:
        _mistake(written, ("address",), "an IP address", address)
    number = int(port) if isinstance(port, FromEnvironment) and re.fullmatch("[0-9]{1,5}", port) else port
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 65535:
        _mistake(written, ("port",), "a port number, 0 to 65535", port)
    elif host is not None:
        written.table["listen"] = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
        written.origins["listen",] = written.origin(("port" if "port" in said else "address",))


def _host(address: object) -> str | None:
    try:
        return str(ip_address(address)) if isinstance(address, str) else None
    except ValueError:
        return None


def _mistake(written: Written, where: Where, expected: str, got: object) -> None:
    origin = written.origin(where)
    kind = "another string" if isinstance(got, str) and got else kind_of(got)
    source = f" (from {origin.variable})" if origin.variable else ""
    written.mistakes.append(f"{dotted(origin.path)}: expected {expected}, got {kind}{source}")


def _warn(written: Written, where: Where, text: str) -> None:
    origin = written.origin(where)
    written.warnings.append(f"{dotted(origin.path)}: {text}{f' (from {origin.variable})' if origin.variable else ''}")
