"""The audit log."""

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/audit"
ON_LOAD = [SessionState.guard]


class AuditRoot(rx.Component):
    """The page's content; reads and writes by REST."""

    library = "$/public/pt_audit_page.js"
    tag = "AuditRoot"
    me: rx.Var[dict[str, object]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return settings_shell("audit", "audit.title", "audit.lead", AuditRoot.create(me=me), wide=True)
