"""What a processor can do and Python has no word for: compare many numbers into bits, find a bit, ask for memory ahead,
and keep the sums of a matrix product in its registers.

Said to the compiler in its own terms, which every processor has; how wide its vectors are is the compiler's business.
"""

from __future__ import annotations

from typing import Any

import numba.extending
from llvmlite import ir
from numba import types
from numba.core import cgutils

from toolkit.kernels.compiled import kernel

__all__ = ["HIGH", "LANES", "WIDE", "ask_for", "ask_for_both", "line", "lowest", "negative", "reaching", "tile"]

intrinsic: Any = numba.extending.intrinsic  # what it makes is called from compiled code, with one argument less

LANES = 64  # numbers whose comparison makes one word of bits
LINE = 64  # bytes that are loaded together
HIGH, WIDE = 4, 8  # rows and columns of a tile of a product, whose sums fit in the registers of every processor


@intrinsic
def lowest(context: Any, bits: Any) -> Any:
    """Return the position of the lowest set bit of a 64-bit word, 64 if there is none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.int64(types.uint64), generate


def _compared(context: Any, builder: Any, array: Any, type_of: Any, start: Any, t: Any, sign: str, size: bool) -> Any:
    """Return the bits of `x sign t`, or of `|x| sign t` if only the size counts, for the numbers from `start`."""
    real = context.get_data_type(type_of.dtype)
    numbers = ir.VectorType(real, LANES)
    place = builder.gep(context.make_array(type_of)(context, builder, array).data, [start])
    x = builder.load(builder.bitcast(place, numbers.as_pointer()))
    x.align = type_of.dtype.bitwidth // 8
    if size:
        word = ir.IntType(type_of.dtype.bitwidth)
        pattern = builder.bitcast(x, ir.VectorType(word, LANES))
        unsigned = builder.and_(pattern, ir.VectorType(word, LANES)([2 ** (word.width - 1) - 1] * LANES))
        x = builder.bitcast(unsigned, numbers)
    return builder.bitcast(builder.fcmp_ordered(sign, x, _everywhere(builder, t, LANES)), ir.IntType(LANES))


def _everywhere(builder: Any, number: Any, lanes: int) -> Any:
    """Return a vector of one number."""
    one = builder.insert_element(
        ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined), number, ir.IntType(32)(0)
    )
    return builder.shuffle_vector(one, one, ir.VectorType(ir.IntType(32), lanes)([0] * lanes))


@intrinsic
def _negative(context: Any, x: Any, start: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zero = context.get_data_type(signature.args[0].dtype)(0.0)
        return _compared(context, builder, arguments[0], signature.args[0], arguments[1], zero, "<", False)

    return types.uint64(x, types.intp), generate


@intrinsic
def _reaching(context: Any, x: Any, start: Any, t: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, start, t = arguments
        return _compared(context, builder, x, signature.args[0], start, t, ">=", True)

    return types.uint64(x, types.intp, x.dtype), generate


@kernel
def negative(x, start):
    """Return a word whose bit i is set if x[start + i] is negative, of those of 64 numbers that there are."""
    if start + LANES <= x.size:
        return _negative(x, start)
    word = types.uint64(0)
    for i in range(start, x.size):
        word |= types.uint64(x[i] < 0) << types.uint64(i - start)
    return word


@kernel
def reaching(x, start, t):
    """Return a word whose bit i is set if |x[start + i]| is at least t, of those of 64 numbers that there are."""
    if start + LANES <= x.size:
        return _reaching(x, start, t)
    word = types.uint64(0)
    for i in range(start, x.size):
        word |= types.uint64(abs(x[i]) >= t) << types.uint64(i - start)
    return word


@intrinsic
def _ask(context: Any, array: Any, index: Any) -> Any:
    """Begin to load the line of one number, without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        fetch = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0")
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        read, soon, numbers = word(0), word(2), word(1)
        builder.call(fetch, [address, read, soon, numbers])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@kernel
def ask_for(x, start, stop):
    """Ask for x[start:stop], as far as there is such a thing: it is loaded while something else is worked on."""
    for i in range(start, min(stop, x.size), LINE // x.itemsize):
        _ask(x, i)


@kernel
def ask_for_both(x, y, start, stop):
    """Ask for x[start:stop] and y[start:stop]."""
    for i in range(start, min(stop, x.size), LINE // x.itemsize):
        _ask(x, i)
        _ask(y, i)


def _product(rows: int) -> Any:
    @intrinsic
    def product(context: Any, x: Any, row: Any, a: Any, column: Any, out: Any) -> Any:
        """Write the sums over j of x[row + i, j]·a[j, column:column + WIDE], in the order of j, for the `rows` i."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds, (_, row, _, column, _) = signature.args, arguments
            left, right, result = (context.make_array(kinds[i])(context, builder, arguments[i]) for i in (0, 2, 4))
            index, number = ir.IntType(64), context.get_data_type(kinds[0].dtype)
            numbers = ir.VectorType(number, WIDE)
            length, stride = (builder.extract_value(array.shape, 1) for array in (left, right))
            lines = [builder.add(row, index(i)) for i in range(rows)]
            starts = [builder.gep(left.data, [builder.mul(line, length)]) for line in lines]
            sums = [cgutils.alloca_once_value(builder, ir.Constant(numbers, None)) for _ in lines]
            with cgutils.for_range(builder, length, intp=index) as loop:
                place = builder.gep(right.data, [builder.add(builder.mul(loop.index, stride), column)])
                factors = builder.load(builder.bitcast(place, numbers.as_pointer()))
                factors.align = kinds[2].dtype.bitwidth // 8
                for start, total in zip(starts, sums, strict=True):
                    every = _everywhere(builder, builder.load(builder.gep(start, [loop.index])), WIDE)
                    builder.store(builder.fadd(builder.load(total), builder.fmul(every, factors)), total)
            for line, total in zip(lines, sums, strict=True):
                place = builder.gep(result.data, [builder.add(builder.mul(line, stride), column)])
                written = builder.store(builder.load(total), builder.bitcast(place, numbers.as_pointer()))
                written.align = kinds[4].dtype.bitwidth // 8
            return context.get_dummy_value()

        return types.void(x, types.intp, a, types.intp, out), generate

    return product


tile, line = _product(HIGH), _product(1)
