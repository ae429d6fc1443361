"""`./pytake chaos`: faults at random against the running product; the verdict is the exit status."""

from __future__ import annotations

import argparse
import random
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pytake_app.chaos.checker import summary
from pytake_app.chaos.faults import FAULTS
from pytake_app.chaos.rounds import choose, play
from pytake_app.chaos.stage import stage


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser(
        prog="./pytake chaos",
        description="Do harm to the product's own processes under load, and prove that nothing was lost, sent twice or "
        "answered out of order. Exit status 1 when a promise was broken; the evidence is then kept.",
        epilog="faults: " + ", ".join(f"{name} ({fault.text})" for name, fault in FAULTS.items()),
    )
    made.add_argument("--minutes", type=float, default=5.0, help="no round begins later than this (5)")
    made.add_argument("--seed", type=int, help="of the choice of faults and messages; made up and printed unless given")
    made.add_argument("--only", default="", help="comma-separated faults to choose from; all unless given")
    made.add_argument(
        "--in-turn", action="store_true", help="each fault once, in the list's order, instead of at random"
    )
    made.add_argument("--rate", type=float, default=80.0, help="messages a second (80)")
    made.add_argument("--people", type=int, default=60, help="who write (60)")
    made.add_argument("--evidence", type=Path, default=Path("test-results/chaos"), help="where evidence is kept")
    return made


def run(argv: Sequence[str]) -> int:
    """Play rounds; a line each. Returns the exit status."""
    options = parser().parse_args(list(argv))
    names = [name for name in options.only.split(",") if name] or list(FAULTS)
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        parser().error(f"no such fault: {', '.join(unknown)}")
    seed = options.seed if options.seed is not None else secrets.randbelow(10**6)
    chooser = random.Random(seed)
    # Leave nothing running behind when told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"seed {seed}, {options.rate:g} messages a second from {options.people} people", flush=True)
    messages = rounds = 0
    began = time.monotonic()
    with stage(rate=options.rate, people=options.people, seed=seed) as playing:
        queue = list(names)
        while time.monotonic() - began < options.minutes * 60 and (queue or not options.in_turn):
            chosen = (queue.pop(0),) if options.in_turn else choose(names, chooser)
            result = play(playing, chosen, chooser, together=True)
            rounds += 1
            messages += result.messages
            found = summary(result.violations)
            elapsed = time.monotonic() - began
            print(f"{elapsed:6.0f} s  {result.line}; violations: {found}", flush=True)
            if result.violations:
                folder = options.evidence / f"seed-{seed}-round-{rounds}"
                playing.keep_evidence(folder, result.violations)
                for violation in result.violations[:20]:
                    print(f"          {violation}", flush=True)
                print(f"BROKEN after {rounds} rounds and {messages} messages; evidence in {folder}", flush=True)
                return 1
    print(f"KEPT: {rounds} rounds, {messages} messages; none lost, none sent twice, all in order", flush=True)
    return 0
