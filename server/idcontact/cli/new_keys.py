"""`idcontact new-keys`: the key pairs that an auth plugin and a communication plugin need."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from idcontact.errors import SettingsError

if TYPE_CHECKING:
    import argparse

    from idcontact.cli.subparsers import Subparsers

_RSA_BITS = 3072
_FILES = {
    "sign-key.private.pem": "the auth plugin signs its results with it; it stays there",
    "verify-key.public.pem": "give it to every communication plugin that takes its results",
    "decrypt-key.private.pem": "the communication plugin opens results with it; it stays there",
    "encrypt-key.public.pem": "give it to every auth plugin that sends it results",
}


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "new-keys",
        help="make the key pairs for auth results",
        description="Write a pair to sign and verify and a pair to encrypt and decrypt auth results, as PEM files that "
        "only you can read. A file that is there is never overwritten.",
        allow_abbrev=False,
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="made when it is not there")
    parser.add_argument("--type", choices=("rsa", "ec"), default="rsa", help="%(default)s; ec is P-256")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the files and say what each is for. Raises SettingsError."""
    directory: Path = args.directory
    write_new_keys(directory, args.type)
    for name, use in _FILES.items():
        sys.stdout.write(f"{directory / name}: {use}\n")
    return 0


def write_new_keys(directory: Path, kind: Literal["rsa", "ec"]) -> None:
    """Write all four files, or none. Raises SettingsError."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_existing(directory)
        texts = [text for _ in ("sign", "encrypt") for text in _new_pair(kind)]
        _write_all({directory / name: text for name, text in zip(_FILES, texts, strict=True)})
    except OSError as error:
        where = error.filename or directory
        raise SettingsError([f"{where}: cannot be written: {error.strerror or 'unknown reason'}"]) from None


def _refuse_existing(directory: Path) -> None:
    mistakes = [
        f"{directory / name}: is there already, and is not overwritten"
        for name in _FILES
        if os.path.lexists(directory / name)
    ]
    if mistakes:
        raise SettingsError(mistakes)


def _new_pair(kind: str) -> tuple[bytes, bytes]:
    """A private key (PKCS#8) and its public key (SPKI), both PEM."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    key = rsa.generate_private_key(65537, _RSA_BITS) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def _write_all(contents: dict[Path, bytes]) -> None:
    written: list[Path] = []
    try:
        for path, content in contents.items():
            # O_EXCL: a file that came to be after the check is not overwritten either.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                written.append(path)
                file.write(content)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
