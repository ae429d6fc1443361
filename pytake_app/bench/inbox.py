"""`./pytake bench inbox`: the shared inbox and its queues under load. One JSON line a part."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pytake_app.bench import inbox_desk, inbox_distribution

PARTS = ("distribution", *inbox_desk.PARTS)


def run(argv: Sequence[str]) -> int:
    """Measure every part, or those named.

    Parameters:
        argv: `--only distribution,list,search,live,pixel`, and sizes of the parts.
    """
    parser = argparse.ArgumentParser(prog="./pytake bench inbox", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"comma-separated parts (all: {', '.join(PARTS)})")
    inbox_desk.add_options(parser)
    options = parser.parse_args(list(argv))
    wanted = options.only.split(",")
    if unknown := sorted(set(wanted) - set(PARTS)):
        parser.error(f"no such part: {', '.join(unknown)}")
    failed = inbox_distribution.measure() if "distribution" in wanted else 0
    desk = [part for part in wanted if part in inbox_desk.PARTS]
    if desk:
        inbox_desk.measure(desk, options)
    return failed
