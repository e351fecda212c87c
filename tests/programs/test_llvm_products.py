"""Products of matrices: what is compiled for one size, and what does all sizes; the same bits."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from gradtape.programs import cache
from gradtape.programs.llvm import jit, objects, outlined, products
from gradtape.programs.llvm.engine import LlvmProgram
from gradtape.programs.llvm.products import Sizes
from tests.programs.graphs import Building, same_bits

pytestmark = pytest.mark.skipif(not objects.available(), reason="objects look different here")

KINDS = {"float": np.float32, "double": np.float64}


@pytest.fixture(autouse=True)
def without_disk(monkeypatch):
    monkeypatch.setenv(cache.DIRECTORY, "off")


def entries(rng: np.random.Generator, count: int, dtype: Any) -> Any:
    """Numbers of all sizes, so small that products vanish among them; sometimes none at all."""
    found = rng.normal(size=count) * 10.0 ** rng.integers(-3, 3, count)
    found[rng.random(count) < 0.2] = np.finfo(dtype).smallest_normal
    found[rng.random(count) < 0.1] = -0.0
    odd = rng.random(count) < rng.choice([0.0, 0.02])
    found[odd] = rng.choice([np.inf, -np.inf, np.nan], odd.sum())
    return found.astype(dtype)


def run(code: Any, arrays: list[Any], sizes: tuple[int, ...]) -> None:
    kinds = [*[ctypes.c_void_p] * 3, *[ctypes.c_int64] * len(sizes)]
    ctypes.CFUNCTYPE(None, *kinds)(code.address)(*[a.ctypes.data for a in arrays], *sizes)


def name_of(kind: str, sizes: Sizes) -> str:
    return ".".join([products.PRODUCT, kind, *map(str, sizes)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize(
    ("m", "k", "n"),
    [(1, 9, 2), (3, 1, 40), (4, 8, 16), (9, 30, 17), (13, 513, 3), (5, 1100, 33), (8, 1, 70)],
    ids=str,
)
def test_all_sizes_are_as_one(m, k, n, adds, turned, kind):
    rng, dtype = np.random.default_rng(m + k + n), KINDS[kind]
    wide, out_wide = n + 2, n + 3
    left, right = entries(rng, (m + 1) * (k + 1), dtype), entries(rng, k * wide, dtype)
    before = entries(rng, (m + 1) * out_wide, dtype)
    along = (1, m + 1) if turned else (k + 1, 1)
    sizes = Sizes(m, k, n, *along, wide, out_wide, int(adds))
    name = name_of(kind, sizes)
    own, common = before.copy(), before.copy()
    run(jit.compiled(outlined.definition(name), name), [left, right, own], ())
    run(jit._shared(f"{products.MATRICES}.{kind}"), [left, right, common], sizes)
    assert same_bits(common, own)
    views = [
        np.lib.stride_tricks.as_strided(a, shape, [s * a.itemsize for s in strides])
        for a, shape, strides in (
            (left, (m, k), along),
            (right, (k, n), (wide, 1)),
            (own, (m, n), (out_wide, 1)),
            (before, (m, n), (out_wide, 1)),
        )
    ]
    with np.errstate(all="ignore"):
        expected = np.matmul(*[v.astype(np.longdouble) for v in views[:2]])
        size = np.matmul(*[np.abs(v).astype(np.longdouble) for v in views[:2]])
        expected = expected + views[3] if adds else expected
        rounding = (k + 2) * np.finfo(dtype).eps * (size + np.abs(expected))
        close = np.abs(views[2] - expected) <= rounding + np.finfo(dtype).tiny
    assert np.all(close | ~np.isfinite(expected))
    assert np.all(np.isnan(views[2]) == np.isnan(expected))
    untouched = np.ones(before.size, bool)
    np.lib.stride_tricks.as_strided(untouched, (m, n), (out_wide, 1))[...] = False
    assert same_bits(own[untouched], before[untouched])


def test_quick_code_has_no_product_of_its_own():
    build = Building()
    x, y = build.input(np.ones((5, 6))), build.input(np.ones((6, 7)))
    build.returns(build.call("matmul", x, y))
    text = LlvmProgram(build.graph).source
    name = name_of("double", Sizes(5, 6, 7, 6, 1, 7, 7, 0))
    assert outlined.declared_in(text) == [name]
    quick = jit._whole(text, jit.QUICK)
    assert outlined.declared_in(quick) == [f"{products.MATRICES}.double"]
    assert "fma" not in quick
    assert quick.count("\n") < text.count("\n") + 10
    assert outlined.declared_in(jit._whole(text, jit.THOROUGH)) == []
