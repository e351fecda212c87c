"""Branches and loops as functions. They run at once, as Python's own; gradients go through.

Examples
--------
>>> import gradtape.tf as tf
>>> i, x = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, 2 * x), [0, 1.0])
>>> i.numpy(), x.numpy()
(np.int32(3), np.float32(8.0))
>>> tf.map_fn(lambda x: x * x, tf.constant([1.0, 2.0])).numpy()
array([1., 4.], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.arrays import stack
from gradtape.tf.nest import flatten, map_structure, pack_sequence_as
from gradtape.tf.tensor_array import TensorArray
from gradtape.tf.tensors import convert_to_tensor

__all__ = [
    "case",
    "cond",
    "foldl",
    "foldr",
    "map_fn",
    "scan",
    "switch_case",
    "vectorized_map",
    "while_loop",
]


def _truth(value: Any) -> bool:
    return bool(engine.bare(value))


# Branches -------------------------------------------------------------------------------------


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """What the one or the other function answers, as a truth value says.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.cond(tf.constant(True), lambda: 1.0, lambda: 2.0)
    1.0
    """
    for argument, function in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(function):
            raise TypeError(f"'{argument}' must be callable.")
    return true_fn() if _truth(pred) else false_fn()


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the function beside the first true condition answers, or else ``default``.

    Raises
    ------
    InvalidArgumentError : nothing is true, and there is no ``default``; or more than one, and
        ``exclusive``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.constant(2.0)
    >>> tf.case([(x < 1.0, lambda: "small"), (x < 3.0, lambda: "middle")], lambda: "large")
    'middle'
    """
    chosen = [function for condition, function in pred_fn_pairs if _truth(condition)]
    if exclusive and len(chosen) > 1:
        raise errors.invalid(
            "Assert", "Input error: exclusive=True: more than 1 conditions evaluated as True"
        )
    if chosen:
        return chosen[0]()
    if default is None:
        raise errors.invalid(
            "Assert", "None of the conditions evaluated as True, and there is no default"
        )
    return default()


def switch_case(
    branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case"
) -> Any:
    """What the function with the given number answers; for an unknown number ``default``.

    Parameters
    ----------
    branch_index : an integer.
    branch_fns : a list of functions, a dict, or pairs of a number and a function.
    default : a function; if there is none, that with the greatest number.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.switch_case(tf.constant(1), [lambda: "zero", lambda: "one"])
    'one'
    """
    if isinstance(branch_fns, dict):
        functions = dict(branch_fns)
    elif all(map(callable, branch_fns)):
        functions = dict(enumerate(branch_fns))
    else:
        functions = dict(branch_fns)
    if not functions:
        raise ValueError("Must provide at least one item in `branch_fns`")
    fallback = functions[max(functions)] if default is None else default
    return functions.get(int(engine.bare(branch_index)), fallback)()


# Loops ----------------------------------------------------------------------------------------


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Call ``body`` on its own answers as long as ``cond`` of them holds.

    Parameters
    ----------
    cond, body : functions of the loop's variables; ``body`` answers as many as it is given.
    loop_vars : what they are at first: a list, a tuple, or a dict.
    maximum_iterations : how often ``body`` is called at most.
    shape_invariants, parallel_iterations, back_prop, swap_memory, name : no effect.

    Returns
    -------
    The variables as ``body`` left them.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.constant(2.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [0, x])
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=32.0>
    """
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if not loop_vars and not isinstance(loop_vars, engine.Tensor):
        raise ValueError("'loop_vars' must be provided.")
    limit = None if maximum_iterations is None else int(engine.bare(maximum_iterations))
    single = not isinstance(loop_vars, (list, tuple))
    state = map_structure(_tensor, loop_vars)
    done = 0
    while (limit is None or done < limit) and _truth(cond(*([state] if single else state))):
        answers = body(*([state] if single else state))
        if not single and len(state) == 1 and not isinstance(answers, (list, tuple)):
            answers = [answers]
        if not single and len(answers) != len(state):
            raise ValueError(
                f"'body' must answer as many values as there are loop variables: {len(state)}, "
                f"got {len(answers)}"
            )
        state = map_structure(_tensor, answers)
        done += 1
    return state


def _tensor(leaf: Any) -> Any:
    return leaf if isinstance(leaf, TensorArray) else convert_to_tensor(leaf)


def _slices(elems: Any) -> list[Any]:
    """The structures of slices along the first axis."""
    tensors = [convert_to_tensor(leaf) for leaf in flatten(elems)]
    lengths = {t.array.shape[0] if t.array.ndim else None for t in tensors}
    if None in lengths:
        raise ValueError("elements in elems must be 1+ dimensional Tensors, not scalars")
    if len(lengths) > 1:
        raise ValueError(f"elems must agree in the length of their first axis, got {lengths}")
    (count,) = lengths
    return [pack_sequence_as(elems, [t[i] for t in tensors]) for i in range(count or 0)]


def _stacked(answers: list[Any]) -> Any:
    """The structure of stacked answers."""
    columns = zip(*[flatten(answer) for answer in answers], strict=True)
    return pack_sequence_as(answers[0], [stack(list(column)) for column in columns])


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: Any = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """A function's answers for the slices along the first axis, stacked.

    ``elems`` and the answers may be structures. The other arguments have no effect.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.map_fn(lambda pair: pair[0] * pair[1], ([1.0, 2.0], [3.0, 4.0])).numpy()
    array([3., 8.], dtype=float32)
    """
    answers = [fn(slice_) for slice_ in _slices(_as_elems(elems))]
    if not answers:
        raise ValueError("map_fn: argument `elems` has no slices, so that there is no answer")
    return _stacked(answers)


def _as_elems(elems: Any) -> Any:
    """A list of numbers is a tensor, not a structure."""
    if isinstance(elems, list) and not any([isinstance(e, engine.Tensor) for e in flatten(elems)]):
        return convert_to_tensor(elems)
    if isinstance(elems, tuple) and not hasattr(elems, "_fields"):
        return tuple([_as_elems(e) for e in elems])
    return elems


def vectorized_map(
    fn: Callable[[Any], Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True
) -> Any:
    """As ``map_fn``: slice by slice.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.vectorized_map(lambda x: x * x, tf.constant([1.0, 2.0])).numpy()
    array([1., 4.], dtype=float32)
    """
    return map_fn(fn, elems)


def _accumulated(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, backwards: bool
) -> Iterator[Any]:
    """What a function makes of what it has made so far and the next slice."""
    slices = _slices(_as_elems(elems))
    if backwards:
        slices.reverse()
    if initializer is None:
        if not slices:
            raise ValueError("without `initializer`, `elems` must have at least one slice")
        state, slices = slices[0], slices[1:]
        yield state
    else:
        state = map_structure(convert_to_tensor, initializer) if slices else initializer
    for slice_ in slices:
        state = fn(state, slice_)
        yield state


def _last(*arguments: Any) -> Any:
    """The last of what ``_accumulated`` yields; the initializer, where that is nothing."""
    out = arguments[2]
    for out in _accumulated(*arguments):  # noqa: B007  (the last)
        pass
    return out


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """``fn(...fn(fn(initializer, elems[0]), elems[1])...)``.

    Without ``initializer`` it starts with the first slice.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.foldl(lambda total, x: 10 * total + x, tf.constant([1, 2, 3])).numpy()
    np.int32(123)
    """
    return _last(fn, elems, initializer, False)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The same from the last slice to the first.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.foldr(lambda total, x: 10 * total + x, tf.constant([1, 2, 3])).numpy()
    np.int32(321)
    """
    return _last(fn, elems, initializer, True)


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All that ``foldl`` comes by on its way, stacked; with ``reverse`` from the last slice.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.scan(lambda total, x: total + x, tf.constant([1.0, 2.0, 3.0])).numpy()
    array([1., 3., 6.], dtype=float32)
    """
    states = list(_accumulated(fn, elems, initializer, reverse))
    if not states:
        raise ValueError("scan: argument `elems` has no slices, so that there is no answer")
    return _stacked(states[::-1] if reverse else states)
