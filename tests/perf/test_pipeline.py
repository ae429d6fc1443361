"""The pipeline keeps up, and loses nothing while it does. Marks are generous: the machine may be busy."""

import orjson
import pytest

from pytake_app.bench import pipeline


@pytest.mark.perf
@pytest.mark.timeout(180)
def test_sustained_load_is_answered_once_and_in_order(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert pipeline.run(["--seconds", "5", "--only", "sustained", "--in-flight", "100"]) == 0
    *_, line = [line for line in capfd.readouterr().out.splitlines() if '"sustained"' in line]
    figures = orjson.loads(line)
    assert (figures["lost"], figures["duplicated"], figures["out_of_order"]) == (0, 0, 0)
    assert figures["per_second"] >= 50
