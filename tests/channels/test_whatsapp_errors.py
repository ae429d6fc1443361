"""Classification of Meta's codes: complete, and right where it decides what happens to a message."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytake_app.channels.base import PlatformError
from pytake_app.channels.errors import SendErrorKind
from pytake_app.channels.whatsapp.errors import CODES, REASONS, classify, classify_status_error, error_from_answer
from tests.channels.corpus import corpus_root

K = SendErrorKind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, K.AUTH),
        (3, K.AUTH),
        (10, K.AUTH),
        (190, K.AUTH),
        (200, K.AUTH),
        (250, K.AUTH),
        (299, K.AUTH),
        (368, K.AUTH),
        (131031, K.AUTH),
        (4, K.RATE),
        (80007, K.RATE),
        (130429, K.RATE),
        (131048, K.RATE),
        (131056, K.PAIR_RATE),
        (1, K.RETRYABLE),
        (2, K.RETRYABLE),
        (131000, K.RETRYABLE),
        (131016, K.RETRYABLE),
        (131057, K.RETRYABLE),
        (133004, K.RETRYABLE),
        (131047, K.REENGAGEMENT),
        (131026, K.UNDELIVERABLE),
        (131049, K.UNDELIVERABLE),
        (131050, K.UNDELIVERABLE),
        (100, K.PERMANENT),
        (131008, K.PERMANENT),
        (131009, K.PERMANENT),
        (131051, K.PERMANENT),
        (132000, K.PERMANENT),
        (132001, K.PERMANENT),
        (132015, K.PERMANENT),
    ],
)
def test_kinds(code: int, kind: SendErrorKind) -> None:
    assert classify(code, 400).kind is kind
    assert classify_status_error(PlatformError(code=code)).kind is kind


def test_only_what_was_not_taken_may_be_tried_again() -> None:
    assert {kind for kind in SendErrorKind if kind.may_retry} == {K.RETRYABLE, K.RATE, K.PAIR_RATE}


@pytest.mark.parametrize(
    ("status", "transient", "kind"),
    [
        (400, None, K.PERMANENT),
        (400, True, K.RETRYABLE),
        (429, None, K.RATE),
        (500, None, K.RETRYABLE),
        (503, None, K.RETRYABLE),
        (408, None, K.RETRYABLE),
        (404, None, K.PERMANENT),
    ],
)
def test_unknown_codes_go_by_the_answer(status: int, transient: bool | None, kind: SendErrorKind) -> None:
    assert classify(987654, status, transient=transient).kind is kind


def test_answers_without_a_code() -> None:
    assert classify(None, 401).kind is K.AUTH
    assert classify(None, 403).kind is K.AUTH
    assert classify(None, 504).kind is K.UNSURE
    assert classify("ERROR_CODE", 400).kind is K.PERMANENT


def test_a_number_that_is_not_there_is_not_a_bad_parameter() -> None:
    assert classify(100, 400, subcode=33).kind is K.AUTH
    assert classify(100, 400, subcode=33).reason == "number_unknown"


def test_every_documented_code_is_in_the_table() -> None:
    root = corpus_root()
    if root is None:
        pytest.skip("no corpus beside the checkout (PYTAKE_CORPUS)")
    documented = json.loads((root / "whatsapp_error_codes.json").read_text(encoding="utf-8"))["codes"]
    missing = [code for code in documented if code.isdigit() and int(code) not in CODES]
    assert missing == []


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "errors", "code", "error_data", "message"]), inner, max_size=3)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
    st.integers(300, 599),
)
def test_any_answer_is_a_typed_error(body: bytes, status: int) -> None:
    error = error_from_answer(status, body)
    assert error.http_status == status
    assert error.reason in REASONS


def test_long_and_secret_words_are_kept_short_and_out() -> None:
    body = json.dumps({"error": {"code": 190, "message": "token=TOPSECRET " + "x" * 5000}}).encode()
    error = error_from_answer(401, body, secret="TOPSECRET")
    assert "TOPSECRET" not in error.message
    assert len(error.message) <= 500
    assert str(error) == "auth (code 190): token_expired"
