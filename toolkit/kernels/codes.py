"""Prefix codes and packed numbers, compiled: each kernel appends to a bit stream or reads from one.

A stream is written into 64-bit words, from the top bit of word 0 on, and read from bytes, so that its bits stand in the
order of ``np.unpackbits``. The plain twin of a code's kernels is the code's method `word`, which spells out one code
word. Numbers are below 2⁵², which keeps the code words of Elias delta and omega within one word.

A writer returns the position after its last bit; its caller has made room. A reader, of at least 8 bytes, never looks
beyond them: where they end it sees zeros, and where they make no sense it returns `DAMAGED`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from toolkit.kernels.compiled import kernel

__all__ = [
    "DAMAGED",
    "read_delta",
    "read_gamma",
    "read_golomb",
    "read_numbers",
    "read_omega",
    "read_rice",
    "read_words",
    "survey",
    "write_delta",
    "write_gamma",
    "write_golomb",
    "write_numbers",
    "write_omega",
    "write_rice",
    "write_words",
]

U = np.uint64  # mixed with signed numbers, unsigned ones would become floating-point numbers
DAMAGED = U(2**64 - 1)  # an end no data have
LARGEST = U(2**52 - 1)


@kernel(forceinline=True)
def put(words, at, value, length):
    """Append the last `length` bits of `value`, 1 to 64 of them, the others being zero; no branch."""
    word, used = at >> U(6), at & U(63)
    left = value << (U(64) - length)
    words[word] |= left >> used
    words[word + U(1)] = (left << U(1)) << (U(63) - used)
    return at + length


@kernel(forceinline=True)
def window(data, at):
    """Return the next bits of at least 8 bytes, the first bit on top: 57 or more of them, or all; then zeros."""
    byte = min(at >> U(3), U(data.size) - U(8))
    w = (U(data[byte]) << U(56)) | (U(data[byte + U(1)]) << U(48)) | (U(data[byte + U(2)]) << U(40))
    w |= (U(data[byte + U(3)]) << U(32)) | (U(data[byte + U(4)]) << U(24)) | (U(data[byte + U(5)]) << U(16))
    w |= (U(data[byte + U(6)]) << U(8)) | U(data[byte + U(7)])  # the compiler makes one load of all this
    passed = at - (byte << U(3))
    return w << passed if passed < U(64) else U(0)


def leading_zeros(typing, w):
    """Return the number of leading zeros of 64 bits: one instruction."""

    def generate(context, builder, signature, arguments):
        return builder.ctlz(arguments[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate


zeros: Any = intrinsic(leading_zeros)


@kernel(forceinline=True)
def top(n):
    """Return ⌊log2 n⌋ for n ≥ 1."""
    return U(63) - zeros(n)


@kernel
def survey(values):
    """Return Σ ⌊n / 2²⁶⌋, Σ n mod 2²⁶, and whether all n are from 1 to 2⁵² − 1."""
    high, low, digits = U(0), U(0), U(0)
    for i in range(values.size):
        n = U(values[i])
        high += n >> U(26)
        low += n & U(2**26 - 1)
        digits |= n | (n - U(1))  # 0 − 1 has all of them
    return high, low, digits <= LARGEST


@kernel
def write_numbers(words, at, values, width):
    """Append numbers of `width` bits each, 1 to 64."""
    at, width = U(at), U(width)
    for i in range(values.size):
        at = put(words, at, values[i], width)
    return at


@kernel
def read_numbers(data, at, out, width):
    """Read numbers of `width` bits each."""
    at, width = U(at), U(width)
    low = width - U(32) if width > U(32) else U(0)  # a window may be too short for the whole
    high = width - low
    for i in range(out.size):
        out[i] = window(data, at) >> (U(64) - high)
        if low:
            out[i] = (out[i] << low) | (window(data, at + high) >> (U(64) - low))
        at += width
    return at


@kernel
def write_gamma(words, at, values):
    """Append Elias gamma: as many zeros as the binary number has further digits, then the number."""
    at = U(at)
    for i in range(values.size):
        n = U(values[i])
        digits = top(n)
        if digits > U(31):
            at = put(words, at, U(0), digits)
            at = put(words, at, n, digits + U(1))
        else:
            at = put(words, at, n, U(2) * digits + U(1))
    return at


@kernel
def read_gamma(data, at, out):
    """Read Elias gamma."""
    at = U(at)
    for i in range(out.size):
        digits = zeros(window(data, at))
        if digits > U(51):
            return DAMAGED
        at += digits
        out[i] = np.int64(window(data, at) >> (U(63) - digits))
        at += digits + U(1)
    return at


@kernel
def write_delta(words, at, values):
    """Append Elias delta: the number of binary digits in Elias gamma, then the digits after the leading one."""
    at = U(at)
    for i in range(values.size):
        n = U(values[i])
        digits = top(n)
        rest = n ^ (U(1) << digits)
        at = put(words, at, ((digits + U(1)) << digits) | rest, U(2) * top(digits + U(1)) + U(1) + digits)
    return at


@kernel
def read_delta(data, at, out):
    """Read Elias delta."""
    at = U(at)
    for i in range(out.size):
        w = window(data, at)
        further = zeros(w)
        if further > U(5):
            return DAMAGED
        digits = (w >> (U(63) - U(2) * further)) - U(1)
        if digits > U(51):
            return DAMAGED
        at += U(2) * further + U(1)
        out[i] = np.int64((U(1) << digits) | ((window(data, at) >> U(1)) >> (U(63) - digits)))
        at += digits
    return at


@kernel
def write_omega(words, at, values):
    """Append Elias omega: the number, before it the number of its further digits, and so on; then a zero."""
    at = U(at)
    for i in range(values.size):
        n, word, length = U(values[i]), U(0), U(1)
        while n > U(1):
            word |= n << length
            digits = top(n)
            length += digits + U(1)
            n = digits
        at = put(words, at, word, length)
    return at


@kernel
def read_omega(data, at, out):
    """Read Elias omega."""
    at = U(at)
    for i in range(out.size):
        n, w = U(1), window(data, at)
        while w >> U(63):
            if n > U(51):
                return DAMAGED
            at += n + U(1)
            n = w >> (U(63) - n)
            w = window(data, at)
        at += U(1)
        out[i] = np.int64(n)
    return at


@kernel(forceinline=True)
def put_ones(words, at, quotient):
    """Append ones until at most 11 are left, which fit into one word with any remainder; return how many are left."""
    while quotient > U(11):
        ones = min(quotient - U(11), U(64))
        at = put(words, at, U(2**64 - 1) >> (U(64) - ones), ones)
        quotient -= ones
    return at, quotient


@kernel(forceinline=True)
def quotient_and_window(data, at, digits):
    """Return the number of ones before the next zero, and a window at the `digits` bits after it."""
    quotient, w = U(0), window(data, at)
    while w >> U(32) == U(0xFFFFFFFF):  # ends where the data end: there are zeros
        quotient += U(32)
        w = window(data, at + quotient)
    ones = zeros(~w)
    quotient += ones
    if ones + digits < U(57):
        w <<= ones + U(1)
    else:
        w = window(data, at + quotient + U(1))
    return quotient, w


@kernel
def write_rice(words, at, values, digits):
    """Append the quotient of n − 1 by 2^digits as ones and a zero, then the remainder."""
    at, digits = U(at), U(digits)
    for i in range(values.size):
        n = U(values[i] - 1)
        at, quotient = put_ones(words, at, n >> digits)
        unary = (U(2) << quotient) - U(2)
        remainder = n & ((U(1) << digits) - U(1))
        at = put(words, at, (unary << digits) | remainder, quotient + U(1) + digits)
    return at


@kernel
def read_rice(data, at, out, digits):
    """Read Rice code words."""
    at, digits = U(at), U(digits)
    for i in range(out.size):
        quotient, w = quotient_and_window(data, at, digits)
        if quotient > LARGEST >> digits:
            return DAMAGED
        out[i] = np.int64((quotient << digits) | ((w >> U(1)) >> (U(63) - digits))) + 1
        at += quotient + U(1) + digits
    return at


@kernel
def write_golomb(words, at, values, m):
    """Append the quotient of n − 1 by m ≥ 2 as ones and a zero, then the remainder in truncated binary."""
    at, m = U(at), U(m)
    digits = top(m - U(1)) + U(1)
    spare = (U(1) << digits) - m  # so many remainders are a digit shorter
    for i in range(values.size):
        n = U(values[i] - 1)
        quotient = n // m
        remainder = n - quotient * m
        short = remainder < spare
        remainder += U(0) if short else spare
        at, quotient = put_ones(words, at, quotient)
        unary = (U(2) << quotient) - U(2)
        width = digits - U(short)
        at = put(words, at, (unary << width) | remainder, quotient + U(1) + width)
    return at


@kernel
def read_golomb(data, at, out, m):
    """Read Golomb code words, m ≥ 2."""
    at, m = U(at), U(m)
    digits = top(m - U(1)) + U(1)
    spare = (U(1) << digits) - m
    for i in range(out.size):
        quotient, w = quotient_and_window(data, at, digits)
        if quotient > LARGEST // m:
            return DAMAGED
        remainder = w >> (U(64) - digits)
        short = remainder >> U(1) < spare
        remainder = remainder >> U(1) if short else remainder - spare
        at += quotient + U(1) + digits - U(short)
        out[i] = np.int64(quotient * m + remainder) + 1
    return at


@kernel
def write_words(words, at, numbers, codes, lengths):
    """Append the code word of each symbol number."""
    at = U(at)
    for i in range(numbers.size):
        symbol = numbers[i]
        at = put(words, at, codes[symbol], U(lengths[symbol]))
    return at


@kernel
def read_words(data, at, out, of_length):
    """Read the words of a canonical prefix code, of_length[i] of length i ≤ 57, as numbers in canonical order."""
    at = U(at)
    last = np.zeros(of_length.size, np.uint64)  # the last word of each length, or of all shorter ones, then ones
    start = np.zeros(of_length.size, np.int64)  # the number of its first word less that word
    word, number, shortest, longest = U(0), 0, 0, 0
    for length in range(1, of_length.size):
        word <<= U(1)
        start[length] = number - np.int64(word)
        word += U(of_length[length])
        number += of_length[length]
        last[length] = (word << U(64 - length)) - U(1)
        if of_length[length]:
            shortest, longest = length if shortest == 0 else shortest, length
    for i in range(out.size):
        w, length = window(data, at), shortest
        while length < longest and w > last[length]:
            length += 1
        out[i] = np.int64(w >> U(64 - length)) + start[length]
        at += U(length)
    return at
