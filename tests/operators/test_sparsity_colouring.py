"""Colourings: valid on random patterns, and as few colours as known ones need."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradtape as gt

sp = pytest.importorskip("scipy.sparse")

from gradtape.patterns.colouring import column_colours, star_colours  # noqa: E402


def matrix(rows: int, columns: int, fullness: float, seed: int) -> Any:
    return np.random.default_rng(seed).random((rows, columns)) < fullness


def symmetric(n: int, fullness: float, seed: int) -> Any:
    half = matrix(n, n, fullness, seed)
    return half | half.T


def columns_are_apart(pattern: Any, colours: Any) -> bool:
    """Whether no row has two columns of one colour."""
    return all([len(set(colours[row])) == row.sum() for row in pattern])


def is_star_colouring(pattern: Any, colours: Any) -> bool:
    """By the definition: neighbours differ, and every path on four vertices has three colours."""
    n = len(pattern)
    near = [[j for j in np.flatnonzero(pattern[i]) if j != i] for i in range(n)]
    paths = [
        (a, b, c, d)
        for b in range(n)
        for a in near[b]
        for c in near[b]
        for d in near[c]
        if len({a, b, c, d}) == 4
    ]
    return all([colours[i] != colours[j] for i in range(n) for j in near[i]]) and all(
        [len({colours[v] for v in path}) >= 3 for path in paths]
    )


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0, 0.6), st.integers(0, 10**6))
def test_columns_of_one_colour_share_no_row(m: int, n: int, fullness: float, seed: int) -> None:
    pattern = matrix(m, n, fullness, seed)
    colours = column_colours(sp.csr_array(pattern))
    assert colours.shape == (n,)
    assert columns_are_apart(pattern, colours)
    assert set(colours) == set(range(colours.max() + 1))


@given(st.integers(1, 14), st.floats(0, 0.6), st.integers(0, 10**6))
def test_star_colourings_are_star_colourings(n: int, fullness: float, seed: int) -> None:
    pattern = symmetric(n, fullness, seed)
    assert is_star_colouring(pattern, star_colours(sp.csr_array(pattern)))


def test_the_definition_refuses_a_path_of_two_colours() -> None:
    path = np.eye(4, k=1) + np.eye(4, k=-1) > 0
    assert not is_star_colouring(path, np.array([0, 1, 0, 1]))
    assert is_star_colouring(path, np.array([0, 1, 0, 2]))


@pytest.mark.parametrize("width", [0, 1, 2, 5])
def test_a_band_needs_its_width(width: int) -> None:
    band = np.abs(np.subtract.outer(np.arange(40), np.arange(40))) <= width
    assert column_colours(sp.csr_array(band)).max() + 1 == 2 * width + 1


def test_an_arrow_needs_two_star_colours_and_all_column_colours() -> None:
    arrow = np.eye(30, dtype=bool)
    arrow[0] = arrow[:, 0] = True
    for pattern in (arrow, arrow[::-1, ::-1]):
        assert star_colours(sp.csr_array(pattern)).max() + 1 == 2
        assert column_colours(sp.csr_array(pattern)).max() + 1 == 30


def test_a_tridiagonal_matrix_needs_three_colours() -> None:
    band = np.abs(np.subtract.outer(np.arange(50), np.arange(50))) <= 1
    assert star_colours(sp.csr_array(band)).max() + 1 == 3


def test_the_second_order_helps_where_the_first_does_badly() -> None:
    # A crown: taken in pairs as they stand its columns need n colours; fullest first, two.
    n = 10
    pattern = np.zeros((n * (n - 1), 2 * n), bool)
    rows = iter(pattern)
    for i in range(n):
        for j in range(n):
            if i != j:
                row = next(rows)
                row[2 * i] = row[2 * j + 1] = True
    doubled = np.concatenate([pattern, np.eye(2 * n, dtype=bool)[::2]])
    assert columns_are_apart(doubled, column_colours(sp.csr_array(doubled)))
    assert column_colours(sp.csr_array(doubled)).max() + 1 == 2


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_hidden_band_is_found(width: int) -> None:
    band = np.abs(np.subtract.outer(np.arange(60), np.arange(60))) <= width
    order = np.random.default_rng(1).permutation(60)
    hidden = sp.csr_array(band[order][:, order])
    assert column_colours(hidden).max() + 1 == 2 * width + 1
    assert star_colours(hidden).max() + 1 <= 2 * width + 1


def test_many_colours() -> None:
    full = np.ones((3, 200), bool)
    assert column_colours(sp.csr_array(full)).tolist() == list(range(200))
    assert sorted(star_colours(sp.csr_array(np.ones((90, 90), bool)))) == list(range(90))


def test_empty_patterns() -> None:
    assert column_colours(sp.csr_array((3, 0), dtype=bool)).shape == (0,)
    assert column_colours(sp.csr_array((0, 3), dtype=bool)).tolist() == [0, 0, 0]
    assert star_colours(sp.csr_array((0, 0), dtype=bool)).shape == (0,)
    assert star_colours(sp.csr_array((2, 2), dtype=bool)).tolist() == [0, 0]


@pytest.mark.parametrize("colour", [column_colours, star_colours])
def test_the_time_is_about_linear(colour: Any) -> None:
    import time

    def seconds(n: int) -> float:
        band = sp.diags_array([np.ones(n)] * 21, offsets=range(-10, 11), shape=(n, n))
        pattern = sp.csr_array(band, dtype=bool)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            colour(pattern)
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds(8000) < 40 * seconds(800) + 0.01  # 100 times, were it quadratic


def test_a_kept_pattern_goes_to_other_processes() -> None:
    f = lambda x: np.diff(x) ** 2 * x[:-1]  # noqa: E731
    x = np.arange(5.0)
    found = gt.sparsity(f)(x)
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert repr(other) == repr(found)
        j = gt.jacobian(f, sparse=True, sparsity=other)(x)
        np.testing.assert_array_equal(j.toarray(), gt.jacobian(f)(x))
