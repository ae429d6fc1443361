"""Words to the person from the server: toasts in their language."""

from typing import Literal

import reflex as rx

from pytake_app.ui.i18n import text


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
