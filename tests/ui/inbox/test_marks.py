"""An open thread asks what has become of what was sent: what was told to nobody shows soon, and asking calms down."""

import json
import re
import subprocess
from pathlib import Path

from tests.ui.inbox.test_items import BUN, JS

STUBS = {
    "api": "export const api = globalThis.pretended.api;",
    "inbox_store": 'export const BASE = "/c"; export const state = globalThis.pretended.state;',
    "inbox_stream": "export const stream = globalThis.pretended.stream;",
}


def test_marks_that_nobody_told_of_are_asked_for(tmp_path: Path) -> None:
    for name in ("inbox_marks", "inbox_told"):
        source = (JS / f"{name}.js").read_text(encoding="utf-8")
        (tmp_path / f"pt_{name}.js").write_text(re.sub(r'"\$/public/', '"./', source), encoding="utf-8")
    for name, source in STUBS.items():
        (tmp_path / f"pt_{name}.js").write_text(source, encoding="utf-8")
    script = Path(__file__).with_name("marks.js")
    done = subprocess.run(
        [str(BUN), str(script), str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    # Three seconds after it was sent, then less and less often; the message that stands before it isn't asked for.
    assert seen["asked"] == [3, 9, 21, 36, 51]
    assert seen["addresses"] == ["/c/talk/messages?limit=2"]
    assert seen["told"] == [["mine", "delivered"]]
    # A change begins anew; of a phone that is off once a minute; a hidden page and settled marks ask nothing.
    assert seen["after_change"] == 4  # seen a second later, then three
    assert seen["calm"] == 60
    assert seen["hidden"] == 0
    assert seen["settled"] == 0
    # What was told of while a list was on its way is read again after it.
    assert seen["again"] == [["talk"]]
