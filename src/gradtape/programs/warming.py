"""A program that NumPy runs at first, and native code once it is called often enough to pay for it.

To compile takes tens of milliseconds or more, which a program that runs a few times never earns
back. So it is compiled when what it has done until then must have taken about as long: whatever
comes after, the whole takes at most about twice the time that the better choice would have taken.

What is counted are calls, and both times are estimates from the graph: on a clock, the same calls
would give other last bits from one day to the next.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from gradtape import errors
from gradtape.programs.graph import Graph, Node
from gradtape.programs.numpy_engine import NumpyProgram
from gradtape.programs.rewrites.building import kind, ufunc_of
from gradtape.programs.text import flops_of

__all__ = ["WarmingProgram", "calls_that_pay", "is_worth_it"]

# Seconds, measured on one machine; a factor of two or three does little harm.
#: To compile: loading the compiler, each value that is an array, each number.
_TO_LOAD, _PER_ARRAY, _PER_NUMBER = 0.1, 1.2e-3, 1e-4
#: What is estimated to take longer is left to NumPy: compilers need memory, too.
_TOO_LONG = 5.0
#: To run by NumPy: each call, each array, each number, and each entry: of arithmetic, of functions,
#: and for each flop of a product.
_CALL, _ARRAY, _NUMBER, _SIMPLE, _FUNCTION, _FLOP = 5e-6, 1e-6, 3e-8, 5e-10, 5e-9, 3e-11
#: To go from one part of a program to the next, where some are native and some are not.
_SWITCH = 4e-6
#: The ufuncs that a processor has instructions for.
_ARITHMETIC = {
    *("add", "subtract", "multiply", "divide", "true_divide", "negative", "positive"),
    *("absolute", "fabs", "square", "sqrt", "sign", "conjugate", "maximum", "minimum"),
    *("fmax", "fmin", "greater", "greater_equal", "less", "less_equal", "equal"),
    *("not_equal", "logical_and", "logical_or", "logical_not", "logical_xor", "isnan"),
    *("isfinite", "isinf", "signbit", "copysign", "floor", "ceil", "trunc", "rint"),
}


def calls_that_pay(graph: Graph) -> float:
    """After how many calls a program should be compiled; infinity if it should not be at all."""
    compiling, running = _estimates(graph)
    return math.ceil(compiling / running) if compiling <= _TOO_LONG else math.inf


def _estimates(graph: Graph) -> tuple[float, float]:
    """How long a graph takes to compile, and one run of it by NumPy, in seconds."""
    compiling, running = _TO_LOAD, _CALL
    for node in graph.nodes:
        if node.op is None:
            continue
        if node.shape == () and all([i.shape == () for i in node.inputs]):
            compiling += _PER_NUMBER
            running += _NUMBER
        else:
            compiling += _PER_ARRAY
            running += _ARRAY + _entries(node)
    return compiling, running


def _entries(node: Node) -> float:
    """What NumPy does for the entries of a node, in seconds."""
    flops = flops_of(node)
    ufunc: Any = ufunc_of(node.op)
    if ufunc is not None:
        return flops * (_SIMPLE if ufunc.__name__ in _ARITHMETIC else _FUNCTION)
    if kind(node.op) == "matmul":
        return flops * _FLOP
    shapes = node.shape if type(node.dtype) is tuple else (node.shape,)
    return float(_SIMPLE * max(flops, sum([math.prod(shape) for shape in shapes])))


def is_worth_it(parts: Sequence[Any]) -> bool:
    """Whether a program gains by native code, of which some of its parts are.

    Going from native code to NumPy and back takes time, and so do new arrays between the parts.
    """
    if len(parts) == 1:
        return bool(parts[0].native)
    times = [(part.native, _estimates(part.graph)[1] - _CALL) for part in parts]
    native = sum([time for is_native, time in times if is_native])
    return native >= max(_SWITCH * len(parts), sum([time for _, time in times]) / 4)


class WarmingProgram:
    """A graph, ready to run; call it as the programs of either engine.

    Parameters
    ----------
    graph : what it computes.
    native : what compiles it: called with the graph, it gives a program, or None if there is
        nothing to be gained; an ImportError or OSError says that the compiler cannot be had.
    """

    def __init__(self, graph: Graph, native: Callable[[Graph], Any] | None) -> None:
        self.graph = graph
        self._native = native
        #: How many calls are left until it is compiled.
        self._left = calls_that_pay(graph) if native is not None else math.inf
        self._compiling = threading.Lock()
        self._made: Any = None
        self._run: Callable[..., Any] | None = None  # the shortest way into native code

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        """The outputs for some inputs."""
        if self._run is not None:
            results = self._run(*inputs)
            return results if type(results) is tuple else self._made(*inputs)
        self._left -= 1
        if self._left < 0:
            self._compile()
        return self._program(*inputs)  # type: ignore[no-any-return]

    @property
    def source(self) -> str:
        """What is run: Python code, or, once it is compiled, LLVM's."""
        return str(self._program.source)

    def text(self) -> str:
        """The program to read: each value with its size, its work and where it is computed."""
        return str(self._program.text())

    @property
    def _program(self) -> Any:
        """The program as it is now; it is made when it is needed, for many are traced in vain."""
        if self._made is None:
            self._made = NumpyProgram(self.graph)
        return self._made

    def _compile(self) -> None:
        """Go over to native code, unless another thread is doing so."""
        if self._native is None or not self._compiling.acquire(blocking=False):
            return
        try:
            made = self._native(self.graph)
            if made is not None:
                self._made, self._run = made, made.run
        except (ImportError, OSError):  # there is no compiler
            made = None
        except Exception as error:
            made = None
            warnings.warn(
                f"a program could not be compiled and is left to the NumPy engine, which computes "
                f"the same ({type(error).__name__}: {error}): please report this",
                stacklevel=errors.users_level(),
            )
        finally:
            self._compiling.release()
        self._native, self._left = None, math.inf
