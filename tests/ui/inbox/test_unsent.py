"""Messages that haven't left stay in the browser until they have, for the person who wrote them."""

import json
import re
import subprocess
from pathlib import Path

from tests.ui.inbox.test_items import BUN, JS

KIT = """
export const kept = (name, spare) => JSON.parse(localStorage.getItem(name)) ?? spare;
export const keep = (name, value) =>
  value ? localStorage.setItem(name, JSON.stringify(value)) : localStorage.removeItem(name);
"""


def test_unsent_messages_come_back_for_who_wrote_them(tmp_path: Path) -> None:
    source = (JS / "inbox_unsent.js").read_text(encoding="utf-8")
    (tmp_path / "pt_inbox_unsent.js").write_text(re.sub(r'"\$/public/', '"./', source), encoding="utf-8")
    (tmp_path / "pt_inbox_kit.js").write_text(KIT, encoding="utf-8")
    script = Path(__file__).with_name("unsent.js")
    done = subprocess.run(
        [str(BUN), str(script), str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    pages, after = (json.loads(line) for line in done.stdout.splitlines())
    assert pages["here"] == [["a", "sending", None], ["b", "unsent", "offline"], ["file", "sending", None]]
    assert pages["order"] == ["c1:a", "c1:b", "c1:file", "c2:old"]
    assert pages["before"] == 0
    # A reload: what was on its way may have arrived or not, files are lost, what is old is nobody's wish any more.
    assert pages["after"] == [["a", "unsent", "interrupted"], ["b", "unsent", "offline"]]
    assert pages["old"] == []
    assert pages["other"] == 0
    assert after["left"] == []
