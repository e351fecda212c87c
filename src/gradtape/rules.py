"""What a derivative rule is, and the registry of them.

A *primitive* is a function on bare arrays with a rule for each of its array arguments:

- ``Elementwise``: one writes the partial derivatives, and the reverse rule, the forward rule, the
  conjugation, the broadcasting sum and the masking are made from them, here, once.
- ``Primitive``: any other function of a fixed number of arrays; one writes ``pull`` (reverse) and,
  unless the function is linear in that argument, ``push`` (forward).
- ``Variadic``: the same for functions of any number of arrays (concatenate, einsum).

The names of a rule's parameters say what must be kept for it. They come from a closed set, checked
when the rule is registered: the array arguments, ``out``, ``x_shape`` for an argument ``x``, the
static parameters of the primitive, and ``batch``, the extra leading axes of a cotangent or tangent.

Liveness (see docs/conventions.md, "Dead branches"): the ``*_masked`` forms also take and give a
boolean array that says which entries are structurally alive, and write zeros where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import numpy as np

__all__ = ["BARE", "BINDINGS", "PRIMITIVES", "UFUNCS", "Elementwise", "Primitive", "Variadic"]

Array = Any
Share = tuple[Any, Array]
LiveShare = tuple[Any, Array, Array | None]

#: How the entries of an input depend on those of the output.
#: movement: linear with coefficients >= 0 (take, reshape, sum): liveness goes through the same rule.
#: reduction: each input entry feeds one output entry (prod, std): liveness is spread like a sum's.
#: general: anything else (matmul): every entry counts as alive.
Kind = Literal["movement", "reduction", "general"]

#: Every primitive by name: the list under test.
PRIMITIVES: dict[str, Elementwise | Primitive] = {}
#: NumPy ufuncs that are elementwise primitives.
UFUNCS: dict[np.ufunc, Elementwise] = {}
#: NumPy functions, and (ufunc, method) pairs, and what they mean on tensors.
BINDINGS: dict[Any, Callable[..., Any]] = {}
#: NumPy functions without a derivative by nature: they answer with bare values.
BARE: set[Any] = set()

#: Above this size a partial that nothing else holds is multiplied in place.
REUSE_BYTES = 1 << 15


class Rule(NamedTuple):
    """A rule's function and what picks its arguments out of the kept values.

    ``pick`` is None for a constant partial, which then stands in ``function``; ``function`` is None
    for a partial that is a kept value itself, which ``pick`` then gives. ``divides``: what comes
    out is the reciprocal of the partial.
    """

    function: Any
    pick: Callable[[tuple[Any, ...]], Any] | None
    needs: frozenset[int]
    divides: bool = False


@dataclass(frozen=True, slots=True)
class over:  # noqa: N801  (reads as a word in the tables)
    """A partial derivative given by its reciprocal: one rounding and one pass fewer."""

    function: Callable[..., Any] | str


@dataclass(frozen=True, slots=True)
class Named:
    """A rule whose parameters (after the cotangent or tangent) have the given names."""

    function: Callable[..., Any]
    names: tuple[str, ...]


def parameters(function: Any) -> tuple[str, ...]:
    """The names of a function's positional parameters."""
    code = function.__code__  # inspect.signature says the same, a hundred times slower
    return code.co_varnames[: code.co_argcount]  # type: ignore[no-any-return]


def adjoint(partial: Array) -> Array:
    """The complex conjugate of a partial; a real one as it is."""
    if isinstance(partial, (float, int)):  # np.float64 is a float too
        return partial
    if isinstance(partial, complex):
        return partial.conjugate()
    return np.conjugate(partial) if partial.dtype.kind == "c" else partial


def _picker(positions: Sequence[int]) -> Callable[[Any], tuple[Any, ...]]:
    """An itemgetter that always answers a tuple."""
    if len(positions) == 1:
        return itemgetter(slice(positions[0], positions[0] + 1))
    return itemgetter(*positions) if positions else itemgetter(slice(0, 0))


def _rule(owner: str, function: Any, layout: Sequence[str], skip: int = 0) -> Rule:
    """Compile a rule against the names it may use; ``skip`` leaves out its first parameters."""
    divides = isinstance(function, over)
    if divides:
        function = function.function
    elif isinstance(function, (int, float)):
        return Rule(function, None, frozenset())
    if isinstance(function, str):
        position = layout.index(function)
        return Rule(None, itemgetter(position), frozenset([position]), divides)
    if isinstance(function, Named):
        function, names = function.function, function.names
    else:
        names = parameters(function)[skip:]
    for name in names:
        if name not in layout:
            raise TypeError(
                f"the rule of {owner} names {name!r}, which is none of {', '.join(layout)}"
            )
    positions = [layout.index(name) for name in names]
    return Rule(function, _picker(positions), frozenset(positions), divides)


def _needed(rules: Sequence[Rule | None]) -> tuple[frozenset[int], ...]:
    """Per set of tracked inputs (a bit mask): the positions of the values that its rules name."""
    return tuple(
        [
            frozenset().union(*[r.needs for i, r in enumerate(rules) if r and mask >> i & 1])
            for mask in range(1 << len(rules))
        ]
    )


def _keepers(needed: Sequence[frozenset[int]], size: int) -> tuple[Callable[[Any], Any], ...]:
    """Per set of tracked inputs: what picks the values to keep out of ``(*values, None)``."""
    return tuple([_picker([i if i in n else size for i in range(size)]) for n in needed])


def cast(share: Array, dtype: Any) -> Array:
    """A share in the dtype of the value it belongs to (the real part, for a real value)."""
    if share.dtype.kind == "c" and dtype.kind != "c":
        share = share.real
    return share if share.dtype == dtype else share.astype(dtype)


def sum_axes(g: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
    """Sum over axes; long leading axes of a float matrix go through BLAS, which is faster."""
    if (
        axes == (0,)
        and not keepdims
        and type(g) is np.ndarray
        and g.ndim == 2
        and g.shape[0] > 256
        and g.dtype.char in "fd"
        and g.flags.c_contiguous
    ):
        return np.ones(g.shape[0], g.dtype).dot(g)
    return np.add.reduce(g, axis=axes, keepdims=keepdims)


def unbroadcast(g: Array, shape: tuple[int, ...], batch: int) -> Array:
    """Sum a cotangent over the axes along which a value of ``shape`` was broadcast.

    ``batch`` leading axes of ``g`` are kept.
    """
    extra = g.ndim - batch - len(shape)
    if extra:
        g = sum_axes(g, tuple(range(batch, batch + extra)))
    stretched = tuple(
        [i for i, n in enumerate(shape, batch) if n == 1 and g.shape[i] != 1]
    )
    return sum_axes(g, stretched, keepdims=True) if stretched else g


def align(t: Array, shape: tuple[int, ...], ndim: int, batch: tuple[int, ...]) -> Array:
    """A tangent of a value of ``shape``, ready to broadcast against values of ``ndim`` axes."""
    missing = ndim - len(shape)
    return t.reshape(batch + (1,) * missing + shape) if batch and missing > 0 else t


def scaled(g: Array, partial: Array, divides: bool, saved: tuple[Any, ...]) -> Array:
    """``g * partial`` or ``g / partial``, in the partial's memory if that is large and free."""
    if partial.dtype.kind == "c":
        partial = np.conjugate(partial)
    if (
        type(g) is np.ndarray
        and partial.dtype == g.dtype
        and partial.shape == g.shape
        and partial.base is None
        and not any([partial is value for value in saved])
    ):
        return (np.true_divide if divides else np.multiply)(g, partial, out=partial)
    return g / partial if divides else g * partial


def constant_times(g: Array, constant: float) -> Array:
    """``g`` times a constant partial; a zero one gives zeros whatever ``g`` holds."""
    if constant == 1:
        return g
    if constant == 0:
        return np.zeros(g.shape, g.dtype)
    return -g if constant == -1 else g * constant


def _alive_either(one: Array | None, other: Array | None) -> Array | None:
    """Alive where either is; None means alive everywhere."""
    return None if one is None or other is None else one | other


class Elementwise:
    """A function that acts entry by entry, with its partial derivatives.

    Parameters
    ----------
    function : the function on bare arrays (a ufunc, or one that broadcasts like one).
    partials : one per argument: a function of some of ``x``, ``y``, ``z``, ``out``, or the name of
        one of them; a number where the partial is constant; None where there is no derivative (a
        condition). A boolean partial is a selection: entries where it is False are dead. Or one
        function that returns all partials, which share work.
    names : the argument names, when not ``x``, ``y``, ``z``.
    """

    params: tuple[str, ...] = ()
    kind = "elementwise"

    def __init__(
        self,
        function: Callable[..., Array],
        partials: Any,
        *,
        names: tuple[str, ...] = ("x", "y", "z"),
        selects: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name or function.__name__
        self.compute = function
        self.selects = self.fills = selects
        self.shared: Rule | None = None
        if not isinstance(partials, tuple):
            partials = (partials,)
        arity = getattr(function, "nin", len(partials))
        self.names = names[:arity]
        layout = (*self.names, "out")
        if arity > len(partials):
            self.shared = _rule(self.name, partials[0], layout)
            self.rules: tuple[Rule | None, ...] = (self.shared,) * arity
        else:
            self.rules = tuple(
                [None if p is None else _rule(self.name, p, layout) for p in partials]
            )
        self.arity = arity
        self.needed = _needed(self.rules)
        self.keep = _keepers(self.needed, arity + 1)
        PRIMITIVES[self.name] = self

    def __call__(self, *inputs: Any) -> Any:
        for value in inputs:
            handler = getattr(value, "__gradtape_apply__", None)
            if handler is not None:
                return handler(self, inputs)
        return self.compute(*inputs)

    def needs(self, mask: int) -> frozenset[int] | None:
        """The inputs that are kept when those of the mask are tracked."""
        return self.needed[mask]

    def save(self, mask: int, arrays: tuple[Any, ...], out: Array) -> tuple[Any, Any]:
        """What to keep of a call, and the shape and dtype of inputs that differ from the output."""
        saved = self.keep[mask]((*arrays, out, None))
        if self.arity == 1:
            return saved, None
        notes = None
        for i, a in enumerate(arrays):
            # Two scalars of one type have one shape and dtype; asking them costs more.
            if mask >> i & 1 and (type(a) is np.ndarray or type(a) is not type(out)):
                if a.shape == out.shape and a.dtype is out.dtype:
                    continue
                notes = notes or [None] * self.arity
                notes[i] = (a.shape, a.dtype)
        return saved, notes

    def partials(self, values: tuple[Any, ...], wanted: Sequence[Any]) -> list[Any]:
        """The partials at these values, for the inputs whose entry in ``wanted`` is not None."""
        if self.shared is not None:
            return list(self.shared.function(*self.shared.pick(values)))  # type: ignore[misc]
        found = []
        for rule, key in zip(self.rules, wanted, strict=True):
            if rule is None or key is None:
                found.append(None)
            elif rule.pick is None:
                found.append(rule.function)
            else:
                picked = rule.pick(values)
                found.append(picked if rule.function is None else rule.function(*picked))
        return found

    def pull(self, g: Array, record: Any, saved: tuple[Any, ...], batch: tuple[int, ...]) -> list[Share]:
        """The share of each tracked input in the cotangent ``g`` of the output."""
        shares = []
        notes = record[5]
        together = self.shared and self.partials(saved, record[2])
        for i, key in enumerate(record[2]):
            if key is None:
                continue
            function, pick, _, divides = self.rules[i]  # type: ignore[misc]
            if pick is None:
                share = g if function == 1 else constant_times(g, function)
            else:
                partial = pick(saved)
                if function is not None:
                    partial = together[i] if together else function(*partial)
                if type(partial) is np.ndarray and partial.nbytes > REUSE_BYTES:
                    share = scaled(g, partial, divides, saved)
                else:
                    if g.dtype.kind == "c":
                        partial = adjoint(partial)
                    share = g / partial if divides else g * partial
            if notes is not None and notes[i] is not None:
                shape, dtype = notes[i]
                share = cast(unbroadcast(share, shape, len(batch)), dtype)
            shares.append((key, share))
        return shares

    def pull_masked(
        self,
        g: Array,
        alive: Array | None,
        record: Any,
        saved: tuple[Any, ...],
        batch: tuple[int, ...],
    ) -> list[LiveShare]:
        """``pull``, with zeros where the output is dead, and each input's liveness."""
        shares: list[LiveShare] = []
        _, _, in_keys, _, _, notes, _ = record
        partials = self.partials(saved, in_keys)
        out_shape = g.shape[len(batch) :]
        for i, key in enumerate(in_keys):
            if key is None:
                continue
            live = alive
            if getattr(partials[i], "dtype", None) == np.bool_:
                live = np.broadcast_to(partials[i], out_shape)
                live = live if alive is None else live & alive
                share = g
            else:
                share = self._times(i, g, partials[i], conjugate=True)
            if live is not None:
                share = np.where(live, share, g.dtype.type(0))
            if notes is not None and notes[i] is not None:
                shape, dtype = notes[i]
                share = cast(unbroadcast(share, shape, len(batch)), dtype)
                if live is not None:
                    leading = live.ndim - len(out_shape)
                    live = unbroadcast(live.astype(np.intp), shape, leading) > 0
            shares.append((key, share, live))
        return shares

    def _times(self, i: int, g: Array, partial: Any, conjugate: bool = False) -> Array:
        """``g`` times the partial of input ``i``."""
        rule = self.rules[i]
        if rule is None or rule.pick is None:
            return constant_times(g, partial or 0)
        if conjugate:
            partial = adjoint(partial)
        return g / partial if rule.divides else g * partial

    def lift(self, saved: Any, keys: Any, out_key: Any, tensor: Any) -> tuple[Any, ...]:
        """The saved values as tensors, where they have keys."""
        return lift(saved, (*keys, out_key), tensor)

    def push(
        self,
        tangents: Sequence[Array | None],
        alive: Sequence[Array | None],
        values: tuple[Any, ...],
        params: tuple[Any, ...],
        batch: tuple[int, ...],
    ) -> tuple[Array, Array | None]:
        """The output's tangent and liveness, from those of the inputs (None: no tangent)."""
        *arrays, out = values
        total = None
        live: Any = False
        for i, (t, partial) in enumerate(
            zip(tangents, self.partials(values, tangents), strict=True)
        ):
            if t is None:
                continue
            shape = np.shape(arrays[i])
            t = align(t, shape, out.ndim, batch)
            mask = alive[i]
            if mask is not None and mask.ndim > len(shape):
                mask = align(mask, shape, out.ndim, batch)
            if getattr(partial, "dtype", None) == np.bool_:
                mask = partial if mask is None else partial & mask
            else:
                t = self._times(i, t, partial)
            if mask is not None:
                t = np.where(mask, t, t.dtype.type(0))
            live = _alive_either(live, mask)
            total = t if total is None else total + t
        full = batch + out.shape
        if total.shape != full:  # type: ignore[union-attr]
            total = np.broadcast_to(total, full)
        if live is not None:
            live = np.broadcast_to(live, full if np.ndim(live) > out.ndim else out.shape)
        return cast(total, out.dtype), live


class Primitive:
    """A function of a fixed number of arrays, in its canonical form, with its rules.

    Parameters
    ----------
    compute : the function on bare arrays. Its positional-only parameters are the arrays, the others
        its static parameters, in the order in which a canonical call gives them.
    pulls : one per array: ``pull(g, ...)`` gives the array's cotangent; None: no derivative.
    pushes : one per array: ``push(t, ...)`` gives the output's tangent. None: the function is
        linear in that array and takes batch axes as it is, so that ``compute`` itself is the rule.
    kind : see ``Kind``.
    selects : the reverse rule leaves input entries dead (indexing does).
    fills : the forward rule leaves output entries dead (padding does).
    spread : for a reduction, how liveness goes back.
    """

    def __init__(
        self,
        compute: Callable[..., Any],
        pulls: Any,
        pushes: Any = None,
        *,
        kind: Kind = "general",
        selects: bool = False,
        fills: bool = False,
        spread: Callable[..., Array] | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or compute.__name__.strip("_")
        self.compute, self.kind, self.selects, self.fills = compute, kind, selects, fills
        code = compute.__code__  # type: ignore[attr-defined]
        self.names = code.co_varnames[: code.co_posonlyargcount]
        self.params = code.co_varnames[code.co_posonlyargcount : code.co_argcount]
        self.arity = len(self.names)
        layout = self.layout()
        pulls = pulls if isinstance(pulls, tuple) else (pulls,)
        pushes = pushes if isinstance(pushes, tuple) else (pushes,) * self.arity
        self.pulls = tuple([None if p is None else _rule(self.name, p, layout, 1) for p in pulls])
        self.pushes = tuple([None if p is None else _rule(self.name, p, layout, 1) for p in pushes])
        self.spread = None if spread is None else _rule(self.name, spread, layout, 1)
        self.needed = _needed(self.pulls)
        self.keep = _keepers(self.needed, self.arity + 1)
        PRIMITIVES[self.name] = self

    def layout(self) -> list[str]:
        """The names that a rule may use, in the order of ``values``."""
        shapes = [f"{name}_shape" for name in self.names]
        return [*self.names, "out", *shapes, *self.params, "batch"]

    def values(
        self, saved: tuple[Any, ...], notes: Any, params: tuple[Any, ...], batch: Any, index: int
    ) -> tuple[Any, ...]:
        """What the layout names, for one call and one input."""
        return (*saved, *notes[0], *params, batch)

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        static = tuple([params[name] for name in self.params]) if params else ()
        for value in inputs:
            handler = getattr(value, "__gradtape_apply__", None)
            if handler is not None:
                return handler(self, inputs, static)
        return self.compute(*inputs, *static)

    def needs(self, mask: int) -> frozenset[int] | None:
        """The inputs that are kept when those of the mask are tracked; None: all."""
        return self.needed[mask]

    def save(self, mask: int, arrays: tuple[Any, ...], out: Any) -> tuple[Any, Any]:
        """What to keep of a call, and the inputs' shapes and differing dtypes."""
        return self.keep[mask]((*arrays, out, None)), self.notes(mask, arrays, out)

    def notes(self, mask: int, arrays: tuple[Any, ...], out: Any) -> Any:
        """The inputs' shapes, and the dtypes of tracked inputs that differ from the output's."""
        dtype = out.dtype
        shapes, casts = [], None
        for i, a in enumerate(arrays):
            shapes.append(getattr(a, "shape", ()))
            if mask >> i & 1 and a.dtype is not dtype:
                casts = casts or {}
                casts[i] = a.dtype
        return shapes, casts

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The reverse and the forward rule of input ``i``."""
        return self.pulls[i], self.pushes[i]

    def pull(self, g: Array, record: Any, saved: tuple[Any, ...], batch: tuple[int, ...]) -> list[Share]:
        """The share of each tracked input in the cotangent ``g`` of the output."""
        shares = []
        _, _, in_keys, _, _, notes, params = record
        shapes, casts = notes
        for i, key in enumerate(in_keys):
            if key is not None:
                rule = self.pulls[i]
                share = rule.function(g, *rule.pick((*saved, *shapes, *params, batch)))  # type: ignore[union-attr, misc]
                if casts is not None and i in casts:
                    share = cast(share, casts[i])
                shares.append((key, share))
        return shares

    def pull_masked(
        self,
        g: Array,
        alive: Array | None,
        record: Any,
        saved: tuple[Any, ...],
        batch: tuple[int, ...],
    ) -> list[LiveShare]:
        """``pull``, with zeros where the output is dead, and each input's liveness."""
        shares: list[LiveShare] = []
        _, _, in_keys, _, bare, notes, params = record
        tracked = [i for i, key in enumerate(in_keys) if key is not None]
        for i, (key, share) in zip(tracked, self.pull(g, record, saved, batch), strict=True):
            live = None
            rule = self.rule(i)[0] if self.kind == "movement" else self.spread
            if rule is not None and (alive is not None or self.selects):
                shape = g.shape[len(batch) :]
                mask = np.ones(shape, np.intp) if alive is None else alive.astype(np.intp)
                leading = batch if mask.ndim > len(shape) else ()
                function, pick, *_ = rule
                live = function(mask, *pick(self.values(bare, notes, params, leading, i))) != 0  # type: ignore[misc]
                if self.kind != "movement":
                    share = np.where(live, share, share.dtype.type(0))
            shares.append((key, share, live))
        return shares

    def push(
        self,
        tangents: Sequence[Array | None],
        alive: Sequence[Array | None],
        values: tuple[Any, ...],
        params: tuple[Any, ...],
        batch: tuple[int, ...],
    ) -> tuple[Array, Array | None]:
        """The output's tangent and liveness, from those of the inputs (None: no tangent)."""
        *arrays, out = values
        total = None
        live: Any = False
        masked = self.kind == "movement" and (
            self.fills or any([mask is not None for mask in alive])
        )
        for i, t in enumerate(tangents):
            if t is None:
                continue
            share = self._push(i, t, arrays, out, params, batch)
            total = share if total is None else total + share
            mask = None
            if masked:
                ones = np.ones(np.shape(arrays[i]), np.intp)
                mask = ones if alive[i] is None else alive[i].astype(np.intp)  # type: ignore[union-attr]
                leading = batch if mask.ndim > np.ndim(arrays[i]) else ()
                mask = self._push(i, mask, arrays, out, params, leading) != 0
            live = _alive_either(live, mask)
        return cast(total, out.dtype), live

    def _push(
        self, i: int, t: Array, arrays: list[Any], out: Any, params: tuple[Any, ...], batch: Any
    ) -> Array:
        """The part of the output's tangent that comes from input ``i``."""
        rule = self.rule(i)[1]
        if rule is None:
            return self.compute(*arrays[:i], t, *arrays[i + 1 :], *params)
        notes = (tuple([np.shape(a) for a in arrays]), None)
        saved = self.keep_all(tuple(arrays), out)
        return rule.function(t, *rule.pick(self.values(saved, notes, params, batch, i)))  # type: ignore[misc]

    def keep_all(self, arrays: tuple[Any, ...], out: Any) -> tuple[Any, ...]:
        """Everything that a rule could name, as ``saved``."""
        return (*arrays, out)

    def lift(self, saved: Any, keys: Any, out_key: Any, tensor: Any) -> tuple[Any, ...]:
        """The saved values as tensors, where they have keys."""
        return lift(saved, (*keys, out_key), tensor)


class Variadic(Primitive):
    """A function of any number of arrays; one rule serves them all.

    ``compute`` takes them as one tuple, ``xs``. Its rules may name ``xs``, ``shapes`` and ``index``
    (which of the arrays is meant).
    """

    def __init__(self, compute: Callable[..., Any], pulls: Any, pushes: Any, **options: Any) -> None:
        super().__init__(compute, pulls, pushes, **options)
        count = len(self.params)

        def run(*arguments: Any) -> Any:
            arrays = len(arguments) - count
            return compute(arguments[:arrays], *arguments[arrays:])

        self.compute = run

    def layout(self) -> list[str]:
        """The names that a rule may use, in the order of ``values``."""
        return [*self.names, "out", "shapes", *self.params, "batch", "index"]

    def values(
        self, saved: tuple[Any, ...], notes: Any, params: tuple[Any, ...], batch: Any, index: int
    ) -> tuple[Any, ...]:
        """What the layout names, for one call and one input."""
        return (*saved, notes[0], *params, batch, index)

    def save(self, mask: int, arrays: tuple[Any, ...], out: Any) -> tuple[Any, Any]:
        """What to keep of a call, and the inputs' shapes and differing dtypes."""
        return self.keep[1]((arrays, out, None)), self.notes(mask, arrays, out)

    def pull(self, g: Array, record: Any, saved: tuple[Any, ...], batch: tuple[int, ...]) -> list[Share]:
        """The share of each tracked input in the cotangent ``g`` of the output."""
        shares = []
        _, _, in_keys, _, _, notes, params = record
        rule = self.pulls[0]
        for i, key in enumerate(in_keys):
            if key is not None:
                share = rule.function(g, *rule.pick(self.values(saved, notes, params, batch, i)))  # type: ignore[union-attr, misc]
                if notes[1] is not None and i in notes[1]:
                    share = cast(share, notes[1][i])
                shares.append((key, share))
        return shares

    def needs(self, mask: int) -> frozenset[int] | None:
        """All arrays are kept, or none, whichever are tracked."""
        return None if 0 in self.needed[1] else frozenset()

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The reverse and the forward rule, the same for every input."""
        return self.pulls[0], self.pushes[0]

    def keep_all(self, arrays: tuple[Any, ...], out: Any) -> tuple[Any, ...]:
        """Everything that a rule could name, as ``saved``."""
        return (arrays, out)

    def lift(self, saved: Any, keys: Any, out_key: Any, tensor: Any) -> tuple[Any, ...]:
        """The saved values as tensors, where they have keys."""
        arrays, out = saved
        return (arrays and lift(arrays, keys, tensor), *lift((out,), (out_key,), tensor))


def lift(saved: tuple[Any, ...], keys: tuple[Any, ...], tensor: Any) -> tuple[Any, ...]:
    """Saved values as tensors under their keys, for other recorders to see."""
    return tuple(
        [v if k is None or v is None else tensor(v, k) for v, k in zip(saved, keys, strict=True)]
    )


def strip(value: Any) -> Any:
    """The bare array inside a tensor; anything else as it is."""
    return value.array if hasattr(value, "__gradtape_apply__") else value


def elementwise(table: dict[np.ufunc, Any], **options: Any) -> None:
    """Register ufuncs with their partial derivatives."""
    for function, partials in table.items():
        UFUNCS[function] = Elementwise(function, partials, **options)


def meaning(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what NumPy functions mean on tensors: a binder, or NumPy code over other functions."""

    def register(binder: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            if function is not None:  # this NumPy may be too old to have it
                BINDINGS[function] = binder
        return binder

    return register


def pointwise(compute: Callable[..., Array], partial: Callable[..., Any], name: str) -> Primitive:
    """A function of one array, entry by entry, with static parameters and one partial derivative.

    ``partial`` names the parameters it needs, as in ``Elementwise``.
    """
    names = parameters(partial)

    def pull(g: Array, *values: Any) -> Array:
        return g * adjoint(partial(*values))

    def push(t: Array, *values: Any) -> Array:
        return t * partial(*values)

    return Primitive(
        compute,
        Named(pull, names),
        Named(push, names),
        kind="reduction",
        spread=lambda g: g,
        name=name,
    )


def bare(*functions: Any) -> None:
    """Register functions that have no derivative by nature."""
    BARE.update(functions)
