"""Files of other products over HTTP: several flows at once, the report, and what is said of a file that is none."""

from typing import Any

import pytest

from tests.api.fixtures import Caller
from tests.flows.importing import files


def import_file(caller: Caller, document: Any, **extra: Any) -> Any:
    return caller.post("/api/v1/flows/import", json={"document": document, **extra})


def test_a_file_with_several_flows(caller: Caller) -> None:
    response = import_file(caller, files.rapidpro())
    assert response.status_code == 201, response.text
    answer = response.json()
    assert (answer["name"], answer["status"], answer["live_version"]) == ("Cores", "draft", None)
    first, second = answer["flows"]
    assert (first["id"], first["source_id"]) == (answer["id"], "f1")
    report = answer["report"]
    assert (report["kind"], report["version"]) == ("rapidpro", "13.1.0")
    assert report["left_out"] == 1
    assert report["translated"] + report["approximated"] + report["left_out"] == len(report["lines"])
    jump = next(node for node in answer["draft"]["document"]["nodes"] if node["id"] == "a5")
    assert jump["config"]["flow"] == second["id"], "jumps lead to the new flows"


@pytest.mark.parametrize("make", [files.typebot6, files.typebot3, files.rapidpro])
def test_imported_flows_verify_play_and_go_out_again(caller: Caller, make: Any) -> None:
    for flow in import_file(caller, make()).json()["flows"]:
        base = f"/api/v1/flows/{flow['id']}"
        assert caller.post(f"{base}/verify").status_code == 200
        played = caller.post(f"{base}/test", json={"inputs": [{"type": "text", "text": "cor"}]})
        assert played.status_code == 200, played.text
        assert played.json()["path"]
        exported = caller.get(f"{base}/export").json()
        again = import_file(caller, exported)
        assert again.status_code == 201
        assert again.json()["draft"]["document"]["nodes"] == exported["document"]["nodes"]
        assert again.json()["report"]["kind"] == "pytake"


def test_a_name_is_for_one_flow(caller: Caller) -> None:
    assert import_file(caller, files.typebot3(), name="Meu nome").json()["name"] == "Meu nome"
    names = [flow["name"] for flow in import_file(caller, files.rapidpro(), name="Meu nome").json()["flows"]]
    assert names == ["Cores", "Filho"]


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        ({"version": 4, "flows": [{"action_sets": [], "rule_sets": []}]}, "/document", "older_format"),
        ({"hello": 1}, "/document", "not_a_flow"),
        ([], "/document", "not_a_flow"),
        ([1, 2], "/document/nodes/0", "not_a_node"),
        ({"nodes": [], "edges": 7}, "/document/edges", "not_a_flow"),
        ({"format": "pytake.flow", "document": {"nodes": [{"id": "a", "type": "zz"}]}},
         "/document/document/nodes/0/type", "unknown_type"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_gets_a_sentence(
    caller: Caller, document: Any, pointer: str | None, code: str | None
) -> None:
    before = len(caller.get("/api/v1/flows").json()["items"])
    response = import_file(caller, document)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_document")
    error = response.json()["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert error["message"]
    assert len(caller.get("/api/v1/flows").json()["items"]) == before
