"""The garbage collector of a process that lives long and allocates much."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNGEST = 20_000
_OLDER = 20


@contextmanager
def loading() -> Iterator[None]:
    """Around the imports of a process: what they make is there to stay, and isn't looked through again and again.

    A fifth of the time until a role is at work went into that.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def settle_heap() -> None:
    """What is loaded now stays: take it out of the collector's sight, and look at the young less often.

    Modules, models and compiled schemas are hundreds of thousands of objects that a full collection would walk again
    and again (a fifth of a busy worker's time was spent so). Call it once, when a process has loaded what it needs.
    """
    gc.unfreeze()  # what `loading` has left
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNGEST, _OLDER, _OLDER)


@contextmanager
def undisturbed() -> Iterator[None]:
    """While a batch is handled nothing is collected: all that it makes is in use until it ends, and a collection in the
    middle only walks it (an eighth of a busy worker's time). What it leaves is looked at right afterwards, as much as
    ever. Of a process that has one batch at a time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
