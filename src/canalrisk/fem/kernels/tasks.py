"""Counters shared by the workers of one parallel region, and the order in which workers take tasks.

Tasks stand in an order in which each comes after those it waits for. Workers take the next one, whichever they
are, and wait until its inputs are there: a task's own arithmetic is fixed, so bits do not depend on who does it.
With one worker nothing ever waits.
"""

from __future__ import annotations

import ctypes
import sys

import llvmlite.binding  # type: ignore[import-untyped]  # ships no types
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from canalrisk._jit import part_kernel

# Columns of a task: what to do, on which front, with which parts, after which two counts, and where to count it.
KIND, FRONT, PART, OTHER, WAIT, COUNT, WAIT2, COUNT2, POST = range(9)
SPINS = 200

if sys.platform == "win32":
    _give_way = ctypes.WinDLL("kernel32").SwitchToThread
else:
    _give_way = ctypes.CDLL(None).sched_yield
llvmlite.binding.add_symbol("canalrisk_give_way", ctypes.cast(_give_way, ctypes.c_void_p).value)
give_way = types.ExternalFunction("canalrisk_give_way", types.intc())


def _address(context, builder, signature, arguments):
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return cgutils.get_item_pointer(
        context, builder, signature.args[0], array, [arguments[1]], wraparound=False, boundscheck=False
    )


@intrinsic
def address(typing, array, index):
    """Address of ``array[index]``; much less code than a slice's `.ctypes`."""

    def generate(context, builder, signature, arguments):
        return _address(context, builder, signature, arguments)

    return types.CPointer(array.dtype)(array, types.int64), generate


@intrinsic
def add(typing, counters, index):
    """Add 1 to ``counters[index]`` and return what was there, as one indivisible act."""

    def generate(context, builder, signature, arguments):
        pointer = _address(context, builder, signature, arguments)
        return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "acq_rel")

    return types.int64(counters, types.int64), generate


@intrinsic
def read(typing, counters, index):
    """Value of ``counters[index]``, with everything its writers did before it visible."""

    def generate(context, builder, signature, arguments):
        pointer = _address(context, builder, signature, arguments)
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(counters, types.int64), generate


@part_kernel
def wait(counters, index, count):
    """Return when ``counters[index]`` has reached `count`."""
    tries = 0
    while read(counters, index) < count:
        tries += 1
        if tries > SPINS:
            give_way()
