"""A plugin in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from idcontact.errors import SettingsError
from idcontact.limits import client_address
from idcontact.plugin.process import ProcessSettings, listener
from idcontact.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Message, Receive, Scope, Send

SETTINGS = """
public_url = "https://letter.example.org"
listen = "127.0.0.1:8000"
internal_url = "http://10.0.0.7:8001"
internal_listen = "10.0.0.7:8001"
redis_url = "redis://127.0.0.1"
{trusted}
[plugins.auth_letter]
"""


async def tell_whom_to_count(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(client_address(Request(scope)))(scope, receive, send)


async def counted(settings: ProcessSettings, *, peer: str) -> str:
    """Whom the plugin counts when `peer` says that it passes on a request of 192.0.2.9."""
    config = listener(tell_whom_to_count, settings).config
    config.load()
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"x-forwarded-for", b"192.0.2.9")],
        "client": (peer, 40000),
        "server": ("127.0.0.1", 8000),
    }
    await config.loaded_app(scope, receive, send)
    body: bytes = sent[1]["body"]
    return body.decode()


def test_a_plugin_has_its_host_name_to_itself_as_a_whole_server_has(tmp_path: Path) -> None:
    file = tmp_path / "letter.toml"
    file.write_text(SETTINGS.format(trusted=""))
    environ = {"IDCONTACT__PUBLIC_URL": "https://www.example.org/letter"}
    with pytest.raises(SettingsError, match=r"^public_url: expected an absolute URL .* got one with a path"):
        load(file, ProcessSettings, environ)


@pytest.mark.parametrize(
    ("trusted", "peer", "whom"),
    [("", "127.0.0.1", "127.0.0.1"),
     ('trusted_proxies = ["10.0.0.2"]', "10.0.0.2", "192.0.2.9"),
     ('trusted_proxies = ["10.0.0.2"]', "127.0.0.1", "127.0.0.1")],
)  # fmt: skip
async def test_forwarding_headers_are_believed_of_the_proxies_of_the_settings_alone(
    tmp_path: Path, trusted: str, peer: str, whom: str
) -> None:
    file = tmp_path / "letter.toml"
    file.write_text(SETTINGS.format(trusted=trusted))
    assert await counted(load(file, ProcessSettings, {}), peer=peer) == whom
