"""What was compiled, kept on disk: bytes under a key, which may be lost at any time.

Each entry is a file of its own, named after its key, with a checksum over both. Entries appear
whole or not at all, whatever other processes do; one that is not exactly what was written counts as
missing, and is removed. Nothing here ever raises because of the disk: without a cache, programs are
compiled again.

What is read will be run. So a file counts only if this user owns it and nobody else may write to
it, and the same holds for the directory: other users of the machine can plant nothing. Against this
user's own processes there is no defence, nor any need: they could change the library itself.

``GRADTAPE_CACHE`` is the directory, or ``off``; by default it is ``gradtape`` in the user's own
directory for caches. ``GRADTAPE_CACHE_BYTES`` is how large it may grow.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
import time
import warnings
from pathlib import Path

__all__ = ["DIRECTORY", "LIMIT", "directory", "get", "put"]

#: The environment variables: where the cache is, or that it is off, and how large it may be.
DIRECTORY, LIMIT = "GRADTAPE_CACHE", "GRADTAPE_CACHE_BYTES"
#: The size that it may have unless that says something else.
DEFAULT_LIMIT = 1 << 28

_OFF = frozenset({"off", "no", "false", "0"})
#: What each file starts with. Another form of files gets another mark, and other names.
_MARK = b"gradtape compiled 1\n"
_DIGEST = 32
_ENDING = ".code"
_UNFINISHED = ".unfinished-"
#: An unfinished file of this age was left behind by a process that died.
_ABANDONED_SECONDS = 3600.0
#: Links to elsewhere are not followed, and nothing is waited for, as the writer of a pipe would be.
_TO_READ = os.O_RDONLY | sum(
    [getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK")]
)

#: How many bytes were put into a directory since its files were last counted.
_uncounted: dict[Path, int] = {}


def get(key: bytes) -> bytes | None:
    """What was put under a key, or None."""
    place = directory()
    if place is None:
        return None
    path = place / _name(key)
    content = _read(path)
    if content is None:
        return None
    data = content[len(_MARK) + _DIGEST :]
    if content[: len(_MARK) + _DIGEST] != _head(key, data):
        _remove(path)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # it was used now
    return data


def put(key: bytes, data: bytes) -> None:
    """Keep bytes under a key, in the place of what was there; what is not used for long makes room.

    Parameters
    ----------
    key : everything that the data depends on.
    data : what ``get`` is to answer.
    """
    place = directory()
    limit = _limit()
    size = len(_MARK) + _DIGEST + len(data)
    if place is None or size > limit:
        return
    try:
        handle, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=place)
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_head(key, data))
            file.write(data)
        os.replace(unfinished, place / _name(key))
    except OSError:  # no space left, say
        _remove(Path(unfinished))
        return
    uncounted = _uncounted.get(place, limit) + size
    if uncounted > limit // 16:
        _make_room(place, limit - limit // 16)
        uncounted = 0
    _uncounted[place] = uncounted


def directory() -> Path | None:
    """Where the cache is, made if it was not there; None if there is to be none, or can be none."""
    said = os.environ.get(DIRECTORY, "")
    if said.lower() in _OFF:
        return None
    try:
        place = Path(said).expanduser() if said else _users_caches() / "gradtape"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_ours(place.stat()):
            return place
    except (OSError, RuntimeError):  # there is no home, or nothing can be written there
        return None
    warnings.warn(
        f"compiled programs are not kept in {str(place)!r}, because others than this user could "
        f"change them there: make it a directory that only this user can write to, set {DIRECTORY} "
        f"to one, or to 'off'",
        stacklevel=2,
    )
    return None


def _users_caches() -> Path:
    """The directory that the system has for what can be made again."""
    if sys.platform == "win32":
        said = os.environ.get("LOCALAPPDATA")
        return Path(said) if said else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    said = os.environ.get("XDG_CACHE_HOME", "")
    return Path(said) if os.path.isabs(said) else Path.home() / ".cache"


def _read(path: Path) -> bytes | None:
    """What is in a file that nobody else can have written, unless it is larger than any can be."""
    try:
        handle = os.open(path, _TO_READ)
    except OSError:
        return None
    try:
        told = os.fstat(handle)  # of what was opened, whatever has that name now
        if not stat.S_ISREG(told.st_mode) or not _is_ours(told) or told.st_size > _limit():
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    except OSError:
        return None
    finally:
        os.close(handle)


def _is_ours(found: os.stat_result) -> bool:
    """Whether nobody else can put anything there: it will be run."""
    if sys.platform == "win32":  # a user's own directories are closed to others there
        return True
    others = stat.S_IWGRP | stat.S_IWOTH
    return found.st_uid == os.geteuid() and not found.st_mode & others


def _limit() -> int:
    said = os.environ.get(LIMIT, "")
    return int(said) if said.isdecimal() else DEFAULT_LIMIT


def _name(key: bytes) -> str:
    return hashlib.blake2b(key, digest_size=20, person=b"gradtape name").hexdigest() + _ENDING


def _head(key: bytes, data: bytes) -> bytes:
    """What stands before the data: the mark, and the checksum over key and data."""
    sums = hashlib.blake2b(digest_size=_DIGEST, person=b"gradtape data")
    sums.update(len(key).to_bytes(8, "little") + key)
    sums.update(data)
    return _MARK + sums.digest()


def _make_room(place: Path, limit: int) -> None:
    """Remove what was used longest ago, until the rest is no larger than the limit."""
    entries = []
    abandoned = time.time() - _ABANDONED_SECONDS
    try:
        with os.scandir(place) as found:
            for entry in found:
                with contextlib.suppress(OSError):  # another process was faster
                    told = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(_ENDING):
                        entries.append((told.st_mtime_ns, told.st_size, entry.name))
                    elif entry.name.startswith(_UNFINISHED) and told.st_mtime < abandoned:
                        _remove(place / entry.name)
    except OSError:
        return
    total = sum([size for _, size, _ in entries])
    for _, size, name in sorted(entries):
        if total <= limit:
            break
        _remove(place / name)
        total -= size


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
