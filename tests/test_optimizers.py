"""The optimisers against their papers' formulas, written out; and their errors."""

import math

import numpy as np
import pytest

from gradtape.optimizers import SGD, Adam, Nadam


class Variable:
    """A variable reduced to what an optimiser may use; its array is locked against writes."""

    def __init__(self, value, dtype=np.float64, name=None):
        self.name = name
        self.assign(np.array(value, dtype=dtype))

    def assign(self, value):
        assert isinstance(value, np.ndarray)
        self.array = value
        self.array.flags.writeable = False
        return self

    @property
    def shape(self):
        return self.array.shape

    @property
    def dtype(self):
        return self.array.dtype


class Tensor:
    """A gradient as a tape gives it."""

    def __init__(self, array):
        self.array = array


# The papers' algorithms, transcribed: each takes theta_0, the gradient as a function of theta (or
# of theta and the step), and the number of steps, and gives all thetas.


def gradient_descent(theta, gradient, steps, rate):
    path = []
    for t in range(1, steps + 1):
        theta = theta - rate * gradient(theta, t)
        path.append(theta)
    return path


def heavy_ball(theta, gradient, steps, rate, mu):
    """Polyak 1964: x_{k+1} = x_k - alpha g(x_k) + mu (x_k - x_{k-1})."""
    before, path = theta, []
    for t in range(1, steps + 1):
        after = theta - rate * gradient(theta, t) + mu * (theta - before)
        before, theta = theta, after
        path.append(theta)
    return path


def accelerated(theta, gradient, steps, rate, mu):
    """Sutskever et al. 2013, (3) and (4); gives the look-ahead points theta + mu v."""
    velocity, path = 0.0 * theta, []
    for t in range(1, steps + 1):
        velocity = mu * velocity - rate * gradient(theta + mu * velocity, t)
        theta = theta + velocity
        path.append(theta + mu * velocity)
    return path


def adam(theta, gradient, steps, rate, b1, b2, eps):
    """Kingma and Ba 2015, algorithm 1."""
    m, v, path = 0.0 * theta, 0.0 * theta, []
    for t in range(1, steps + 1):
        g = gradient(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = m / (1 - b1**t)
        v_hat = v / (1 - b2**t)
        theta = theta - rate * m_hat / (np.sqrt(v_hat) + eps)
        path.append(theta)
    return path


def nadam(theta, gradient, steps, rate, b1, nu, eps, decay):
    """Dozat 2016, algorithm 2, with the momentum schedule b1 (1 - 0.96^(t decay) / 2)."""
    mu = [None] + [b1 * (1 - 0.5 * 0.96 ** (t * decay)) for t in range(1, steps + 2)]
    m, n, path = 0.0 * theta, 0.0 * theta, []
    for t in range(1, steps + 1):
        g = gradient(theta, t)
        m = mu[t] * m + (1 - mu[t]) * g
        n = nu * n + (1 - nu) * g**2
        m_hat = mu[t + 1] * m / (1 - math.prod(mu[1 : t + 2]))
        m_hat = m_hat + (1 - mu[t]) * g / (1 - math.prod(mu[1 : t + 1]))
        n_hat = n / (1 - nu**t)
        theta = theta - rate * m_hat / (np.sqrt(n_hat) + eps)
        path.append(theta)
    return path


CASES = [
    pytest.param(SGD(), gradient_descent, {"rate": 0.01}, id="sgd"),
    pytest.param(SGD(0.05, 0.0, True), gradient_descent, {"rate": 0.05}, id="sgd, no momentum"),
    pytest.param(SGD(0.1, 0.9), heavy_ball, {"rate": 0.1, "mu": 0.9}, id="polyak"),
    pytest.param(SGD(0.1, 0.8, True), accelerated, {"rate": 0.1, "mu": 0.8}, id="nesterov"),
    pytest.param(
        Adam(), adam, {"rate": 0.001, "b1": 0.9, "b2": 0.999, "eps": 1e-7}, id="adam, defaults"
    ),
    pytest.param(
        Adam(0.1, 0.7, 0.9, 0.3), adam, {"rate": 0.1, "b1": 0.7, "b2": 0.9, "eps": 0.3}, id="adam"
    ),
    pytest.param(
        Adam(0.1, 0.0, 0.0), adam, {"rate": 0.1, "b1": 0.0, "b2": 0.0, "eps": 1e-7}, id="adam, 0"
    ),
    pytest.param(
        Nadam(),
        nadam,
        {"rate": 0.001, "b1": 0.9, "nu": 0.999, "eps": 1e-7, "decay": 0.004},
        id="nadam, defaults",
    ),
    pytest.param(
        Nadam(0.1, 0.7, 0.9, 0.3, 1.0),
        nadam,
        {"rate": 0.1, "b1": 0.7, "nu": 0.9, "eps": 0.3, "decay": 1.0},
        id="nadam",
    ),
    pytest.param(
        Nadam(0.1, schedule_decay=math.inf),
        nadam,
        {"rate": 0.1, "b1": 0.9, "nu": 0.999, "eps": 1e-7, "decay": math.inf},
        id="nadam, constant momentum",
    ),
]


def rugged(theta, t):
    """A gradient that depends on the point and on the step, with entries of all sizes."""
    sizes = 10.0 ** np.linspace(-3, 2, theta.size).reshape(theta.shape)
    return 1e-3 * np.sin(3.0 * theta) + sizes * np.cos(t)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
@pytest.mark.parametrize(("optimizer", "formula", "hyperparameters"), CASES)
def test_follows_the_paper(optimizer, formula, hyperparameters, shape):
    # One optimiser serves all shapes: the state belongs to the variable.
    start = np.random.default_rng(7).normal(size=shape)
    expected = formula(start, rugged, 12, **hyperparameters)
    variable = Variable(start)
    for t, value in enumerate(expected, start=1):
        optimizer.apply_gradients([(Tensor(rugged(variable.array, t)), variable)])
        np.testing.assert_allclose(variable.array, value, rtol=1e-12, atol=1e-13, err_msg=f"{t=}")
        assert variable.shape == shape


ALL = [SGD, lambda rate: SGD(rate, 0.9), lambda rate: SGD(rate, 0.9, True), Adam, Nadam]
ALL_NAMES = ["sgd", "polyak", "nesterov", "adam", "nadam"]
every_optimizer = pytest.mark.parametrize("make", ALL, ids=ALL_NAMES)


@every_optimizer
def test_finds_the_least_point_of_a_quadratic(make):
    """theta'A theta/2 - b'theta is least where A theta = b."""
    matrix = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
    b = np.array([1.0, -2.0, 0.5])
    variable, optimizer = Variable(np.zeros(3)), make(0.1)
    for t in range(1200):
        optimizer.learning_rate = 0.1 * 0.99 ** (t / 2)
        optimizer.apply_gradients([(matrix @ variable.array - b, variable)])
    np.testing.assert_allclose(variable.array, np.linalg.solve(matrix, b), atol=1e-5)
    assert optimizer.iterations == 1200


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
def test_dtype_stays(make, dtype):
    variable, optimizer = Variable(np.ones((2, 2)), dtype), make(0.1)
    for _ in range(3):
        optimizer.apply_gradients([(np.full((2, 2), 0.5, dtype), variable)])
    assert variable.dtype == dtype
    assert np.isfinite(variable.array).all()
    assert (variable.array.real < 1).all()


@every_optimizer
def test_float32_is_close_to_float64(make):
    single, double = Variable([1.0, -2.0], np.float32), Variable([1.0, -2.0])
    optimizer = make(0.01)
    for t in range(20):
        gradient = np.array([math.sin(t), 1e3 * math.cos(t)])
        optimizer.apply_gradients([(gradient.astype(np.float32), single), (gradient, double)])
    np.testing.assert_allclose(single.array, double.array, rtol=1e-5)


@every_optimizer
def test_complex_is_its_real_and_imaginary_parts(make):
    rng = np.random.default_rng(3)
    start = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
    whole = Variable(np.asfortranarray(start), np.complex128)
    parts = [Variable(start.real), Variable(start.imag)]
    optimizer = make(0.1)
    for _ in range(5):
        g = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
        optimizer.apply_gradients([(g, whole), (g.real, parts[0]), (g.imag, parts[1])])
    np.testing.assert_allclose(whole.array.real, parts[0].array, rtol=1e-14)
    np.testing.assert_allclose(whole.array.imag, parts[1].array, rtol=1e-14)


@every_optimizer
def test_zero_gradients_change_nothing_at_first(make):
    variable = Variable([1.0, 2.0], np.float16)
    make(0.1).apply_gradients([(np.zeros(2, np.float16), variable)])
    np.testing.assert_array_equal(variable.array, [1.0, 2.0])


@every_optimizer
def test_nothing_is_shared_or_written_into(make):
    """Old values and gradients stay as they were; the new value is the variable's alone."""
    variable, optimizer = Variable([1.0, 2.0]), make(0.1)
    gradient = np.array([0.5, -0.5])
    gradient.flags.writeable = False
    values = [variable.array]
    for _ in range(4):
        before = variable.array.copy()
        optimizer.apply_gradients([(gradient, variable)])
        np.testing.assert_array_equal(values[-1], before)
        assert not any(np.shares_memory(variable.array, old) for old in [*values, gradient])
        values.append(variable.array)


@every_optimizer
def test_variables_have_states_of_their_own(make):
    """Equal values, two variables: together they move as each does alone."""
    together = [Variable([1.0, 2.0]), Variable([1.0, 2.0])]
    alone = [Variable([1.0, 2.0]), Variable([1.0, 2.0])]
    optimizer, others = make(0.1), [make(0.1), make(0.1)]
    gradients = [[np.array([1.0, 2.0]), np.array([-1.0, 0.1])], [np.array([0.0, 3.0]), np.ones(2)]]
    for pair in gradients:
        optimizer.apply_gradients(zip(pair, together, strict=True))
        for gradient, variable, other in zip(pair, alone, others, strict=True):
            other.apply_gradients([(gradient, variable)])
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.array, other.array)


def test_a_variable_that_joins_late_starts_at_its_own_first_step():
    early, late, optimizer = Variable(1.0), Variable(1.0), Adam(0.1)
    for _ in range(50):
        optimizer.apply_gradients([(np.array(2.0), early)])
    optimizer.apply_gradients([(np.array(2.0), early), (np.array(2.0), late)])
    np.testing.assert_allclose(late.array, 0.9, rtol=1e-7)


def test_state_of_a_dead_variable_is_not_taken_over():
    """The optimiser keeps its variables, so an id that Python reuses cannot mislead it."""
    optimizer = SGD(0.1, momentum=0.9)
    for _ in range(50):
        variable = Variable(1.0)
        optimizer.apply_gradients([(np.array(1.0), variable)])
        assert float(variable.array) == pytest.approx(0.9, abs=1e-15)
        del variable


@pytest.mark.parametrize(
    ("gradient", "dtype"),
    [(2, np.float32), (2.0, np.float64), (np.float32(2), np.float64), (np.array(2), np.float16)],
)
def test_numbers_and_other_real_dtypes_are_cast(gradient, dtype):
    variable = Variable(1.0, dtype)
    SGD(0.25).apply_gradients([(gradient, variable)])
    assert variable.dtype == dtype
    assert float(variable.array) == 0.5


def test_learning_rate_may_be_changed():
    variable, optimizer = Variable(1.0), SGD(0.5)
    optimizer.apply_gradients([(1.0, variable)])
    optimizer.learning_rate = 0.25
    optimizer.apply_gradients([(1.0, variable)])
    assert float(variable.array) == 0.25
    with pytest.raises(ValueError, match=r"SGD: learning_rate must lie in \[0, inf\), got -1.0"):
        optimizer.learning_rate = -1


def test_repr_shows_the_hyperparameters():
    assert repr(SGD(0.1, 0.9, True)) == "SGD(learning_rate=0.1, momentum=0.9, nesterov=True)"
    assert repr(Adam()) == "Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)"
    assert repr(Nadam(schedule_decay=0.5)) == (
        "Nadam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, schedule_decay=0.5)"
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SGD(learning_rate=math.nan), "SGD: learning_rate must lie in"),
        (lambda: SGD(learning_rate=math.inf), "SGD: learning_rate must lie in"),
        (lambda: SGD(momentum=1.0), r"SGD: momentum must lie in \[0, 1\), got 1.0"),
        (lambda: Adam(beta_1=-0.1), "Adam: beta_1 must lie in"),
        (lambda: Adam(beta_2=1), "Adam: beta_2 must lie in"),
        (lambda: Adam(epsilon=0), "Adam: epsilon must be positive"),
        (lambda: Nadam(schedule_decay=-1), r"Nadam: schedule_decay must lie in \[0, inf\]"),
    ],
)
def test_hyperparameters_out_of_range(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_hyperparameters_that_are_no_numbers():
    with pytest.raises(TypeError, match=r"Adam: learning_rate must be a number.*'fast'"):
        Adam("fast")


@every_optimizer
def test_a_missing_gradient_warns_and_leaves_the_variable(make):
    used, unused = Variable(1.0, name="w"), Variable(1.0, name="b")
    with pytest.warns(UserWarning, match=r"no gradient for variable 'b' \(item 1\)") as caught:
        make(0.1).apply_gradients([(np.array(1.0), used), (None, unused)])
    assert caught[0].filename == __file__
    assert float(unused.array) == 1.0
    assert float(used.array) < 1.0


@pytest.mark.parametrize(
    ("pairs", "error", "words"),
    [
        ([], ValueError, r"SGD\.apply_gradients: there are no \(gradient, variable\) pairs"),
        ([(None, Variable(1.0))], ValueError, "every gradient is None"),
        ([(np.ones(2), Variable([1.0]))], ValueError, r"shape \(2,\).*has shape \(1,\)"),
        ([(np.ones(2), Variable(1.0, name="w"))], ValueError, r"for variable 'w' \(item 0\)"),
        ([(1.0, Variable(1, np.int64))], TypeError, "dtype int64; expected a floating"),
        ([(1j, Variable(1.0))], TypeError, "complex128, which cannot be cast.*float64"),
        ([(Variable(1.0), 1.0)], TypeError, "second of item 0 is float 1.0, not a gradtape Var"),
        ([1.0], TypeError, "expected pairs.*item 0 is float 1.0"),
    ],
)
def test_bad_pairs(pairs, error, words):
    with pytest.raises(error, match=words):
        SGD().apply_gradients(pairs)


def test_a_variable_given_twice():
    variable = Variable(1.0, name="w")
    with pytest.raises(ValueError, match=r"variable 'w' \(item 1\) comes twice"):
        SGD().apply_gradients([(1.0, variable), (1.0, variable)])


def test_an_error_changes_nothing():
    good, bad, optimizer = Variable(1.0), Variable([1.0]), SGD(0.1, momentum=0.9)
    with pytest.raises(ValueError, match="shape"):
        optimizer.apply_gradients([(1.0, good), (1.0, bad)])
    assert float(good.array) == 1.0
    assert optimizer.iterations == 0
    optimizer.apply_gradients([(1.0, good)])
    assert float(good.array) == 0.9


def train(optimizer, steps):
    """The path of a variable with the rugged gradient."""
    variable, path = Variable(np.linspace(-1, 1, 6)), []
    for t in range(1, steps + 1):
        optimizer.apply_gradients([(rugged(variable.array, t), variable)])
        path.append(variable.array)
    return path


@pytest.mark.peers
@pytest.mark.parametrize(
    ("name", "ours", "arguments"),
    [
        ("SGD", SGD(0.1), {"lr": 0.1}),
        ("Adam", Adam(0.1, 0.8, 0.9, 1e-3), {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}),
    ],
)
def test_pytorch_walks_the_same_path(name, ours, arguments):
    torch = pytest.importorskip("torch")
    theta = torch.linspace(-1, 1, 6, dtype=torch.float64, requires_grad=True)
    theirs = getattr(torch.optim, name)([theta], **arguments)
    for t, expected in enumerate(train(ours, 20), start=1):
        theta.grad = torch.from_numpy(rugged(theta.detach().numpy(), t))
        theirs.step()
        np.testing.assert_allclose(theta.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.peers
@pytest.mark.parametrize(
    ("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)], ids=str
)
def test_keras_walks_the_same_path(momentum, nesterov):
    tensorflow = pytest.importorskip("tensorflow")
    theta = tensorflow.Variable(np.linspace(-1, 1, 6))
    theirs = tensorflow.keras.optimizers.SGD(0.1, momentum, nesterov)
    for t, expected in enumerate(train(SGD(0.1, momentum, nesterov), 20), start=1):
        theirs.apply_gradients([(tensorflow.constant(rugged(theta.numpy(), t)), theta)])
        # Keras keeps its learning rate in float32.
        np.testing.assert_allclose(theta.numpy(), expected, rtol=1e-5, atol=1e-5)
