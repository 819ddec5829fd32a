"""Keys of what is stored: a data key per conversation or record, wrapped by epoch keys that live outside Redis.

    data key    random, one per conversation or record; seals its texts; stored in Redis, wrapped
    epoch key   random, in a KeyStore; wraps data keys while it is the newest; destroyed when nothing is wrapped by it

What was deleted stays in append-only files, dumps and replicas, sealed; when the epochs that wrapped its key are
destroyed, nothing opens it any more (`KeyKeeper` in sealing.py re-wraps what lives, and destroys).

The life of an epoch, in minutes of running time:

    0        made by the first node that finds the newest one 10 minutes old, or none
    10       the next is made; from now on nobody wraps by this one
    10–12    what lives is re-wrapped by the newest; a write that was under way when the next was made arrives
    12–13    nothing in Redis is wrapped by it, seen twice: destroyed

So what was purged is gone within 15 minutes. Ages are measured by the machine's own clock, which only runs forward; the
time of day may jump as it likes. A process that starts and finds an epoch from another machine, or from before this one
was started, cannot know its age, and makes the next at once.
"""

from __future__ import annotations

import math
import os
import struct
import threading
import time
import uuid
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idcontact.epoch_files import EpochFiles, name_of
from idcontact.errors import KeyGone, SealBroken, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

ROTATE_AFTER: Final = 10 * 60.0
"""Age in seconds at which the newest epoch is followed by the next."""

GRACE: Final = 2 * 60.0
"""Seconds from the making of the next epoch to the earliest destruction. Longer than a node may take from choosing an
epoch to its write in Redis (three tries of 5 s) and than a shared file system may hide a new file (NFS: 60 s)."""

_WRAP_UNTIL: Final = ROTATE_AFTER + 60  # the keeper makes the next in a thread; who wraps does so only if it is late
_LOOK_EVERY: Final = 1.0  # seconds for which a look at the directory holds good for wrapping
_STRAY_AFTER: Final = 60.0  # seconds after which what stands beside is the rest of a crash, not a creation under way

_NONCE: Final = 12
_TAG: Final = 16
_WRAPPED = struct.Struct(">BQ")  # version, epoch; then nonce, sealed key
_VERSION: Final = 1


class Clock(Protocol):
    """The clocks of one machine, in seconds."""

    def wall(self) -> float:
        """The time of day, as seconds since 1970; it may jump."""

    def elapsed(self) -> float:
        """Time since the machine was started, its sleep counted; it only runs forward."""

    def boot(self) -> bytes:
        """What tells this run of this machine from every other: 16 bytes. `elapsed` means something within it alone."""


class SystemClock:
    """The clocks of this machine."""

    def __init__(self) -> None:
        try:
            self._boot = uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()).bytes
        except (OSError, ValueError):  # not Linux: no process knows how long ago another made an epoch
            self._boot = uuid.uuid4().bytes

    def wall(self) -> float:
        """The time of day, as seconds since 1970."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds since the machine was started, its sleep counted where the system can."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

    def boot(self) -> bytes:
        """The kernel's own name for this run of the machine."""
        return self._boot


class DataKey:
    """Key of one conversation or record: AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits per sealing."""

    __slots__ = ("_cipher", "_secret")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._cipher = AESGCM(secret)

    @classmethod
    def new(cls) -> DataKey:
        """A new random key."""
        return cls(os.urandom(32))

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """Nonce, ciphertext and tag. `context` says what and where it is; it is not stored, and is needed to open."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plaintext, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed. Raises SealBroken when it was changed, or sealed with another key or context."""
        if len(sealed) < _NONCE + _TAG:
            raise SealBroken("stored data cannot be read", reason="sealed data is cut short")
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
        except InvalidTag:
            raise SealBroken("stored data cannot be read", reason="sealed data is changed or misplaced") from None

    def secret(self) -> bytes:
        """The 32 bytes of the key, for a KeyStore to wrap. Do not keep, log or send them."""
        return self._secret

    def __repr__(self) -> str:
        return "DataKey(…)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")


class KeyStore(Protocol):
    """Where epoch keys live: outside Redis, shared by the nodes. Methods may block for a moment, on files.

    All raise Unavailable when the keys cannot be reached.
    """

    def current(self) -> int:
        """The number of the newest epoch; the next is made first when that is due."""

    def wrap(self, key: DataKey) -> bytes:
        """The key, wrapped by the newest epoch. Write it to Redis at once: it is good for GRACE and no longer."""

    def unwrap(self, wrapped: bytes) -> DataKey:
        """The key again. Raises KeyGone when its epoch is destroyed, SealBroken when it is no wrapped key."""

    def retired(self) -> list[int]:
        """Epochs that nobody wraps by any more, for long enough that no write is under way; oldest first."""

    def destroy(self, epoch: int) -> None:
        """End an epoch. Nothing that is wrapped by it can be opened again. Raises ValueError for the newest."""


def epoch_of(wrapped: bytes) -> int:
    """The number of the epoch that wraps a data key. Raises SealBroken when it is no wrapped key."""
    if len(wrapped) != _WRAPPED.size + _NONCE + 32 + _TAG or wrapped[0] != _VERSION:
        raise SealBroken("stored data cannot be read", reason="not a wrapped key")
    epoch: int = _WRAPPED.unpack_from(wrapped)[1]
    return epoch


class _Known(NamedTuple):
    """An epoch as this process knows it; times by `Clock.elapsed`. It was made between the two."""

    key: DataKey
    made_after: float
    made_before: float


class DirectoryKeyStore:
    """Epoch keys as files of one directory, which the nodes share (see epoch_files.py).

    Safe to use from several threads. Raises SettingsError when others could read the directory.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._files = EpochFiles(path)
        self._lock = threading.Lock()
        self._known: dict[int, _Known] = {}  # replaced as a whole, so that reading it needs no lock
        self._highest = 0
        self._looked_at: float | None = None
        self._strays: dict[str, float] = {}

    def close(self) -> None:
        """Let go of the directory, and of the keys."""
        self._files.close()
        self._known = {}

    def current(self) -> int:
        """As in KeyStore."""
        return self._newest(ROTATE_AFTER)

    def wrap(self, key: DataKey) -> bytes:
        """As in KeyStore."""
        known, now = self._known, self._clock.elapsed()
        epoch = max(known, default=0)
        stale = self._looked_at is None or now - self._looked_at >= _LOOK_EVERY
        if stale or epoch not in known or now - known[epoch].made_after >= _WRAP_UNTIL:
            epoch = self._newest(_WRAP_UNTIL)
            known = self._known
        header = _WRAPPED.pack(_VERSION, epoch)
        return header + known[epoch].key.seal(key.secret(), header)

    def unwrap(self, wrapped: bytes) -> DataKey:
        """As in KeyStore."""
        epoch = epoch_of(wrapped)
        known = self._known.get(epoch)
        if known is None:
            self._look()
            known = self._known.get(epoch)
        if known is None:
            raise KeyGone("this can no longer be read", reason="the key of its epoch is destroyed")
        return DataKey(known.key.open(wrapped[_WRAPPED.size :], wrapped[: _WRAPPED.size]))

    def retired(self) -> list[int]:
        """As in KeyStore. Ends what crashes left behind, too."""
        self._look()
        known, now = sorted(self._known.items()), self._clock.elapsed()
        with _reaching():
            for name, since in self._strays.items():
                if now - since >= _STRAY_AFTER:
                    self._files.discard(name)
        retired = []
        for (number, _), (_, following) in pairwise(known):
            if now - following.made_before < GRACE:
                break
            retired.append(number)
        return retired

    def destroy(self, epoch: int) -> None:
        """As in KeyStore."""
        self._look()
        if epoch >= max(self._known, default=0):
            raise ValueError("the newest epoch is in use")
        with _reaching():
            self._files.destroy(name_of(epoch))
        self._look()

    def _newest(self, limit: float) -> int:
        """The newest epoch; made first when there is none, or it may be `limit` seconds old."""
        self._look()
        epoch = max(self._known, default=0)
        if epoch and self._clock.elapsed() - self._known[epoch].made_after < limit:
            return epoch
        # In an empty directory numbers begin at the time of day: a number that stands in Redis from before the
        # directory was lost is never given to another key.
        number = self._highest + 1 if self._highest else max(1, int(self._clock.wall()))
        with _reaching():
            self._files.create(number, self._clock.boot(), self._clock.elapsed())
        self._look()
        if not self._known:
            raise Unavailable("the keys cannot be read now; try again in a moment", reason="keys_dir lost a new key")
        return max(self._known)

    def _look(self) -> None:
        """Know what is in the directory now: forget what others destroyed, read what others made."""
        with self._lock, _reaching():
            now = self._clock.elapsed()
            listing = self._files.look()
            known: dict[int, _Known] = {}
            strays = set(listing.strays)
            for number in listing.numbers:
                met = self._known.get(number) or self._meet(number, now)
                if met is None:
                    strays.add(name_of(number))
                else:
                    known[number] = met
            if known.keys() - self._known.keys():
                self._files.sync()  # who made it may not have come to that yet; nothing is to be wrapped by it before
            self._known = known
            self._highest = max(listing.numbers, default=0)
            self._strays = {name: self._strays.get(name, now) for name in strays}
            self._looked_at = now

    def _meet(self, number: int, now: float) -> _Known | None:
        """An epoch not seen before, and how old it may be."""
        file = self._files.read(number)
        if file is None:
            return None
        key = DataKey(file.key)
        if file.boot == self._clock.boot() and file.made_at <= now:
            return _Known(key, made_after=file.made_at, made_before=file.made_at)
        return _Known(key, made_after=-math.inf if self._looked_at is None else self._looked_at, made_before=now)


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            "the keys cannot be reached now; try again in a moment", reason=f"keys_dir: {error.strerror}"
        ) from None
