"""`idcontact make-result`: an auth result to try a communication plugin with; the counterpart of open-result."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from idcontact.cli.subparsers import add_key_file, add_time, read_key_file
from idcontact.errors import SettingsError

if TYPE_CHECKING:
    from idcontact.cli.subparsers import Subparsers


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "make-result",
        help="sign and encrypt an auth result",
        description="Print an auth result that is valid for five minutes, to try things out with. What stands on a "
        "command line can be seen by other users of the machine: use made-up attributes.",
        allow_abbrev=False,
    )
    add_key_file(parser, "--sign-key", "private key of the auth plugin")
    add_key_file(parser, "--encrypt-key", "public key of the communication plugin")
    parser.add_argument("--dialect", choices=("id-contact", "verder-helpen"), default="id-contact", help="%(default)s")
    parser.add_argument("--status", choices=("success", "failed"), default="success", help="%(default)s")
    parser.add_argument(
        "--attribute", action="append", default=[], type=_attribute, metavar="KEY=VALUE", help="may be repeated"
    )
    parser.add_argument("--session-url", type=_web_url, metavar="URL", help="where the auth plugin wants updates")
    add_time(parser, "issue the token as at this time")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the token, without a newline after it unless a person is looking. Raises SettingsError, TooLarge."""
    from idcontact.tokens import AuthResult, Dialect, EncryptKey, ResultStatus, ResultWriter, SigningKey

    result = AuthResult(status=ResultStatus(args.status), attributes=_attributes(args), session_url=args.session_url)
    writer = ResultWriter(
        SigningKey.from_pem(read_key_file(args.sign_key), str(args.sign_key)),
        EncryptKey.from_pem(read_key_file(args.encrypt_key), str(args.encrypt_key)),
        Dialect(args.dialect),
    )
    token = writer.write(result, time.time() if args.at is None else args.at)
    sys.stdout.write(token + ("\n" if sys.stdout.isatty() else ""))
    return 0


def _attributes(args: argparse.Namespace) -> dict[str, str] | None:
    """What was given by `--attribute`; None for a failure, which has none."""
    pairs: list[tuple[str, str]] = args.attribute
    attributes = dict(pairs)
    if len(attributes) < len(pairs):
        raise SettingsError(["--attribute: expected each key once"])
    if args.status == "success":
        return attributes
    if attributes:
        raise SettingsError(["--attribute: expected none with --status failed"])
    return None


def _attribute(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError("expected KEY=VALUE")
    if any("\ud800" <= char <= "\udfff" for char in text):  # how Python keeps bytes that are not UTF-8
        raise argparse.ArgumentTypeError("expected UTF-8")
    return key, value


def _web_url(text: str) -> str:
    from idcontact.urls import split_web_url

    if split_web_url(text) is None:
        raise argparse.ArgumentTypeError("expected an http or https URL")
    return text
