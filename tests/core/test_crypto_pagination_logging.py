"""Encryption with rotation, cursors, ids, and what never reaches the logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from pytake_app.config import Settings
from pytake_app.core.crypto import DecryptionError, SecretBox
from pytake_app.core.errors import InvalidError
from pytake_app.core.ids import id_time, new_id
from pytake_app.core.logging import configure_logging, redact
from pytake_app.core.pagination import decode_cursor, encode_cursor

OLD, NEW = "o" * 40, "n" * 40


@given(st.text())
def test_what_is_encrypted_comes_back(plain: str) -> None:
    box = SecretBox([NEW])
    cipher = box.encrypt(plain)
    assert box.decrypt(cipher) == plain
    assert not plain or len(plain) < 8 or plain not in cipher


def test_the_same_secret_never_looks_the_same() -> None:
    box = SecretBox([NEW])
    assert box.encrypt("x") != box.encrypt("x")


def test_older_keys_still_open_and_rotation_moves_to_the_newest() -> None:
    cipher = SecretBox([OLD]).encrypt("token")
    both = SecretBox([NEW, OLD])
    assert both.decrypt(cipher) == "token"
    assert not both.is_current(cipher)
    rotated = both.encrypt(both.decrypt(cipher))
    assert both.is_current(rotated)
    assert SecretBox([NEW]).decrypt(rotated) == "token"
    with pytest.raises(DecryptionError):
        SecretBox([OLD]).decrypt(rotated)


def test_tampering_is_noticed() -> None:
    box = SecretBox([NEW])
    cipher = box.encrypt("token")
    for bad in (cipher[:-3] + "AA=", cipher[:20], "", "not base64 !"):
        with pytest.raises(DecryptionError):
            box.decrypt(bad)
    with pytest.raises(DecryptionError):
        SecretBox([OLD]).decrypt(cipher)


def test_production_refuses_a_weak_key() -> None:
    for key in ("", "short", "x" * 31):
        with pytest.raises(ValueError, match="SECRET_KEY"):
            Settings(environment="production", secret_key=key)  # type: ignore[arg-type]
    strong = "Zr8vT1qL-x0WkPn3_EoYb6uHcJdMfSgA"
    assert Settings(environment="production", secret_key=strong).signing_key == strong  # type: ignore[arg-type]


@given(st.lists(st.one_of(st.text(), st.integers(-(2**53), 2**53), st.none()), min_size=1, max_size=4))
def test_cursors_carry_the_key(key: list[str | int | None]) -> None:
    try:
        cursor = encode_cursor(*key)
    except TypeError:
        return  # lone surrogates are no JSON
    assert decode_cursor(cursor, len(key)) == key
    with pytest.raises(InvalidError):
        decode_cursor(cursor, len(key) + 1)


@given(st.text(max_size=60))
def test_foreign_cursors_are_bad_input(cursor: str) -> None:
    with pytest.raises(InvalidError) as raised:
        decode_cursor(cursor, 99)
    assert raised.value.errors[0].pointer == "/cursor"


def test_ids_sort_by_time_and_tell_it() -> None:
    before = datetime.now(UTC)
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert all(isinstance(one, UUID) and one.version == 7 for one in ids)
    assert abs(id_time(ids[0]) - before) < timedelta(seconds=2)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("access_token", "EAAG123"),
        ("app_secret", "abc"),
        ("password", "hunter2"),
        ("authorization", "Bearer abc"),
        ("set_cookie", "pytake_session=abc"),
        ("api_key", "k"),
        ("phone", "5511987654321"),
        ("text", "meu CPF é 123"),
        ("body", {"text": {"body": "oi"}}),
        ("email", "a@b.co"),
        ("to", "5511987654321"),
    ],
)
def test_secrets_and_personal_data_are_blanked_by_key(key: str, value: object) -> None:
    assert redact(None, "info", {"event": "x", key: value})[key] == "[redacted]"


def test_numbers_and_bearer_tokens_are_blanked_by_shape() -> None:
    event = redact(None, "info", {"event": "failed for +55 11 98765-4321 with Bearer eyJabc.def"})
    assert "98765" not in event["event"]
    assert "eyJabc" not in event["event"]


def test_ids_stay_readable() -> None:
    event = {"event": "x", "organization_id": str(new_id()), "request_id": "0123456789abcdef", "status": 200}
    assert redact(None, "info", dict(event)) == event


def test_exceptions_are_logged_without_their_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configured, handlers, level = structlog.get_config(), logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure_logging("INFO", json_lines=True)
        structlog.configure(cache_logger_on_first_use=False)
        try:
            raise ValueError("Bearer abc.def for 5511987654321")
        except ValueError:
            structlog.get_logger("test").exception("it_failed", password="hunter2")
        line = json.loads(capsys.readouterr().err.strip().splitlines()[-1])
    finally:
        structlog.configure(**configured)
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
    assert line["event"] == "it_failed"
    assert "ValueError" in line["exception"]
    for secret in ("hunter2", "abc.def", "5511987654321"):
        assert secret not in json.dumps(line)
