"""`idcontact open-result`: what an auth result says, for administrators and plugin authors."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from idcontact.cli.subparsers import add_key_file, add_time, read_key_file

if TYPE_CHECKING:
    import argparse

    from idcontact.cli.subparsers import Subparsers


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "open-result",
        help="decrypt and verify an auth result",
        description="Read an auth result on standard input, in either dialect, and print its status, attributes and "
        "session_url as JSON. Exit status 1 and the reason on standard error when it is not accepted.",
        allow_abbrev=False,
    )
    add_key_file(parser, "--verify-key", "public key of the auth plugin")
    add_key_file(parser, "--decrypt-key", "private key of the communication plugin")
    add_time(parser, "read the token as at this time")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what the token says. Raises TokenRejected, SettingsError."""
    from idcontact.jws import MAX_TOKEN_BYTES
    from idcontact.tokens import DecryptKey, ResultReader, VerifyKey

    verify = VerifyKey.from_pem(read_key_file(args.verify_key), str(args.verify_key))
    decrypt = DecryptKey.from_pem(read_key_file(args.decrypt_key), str(args.decrypt_key))
    # Twice the limit leaves room for white space, and keeps an endless input from filling the memory.
    token = sys.stdin.buffer.read(2 * MAX_TOKEN_BYTES).strip()
    read = ResultReader(decrypt, {"": [verify]}).read(token, time.time() if args.at is None else args.at)
    result = read.result
    _print_json(
        {"status": result.status.value, "attributes": result.attributes, "session_url": result.session_url},
    )
    return 0


def _print_json(value: object) -> None:
    """As UTF-8, the encoding of JSON (RFC 8259 section 8.1), with nothing in it that a terminal might act on."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=2)
    safe = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    sys.stdout.buffer.write(safe.encode() + b"\n")
    sys.stdout.buffer.flush()
