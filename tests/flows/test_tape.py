"""What is kept of a session to play it again: little, and only so much."""

from datetime import UTC, datetime
from typing import Any

from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.document import parse_document
from pytake_app.flows.tape import MAX_RECORDS, Recording, Tape, surroundings

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
FLOW = runner.compile_flow(
    parse_document({"nodes": [{"id": "s", "type": "start"}, {"id": "m", "type": "msg_text", "config": {"body": "Oi"}}],
                    "edges": [{"id": "1", "source": "s", "port": "next", "target": "m"}]}),
    "f", 1,
)  # fmt: skip


def add(tape: Tape, *, name: str = "Ana", **params: Any) -> None:
    context = engine.RunContext(now=NOW, new_id=lambda: "id", contact=engine.ContactView(id="c", name=name))
    trigger = engine.Trigger(kind="test", params=params)
    recording = Recording.of(context)
    before = surroundings(recording.context)
    tape.add(recording, trigger, before, runner.start(FLOW, trigger, recording.context))


def test_the_contact_is_kept_when_it_changed() -> None:
    tape = Tape()
    for name in ("Ana", "Ana", "Bia"):
        add(tape, name=name)
    again = Tape.of(tape.kept())
    add(again, name="Bia")
    numbered = [*tape.taken(), *again.taken()]
    assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
    records = [record for _, record in numbered]
    assert [record.get("c", {}).get("name") for record in records] == ["Ana", None, "Bia", None]
    assert tape.taken() == []
    assert again.count == 4


def test_a_large_input_or_a_long_session_ends_the_tape() -> None:
    tape = Tape()
    add(tape, big="x" * 20_000)
    add(tape)
    assert [record.get("gap") for _, record in tape.taken()] == [True]
    tape = Tape()
    for _ in range(MAX_RECORDS + 5):
        add(tape)
    records = [record for _, record in tape.taken()]
    assert len(records) == MAX_RECORDS + 1
    assert records[-1]["gap"] is True


def test_a_session_from_before_tapes_has_none() -> None:
    tape = Tape.of(None)
    add(tape)
    assert tape.taken() == []
