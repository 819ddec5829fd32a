"""The telephone plugin in one process, with the contact centre's platform in the test's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx2
import msgspec

from comm_house import INTERNAL

if TYPE_CHECKING:
    from comm_house import CommHouse, Started

SUZANNE: Final = {"fullname": "Suzanne Moulin", "city": "Rotterdam"}
CALL: Final = "c0ffee00-1234-4321-9999-feedc0ffee00"
SETTINGS: Final[dict[str, object]] = {"phonenumber": "020 123 45 67"}


def dtmf_of(started: Started) -> str:
    return started.client_url.partition(",")[2]


async def request(house: CommHouse, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
    """What the contact centre's platform asks."""
    transport = httpx2.ASGITransport(app=house.plugin.internal, root_path="/plugins/comm_test")
    async with httpx2.AsyncClient(transport=transport, base_url=INTERNAL) as client:
        encoded = {name.encode(): value.encode() for name, value in headers.items()}
        content = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        return await client.request(method, f"{INTERNAL}{path}", content=content, headers=encoded)


async def link(house: CommHouse, dtmf: str, call: str = CALL, **headers: str) -> httpx2.Response:
    return await request(house, "POST", "/link_phone", {"dtmf": dtmf, "sessionid": call}, **headers)


async def info(house: CommHouse, call: str = CALL, **headers: str) -> httpx2.Response:
    return await request(house, "GET", f"/session_info/{call}", **headers)


async def told_of(house: CommHouse, call: str = CALL) -> Any:
    answer = await info(house, call)
    assert answer.status_code == 200, answer.text
    return answer.json()
