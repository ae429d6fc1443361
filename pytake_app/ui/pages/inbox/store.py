"""The Python side of `ui/js/inbox*.js`: the inbox's frame, whose panes live in the browser."""

import reflex as rx
from reflex.vars import VarData

from pytake_app.ui.components.client import VIRTUOSO
from pytake_app.ui.i18n import LANG

VIEWS = "$/public/pt_inbox_views.js"
MODEL = "$/public/pt_inbox_model.js"


class InboxRoot(rx.Component):
    """List, thread and contact; `me` is `{id, name, role, organization}` of who is signed in."""

    library = VIEWS
    tag = "InboxRoot"
    lib_dependencies: list[str] = [VIRTUOSO]
    me: rx.Var[dict[str, object]]


def clock_time(value: rx.Var) -> rx.vars.StringVar:
    """Hours and minutes."""
    data = VarData.merge(VarData(imports={MODEL: ["clockTime"]}), LANG._get_all_var_data(), value._get_all_var_data())
    return rx.Var(f"clockTime({LANG!s}, {value!s})", _var_data=data).to(str)
