"""The Python side of `ui/js/inbox*.js`: components and events of the inbox's browser store."""

from typing import Any

import reflex as rx
from reflex.vars import VarData

from pytake_app.ui.components.client import VIRTUOSO
from pytake_app.ui.components.store import call, view
from pytake_app.ui.i18n import LANG

VIEWS = "$/public/pt_inbox_views.js"
STORE = "$/public/pt_inbox.js"
MODEL = "$/public/pt_inbox_model.js"


class InboxPart(rx.Component):
    """Base of the pieces exported by `inbox_views.js`."""

    library = VIEWS
    lib_dependencies: list[str] = [VIRTUOSO]


class InboxRoot(InboxPart):
    """The frame; `me` is `{id, name, role}` of who is signed in."""

    tag = "InboxRoot"
    me: rx.Var[dict[str, str]]


class InboxSlice(InboxPart):
    """Shows `view` (a memo with one parameter `item`) with a slice of the store."""

    tag = "InboxSlice"
    slice: rx.Var[str]
    view: rx.Var[Any]


class ConversationList(InboxPart):
    """The virtual list of conversations; `view` renders a row."""

    tag = "ConversationList"
    view: rx.Var[Any]
    label: rx.Var[str]


class ThreadList(InboxPart):
    """The virtual list of a thread; `view` renders an item, `pill` the sign of new messages below."""

    tag = "ThreadList"
    view: rx.Var[Any]
    pill: rx.Var[Any]
    label: rx.Var[str]


class InboxSearch(InboxPart):
    """The list's search box; filters by REST after a pause in typing."""

    tag = "InboxSearch"
    placeholder: rx.Var[str]


class WhyBox(InboxPart):
    """Reads why a message was said, then shows it with `view`."""

    tag = "WhyBox"
    session: rx.Var[str]
    node: rx.Var[str]
    message: rx.Var[str]
    view: rx.Var[Any]


class ComposerBox(InboxPart):
    """The text box."""

    tag = "ComposerBox"
    conversation: rx.Var[str]
    placeholder: rx.Var[str]


def slice_view(name: str, memo: Any) -> rx.Component:
    """`memo` fed by the store's slice `name`."""
    return InboxSlice.create(slice=name, view=view(memo))


def do(source: str, *data: rx.Var) -> rx.event.EventSpec:
    """An event that calls the store, `do("inbox.back()")`; Vars whose expressions appear in it go in `data`."""
    return call(STORE, source, *data)


def _format(name: str, value: rx.Var) -> rx.vars.StringVar:
    data = VarData.merge(VarData(imports={MODEL: [name]}), LANG._get_all_var_data(), value._get_all_var_data())
    return rx.Var(f"{name}({LANG!s}, {value!s})", _var_data=data).to(str)


def short_time(value: rx.Var) -> rx.vars.StringVar:
    """The clock time today, "yesterday" in words, a short date before."""
    return _format("shortTime", value)


def clock_time(value: rx.Var) -> rx.vars.StringVar:
    """Hours and minutes."""
    return _format("clockTime", value)


def day_text(value: rx.Var) -> rx.vars.StringVar:
    """The day of a separator in words, with today and yesterday by name."""
    return _format("dayText", value)
