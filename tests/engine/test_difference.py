"""What changed between two documents."""

from typing import Any

from pytake_app.engine.difference import difference
from pytake_app.engine.document import FlowDocument


def document(*, body: str = "Oi", buttons: str = "ab", x: float = 0, extra: bool = False, **more: Any) -> FlowDocument:
    nodes = [
        {"id": "k", "type": "trigger_keyword", "config": {"words": ["oi"]}},
        {"id": "m", "type": "msg_buttons", "title": "Menu", "position": {"x": x, "y": 0}, "config": {
            "body": body, "buttons": [{"id": key, "title": f"Opção {key}"} for key in buttons]}},
    ]  # fmt: skip
    edges = [{"id": "1", "source": "k", "port": "next", "target": "m"}]
    if extra:
        nodes.append({"id": "n", "type": "msg_text", "config": {"body": "Novo"}})
        edges.append({"id": "2", "source": "m", "port": "option:a", "target": "n"})
    return FlowDocument.model_validate({"nodes": nodes, "edges": edges, **more})


def test_nothing() -> None:
    same = difference(document(), document())
    assert (same.nodes, same.edges, same.settings, same.size.layout_only) == ([], [], [], False)


def test_fields_with_before_and_after_by_the_ids_of_list_items() -> None:
    change = difference(document(), document(body="Olá!", buttons="ca"))
    (node,) = change.nodes
    assert (node.node_id, node.kind, change.size.changed) == ("m", "changed", 1)
    assert [(field.path, field.kind, field.before, field.after) for field in node.fields] == [
        (["body"], "changed", "Oi", "Olá!"),
        (["buttons", "b"], "removed", {"id": "b", "title": "Opção b"}, None),
        (["buttons", "c"], "added", None, {"id": "c", "title": "Opção c"}),
    ]
    (turned,) = difference(document(), document(buttons="ba")).nodes
    assert [(field.path, field.kind, field.after) for field in turned.fields] == [(["buttons"], "order", ["b", "a"])]


def test_new_and_gone_with_their_connections() -> None:
    change = difference(document(), document(extra=True))
    assert [(node.node_id, node.kind) for node in change.nodes] == [("n", "added")]
    assert [(edge.source, edge.port, edge.kind, edge.implied) for edge in change.edges] == [
        ("m", "option:a", "added", True)
    ]
    assert change.size.edges == 0
    back = difference(document(extra=True), document())
    assert [(node.node_id, node.kind) for node in back.nodes] == [("n", "removed")]
    elsewhere = document(extra=True)
    elsewhere.edges[1].target = "k"
    (edge,) = difference(document(extra=True), elsewhere).edges
    assert (edge.kind, edge.before, edge.after, edge.implied) == ("redirected", "n", "k", False)


def test_places_alone_are_layout() -> None:
    change = difference(document(), document(x=64))
    assert [(node.kind, change.size.moved, change.size.layout_only) for node in change.nodes] == [("moved", 1, True)]
    assert not difference(document(), document(x=64, settings={"expiry_minutes": 30})).size.layout_only
    assert difference(document(), document(ui={"viewport": {"x": 4, "y": 4, "zoom": 1}})).nodes == []


def test_settings() -> None:
    change = difference(document(name="A"), document(name="B", settings={"expiry_minutes": 30}))
    assert {tuple(field.path): field.after for field in change.settings} == {
        ("name",): "B", ("settings", "expiry_minutes"): 30,
    }  # fmt: skip
