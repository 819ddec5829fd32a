"""Data keys and epoch keys: who can open what, for how long, whatever crashes or whichever clock jumps."""

from __future__ import annotations

import os
import pickle
import shutil
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact import epoch_files
from idcontact.epoch_files import EpochFiles, Listing, name_of
from idcontact.errors import KeyGone, SealBroken, SettingsError, Unavailable
from idcontact.keystore import GRACE, ROTATE_AFTER, DataKey, DirectoryKeyStore, KeyStore, SystemClock, epoch_of
from keys_house import Crash, HandClock, contents, fuse_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


class Nodes:
    """Starts nodes on one directory, and closes them all."""

    def __init__(self, path: Path, clock: HandClock) -> None:
        self.path = path
        self.clock = clock
        self.started: list[DirectoryKeyStore] = []

    def start(self) -> DirectoryKeyStore:
        store = DirectoryKeyStore(self.path, self.clock)
        self.started.append(store)
        return store


@pytest.fixture
def nodes(tmp_path: Path, clock: HandClock) -> Iterator[Nodes]:
    found = Nodes(tmp_path / "keys", clock)
    yield found
    for store in found.started:
        store.close()


def opens(store: KeyStore, wrapped: bytes, key: DataKey) -> bool:
    try:
        return store.unwrap(wrapped).secret() == key.secret()
    except KeyGone:
        return False


# --- data keys ----------------------------------------------------------------------------------------------------


@given(plaintext=st.binary(max_size=300), context=st.binary(max_size=30))
def test_what_is_sealed_can_be_opened_in_its_place(plaintext: bytes, context: bytes) -> None:
    key = DataKey.new()
    sealed = key.seal(plaintext, context)
    assert key.open(sealed, context) == plaintext
    assert len(sealed) == len(plaintext) + 28
    assert len(plaintext) < 8 or plaintext not in sealed


@given(plaintext=st.binary(max_size=100), bit=st.integers(min_value=0), cut=st.integers(min_value=0))
def test_what_was_changed_or_cut_short_is_not_opened(plaintext: bytes, bit: int, cut: int) -> None:
    key = DataKey.new()
    sealed = key.seal(plaintext, b"here")
    changed = bytearray(sealed)
    changed[bit // 8 % len(sealed)] ^= 1 << bit % 8
    for spoiled in (bytes(changed), sealed[: cut % len(sealed)]):
        with pytest.raises(SealBroken):
            key.open(spoiled, b"here")


def test_what_was_sealed_elsewhere_or_by_another_key_is_not_opened() -> None:
    key = DataKey.new()
    sealed = key.seal(b"hello", b"conversation 1")
    with pytest.raises(SealBroken):
        key.open(sealed, b"conversation 2")
    with pytest.raises(SealBroken):
        DataKey.new().open(sealed, b"conversation 1")


def test_the_same_text_is_never_sealed_the_same() -> None:
    key = DataKey.new()
    assert len({key.seal(b"yes", b"") for _ in range(100)}) == 100


def test_a_key_neither_shows_itself_nor_is_pickled() -> None:
    key = DataKey.new()
    assert repr(key) == str(key) == "DataKey(…)"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)


# --- wrapping -----------------------------------------------------------------------------------------------------


def test_a_wrapped_key_says_its_epoch_and_holds_nothing_readable(nodes: Nodes) -> None:
    store, key = nodes.start(), DataKey.new()
    wrapped = store.wrap(key)
    assert epoch_of(wrapped) == store.current()
    assert key.secret() not in wrapped
    assert opens(store, wrapped, key)


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_changed_wrapping_never_gives_a_key(tmp_path_factory: pytest.TempPathFactory, at: int, bit: int) -> None:
    store = DirectoryKeyStore(tmp_path_factory.mktemp("keys", numbered=True) / "keys", HandClock())
    wrapped = bytearray(store.wrap(DataKey.new()))
    wrapped[at % len(wrapped)] ^= 1 << bit
    with pytest.raises((SealBroken, KeyGone)):
        store.unwrap(bytes(wrapped))
    store.close()


@pytest.mark.parametrize("nonsense", [b"", b"\x01", b"\x02" + bytes(68), bytes(69), b"\x01" + bytes(69)])
def test_what_is_no_wrapped_key_is_told_from_one_whose_epoch_is_gone(nodes: Nodes, nonsense: bytes) -> None:
    with pytest.raises(SealBroken):
        nodes.start().unwrap(nonsense)


# --- the life of an epoch -----------------------------------------------------------------------------------------


def test_the_next_epoch_is_made_after_ten_minutes(nodes: Nodes, clock: HandClock) -> None:
    store = nodes.start()
    first = store.current()
    clock.passed += ROTATE_AFTER - 1
    assert store.current() == first
    clock.passed += 1
    assert store.current() == first + 1


def test_whoever_wraps_makes_the_next_epoch_when_the_keeper_does_not(nodes: Nodes, clock: HandClock) -> None:
    store = nodes.start()
    first = epoch_of(store.wrap(DataKey.new()))
    clock.passed += ROTATE_AFTER + 59
    assert epoch_of(store.wrap(DataKey.new())) == first
    clock.passed += 1
    assert epoch_of(store.wrap(DataKey.new())) == first + 1


def test_nodes_share_their_epochs(nodes: Nodes, clock: HandClock) -> None:
    one, other, key = nodes.start(), nodes.start(), DataKey.new()
    assert opens(other, one.wrap(key), key)
    clock.passed += ROTATE_AFTER - 1
    assert one.current() == other.current()
    clock.passed += 1
    assert one.current() == other.current()
    assert len(contents(nodes.path)) == 2


def test_a_node_wraps_by_the_next_epoch_within_a_second_of_its_making(nodes: Nodes, clock: HandClock) -> None:
    one, other = nodes.start(), nodes.start()
    clock.passed += ROTATE_AFTER
    other.wrap(DataKey.new())
    made = one.current()
    clock.passed += 1
    assert epoch_of(other.wrap(DataKey.new())) == made


def test_when_two_nodes_make_an_epoch_at_once_the_first_has_made_it(nodes: Nodes) -> None:
    one, other = nodes.start(), nodes.start()
    both = epoch_files.EpochFiles(nodes.path)
    assert both.create(7, bytes(16), 1.0)
    first = contents(nodes.path)
    assert not both.create(7, bytes(16), 2.0)
    both.close()
    assert contents(nodes.path) == first
    assert one.current() == other.current()


def test_an_epoch_is_retired_two_minutes_after_the_next_was_made(nodes: Nodes, clock: HandClock) -> None:
    store = nodes.start()
    first = store.current()
    clock.passed += ROTATE_AFTER
    assert store.retired() == []
    store.current()
    clock.passed += GRACE - 1
    assert store.retired() == []
    clock.passed += 1
    assert store.retired() == [first]


def test_retired_epochs_come_oldest_first(nodes: Nodes, clock: HandClock) -> None:
    store = nodes.start()
    made = [store.current()]
    for _ in range(3):
        clock.passed += ROTATE_AFTER
        made.append(store.current())
    assert store.retired() == made[:2]


def test_a_destroyed_epoch_is_gone_for_every_node(nodes: Nodes, clock: HandClock) -> None:
    one, other, key = nodes.start(), nodes.start(), DataKey.new()
    wrapped = one.wrap(key)
    assert opens(other, wrapped, key)
    clock.passed += ROTATE_AFTER
    one.current()
    one.destroy(epoch_of(wrapped))
    other.current()
    for store in (one, other, nodes.start()):
        with pytest.raises(KeyGone):
            store.unwrap(wrapped)


def test_the_newest_epoch_is_never_destroyed(nodes: Nodes) -> None:
    store = nodes.start()
    with pytest.raises(ValueError, match="in use"):
        store.destroy(store.current())


def test_a_key_is_overwritten_before_its_file_is_removed(nodes: Nodes, clock: HandClock) -> None:
    store = nodes.start()
    first = store.current()
    with (nodes.path / epoch_files.name_of(first)).open("rb") as held:
        before = held.read()
        clock.passed += ROTATE_AFTER
        store.current()
        store.destroy(first)
        held.seek(0)
        assert held.read() == bytes(len(before))


def test_an_epoch_that_another_node_has_destroyed_may_be_destroyed_again(nodes: Nodes, clock: HandClock) -> None:
    one, other = nodes.start(), nodes.start()
    first = one.current()
    other.current()
    clock.passed += ROTATE_AFTER
    one.current()
    one.destroy(first)
    other.destroy(first)
    assert list(contents(nodes.path)) == [epoch_files.name_of(first + 1)]


# --- clocks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [-7 * 86400.0, -3600.0, 3600.0, 7 * 86400.0])
def test_a_jump_of_the_time_of_day_changes_nothing_while_running(nodes: Nodes, clock: HandClock, jump: float) -> None:
    one, other = nodes.start(), nodes.start()
    first = one.current()
    assert other.current() == first
    clock.shift = jump
    clock.passed += ROTATE_AFTER - 1
    assert (one.current(), other.current()) == (first, first)
    clock.passed += 1
    assert (one.current(), other.current()) == (first + 1, first + 1)
    clock.passed += GRACE - 1
    assert one.retired() == other.retired() == []
    clock.passed += 1
    assert one.retired() == other.retired() == [first]


@pytest.mark.parametrize("jump", [0.0, -300.0, -7 * 86400.0, 300.0, 7 * 86400.0])
def test_a_node_that_starts_again_goes_by_the_true_age_of_the_newest_epoch(
    nodes: Nodes, clock: HandClock, jump: float
) -> None:
    first = nodes.start().current()
    clock.passed += ROTATE_AFTER - 10
    clock.shift = jump
    again = nodes.start()
    assert again.current() == first
    clock.passed += 10
    assert again.current() == first + 1
    clock.passed += GRACE
    assert nodes.start().retired() == [first]


def test_a_node_that_starts_on_another_machine_cannot_know_an_age_and_makes_a_new_epoch(
    nodes: Nodes, clock: HandClock
) -> None:
    here = nodes.start()
    first = here.current()
    elsewhere = Nodes(nodes.path, HandClock(passed=clock.passed + 5000, machine=b"another machine."))
    there = elsewhere.start()
    assert there.current() == here.current() == there.current() == first + 1
    assert there.retired() == []
    elsewhere.clock.passed += GRACE
    assert there.retired() == [first]
    there.close()


def test_a_node_on_another_machine_knows_the_age_of_what_is_made_while_it_looks(nodes: Nodes, clock: HandClock) -> None:
    elsewhere = Nodes(nodes.path, HandClock(machine=b"another machine."))
    here, there = nodes.start(), elsewhere.start()
    there.current()
    first = here.current()
    for _ in range(59):
        clock.passed += 10
        elsewhere.clock.passed += 10
        assert there.current() == first
    clock.passed += 10
    assert here.current() == first + 1
    elsewhere.clock.passed += 10
    assert there.current() == first + 1
    there.close()


def test_the_machines_own_clocks_run_forward() -> None:
    clock = SystemClock()
    before = clock.elapsed()
    assert 0 <= clock.elapsed() - before < 60
    assert clock.wall() > 1_700_000_000
    assert clock.boot() == SystemClock().boot()
    assert len(clock.boot()) == 16


# --- crashes ------------------------------------------------------------------------------------------------------


def test_a_crash_at_any_step_of_making_or_destroying_leaves_keys_that_work(
    nodes: Nodes, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fuse = fuse_files(monkeypatch)
    store = nodes.start()
    steps = 0
    while True:
        key = DataKey.new()
        kept = store.wrap(key)
        clock.passed += ROTATE_AFTER
        fuse.reset(steps)
        try:
            store.current()
            clock.passed += GRACE
            for epoch in store.retired()[:-1]:
                store.destroy(epoch)
            crashed = False
        except Crash:
            crashed = True
        fuse.reset()
        store = nodes.start()
        assert opens(store, kept, key)
        assert opens(store, store.wrap(key), key)
        if not crashed:
            break
        steps += 1
    assert steps > 30
    clock.passed += ROTATE_AFTER
    newest = store.current()
    clock.passed += GRACE
    store.retired()  # takes notice of the strays, if the last node had not
    clock.passed += 60
    for epoch in store.retired():
        store.destroy(epoch)
    assert list(contents(nodes.path)) == [epoch_files.name_of(newest)]


def test_what_a_crash_left_beside_is_overwritten_and_removed(nodes: Nodes, clock: HandClock) -> None:
    store = nodes.start()
    newest = store.current()
    stray, half = nodes.path / f".new-{'0' * 32}", nodes.path / epoch_files.name_of(newest - 1)
    for path in (stray, half):
        path.write_bytes(b"half a key")
        path.chmod(0o600)
    with stray.open("rb") as held:
        store.retired()
        clock.passed += 59
        store.retired()
        assert stray.exists()
        clock.passed += 1
        store.retired()
        assert b"half a key" not in held.read()
    assert list(contents(nodes.path)) == [epoch_files.name_of(newest)]


def test_a_creation_whose_file_is_swept_away_by_another_node_is_an_outage_and_no_more(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = nodes.start()
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError(2, "swept")))
        with pytest.raises(Unavailable):
            store.current()
    assert store.current()
    assert len(contents(nodes.path)) == 1


# --- the directory ------------------------------------------------------------------------------------------------


def test_the_directory_and_its_files_are_for_their_owner_alone(nodes: Nodes) -> None:
    before = os.umask(0)
    try:
        nodes.start().current()
    finally:
        os.umask(before)
    (file,) = nodes.path.iterdir()
    assert stat.S_IMODE(nodes.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def refusal(nodes: Nodes) -> str:
    with pytest.raises(SettingsError) as caught:
        nodes.start()
    return "\n".join(caught.value.mistakes)


def test_a_directory_that_others_can_enter_is_refused(nodes: Nodes) -> None:
    nodes.path.mkdir(mode=0o700)
    nodes.path.chmod(0o750)
    assert refusal(nodes) == (
        f"keys_dir: expected a directory that only its owner can enter (0700), got 0750: {nodes.path}"
    )


def test_a_key_that_others_can_read_is_refused(nodes: Nodes) -> None:
    nodes.start().current()
    (file,) = nodes.path.iterdir()
    file.chmod(0o644)
    assert refusal(nodes) == f"keys_dir: expected a file that only its owner can read (0600), got 0644: {file}"


def test_a_key_that_is_a_link_is_refused(nodes: Nodes, tmp_path: Path) -> None:
    nodes.path.mkdir(mode=0o700)
    (nodes.path / epoch_files.name_of(1)).symlink_to(tmp_path / "elsewhere")
    assert "expected a file that only its owner can read (0600)" in refusal(nodes)


def test_a_file_in_place_of_the_directory_is_refused(nodes: Nodes) -> None:
    nodes.path.write_text("")
    assert refusal(nodes) == f"keys_dir: expected a directory to read and write, got File exists: {nodes.path}"


def test_other_files_in_the_directory_are_left_alone(nodes: Nodes, clock: HandClock) -> None:
    nodes.path.mkdir(mode=0o700)
    (nodes.path / "README").write_text("keys")
    store = nodes.start()
    store.current()
    clock.passed += ROTATE_AFTER
    store.retired()
    assert (nodes.path / "README").read_text() == "keys"


def test_a_directory_that_goes_away_is_an_outage_not_an_empty_one(nodes: Nodes, clock: HandClock) -> None:
    store = nodes.start()
    store.current()
    shutil.rmtree(nodes.path)
    nodes.path.mkdir(mode=0o700)
    clock.passed += 1
    with pytest.raises(Unavailable, match="keys_dir"):
        store.wrap(DataKey.new())
    assert contents(nodes.path) == {}


def test_a_number_is_not_given_again_after_all_keys_were_lost(nodes: Nodes, clock: HandClock) -> None:
    store, key = nodes.start(), DataKey.new()
    wrapped = store.wrap(key)
    for _ in range(3):
        clock.passed += ROTATE_AFTER
        store.current()
    for path in nodes.path.iterdir():
        path.unlink()
    started = nodes.start()
    assert started.current() > epoch_of(wrapped) + 3
    with pytest.raises(KeyGone):
        started.unwrap(wrapped)


def test_a_crash_before_the_first_name_of_a_key_was_removed_does_not_end_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "crashed"
    files = EpochFiles(folder)
    files.create(7, bytes(16), 0.0)
    made = files.read(7)
    assert made is not None
    stray = f".new-{'0' * 32}"
    os.link(folder / name_of(7), folder / stray)
    files.discard(stray)
    assert files.read(7) == made
    assert not (folder / stray).exists()
    files.close()


def test_a_file_that_another_node_is_done_with_while_this_one_starts_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_then_gone = Listing(frozenset({7}), frozenset({".new-" + "0" * 32}))
    monkeypatch.setattr(EpochFiles, "look", lambda _: seen_then_gone)
    EpochFiles(tmp_path / "keys").close()
