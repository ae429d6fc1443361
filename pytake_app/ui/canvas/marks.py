"""Pieces of the versions and runs panels that live in the browser (`ui/js/editor_marks.js`)."""

from typing import Any

import reflex as rx

from pytake_app.ui.canvas.components import EditorPart

MARKS = "$/public/pt_editor_marks.js"


class RunLegend(EditorPart):
    """What the colours of the runs tab mean, over the canvas."""

    library = MARKS
    tag = "RunLegend"


class RunFilter(EditorPart):
    """A choice of the runs tab: `days`, `version` or `channel`."""

    library = MARKS
    tag = "RunFilter"
    name: rx.Var[str]
    value: rx.Var[str]
    choices: rx.Var[Any]
    label: rx.Var[str]


class CompareSide(EditorPart):
    """A side of a comparison: `base` or `target`."""

    library = MARKS
    tag = "CompareSide"
    side: rx.Var[str]
    value: rx.Var[str]
    choices: rx.Var[Any]
    label: rx.Var[str]


class ParkedChoice(EditorPart):
    """What becomes of the contacts who wait at a block."""

    library = MARKS
    tag = "ParkedChoice"
    node: rx.Var[str]
    value: rx.Var[str]
    choices: rx.Var[Any]
    label: rx.Var[str]


class PublishTime(EditorPart):
    """When to publish, by the organization's clock."""

    library = MARKS
    tag = "PublishTime"
    value: rx.Var[str]
    label: rx.Var[str]
