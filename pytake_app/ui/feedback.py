"""Words to the person from the server: toasts in their language."""

import json
from typing import Literal

import reflex as rx

from pytake_app.ui.i18n import text

ToastKind = Literal["success", "error", "info", "warning"]


def say(
    state: rx.State,
    key: str,
    *,
    kind: ToastKind = "success",
    **params: str | float,
) -> rx.event.EventSpec:
    """A toast with a text of the catalogue. Return or yield it from a handler."""
    from pytake_app.ui.session import language_of

    return toast(kind, text(language_of(state), key, **params))


def toast(kind: ToastKind, message: str) -> rx.event.EventSpec:
    """A toast, sent as data: the pages' content security policy lets nothing be evaluated (`ui.plugin`)."""
    said = json.dumps({"toast": kind, "text": message})
    return rx.call_function(rx.Var(f"pytake:{said}"))
