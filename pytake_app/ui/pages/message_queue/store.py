"""The Python side of `ui/js/message_queue_page.js`."""

from typing import Any

import reflex as rx

from pytake_app.ui.components.store import call, view

STORE = "$/public/pt_message_queue_page.js"


class QueuePart(rx.Component):
    """Base of the pieces that `message_queue_page.js` exports."""

    library = STORE


class QueueRoot(QueuePart):
    """Opens the page; `me` is `{id, role}` of who is signed in."""

    tag = "QueueRoot"
    me: rx.Var[dict[str, object]]


class QueueSlice(QueuePart):
    """Shows `view` (a memo with one parameter `item`) with a slice of the store."""

    tag = "QueueSlice"
    slice: rx.Var[str]
    view: rx.Var[Any]


class QueueRows(QueuePart):
    """The table's body; `view` renders a row's cells."""

    tag = "QueueRows"
    view: rx.Var[Any]


class QueueMark(QueuePart):
    """A row's checkbox, or without `id` the one for all rows."""

    tag = "QueueMark"
    id: rx.Var[str]
    on: rx.Var[bool]
    label: rx.Var[str]


class QueueFilter(QueuePart):
    """A drop-down: `name` is `priority` or `account`."""

    tag = "QueueFilter"
    name: rx.Var[str]
    label: rx.Var[str]


class QueueWhen(QueuePart):
    """A time that keeps itself right to the second; `coming`: it is one that something will happen at."""

    tag = "QueueWhen"
    value: rx.Var[str]
    coming: rx.Var[bool]


class QueueChart(QueuePart):
    """The last half hour, drawn or as a table."""

    tag = "QueueChart"


def slice_view(name: str, memo: Any) -> rx.Component:
    """`memo` fed by the store's slice `name`."""
    return QueueSlice.create(slice=name, view=view(memo))


def do(source: str, *data: rx.Var) -> rx.event.EventSpec:
    """An event that calls the store: `do("queue.retry()")`."""
    return call(STORE, source, *data)
