"""Uploaded files go out by the platform's id, given to it once per number."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import UUID

from pytake_app.core.clock import FrozenClock
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.messaging.models import MediaAsset
from tests.support.graph_stub import GraphStub
from tests.support.pipeline import Pipeline, add_flow

PICTURE = b"\x89PNG\r\n\x1a\n not much of a picture"


def keep(pipeline: Pipeline, services: Services, clock: FrozenClock) -> UUID:
    """A file in the library."""
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    path = Path("media") / str(pipeline.tenant.organization_id) / sha256[:2] / sha256
    stored = services.settings.data_dir.resolve() / path
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(PICTURE)
    asset = MediaAsset(
        id=new_id(), organization_id=pipeline.tenant.organization_id, sha256=sha256, mime_type="image/png",
        filename="logo.png", size=len(PICTURE), path=str(path), created_at=clock.now(), uploaded_at=clock.now(),
    )  # fmt: skip
    asset_id = asset.id
    with pipeline.tenant.session() as session:
        session.add(asset)
    return asset_id


def flow_with(media_id: str) -> dict[str, object]:
    """Any message is answered with the file, and with buttons under it."""
    buttons = [{"id": "a", "title": "Sim"}]
    menu = {"body": "Gostou?", "header_type": "image", "header_media_id": media_id, "buttons": buttons}
    return {
        "name": "Logo",
        "nodes": [
            {"id": "s", "type": "trigger_universal"},
            {"id": "m", "type": "msg_media", "config": {"kind": "image", "media_id": media_id}},
            {"id": "b", "type": "msg_buttons", "config": menu},
        ],
        "edges": [
            {"id": "1", "source": "s", "port": "next", "target": "m"},
            {"id": "2", "source": "m", "port": "next", "target": "b"},
        ],
    }


async def test_a_file_is_uploaded_once_and_sent_by_its_id(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    asset = keep(pipeline, services, frozen_clock)
    add_flow(services.database, pipeline.tenant.organization_id, flow_with(str(asset)))

    async def both_sent() -> bool:
        return pipeline.scalar("SELECT count(*) FROM messages WHERE direction = 'out' AND status = 'sent'") == 2

    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    await pipeline.send(both_sent)
    theirs = hashlib.sha256(PICTURE).hexdigest()[:16]
    sent = graph_stub.sent
    assert sent[0]["image"]["id"] == theirs
    assert sent[1]["interactive"]["header"]["image"]["id"] == theirs
    assert len(graph_stub.media) == 1
    assert pipeline.rows("SELECT platform_media_id FROM media_copies") == [(theirs,)]


async def test_a_file_that_is_gone_is_told_and_not_tried_again(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    add_flow(services.database, pipeline.tenant.organization_id, flow_with(str(new_id())))

    async def refused() -> bool:
        return pipeline.scalar("SELECT count(*) FROM messages WHERE direction = 'out' AND status = 'failed'") == 2

    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    await pipeline.send(refused)
    assert graph_stub.sends == []
    assert {row[0] for row in pipeline.rows("SELECT last_error->>'reason' FROM outbox")} == {"media_missing"}
