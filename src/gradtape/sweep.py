"""The reverse walk over a tape's records: cotangents from the targets back to the sources."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.arithmetic import cast
from gradtape.nest import flatten
from gradtape.recording import AS_SYMBOLS, active, as_symbol
from gradtape.tensor import Tensor, bare
from gradtape.variable import Variable

__all__ = ["LOOK", "QUIET", "Cotangents", "seeds_of", "sweep"]

Seeds = list[tuple[Any, Any]]


#: A context in which NumPy does not warn of infinities and NaN on the way. Copying it costs less
#: than entering np.errstate anew.
QUIET = Context()
QUIET.run(np.seterr, all="ignore")

#: What looks at the gradients of every walk, if somebody wants that: a function of the keys and
#: their cotangents.
LOOK: ContextVar[Callable[[list[Any], list[Any]], None] | None] = ContextVar(
    "gradtape_look", default=None
)
look_at = LOOK.get


def seeds_of(target: Any, output_gradients: Any) -> list[tuple[Any, Any]]:
    """The cotangents from which the walk starts: (key, seed) of each target."""
    given = None if output_gradients is None else flatten(output_gradients)
    if given is None and isinstance(target, Tensor) and target.key and not target.array.ndim:
        return [(target.key, target.array.dtype.type(1))]  # the common case
    targets = [target] if isinstance(target, Tensor) else flatten(target)
    if given is not None and len(given) != len(targets):
        raise ValueError(
            f"argument `output_gradients` holds {len(given)} weights for {len(targets)} targets: "
            "give one tensor or array for each target, in the same structure."
        )
    seeds = []
    for i, t in enumerate(targets):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"argument `target` holds {errors.describe(t)}: only tensors that were computed "
                "under the tape can be differentiated, not bare values (floor, argmax, comparisons "
                "and the like have no derivative and give those)."
            )
        if t.key is not None:
            array = t.array
            if given is not None:
                seed = _seed(t, given[i], i)
            else:
                seed = np.full(array.shape, array.dtype.type(1))[()]
            seeds.append((t.key, seed))
    return seeds


def _seed(target: Tensor, given: Any, position: int) -> Any:
    """A cotangent that the user gave for a target, checked."""
    array = target.array
    if isinstance(given, Variable):
        given = given.value()  # its use is to be seen by other recorders
    if not isinstance(given, (Tensor, np.ndarray, np.generic, int, float, complex)):
        raise TypeError(
            f"argument `output_gradients`: number {position} is {errors.describe(given)}; it must "
            "be a tensor, an array or a number."
        )
    if np.iscomplexobj(bare(given)) and array.dtype.kind != "c":
        raise TypeError(
            f"argument `output_gradients`: number {position} is complex, but its target is real; "
            "its imaginary part would be lost. Give its real part."
        )
    seed: Any = given
    if hasattr(seed, "__gradtape_symbol__"):
        seed = seed.strong(array.dtype)
    elif not isinstance(seed, Tensor):
        seed = np.array(seed, array.dtype)
    shape = np.shape(bare(seed))
    if shape != array.shape:
        if shape != ():
            raise errors.GradientShapeError(
                f"argument `output_gradients`: number {position} has shape {tuple(shape)}, but its "
                f"target has shape {tuple(array.shape)}; give one weight per entry of the target."
            )
        seed = np.broadcast_to(seed, array.shape)
    return cast(seed if active() else bare(seed), array.dtype)


def sweep(
    records: list[Any],
    seeds: Seeds,
    wanted: list[Any],
    selects: bool,
    masks: bool,
    batch: tuple[int, ...] = (),
    alive: Any = None,
    free: bool = False,
    foreign: bool = False,
) -> list[Any]:
    """The cotangents of the wanted keys, or None where the seeds do not reach.

    Parameters
    ----------
    records : the tape's list, oldest first.
    seeds : (key, cotangent) pairs to start from.
    selects : whether a record can leave entries of its inputs dead.
    masks : whether dead entries get zeros; else a selection zeroes what it leaves out, but
        nothing remembers it, which is TensorFlow's arithmetic.
    batch : the extra leading axes of every cotangent.
    alive : the structurally live entries of the seed, when some are not.
    free : whether each record may be let go of once it is used.
    foreign : whether a record runs the user's code, which is to see the user's context.

    Masks only ever turn NaN into zeros: a dead cotangent is 0, and 0 times a partial is 0 unless
    the partial is not finite. So the walk is first done without them, and again with them only if a
    NaN came out. Where other recorders look on, they are kept from the start: the recorded
    computation must be right at the next order too.
    """
    nested = bool(active())
    if AS_SYMBOLS:
        seeds = [(key, as_symbol(g)) for key, g in seeds]
    if nested:
        seeds = [(key, Tensor(bare(g), getattr(g, "key", None))) for key, g in seeds]
    selects = selects or alive is not None
    shares: list[Any] | None = None
    if not (nested or foreign):
        if not selects:
            shares = QUIET.copy().run(_walk, records, seeds, wanted, batch, Cotangents(), free)
        elif masks:
            shares = QUIET.copy().run(_walk_finite, records, seeds, wanted, batch, alive)
    if shares is None:
        with np.errstate(all="ignore"):
            if selects:
                shares = _walk_masked(records, seeds, wanted, batch, nested, alive, masks)
            else:
                shares = _walk(records, seeds, wanted, batch, Cotangents(nested), free)
    look = look_at()
    if look is not None:
        look(wanted, shares)
    return shares


def _walk_finite(
    records: list[Any], seeds: Seeds, wanted: list[Any], batch: Any, alive: Any
) -> list[Any] | None:
    """The walk without masks, or None if a NaN came out behind a selection."""
    cotangents = Cotangents()
    if alive is not None:
        cotangents.before = {}  # the seed is a selection: nothing comes before it
    shares = _walk(records, seeds, wanted, batch, cotangents, False)
    whole = cotangents.before
    if whole is None:
        return shares  # no selection was met
    for key, share in zip(wanted, shares, strict=True):
        # NaN is what differs from itself, and so does a product with itself that holds one.
        # (Complex infinities can look like one; that costs a second walk, nothing else.)
        if share is not None and share is not whole.get(key):
            flat = share if share.ndim == 1 else share.ravel()
            square = flat.dot(flat)  # less overhead than vdot
            if square != square:
                return None
    return shares


class Cotangents(dict[Any, Any]):
    """Cotangents by key, of which each is the sum of shares."""

    __slots__ = ("before", "fresh", "nested", "owned")

    def __init__(self, nested: bool = False) -> None:
        self.nested = nested
        self.owned: set[Any] = set()  # keys whose cotangent is an array of our own
        self.fresh: set[Any] = set()  # keys whose cotangent a rule may write into, once it is used
        self.before: dict[Any, Any] | None = None  # all as they were at the first selection

    def add(self, key: Any, share: Any) -> None:
        """Add one share; in place where that is nobody else's array."""
        if key not in self:
            self[key] = share
        elif key in self.owned:
            self[key] += share
        else:
            total = self[key] = self[key] + share
            if type(total) is np.ndarray and not self.nested:
                self.owned.add(key)

    def meet_selection(self) -> None:
        """Note what no selection can have reached."""
        if self.before is None:
            self.before = dict(self)
            self.owned.clear()  # what is added to from here on is another array


def _walk(
    records: list[Any], seeds: Seeds, wanted: list[Any], batch: Any, cotangents: Any, free: bool
) -> list[Any]:
    """The walk without masks."""
    nested = cotangents.nested
    if len(seeds) == 1:
        cotangents[seeds[0][0]] = seeds[0][1]
    else:
        for key, g in seeds:
            cotangents.add(key, g)
        cotangents.owned.clear()  # what was given stays as it is
    kept = frozenset(wanted)
    for record in reversed(records):
        if free:
            del records[-1]
        primitive, out_key = record[0], record[1]
        g = cotangents.pop(out_key, None)
        if g is None:
            g = _several(cotangents, out_key, kept) if type(out_key) is tuple else None
            if g is None:
                continue
        elif out_key in kept:
            cotangents[out_key] = g
            cotangents.fresh.discard(out_key)
        if primitive.special:
            cotangents.meet_selection()
        primitive.pull(g, _lifted(record) if nested else record, batch, cotangents)
    return list(map(cotangents.get, wanted))


def _lifted(record: Any) -> Any:
    """A record whose saved values are tensors under their keys, for other recorders to see."""
    primitive, out_key, mask, keys, saved, notes, params = record
    saved = primitive.lift(saved, keys, out_key, _tensor)
    return primitive, out_key, mask, keys, saved, notes, params


def _tensor(value: Any, key: Any) -> Tensor:
    """A saved value as a tensor, of the class that it asks for if it does."""
    return getattr(value, "tensor_class", Tensor)(value, key)


def _walk_masked(
    records: list[Any],
    seeds: Seeds,
    wanted: list[Any],
    batch: Any,
    nested: bool,
    alive: Any,
    masks: bool,
) -> list[Any]:
    """The walk with zeros wherever the target does not depend on an entry."""
    cotangents: dict[Any, Any] = {}
    live: dict[Any, Any] = {}  # keys that have a cotangent and no mask are alive everywhere
    _add(cotangents, live, [(key, g, alive) for key, g in seeds], masks)
    for record in reversed(records):
        out_key = record[1]
        g = cotangents.pop(out_key, None)
        if g is None:
            g = _several(cotangents, out_key, wanted) if type(out_key) is tuple else None
            if g is None:
                continue
        elif out_key in wanted:
            cotangents[out_key] = g
        if type(out_key) is tuple:
            mask: Any = [live.pop(key, None) for key in out_key]
        else:
            mask = live.pop(out_key, None)
        bare_values = record[4]
        record = _lifted(record) if nested else record
        shares = record[0].pull_masked(g, mask, record, bare_values, batch)
        _add(cotangents, live, shares, masks)
    return list(map(cotangents.get, wanted))


def _add(cotangents: dict[Any, Any], live: dict[Any, Any], shares: Any, masks: bool) -> None:
    """Add shares to the cotangents, and merge their liveness."""
    for key, share, mask in shares:
        if key not in cotangents:
            cotangents[key] = share
            if mask is not None and masks:
                live[key] = mask
        else:
            cotangents[key] = cotangents[key] + share
            if mask is None:
                live.pop(key, None)
            elif key in live:
                live[key] = live[key] | mask


def _several(cotangents: dict[Any, Any], keys: tuple[Any, ...], wanted: Any) -> Any:
    """The cotangents of an operation's several outputs, or None if there is none."""
    found = [cotangents.get(key) if key in wanted else cotangents.pop(key, None) for key in keys]
    return None if all([g is None for g in found]) else found
