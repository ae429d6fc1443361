"""The Python side of `ui/js/flows_page.js`."""

from typing import Any

import reflex as rx

from pytake_app.ui.components.store import call, view

STORE = "$/public/pt_flows_page.js"


class FlowsPart(rx.Component):
    """Base of the pieces that `flows_page.js` exports."""

    library = STORE


class FlowsRoot(FlowsPart):
    """Opens the page; `me` is `{id, role}` of who is signed in."""

    tag = "FlowsRoot"
    me: rx.Var[dict[str, object]]


class FlowsSlice(FlowsPart):
    """Shows `view` (a memo with one parameter `item`) with a slice of the store."""

    tag = "FlowsSlice"
    slice: rx.Var[str]
    view: rx.Var[Any]


class FlowsSearch(FlowsPart):
    """The search box."""

    tag = "FlowsSearch"
    placeholder: rx.Var[str]


class FlowRows(FlowsPart):
    """The table's body; `view` renders a row's cells."""

    tag = "FlowRows"
    view: rx.Var[Any]


class FlowMark(FlowsPart):
    """A row's checkbox, or without `id` the one for all rows."""

    tag = "FlowMark"
    id: rx.Var[str]
    on: rx.Var[bool]
    label: rx.Var[str]


class FlowSpark(FlowsPart):
    """A line through the last days' counts."""

    tag = "FlowSpark"
    points: rx.Var[str]
    label: rx.Var[str]


class FolderDrop(FlowsPart):
    """A place that takes dragged flows; `folder` is empty for none."""

    tag = "FolderDrop"
    folder: rx.Var[str]


class StarterTiles(FlowsPart):
    """What a flow can begin with; `view` renders a tile."""

    tag = "StarterTiles"
    view: rx.Var[Any]
    label: rx.Var[str]


class FlowsField(FlowsPart):
    """A text box of the open dialog."""

    tag = "FlowsField"
    name: rx.Var[str]
    label: rx.Var[str]
    placeholder: rx.Var[str]
    first: rx.Var[bool]
    limit: rx.Var[int]


class FlowFile(FlowsPart):
    """Where a file to import is dropped or chosen."""

    tag = "FlowFile"
    label: rx.Var[str]


def slice_view(name: str, memo: Any) -> rx.Component:
    """`memo` fed by the store's slice `name`."""
    return FlowsSlice.create(slice=name, view=view(memo))


def do(source: str, *data: rx.Var) -> rx.event.EventSpec:
    """An event that calls the store: `do("flows.create()")`."""
    return call(STORE, source, *data)
