"""Words to the person from the server: toasts in their language, and errors as sentences."""

from typing import Literal

import reflex as rx
import structlog

from pytake_app.core.errors import ProblemError
from pytake_app.ui.i18n import DEFAULT_LANGUAGE, catalogues, text

log = structlog.get_logger(__name__)


def say(
    state: rx.State,
    key: str,
    *,
    kind: Literal["success", "error", "info", "warning"] = "success",
    **params: str | float,
) -> rx.event.EventSpec:
    """A toast with a text of the catalogue. Return or yield it from a handler."""
    from pytake_app.ui.session import language_of

    message = text(language_of(state), key, **params)
    return getattr(rx.toast, kind)(message)


def problem_key(area: str, error: ProblemError) -> str:
    """The text key that explains an error: the area's own (`flows.error_conflict`), else the common one."""
    known = catalogues()[DEFAULT_LANGUAGE]
    for key in (f"{area}.error_{error.code}", f"common.error_{error.code}"):
        if key in known:
            return key
    return "common.failed_detail"


def say_problem(state: rx.State, area: str, error: ProblemError) -> rx.event.EventSpec:
    """A toast that says what went wrong and what to do; the technical detail goes to the log."""
    log.info("ui_problem", area=area, code=error.code)
    return say(state, problem_key(area, error), kind="error")
