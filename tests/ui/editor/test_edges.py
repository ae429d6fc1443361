"""Names of edges: where they stand, and that they lie on no card between."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ui.editor.test_convergence import BUN, JS

_SCRIPT = """
import { inGap, inMiddle, isFar, liesOn } from "EDGES";
const { edge, middle, text, back, cards } = JSON.parse(await Bun.stdin.text());
const own = inMiddle(edge, middle, text, back);
const gap = inGap(edge, text, back);
console.log(JSON.stringify({ far: isFar(edge), middle: own, gap, covered: liesOn(own, cards) }));
"""
TEXT = "Falar com uma pessoa da equipe"


def placed(
    tmp_path: Path,
    edge: dict[str, float],
    *,
    middle: tuple[float, float] = (0, 0),
    back: bool = False,
    cards: Sequence[dict[str, float]] = (),
) -> dict[str, Any]:
    script = tmp_path / "edges.mjs"
    script.write_text(_SCRIPT.replace("EDGES", str(JS / "editor_edges.js")))
    asked = {"edge": edge, "middle": middle, "text": TEXT, "back": back, "cards": list(cards)}
    done = subprocess.run(
        [BUN, script], input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=True
    )
    return dict(json.loads(done.stdout))


def curve(edge: dict[str, float], x: float) -> float:
    """Height at `x` of the Bézier curve that React Flow draws from a right end to a left one."""
    ends = (edge["sourceX"], edge["targetX"])
    bends = ((ends[0] + ends[1]) / 2,) * 2
    weights = [((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3) for t in (n / 5000 for n in range(5001))]
    points = [
        (a * ends[0] + b * bends[0] + c * bends[1] + d * ends[1], (a + b) * edge["sourceY"] + (c + d) * edge["targetY"])
        for a, b, c, d in weights
    ]
    return min(points, key=lambda point: abs(point[0] - x))[1]


@pytest.mark.parametrize("drop", [0, 90, -700, 1600])
@pytest.mark.parametrize("width", [460, 820, 4000])
def test_a_far_edge_has_its_name_in_the_gap_beside_its_card(tmp_path: Path, width: int, drop: int) -> None:
    edge = {"sourceX": 260.0, "sourceY": 100.0, "targetX": 260.0 + width, "targetY": 100.0 + drop}
    found = placed(tmp_path, edge)
    gap = found["gap"]
    assert found["far"]
    assert gap["words"] == "Falar"  # what the gap has room for, in whole words
    half = (18 + 6.4 * len(gap["words"])) / 2
    assert gap["x"] - half > 260
    assert gap["x"] + half < 260 + 96  # where auto-layout's next column begins
    assert gap["y"] == pytest.approx(curve(edge, gap["x"]), abs=1)


def test_in_the_middle_unless_a_card_lies_there(tmp_path: Path) -> None:
    edge = {"sourceX": 260.0, "sourceY": 0.0, "targetX": 1080.0, "targetY": 0.0}
    free = placed(tmp_path, edge, middle=(670, 0), cards=[{"x": 360, "y": 40, "width": 260, "height": 200}])
    assert free["middle"] == {"words": TEXT, "x": 670, "y": 0}
    assert not free["covered"]
    card = {"x": 720, "y": -30, "width": 260, "height": 200}
    assert placed(tmp_path, edge, middle=(670, 0), cards=[card])["covered"]


def test_a_near_edge_is_not_far_and_one_that_goes_back_has_its_own_room(tmp_path: Path) -> None:
    near = placed(tmp_path, {"sourceX": 260, "sourceY": 0, "targetX": 360, "targetY": 0}, middle=(310, 0))
    assert not near["far"]
    assert near["middle"]["words"] == ""  # five letters of a longer name would say nothing
    back = placed(tmp_path, {"sourceX": 900, "sourceY": 0, "targetX": 0, "targetY": 0}, middle=(450, -56), back=True)
    assert not back["far"]
    assert (back["middle"]["x"], back["middle"]["y"]) == (450, -56)
    assert (back["gap"]["x"], back["gap"]["y"]) == (948, 0)
