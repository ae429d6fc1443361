"""Every error and every degradation has its plain sentence in all three languages."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytake_app.channels.capabilities import MATRIX, degradations
from pytake_app.channels.errors import MEDIA_REASONS, RENDER_CODES, MediaError, RenderError, SendError, SendErrorKind
from pytake_app.channels.whatsapp.errors import CODES, REASONS
from pytake_app.channels.whatsapp.parse import parse_document
from pytake_app.channels.whatsapp.simulator import Account, Person, Simulator
from tests.channels.contract import one_of_each_content

LOCALES = Path(__file__).resolve().parents[2] / "pytake_app" / "locales"


def words() -> set[str]:
    keys = {SendError(SendErrorKind.PERMANENT, reason=reason).i18n_key for reason in REASONS}
    keys |= {RenderError("body", code).i18n_key for code in RENDER_CODES}
    keys |= {MediaError(reason).i18n_key for reason in MEDIA_REASONS}
    for content in one_of_each_content():
        for capabilities in MATRIX.values():
            keys |= {f"delivery.degraded.{word}" for word in degradations(content, capabilities)}
    return keys


@pytest.mark.parametrize("language", ["pt_BR", "en", "es"])
def test_all_sentences_are_there(language: str) -> None:
    catalogue = json.loads((LOCALES / language / "delivery.json").read_text(encoding="utf-8"))
    assert words() - set(catalogue) == set()
    assert all(sentence.strip() for sentence in catalogue.values())


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_that_we_know_ends_in_a_sentence(code: int) -> None:
    """The reason that a failed status keeps for bubble and queue has its words, in each language its own."""
    phone = Simulator(Account("1"), Person("5511987654321"))
    status = phone.status("wamid.x", "failed", at=datetime.now(UTC), error_code=code)
    (error,) = parse_document(status).statuses[0].errors
    assert error.reason == CODES[code].reason
    sentences = {
        json.loads((LOCALES / language / "delivery.json").read_text())[f"delivery.send.{error.reason}"]
        for language in ("pt_BR", "en", "es")
    }
    assert len(sentences) == 3


def test_languages_have_the_same_keys_and_places() -> None:
    catalogues = [
        json.loads((LOCALES / language / "delivery.json").read_text(encoding="utf-8"))
        for language in ("pt_BR", "en", "es")
    ]
    assert catalogues[0].keys() == catalogues[1].keys() == catalogues[2].keys()
    for key in catalogues[0]:
        places = [{word for word in ("{field}", "{limit}", "{actual}") if word in each[key]} for each in catalogues]
        assert places[0] == places[1] == places[2], key
