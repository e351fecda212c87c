"""Gradients by complex numbers, and by real ones of complex values: TensorFlow's and PyTorch's.

The facts, gradients of the real part of the sum, were computed with TensorFlow 2.21.0 and PyTorch
2.13.0, which agreed on each to 12 digits.
"""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.rules.tools import bare, draw, inner

VALUES: dict[str, Any] = {
    "z": np.array([0.5 - 1.25j, -1.5 + 0.75j]),
    "w": np.array([2 + 0.5j, -0.25 - 1j]),
    "a": np.array([[1 + 0.5j, -0.25j], [0.5, 2 - 1j]]),
    "x": np.array([0.75, -1.5]),
}

#: An expression, the names of what it is differentiated by, and the gradients, entry by entry.
FACTS: list[tuple[str, str, list[list[Any]]]] = [
    ("z * z", "z", [[1 + 2.5j, -3 - 1.5j]]),
    ("z**3", "z", [[-3.9375 + 3.75j, 5.0625 + 6.75j]]),
    ("np.exp(z)", "z", [[0.5198786860085 + 1.5646111274988j, 0.1632618544906 - 0.1520941656874j]]),
    ("np.log(z)", "z", [[0.2758620689655 - 0.6896551724138j, -0.5333333333333 + 0.2666666666667j]]),
    ("np.sqrt(z)", "z", [[0.3568338937226 - 0.2415883078045j, 0.0887070041391 + 0.3757688996134j]]),
    ("np.sin(z)", "z", [[1.6572478640539 - 0.7680009178736j, 0.091582272604 - 0.8202568175066j]]),
    ("np.tanh(z)", "z", [[-0.8582809849032 - 2.555359919523j, 0.0333146396613 - 0.1944363892813j]]),
    ("1 / z", "z", [[0.3995243757432 + 0.3804994054697j, -0.2133333333333 + 0.2844444444444j]]),
    ("z * w", "zw", [[2 - 0.5j, -0.25 + 1j], [0.5 + 1.25j, -1.5 - 0.75j]]),
    (
        "z / w",
        "zw",
        [
            [0.4705882352941 + 0.1176470588235j, -0.2352941176471 - 0.9411764705882j],
            [0.0346020761246 - 0.3148788927336j, -1.5778546712803 + 0.0415224913495j],
        ],
    ),
    (
        "z**w",
        "zw",
        [
            [3.5184511257909 + 3.5984221434806j, 6.4751832034494 - 4.4579350788174j],
            [-3.6878352668553 - 1.6305522637419j, 34.2328778680871 - 6.7096881539214j],
        ],
    ),
    ("np.conj(z)", "z", [[1 + 0j, 1 + 0j]]),
    ("np.conj(z) * w", "zw", [[2 + 0.5j, -0.25 - 1j], [0.5 - 1.25j, -1.5 + 0.75j]]),
    ("np.abs(z)", "z", [[0.3713906763541 - 0.9284766908853j, -0.8944271909999 + 0.4472135955j]]),
    ("np.real(z)", "z", [[1 + 0j, 1 + 0j]]),
    ("np.imag(z)", "z", [[0 + 1j, 0 + 1j]]),
    (
        "np.angle(z)",
        "z",
        [[0.6896551724138 + 0.2758620689655j, -0.2666666666667 - 0.5333333333333j]],
    ),
    ("np.abs(z)**2", "z", [[1 - 2.5j, -3 + 1.5j]]),
    ("np.real(z * np.conj(z))", "z", [[1 - 2.5j, -3 + 1.5j]]),
    ("np.real(z) * np.imag(z)", "z", [[-1.25 + 0.5j, 0.75 - 1.5j]]),
    (
        "np.abs(z * w)",
        "zw",
        [
            [0.7656414934888 - 1.9141037337219j, -0.9219544457293 + 0.4609772228646j],
            [1.306094312422 + 0.3265235781055j, -0.40674460841 - 1.6269784336399j],
        ],
    ),
    ("np.abs(np.exp(z))", "z", [[1.6487212707001 + 0j, 0.2231301601484 + 0j]]),
    (
        "np.imag(np.log(z))",
        "z",
        [[0.6896551724138 + 0.2758620689655j, -0.2666666666667 - 0.5333333333333j]],
    ),
    ("np.sum(z) * np.conj(np.sum(z))", "z", [[-2 - 1j, -2 - 1j]]),
    ("np.mean(z)", "z", [[0.5 + 0j, 0.5 + 0j]]),
    (
        "np.abs(np.sum(z))",
        "z",
        [[-0.8944271909999 - 0.4472135955j, -0.8944271909999 - 0.4472135955j]],
    ),
    ("np.prod(z)", "z", [[-1.5 - 0.75j, 0.5 + 1.25j]]),
    ("np.cumsum(z) * z", "z", [[-0.5 + 1.75j, -2.5 - 0.25j]]),
    (
        "a @ z",
        "az",
        [[0.5 + 1.25j, -1.5 - 0.75j, 0.5 + 1.25j, -1.5 - 0.75j], [1.5 - 0.5j, 2 + 1.25j]],
    ),
    (
        "np.abs(a @ z)",
        "az",
        [
            [
                0.9888472349024 + 0.9136088583337j,
                -1.6767409635302 - 0.0322450185294j,
                -1.2782068705377 - 0.4227140831699j,
                1.539887017262 - 0.6642649878385j,
            ],
            [0.3658258557364 - 0.4989082407458j, -1.9456992945845 + 1.1114017801573j],
        ],
    ),
    (
        "np.einsum('ij,j->i', a, z)",
        "az",
        [[0.5 + 1.25j, -1.5 - 0.75j, 0.5 + 1.25j, -1.5 - 0.75j], [1.5 - 0.5j, 2 + 1.25j]],
    ),
    (
        "np.einsum('i,i->', z, np.conj(w))",
        "zw",
        [[2 + 0.5j, -0.25 - 1j], [0.5 - 1.25j, -1.5 + 0.75j]],
    ),
    ("np.real(np.vdot(z, w))", "zw", [[2 + 0.5j, -0.25 - 1j], [0.5 - 1.25j, -1.5 + 0.75j]]),
    ("np.matmul(a, a)", "a", [[2.5 - 0.75j, 4 + 0.5j, 3 + 1j, 4.5 + 2.25j]]),
    ("np.trace(a @ np.conj(a).T)", "a", [[2 + 1j, 0 - 0.5j, 1 + 0j, 4 - 2j]]),
    ("np.where(np.real(z) > 0, z * z, np.conj(z))", "z", [[1 + 2.5j, 1 + 0j]]),
    ("np.concatenate([z, w]) * 2j", "zw", [[0 - 2j, 0 - 2j], [0 - 2j, 0 - 2j]]),
    ("np.reshape(a, (4,)) * 1j", "a", [[0 - 1j, 0 - 1j, 0 - 1j, 0 - 1j]]),
    ("x * z", "xz", [[0.5, -1.5], [0.75 + 0j, -1.5 + 0j]]),
    ("np.abs(x + 1j * x)", "x", [[1.4142135623731, -1.4142135623731]]),
    ("np.real(np.exp(1j * x))", "x", [[-0.6816387600233, 0.9974949866041]]),
    ("np.imag(x * z)", "xz", [[-1.25, 0.75], [0 + 0.75j, 0 - 1.5j]]),
    ("np.real(z) * x", "xz", [[0.5, -1.5], [0.75 + 0j, -1.5 + 0j]]),
    (
        "x * np.abs(z)",
        "xz",
        [
            [1.3462912017836, 1.6770509831248],
            [0.2785430072656 - 0.6963575181639j, 1.3416407864999 - 0.6708203932499j],
        ],
    ),
    ("(x + 2j) * (x - 2j)", "x", [[1.5, -3]]),
    (
        "np.real(x * np.exp(1j * x) * z)",
        "xz",
        [
            [1.6482366640265, 2.9659585091868],
            [0.5487666516554 - 0.5112290700175j, -0.1061058025016 - 1.4962424799061j],
        ],
    ),
]

every_fact = pytest.mark.parametrize(
    ("text", "names", "gradients"), FACTS, ids=[text for text, _, _ in FACTS]
)


def value(text: str, arguments: dict[str, Any]) -> Any:
    return eval(text, {"np": np, **arguments})


def slopes(text: str, arguments: dict[str, Any]) -> list[Any]:
    xs = {name: gt.constant(array) for name, array in arguments.items()}
    with gt.GradientTape() as tape:
        tape.watch(xs)
        y = value(text, xs)
    return [bare(g) for g in tape.gradient(y, list(xs.values()))]


@every_fact
def test_gradients(text: str, names: str, gradients: Any):
    for name, actual, expected in zip(
        names, slopes(text, {n: VALUES[n] for n in names}), gradients, strict=True
    ):
        assert actual.dtype == VALUES[name].dtype
        np.testing.assert_allclose(np.ravel(actual), expected, rtol=1e-12, atol=1e-13)


@every_fact
def test_gradients_in_single_precision(text: str, names: str, gradients: Any):
    single = {n: VALUES[n].astype("F" if VALUES[n].dtype.kind == "c" else "f") for n in names}
    for name, actual, expected in zip(names, slopes(text, single), gradients, strict=True):
        assert actual.dtype == single[name].dtype
        np.testing.assert_allclose(np.ravel(actual), expected, rtol=1e-4, atol=1e-4)


@every_fact
def test_forward_mode_pushes_directions(text: str, names: str, gradients: Any):
    """The tangent's real part is the inner product of direction and gradient."""
    xs = {name: gt.constant(VALUES[name]) for name in names}
    directions = {name: draw(VALUES[name], f"direction {name}") for name in names}
    with gt.ForwardAccumulator(xs, directions) as accumulator:
        y = value(text, xs)
    pushed = np.real(np.sum(bare(accumulator.jvp(y))))
    expected = sum(
        [
            inner(directions[name], np.reshape(g, VALUES[name].shape))
            for name, g in zip(names, gradients, strict=True)
        ]
    )
    np.testing.assert_allclose(pushed, expected, rtol=1e-11)


@every_fact
def test_what_is_real_stays_real_at_the_second_order(text: str, names: str, gradients: Any):
    xs = {name: gt.constant(VALUES[name]) for name in names}
    with gt.GradientTape() as outer:
        outer.watch(xs)
        with gt.GradientTape() as tape:
            tape.watch(xs)
            y = value(text, xs)
        firsts = tape.gradient(y, list(xs.values()))
    seconds = outer.gradient(firsts, list(xs.values()), unconnected_gradients="zero")
    for name, second in zip(names, seconds, strict=True):
        assert second.dtype == VALUES[name].dtype
        assert np.isfinite(bare(second)).all()


def test_minus_the_gradient_goes_downhill():
    z = gt.Variable(3 - 4j)
    for _ in range(50):
        with gt.GradientTape() as tape:
            loss = np.abs(z - (1 + 2j)) ** 2
        z.assign_sub(0.1 * tape.gradient(loss, z))
    np.testing.assert_allclose(z.numpy(), 1 + 2j, rtol=1e-4)


@pytest.mark.parametrize("seed", [1.0, 1j, 2 - 3j])
def test_a_seed_is_a_direction_in_the_plane_of_values(seed: complex):
    """The gradient of Re(conj(seed) y): with the seed 1j, of the imaginary part."""
    z = gt.constant(VALUES["z"])
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(z)
        y = np.exp(z) * z
        part = np.sum(np.real(np.conjugate(seed) * y))
    seeds = np.full(2, seed)
    np.testing.assert_allclose(
        bare(tape.gradient(y, z, seeds)), bare(tape.gradient(part, z)), rtol=1e-14
    )


ZERO = 0.0
#: Points on the branch cuts; the sign of the zero says on which side.
ON_CUTS = {
    np.arcsin: [complex(s * 5, z) for s in (1, -1) for z in (ZERO, -ZERO)],
    np.arccos: [complex(s * 5, z) for s in (1, -1) for z in (ZERO, -ZERO)],
    np.arccosh: [complex(s, z) for s in (-5, 0.5, -0.5) for z in (ZERO, -ZERO)],
    np.arcsinh: [complex(z, s * 3) for s in (1, -1) for z in (ZERO, -ZERO)],
    np.sqrt: [complex(-5, z) for z in (ZERO, -ZERO)],
}


@pytest.mark.parametrize("function", ON_CUTS, ids=lambda f: f.__name__)
def test_slopes_on_a_branch_cut_are_those_of_its_side(function: Any) -> None:
    for point in ON_CUTS[function]:
        along = 1.0 if point.imag == 0 else 1j  # the cut, so that both steps stay on it
        step = 1e-5

        def at(t: float, point: complex = point, along: complex = along) -> Any:
            parts = (point.real + t, point.imag) if along == 1 else (point.real, point.imag + t)
            return function(complex(*parts))

        rise = (at(step) - at(-step)) / (2 * step * along)
        slope = np.conj(gt.grad(lambda z: np.real(function(z)))(np.complex128(point)))
        assert abs(slope - rise) < 1e-8, (point, slope, rise)
