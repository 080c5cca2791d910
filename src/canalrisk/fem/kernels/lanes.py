"""A type of eight doubles for compiled code: one vector register where the processor has one, exact lanes anywhere.

The compiler does not vectorise element loops by itself: it cannot know that numba's arrays do not overlap. With
this type it needs no luck: `a * b + c` of eight quadrature points (or nodes) reads as the formula of one. Products
that feed sums may fuse into one rounding (LLVM's `contract`); sums are never reordered, infinities and NaN keep their
meaning.
"""

from __future__ import annotations

import operator

from llvmlite import ir  # type: ignore[import-untyped]  # ships no types
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_BITS = ir.VectorType(ir.IntType(64), LANES)


class Lanes(types.Type):  # type: ignore[misc]  # numba has no types
    """Numba type of eight doubles."""

    def __init__(self):
        super().__init__(name="lanes")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]  # numba has no types
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _VECTOR)


def _constant(value):
    return ir.Constant(_VECTOR, [ir.Constant(ir.DoubleType(), value)] * LANES)


def _splat(builder, value):
    """Fill eight lanes with one double."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


_PAIRS = ((lanes, lanes), (lanes, types.float64), (types.float64, lanes))


def _register(function, operation):
    """Teach numba one arithmetic operator on lanes, and on lanes with a double."""

    @infer_global(function)
    class _Typing(ConcreteTemplate):
        cases = [signature(lanes, *pair) for pair in _PAIRS]  # noqa: RUF012  # numba reads a plain list

    for pair in _PAIRS:

        @lower_builtin(function, *pair)
        def _lower(context, builder, sig, args):
            vectors = [
                a if t is lanes or isinstance(t, Lanes) else _splat(builder, a)
                for a, t in zip(args, sig.args, strict=True)
            ]
            return getattr(builder, operation)(*vectors, flags=("contract",))


_register(operator.add, "fadd")
_register(operator.sub, "fsub")
_register(operator.mul, "fmul")
_register(operator.truediv, "fdiv")


@infer_global(operator.neg)
class _Negative(ConcreteTemplate):  # type: ignore[misc]  # numba has no types
    cases = [signature(lanes, lanes)]  # noqa: RUF012  # numba reads a plain list


@lower_builtin(operator.neg, lanes)
def _negative(context, builder, sig, args):
    return builder.fneg(args[0])


def _address(context, builder, array_type, array, row):
    """Pointer to vector number `row` of a C-contiguous array of doubles."""
    data = context.make_array(array_type)(context, builder, array).data
    offset = builder.mul(row, ir.Constant(row.type, LANES))
    return builder.bitcast(builder.gep(data, [offset]), _VECTOR.as_pointer())


@intrinsic
def load(typingctx, array, row):
    """Return doubles ``8 * row`` to ``8 * row + 7`` of a C-contiguous array of any shape."""

    def generate(context, builder, sig, args):
        return builder.load(_address(context, builder, sig.args[0], *args), align=8)

    return lanes(array, types.int64), generate


@intrinsic
def store(typingctx, value, array, row):
    """Write eight doubles to vector number `row` of a C-contiguous array of any shape."""

    def generate(context, builder, sig, args):
        builder.store(args[0], _address(context, builder, sig.args[1], *args[1:]), align=8)
        return context.get_dummy_value()

    return types.void(lanes, array, types.int64), generate


@intrinsic
def splat(typingctx, value):
    """Fill eight lanes with one double."""

    def generate(context, builder, sig, args):
        return _splat(builder, args[0])

    return lanes(types.float64), generate


def _vector_function(name, arguments):
    """Make an intrinsic of the LLVM function `name` of vectors."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * arguments)

    def generate(context, builder, sig, args):
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f64"), args)

    def one(typingctx, value):
        return lanes(lanes), generate

    def two(typingctx, first, second):
        return lanes(lanes, lanes), generate

    return intrinsic(one if arguments == 1 else two)


root = _vector_function("sqrt", 1)
absolute = _vector_function("fabs", 1)
nearest = _vector_function("rint", 1)
lesser = _vector_function("minnum", 2)
greater = _vector_function("maxnum", 2)
with_sign = _vector_function("copysign", 2)


@intrinsic
def choose(typingctx, test, positive, otherwise):
    """Per lane: `positive` where `test` > 0, else `otherwise`."""

    def generate(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered(">", args[0], _constant(0.0)), args[1], args[2])

    return lanes(lanes, lanes, lanes), generate


def _fold(builder, value, combine):
    """Combine lanes by halves: a fixed order, so the same bits everywhere."""
    width = LANES
    while width > 1:
        width //= 2
        low = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(width)))
        high = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(width, 2 * width)))
        value = combine(builder.shuffle_vector(value, value, low), builder.shuffle_vector(value, value, high))
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


@intrinsic
def total(typingctx, value):
    """Sum of the lanes, by halves."""

    def generate(context, builder, sig, args):
        return _fold(builder, args[0], builder.fadd)

    return types.float64(lanes), generate


@intrinsic
def lowest(typingctx, value):
    """Least lane; NaN counts as less than any number."""

    def generate(context, builder, sig, args):
        def combine(a, b):
            smaller = builder.select(builder.fcmp_unordered("<", a, b), a, b)
            return builder.select(builder.fcmp_unordered("uno", b, b), b, smaller)

        return _fold(builder, args[0], combine)

    return types.float64(lanes), generate


@intrinsic
def scale_two(typingctx, value):
    """2 to the power of lanes that hold integers from -1022 to 1023."""

    def generate(context, builder, sig, args):
        shifted = builder.fadd(args[0], _constant(1023.0))
        exponent = builder.shl(builder.fptosi(shifted, _BITS), ir.Constant(_BITS, [52] * LANES))
        return builder.bitcast(exponent, _VECTOR)

    return lanes(lanes), generate


@intrinsic
def split_two(typingctx, value):
    """Mantissa in [sqrt(1/2), sqrt(2)) and exponent of positive normal lanes, as a pair."""

    def generate(context, builder, sig, args):
        bits = builder.bitcast(args[0], _BITS)

        def same(number):
            return ir.Constant(_BITS, [number] * LANES)

        # Bits of sqrt(1/2): subtracting them carries into the exponent exactly where the mantissa passes sqrt(2).
        half_root = 0x3FE6A09E667F3BCD
        steps = builder.ashr(builder.sub(bits, same(half_root)), same(52))
        mantissa = builder.sub(bits, builder.shl(steps, same(52)))
        pair = (builder.bitcast(mantissa, _VECTOR), builder.sitofp(steps, _VECTOR))
        return context.make_tuple(builder, sig.return_type, pair)

    return types.UniTuple(lanes, 2)(lanes), generate


@intrinsic
def transpose(typingctx, source, first, step, target, row):
    """Transpose eight vectors `first`, `first + step`, ... of `source` to `row`, `row + 1`, ... of `target`."""

    def generate(context, builder, sig, args):
        start = _address(context, builder, sig.args[0], args[0], args[1])
        stop = _address(context, builder, sig.args[3], args[3], args[4])

        rows = []
        for k in range(LANES):
            away = builder.mul(args[2], ir.Constant(ir.IntType(64), k))
            rows.append(builder.load(builder.gep(start, [away]), align=8))
        for step in (1, 2, 4):
            mixed = [None] * LANES
            for k in range(LANES):
                if k & step:
                    continue
                low, high = [], []
                for lane in range(LANES):
                    if lane & step:
                        low.append(LANES + lane - step)
                        high.append(LANES + lane)
                    else:
                        low.append(lane)
                        high.append(lane + step)
                for out, picks in ((k, low), (k + step, high)):
                    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), picks)
                    mixed[out] = builder.shuffle_vector(rows[k], rows[k + step], mask)
            rows = mixed
        for k in range(LANES):
            builder.store(rows[k], builder.gep(stop, [ir.Constant(ir.IntType(64), k)]), align=8)
        return context.get_dummy_value()

    return types.void(source, types.int64, types.int64, target, types.int64), generate
