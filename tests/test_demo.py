"""The demo: the tour, the network, its picture, and the command line around them."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gradtape.__main__ import main
from gradtape.demo.lesson import _uninterrupted
from gradtape.demo.network import (
    Epoch,
    Network,
    Settings,
    housing_data,
    learning_rate,
    mean_squared_error,
    train,
)
from gradtape.demo.picture import draw, r_squared
from gradtape.demo.screen import Screen
from gradtape.demo.tour import REMARKS, Counted, compare, run_tour
from gradtape.notebook import CELLS, Cell

QUICK = ["--no-tour", "--epochs", "2", "--hidden", "8", "--batch-size", "512"]
# Variables that make rich treat a pipe as a terminal, or a terminal as a pipe.
TERMINAL = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "CI", "COLUMNS")
PLAIN = {key: value for key, value in os.environ.items() if key not in TERMINAL}
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def command(*args, **environment):
    """Run the command line in a process of its own, its output piped."""
    return subprocess.run(
        [sys.executable, "-m", "gradtape", *args],
        capture_output=True,
        timeout=120,
        env={**PLAIN, "PYTHONIOENCODING": "utf-8", **environment},
    )


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for variable in TERMINAL:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# The tour -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tour():
    result = command("demo", "--tour-only", COLUMNS="80")
    assert result.stderr == b""
    return result.returncode, result.stdout.decode()


def test_every_cell_shows_what_the_notebook_shows(tour):
    status, text = tour
    assert text.endswith("\n25 of 25 cells show what the notebook shows\n")
    assert status == 0
    assert text.count("✓") == len(CELLS) == 25
    assert "✗" not in text
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


def test_headings_code_and_answers_stand_in_order(tour):
    text = " ".join(tour[1].split())
    place = 0
    for cell in CELLS:
        for part in (f"[{cell.number:>2}/25] {cell.heading_en}", cell.code, cell.shown):
            place = text.find(" ".join(part.split()), place)
            assert place >= 0, part


def test_every_nan_has_gradtapes_answer_beside_it():
    with_nan = {cell.number for cell in CELLS if "nan" in cell.shown}
    assert with_nan == set(REMARKS) == {22, 23, 25}


def test_answers_beside_the_nans(tour):
    lines = [line.strip() for line in tour[1].splitlines()]
    assert "(Tensor(inf, dtype=float32), Tensor(nan, dtype=float32))" in lines
    assert "(Tensor(100., dtype=float32), Tensor(1., dtype=float32))" in lines
    assert "(Tensor([nan], dtype=float32), Tensor([1.], dtype=float32))" in lines
    assert "(Tensor([1000.], dtype=float32), Tensor([1.], dtype=float32))" in lines


def test_evaluations_are_counted(tour):
    text = " ".join(tour[1].split())
    assert "differences 4 36.000003007075065 10.000000003174137" in text
    assert "tape 1 36.0 10.0" in text
    assert "for 1,000 parameters: 1,001 for differences" in text
    assert "1 for the tape" in text


def test_counted():
    f = Counted(lambda x, y=0: x + y)
    assert (f(1), f(2, y=3), f.calls) == (1, 5, 2)


def test_compare():
    by_differences, by_tape = compare(20)
    assert (by_differences.calls, by_tape.calls) == (21, 1)
    assert 1e-10 < by_differences.error < 1e-4
    assert by_tape.error < 1e-14


def test_a_different_answer_is_shown_and_counted(capsys):
    cells = (
        Cell(1, "Sum", "和", "1 + 1", "2"),
        Cell(2, "Product", "积", "2 * 3", "7"),
        Cell(3, "Failure", "失败", "1 / 0", ""),
    )
    assert not run_tour(Screen(), cells)
    out = capsys.readouterr().out
    assert out.count("✓") == 1
    assert re.search(r"6\n  ✗ the notebook shows:\n\n    7\n", out)
    assert "ZeroDivisionError: division by zero" in out
    assert out.endswith("1 of 3 cells show what the notebook shows\n")


def test_a_different_answer_makes_the_status(monkeypatch, capsys):
    monkeypatch.setattr("gradtape.__main__.run_tour", lambda screen: False)
    assert main(["demo", "--tour-only"]) == 1


def test_tour_in_chinese():
    result = command("demo", "--tour-only", "--language", "zh")
    text = result.stdout.decode()
    assert result.returncode == 0
    assert "[22/25] 大数值输入时my_softplus()的梯度为NaN" in text.replace("\n", "")
    assert "有限差分" in text
    assert "死分支" in text
    assert text.endswith("25个单元中有25个与笔记本显示的一致\n")
    assert "notebook shows" not in text


# The network --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data():
    return housing_data()


def test_split_and_scaler_are_the_notebooks(data):
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    from gradtape.datasets import california_housing

    housing = california_housing()
    x_full, x_test, y_full, y_test = train_test_split(
        housing.data, housing.target.reshape(-1, 1), random_state=42
    )
    x_train, _, y_train, _ = train_test_split(x_full, y_full, random_state=42)
    scaler = StandardScaler().fit(x_train)
    assert (len(data.x_train), len(data.x_valid), len(data.x_test)) == (11610, 3870, 5160)
    np.testing.assert_array_equal(data.y_train, y_train.astype("float32"))
    np.testing.assert_array_equal(data.y_test, y_test.astype("float32"))
    scaled = scaler.transform(x_test)
    inside = np.abs(scaled) < 5
    np.testing.assert_array_equal(data.x_test[inside], scaled.astype("float32")[inside])
    assert np.abs(data.x_test).max() == 5
    assert (~inside).mean() < 0.005


def learn(data, settings):
    rng = np.random.default_rng(settings.seed)
    network = Network((8, *settings.hidden, 1), rng, float(data.y_train.mean()))
    return network, list(train(network, data, settings, rng))


def test_training_is_deterministic_for_a_seed(data):
    settings = Settings(hidden=(16, 8), epochs=2, batch_size=256)
    one, epochs = learn(data, settings)
    two, again = learn(data, settings)
    other, _ = learn(data, Settings(hidden=(16, 8), epochs=2, batch_size=256, seed=1))
    for a, b in zip(one.values(), two.values(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [e.validation for e in epochs] == [e.validation for e in again]
    assert not np.array_equal(one.values()[0], other.values()[0])


def test_training_sees_every_example_once_an_epoch(data, monkeypatch):
    seen = []

    def record(network, optimizer, x, y, settings):
        seen.append(y)

    monkeypatch.setattr("gradtape.demo.network.train_step", record)
    _, epochs = learn(data, Settings(hidden=(4,), epochs=1, batch_size=1000))
    assert [len(y) for y in seen] == [1000] * 11 + [610]
    assert epochs[0].steps == 12
    np.testing.assert_array_equal(np.sort(np.concatenate(seen), 0), np.sort(data.y_train, 0))


def test_reported_losses_are_the_networks(data):
    network, epochs = learn(data, Settings(hidden=(16,), epochs=2, batch_size=256))
    loss = np.mean((network.predict(data.x_valid) - data.y_valid) ** 2)
    assert epochs[-1].validation == pytest.approx(float(loss), rel=1e-6)
    assert epochs[1].training < epochs[0].training < np.var(data.y_train)


def test_a_batch_larger_than_the_data_is_all_of_it(data):
    _, epochs = learn(data, Settings(hidden=(4,), epochs=1, batch_size=10**9))
    assert epochs[0].steps == 1


@pytest.mark.parametrize("engine", ["numpy", "llvm"])
def test_traced_steps_learn_the_same(data, engine):
    if engine == "llvm":
        pytest.importorskip("llvmlite")
    shape = {"hidden": (16, 8), "epochs": 2, "batch_size": 256}
    _, expected = learn(data, Settings(**shape))
    _, found = learn(data, Settings(**shape, engine=engine))
    for one, other in zip(found, expected, strict=True):
        assert one.training == pytest.approx(other.training, rel=1e-3)
        assert one.validation == pytest.approx(other.validation, rel=1e-3)
    _, again = learn(data, Settings(**shape, engine=engine))
    assert [e.validation for e in again] == [e.validation for e in found]


def test_values_and_restore(data):
    network = Network((8, 4, 1), np.random.default_rng(0))
    before = network.values()
    network.weights[0].assign_add(np.ones((8, 4)))
    network.restore(before)
    np.testing.assert_array_equal(network.weights[0].numpy(), before[0])


def test_gradient_of_the_loss_matches_differences(data):
    from gradtape import GradientTape

    network = Network((8, 5, 1), np.random.default_rng(0))
    x, y = data.x_train[:50].astype("float64"), data.y_train[:50].astype("float64")
    with GradientTape() as tape:
        loss = mean_squared_error(network(x), y)
    gradient = tape.gradient(loss, network.weights[0]).numpy()
    value, eps = network.weights[0].numpy(), 1e-2
    for index in [(0, 0), (3, 2), (7, 4)]:
        moved = []
        for sign in (1, -1):
            step = np.zeros_like(value)
            step[index] = sign * eps
            network.weights[0].assign(value + step)
            moved.append(float(mean_squared_error(network(x), y)))
        assert gradient[index] == pytest.approx((moved[0] - moved[1]) / (2 * eps), rel=0.02)


def test_learning_rate_rises_then_falls():
    rates = [learning_rate(done, 0.1) for done in np.linspace(0, 1, 101)]
    top = int(np.argmax(rates))
    assert top == 5
    assert rates == sorted(rates[:top]) + sorted(rates[top:], reverse=True)
    assert 0.099 < rates[top] < 0.1
    assert rates[-1] == pytest.approx(0, abs=1e-12)


def test_demo_reaches_the_test_error_in_time(here, capsys):
    start = time.perf_counter()
    assert main(["demo", "--no-tour"]) == 0
    assert time.perf_counter() - start < 60  # 30 s of training, with a margin for a busy machine
    out = " ".join(capsys.readouterr().out.split())
    assert float(re.search(r"Test MSE (\d\.\d+)", out)[1]) <= 0.27
    assert re.search(r"10,920 steps in \d+\.\d s: \d+ µs for a step of 64 examples", out)
    losses = re.findall(r"epoch \d+/60 training (\d\.\d{4}) validation (\d\.\d{4}) ", out)
    assert len(losses) == 60
    assert float(losses[-1][0]) < float(losses[0][0])
    assert (here / "california_housing.png").stat().st_size > 20_000


def test_demo_is_deterministic(here):
    texts = []
    for name in ("a.png", "b.png"):
        result = command("demo", *QUICK, "--output", name)
        assert result.returncode == 0, result.stderr
        texts.append(re.sub(r"[\d,]+ steps in .*|\w\.png", "", result.stdout.decode()))
    assert texts[0] == texts[1]
    assert (here / "a.png").read_bytes() == (here / "b.png").read_bytes()


def test_steps_that_are_too_long(here, capsys):
    assert main(["demo", *QUICK, "--learning-rate", "1e30"]) == 1
    captured = capsys.readouterr()
    text = " ".join(captured.out.split())
    assert "choose a learning rate below 1e+30" in text
    assert "there is no picture" in text
    assert captured.err == ""


def test_lesson_in_chinese(here, capsys):
    assert main(["demo", *QUICK, "--language", "zh"]) == 0
    out = capsys.readouterr().out
    assert "验证" in out
    assert "测试MSE" in out
    assert "epoch" not in out


# The picture --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")]
)
@pytest.mark.parametrize("count", [1, 40])
def test_picture(tmp_path, suffix, start, count):
    epochs = [Epoch(n, 1 / n + 0.2, 1 / n + 0.3, 10, 0.1) for n in range(1, count + 1)]
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.2, 5, (500, 1))
    path = tmp_path / f"picture{suffix}"
    draw(path, epochs, truth + rng.normal(0, 0.4, (500, 1)), truth)
    assert path.read_bytes().startswith(start)


def test_r_squared():
    truth = np.array([1.0, 2.0, 3.0, 6.0])
    assert r_squared(truth, truth) == 1
    assert r_squared(np.full(4, 3.0), truth) == 0


# The command line ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--epochs", "0"], "argument --epochs: must be a whole number of at least 1, got '0'"),
        (["--epochs", "many"], "argument --epochs: must be a whole number of at least 1"),
        (["--batch-size", "-3"], "argument --batch-size: must be a whole number of at least 1"),
        (["--hidden", "64", "0"], "argument --hidden: must be a whole number of at least 1"),
        (["--seed", "-1"], "argument --seed: must be a whole number of at least 0, got '-1'"),
        (["--learning-rate", "0"], "argument --learning-rate: must be a positive number, got '0'"),
        (["--learning-rate", "nan"], "argument --learning-rate: must be a positive number"),
        (["--output", "missing/p.png"], "argument --output: 'missing/p.png' lies in no folder"),
        (["--output", "p.txt"], "argument --output: 'p.txt' must end in one of .png, .pdf, .svg"),
        (["--output", "folder.png"], "argument --output: 'folder.png' is a folder; name a file"),
        (["--language", "fr"], "argument --language: invalid choice: 'fr'"),
        (["--tour-only", "--no-tour"], "not allowed with argument"),
        (["--epoch-count", "3"], "unrecognized arguments: --epoch-count"),
    ],
)
def test_bad_options(here, capsys, args, message):
    (here / "folder.png").mkdir()
    with pytest.raises(SystemExit) as stop:
        main(["demo", *args])
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_output_that_cannot_be_written_is_found_before_training(here, capsys, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(SystemExit) as stop:
        main(["demo"])
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert "'california_housing.png' cannot be written: permission denied" in captured.err
    assert captured.out == ""


def test_picture_that_fails_to_be_written(here, capsys, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gradtape.demo.lesson.draw", fail)
    assert main(["demo", *QUICK]) == 1
    out = capsys.readouterr().out
    assert "Test MSE" in out
    assert "could not be written: [Errno 28] No space left on device" in out


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert re.fullmatch(r"gradtape (\d+\.\d+\.\d+\S*|\(not installed\))\n", capsys.readouterr().out)


def test_help(capsys):
    assert main([]) == 2
    assert "demo" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    out = capsys.readouterr().out
    for option in (
        "--epochs", "--batch-size", "--hidden", "--learning-rate", "--seed", "--output",
        "--language", "--tour-only", "--no-tour",
    ):  # fmt: skip
        assert option in out
    assert "(default: 64 64 64)" in out
    assert "Ctrl-C" in out


@pytest.mark.parametrize(
    ("module", "package"), [("rich", "rich"), ("sklearn", "scikit-learn"), ("matplotlib",) * 2]
)
def test_missing_extras(module, package):
    code = f"import sys; sys.modules[{module!r}] = None\n"
    code += "from gradtape.__main__ import main; sys.exit(main(['demo']))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert f"needs {package}." in result.stderr
    assert 'pip install "gradtape[demo]"' in result.stderr
    assert "Traceback" not in result.stderr


def test_what_is_heavy_is_imported_where_it_is_used():
    code = "import sys, gradtape.__main__; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    imported = set(result.stdout.split())
    assert "gradtape.demo.tour" in imported
    assert not imported & {"rich", "matplotlib", "sklearn", "scipy"}


def test_piped_in_a_narrow_terminal(here):
    result = command("demo", *QUICK, COLUMNS="30")
    text = result.stdout.decode()
    assert result.returncode == 0
    assert not CONTROL.search(text)
    # Losses and the picture's name keep to one line each.
    prose = [x for x in text.splitlines() if not x.startswith(("  epoch", "Picture:"))]
    assert max(map(len, prose)) <= 30
    tour = command("demo", "--tour-only", COLUMNS="30").stdout.decode()
    assert not CONTROL.search(tour)
    for cell in CELLS:  # code and answers are not wrapped
        for line in cell.code.splitlines():
            assert line.rstrip() in tour


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_ascii_output(here, environment):
    result = command("demo", "--language", "zh", "--epochs", "1", "--hidden", "4", **environment)
    assert result.returncode == 0, result.stderr
    text = result.stdout.decode("ascii")
    assert text.count("[ok]") == 25
    assert "PYTHONIOENCODING=utf-8" in text
    assert "25 of 25 cells show what the notebook shows" in text
    assert "R^2" in text


def test_a_reader_that_leaves(here):
    process = subprocess.Popen(
        [sys.executable, "-m", "gradtape", "demo", "--tour-only"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert error == b""


# What a shell starts in the background ignores Ctrl-C, and so would its children.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from gradtape.__main__ import main
sys.exit(main())
"""
needs_signals = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")


def interrupt(args, when):
    """Send Ctrl-C once a line holds `when`; the exit status, and what was printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "demo", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**PLAIN, "PYTHONIOENCODING": "utf-8"},
    )
    with process:
        out = ""
        while when not in out:
            line = process.stdout.readline()
            assert line, (out, process.stderr.read())
            out += line
        process.send_signal(signal.SIGINT)
        rest, error = process.communicate(timeout=60)
    return process.returncode, out + rest, error


@needs_signals
def test_ctrl_c_keeps_what_there_is(here):
    status, out, error = interrupt(["--no-tour", "--epochs", "9999"], "epoch    3/9999")
    assert status == 130
    done = int(re.search(r"Interrupted after (\d+) of 9999 epochs", out)[1])
    assert done >= 3
    assert len(re.findall(r"epoch +\d+/9999", out)) == done
    assert re.search(r"Test MSE 0\.\d{4}", out)
    assert error == ""
    assert (here / "california_housing.png").read_bytes().startswith(b"\x89PNG")


@needs_signals
def test_ctrl_c_waits_for_the_end_of_a_line():
    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), _uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("line")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == ["line"]


@needs_signals
def test_ctrl_c_before_the_first_epoch_ends(here):
    args = ["--no-tour", "--hidden", "3000", "3000", "--batch-size", "1"]
    status, out, error = interrupt(args, "seed 42")
    assert status == 130
    assert "Test MSE" not in out
    assert error.strip() in ("", "Interrupted.")
    assert not list(here.iterdir())


@needs_signals
def test_ctrl_c_in_the_tour(here):
    status, out, error = interrupt([], "[ 1/25]")
    assert (status, error.strip()) == (130, "Interrupted.")
    assert "of 25 cells" not in out
    assert not list(here.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="opens a pseudo-terminal")
def test_terminal_shows_a_progress_bar(here):
    import pty

    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gradtape", "demo", *QUICK],
        stdout=theirs,
        stderr=theirs,
        env={**PLAIN, **environment},
    )
    os.close(theirs)
    out = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux's way to say that the other end is closed
            part = b""
        if not part:
            break
        out += part
    os.close(ours)
    assert process.wait(60) == 0
    text = out.decode()
    assert "Training" in text
    assert "━" in text
    assert "\x1b[?25h" in text  # the cursor is shown again
    assert "epoch 2/2" in text


def test_pictures_name_is_ignored_by_git():
    ignored = (Path(__file__).parent.parent / ".gitignore").read_text()
    assert "/california_housing.png" in ignored.splitlines()
