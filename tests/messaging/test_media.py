"""What contacts send is fetched and kept; signs of reading are sent on."""

import asyncio
import hashlib
from datetime import timedelta

import pytest
import pytest_asyncio

from pytake_app.conversations.attendance import Attendance
from pytake_app.core.clock import FrozenClock
from pytake_app.core.errors import NotFoundError
from pytake_app.core.services import Services
from pytake_app.messaging.media import open_media
from pytake_app.messaging.media_fetch import _FAILED, LEASE, SIGN_SECONDS, MediaFetcher
from pytake_app.whatsapp.runtime import AccountReader
from tests.support.graph_stub import GraphStub
from tests.support.pipeline import ECHO, Pipeline, add_flow, connect_account


@pytest_asyncio.fixture
async def connected(services: Services, graph_stub: GraphStub) -> Pipeline:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    add_flow(services.database, pipeline.tenant.organization_id, ECHO)
    return pipeline


async def test_an_image_is_stored_under_its_digest(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    data = b"\xff\xd8 not really a jpeg"
    graph_stub.add_media("4490709327384033", data, "image/jpeg")
    phone = connected.phone()
    await connected.hear(phone.media("image", "4490709327384033", at=frozen_clock.now(), caption="olha"))
    media = connected.scalar("SELECT media FROM messages WHERE direction = 'in'")
    assert media["url"] == f"/api/v1/media/{media['id']}"

    async def stored() -> bool:
        return bool(connected.scalar("SELECT count(*) FROM media_assets WHERE path <> ''"))

    await connected.send(stored)
    with connected.tenant.session() as session:
        opened = open_media(session, connected.scalar("SELECT id FROM media_assets"))
    assert opened.path.read_bytes() == data
    assert (opened.mime_type, opened.size, opened.sha256) == ("image/jpeg", len(data), hashlib.sha256(data).hexdigest())


async def test_a_file_whose_fetcher_died_is_soon_fetched_by_another(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    graph_stub.add_media("77", b"abc", "image/jpeg")
    await connected.hear(connected.phone().media("image", "77", at=frozen_clock.now()))
    fetcher = MediaFetcher(
        connected.services, AccountReader(connected.services.settings, connected.services.secrets), {}
    )
    (claimed,) = fetcher._claim(8)
    folder = connected.services.settings.data_dir / "media" / str(connected.tenant.organization_id)
    folder.mkdir(parents=True, exist_ok=True)
    left_behind = folder / f"{claimed[0]}.1.arriving.part"
    left_behind.write_bytes(b"a")
    assert fetcher._claim(8) == [], "it is being fetched"

    # One that lives says so while the file comes, however long that takes.
    blocked = asyncio.get_running_loop().create_future()
    fetcher._tasks[claimed[0]] = asyncio.ensure_future(blocked)
    for _ in range(3):
        frozen_clock.advance(LEASE - timedelta(seconds=1))
        fetcher._told -= SIGN_SECONDS
        await fetcher._tell()
        assert fetcher._claim(8) == []
    # What has failed meanwhile is tried again when it says, not when the last sign is over.
    again = frozen_clock.now() + timedelta(seconds=2)
    fetcher._write(_FAILED, (again, "OSError", claimed[0]))
    fetcher._told -= SIGN_SECONDS
    await fetcher._tell()
    assert connected.scalar("SELECT fetch_after FROM media_assets") == again
    blocked.cancel()

    frozen_clock.advance(LEASE)

    async def stored() -> bool:
        return bool(connected.scalar("SELECT count(*) FROM media_assets WHERE path <> '' AND fetch_attempts = 2"))

    await connected.send(stored)
    assert not left_behind.exists()
    # The dead one was only asleep.
    fetcher._write(_FAILED, (frozen_clock.now(), "OSError", claimed[0]))
    assert connected.scalar("SELECT fetch_after FROM media_assets") is None


async def test_a_file_that_is_not_there_yet_is_not_found(connected: Pipeline, frozen_clock: FrozenClock) -> None:
    await connected.hear(connected.phone().media("image", "1", at=frozen_clock.now()))
    asset_id = connected.scalar("SELECT id FROM media_assets")
    with connected.tenant.session() as session, pytest.raises(NotFoundError) as refused:
        open_media(session, asset_id)
    assert refused.value.code == "media_pending"


async def test_an_answered_message_is_marked_read_with_the_typing_sign(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    connect_account(connected.services, connected.tenant, graph_stub.base_url, mark_read=True)
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now(), message_id="wamid.one"))

    async def marked() -> bool:
        return bool(graph_stub.reads)

    await connected.send(marked)
    (read,) = graph_stub.reads
    assert (read["message_id"], read["typing_indicator"]) == ("wamid.one", {"type": "text"})


async def test_a_colleague_who_writes_shows_on_the_contacts_phone(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    connect_account(connected.services, connected.tenant, graph_stub.base_url)
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now(), message_id="wamid.one"))
    thread = connected.scalar("SELECT id FROM conversations")
    attendance = Attendance(connected.services)
    for _ in range(3):  # a key at a time: one sign is asked for
        attendance.show_typing(thread, connected.tenant.account.id, "wamid.one")

    async def shown() -> bool:
        return any("typing_indicator" in read for read in graph_stub.reads)

    await connected.send(shown)
    asked = [read for read in graph_stub.reads if read.get("typing_indicator")]
    assert [(one["status"], one["message_id"], one["typing_indicator"]) for one in asked] == [
        ("read", "wamid.one", {"type": "text"})
    ]
