"""A round: load, faults in the middle of it, quiet, verdict."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pytake_app.chaos.checker import Violation
from pytake_app.chaos.faults import FAULTS
from pytake_app.chaos.stage import Stage

WARM_UP = 10
"""Answers before the harm, so that it meets a product at work."""
AFTERWARDS = 10
"""Answers after the harm: the product works again by itself."""


@dataclass(slots=True)
class Round:
    """What came of a round. Times are seconds; `silence` the longest time without any call, `settling` from the last
    webhook until nothing was under way."""

    faults: tuple[str, ...]
    messages: int = 0
    calls: int = 0
    refused_calls: int = 0
    refused_webhooks: dict[int, int] = field(default_factory=dict)
    harm: float = 0.0
    silence: float = 0.0
    settling: float = 0.0
    violations: list[Violation] = field(default_factory=list)

    @property
    def line(self) -> str:
        """One line for people."""
        webhooks = ", ".join(
            f"{count} answered {status or 'nothing'}" for status, count in self.refused_webhooks.items()
        )
        return (
            f"{' + '.join(self.faults):<28} {self.messages:>5} messages {self.calls:>5} calls "
            f"({self.refused_calls} not taken; webhooks: {webhooks or 'all taken'}); harm {self.harm:.1f} s, "
            f"silence {self.silence:.1f} s, settled {self.settling:.1f} s"
        )


def play(
    stage: Stage, names: Sequence[str], chooser: random.Random, *, together: bool = False, patience: float = 60.0
) -> Round:
    """One round.

    Parameters:
        names: of the faults, one after the other; with `together` all at once.
        patience: seconds that everything may take to come to rest.
    """
    result = Round(tuple(names))
    first_call = len(stage.other.calls)
    stage.other.refused.clear()
    began = time.monotonic()
    stage.other.begin()
    try:
        stage.wait_for_answers(WARM_UP)
        harmed = time.monotonic()
        _harm(stage, names, chooser, together=together)
        result.harm = time.monotonic() - harmed
        stage.wait_for_answers(AFTERWARDS)
    except TimeoutError as error:
        result.violations.append(Violation("stuck", 0, str(error)))
    finally:
        stage.other.pause()
    paused = time.monotonic()
    if not stage.settle(patience):
        result.violations.append(Violation("not_settled", 0, f"work was left after {patience:g} s"))
    result.settling = time.monotonic() - paused
    verdict = stage.verdict()
    times = [began, *(call.at for call in stage.other.calls[first_call:])]
    result.silence = max((b - a for a, b in itertools.pairwise(times)), default=0.0)
    result.messages, result.calls = verdict.messages, verdict.calls
    result.refused_calls = verdict.calls - verdict.taken
    result.refused_webhooks = dict(stage.other.refused)
    result.violations += verdict.violations
    return result


def _harm(stage: Stage, names: Sequence[str], chooser: random.Random, *, together: bool) -> None:
    if not together:
        for name in names:
            FAULTS[name].harm(stage, chooser)
        return
    # The servers that a fault starts again end with the thread that started them (PR_SET_PDEATHSIG): that is this one.
    outside = [name for name in names if FAULTS[name].outside]
    with ThreadPoolExecutor(len(names)) as threads:
        begun = [threads.submit(FAULTS[name].harm, stage, random.Random(chooser.random())) for name in outside]
        for name in names:
            if name not in outside:
                FAULTS[name].harm(stage, chooser)
        for done in begun:
            done.result()


def choose(names: Sequence[str], chooser: random.Random) -> tuple[str, ...]:
    """The next round's faults: one, or one of ours and one of the other side at once."""
    name = chooser.choice(list(names))
    fault = FAULTS[name]
    if fault.alone or chooser.random() < 0.5:
        return (name,)
    others = [other for other in names if FAULTS[other].outside != fault.outside and not FAULTS[other].alone]
    return (name, chooser.choice(others)) if others else (name,)
