"""Typed text goes out soon after the last key, and a sentence in two messages at most, however fast one types."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.ui.editor.test_convergence import BUN, browser_modules


@pytest.fixture(scope="module")
def sync_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser's own `Sync`, where bun can import it."""
    return browser_modules(tmp_path_factory.mktemp("typing"))


@pytest.mark.parametrize(("gap", "soonest"), [(12, 200), (60, 200), (110, 240), (200, 420), (330, 620)])
def test_a_sentence_is_at_most_two_messages(sync_module: Path, gap: int, soonest: int) -> None:
    chance = random.Random(gap)
    gaps = [0, *(round(gap * chance.uniform(0.75, 1.25)) for _ in range(40))]
    script = Path(__file__).with_name("typing.js")
    done = subprocess.run(
        [str(BUN), str(script), str(sync_module), json.dumps(gaps)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    seen = json.loads(done.stdout)
    assert seen["whole"]
    assert seen["sends"] <= 2
    assert seen["after"] <= soonest  # milliseconds of quiet


def _checked(folder: Path, gaps: list[int], server: dict[str, int]) -> dict[str, Any]:
    script = Path(__file__).with_name("checking.js")
    done = subprocess.run(
        [str(BUN), str(script), str(folder), json.dumps(gaps), json.dumps(server)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stderr == ""
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize("gap", [12, 60, 110, 135, 150, 200, 330, 700, 3500])
@pytest.mark.parametrize("answer", [30, 80])
def test_the_findings_of_what_was_typed_stand_soon_after_the_last_key(sync_module: Path, gap: int, answer: int) -> None:
    chance = random.Random(gap)
    gaps = [0, *(round(gap * chance.uniform(0.75, 1.25)) for _ in range(40))]
    seen = _checked(sync_module.parent, gaps, {"answer": answer})
    assert seen["shown"] == seen["held"] == seen["typed"]
    assert seen["after"] <= 300  # milliseconds


@pytest.mark.parametrize("gap", [200, 330, 700])
def test_a_busy_server_is_not_asked_at_every_key(sync_module: Path, gap: int) -> None:
    seen = _checked(sync_module.parent, [gap] * 60, {"answer": 400})
    assert seen["shown"] == seen["held"] == seen["typed"]
    assert seen["spent"] <= 0.35 * seen["over"]


def test_findings_of_a_refused_edit_do_not_stay(sync_module: Path) -> None:
    seen = _checked(sync_module.parent, [0, 400, 400], {"answer": 30, "refuse": 0})
    assert seen["shown"] == seen["held"]
