"""Epoch keys as files in one directory that the nodes share, and no backup holds.

One file per epoch, `epoch-<number>.key`, 0600 in a directory of 0700. A file comes to be in one step, complete and on
disk (written beside, then linked; whoever links first has made the epoch), and ends in two: overwritten, then removed.
A file that is not a complete key (a crash between those two) counts as gone; what a crash left beside is a stray.

Everything goes by one descriptor of the directory, opened at start: a file system that is unmounted later gives errors,
never an empty directory in its place.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import struct
from typing import TYPE_CHECKING, NamedTuple

from idcontact.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32

_MAGIC = b"idc-epoch-key-1\n"
_FORM = struct.Struct(f">{len(_MAGIC)}s16sd{KEY_BYTES}s")
_NAME = re.compile(r"epoch-(\d{16})\.key")
_STRAY = re.compile(r"\.new-[0-9a-f]{32}")
_OPEN = os.O_CLOEXEC | os.O_NOFOLLOW


class EpochFile(NamedTuple):
    """One epoch's key, and when it was made: `made_at` seconds into the run `boot` of the machine that made it."""

    boot: bytes
    made_at: float
    key: bytes


class Listing(NamedTuple):
    """What is in the directory: numbers of epochs, complete or not, and names of strays."""

    numbers: frozenset[int]
    strays: frozenset[str]


def name_of(number: int) -> str:
    """The name of an epoch's file."""
    return f"epoch-{number:016d}.key"


class EpochFiles:
    """The directory. Methods raise OSError when it cannot be reached; they may be called from any thread but `look`."""

    def __init__(self, path: Path) -> None:
        """Open the directory, and make it when it is not there. Raises SettingsError when others could read it."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SettingsError(
                [f"keys_dir: expected a directory to read and write, got {error.strerror}: {path}"]
            ) from None
        mistakes = self._mistakes(path)
        if mistakes:
            self.close()
            raise SettingsError(mistakes)

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._directory)

    def look(self) -> Listing:
        """What is there now. By one thread at a time: the descriptor has one position."""
        names = os.listdir(self._directory)  # noqa: PTH208  pathlib knows no descriptors
        found = (_NAME.fullmatch(name) for name in names)
        return Listing(
            frozenset(int(match[1]) for match in found if match),
            frozenset(name for name in names if _STRAY.fullmatch(name)),
        )

    def read(self, number: int) -> EpochFile | None:
        """The epoch's key; None when it is gone, or what is left of it is no key."""
        try:
            file = os.open(name_of(number), os.O_RDONLY | _OPEN, dir_fd=self._directory)
        except FileNotFoundError:
            return None
        try:
            content = os.read(file, _FORM.size + 1)
        finally:
            os.close(file)
        if len(content) != _FORM.size or not content.startswith(_MAGIC):
            return None
        _, boot, made_at, key = _FORM.unpack(content)
        return EpochFile(boot, made_at, key)

    def create(self, number: int, boot: bytes, made_at: float) -> bool:
        """Make the epoch with a new random key, on disk when this returns. False: another was first.

        `boot` (16 bytes) and `made_at` as in EpochFile.
        """
        stray = f".new-{secrets.token_hex(16)}"
        content = _FORM.pack(_MAGIC, boot, made_at, secrets.token_bytes(KEY_BYTES))
        file = os.open(stray, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600, dir_fd=self._directory)
        try:
            try:
                os.fchmod(file, 0o600)
                _write(file, content)
            finally:
                os.close(file)
            os.link(stray, name_of(number), src_dir_fd=self._directory, dst_dir_fd=self._directory)
        except FileExistsError:
            return False
        finally:
            self._unlink(stray)
            self.sync()
        return True

    def destroy(self, name: str) -> None:
        """Overwrite the file, then remove it. Another may have been first.

        Overwriting is a best effort: a file system that copies on write, or a flash disk, may keep the old block.
        """
        try:
            file = os.open(name, os.O_WRONLY | _OPEN, dir_fd=self._directory)
        except FileNotFoundError:
            return
        try:
            _write(file, bytes(_FORM.size))
        finally:
            os.close(file)
        self._unlink(name)
        self.sync()

    def discard(self, name: str) -> None:
        """End what a crash left behind. Where an epoch goes by another name of the same file, that keeps its key."""
        try:
            names = os.stat(name, dir_fd=self._directory, follow_symlinks=False).st_nlink
        except FileNotFoundError:
            return
        if names > 1:
            self._unlink(name)
            self.sync()
        else:
            self.destroy(name)

    def sync(self) -> None:
        """Have the names on disk: until then a crash of the machine could undo a creation or a removal."""
        os.fsync(self._directory)

    def _unlink(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._directory)
        except FileNotFoundError:
            return

    def _mistakes(self, path: Path) -> list[str]:
        """What makes the keys readable by others."""
        found = os.fstat(self._directory)
        mode = stat.S_IMODE(found.st_mode)
        mistakes = []
        if found.st_uid != os.geteuid():
            mistakes.append(f"keys_dir: expected a directory of the user that runs this, got another's: {path}")
        if mode & 0o077:
            mistakes.append(
                f"keys_dir: expected a directory that only its owner can enter (0700), got {mode:04o}: {path}"
            )
        listing = self.look()
        for name in sorted(listing.strays.union(map(name_of, listing.numbers))):
            try:
                file = os.stat(name, dir_fd=self._directory, follow_symlinks=False)
            except FileNotFoundError:
                continue  # another node, which starts with us, has linked its new key or ended an old one
            mode = stat.S_IMODE(file.st_mode)
            if not stat.S_ISREG(file.st_mode) or mode & 0o077:
                mistakes.append(
                    f"keys_dir: expected a file that only its owner can read (0600), got {mode:04o}: {path / name}"
                )
        return mistakes


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)
