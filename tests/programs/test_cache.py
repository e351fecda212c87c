"""The cache of compiled programs: what it keeps, and what it does when the disk is not kind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradtape.programs import cache

HEAD = 20 + 32


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory of its own for the cache."""
    directory = tmp_path / "cache"
    monkeypatch.setenv(cache.DIRECTORY, str(directory))
    monkeypatch.delenv(cache.LIMIT, raising=False)
    return directory


def the_file(place: Path) -> Path:
    (path,) = place.iterdir()
    return path


def test_what_is_put_can_be_got(place):
    assert cache.get(b"key") is None
    cache.put(b"key", b"data")
    assert cache.get(b"key") == b"data"
    assert cache.get(b"another") is None
    cache.put(b"key", b"")
    assert cache.get(b"key") == b""
    cache.put(b"", bytes(range(256)) * 1000)
    assert cache.get(b"") == bytes(range(256)) * 1000


def test_only_the_user_can_look_into_a_directory_made_for_it(place):
    cache.put(b"key", b"data")
    if sys.platform != "win32":
        assert place.stat().st_mode & 0o777 == 0o700
        assert the_file(place).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no", "false"])
def test_it_can_be_switched_off(monkeypatch, tmp_path, word):
    monkeypatch.setenv(cache.DIRECTORY, word)
    monkeypatch.chdir(tmp_path)
    cache.put(b"key", b"data")
    assert cache.get(b"key") is None
    assert cache.directory() is None
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the directory of Linux")
def test_it_is_among_the_users_caches_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv(cache.DIRECTORY, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert cache.directory() == tmp_path / "caches" / "gradtape"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.directory() == tmp_path / "home" / ".cache" / "gradtape"


# What is doubtful counts as missing ---------------------------------------------------------------


def test_a_changed_bit_anywhere_is_noticed_and_the_file_removed(place):
    data = bytes(range(100))
    for position in [*range(HEAD + 2), HEAD + 50, HEAD + 99]:
        cache.put(b"key", data)
        path = the_file(place)
        content = bytearray(path.read_bytes())
        assert len(content) == HEAD + 100
        content[position] ^= 1 << position % 8
        path.write_bytes(content)
        assert cache.get(b"key") is None
        assert not path.exists()


@pytest.mark.parametrize("length", [0, 1, HEAD - 1, HEAD, HEAD + 1, HEAD + 99])
def test_a_file_that_was_cut_off_is_noticed(place, length):
    cache.put(b"key", bytes(100))
    path = the_file(place)
    path.write_bytes(path.read_bytes()[:length])
    assert cache.get(b"key") is None
    assert not path.exists()
    cache.put(b"key", b"new")
    assert cache.get(b"key") == b"new"


def test_a_file_that_grew_is_noticed(place):
    cache.put(b"key", bytes(100))
    with the_file(place).open("ab") as file:
        file.write(b"\0")
    assert cache.get(b"key") is None


def test_a_whole_file_under_the_name_of_another_is_noticed(place):
    cache.put(b"one", b"1")
    one = the_file(place)
    moved = one.rename(place / "kept")
    cache.put(b"two", b"2")
    (two,) = [p for p in place.iterdir() if p != moved]
    moved.replace(two)
    assert cache.get(b"two") is None


# The disk -----------------------------------------------------------------------------------------


def test_nothing_raises_where_no_directory_can_be(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv(cache.DIRECTORY, str(file / "cache"))
    cache.put(b"key", b"data")
    assert cache.get(b"key") is None
    monkeypatch.setenv(cache.DIRECTORY, str(file))
    cache.put(b"key", b"data")
    assert cache.get(b"key") is None
    assert file.read_text() == ""


def test_nothing_raises_and_nothing_is_left_when_writing_fails(place, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    cache.put(b"key", b"data")
    assert not list(place.iterdir())


def test_a_directory_in_the_place_of_a_file_is_left_alone(place):
    cache.put(b"key", b"data")
    path = the_file(place)
    path.unlink()
    path.mkdir()
    assert cache.get(b"key") is None
    cache.put(b"key", b"data")
    assert cache.get(b"key") is None


@pytest.mark.skipif(sys.platform == "win32", reason="the rights of POSIX")
def test_what_others_could_have_written_is_not_used(place):
    cache.put(b"key", b"data")
    place.chmod(0o777)
    with pytest.warns(UserWarning, match="others than this user could change them"):
        assert cache.get(b"key") is None
    place.chmod(0o700)
    assert cache.get(b"key") == b"data"


# Its size -----------------------------------------------------------------------------------------


def test_what_was_used_longest_ago_makes_room(place, monkeypatch):
    monkeypatch.setenv(cache.LIMIT, "10000")
    start = time.time() - 1000
    for i in range(8):
        cache.put(b"%d" % i, bytes(1000))
        (newest,) = [p for p in place.iterdir() if p.stat().st_mtime > start + 500]
        os.utime(newest, (start + i, start + i))
    assert cache.get(b"0") is not None  # used now
    for i in range(8, 12):
        cache.put(b"%d" % i, bytes(1000))
    kept = [i for i in range(12) if cache.get(b"%d" % i) is not None]
    assert kept == [0, 5, 6, 7, 8, 9, 10, 11]
    assert sum([p.stat().st_size for p in place.iterdir()]) <= 10000


def test_what_alone_is_too_large_is_not_kept(place, monkeypatch):
    monkeypatch.setenv(cache.LIMIT, "1000")
    cache.put(b"key", bytes(2000))
    assert cache.get(b"key") is None


def test_files_that_are_not_entries_are_left_alone(place, monkeypatch):
    monkeypatch.setenv(cache.LIMIT, "1000")
    cache.put(b"key", bytes(10))
    (place / "notes.txt").write_bytes(bytes(5000))
    old, new = place / ".unfinished-old", place / ".unfinished-new"
    old.write_bytes(b"")
    new.write_bytes(b"")
    os.utime(old, (0, 0))
    cache.put(b"another", bytes(20))
    assert (place / "notes.txt").exists()
    assert new.exists()
    assert not old.exists()
    assert cache.get(b"key") == bytes(10)


# Other processes ----------------------------------------------------------------------------------

WORKER = """
import os, random, sys
from gradtape.programs import cache

def data_of(key):
    return (b"%d " % key) * (200 + 37 * key)

random.seed(int(sys.argv[1]))
wrong = hits = 0
for turn in range(400):
    key = random.randrange(20)
    what = random.random()
    if what < 0.35:
        cache.put(b"%d" % key, data_of(key))
    elif what < 0.4:  # harm is done to a file
        place = os.environ["GRADTAPE_CACHE"]
        names = sorted(os.listdir(place))
        if names:
            try:
                with open(os.path.join(place, random.choice(names)), "r+b") as f:
                    f.seek(random.randrange(500))
                    f.write(b"x")
            except FileNotFoundError:
                pass
    else:
        found = cache.get(b"%d" % key)
        hits += found is not None
        wrong += found is not None and found != data_of(key)
print(wrong, hits)
"""


def test_processes_at_the_same_time_get_what_was_put_or_nothing(place):
    place.mkdir(mode=0o700)
    environment = {**os.environ, cache.LIMIT: "20000"}  # so that entries vanish all the time
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for seed in range(4)
    ]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert all([process.returncode == 0 for process in running])
    wrong, hits = zip(*[map(int, line.split()) for line in said], strict=True)
    assert sum(wrong) == 0
    assert sum(hits) > 50
    assert not [p for p in place.iterdir() if p.name.startswith(".unfinished-")]
    assert sum([p.stat().st_size for p in place.iterdir()]) < 2 * 20000
