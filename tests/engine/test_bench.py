"""The benchmark runs, and its figures are in the right region."""

from __future__ import annotations

import json

import pytest

from pytake_app.bench import engine


@pytest.mark.perf
def test_bench_engine(capsys: pytest.CaptureFixture[str]) -> None:
    engine.run(["--seconds", "0.5"])
    line = json.loads(capsys.readouterr().out)
    assert line["nodes"] == 30
    assert line["session_bytes_max"] <= 8_192
    assert line["visits_per_s"] > 10_000  # 30,000 and more on an idle core; the margin is for a busy one
