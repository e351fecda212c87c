"""Tapes belong to the context that opened them: threads, tasks and generators."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import gradtape as gt
from gradtape.recording import active


def test_threads_do_not_see_each_other_s_tapes() -> None:
    x = gt.Variable(3.0)
    seen: list[Any] = []

    def other() -> None:
        seen.append(active())
        seen.append(x * x)
        seen.append(np.asarray(x))  # nothing tracks it here

    with gt.GradientTape(persistent=True) as tape:
        y = x * x
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen[0] == ()
    assert tape.gradient(seen[1], x) is None
    assert tape.gradient(y, x).numpy() == 6.0


def test_many_threads_with_tapes_of_their_own() -> None:
    v = gt.Variable(np.arange(4.0))
    barrier = threading.Barrier(8)

    def work(k: int) -> Any:
        barrier.wait()
        for _ in range(50):
            with gt.GradientTape() as tape:
                y = (v**2).sum() * k
                y = y + np.sin(v).sum()
            gradient = tape.gradient(y, v).numpy()
        return gradient, active()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    for k, (gradient, left) in enumerate(results):
        assert np.allclose(gradient, 2 * k * np.arange(4.0) + np.cos(np.arange(4.0)))
        assert left == ()


def test_a_tape_can_be_asked_in_another_thread() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape() as tape:
        y = x**3
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(tape.gradient, y, x).result().numpy() == 27.0


def test_a_copied_context_takes_the_tapes_along() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape() as tape:
        y = contextvars.copy_context().run(lambda: x * x)
    assert tape.gradient(y, x).numpy() == 6.0


def test_tasks_do_not_see_each_other_s_tapes() -> None:
    v = gt.Variable(3.0)
    lengths = []

    async def work(k: int) -> float:
        with gt.GradientTape() as tape:
            y = v * k
            for _ in range(3):
                await asyncio.sleep(0)
                lengths.append(len(active()))
                y = y * v
        return float(tape.gradient(y, v))

    async def whole() -> list[float]:
        results = await asyncio.gather(*[work(k) for k in range(6)])
        assert active() == ()
        return results

    assert asyncio.run(whole()) == [k * 4 * 27.0 for k in range(6)]
    assert set(lengths) == {1}


def test_a_task_started_within_a_tape_is_recorded_and_leaves_the_starter_s_tapes_alone() -> None:
    v = gt.Variable(3.0)

    async def child() -> Any:
        with gt.GradientTape() as own:
            y = v**2
            await asyncio.sleep(0)
            y = y * v
        return y, own.gradient(y, v)

    async def parent() -> None:
        with gt.GradientTape() as tape:
            task = asyncio.create_task(child())
            await asyncio.sleep(0)
            assert active() == (tape,)
            y, by_child = await task
            assert active() == (tape,)
        assert by_child.numpy() == 27.0
        assert tape.gradient(y, v).numpy() == 27.0

    asyncio.run(parent())


def test_an_await_that_is_cancelled_leaves_no_tape_active() -> None:
    left = []

    async def work() -> None:
        try:
            with gt.GradientTape():
                await asyncio.sleep(60)
        finally:
            left.append(active())

    async def whole() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert active() == ()

    asyncio.run(whole())
    assert left == [()]


def test_a_generator_that_holds_a_tape_open() -> None:
    """A generator shares its caller's context: its tape sees what the caller does meanwhile."""
    x = gt.Variable(3.0)

    def steps() -> Iterator[Any]:
        with gt.GradientTape() as tape:
            y = x * x
            yield y
            z = y * x
        yield tape.gradient(z, x)

    generator = steps()
    next(generator)
    assert len(active()) == 1
    x * 5.0
    assert next(generator).numpy() == 27.0
    assert active() == ()


def test_a_generator_that_is_closed_early_leaves_no_tape_active() -> None:
    def steps() -> Iterator[int]:
        with gt.GradientTape():
            yield 1
            yield 2

    generator = steps()
    next(generator)
    assert len(active()) == 1
    generator.close()
    assert active() == ()


def test_two_generators_interleaved() -> None:
    """They are left in the order in which they were entered, not the reverse."""
    x = gt.Variable(2.0)

    def steps(k: float) -> Iterator[Any]:
        with gt.GradientTape() as tape:
            y = x * k
            yield None
            y = y * x
        yield tape.gradient(y, x).item()

    one, other = steps(1.0), steps(10.0)
    next(one)
    next(other)
    assert next(one) == 4.0
    assert len(active()) == 1
    assert next(other) == 40.0
    assert active() == ()


def test_an_asynchronous_generator() -> None:
    x = gt.Variable(2.0)

    async def steps() -> AsyncIterator[Any]:
        for k in range(3):
            with gt.GradientTape() as tape:
                y = x**k * 3.0
                await asyncio.sleep(0)
            yield tape.gradient(y, x, unconnected_gradients="zero").item()

    async def whole() -> list[float]:
        return [g async for g in steps()]

    assert asyncio.run(whole()) == [0.0, 3.0, 12.0]


def test_variables_are_shared_between_threads_and_keys_are_not() -> None:
    """Tensors made at the same time in many threads never share a key."""

    def make(_: int) -> list[Any]:
        return [gt.Variable(0.0).key for _ in range(500)]

    with ThreadPoolExecutor(8) as pool:
        keys = [key for part in pool.map(make, range(8)) for key in part]
    assert len(set(keys)) == len(keys)
