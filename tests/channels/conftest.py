"""Says in the run's summary how many corpus payloads were tried."""

from collections import Counter

import pytest

from tests.channels import corpus


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if corpus.TRIED:
        parts = ", ".join(f"{number} {group}" for group, number in sorted(corpus.TRIED.items()))
        terminalreporter.write_line(f"corpus payloads tried: {sum(corpus.TRIED.values())} ({parts})")
    for reason, number in Counter(corpus.EXCLUDED.values()).items():
        terminalreporter.write_line(f"corpus payloads compared in part or not at all: {number}: {reason}")
    if corpus.corpus_root() is None:
        terminalreporter.write_line("corpus payloads tried: 0 (no corpus beside the checkout; set PYTAKE_CORPUS)")
