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

from visitors import Program

if TYPE_CHECKING:
    import aiohttp

    from running import Site

SECRET: Final = "a secret of a test, of at least thirty-two bytes"
FULL_HOUSE: Final = f"""
internal_secret = "{SECRET}"
[authonly_request_keys]
platform = {{ file = "verify.pem" }}
[plugins.comm_test]
decrypt_key = {{ file = "decrypt.pem" }}
[[plugins.comm_test.auth_methods]]
tag = "test"
name = "Test person"
verify_keys = [{{ file = "verify.pem" }}]
attributes = ["fullname", "city"]
[[comm_methods]]
tag = "trial"
name = "Trial"
start = "plugin:comm_test"
"""
"""More settings of a `running.Site`: both kits, and what is signed."""

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """Values that lead somewhere: of parameters by name, of bodies by media type."""

    parameters: dict[str, object] = field(default_factory=dict)
    bodies: dict[str, object] = field(default_factory=dict)


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


async def public_examples(program: Program) -> Examples:
    """Sessions that were started, so that there is something behind the addresses."""
    site = program.site
    purpose: dict[str, object] = {"purpose": "report_move"}
    start = {**purpose, "auth_method": "test", "comm_method": "chat"}
    land = [(await program.start()).land.rpartition("/")[2] for _ in range(2)]
    identify = await program.request("POST", "/start", msgspec.json.encode(start), **_JSON)
    talk = await program.request("POST", f"{site.internal}/plugins/comm_test/start_communication", _PURPOSE, **_JSON)
    sessions = [answer.json["client_url"].rpartition("/")[2] for answer in (identify, talk)]
    result = {"result": site.token()}
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
        ("get", "/auth_attr_shim/{state}"): Example({"state": _state(site), **result}),
        ("get", "/land/{ticket}"): Example({"ticket": land[0], **result}),
        ("post", "/land/{ticket}"): Example({"ticket": land[1]}),
        ("get", "/plugins/auth_test/session/{session}"): Example({"session": sessions[0]}),
        ("get", "/plugins/comm_test/session/{session}"): Example({"session": sessions[1], "result": site.token()}),
    }


async def internal_examples(program: Program) -> Examples:
    """What a core and an auth plugin would call, where somebody waits for it."""
    site = program.site
    examples: Examples = {
        ("get", "/plugins/live/availability/{purpose}"): Example({"purpose": "report_move"}),
        ("post", "/plugins/auth_test/start_authentication"): Example(
            bodies={"application/json": {"attributes": ["fullname"], "continuation": f"{site.url}/land/x"}}
        ),
    }
    for plugin in ("live", "comm_test"):
        base = f"/plugins/{plugin}"
        started = [
            (await program.request("POST", f"{site.internal}{base}/start_communication", _PURPOSE, **_JSON)).json
            for _ in range(2)
        ]
        attr, cancel = (
            told[member].rpartition("/")[2] for told, member in zip(started, ("attr_url", "cancel_url"), strict=True)
        )
        context = {"auth": "pending", "channel": "chat", "language": "nl"}
        message = {"purpose": "report_move", "context": context}
        examples |= {
            ("post", f"{base}/start_communication"): Example(bodies={"application/json": message}),
            ("post", f"{base}/attr/{{place}}"): Example({"place": attr}, {"application/jwt": site.token()}),
            ("post", f"{base}/cancel/{{place}}"): Example({"place": cancel}),
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
