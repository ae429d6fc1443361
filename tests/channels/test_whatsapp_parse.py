"""The parser on input nobody promised, and the decisions it takes."""

import copy
import json
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytake_app.channels.base import InboundMessage, ParsedWebhook, Recipient
from pytake_app.channels.errors import MalformedBody
from pytake_app.channels.whatsapp.parse import parse, parse_document
from pytake_app.channels.whatsapp.phones import canonical_phone, same_phone
from pytake_app.channels.whatsapp.platform import WhatsAppPlatform
from pytake_app.channels.whatsapp.signature import sign
from pytake_app.channels.whatsapp.simulator import Account, Person, Simulator, merged
from tests.channels import corpus
from tests.channels.contract import AdapterContract, json_values
from tests.channels.corpus import payloads

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PHONE = Simulator(Account("106540352242922"), Person("5511987650001", "Ana Souza"))


def one(body: Any) -> InboundMessage:
    (message,) = parse(orjson.dumps(body)).messages
    return message


class TestWhatsAppContract(AdapterContract):
    platform = WhatsAppPlatform()
    recipient = Recipient(external_id="5511987650001")

    def inbound_example(self) -> tuple[bytes, str]:
        return orjson.dumps(PHONE.text("Olá 😊", at=AT)), "Olá 😊"

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return {"X-Hub-Signature-256": sign(body, secret)}


# ---- any shape --------------------------------------------------------------------------------------------------


def leaves(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path of a JSON document."""
    found = [path]
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        found += leaves(value, (*path, key))
    return found


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of ``document`` with ``value`` at ``path``."""
    if not path:
        return value
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


SIMULATED = [
    PHONE.text("oi", at=AT),
    PHONE.button_reply("a", "A", at=AT, reply_to="wamid.1"),
    PHONE.list_reply("r", "R", at=AT, description="d"),
    PHONE.template_button("p", "P", at=AT),
    PHONE.form_reply({"flow_token": "t", "nome": "Ana"}, at=AT),
    PHONE.media("document", "m1", at=AT, caption="c", filename="a.pdf"),
    PHONE.media("voice", "m2", at=AT),
    PHONE.location(-23.5, -46.6, at=AT, name="Praça"),
    PHONE.contacts([("Bia", "+55 11 90000-0000")], at=AT),
    PHONE.reaction("👍", "wamid.1", at=AT),
    PHONE.edit("wamid.1", "novo", at=AT),
    PHONE.revoke("wamid.1", at=AT),
    PHONE.unsupported(at=AT),
    PHONE.number_changed("5521912340002", at=AT),
    PHONE.status("wamid.1", "failed", at=AT, callback_data="x"),
    PHONE.envelope({"calls": [{"id": "c", "from": "1", "direction": "USER_INITIATED"}]}, field="calls"),
    PHONE.envelope({"user_preferences": [{"wa_id": "1", "value": "stop"}]}, field="user_preferences"),
    PHONE.envelope({"user_id_update": [{"wa_id": "1", "user_id": {"previous": "a"}}]}, field="user_id_update"),
    PHONE.envelope({"message_echoes": [{"from": "1", "to": "2", "type": "text"}]}, field="smb_message_echoes"),
    PHONE.envelope({"groups": [{"group_id": "g", "errors": [{}]}]}, field="group_settings_update"),
    PHONE.envelope({"state_sync": [{"contact": {}, "metadata": {}}]}, field="smb_app_state_sync"),
]
ODD = [None, True, 0, -1, 1.5, 2**70, 1e308, "", "x", "\x00", "😀" * 50, [], [[]], [None, 1, "a"], {}, {"a": {"b": []}}]


@pytest.mark.parametrize("body", SIMULATED, ids=range(len(SIMULATED)))
def test_any_value_in_any_place_is_read(body: Any) -> None:
    """Exhaustive: each member of each kind of delivery replaced by each odd value."""
    for path in leaves(body):
        for value in ODD:
            assert isinstance(parse_document(put(body, path, value)), ParsedWebhook)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SIMULATED), st.randoms(use_true_random=False), json_values)
def test_mutated_deliveries_are_read(body: Any, dice: random.Random, value: Any) -> None:
    for _ in range(3):
        body = put(body, dice.choice(leaves(body)), value)
    assert isinstance(parse(json.dumps(body).encode()), ParsedWebhook)


@pytest.mark.skipif(not payloads("whatsapp", "inbound"), reason="no corpus beside the checkout (PYTAKE_CORPUS)")
def test_mutated_corpus_payloads_are_read() -> None:
    dice = random.Random(20261121)
    for payload in payloads("whatsapp", "inbound", "status"):
        if payload.format != "json":
            continue
        document = payload.json
        paths = leaves(document)
        for _ in range(25):
            corpus.tried("mutated")
            changed = put(document, dice.choice(paths), dice.choice(ODD))
            assert isinstance(parse(json.dumps(changed).encode()), ParsedWebhook)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        parse(body)
    except MalformedBody:
        with pytest.raises(ValueError):  # noqa: PT011 - json's own error
            json.loads(body.decode("utf-8"), parse_constant=lambda _: (_ for _ in ()).throw(ValueError()))


def test_what_utf8_and_postgresql_cannot_hold_is_replaced() -> None:
    body = orjson.dumps(PHONE.text("MARK", at=AT)).replace(b"MARK", b"a\\u0000b\\ud800c\\ud83d\\ude00")
    (message,) = parse(body).messages
    assert message.text == "a\ufffdb\ufffdc😀"
    assert orjson.dumps(message.raw)


def test_a_byte_order_mark_and_spaces_do_not_matter() -> None:
    assert parse(b"\xef\xbb\xbf" + orjson.dumps(PHONE.text("oi", at=AT)) + b"\n").messages[0].text == "oi"


@pytest.mark.parametrize("depth", [150, 199, 200, 201, 254, 255, 500, 900, 1000, 1020, 5000, 200_000])
@pytest.mark.parametrize("inner", [b"1", b'"\\u0000"', b'"\\ud800"'])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_any_depth_is_read_kept_or_refused(depth: int, inner: bytes, opening: bytes, closing: bytes) -> None:
    nested = opening * depth + inner + closing * depth
    body = orjson.dumps(PHONE.text("MARK", at=AT)).replace(b'"MARK"', nested).replace(b'"id":"wamid', b'"x":"wamid')
    try:
        parsed = parse(body)
    except MalformedBody:
        assert depth > 900
        return
    assert parsed.messages or parsed.unknown
    for kept in (*(message.raw for message in parsed.messages), *(fragment.raw for fragment in parsed.unknown)):
        orjson.dumps(kept)
    if depth < 190:
        assert parsed.messages


@pytest.mark.parametrize(
    ("written", "answers"),
    [
        ('{"a": "x\\u0000y", "flow_token": "t"}', {"a": "x\ufffdy"}),
        ("[" * 500 + "]" * 500, {}),
        ("not json", {}),
        ("[1]", {}),
        ("", {}),
    ],
)
def test_answers_of_a_form_are_as_storable_as_the_rest(written: str, answers: dict[str, Any]) -> None:
    body = PHONE.form_reply({}, at=AT)
    body["entry"][0]["changes"][0]["value"]["messages"][0]["interactive"]["nfm_reply"]["response_json"] = written
    message = one(body)
    assert message.type == "form"
    assert message.form is not None
    assert message.form.answers == answers


def test_a_decoded_document_of_any_depth_is_read() -> None:
    document: Any = []
    for _ in range(50_000):
        document = [document]
    assert parse_document(document).unknown
    assert parse_document(PHONE.envelope({"x": 2**70, "y": -(2**5000), "z": float("inf")}))


def test_identifiers_stay_short_enough_for_an_index() -> None:
    long = "x" * 10_000
    body = PHONE.with_person(Person(long, "Ana", bsuid="u" * 10_000)).text("oi", at=AT, message_id=long, reply_to=long)
    message = one(body)
    for value in (message.external_id, message.sender.contact_key, message.sender.bsuid, message.context_external_id):
        assert value is not None
        assert len(value) < 100
    assert one(copy.deepcopy(body)).external_id == message.external_id
    assert parse_document(PHONE.status(long, "sent", at=AT)).statuses[0].external_id == message.external_id


# ---- decisions --------------------------------------------------------------------------------------------------


def test_order_and_duplicates_of_a_batch_are_kept_for_the_host() -> None:
    first, second = PHONE.text("1", at=AT, message_id="wamid.1"), PHONE.text("2", at=AT, message_id="wamid.2")
    parsed = parse(orjson.dumps(merged(first, PHONE.status("wamid.0", "read", at=AT), second, first)))
    assert [message.external_id for message in parsed.messages] == ["wamid.1", "wamid.2", "wamid.1"]
    assert [status.status for status in parsed.statuses] == ["read"]
    assert parsed.account_ids == ["106540352242922"]
    assert len(parsed.business_account_ids) == 4


def test_a_message_without_id_gets_the_same_one_each_time() -> None:
    body = PHONE.text("oi", at=AT)
    del body["entry"][0]["changes"][0]["value"]["messages"][0]["id"]
    message = one(body)
    assert message.id_derived
    assert message.external_id == one(copy.deepcopy(body)).external_id
    body["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = "1"
    assert message.external_id != one(body).external_id


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("1767200000", datetime(2025, 12, 31, 16, 53, 20, tzinfo=UTC)),
        (1767200000, datetime(2025, 12, 31, 16, 53, 20, tzinfo=UTC)),
        ("1767200000000", datetime(2025, 12, 31, 16, 53, 20, tzinfo=UTC)),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("-5", None),
        (0, None),
        (True, None),
        ("²", None),
        ("9" * 40, None),
        (1e300, None),
        ([], None),
    ],
)
def test_times_that_are_none_leave_the_message_in_place(stamp: Any, at: datetime | None) -> None:
    body = PHONE.text("oi", at=AT)
    body["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = stamp
    assert one(body).at == at
    assert one(body).text == "oi"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("554188887777", "5541988887777"),
        ("+55 (41) 8888-7777", "5541988887777"),
        ("5215512345678", "525512345678"),
        ("541155551234", "5491155551234"),
    ],
)
def test_one_person_has_one_key(left: str, right: str) -> None:
    assert same_phone(left, right)


def test_numbers_that_only_look_alike_stay_apart() -> None:
    assert canonical_phone("554132221111") == "554132221111"  # a Brazilian landline has no ninth digit
    assert canonical_phone("5541988887777") == "5541988887777"
    assert canonical_phone("15551234567") == "15551234567"
    assert canonical_phone("foo") is None
    assert canonical_phone("") is None
    assert canonical_phone("١٢٣٤٥٦٧٨") is None
    assert not same_phone(None, None)


def test_both_forms_of_a_brazilian_number_give_one_contact_but_keep_their_address() -> None:
    without = one(PHONE.with_person(Person("551187650001", "Ana")).text("oi", at=AT)).sender
    with_nine = one(PHONE.text("oi", at=AT)).sender
    assert without.contact_key == with_nine.contact_key == "5511987650001"
    assert without.external_id == "551187650001"


def test_people_without_a_phone_are_known_by_bsuid() -> None:
    person = Person(None, "Ana", bsuid="BR.10000000000000000001", username="@ana")
    sender = one(PHONE.with_person(person).text("oi", at=AT)).sender
    assert (sender.external_id, sender.contact_key, sender.username) == (None, "BR.10000000000000000001", "@ana")


@pytest.mark.parametrize(
    ("body", "kind", "text", "selection", "automates"),
    [
        (PHONE.button_reply("yes", "Sim", at=AT), "interactive", "Sim", "yes", True),
        (PHONE.list_reply("r1", "Um", at=AT, description="x"), "interactive", "Um", "r1", True),
        (PHONE.template_button("buy", "Comprar", at=AT), "button", "Comprar", "buy", True),
        (
            PHONE.form_reply({"flow_token": "t", "nome": "Ana", "idade": 3}, at=AT),
            "form",
            "nome: Ana\nidade: 3",
            None,
            True,
        ),
        (PHONE.media("image", "1", at=AT, caption="foto"), "image", "foto", None, True),
        (PHONE.media("sticker", "1", at=AT), "sticker", None, None, True),
        (PHONE.media("voice", "1", at=AT), "audio", None, None, True),
        (PHONE.media("document", "1", at=AT, filename="a.pdf"), "document", "a.pdf", None, True),
        (PHONE.location(-23.5, -46.6, at=AT), "location", "-23.500000, -46.600000", None, True),
        (PHONE.location(-23.5, -46.6, at=AT, name="Sé", address="Rua 1"), "location", "Sé, Rua 1", None, True),
        (PHONE.contacts([("Bia", "+5511")], at=AT), "contacts", "Bia: +5511", None, True),
        (PHONE.reaction("👍", "wamid.1", at=AT), "reaction", "👍", None, False),
        (PHONE.reaction("", "wamid.1", at=AT), "reaction", None, None, False),
        (PHONE.edit("wamid.1", "novo", at=AT), "edit", "novo", None, False),
        (PHONE.revoke("wamid.1", at=AT), "revoke", None, None, False),
        (PHONE.unsupported(at=AT), "unsupported", None, None, False),
    ],
)
def test_each_kind_reads_as_people_would(
    body: Any, kind: str, text: str | None, selection: str | None, automates: bool
) -> None:
    message = one(body)
    assert (message.type, message.text, message.selection_id, message.automates) == (kind, text, selection, automates)


def test_a_type_of_tomorrow_is_kept_and_starts_nothing() -> None:
    body = PHONE.text("oi", at=AT)
    raw = body["entry"][0]["changes"][0]["value"]["messages"][0]
    raw.update(type="hologram", hologram={"x": 1})
    message = one(body)
    assert (message.type, message.platform_type, message.automates) == ("unknown", "hologram", False)
    assert message.raw == raw


def test_new_members_of_known_kinds_do_not_disturb() -> None:
    body = PHONE.text("oi", at=AT)
    body["new"] = body["entry"][0]["new"] = body["entry"][0]["changes"][0]["new"] = {"a": [1]}
    body["entry"][0]["changes"][0]["value"]["new"] = [{"b": 2}]
    body["entry"][0]["changes"][0]["value"]["messages"][0]["new"] = {"c": 3}
    message = one(body)
    assert message.text == "oi"
    assert message.raw["new"] == {"c": 3}


def test_a_field_of_tomorrow_is_a_notice() -> None:
    value = {"event": "SOMETHING", "messages": [{"id": "x", "type": "text"}]}
    parsed = parse_document(PHONE.envelope(value, field="brand_new"))
    assert not parsed.messages
    assert (parsed.notices[0].kind, parsed.notices[0].details) == ("brand_new", value)


def test_call_and_payment_statuses_never_pass_for_a_messages() -> None:
    for changed in ({"type": "payment"}, {"type": "call"}, {"status": "warehoused"}, {"id": None}):
        body = PHONE.status("wamid.1", "failed", at=AT)
        body["entry"][0]["changes"][0]["value"]["statuses"][0].update(changed)
        parsed = parse_document(body)
        assert not parsed.statuses
        assert len(parsed.other_statuses) == 1


def test_group_messages_start_no_flow() -> None:
    body = PHONE.text("oi", at=AT)
    body["entry"][0]["changes"][0]["value"]["messages"][0]["group_id"] = "G1"
    assert not one(body).automates


def test_a_stop_of_marketing_names_the_person() -> None:
    value = {"user_preferences": [{"wa_id": "551187650001", "category": "marketing_messages", "value": "stop"}]}
    (notice,) = parse_document(PHONE.envelope(value, field="user_preferences")).notices
    assert notice.sender is not None
    assert notice.sender.contact_key == "5511987650001"


def test_notices_repeat_their_id() -> None:
    value = {"event": "FLAGGED", "current_limit": "TIER_10K"}
    first, second = (parse_document(PHONE.envelope(value, field="phone_number_quality_update")) for _ in range(2))
    assert first.notices[0].external_id == second.notices[0].external_id
    other = parse_document(PHONE.envelope({**value, "event": "UNFLAGGED"}, field="phone_number_quality_update"))
    assert other.notices[0].external_id != first.notices[0].external_id


@pytest.mark.perf
def test_a_small_webhook_is_read_in_a_fraction_of_a_millisecond() -> None:
    body = orjson.dumps(PHONE.text("Olá", at=AT))
    best = min(_seconds_each(body) for _ in range(5))
    assert best < 300e-6, f"{best * 1e6:.0f} µs"


def _seconds_each(body: bytes, rounds: int = 500) -> float:
    start = time.perf_counter()
    for _ in range(rounds):
        parse(body)
    return (time.perf_counter() - start) / rounds
