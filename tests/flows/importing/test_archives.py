"""Many flows as one ZIP archive: what is exported comes back whole; what isn't an archive is told in a sentence."""

import io
import json
import zipfile
from typing import Any

import pytest

from pytake_app.core.errors import InvalidError
from pytake_app.flows import archives, importing, library, service
from pytake_app.flows.models import Flow
from tests.api.fixtures import Caller
from tests.flows.importing.files import typebot6
from tests.support.tenants import Tenant


def jumping(target: str) -> dict[str, Any]:
    return {
        "nodes": [
            {"id": "t", "type": "trigger_universal"},
            {"id": "j", "type": "jump", "config": {"flow": target, "mode": "go"}},
        ],
        "edges": [{"id": "a", "source": "t", "port": "next", "target": "j"}],
    }


def zipped(**files: Any) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes | str) else json.dumps(content))
    return target.getvalue()


def take(tenant: Tenant, content: bytes, filename: str = "fluxos.zip") -> Any:
    with tenant.session() as session:
        return importing.import_archive(session, tenant.admin, content, filename, clock=tenant.clock)


def test_what_was_exported_together_comes_back_together(tenant: Tenant) -> None:
    with tenant.session() as session:
        first = service.create_flow(session, tenant.admin, name="Menu", clock=tenant.clock)
        by_id = service.create_flow(
            session, tenant.admin, name="Por id", document=jumping(str(first.id)), clock=tenant.clock
        )
        outside = service.create_flow(session, tenant.admin, name="Fora", clock=tenant.clock)
        by_slug = service.create_flow(
            session, tenant.admin, name="Por nome", document=jumping(first.slug), clock=tenant.clock
        )
        elsewhere = service.create_flow(
            session, tenant.admin, name="Para fora", document=jumping(outside.slug), clock=tenant.clock
        )
        ids = [by_id.id, by_slug.id, elsewhere.id, first.id]
        content = library.export_archive(session, tenant.viewer, ids, clock=tenant.clock)
    made = {flow.name: flow.id for file in take(tenant, content).files for flow in file.flows}
    assert set(made) == {"Menu", "Por id", "Por nome", "Para fora"}
    with tenant.session() as session:

        def leads_to(name: str) -> str:
            flow = session.get(Flow, made[name])
            assert flow is not None
            target: str = next(node for node in flow.draft_document["nodes"] if node["id"] == "j")["config"]["flow"]
            return target

        assert leads_to("Por id") == leads_to("Por nome") == str(made["Menu"])
        assert leads_to("Para fora") == outside.slug


def test_one_bad_file_does_not_stop_the_others(tenant: Tenant) -> None:
    unknown = {"nodes": [{"id": "a", "type": "no_such_block"}]}
    files = {"a.json": "{", "b.json": unknown, "pasta/c.json": typebot6(), "leia-me.txt": "oi", "__MACOSX/c.json": "x"}
    a, b, c = take(tenant, zipped(**files)).files
    assert (a.file, a.errors[0].code, a.flows) == ("a.json", "not_json", [])
    assert (b.errors[0].pointer, b.errors[0].node_id) == ("/nodes/0/type", "a")
    assert (c.file, len(c.flows), c.report.kind) == ("c.json", 1, "typebot")


def test_limits_hold_whatever_an_archive_says(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    for content, code in (
        (b"PK\x03\x04 and then nothing", "invalid_archive"),
        (zipped(**{"foto.png": b"x"}), "invalid_archive"),
        (zipped(**{f"{n}.json": "{}" for n in range(archives.MAX_FILES + 1)}), "invalid_archive"),
        (zipped(**{"bomba.json": b" " * (archives.MAX_ARCHIVE_BYTES + 1)}), "too_large"),
        (b" " * (archives.MAX_ARCHIVE_BYTES + 1), "too_large"),
    ):
        with pytest.raises(InvalidError) as refused:
            take(tenant, content)
        assert refused.value.code == code
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1_000)
    with pytest.raises(InvalidError):
        take(tenant, zipped(**{"a.json": b" " * 600, "b.json": b" " * 600}))


def test_a_file_between_two_and_ten_megabytes_is_judged_by_its_flows(caller: Caller) -> None:
    node = {"id": "m", "type": "msg_text", "config": {"body": "oi"}}
    padded = json.dumps({"name": "Grande", "nodes": [node]}) + " " * 4_000_000
    answer = caller.post("/api/v1/flow-archive", files={"file": ("grande.json", padded, "application/json")})
    assert answer.status_code == 201, answer.text
    assert answer.json()["files"][0]["flows"][0]["name"] == "Grande"
    many = {"name": "Enorme", "nodes": [{**node, "id": f"m{i}", "config": {"body": "x" * 4_000}} for i in range(600)]}
    answer = caller.post("/api/v1/flow-archive", files={"file": ("enorme.json", json.dumps(many), "application/json")})
    assert answer.json()["files"][0]["errors"][0]["code"] == "too_large"
    assert answer.json()["files"][0]["flows"] == []
