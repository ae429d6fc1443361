"""The page's dialogs: add or edit, connect at Meta, delete."""

import reflex as rx

from pytake_app.ui.components.basics import button, dialog, dialog_foot, form_field, icon, icon_button, notice
from pytake_app.ui.components.store import Item, flag, text_of
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.pages.channels.store import ChannelsField, do, slice_view


def _cancel() -> rx.Component:
    return button(t("common.cancel"), kind="ghost", on_click=do("channels.close()"))


def _field(
    item: Item,
    name: str,
    *,
    hint: rx.Var | None = None,
    placeholder: rx.Var | str = "",
    secret: bool = False,
    mono: bool = False,
    first: bool = False,
    optional: bool = False,
) -> rx.Component:
    label = t(f"channels.{name}")
    box = ChannelsField.create(
        name=name,
        label=label,
        placeholder=placeholder,
        secret=secret,
        mono=mono,
        first=first,
        limit=2000 if secret else 120,
    )
    code = text_of(item, f"error_{name}")
    error = rx.cond(code != "", t_dynamic("channels.problem", code, "channels.problem.invalid"), "")
    return form_field(label, box, error=error, hint=hint, optional=optional)


def _secret(item: Item, name: str, *, shown: bool = False) -> rx.Component:
    stored = rx.cond(flag(item, f"has_{name}"), t("channels.stored_hint"), "")
    return _field(item, name, hint=t(f"channels.{name}_hint"), placeholder=stored, secret=not shown, mono=shown)


@rx.memo
def form_view(item: rx.Var[dict]) -> rx.Component:
    """A number's name, ids and secrets."""
    fresh = flag(item, "fresh")
    fixed = rx.el.div(
        rx.el.span(t("channels.phone_number_id"), class_name="lbl"),
        rx.el.span(text_of(item, "phone_number_id"), class_name="dense tn"),
        class_name="ff",
    )
    number_id = _field(item, "phone_number_id", hint=t("channels.phone_number_id_hint"), placeholder="106540352242922")
    return dialog(
        _field(item, "name", placeholder=t("channels.name_hint"), first=True),
        rx.el.div(
            rx.cond(fresh, number_id, fixed),
            _field(item, "business_account_id", hint=t("channels.business_account_id_hint"), optional=True),
            class_name="ch-pair",
        ),
        _secret(item, "access_token"),
        rx.el.div(_secret(item, "app_secret"), _secret(item, "verify_token", shown=True), class_name="ch-pair"),
        rx.el.div(icon("lock", "s"), rx.el.span(t("channels.secrets_note")), class_name="row g6 meta muted"),
        dialog_foot(
            _cancel(),
            button(
                rx.cond(fresh, t("channels.add"), t("common.save")),
                kind="solid",
                busy=flag(item, "busy"),
                on_click=do("channels.submit()"),
                custom_attrs={"data-testid": "channel-save"},
            ),
        ),
        title=rx.cond(fresh, t("channels.add_title"), t("channels.edit_title")),
        detail=rx.cond(fresh, t("channels.add_detail"), t("channels.edit_detail")),
        open=flag(item, "open"),
        on_open_change=do("channels.close()"),
        wide=True,
    )


def _copy_line(label: rx.Var, value: rx.Var, test: str) -> rx.Component:
    line = rx.el.div(
        rx.el.code(value, class_name="mono grow break", custom_attrs={"data-testid": test}),
        icon_button("copy", t("common.copy"), small=True, on_click=do(f"channels.copy({value!s})", value)),
        class_name="ch-copy",
    )
    return rx.el.div(rx.el.span(label, class_name="lbl"), line, class_name="ff")


def _step(number: int, title: rx.Var, *children: rx.Component) -> rx.Component:
    return rx.el.li(
        rx.el.span(str(number), class_name="ch-no", custom_attrs={"aria-hidden": True}),
        rx.el.div(rx.el.div(title, class_name="dense med"), *children, class_name="col g8 grow"),
    )


@rx.memo
def meta_view(item: rx.Var[dict]) -> rx.Component:
    """Three steps in Meta's console, with what has to be pasted there."""
    hidden = rx.el.div(
        rx.el.span(t("channels.verify_token"), class_name="lbl"),
        rx.el.div(
            rx.el.span(
                rx.cond(flag(item, "has_verify_token"), t("channels.token_hidden"), t("channels.token_missing")),
                class_name="dense muted grow",
            ),
            button(
                t("channels.token_new"),
                small=True,
                busy=flag(item, "busy"),
                on_click=do("channels.renew()"),
                custom_attrs={"data-testid": "token-new"},
            ),
            class_name="ch-copy",
        ),
        class_name="ff",
    )
    token = rx.cond(
        text_of(item, "token") != "",
        _copy_line(t("channels.verify_token"), text_of(item, "token"), "verify-token"),
        hidden,
    )
    return dialog(
        rx.cond(flag(item, "reachable"), rx.fragment(), notice("amber", "triangle-alert", t("channels.not_public"))),
        rx.el.ol(
            _step(1, t("channels.step_open"), rx.el.div(t("channels.step_open_detail"), class_name="meta muted")),
            _step(
                2,
                t("channels.step_paste"),
                _copy_line(t("channels.webhook_url"), text_of(item, "address"), "webhook-url"),
                token,
            ),
            _step(
                3,
                t("channels.step_fields", field="messages"),
                rx.el.div(t("channels.step_fields_detail"), class_name="meta muted"),
            ),
            class_name="ch-steps",
        ),
        dialog_foot(
            button(
                t("channels.done"),
                kind="solid",
                on_click=do("channels.close()"),
                custom_attrs={"data-testid": "meta-done"},
            )
        ),
        title=t("channels.meta_title", name=text_of(item, "name")),
        detail=t("channels.meta_detail"),
        open=flag(item, "open"),
        on_open_change=do("channels.close()"),
        wide=True,
    )


@rx.memo
def remove_view(item: rx.Var[dict]) -> rx.Component:
    """The last question; it names the number."""
    return dialog(
        dialog_foot(
            _cancel(),
            button(
                t("channels.delete_confirm"),
                kind="danger",
                busy=flag(item, "busy"),
                on_click=do("channels.confirm()"),
                custom_attrs={"data-testid": "delete-confirm"},
            ),
        ),
        title=t("channels.delete_title", name=text_of(item, "name")),
        detail=t("channels.delete_detail"),
        open=flag(item, "open"),
        on_open_change=do("channels.close()"),
    )


def dialogs() -> rx.Component:
    """All of them, closed."""
    return rx.fragment(slice_view("edit", form_view), slice_view("meta", meta_view), slice_view("remove", remove_view))
