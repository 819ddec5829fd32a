"""How much comes in at the door, and what is written down of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from guarded_app import OWN, guarded
from idcontact.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

# --- how much -------------------------------------------------------------------------------------------------------


def in_chunks(total: int) -> Iterator[bytes]:
    for _ in range(total // 10):
        yield b"0123456789"


def test_a_body_of_the_limit_passes_announced_or_not() -> None:
    assert guarded().post("/echo", content=b"x" * 100, headers={"Origin": OWN}).text == "100"
    assert guarded().post("/echo", content=in_chunks(100), headers={"Origin": OWN}).text == "100"


def test_a_larger_body_is_refused_announced_or_not() -> None:
    for content in (b"x" * 101, in_chunks(110)):
        answer = guarded().post("/echo", content=content, headers={"Origin": OWN})
        assert answer.status_code == 413
        assert answer.json()["error"] == {
            "code": "too_large",
            "message": "the body is larger than the 100 bytes that are accepted here",
        }


def test_a_route_may_have_a_limit_of_its_own() -> None:
    assert guarded().post("/start", content=b"x" * 1000).status_code == 200
    assert guarded().post("/start", content=b"x" * 1001).status_code == 413


@pytest.mark.parametrize("length", ["-1", "many", "1e9", "١"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    answer = guarded().post("/start", content=b"x", headers={b"Content-Length": length.encode()})
    assert answer.status_code == 413


def test_an_answer_that_has_begun_is_cut_off_when_the_body_grows_too_large() -> None:
    with pytest.raises(RuntimeError) as cut:
        TestClient(guarded().app, base_url=OWN).post("/streams", content=in_chunks(500), headers={"Origin": OWN})
    assert isinstance(cut.value.__cause__, TooLarge)


# --- what is written down -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/land/secret-ticket?result=secret-token", "GET /land/{ticket} 200"),
        ("/plugins/auth_test/session/secret-session?x=secret", "GET /plugins/auth_test/session/{session} 200"),
        ("/files/secret-name", "GET /files/… 200"),
        ("/nowhere/secret-path?secret", "GET (no route) 404"),
        ("/plugins/auth_test/secret", "GET /plugins/auth_test/… 404"),
        ("/fails", "GET /fails 500"),
    ],
)
def test_the_access_log_names_routes_and_never_what_a_path_or_query_held(
    caplog: pytest.LogCaptureFixture, path: str, line: str
) -> None:
    caplog.set_level("DEBUG", "idcontact.access")
    guarded().get(path)
    [written] = [record.getMessage() for record in caplog.records if record.name == "idcontact.access"]
    assert written.startswith(line + " ")
    assert "secret" not in written
