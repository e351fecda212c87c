"""Nests: sources, targets and weights in any structure, answered in the same structure."""

import dataclasses
import types
from collections import OrderedDict, namedtuple
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradtape as gt
from gradtape.nest import flatten, map_structure, pack


class Pair(NamedTuple):
    first: Any
    second: Any


Old = namedtuple("Old", ["b", "a"])


@dataclasses.dataclass
class Layer:
    weight: Any
    bias: Any


@dataclasses.dataclass(frozen=True)
class Frozen:
    weight: Any
    bias: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    weight: Any
    bias: Any


class Names(dict[str, Any]):
    """A dict of one's own."""


def two(kind: Any, a: Any, b: Any) -> Any:
    """A nest of two leaves whose order is a, b."""
    if kind in (list, tuple):
        return kind([a, b])
    if kind in (dict, OrderedDict, Names):
        return kind([("a", a), ("b", b)])
    return kind(a, b)


KINDS = [list, tuple, dict, OrderedDict, Names, Pair, Old, Layer, Frozen, Slotted]


@pytest.mark.parametrize("kind", KINDS)
def test_sources_are_answered_in_their_nest(kind: Any) -> None:
    x, y = gt.Variable(2.0), gt.Variable(3.0)
    sources = two(kind, x, [y, (x,)])
    with gt.GradientTape() as tape:
        z = x * x * y
    answer = tape.gradient(z, sources)
    assert type(answer) is kind
    first, rest = flatten(answer)[0], flatten(answer)[1:]
    assert first.numpy() == 12.0
    assert [g.item() for g in rest] == [4.0, 12.0]
    assert answer is not sources
    assert flatten(sources)[0] is x  # the user's own nest is as it was
    inner = flatten_once(answer)[1]
    assert type(inner) is list
    assert type(inner[1]) is tuple


def flatten_once(nest: Any) -> list[Any]:
    """The two children of a nest made by ``two``."""
    if isinstance(nest, dict):
        return [nest["a"], nest["b"]]
    if isinstance(nest, (list, tuple)):
        return list(nest)
    return [nest.weight, nest.bias]


@pytest.mark.parametrize("kind", KINDS)
def test_targets_and_weights_in_a_nest(kind: Any) -> None:
    x = gt.Variable([2.0, 3.0])
    with gt.GradientTape() as tape:
        targets = two(kind, x * x, [x**3])
    weights = two(kind, gt.constant([1.0, 10.0]), [gt.constant([100.0, 1000.0])])
    gradient = tape.gradient(targets, x, output_gradients=weights)
    assert np.array_equal(gradient.numpy(), [4 + 1200.0, 60 + 27000.0])


@pytest.mark.parametrize("kind", KINDS)
def test_jacobians_of_a_nest(kind: Any) -> None:
    x, y = gt.Variable([2.0, 3.0]), gt.Variable(1.0)
    with gt.GradientTape() as tape:
        z = x * x * y
    answer = tape.jacobian(z, two(kind, x, [y]))
    jx, jy = flatten(answer)
    assert type(answer) is kind
    assert np.array_equal(jx.numpy(), [[4.0, 0.0], [0.0, 6.0]])
    assert np.array_equal(jy.numpy(), [4.0, 9.0])


@pytest.mark.parametrize("kind", KINDS)
def test_primals_and_tangents_in_a_nest(kind: Any) -> None:
    x, y = gt.constant(2.0), gt.constant(3.0)
    with gt.ForwardAccumulator(two(kind, x, [y]), two(kind, 1.0, [10.0])) as acc:
        z = two(kind, x * y, [y * y])
    tangents = flatten(acc.jvp(z))
    assert [t.item() for t in tangents] == [23.0, 60.0]
    assert type(acc.jvp(z)) is kind


def test_a_dict_counts_by_its_sorted_keys_and_keeps_its_own_order() -> None:
    x, y = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape() as tape:
        z = x * x * y
    answer = tape.gradient(z, {"z": x, "a": y})
    assert list(answer) == ["z", "a"]
    assert (answer["z"].item(), answer["a"].item()) == (12.0, 4.0)
    assert flatten({"z": 1, "a": 2}) == [2, 1]


def test_keys_without_an_order() -> None:
    x, y = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape() as tape:
        z = x * x * y
    answer = tape.gradient(z, {"x": x, 1: y})
    assert (answer["x"].item(), answer[1].item()) == (12.0, 4.0)


def test_one_source_alone_is_answered_alone() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape(persistent=True) as tape:
        y = x * x
    assert type(tape.gradient(y, x)) is gt.Tensor
    assert [g.item() for g in tape.gradient(y, [x])] == [4.0]
    assert tape.gradient(y, (x,))[0].item() == 4.0


@pytest.mark.parametrize("empty", [[], (), {}, [[], {}]])
def test_no_sources(empty: Any) -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = x * x
    answer = tape.gradient(y, empty)
    assert answer == empty
    assert answer is not empty or not isinstance(empty, (list, dict))


def test_none_stands_where_a_source_is_unconnected() -> None:
    x, y = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape() as tape:
        z = x * x
    answer = tape.gradient(z, Frozen(weight={"x": x}, bias=[y]))
    assert answer.bias == [None]
    assert answer.weight["x"].numpy() == 4.0


def test_the_sources_list_is_not_the_answer() -> None:
    x, y = gt.Variable(2.0), gt.Variable(3.0)
    sources = [x, y]
    with gt.GradientTape() as tape:
        z = x * y
    answer = tape.gradient(z, sources)
    assert answer is not sources
    assert len(sources) == 2
    assert sources[0] is x
    assert sources[1] is y


# The functions themselves -------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Box:
    content: Any
    other: Any


LEAVES = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.text(max_size=3), st.none(), st.binary(max_size=2)
)
NESTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=3), inner, max_size=4),
        st.dictionaries(st.one_of(st.integers(), st.text(max_size=2)), inner, max_size=4),
        st.dictionaries(st.text(max_size=3), inner, max_size=4).map(OrderedDict),
        st.tuples(inner, inner).map(lambda two: Pair(*two)),
        st.tuples(inner, inner).map(lambda two: Box(*two)),
    ),
    max_leaves=25,
)


def same(one: Any, other: Any) -> bool:
    """Equal, in type and order too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Box):
        return same(one.content, other.content) and same(one.other, other.other)
    return bool(one == other)


@given(NESTS)
def test_pack_undoes_flatten(nest: Any) -> None:
    leaves = flatten(nest)
    assert same(pack(nest, leaves), nest)
    assert not any(isinstance(leaf, (list, tuple, dict, Box)) for leaf in leaves)


@given(NESTS)
def test_flatten_undoes_pack(nest: Any) -> None:
    numbers = list(range(len(flatten(nest))))
    numbered = pack(nest, list(numbers)) if numbers else nest
    assert flatten(numbered) == numbers


@given(NESTS)
def test_map_structure_visits_each_leaf_once_in_order(nest: Any) -> None:
    visited: list[Any] = []

    def mark(leaf: Any) -> int:
        visited.append(leaf)
        return len(visited) - 1

    marked = map_structure(mark, nest)
    assert visited == flatten(nest)
    assert flatten(marked) == list(range(len(visited)))


@given(st.recursive(st.just(None), lambda n: st.lists(n, min_size=1, max_size=3), max_leaves=8))
def test_gradients_in_random_nests(shape: Any) -> None:
    """Each leaf's weight comes back at its own place."""
    count = len(flatten(shape))
    variables = [gt.Variable(float(i)) for i in range(count)]
    with gt.GradientTape() as tape:
        y = gt.constant(0.0)
        for i, v in enumerate(variables):
            y = y + v * float(i + 1)
    answer = tape.gradient(y, pack(shape, list(variables)))
    assert [g.item() for g in flatten(answer)] == [i + 1.0 for i in range(count)]


def test_a_read_only_mapping() -> None:
    proxy = types.MappingProxyType({"a": 1, "b": [2]})
    assert flatten(proxy) == [1, 2]
    assert pack(proxy, [3, 4])["b"] == [4]


def test_a_dataclass_keeps_what_is_not_a_field() -> None:
    layer = Layer(1.0, 2.0)
    layer.note = "kept"  # type: ignore[attr-defined]
    packed = pack(layer, [3.0, 4.0])
    assert (packed.weight, packed.bias, packed.note) == (3.0, 4.0, "kept")
    assert layer.weight == 1.0


def test_a_dataclass_s_class_is_a_leaf() -> None:
    assert flatten(Layer) == [Layer]
