"""`./pytake bench inbox`: the shared inbox and its queues under load. One JSON line a part."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence

# Modules of this package, each with a `measure()` that prints JSON lines.
PARTS = {"distribution": "inbox_distribution"}


def run(argv: Sequence[str]) -> int:
    """Measure every part, or the one named.

    Parameters:
        argv: `--only distribution`.
    """
    parser = argparse.ArgumentParser(prog="./pytake bench inbox", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), help="measure one part")
    options = parser.parse_args(argv)
    failed = 0
    for part in [options.only] if options.only else PARTS:
        failed |= importlib.import_module(f"pytake_app.bench.{PARTS[part]}").measure()
    return failed
