"""Signed-out pages besides signing in: forgotten password, new password, invitation, second step."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.i18n import t
from pytake_app.ui.pages.auth.page import AuthState, auth_field, auth_form, auth_frame, email_field
from pytake_app.ui.session import SessionState

FORGOT, RESET, INVITE, CODE, SETUP = "/forgot", "/reset/[token]", "/invite/[token]", "/login/code", "/login/setup"
CONFIRM = "/confirm/[token]"
ON_LOAD = [SessionState.guard_guest, AuthState.read_address]
"""Of pages that make no sense for somebody who is signed in."""
ON_LOAD_LINK = [AuthState.read_address]
"""Of links in mails, which work whoever is signed in in this browser."""
_LIBRARY = "$/public/pt_account_guest.js"


class InviteRoot(rx.Component):
    """The form of an invited person; the link's token never leaves the browser but with the form."""

    library = _LIBRARY
    tag = "InviteRoot"


class ResetRoot(rx.Component):
    """The form that sets a new password."""

    library = _LIBRARY
    tag = "ResetRoot"


class ConfirmRoot(rx.Component):
    """Confirms an e-mail address by the link's token, with one click."""

    library = _LIBRARY
    tag = "ConfirmRoot"


class EnrollRoot(rx.Component):
    """Sets a second factor up, and shows its recovery codes."""

    library = _LIBRARY
    tag = "EnrollRoot"


def _back_to_sign_in() -> rx.Component:
    return rx.link(t("auth.to_sign_in"), href="/login", class_name="link", unstyled=True)


def forgot_page() -> rx.Component:
    """Ask for a link."""
    form = auth_form("/auth/web/forgot", email_field(auto_focus=True), verb=t("auth.forgot_send"))
    return auth_frame(t("auth.forgot_title"), t("auth.forgot_detail"), form, _back_to_sign_in())


def code_page() -> rx.Component:
    """Step two: a code."""
    form = auth_form(
        "/auth/web/totp",
        auth_field(
            "code",
            t("auth.code"),
            required=True,
            max_length=40,
            auto_complete="one-time-code",
            auto_focus=True,
            hint=t("auth.code_hint"),
        ),
        verb=t("auth.sign_in"),
    )
    return auth_frame(t("auth.code_title"), t("auth.code_detail"), form, _back_to_sign_in())


def _own_form(root: rx.Component) -> rx.Component:
    return auth_frame(None, None, root, _back_to_sign_in(), problem=False)


def invite_page() -> rx.Component:
    """Join an organization."""
    return _own_form(InviteRoot.create())


def reset_page() -> rx.Component:
    """Set a new password."""
    return _own_form(ResetRoot.create())


def confirm_page() -> rx.Component:
    """Confirm an e-mail address."""
    return _own_form(ConfirmRoot.create())


def setup_page() -> rx.Component:
    """Step two for somebody who needs a second factor and has none."""
    return _own_form(EnrollRoot.create())
