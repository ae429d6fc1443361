"""The last question before many are changed or one can't be brought back, and the keys."""

import reflex as rx

from pytake_app.ui.components.basics import button, dialog, dialog_foot, kbd, notice
from pytake_app.ui.components.store import flag, number, text_of
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.message_queue.store import do, slice_view


@rx.memo
def ask_view(item: rx.Var[dict]) -> rx.Component:
    """Whether to cancel, or to try again."""
    cancel = text_of(item, "kind") == "cancel"
    count = number(item, "count")
    title = rx.cond(
        count > 0,
        rx.cond(cancel, t("message_queue.cancel_title", count=count), t("message_queue.retry_title", count=count)),
        rx.cond(cancel, t("message_queue.cancel_all_title"), t("message_queue.retry_all_title")),
    )
    detail = rx.cond(cancel, t("message_queue.cancel_detail"), t("message_queue.retry_detail"))
    return dialog(
        rx.cond(text_of(item, "name") != "", rx.el.div(text_of(item, "name"), class_name="str dense ell")),
        rx.cond(flag(item, "unsure"), notice("amber", "triangle-alert", t("message_queue.retry_unsure"))),
        dialog_foot(
            button(t("message_queue.keep"), kind="ghost", on_click=do("queue.close()")),
            rx.cond(
                cancel,
                button(
                    t("message_queue.cancel_verb"),
                    kind="danger",
                    on_click=do("queue.confirm()"),
                    custom_attrs={"data-testid": "ask-confirm"},
                ),
                button(
                    t("message_queue.retry"),
                    kind="solid",
                    on_click=do("queue.confirm()"),
                    custom_attrs={"data-testid": "ask-confirm"},
                ),
            ),
        ),
        title=title,
        detail=detail,
        open=flag(item, "open"),
        on_open_change=do("queue.close()"),
    )


@rx.memo
def keys_view(item: rx.Var[dict]) -> rx.Component:
    """What the keyboard does here."""

    def line(label: str, *keys: str) -> rx.Component:
        return rx.el.div(rx.el.span(t(label), class_name="grow"), kbd(*keys), class_name="row dense fl-keyrow")

    return dialog(
        line("message_queue.keys_move", "J", "K"),
        line("message_queue.keys_open", "Enter"),
        line("message_queue.keys_tabs", "1", "2", "3", "4"),
        rx.cond(
            flag(item, "edit"),
            rx.fragment(
                line("message_queue.keys_mark", "X"),
                line("message_queue.keys_retry", "R"),
                line("message_queue.keys_cancel", "C"),
                line("message_queue.keys_unmark", "Esc"),
            ),
        ),
        line("message_queue.keys_sheet", "?"),
        dialog_foot(button(t("common.close"), kind="ghost", on_click=do("queue.keys(false)"))),
        title=t("message_queue.keys_title"),
        open=flag(item, "open"),
        on_open_change=do("queue.keys(false)"),
    )


def dialogs() -> rx.Component:
    """All of them, closed."""
    return rx.fragment(slice_view("ask", ask_view), slice_view("keys", keys_view))
