"""Trigonometric functions, written as LLVM IR.

sin and cos subtract the nearest multiple of pi as if in three times the digits (Cody and Waite's
method with fused products). Where a lane is too large for that, all 1,200 bits of 1/pi are at hand
(Payne and Hanek 1983), lane by lane, in a function of its own that all programs share: they only
declare it.
"""

from __future__ import annotations

import itertools
from typing import Any

from gradtape.programs.llvm import ir
from gradtape.programs.llvm.mathematics_exponentials import parts_of, ratio, round_to_integer
from gradtape.programs.llvm.mathematics_lanes import (
    DOUBLE,
    FLOAT,
    Bits,
    Format,
    Real,
    intrinsic,
    like,
)
from gradtape.programs.llvm.polynomials import INVERSE_OF_PI, PARTS

__all__ = ["cos", "sin", "tan", "write_reduction"]

#: What the names of functions begin with that ``write_reduction`` writes.
REDUCTION = "gradtape.reduction"

#: Up to here three numbers of the format make pi exact enough.
_LARGE = {"float": 2.0**17, "double": 2.0**30}

INFINITY, NAN = float("inf"), float("nan")

I64, I128 = ir.IntType(64), ir.IntType(128)


def sin(x: Real) -> Real:
    """The sine of an angle in radians."""
    return (x == 0).select(x, _sine(*_with_large(x, "sin", _reduced(x, "sin"))))


def cos(x: Real) -> Real:
    """The cosine of an angle in radians."""
    return _sine(*_with_large(x, "cos", _reduced(x, "cos")))


def tan(x: Real) -> Real:
    """The tangent of an angle in radians."""
    return (x == 0).select(x, _tangent(*_with_large(x, "tan", _reduced_as_sum(x))))


def _sine(r: Real, bits: Bits) -> Real:
    """sin(r + k pi), |r| <= pi/2."""
    z = r * r
    value = (z * r).fma(z.at(z.polynomial("sin")), r)
    return (value.bits() ^ (bits << r.format.bits - 1)).real()


def _tangent(r: Real, bits: Bits, rest: Real) -> Real:
    """tan(r + rest + k pi/2), |r| <= pi/4."""
    z = r * r
    part = (z * r).fma(z.at(z.polynomial("short sin")), rest * z.fma(-0.5, 1.0))
    s = r + part
    s_rest = part - (s - r)
    part = z * z.fma(z.at(z.polynomial("short cos")), -0.5)
    c = part + 1
    c_rest = r.fma(-rest, part - (c - 1))
    odd = (bits & 1).equals(1)
    top, bottom = odd.select(-c, s), odd.select(s, c)
    return ratio(top, odd.select(-c_rest, s_rest), bottom, odd.select(s_rest, c_rest))


# The nearest multiple of pi -----------------------------------------------------------------------


def _reduced(x: Real, purpose: str) -> tuple[Real, Bits]:
    """What is left of x without the nearest k pi ("sin") or (k - 1/2) pi ("cos"), and k."""
    high, middle, low = parts_of(x, "pi")
    inverse = x.format.rounded(1 / PARTS["pi"]["double"][0])
    k, bits = round_to_integer(x, inverse, 0.5 if purpose == "cos" else 0.0)
    if purpose == "cos":
        k = k - 0.5
    exact = k.fma(-high, x)  # without rounding
    return k.fma(-low, k.fma(-middle, exact)), bits


def _reduced_as_sum(x: Real) -> tuple[Real, Bits, Real]:
    """What is left of x without the nearest k pi/2, as a sum of two around k."""
    high, middle, low = parts_of(x, "pi/2")
    k, bits = round_to_integer(x, x.format.rounded(1 / PARTS["pi/2"]["double"][0]))
    exact = k.fma(-high, x)  # without rounding
    part = k * middle
    r = exact - part
    back = r - exact
    rest = (exact - (r - back)) - (part + back) - k.fma(middle, -part)
    return r, bits, k.fma(-low, rest)


def _with_large(x: Real, purpose: str, found: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is left of x, replaced in lanes that are too large; most often there are none."""
    a = abs(x)
    large = a > _LARGE[x.format.name]
    builder, before = x.builder, x.builder.block
    with builder.if_then(large.any(), likely=False):
        # In tan, angles count by pi/2: the next bit of 1/pi is the first one.
        further, half = int(purpose == "tan"), 1 << 62 if purpose == "cos" else 0
        args = [a.value, ir.Constant(I64, further), ir.Constant(I64, half)]
        answer = builder.call(_long_reduction(builder.module, x.value.type), args)
        slow = [type(f)(builder, builder.extract_value(answer, i)) for i, f in enumerate(found)]
        for i in range(0, len(slow), 2):  # r and rest
            slow[i] = slow[i] * 0.5 if further else slow[i]
            slow[i] = (x < 0).select(-slow[i], slow[i]) if not half else slow[i]
        slow[0] = (a < INFINITY).select(slow[0], NAN)
        slow = [large.select(s, f) for s, f in zip(slow, found, strict=True)]
        inside = builder.block
    chosen = []
    for s, f in zip(slow, found, strict=True):
        phi = builder.phi(f.value.type)
        phi.add_incoming(f.value, before)
        phi.add_incoming(s.value, inside)
        chosen.append(type(f)(builder, phi))
    return tuple(chosen)


def _long_reduction(module: Any, kind: Any) -> Any:
    """The function (x, further, half) -> (r, k, rest) for numbers of some type, declared.

    x/pi 2**further + half is k + (r + rest)/pi.
    """
    form = Real(None, ir.Constant(kind, None)).format
    lanes = kind.count if isinstance(kind, ir.VectorType) else 1
    name = f"{REDUCTION}.{form.name}.{lanes}"
    if name in module.globals:
        return module.globals[name]
    result = ir.LiteralStructType([kind, like(kind, form.integer), kind])
    return ir.Function(module, ir.FunctionType(result, [kind, I64, I64]), name)


def write_reduction(module: Any, name: str) -> None:
    """Define the function that reduces large angles, of which programs know the name.

    It takes positive numbers, one lane after the other; what is less than 2 counts as 2.
    """
    *_, of, count = name.split(".")
    form, lanes = (DOUBLE if of == "double" else FLOAT), int(count)
    kind = form.real if lanes == 1 else ir.VectorType(form.real, lanes)
    function = _long_reduction(module, kind)
    result, whole = function.function_type.return_type, function.function_type.return_type.elements
    builder = ir.IRBuilder(function.append_basic_block("start"))
    x, further, half = function.args
    given, *answers = [builder.alloca(k) for k in (kind, *whole)]
    builder.store(x, given)
    start = builder.block
    loop, end = function.append_basic_block("lane"), function.append_basic_block("end")
    builder.branch(loop)
    builder.position_at_end(loop)
    i = builder.phi(I64)
    i.add_incoming(ir.Constant(I64, 0), start)

    def place(array: Any, element: Any) -> Any:
        return builder.gep(array, [i], source_etype=element)

    lane = Real(builder, builder.load(place(given, form.real), typ=form.real)).double()
    lane = (lane >= 2.0).select(lane, 2.0)
    found = _reduced_by_integers(lane, Bits(builder, further), Bits(builder, half))
    for value, answer in zip(_in_format(form, *found), answers, strict=True):
        builder.store(value, place(answer, value.type))
    following = builder.add(i, ir.Constant(I64, 1))
    i.add_incoming(following, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, ir.Constant(I64, lanes)), loop, end)
    builder.position_at_end(end)
    value = ir.Constant(result, ir.Undefined)
    for j, (answer, k) in enumerate(zip(answers, whole, strict=True)):
        value = builder.insert_value(value, builder.load(answer, typ=k), j)
    builder.ret(value)


def _in_format(form: Format, r: Real, rest: Real, k: Bits) -> list[Any]:
    """r and rest as numbers of a format, r as near as it can be; k between them."""
    near = r + rest
    rest = rest - (near - r)
    if form is DOUBLE:
        return [near.value, k.value, rest.value]
    single = near.single()
    rest = ((near - single.double()) + rest).single()
    return [single.value, k.builder.trunc(k.value, form.integer), rest.value]


def _reduced_by_integers(x: Real, further: Bits, half: Bits) -> tuple[Real, Real, Bits]:
    """What is left of one double, as a sum of two, and the multiple.

    x is m 2**e with an integer m. In m 2**e/pi all bits of 1/pi that make multiples of 2 are left
    out, and those that come too late to matter: three words of 64 bits remain, of which the first
    has one bit before the point.
    """
    first, second, third = _times_inverse_of_pi(x, further)
    first = first + half
    k = (first + (1 << 62)) >> 63
    # Twice that, as a number with a sign, is the distance from the nearest integer.
    fraction = _funnel(first, second, 1), _funnel(second, third, 1), third << 1
    r, rest = _times(*fraction, PARTS["pi"]["double"])
    return r, rest, k


def _times_inverse_of_pi(x: Real, further: Bits) -> tuple[Bits, Bits, Bits]:
    """x/pi * 2**further modulo 2, x >= 2: the first bit says whether it is odd."""
    builder, module = x.builder, x.builder.module
    words = ir.ArrayType(I64, len(INVERSE_OF_PI))
    table = module.globals.get("gradtape.inverse_of_pi")
    if table is None:
        table = ir.GlobalVariable(module, words, "gradtape.inverse_of_pi")
        table.initializer = ir.Constant(words, list(INVERSE_OF_PI))
        table.linkage, table.global_constant = "internal", True
    bits = x.bits()
    m = (bits & ((1 << 52) - 1)) | (1 << 52)
    # The bit of 1/pi that counts 2**-e is the first to keep.
    start = (bits >> 52) - (1075 - 63) + further
    word, shift = start >> 6, start & 63

    def loaded(i: int) -> Bits:
        place = [ir.Constant(I64, 0), (word + i).value]
        return Bits(builder, builder.load(builder.gep(table, place, source_etype=words), typ=I64))

    parts = [loaded(i) for i in range(4)]
    window = [_funnel(one, other, shift) for one, other in itertools.pairwise(parts)]
    third, carry = _product(m, window[2])
    second, carry = _product(m, window[1], carry)
    return m * window[0] + carry, second, third


def _product(x: Bits, y: Bits, more: Bits | None = None) -> tuple[Bits, Bits]:
    """x * y + more: the lower word and the upper one."""
    builder = x.builder
    wide = builder.mul(builder.zext(x.value, I128), builder.zext(y.value, I128))
    if more is not None:
        wide = builder.add(wide, builder.zext(more.value, I128))
    upper = builder.lshr(wide, ir.Constant(I128, 64))
    return Bits(builder, builder.trunc(wide, I64)), Bits(builder, builder.trunc(upper, I64))


def _funnel(upper: Bits, lower: Bits, count: Any) -> Bits:
    """The upper word of two that are shifted to the left."""
    values = [upper.value, lower.value, upper.like(count).value]
    return Bits(upper.builder, intrinsic(upper.builder, "fshl", *values))


def _times(f0: Bits, f1: Bits, f2: Bits, unit: tuple[float, ...]) -> tuple[Real, Real]:
    """A fraction with a sign, in three words, times a number: a sum of two doubles.

    No double is so close to a multiple of pi that the first word would be 0.
    """
    builder = f0.builder
    negative = ~f0.below(1 << 63)
    f0, f1, f2 = [negative.select(f ^ -1, f) for f in (f0, f1, f2)]
    kind = ir.FunctionType(I64, [I64, ir.IntType(1)])
    count = builder.module.globals.get("llvm.ctlz.i64") or ir.Function(
        builder.module, kind, "llvm.ctlz.i64"
    )
    zeros = Bits(builder, builder.call(count, [f0.value, ir.Constant(ir.IntType(1), 0)]))
    f0, f1 = _funnel(f0, f1, zeros), _funnel(f1, f2, zeros)

    def number(integer: Bits, scale: float) -> Real:
        return Real(builder, builder.sitofp(integer.value, DOUBLE.real)) * scale

    high = number(f0 >> 11, 2.0**-53)
    low = number(((f0 & 0x7FF) << 42) | (f1 >> 22), 2.0**-106)
    scale = ((zeros.like(1023) - zeros) << 52).real()
    scale = negative.select(-scale, scale)
    whole = high * unit[0]
    rest = high.fma(unit[0], -whole) + high.fma(unit[1], low * unit[0])
    return whole * scale, rest * scale


#: By the names of the primitives.
FUNCTIONS: dict[str, Any] = {"sin": sin, "cos": cos, "tan": tan}
