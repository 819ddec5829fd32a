"""A running house for schemathesis: its OpenAPI documents with examples that lead to where something is."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jwt
import msgspec

from idcontact.app import Means, build_house
from idcontact.config import load_config
from idcontact.demo_site import DemoSite
from idcontact.keystore import DirectoryKeyStore
from idcontact.outgoing import Outgoing
from idcontact.redis import connect
from running import make_site
from visitors import Program, Visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp

    from idcontact.app import House
    from running import Site

SECRET: Final = "a secret of a test, of at least thirty-two bytes"
GUESTS: Final = "a secret of a platform for the links of its guests"
HOSTS: Final = "a secret of a platform for the links of its hosts"
CALLS: Final = "a secret of a contact centre that asks who calls"
_KEYS: Final = """
decrypt_key = { file = "decrypt.pem" }
[[plugins.PLUGIN.auth_methods]]
tag = "test"
name = "Test person"
verify_keys = [{ file = "verify.pem" }]
attributes = ["fullname", "city"]
"""
FULL_HOUSE: Final = f"""
internal_secret = "{SECRET}"
[authonly_request_keys]
platform = {{ file = "verify.pem" }}
[[comm_methods]]
tag = "trial"
name = "Trial"
start = "plugin:comm_test"
[[comm_methods]]
tag = "phone"
name = "Phone"
start = "plugin:comm_phone"
[plugins.comm_test]{_KEYS.replace("PLUGIN", "comm_test")}
[plugins.comm_phone]
phonenumber = "020 123 45 67"
link_secret = "{CALLS}"
info_secret = "{CALLS}"{_KEYS.replace("PLUGIN", "comm_phone")}
[plugins.comm_platform]
core_url = "http://127.0.0.1:PORT"
start_auth_key_id = "platform"
start_auth_signing_privkey = {{ file = "sign.pem" }}
widget_url = "https://www.voorbeeld.example/kies/"
widget_signing_privkey = {{ file = "sign.pem" }}
display_name = "A platform"
guest_signature_secret = "{GUESTS}"
host_signature_secret = "{HOSTS}"
purposes.report_move = {{ attributes = ["fullname"] }}{_KEYS.replace("PLUGIN", "comm_platform")}
"""
"""More settings of a `running.Site`: every plugin there is, and all that is signed."""


def full_site(folder: Path, redis_url: str) -> Site:
    """A site with all that can be in one, where nobody is told that they come too often."""
    site = make_site(folder, redis_url, top=FULL_HOUSE)
    text = site.config.read_text().replace('"1000 per min"', '"1000000 per min"')
    site.config.write_text(text.replace(":PORT", f":{site.port}"))
    return site


def full_house(site: Site) -> House:
    """Both applications with all that can be in them, built and not run."""
    means = Means(connect("redis://127.0.0.1:1"), DirectoryKeyStore(site.folder / "keys"), Outgoing())
    return build_house(load_config(site.config, {}), site.folder, means, DemoSite)


_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """Values that lead somewhere: of parameters by name, of bodies by media type."""

    parameters: Mapping[str, object] = field(default_factory=dict)
    bodies: Mapping[str, object] = field(default_factory=dict)


Examples = dict[tuple[str, str], Example]
"""By method and path."""


async def with_examples(base: str, session: aiohttp.ClientSession, site: Site, examples: Examples) -> dict[str, Any]:
    """The document that is served at `base`, with these examples in it."""
    served = await Program(session, site).request("GET", f"{base}/openapi.json")
    document: dict[str, Any] = served.json
    for (method, path), example in examples.items():
        operation = document["paths"][path][method]
        for parameter in operation["parameters"]:
            if parameter["name"] in example.parameters:
                parameter["example"] = example.parameters[parameter["name"]]
        for media_type, body in example.bodies.items():
            operation["requestBody"]["content"][media_type]["example"] = body
    return document


async def public_examples(visitor: Visitor) -> Examples:
    """Sessions that this browser is in the middle of, so that there is something behind the addresses."""
    site = visitor.site
    purpose: dict[str, object] = {"purpose": "report_move"}
    start = {**purpose, "auth_method": "test", "comm_method": "chat"}
    to_land, landed = await visitor.start(), await visitor.start()
    await visitor.land(landed)
    await visitor.log_in("ann")
    talk = await visitor.request("POST", f"{site.internal}/plugins/comm_test/start_communication", _PURPOSE, **_JSON)
    identify = await visitor.post("/start", {"purpose": "report_move", "auth_method": "test"})
    guest = {"id": "1", "redirectUrl": f"{site.url}/", "name": "Guest", "roomId": "1", "purpose": "report_move"}
    guest_token = {"guest_token": jwt.encode({"payload": guest}, GUESTS, "HS256")}
    chosen = {"purpose": "report_move", "auth_method": "test"}
    return {
        ("get", "/session_options/{purpose}"): Example(purpose),
        ("get", "/contact/{purpose}"): Example({**purpose, "return_url": "https://www.voorbeeld.example/x"}),
        ("post", "/start"): Example(
            bodies={
                "application/json": start,
                "application/x-www-form-urlencoded": {**start, "lang": "en"},
                "application/jwt": _signed_start(site),
            }
        ),
        ("get", "/choose/{handle}"): Example({"handle": await _after_identifying(visitor)}),
        ("get", "/tel/{place}"): Example({"place": await _after_identifying(visitor, comm_method="phone")}),
        ("get", "/auth_attr_shim/{state}"): Example({"state": _state(site), "result": site.token()}),
        ("get", "/land/{ticket}"): Example({"ticket": last_part(to_land.land), "result": site.token()}),
        ("post", "/land/{ticket}"): Example({"ticket": last_part((await visitor.start()).land)}),
        ("get", "/c/{conversation}"): Example({"conversation": landed.conversation}),
        ("get", "/plugins/auth_test/session/{session}"): Example({"session": last_part(identify.location)}),
        ("get", "/plugins/comm_test/session/{session}"): Example(
            {"session": last_part(talk.json["client_url"]), "result": site.token()}
        ),
        ("get", "/plugins/comm_platform/guest/init/{guest_token}"): Example(guest_token),
        ("post", "/plugins/comm_platform/guest/start/{guest_token}"): Example(
            guest_token, {"application/json": chosen}
        ),
        ("get", "/plugins/comm_platform/host/{host_token}"): Example(
            {"host_token": jwt.encode({"payload": {"roomId": "1"}}, HOSTS, "HS256")}
        ),
    }


async def _after_identifying(visitor: Visitor, **members: str) -> str:
    """What stands in the address that the browser is at, once it has identified."""
    started = await visitor.post("/start", {"purpose": "report_move", "auth_method": "test", **members})
    await visitor.get(started.location)
    return last_part((await visitor.post(started.location, {"choice": "share"})).location)


def last_part(address: str) -> str:
    """What an address ends in."""
    return address.rpartition("/")[2]


async def internal_examples(program: Program) -> Examples:
    """What a core, an auth plugin and a contact centre would call, where somebody waits for it."""
    site = program.site
    examples: Examples = {
        ("get", "/plugins/live/availability/{purpose}"): Example({"purpose": "report_move"}),
        ("post", "/plugins/auth_test/start_authentication"): Example(
            bodies={"application/json": {"attributes": ["fullname"], "continuation": f"{site.url}/land/x"}}
        ),
        ("post", "/plugins/comm_phone/link_phone"): Example(
            bodies={"application/json": {"dtmf": "0123456789", "sessionid": "call 1"}}
        ),
    }
    context = {"auth": "pending", "channel": "chat", "language": "nl"}
    for plugin, attr_path in (
        ("live", "/attr/{place}"),
        ("comm_test", "/attr/{place}"),
        ("comm_phone", "/session_result/{code}"),
    ):
        base = f"/plugins/{plugin}"
        url = f"{site.internal}{base}/start_communication"
        body = msgspec.json.encode({"purpose": "report_move", "context": context})
        started = [(await program.request("POST", url, body, **_JSON)).json for _ in range(2)]
        place = {"place": last_part(started[0]["attr_url"]), "code": last_part(started[0]["attr_url"])}
        examples |= {
            ("post", f"{base}/start_communication"): Example(bodies={"application/json": msgspec.json.decode(body)}),
            ("post", f"{base}{attr_path}"): Example(place, {"application/jwt": site.token()}),
            ("post", f"{base}/cancel/{{place}}"): Example({"place": last_part(started[1]["cancel_url"])}),
        }
    return examples


async def findings(document: dict[str, Any], base: str, folder: Path, *arguments: str) -> str:
    """What schemathesis has to say against the application at `base`; empty when that is nothing."""
    name = folder / f"openapi-{time.monotonic_ns()}.json"
    name.write_bytes(msgspec.json.encode(document))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(_HERE / "schemathesis.toml"), "--no-color"),
        *("run", str(name), "--url", base, "--suppress-health-check", "all", "--warnings", "off"),
        *("--max-redirects", "0", "--header", f"Origin: {base}", *arguments),
    ]
    running = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"SCHEMATHESIS_HOOKS": "fuzzed_hooks", "PYTHONPATH": str(_HERE), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    return "" if running.returncode == 0 else said.decode()


_JSON: Final = {"Content_Type": "application/json", "Accept": "application/json"}
_PURPOSE: Final = b'{"purpose": "report_move"}'


def _state(site: Site) -> str:
    now = int(time.time())
    claims = {"attr_url": f"{site.live}/attr/x", "continuation": f"{site.url}/", "iat": now, "exp": now + 1800}
    return jwt.encode(claims, SECRET, "HS256")


def _signed_start(site: Site) -> str:
    request = {"purpose": "report_move", "auth_method": "test", "comm_url": f"{site.url}/", "attr_url": site.live}
    key = (site.folder / "sign.pem").read_text()
    return jwt.encode({"request": request}, key, "ES256", headers={"kid": "platform"})
