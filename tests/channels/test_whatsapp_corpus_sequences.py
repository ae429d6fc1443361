"""What the corpus' ordered deliveries must mean, as far as reading them decides it."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from pytake_app.channels.base import ParsedWebhook
from pytake_app.channels.whatsapp.parse import parse
from tests.channels import corpus

SEQUENCES = corpus.sequences("whatsapp")
needs_corpus = pytest.mark.skipif(not SEQUENCES, reason="no corpus beside the checkout (PYTAKE_CORPUS)")


def deliveries(sequence: dict[str, Any]) -> list[ParsedWebhook]:
    root = corpus.corpus_root()
    assert root is not None
    return [parse((root / step["file"]).read_bytes()) for step in sequence["steps"] if "outbound" not in step["file"]]


def answers(sequence: dict[str, Any]) -> list[dict[str, Any]]:
    root = corpus.corpus_root()
    assert root is not None
    return [
        orjson.loads((root / step["file"]).read_bytes()) for step in sequence["steps"] if "outbound" in step["file"]
    ]


def one_key(parsed: list[ParsedWebhook]) -> set[str | None]:
    return {message.sender.contact_key for each in parsed for message in each.messages}


def duplicate(sequence: dict[str, Any]) -> None:
    ids = {m.external_id for each in deliveries(sequence) for m in each.messages}
    assert len(ids) == sequence["expect"]["messages_stored"]


def ids_in_order(sequence: dict[str, Any]) -> None:
    messages = [m.external_id for each in deliveries(sequence) for m in each.messages]
    assert list(dict.fromkeys(messages)) == sequence["expect"]["order"]
    assert len({(s.external_id, s.status) for each in deliveries(sequence) for s in each.statuses}) == 1


def number_change(sequence: dict[str, Any]) -> None:
    first, system, after = (each.messages[0] for each in deliveries(sequence))
    assert not system.automates
    assert system.identity_change is not None
    assert system.identity_change.old_phone == first.sender.phone
    assert system.identity_change.new_phone == after.sender.phone


def bsuid_change(sequence: dict[str, Any]) -> None:
    first, system, after = (each.messages[0] for each in deliveries(sequence))
    change = system.identity_change
    assert change is not None
    assert (change.old_bsuid, change.new_bsuid) == (first.sender.bsuid, after.sender.bsuid)
    assert not system.automates


def hidden_phone(sequence: dict[str, Any]) -> None:
    first, second = (each.messages[0].sender for each in deliveries(sequence))
    assert set(first.keys) & set(second.keys)
    assert second.external_id is None
    assert second.bsuid == first.bsuid
    assert second.username


def ninth_digit(sequence: dict[str, Any]) -> None:
    parsed = deliveries(sequence)
    keys = {m.sender.phone for each in parsed for m in each.messages}
    keys |= {s.recipient_phone for each in parsed for s in each.statuses}
    assert len(keys) == 1
    contact = answers(sequence)[0]["contacts"][0]
    assert contact["input"].lstrip("+") != contact["wa_id"]
    assert contact["input"].lstrip("+") in keys


def edit_revoke(sequence: dict[str, Any]) -> None:
    messages = [m for each in deliveries(sequence) for m in each.messages]
    original = next(m for m in messages if m.type == "text")
    for amendment in messages:
        if amendment is not original:
            assert amendment.target_external_id == original.external_id
            assert not amendment.automates
    assert sum(m.automates for m in messages) == 1


def reaction(sequence: dict[str, Any]) -> None:
    reactions = [m for each in deliveries(sequence) for m in each.messages]
    assert not any(m.automates for m in reactions)
    assert reactions[-1].reaction is None
    assert {m.target_external_id for m in reactions} == {answers(sequence)[0]["messages"][0]["id"]}


def statuses(sequence: dict[str, Any]) -> None:
    found = [s for each in deliveries(sequence) for s in each.statuses]
    assert found
    assert sequence["expect"].get("final_status", found[0].status) in {s.status for s in found}
    if code := sequence["expect"].get("error_code"):
        assert found[-1].errors[0].code == code


def late(sequence: dict[str, Any]) -> None:
    newer, older = (each.messages[0] for each in deliveries(sequence))
    assert newer.at is not None
    assert older.at is not None
    assert older.at < newer.at


def double_tap(sequence: dict[str, Any]) -> None:
    first, second = (each.messages[0] for each in deliveries(sequence))
    assert first.external_id != second.external_id
    assert first.context_external_id == second.context_external_id == answers(sequence)[0]["messages"][0]["id"]
    assert first.selection_id == second.selection_id


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "wa_duplicate": duplicate,
    "wa_batch_with_duplicate": ids_in_order,
    "wa_number_change": number_change,
    "wa_bsuid_change": bsuid_change,
    "wa_username_hides_phone": hidden_phone,
    "wa_brazil_9th_digit": ninth_digit,
    "wa_edit_revoke": edit_revoke,
    "wa_edit_before_original": edit_revoke,
    "wa_reaction": reaction,
    "wa_status_out_of_order": statuses,
    "wa_status_before_response": statuses,
    "wa_status_unknown_id": statuses,
    "wa_failed_after_sent": statuses,
    "wa_late_retry": late,
    "wa_double_tap": double_tap,
}


@needs_corpus
@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda each: each["id"])
def test_reads_sequence(sequence: dict[str, Any]) -> None:
    corpus.tried("sequence")
    CHECKS[sequence["family"]](sequence)
