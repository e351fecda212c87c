"""Traced functions as files: a ZIP archive of JSON and of arrays, without pickles.

docs/function-files.md says what stands in a file. Reading one looks operations up by name, and runs
none of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.later import from_module
from gradtape.patterns.templates import Template
from gradtape.programs.cells import form_of
from gradtape.programs.encoding import Arrays, Damaged, decoded, dtype_of, encoded, text_of
from gradtape.programs.graph_data import CannotSaveError, graph_data, graph_of
from gradtape.programs.naming import Unknown
from gradtape.programs.recipes import LEAF, Leaf, Recipe
from gradtape.programs.rewrites import without_dead_code
from gradtape.variable import Variable

__all__ = ["FORMAT", "VERSION", "CannotSaveError", "ProgramFileError", "read", "save"]

FORMAT, VERSION = "gradtape function", 1
_MANIFEST, _PROGRAMS = "manifest.json", "programs.json"
#: A file may unpack to so many bytes, or to so many times its own, whichever is more.
_PLENTY, _TIMES = 1 << 30, 16


class ProgramFileError(ValueError):
    """A file is no traced function, is damaged, or needs a newer gradtape."""


# Writing ------------------------------------------------------------------------------------------


def save(path: str | os.PathLike[str], name: str, recipes: Sequence[Recipe]) -> None:
    """Write traces of a function to a file; it appears whole, or not at all.

    Parameters
    ----------
    path : the file.
    name : of the function.
    recipes : the traces, in the order in which they are tried.

    Raises
    ------
    CannotSaveError : a trace holds something that a file cannot; the message says what.
    OSError : the file cannot be written.
    """
    arrays = Arrays()
    variables: dict[int, tuple[int, Any]] = {}  # by identity
    for recipe in recipes:
        used = [t.what for t in [*recipe.leaves, *recipe.answers] if t.kind == "variable"]
        for variable in [*recipe.state, *recipe.assigned, *used]:
            variables.setdefault(id(variable), (len(variables), variable))
    numbers = {key: number for key, (number, _) in variables.items()}
    data = {
        "name": name,
        "variables": [_variable_data(v, arrays) for _, v in variables.values()],
        "programs": [_recipe_data(recipe, numbers, arrays) for recipe in recipes],
    }
    members = {_PROGRAMS: json.dumps(data, allow_nan=False).encode()}
    for number, array in enumerate(arrays.arrays):
        content = io.BytesIO()
        np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)
        members[_array_name(number)] = content.getvalue()
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "written by": f"gradtape {sys.modules['gradtape'].__version__}",
        "byteorder": sys.byteorder,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    }
    members = {_MANIFEST: json.dumps(manifest, indent=1).encode(), **members}
    _write(Path(path), members)


def _write(path: Path, members: Mapping[str, bytes]) -> None:
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name, content in members.items():
                # A date of its own would make files of the same trace differ.
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        umask = os.umask(0)
        os.umask(umask)
        Path(unfinished).chmod(0o666 & ~umask)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise


def _array_name(number: int) -> str:
    return f"arrays/{number}.npy"


def _variable_data(variable: Any, arrays: Arrays) -> dict[str, Any]:
    value = np.asarray(variable.array)
    try:
        data: dict[str, Any] = {"value": arrays.number(value), "dtype": text_of(value.dtype)}
    except Unknown:
        raise CannotSaveError(f"{errors.describe(variable)} holds no numbers") from None
    data["class"] = _class_name(type(variable))
    if isinstance(variable, Variable):
        name, trainable = variable.name, bool(variable.trainable)
        if data["class"] == "tf.Variable":
            name = name.removesuffix(":0")  # which TensorFlow's variables add to it
        data |= {"name": name, "trainable": trainable}
    return data


def _recipe_data(recipe: Recipe, numbers: Mapping[int, int], arrays: Arrays) -> dict[str, Any]:
    return {
        "takes": [
            _structure_data(recipe.structure),
            [_leaf_data(leaf, numbers, arrays) for leaf in recipe.leaves],
        ],
        "strides": recipe.strides and [s and list(s) for s in recipe.strides],
        "reads": [numbers[id(t)] for t in recipe.state],
        "graph": graph_data(without_dead_code(recipe.graph), arrays),
        "returns": [
            _structure_data(recipe.answer),
            [_leaf_data(leaf, numbers, arrays) for leaf in recipe.answers],
        ],
        "assigns": [numbers[id(v)] for v in recipe.assigned],
        "writes": recipe.written,
        "stabilize": recipe.stabilize,
    }


def _structure_data(structure: Any) -> Any:
    if structure == LEAF:
        return None
    kind, name, pairs = structure
    try:
        keys = [encoded(key, Arrays()) for key, _ in pairs]
    except Unknown as found:
        raise CannotSaveError(
            f"a dict with the key {found.args[0]!r} cannot be saved: keys are to be strings or "
            "numbers"
        ) from None
    return [kind, name, keys, [_structure_data(part) for _, part in pairs]]


def _leaf_data(leaf: Leaf, numbers: Mapping[int, int], arrays: Arrays) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": leaf.kind}
    if leaf.kind == "variable":
        return {**data, "variable": numbers[id(leaf.what)]}
    if leaf.kind == "argument":
        return {**data, "argument": leaf.what}
    if leaf.kind == "output":
        if isinstance(leaf.cls, Template):
            return {"kind": "sparse", "output": leaf.what, **_template_data(leaf.cls, arrays)}
        return {**data, "output": leaf.what, "class": leaf.cls and _class_name(leaf.cls)}
    if leaf.kind == "static":
        try:
            return {**data, "value": encoded(leaf.what, arrays)}
        except Unknown:
            raise CannotSaveError(
                f"the static value {errors.describe(leaf.what)}, given to the function or returned "
                "by it, cannot be saved: files hold numbers, strings and arrays"
            ) from None
    data |= {"shape": list(leaf.shape), "dtype": text_of(leaf.dtype)}
    return {**data, "class": _class_name(leaf.cls)} if leaf.cls is not None else data


def _template_data(template: Template, arrays: Arrays) -> dict[str, Any]:
    if template.name != "csr_array":
        raise CannotSaveError(
            f"a scipy.sparse.{template.name} that the function returns cannot be saved: only a "
            "csr_array can"
        )
    index = {key: arrays.number(getattr(template, key)) for key in ("indices", "indptr")}
    return {"shape": list(template.shape), **index}


#: The classes of tensors and variables, by the names under which files know them.
_CLASSES = {
    "Tensor": ("tensor", "Tensor"),
    "Variable": ("variable", "Variable"),
    "Cell": ("programs.cells", "Cell"),
    "Number": ("programs.cells", "Number"),
    "tf.Tensor": ("tf", "Tensor"),
    "tf.Variable": ("tf", "Variable"),
}


def _class_name(cls: Any) -> str:
    for name, (_, attribute) in _CLASSES.items():
        # The layer of another library is loaded if its class is there.
        if cls.__name__ == attribute and _class(name) is cls:
            return name
    raise CannotSaveError(
        f"a tensor of the class {cls.__module__}.{cls.__qualname__} cannot be saved: only "
        "gradtape's own classes can"
    )


def _class(name: Any) -> Any:
    if name is None:
        return None
    try:
        return from_module(*_CLASSES[name])
    except KeyError:
        raise Damaged(f"{name!r} is no class of tensors") from None


# Reading ------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str], max_bytes: int | None = None) -> tuple[str, list[Recipe]]:
    """A function's name and its programs, out of a file.

    Parameters
    ----------
    path : the file.
    max_bytes : how much it may unpack to; None for 1 GiB, or 16 times its size if that is more.

    Raises
    ------
    ProgramFileError : it is damaged, of a newer version, or was not written by ``save``.
    """
    content = Path(path).read_bytes()
    if max_bytes is None:
        max_bytes = max(_PLENTY, _TIMES * len(content))
    try:
        data, arrays = _members(content, max_bytes)
        variables = [_variable_of(v, arrays) for v in data["variables"]]
        recipes = [_recipe_of(p, variables, arrays) for p in data["programs"]]
        if not recipes or type(data["name"]) is not str:
            raise Damaged("it holds no programs")
    except Damaged as error:
        raise ProgramFileError(f"{str(path)!r} cannot be loaded: {error}") from error
    except (*_DAMAGE, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ProgramFileError(
            f"{str(path)!r} cannot be loaded: it is damaged, or was not written by gradtape "
            f"({type(error).__name__}: {error})"
        ) from error
    return data["name"], recipes


_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, RecursionError, MemoryError, OverflowError),
    *(NotImplementedError, RuntimeError, IndexError, OSError),
)


def _members(content: bytes, max_bytes: int) -> tuple[Any, list[Any]]:
    """The JSON and the arrays of a file whose checksums are right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if _MANIFEST not in names:
            raise Damaged("it is a ZIP archive, but no function of gradtape's")
        size = sum([info.file_size for info in archive.infolist()])
        if size > max_bytes:
            raise Damaged(
                f"it unpacks to {size:,} bytes, from {len(content):,}: if you trust it, say "
                f"max_bytes={size}"
            )
        manifest = json.loads(_unpacked(archive, _MANIFEST))
        if manifest["format"] != FORMAT:
            raise Damaged("it is a ZIP archive, but no function of gradtape's")
        if type(manifest["version"]) is not int or manifest["version"] > VERSION:
            raise Damaged(
                f"its format is version {manifest['version']}, and this gradtape reads version "
                f"{VERSION}: it was written by {str(manifest.get('written by'))[:40]}; install "
                "that or a newer one"
            )
        sums = manifest["sha256"]
        members = {name: _unpacked(archive, name) for name in sums}
    if sorted(names) != sorted([_MANIFEST, *sums]):
        raise Damaged("it holds other files than it says")
    for name, expected in sums.items():
        if hashlib.sha256(members[name]).hexdigest() != expected:
            raise Damaged(f"the checksum of {name} in it is wrong: the file is damaged")
    turned = manifest["byteorder"] != sys.byteorder
    arrays = [_array(members[_array_name(i)], turned) for i in range(len(members) - 1)]
    return json.loads(members[_PROGRAMS]), arrays


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member, of which no more is unpacked than the archive says that there is."""
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Damaged(f"{name} in it is packed in another way than gradtape packs")
    with archive.open(info) as member:
        return member.read(info.file_size)


def _array(content: bytes, turned: bool) -> Any:
    file = io.BytesIO(content)
    array = np.lib.format.read_array(file, allow_pickle=False)
    text_of(array.dtype)  # numbers only
    if file.read(1):
        raise Damaged("an array in it is longer than it says")
    return array.astype(array.dtype.newbyteorder()) if turned else array


def _variable_of(data: Any, arrays: list[Any]) -> Any:
    value, cls = decoded({"array": data["value"]}, arrays), _class(data["class"])
    if value.dtype != dtype_of(data["dtype"]):
        raise Damaged("a variable in it has another dtype than it says")
    if not issubclass(cls, Variable):
        return cls(value if value.ndim else value[()])
    name, trainable = data["name"], data["trainable"]
    if type(name) is not str or type(trainable) is not bool:
        raise Damaged("a variable in it has no name")
    return cls(value, trainable=trainable, name=name)


def _recipe_of(data: Any, variables: list[Any], arrays: list[Any]) -> Recipe:
    graph = graph_of(data["graph"], arrays)
    structure, leaves = _nest_of(data["takes"], variables, arrays)
    answer, answers = _nest_of(data["returns"], variables, arrays)
    state = [_member(variables, i) for i in data["reads"]]
    assigned = [_member(variables, i) for i in data["assigns"]]
    written = [_number(i, len(leaves)) for i in data["writes"]]
    strides = data["strides"] and [s and tuple(s) for s in data["strides"]]
    stabilize = data.get("stabilize", False)
    if type(stabilize) is not bool:
        raise Damaged("a program in it does not say whether it is stabilised")
    recipe = Recipe(
        *(graph, structure, leaves, state, assigned, written, answer, answers, strides),
        stabilize=stabilize,
    )
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    """Raise if what goes in and comes out does not fit the graph."""
    graph, leaves = recipe.graph, recipe.leaves
    expected = [(leaf.shape, leaf.dtype) for leaf in leaves if leaf.is_input]
    expected += [form_of(t) for t in recipe.state]
    if [(node.shape, node.dtype) for node in graph.inputs] != expected:
        raise Damaged("a program in it does not take what it says")
    outputs = [leaf.what for leaf in recipe.answers if leaf.kind == "output"]
    count = len(graph.outputs) - len(recipe.assigned) - len(recipe.written)
    if sorted(outputs) != list(range(count)):
        raise Damaged("a program in it does not return what it says")
    inside = [form_of(v) for v in recipe.assigned]
    inside += [(leaves[i].shape, leaves[i].dtype) for i in recipe.written]
    if [(node.shape, node.dtype) for node in graph.outputs[count:]] != inside:
        raise Damaged("a program in it does not assign what it says")
    if not all([isinstance(v, Variable) for v in recipe.assigned]):
        raise Damaged("a program in it assigns to what is no variable")
    if not all([leaves[i].kind in ("array", "tensor") for i in recipe.written]):
        raise Damaged("a program in it writes into what is no array")
    for leaf in recipe.answers:
        entries = leaf.cls.indices.shape if isinstance(leaf.cls, Template) else None
        if entries is not None and graph.outputs[leaf.what].shape != entries:
            raise Damaged("a sparse array in it has more entries than it says, or fewer")
        if leaf.kind == "argument":
            _member(list(leaves), leaf.what)


def _nest_of(data: Any, variables: list[Any], arrays: list[Any]) -> Any:
    structure, leaves = data
    found = tuple([_leaf_of(leaf, variables, arrays) for leaf in leaves])
    made = _structure_of(structure)
    if _count(made) != len(found):
        raise Damaged("a nest in it has too many leaves, or too few")
    return made, found


def _structure_of(data: Any) -> Any:
    if data is None:
        return LEAF
    kind, name, keys, parts = data
    keys = [decoded(key, []) for key in keys]
    named = kind == "named"
    if kind not in ("tuple", "list", "dict", "named") or type(name) is not str:
        raise Damaged(f"{kind!r} is no kind of nest")
    if named and not all([type(key) is str and key.isidentifier() for key in [*keys]]):
        raise Damaged("a named tuple in it has no names")
    return kind, name, tuple(zip(keys, [_structure_of(p) for p in parts], strict=True))


def _count(structure: Any) -> int:
    return 1 if structure == LEAF else sum([_count(part) for _, part in structure[2]])


def _leaf_of(data: Any, variables: list[Any], arrays: list[Any]) -> Leaf:
    kind = data["kind"]
    if kind == "variable":
        variable = _member(variables, data["variable"])
        return Leaf(kind, variable.array.shape, variable.array.dtype, what=variable)
    if kind == "output":
        return Leaf(kind, cls=_class(data["class"]), what=_number(data["output"], 1 << 30))
    if kind == "sparse":
        indices, indptr = [decoded({"array": data[k]}, arrays) for k in ("indices", "indptr")]
        template = Template.of(indices, indptr, tuple([_number(n, 1 << 62) for n in data["shape"]]))
        return Leaf("output", cls=template, what=_number(data["output"], 1 << 30))
    if kind == "static":
        value = decoded(data["value"], arrays)
        return Leaf(kind, cls=type(value), what=value)
    if kind == "argument":
        return Leaf(kind, what=_number(data["argument"], 1 << 30))
    if kind not in ("array", "tensor", "number"):
        raise Damaged(f"{kind!r} is no kind of argument")
    shape = tuple([_number(n, 1 << 62) for n in data["shape"]])
    return Leaf(kind, shape, dtype_of(data["dtype"]), _class(data.get("class")))


def _member(items: list[Any], position: Any) -> Any:
    return items[_number(position, len(items))]


def _number(value: Any, limit: int) -> int:
    if type(value) is not int or not 0 <= value < limit:
        raise Damaged(f"{value!r} is no place in it")
    return value
