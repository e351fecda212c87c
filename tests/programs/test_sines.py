"""Sines of doubles beside their cosines, from NumPy's tangents."""

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs import sines
from gradtape.programs.numpy_engine import NumpyProgram
from gradtape.programs.sines import LEAST, with_quick_sines
from tests.programs.graphs import SPECIAL, Building


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(sines, "tangents_are_quick", lambda: True)


def names(graph):
    return [node.name for node in graph.nodes if node.op is not None]


def both(x, order=("sin", "cos")):
    build = Building()
    node = build.input(x)
    build.returns(*[build.call(name, node) for name in order])
    return build


@pytest.mark.parametrize("order", [("sin", "cos"), ("cos", "sin"), ("sin", "cos", "sin")])
def test_values(order):
    angles = np.concatenate(
        [
            np.tile(SPECIAL, 300),
            np.arange(-500, 500) * np.pi / 2,
            np.arange(-500, 500) * (np.pi / 2 * (1 + 1e-15)),
            np.random.default_rng(0).normal(0, 3, 5000),
            10.0 ** np.linspace(-300, 15, 3000),
        ]
    )
    build = both(angles, order)
    with np.errstate(all="ignore"):
        wanted = {"sin": np.sin(angles), "cos": np.cos(angles)}
    program = NumpyProgram(build.graph)
    assert "tan" in names(program.graph)
    assert "sin" not in names(program.graph)
    for name, found in zip(order, program(*build.inputs), strict=True):
        finite = np.isfinite(wanted[name])
        np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted[name]))
        np.testing.assert_array_equal(np.signbit(found[finite]), np.signbit(wanted[name][finite]))
        np.testing.assert_array_max_ulp(found[finite], wanted[name][finite], maxulp=4)


def test_what_stays():
    x = np.linspace(-3, 3, LEAST)
    for build in (both(x[:-1]), both(x.astype(np.float32)), both(x, ["sin"]), both(x + 0j)):
        assert with_quick_sines(build.graph) is build.graph
    build = Building()
    one, other = build.input(x), build.input(x + 1)
    build.returns(build.call("sin", one), build.call("cos", other))
    assert with_quick_sines(build.graph) is build.graph


def test_one_of_two_sines():
    x = np.linspace(-3, 3, LEAST)
    build = Building()
    one, other = build.input(x), build.input(x + 1)
    found = [build.call("sin", other), build.call("sin", one), build.call("cos", one)]
    build.returns(*found)
    graph = with_quick_sines(build.graph)
    assert sorted(names(graph)) == ["cos", "multiply", "sin", "tan"]
    np.testing.assert_allclose(NumpyProgram(build.graph)(x, x + 1)[0], np.sin(x + 1))


def test_where_tangents_are_slow(monkeypatch):
    monkeypatch.setattr(sines, "tangents_are_quick", lambda: False)
    build = both(np.linspace(-3, 3, LEAST))
    assert with_quick_sines(build.graph) is build.graph


def test_a_gradient():
    x = np.linspace(-3, 3, LEAST)

    def loss(x):
        return np.sum(np.sin(x) * x)

    found = gt.function(gt.grad(loss), engine="numpy")(x)
    np.testing.assert_allclose(found, np.sin(x) + x * np.cos(x), rtol=1e-14)


def test_the_question_has_an_answer():
    assert sines.tangents_are_quick() in (True, False)
