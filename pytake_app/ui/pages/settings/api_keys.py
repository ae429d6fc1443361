"""Keys for programs."""

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/api-keys"
ON_LOAD = [SessionState.guard]


class ApiKeysRoot(rx.Component):
    """The page's content; reads and writes by REST."""

    library = "$/public/pt_api_keys_page.js"
    tag = "ApiKeysRoot"
    me: rx.Var[dict[str, object]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return settings_shell("api-keys", "keys.title", "keys.lead", ApiKeysRoot.create(me=me), wide=False)
