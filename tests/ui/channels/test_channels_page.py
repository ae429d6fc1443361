"""The numbers page without a browser: it is guarded, and has words for every answer that the platform can give."""

import pytest

from pytake_app.channels.errors import SendErrorKind
from pytake_app.ui.i18n import DEFAULT_LANGUAGE, catalogues
from pytake_app.ui.pages.channels.page import ON_LOAD
from pytake_app.ui.session import SessionState
from pytake_app.whatsapp.schemas import AccountView

# Kinds that only a message to somebody can meet; a question about the number itself can't.
_OF_MESSAGES = {SendErrorKind.REENGAGEMENT, SendErrorKind.PAIR_RATE, SendErrorKind.UNDELIVERABLE}


def test_the_page_is_guarded() -> None:
    assert SessionState.guard in ON_LOAD


@pytest.mark.parametrize("code", ["not_configured", *(kind for kind in SendErrorKind if kind not in _OF_MESSAGES)])
def test_every_answer_of_a_check_has_words(code: str) -> None:
    assert f"channels.answer.{code}" in catalogues()[DEFAULT_LANGUAGE]


def test_what_the_browser_gets_holds_no_secret() -> None:
    fields = set(AccountView.model_fields)
    assert not fields & {"access_token", "app_secret", "verify_token", "credentials"}
    assert {"has_access_token", "has_app_secret", "has_verify_token"} <= fields
