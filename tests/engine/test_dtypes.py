"""float32, float64, complex: what comes out has the source's dtype, and is right."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt

REAL = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize("dtype", REAL)
def test_values_and_gradients_keep_the_dtype(dtype: Any) -> None:
    x = gt.Variable(np.array([1.0, 2.0], dtype))
    with gt.GradientTape(persistent=True) as tape:
        y = (np.exp(x) * 2 + x**2 / 3 - 1.5).sum()
    assert y.dtype == dtype
    gradient = tape.gradient(y, x)
    assert gradient.dtype == dtype
    expected = np.exp([1.0, 2.0]) * 2 + 2 * np.array([1.0, 2.0]) / 3
    assert np.allclose(
        gradient.numpy().astype(float), expected, rtol=4 * np.finfo(dtype).eps + 1e-15
    )
    assert tape.jacobian(x * x, x, "zero").dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scalars_keep_the_dtype(dtype: Any) -> None:
    x = gt.Variable(3.0, dtype=dtype)
    with gt.GradientTape() as tape:
        y = 2 * x**2 + np.sin(x) - 1
    g = tape.gradient(y, x)
    assert y.dtype == g.dtype == dtype
    assert isinstance(g.numpy(), np.generic)


def test_mixed_dtypes_promote_as_numpy_does_and_cotangents_come_back() -> None:
    x, y = gt.Variable(np.float32([1.0, 2.0])), gt.Variable(np.float64([3.0, 4.0]))
    with gt.GradientTape() as tape:
        z = x * y
    dx, dy = tape.gradient(z, [x, y])
    assert z.dtype == np.float64
    assert (dx.dtype, dy.dtype) == (np.float32, np.float64)
    assert np.array_equal(dx.numpy(), [3.0, 4.0])


def test_an_integer_array_beside_a_tensor() -> None:
    x = gt.Variable(np.float32([1.0, 2.0]))
    with gt.GradientTape() as tape:
        y = x * np.array([2, 3])
    g = tape.gradient(y, x)
    assert y.dtype == np.float64
    assert g.dtype == np.float32
    assert np.array_equal(g.numpy(), [2.0, 3.0])


def test_astype_casts_the_gradient_back() -> None:
    x = gt.Variable(np.float32([1.0, 2.0]))
    with gt.GradientTape() as tape:
        y = (x.astype(np.float64) ** 2).sum()
    g = tape.gradient(y, x)
    assert y.dtype == np.float64
    assert g.dtype == np.float32
    assert np.array_equal(g.numpy(), [2.0, 4.0])


def test_a_way_through_integers_has_no_gradient() -> None:
    x = gt.Variable([1.5, 2.5])
    with gt.GradientTape() as tape:
        y = x.astype(np.int64).astype(np.float64) * x
    assert np.array_equal(y, [1.5, 5.0])
    assert np.array_equal(tape.gradient(y, x).numpy(), [1.0, 2.0])


# Complex: the gradient of a real loss is the direction of steepest ascent ----------------------


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_gradient_of_a_squared_modulus(dtype: Any) -> None:
    z = np.array([3 + 4j, 1 - 2j], dtype)
    v = gt.Variable(z)
    with gt.GradientTape() as tape:
        loss = (np.abs(v) ** 2).sum()
    g = tape.gradient(loss, v)
    assert g.dtype == dtype
    assert np.allclose(g.numpy(), 2 * z)


LOSSES: dict[str, Any] = {
    "real part": lambda z: np.real(z * z * (1 + 2j)),
    "imaginary part": lambda z: np.imag(np.exp(z)),
    "modulus": lambda z: np.abs(z * z + 1),
    "argument": lambda z: np.angle(z * z),
    "by conjugation": lambda z: np.real(np.conj(z) * z * z),
    "sum of squares": lambda z: np.real(z) ** 2 + np.imag(z) ** 3,
    "product": lambda z: np.real(z[0] * np.conj(z[1]) * z),
    "matrix": lambda z: np.abs(np.array([[1 + 1j, 2], [3j, 1 - 1j]]) @ z) ** 2,
}


@pytest.mark.parametrize("name", LOSSES)
def test_steepest_ascent_against_differences(name: str) -> None:
    z = np.array([0.7 + 0.4j, -0.3 + 1.1j])

    def loss(z: Any) -> Any:
        return LOSSES[name](z).sum()

    v = gt.Variable(z)
    with gt.GradientTape() as tape:
        y = loss(v)
    found = tape.gradient(y, v).numpy()
    h = 1e-6
    for i in range(2):
        for direction, part in ((1.0, np.real), (1j, np.imag)):
            step = np.zeros(2, complex)
            step[i] = h * direction
            slope = (loss(z + step) - loss(z - step)) / (2 * h)
            assert np.isclose(part(found[i]), slope, rtol=1e-6, atol=1e-8)


def test_a_holomorphic_function_s_gradient_is_conjugated() -> None:
    z = gt.Variable(1.0 + 2.0j)
    with gt.GradientTape() as tape:
        y = z**3
    assert np.isclose(tape.gradient(y, z).numpy(), np.conj(3 * (1 + 2j) ** 2))


def test_a_real_variable_in_a_complex_product_gets_a_real_gradient() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        loss = np.real((x * np.array([1 + 1j, 2 - 1j])) ** 2).sum()
    g = tape.gradient(loss, x)
    assert g.dtype == np.float64
    assert np.allclose(
        g.numpy(), 2 * np.array([1.0, 2.0]) * np.real(np.array([1 + 1j, 2 - 1j]) ** 2)
    )


def test_forward_mode_of_a_holomorphic_function_is_not_conjugated() -> None:
    z = gt.constant(1.0 + 2.0j)
    with gt.ForwardAccumulator(z, 1.0 + 0.0j) as acc:
        y = z**3
    assert np.isclose(acc.jvp(y).numpy(), 3 * (1 + 2j) ** 2)


def test_complex_second_order() -> None:
    """A Hessian-vector product of |z^2|^2 in the direction 1, against a difference of gradients."""
    z0 = 0.5 + 1.5j

    def gradient(z: Any) -> Any:
        with gt.GradientTape() as tape:
            tape.watch(z)
            loss = np.abs(z * z) ** 2
        return tape.gradient(loss, z)

    z = gt.Variable(z0)
    with gt.GradientTape() as outer:
        along = np.real(gradient(z))
    found = outer.gradient(along, z).numpy()
    h = 1e-6
    slopes = [
        (gradient(gt.constant(z0 + h * d)).numpy() - gradient(gt.constant(z0 - h * d)).numpy()).real
        / (2 * h)
        for d in (1, 1j)
    ]
    assert np.isclose(found, slopes[0] + 1j * slopes[1], rtol=1e-6)
