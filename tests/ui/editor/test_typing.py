"""Typed text goes out soon after the last key, and a sentence in two messages at most, however fast one types."""

import json
import random
import subprocess
from pathlib import Path

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
