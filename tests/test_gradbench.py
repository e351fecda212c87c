"""The adapter for GradBench: sessions in a process, answers against formulas written anew here."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gradbench import evals, samples
from benchmarks.gradbench.evals import ba
from benchmarks.gradbench.protocol import responses
from tests.gradbench_formulas import (
    arrived,
    descended,
    hand_misses,
    log_posterior,
    lstm_loss,
    residuals,
)

ROOT = Path(__file__).parents[1]


def eager(f):
    return f


def process(*arguments, text):
    """What the adapter answers to lines of text, and its exit status."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gradbench", *arguments],
        input=text, capture_output=True, text=True, cwd=ROOT, timeout=300,
        env={"PYTHONPATH": f"{ROOT / 'src'}", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def evaluate(module, function, given):
    """The response to one message, in this process."""
    message = {"id": 7, "kind": "evaluate", "module": module, "function": function, "input": given}
    (line,) = responses([json.dumps(message)], eager)
    return json.loads(line)


@pytest.fixture(scope="module")
def session():
    """Messages of every eval with the responses to them."""
    lines = list(samples.messages(evals.NAMES))
    messages = [json.loads(line) for line in lines]
    return list(zip(messages, process(text="\n".join(lines) + "\n"), strict=True))


@pytest.fixture(scope="module")
def answers(session):
    """The inputs and outputs of each eval's functions, by eval and function."""
    found = {}
    for message, response in session:
        if message["kind"] == "evaluate":
            key = message["module"], message["function"]
            found.setdefault(key, []).append((message["input"], response.get("output")))
    return found


def slopes(f, x, h=1e-6):
    """A gradient or Jacobian by central differences."""
    x = np.array(x, dtype=float)
    columns = []
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        columns.append((np.asarray(f(up)) - np.asarray(f(down))) / (2 * h))
    return np.stack(columns, axis=-1)


def numbers(output):
    """All numbers of an output, in order."""
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list):
        return [x for part in output for x in numbers(part)]
    return [] if output is None else [output]


def close(actual, expected, rtol=1e-12, atol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


# The protocol


def test_a_session_is_answered_in_order(session):
    for message, response in session:
        assert response["id"] == message["id"]
        if message["kind"] == "start":
            assert response["tool"] == "gradtape"
            assert response["config"] == {"engine": "eager"}
        elif message["kind"] == "define":
            assert response == {"id": message["id"], "success": True}
        elif message["kind"] == "evaluate":
            assert response["success"], response
            (timing,) = response["timings"]
            assert timing["name"] == "evaluate"
            assert type(timing["nanoseconds"]) is int
            assert timing["nanoseconds"] > 0
        else:
            assert response == {"id": message["id"]}


def test_every_eval_that_the_sample_knows_is_there(answers):
    assert {module for module, _ in answers} == set(evals.NAMES) == set(samples.INPUTS)
    for module in evals.NAMES:
        assert {f for m, f in answers if m == module} == set(evals.functions(module))


def test_the_sample_is_a_session():
    lines = process("--sample", "lse", text="")
    assert [line["kind"] for line in lines] == ["start", "define", "evaluate", "evaluate", "end"]
    assert [line["id"] for line in lines] == [0, 1, 2, 3, 4]


def test_runs_are_as_many_and_as_long_as_asked():
    x = {"x": [1.0, 2.0]}
    assert len(evaluate("lse", "primal", x | {"min_runs": 5, "min_seconds": 0})["timings"]) == 5
    assert len(evaluate("lse", "primal", x | {"min_runs": 0, "min_seconds": 0})["timings"]) == 1
    times = evaluate("lse", "primal", x | {"min_runs": 1, "min_seconds": 0.05})["timings"]
    assert len(times) > 1
    assert sum(t["nanoseconds"] for t in times) >= 0.05e9
    assert sum(t["nanoseconds"] for t in times[:-1]) < 0.05e9


def test_what_is_unknown_is_answered_and_the_session_goes_on():
    messages = [
        {"id": 0, "kind": "start"},
        {"id": 1, "kind": "define", "module": "nonesuch"},
        {"id": 2, "kind": "define", "module": "protocol"},
        {"id": 3, "kind": "define"},
        {"id": 4, "kind": "evaluate", "module": "nonesuch", "function": "f", "input": 1},
        {"id": 5, "kind": "evaluate", "module": "hello", "function": "cube", "input": 1},
        {"id": 6, "kind": "evaluate", "module": ["hello"], "function": {}, "input": 1},
        {"id": 7, "kind": "analysis", "of": 5, "valid": False, "error": "what?"},
        {"id": 8, "kind": "something else"},
        {"id": 9, "kind": "evaluate", "module": "hello", "function": "square", "input": 4},
        {"id": 10, "kind": "end"},
    ]
    answered = process(text="".join(json.dumps(m) + "\n" for m in messages))
    assert [a["id"] for a in answered] == list(range(11))
    for i in (1, 2, 3, 4, 5, 6):
        assert answered[i]["success"] is False
        assert answered[i]["error"].startswith("unknown ")
    assert "'cube'" in answered[5]["error"]
    assert "square, double" in answered[5]["error"]
    assert answered[7] == {"id": 7}
    assert answered[8] == {"id": 8}
    assert answered[9]["output"] == 16


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{not JSON", "not JSON"),
        ("[1, 2]", "must be a JSON object"),
        ('{"kind": "start"}', "no 'id'"),
        ('{"id": 3}', "no 'kind'"),
    ],
)
def test_a_line_that_is_no_message_is_answered(line, said):
    first, second = process(text=f'\n{line}\n{{"id": 4, "kind": "start"}}\n')
    assert first["success"] is False
    assert said in first["error"]
    assert first["id"] == (3 if line == '{"id": 3}' else None)
    assert second["id"] == 4


@pytest.mark.parametrize(
    ("module", "function", "given", "said"),
    [
        ("hello", "square", "3", "input must be a number"),
        ("hello", "square", {"x": 3}, "input must be a number"),
        ("lse", "primal", [1, 2], "input must be an object"),
        ("lse", "primal", {}, "no field 'x'"),
        ("lse", "primal", {"x": [[1, 2]]}, "shape (1, 2)"),
        ("lse", "primal", {"x": ["one"]}, "an array of numbers"),
        ("lse", "primal", {"x": [[1], 2]}, "an array of numbers"),
        ("lse", "primal", {"x": [1], "min_runs": -1}, "min_runs"),
        ("lse", "primal", {"x": [1], "min_seconds": "long"}, "min_seconds"),
        ("llsq", "primal", {"x": [1], "n": 1}, "input.n must be a whole number from 2 on"),
        ("det", "gradient", {"A": [1, 2, 3], "ell": 2}, "4 numbers"),
        ("ode", "primal", {"x": [1], "s": 1.5}, "input.s must be a whole number"),
        ("ba", "objective", {"n": 1, "m": 1, "p": 1, "cam": [1]}, "input.cam must be"),
        ("ht", "objective", {"data": {"model": {}}}, "input.data.model has no field 'parents'"),
        ("lstm", "objective", {"sequence": [[1]]}, "two rows or more"),
        ("lse", "primal", {"x": []}, "ValueError"),
        ("lse", "primal", {"x": [1e999]}, "not finite"),
    ],
)
def test_a_wrong_input_is_answered_with_what_is_wrong(module, function, given, said):
    response = evaluate(module, function, given)
    assert response["id"] == 7
    assert response["success"] is False
    assert said in response["error"]


@pytest.mark.parametrize("engine", ["best", "numpy"])
def test_the_engines_of_function_give_the_same(engine):
    pytest.importorskip("gradtape.programs.function")
    quick = ("ba", "det", "gmm", "hello", "ht", "kmeans", "llsq", "lse", "ode")
    text = "\n".join(samples.messages(quick, min_runs=2))
    start, *compiled = process("--engine", engine, text=text)
    assert start["config"] == {"engine": engine}
    for one, other in zip(process(text=text)[1:], compiled, strict=True):
        assert one.get("success") == other.get("success"), other
        for a, b in zip(numbers(one.get("output")), numbers(other.get("output")), strict=True):
            assert a == pytest.approx(b, rel=1e-12, abs=1e-12)


def test_an_unknown_engine_is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gradbench", "--engine", "steam"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "'steam'" in done.stderr


def test_a_reader_that_leaves_ends_the_program_quietly():
    adapter = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.gradbench"], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    adapter.stdout.close()
    adapter.stdin.write('{"id": 0, "kind": "start"}\n')
    adapter.stdin.close()
    assert adapter.wait(60) == 0
    assert adapter.stderr.read() == ""
    adapter.stderr.close()


# The evals


def test_hello(answers):
    assert answers["hello", "square"] == [(3.0, 9.0)]
    assert answers["hello", "double"] == [(9.0, 18.0)]


def test_lse(answers):
    [(given, value)] = answers["lse", "primal"]
    exponentials = [math.exp(x) for x in given["x"]]
    close(value, math.log(math.fsum(exponentials)))
    [(_, gradient)] = answers["lse", "gradient"]
    close(gradient, np.array(exponentials) / math.fsum(exponentials))


def test_lse_does_not_overflow():
    assert evaluate("lse", "primal", {"x": [1000.0, 1000.0]})["output"] == 1000 + math.log(2)
    assert evaluate("lse", "gradient", {"x": [1000.0, 1000.0]})["output"] == [0.5, 0.5]


def test_llsq(answers):
    [(given, value)] = answers["llsq", "primal"]
    n, x = given["n"], given["x"]
    t = [-1 + i * 2 / (n - 1) for i in range(n)]
    misses = [math.copysign(1, s) - sum(c * s**j for j, c in enumerate(x)) for s in t]
    close(value, sum(r * r for r in misses) / 2)
    [(_, gradient)] = answers["llsq", "gradient"]
    expected = [-sum(r * s**j for r, s in zip(misses, t, strict=True)) for j in range(len(x))]
    close(gradient, expected, rtol=1e-11)


def test_ode(answers):
    """y_i is c t^(i+1) with c = x_0 ... x_i / (i + 1)!; four orders of it are exact in a step."""
    given = {"x": [0.5, 0.25, -3.0, 2.0], "s": 1}
    expected = np.cumprod(given["x"]) * [2.0, 2.0, 4 / 3, 2 / 3]
    close(evaluate("ode", "primal", given)["output"], expected)
    close(evaluate("ode", "gradient", given)["output"], expected[-1] / np.array(given["x"]))
    [(given, value)] = answers["ode", "primal"]
    x, s = np.array(given["x"]), given["s"]
    order = np.arange(1, len(x) + 1)
    exact = np.cumprod(x) * 2.0**order / np.cumprod(order.astype(float))
    close(value[:4], exact[:4], rtol=1e-12)
    close(value[4:8], exact[4:8], rtol=1e-2)
    # The end is a polynomial of degree 1 in each unknown.
    [(_, gradient)] = answers["ode", "gradient"]
    close(gradient, value[-1] / x, rtol=1e-9)
    assert s > 1


def test_det(answers):
    [(given, value)] = answers["det", "primal"]
    matrix = np.array(given["A"]).reshape(given["ell"], -1)
    close(value, np.linalg.det(matrix), rtol=1e-10)
    [(_, gradient)] = answers["det", "gradient"]
    cofactors = np.linalg.det(matrix) * np.linalg.inv(matrix).T
    close(gradient, cofactors.reshape(-1), rtol=1e-10)


def test_det_of_one_row_and_of_whole_numbers():
    assert evaluate("det", "primal", {"A": [3], "ell": 1})["output"] == 3
    assert evaluate("det", "gradient", {"A": [3], "ell": 1})["output"] == [1]
    assert evaluate("det", "primal", {"A": [1, 2, 3, 4], "ell": 2})["output"] == -2
    assert evaluate("det", "gradient", {"A": [1, 2, 3, 4], "ell": 2})["output"] == [4, -3, -2, 1]


def test_kmeans(answers):
    [(given, value)] = answers["kmeans", "cost"]
    points, centroids = np.array(given["points"]), np.array(given["centroids"])
    squares = ((points[:, None] - centroids) ** 2).sum(axis=2)
    close(value, squares.min(axis=1).sum())
    # The Newton step from a centroid to the mean of its points.
    [(_, direction)] = answers["kmeans", "dir"]
    means = [points[squares.argmin(axis=1) == j].mean(axis=0) for j in range(len(centroids))]
    close(direction, centroids - means, rtol=1e-11)


def test_kmeans_in_blocks(monkeypatch):
    from benchmarks.gradbench.evals import kmeans

    (_, given), _ = samples.kmeans(np.random.default_rng(3))
    whole = evaluate("kmeans", "dir", given)["output"]
    monkeypatch.setattr(kmeans, "BLOCK", 100)
    assert evaluate("kmeans", "dir", given)["output"] == whole


def test_gmm(answers):
    (given, value), (together, same) = answers["gmm", "objective"]
    names = ("alpha", "mu", "q", "l")
    parameters = [np.array(given[name]) for name in names]
    close(value, log_posterior(given, *parameters), rtol=1e-10)
    assert same == value
    (_, gradient), (_, flat) = answers["gmm", "jacobian"]
    assert set(gradient) == set(names)
    for i, name in enumerate(names):

        def of_one(p, i=i):
            return log_posterior(given, *parameters[:i], p, *parameters[i + 1 :])

        expected = slopes(of_one, parameters[i]).reshape(parameters[i].shape)
        close(gradient[name], expected, rtol=1e-6, atol=1e-6)
    icf = np.concatenate([gradient["q"], gradient["l"]], axis=1)
    close(flat, np.concatenate([gradient["alpha"], gradient["mu"], icf], axis=None))
    assert "icf" in together


def test_gmm_in_one_dimension():
    given = {"d": 1, "k": 1, "n": 2, "x": [[0.5], [2.0]], "gamma": 1.0, "m": 0}
    given |= {"alpha": [0.3], "mu": [[0.1]], "q": [[0.2]], "l": [[]]}
    expected = log_posterior(given, *(np.array(given[n]) for n in ("alpha", "mu", "q", "l")))
    close(evaluate("gmm", "objective", given)["output"], expected)
    assert evaluate("gmm", "jacobian", given)["output"]["l"] == [[]]


def test_ba(answers):
    for (given, value), (_, matrix) in zip(
        answers["ba", "objective"], answers["ba", "jacobian"], strict=True
    ):
        n, m, p = given["n"], given["m"], given["p"]
        one = np.array([*given["cam"], *given["x"], given["w"]])
        close(value["reproj_error"]["elements"], residuals(one, given["feat"]))
        assert value["reproj_error"]["repeated"] == value["w_err"]["repeated"] == p
        close(value["w_err"]["element"], 1 - given["w"] ** 2)
        block = slopes(lambda z, feat=given["feat"]: residuals(z, feat), one, h=1e-5)
        close(matrix["vals"][:-1], block.reshape(-1), rtol=1e-6, atol=1e-5)
        close(matrix["vals"][-1], -2 * given["w"])
        row = [*range(11), *range(11 * n, 11 * n + 3), 11 * n + 3 * m]
        assert matrix["cols"] == [*row, *row, 11 * n + 3 * m + p - 1]
        assert matrix["rows"] == [*range(0, 450, 15), 31 * p]


def test_the_whole_sparse_jacobian_of_ba():
    """With observations that differ, beside the operator that finds the pattern itself."""
    import gradtape as gt

    scipy_sparse = pytest.importorskip("scipy.sparse")
    (_, given), *_ = samples.ba(np.random.default_rng(0))
    problem = ba.Problem(given)
    rng = np.random.default_rng(5)
    parts = [a + 0.1 * rng.standard_normal(a.shape) for a in ba.arguments(problem)]
    n, m = given["n"], given["m"]

    def flat(z):
        cameras, points, weights = z[: 11 * n], z[11 * n : 11 * n + 3 * m], z[11 * n + 3 * m :]
        observed = problem.observed(cameras.reshape(n, 11), points.reshape(m, 3), weights)
        errors = ba.reprojection(observed, problem.features)
        return np.concatenate([errors, ba.weighting(weights)], axis=None)

    expected = gt.jacobian(flat, sparse=True)(np.concatenate(parts, axis=None))
    function = evals.functions("ba")["jacobian"](given, eager).function
    starts, columns, values = function(*parts)
    matrix = scipy_sparse.csr_array((values, columns, starts), shape=expected.shape)
    close(matrix.toarray(), expected.toarray(), rtol=1e-10, atol=1e-10)


def test_lstm(answers):
    [(given, value)] = answers["lstm", "objective"]
    main, extra = np.array(given["main_params"]), np.array(given["extra_params"])
    close(value, lstm_loss(given, main, extra))
    [(_, gradient)] = answers["lstm", "jacobian"]
    by_main = slopes(lambda a: lstm_loss(given, a, extra), main)
    by_extra = slopes(lambda a: lstm_loss(given, main, a), extra)
    close(gradient, np.concatenate([by_main, by_extra]), rtol=1e-5, atol=1e-8)


def test_ht(answers):
    for (given, value), (_, jacobian) in zip(
        answers["ht", "objective"], answers["ht", "jacobian"], strict=True
    ):
        theta = np.array(given["theta"])
        us = np.array(given["us"]) if given["us"] else None
        close(value, hand_misses(given, theta, us), rtol=1e-11, atol=1e-11)
        expected = slopes(lambda t, g=given, us=us: hand_misses(g, t, us), theta)
        if us is not None:  # a point's own two coordinates come first
            own = slopes(lambda d, g=given, t=theta, us=us: hand_misses(g, t, us + d), np.zeros(2))
            expected = np.concatenate([own, expected], axis=1)
        close(jacobian, expected, rtol=1e-6, atol=1e-6)


def test_ht_without_rotation():
    (_, given), *_ = samples.ht(np.random.default_rng(2))
    given["theta"] = [0.0] * 3 + given["theta"][3:]
    value = evaluate("ht", "objective", given)["output"]
    close(value, hand_misses(given, np.array(given["theta"]), None), rtol=1e-11, atol=1e-11)
    jacobian = np.array(evaluate("ht", "jacobian", given)["output"])
    assert not jacobian[:, :3].any()  # as ADBench has it
    assert jacobian[:, 3:].any(axis=0).all()


def test_particle(answers):
    def slope(w):
        return [(arrived(w[0] + 1e-6) - arrived(w[0] - 1e-6)) / 2e-6]

    for modes in ("ff", "fr", "rf", "rr"):
        [(given, w)] = answers["particle", modes]
        (expected,) = descended(lambda w: arrived(w[0]), slope, [given["w"]])
        assert expected != given["w"]  # it did make steps
        close(w, expected, rtol=1e-9)


def test_saddle(answers):
    def towards(sign):
        return lambda v: sign * sum(a * a for a in v), lambda v: [sign * 2 * a for a in v]

    for modes in ("ff", "fr", "rf", "rr"):
        [(given, point)] = answers["saddle", modes]
        end = descended(*towards(1), given["start"])
        assert end != given["start"]
        close(point, [*end, *end], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("modes", ["rr", "ff"])
def test_the_results_that_gradbench_expects(modes):
    w = evaluate("particle", modes, {"w": 0.0})["output"]
    close(w, 0.2071918746486116, rtol=1e-13)
    point = evaluate("saddle", modes, {"start": [1.0, 1.0]})["output"]
    close(point, [8.246324826140356e-06] * 4, rtol=1e-13)
