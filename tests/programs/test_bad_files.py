"""Bad files: whatever stands in one, reading it raises an error, and does nothing else."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import tracemalloc
import zipfile

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs.files import VERSION, ProgramFileError

X = np.linspace(-2.0, 2.0, 12).reshape(3, 4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "function.gt"


def bits(nest):
    """The content of a nest of arrays."""
    if isinstance(nest, dict):
        return {key: bits(part) for key, part in nest.items()}
    if isinstance(nest, tuple):
        return tuple([bits(part) for part in nest])
    array = np.asarray(nest.array if isinstance(nest, gt.Tensor) else nest)
    return array.dtype, array.shape, array.tobytes()


@pytest.fixture
def saved(path):
    """A file with all that there is: constants, guards, variables, calls, several results."""
    w = gt.Variable(X, name="w")
    c = np.arange(600.0).reshape(3, 200)

    @gt.function
    def f(x, n=2, axis="rows"):
        w.assign_add(x)
        if x.sum() > 0:
            x = np.sort(x * w, axis=0)[::-1]
        return {"q": np.linalg.qr(x.T), "c": c @ c.T, "n": x * n, "i": x[np.argsort(x[:, 0])]}

    f(np.abs(X))
    f.save(path)
    return path


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, members, manifest=None, checksums=True):
    """A file with other contents, under checksums that are right."""
    told = json.loads(members["manifest.json"])
    if checksums:
        rest = {k: v for k, v in members.items() if k != "manifest.json"}
        told["sha256"] = {k: hashlib.sha256(v).hexdigest() for k, v in rest.items()}
    told.update(manifest or {})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "manifest.json": json.dumps(told).encode()}.items():
            archive.writestr(name, content)


def test_it_loads_at_all(saved):
    assert gt.load(saved).signatures == ("f(float64[3, 4])",)
    gt.load(saved)(np.abs(X))
    names = {n.partition("/")[0] for n in members_of(saved)}
    assert names == {"manifest.json", "programs.json", "arrays"}


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive", bytes(1000)])
def test_no_archive_at_all(path, content):
    path.write_bytes(content)
    with pytest.raises(ProgramFileError, match=r"function\.gt' cannot be loaded"):
        gt.load(path)


def test_an_archive_of_something_else(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(ProgramFileError, match="no function of gradtape's"):
        gt.load(path)


def test_a_changed_byte_is_noticed_or_changes_nothing(saved):
    expected = bits(gt.load(saved)(np.abs(X)))
    content = saved.read_bytes()
    rng = random.Random(0)
    noticed = 0
    for _ in range(300):
        changed = bytearray(content)
        changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        saved.write_bytes(changed)
        try:
            loaded = gt.load(saved)
        except ProgramFileError:
            noticed += 1
        else:  # a date or a flag of the archive's
            assert bits(loaded(np.abs(X))) == expected
    assert noticed > 200


def test_a_file_that_was_cut_off_is_noticed(saved):
    content = saved.read_bytes()
    for length in [*range(0, len(content), 97), len(content) - 1]:
        saved.write_bytes(content[:length])
        with pytest.raises(ProgramFileError):
            gt.load(saved)


def test_a_wrong_checksum_is_told(saved):
    members = members_of(saved)
    members["arrays/0.npy"] = members["arrays/0.npy"][:-1] + b"x"
    rewrite(saved, members, checksums=False)
    with pytest.raises(ProgramFileError, match=r"checksum of arrays/0\.npy in it is wrong"):
        gt.load(saved)


def test_members_that_nobody_told_of(saved):
    members = members_of(saved)
    rewrite(saved, {**members, "more": b""}, checksums=False)
    with pytest.raises(ProgramFileError, match="other files than it says"):
        gt.load(saved)


def test_a_newer_version_is_told(saved):
    rewrite(saved, members_of(saved), {"version": VERSION + 1, "written by": "gradtape 99.0"})
    with pytest.raises(ProgramFileError, match=r"written by gradtape 99\.0; install"):
        gt.load(saved)


def test_an_unknown_operation_is_told(saved):
    members = members_of(saved)
    for wrong in ("primitive.nothing", "ufunc.numpy.frompyfunc", "ufunc.os.system", "os.system"):
        text = members["programs.json"].replace(b"primitive.multiply", wrong.encode())
        rewrite(saved, {**members, "programs.json": text})
        with pytest.raises(ProgramFileError, match=f"operation '{wrong}', which this gradtape"):
            gt.load(saved)


def test_arrays_of_objects_are_not_unpickled(saved, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    content = io.BytesIO()
    np.save(content, np.array([Evil()], dtype=object), allow_pickle=True)
    rewrite(saved, {**members_of(saved), "arrays/0.npy": content.getvalue()})
    with pytest.raises(ProgramFileError, match="allow_pickle"):
        gt.load(saved)
    assert not (tmp_path / "ran").exists()


def test_an_input_is_no_place_for_code(saved):
    """What a name or an argument says never becomes source that runs."""
    attack = "0]+__import__('os').abort()+[0"
    data = json.loads(members_of(saved)["programs.json"])
    for node in data["programs"][0]["graph"]["nodes"]:
        if node.get("do") == "pick":
            node["with"] = [attack]
    text = json.dumps(data).encode()
    rewrite(saved, {**members_of(saved), "programs.json": text})
    with pytest.raises(ProgramFileError, match="takes what is not there"):
        gt.load(saved)


def test_shapes_that_are_lies_are_found_in_the_first_run(saved):
    members = members_of(saved)
    data = json.loads(members["programs.json"])
    nodes = data["programs"][0]["graph"]["nodes"]
    for node in nodes:
        if node.get("do") == "primitive.multiply" and node["shape"] == [3, 4]:
            node["shape"] = [30000, 4]
            break
    rewrite(saved, {**members, "programs.json": json.dumps(data).encode()})
    with pytest.raises(ProgramFileError, match=r"'multiply' gives .* where the file says"):
        gt.load(saved)(np.abs(X))


def test_an_index_whose_number_of_entries_would_depend_on_values(path):
    f = gt.function(lambda x, i: x[i])
    f(np.arange(3.0), np.array([0, 1, 1]))
    f.save(path)
    text = members_of(path)["programs.json"].replace(b"=i8", b"|b1")
    rewrite(path, {**members_of(path), "programs.json": text})
    with pytest.raises(ProgramFileError, match="would depend on values"):
        gt.load(path)


def test_a_call_whose_shape_nobody_asks_for(path):
    f = gt.function(lambda x: np.unique(x).sum())
    f(X)
    f.save(path)
    data = json.loads(members_of(path)["programs.json"])
    data["programs"][0]["graph"]["guards"] = []
    rewrite(path, {**members_of(path), "programs.json": json.dumps(data).encode()})
    with pytest.raises(ProgramFileError, match="nobody asks for the shape"):
        gt.load(path)


def _mutated(data, rng):
    """JSON with one thing in it changed."""
    places = []

    def walk(value):
        if isinstance(value, (dict, list)):
            for key in value if isinstance(value, dict) else range(len(value)):
                places.append((value, key))
                walk(value[key])

    walk(data)
    holder, key = rng.choice(places)
    others = [None, True, -1, 0, 1, 3, 10**30, 0.5, "", "x", "primitive.sum", [], [1], {}, {"a": 1}]
    if rng.random() < 0.2 and isinstance(holder, dict):
        del holder[key]
    elif rng.random() < 0.3:
        other, k = rng.choice(places)
        holder[key] = json.loads(json.dumps(other[k])) if _has(other, k) else None
    else:
        holder[key] = rng.choice(others)
    return data


def _has(holder, key):
    return key in holder if isinstance(holder, dict) else key < len(holder)


def test_nonsense_under_right_checksums_raises_and_nothing_worse(saved):
    members = members_of(saved)
    rng = random.Random(1)
    raised = 0
    for _ in range(400):
        data = _mutated(json.loads(members["programs.json"]), rng)
        rewrite(saved, {**members, "programs.json": json.dumps(data).encode()})
        try:
            loaded = gt.load(saved)
        except ProgramFileError:
            raised += 1
            continue
        for _ in range(2):
            try:
                loaded(np.abs(X))
            except (ValueError, TypeError, IndexError, np.exceptions.AxisError):
                continue
    assert raised > 150


# Files that unpack to far more than they are ------------------------------------------------------


def test_what_unpacks_to_more_than_allowed_is_refused_unread(saved, monkeypatch):
    size = sum([len(content) for content in members_of(saved).values()])
    assert gt.load(saved, max_bytes=size)(np.abs(X))
    with pytest.raises(ProgramFileError, match=rf"unpacks to {size:,} bytes.*max_bytes={size}"):
        gt.load(saved, max_bytes=size - 1)
    monkeypatch.setattr("gradtape.programs.files._PLENTY", 1000)
    monkeypatch.setattr("gradtape.programs.files._TIMES", 1)
    with pytest.raises(ProgramFileError, match="if you trust it"):
        gt.load(saved)
    monkeypatch.setattr("gradtape.programs.files._TIMES", 100)
    gt.load(saved)


@pytest.mark.parametrize("lie", [False, True])
def test_a_small_file_cannot_fill_the_memory(saved, lie):
    """64 MB of zeros: refused when the archive says so, cut off when it lies."""
    members = {**members_of(saved), "arrays/0.npy": bytes(1 << 26)}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if lie:
            archive.getinfo("arrays/0.npy").file_size = 100  # in the archive's directory
    assert saved.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(ProgramFileError, match="Bad CRC" if lie else "unpacks to"):
            gt.load(saved, max_bytes=1 << 24)
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_packed_in_another_way_is_refused(saved, method):
    members = members_of(saved)
    with zipfile.ZipFile(saved, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ProgramFileError, match="packed in another way"):
        gt.load(saved)
