"""The second half of the demo: the network's training, shown as it goes, and its picture."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gradtape.demo.network import (
    Data,
    Epoch,
    Network,
    Settings,
    housing_data,
    mean_squared_error,
    train,
)
from gradtape.demo.picture import draw, r_squared
from gradtape.demo.screen import Screen

__all__ = ["History", "run_lesson"]


class History:
    """The epochs so far, and the network's values after the best of them."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []
        self.best: Epoch | None = None
        self.values: list[Any] = []

    def add(self, epoch: Epoch, network: Network) -> None:
        """Take an epoch in; the validation loss says which is the best."""
        self.epochs.append(epoch)
        if self.best is None or epoch.validation < self.best.validation:
            self.best, self.values = epoch, network.values()


def run_lesson(screen: Screen, settings: Settings, output: Path) -> int:
    """Train, test and draw; 0, or 130 when Ctrl-C ended the training, or 1 when it diverged."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    screen.heading(
        screen.pick(
            "A network for house prices, trained in a loop written by hand over a tape",
            "预测房价的网络：在tape上手写训练循环",
        )
    )
    data = housing_data()
    rng = np.random.default_rng(settings.seed)
    sizes = (data.x_train.shape[1], *settings.hidden, 1)
    network = Network(sizes, rng, float(data.y_train.mean()))
    _introduce(screen, settings, data, network)
    history, status = History(), 0
    # Matrices so small gain nothing from BLAS's threads, and with one the sums are the same on any
    # number of cores. Overflow is looked for after each epoch.
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
        try:
            with _progress(screen, settings) as show:
                for epoch in train(network, data, settings, rng):
                    with _uninterrupted():
                        history.add(epoch, network)
                        show(epoch)
        except KeyboardInterrupt:
            status = 130
            at = len(history.epochs)
            screen.say(
                f"Interrupted after {at} of {settings.epochs} epochs.",
                f"已中断：完成{at}/{settings.epochs}轮。",
                "bold",
            )
        except FloatingPointError as error:
            status = 1
            screen.say(f"Stopped: {error}", f"已停止：{error}", "bold red")
        if history.best is None:
            screen.say("No epoch was finished: there is no picture.", "没有完成任何一轮：没有图。")
            return status
        network.restore(history.values)
        prediction = network.predict(data.x_test)
    _report(screen, settings, history, prediction, data)
    try:
        draw(output, history.epochs, prediction, data.y_test)
    except OSError as error:
        screen.say(f"The picture could not be written: {error}", f"图无法写入：{error}", "bold red")
        return status or 1
    screen.line(f"{screen.pick('Picture', '图')}: {output}")
    return status


def _introduce(screen: Screen, settings: Settings, data: Data, network: Network) -> None:
    """Say what is trained on what."""
    examples = [len(y) for y in (data.y_train, data.y_valid, data.y_test)]
    layers = "-".join([str(n) for n in (data.x_train.shape[1], *settings.hidden, 1)])
    batch = min(settings.batch_size, examples[0])
    parameters = sum([variable.size for variable in network.variables])
    screen.say(
        f"{examples[0]:,} examples to train, {examples[1]:,} to validate, {examples[2]:,} to test; "
        f"layers {layers} with ReLU, {parameters:,} parameters, float32; Nadam, batches of "
        f"{batch:,}, seed {settings.seed}.",
        f"训练{examples[0]:,}例，验证{examples[1]:,}例，测试{examples[2]:,}例；网络{layers}，ReLU，"
        f"{parameters:,}个参数，float32；Nadam，批大小{batch:,}，"
        f"随机种子{settings.seed}。",
    )


@contextmanager
def _progress(screen: Screen, settings: Settings) -> Iterator[Any]:
    """A bar on a terminal, and a line for each epoch anywhere."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    width = len(str(settings.epochs))
    names = (
        screen.pick("epoch", "轮"),
        screen.pick("training", "训练"),
        screen.pick("validation", "验证"),
    )
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(compact=True),
        console=screen.console,
        transient=True,
        disable=not screen.console.is_terminal,
    )
    with progress:
        task = progress.add_task(screen.pick("Training", "训练中"), total=settings.epochs)

        def show(epoch: Epoch) -> None:
            screen.line(
                f"  {names[0]} {epoch.number:>{width}}/{settings.epochs}   "
                f"{names[1]} {epoch.training:.4f}   {names[2]} {epoch.validation:.4f}"
            )
            progress.update(task, completed=epoch.number)

        yield show


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block has ended: no line is cut, no epoch half kept."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears of Ctrl-C
        return
    pressed: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if pressed and callable(handler):
        handler(pressed[0], None)


def _report(
    screen: Screen, settings: Settings, history: History, prediction: Any, data: Data
) -> None:
    """Say how good the network is, and how long its training took."""
    best = history.best
    assert best is not None
    error = float(mean_squared_error(prediction, data.y_test))
    steps = sum([epoch.steps for epoch in history.epochs])
    seconds = sum([epoch.seconds for epoch in history.epochs])
    dollars = f"{1e5 * math.sqrt(error):,.0f}"
    explained = r_squared(prediction, data.y_test)
    screen.say(
        f"Kept: the network of epoch {best.number}, with the lowest validation loss.",
        f"保留第{best.number}轮的网络：验证损失最低。",
    )
    screen.say(
        f"Test MSE {error:.4f}, R² {explained:.3f}; the root of it is {dollars} US dollars.",
        f"测试MSE {error:.4f}，R² {explained:.3f}；均方根误差{dollars}美元。",
        "bold",
    )
    each = 1e6 * seconds / steps
    batch = min(settings.batch_size, len(data.y_train))
    screen.say(
        f"{steps:,} steps in {seconds:.1f} s: {each:.0f} µs for a step of {batch:,} examples "
        "(loss, all gradients and update).",
        f"{steps:,}步，{seconds:.1f}秒：每步（{batch:,}例：损失、全部梯度与更新）{each:.0f}µs。",
    )
