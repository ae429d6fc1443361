"""The Python side of `ui/js/editor_*.js`: components, and events that call the editor's store in the browser."""

from typing import Any

import reflex as rx
from reflex.vars import VarData

from pytake_app.ui.i18n import LANG

XYFLOW = "@xyflow/react@12.12.1"
DAGRE = "@dagrejs/dagre@3.1.3"

STORE = "$/public/pt_editor.js"
ACTIONS = "$/public/pt_editor_actions.js"
FORM = "$/public/pt_editor_form.js"
PREVIEW = "$/public/pt_editor_preview.js"
TRANSLATE = "$/public/pt_editor_translate.js"
PREVIEW_VIEW = "$/public/pt_editor_preview_view.js"
PREVIEW_FORMS = "$/public/pt_editor_preview_forms.js"
CHECK = "$/public/pt_editor_check.js"
TESTS = "$/public/pt_editor_tests.js"
VERSIONS = "$/public/pt_editor_versions.js"
RUNS = "$/public/pt_editor_runs.js"
CANVAS = "$/public/pt_editor_canvas.js"
VIEWS = "$/public/pt_editor_views.js"
FIELDS = "$/public/pt_editor_fields.js"
PICTURE = "$/public/pt_editor_picture.js"
TOGETHER = "$/public/pt_editor_together.js"
MODEL = "$/public/pt_editor_model.js"

Item = rx.Var[dict[str, Any]]


class EditorPart(rx.Component):
    """Base: every module may reach the canvas, so all of them name its packages."""

    lib_dependencies: list[str] = [XYFLOW, DAGRE]


class EditorRoot(EditorPart):
    """Opens the flow of the page's address and connects the store with the server.

    `reply` is the server's latest answer; `on_submit`, `on_catch_up` and `on_here` take one object each.
    """

    library = CANVAS
    tag = "EditorRoot"
    specs: rx.Var[dict[str, Any]]
    me: rx.Var[dict[str, object]]
    reply: rx.Var[dict[str, Any]]
    on_submit: rx.EventHandler[rx.event.passthrough_event_spec(dict[str, Any])]
    on_catch_up: rx.EventHandler[rx.event.passthrough_event_spec(dict[str, Any])]
    on_here: rx.EventHandler[rx.event.passthrough_event_spec(dict[str, Any])]


class FlowCanvas(EditorPart):
    """React Flow. `cards`: node type → card (a memo with `item`), `quick`: the palette opened on the canvas."""

    library = CANVAS
    tag = "FlowCanvas"
    cards: rx.Var[Any]
    quick: rx.Var[Any]
    label: rx.Var[str]

    def add_imports(self) -> dict[str, Any]:
        """React Flow's own style sheet."""
        return {"": ["@xyflow/react/dist/style.css"]}


class PortHandle(EditorPart):
    """The round end of an exit, on the right edge of its row."""

    library = CANVAS
    tag = "PortHandle"
    port: rx.Var[str]
    wired: rx.Var[bool]
    bad: rx.Var[bool]
    lit: rx.Var[bool]
    label: rx.Var[str]


class TargetHandle(EditorPart):
    """Where edges arrive."""

    library = CANVAS
    tag = "TargetHandle"


class ViewPart(EditorPart):
    """Base of the pieces of `editor_views.js`."""

    library = VIEWS


class EditorSlice(ViewPart):
    """Shows `view` (a memo with `item`) with a slice of the store."""

    tag = "EditorSlice"
    slice: rx.Var[str]
    view: rx.Var[Any]


class EditorPanes(ViewPart):
    """The frame of palette, canvas and inspector."""

    tag = "EditorPanes"


class PaletteItem(ViewPart):
    """A block to drag or press."""

    tag = "PaletteItem"
    type: rx.Var[str]
    label: rx.Var[str]
    about: rx.Var[str]
    disabled: rx.Var[bool]


class PaletteSearch(ViewPart):
    """The palette's search box."""

    tag = "PaletteSearch"
    placeholder: rx.Var[str]


class QuickSearch(ViewPart):
    """The search box of the palette on the canvas."""

    tag = "QuickSearch"
    placeholder: rx.Var[str]


class RichText(ViewPart):
    """A text with WhatsApp's marks and variables as chips."""

    tag = "RichText"
    text: rx.Var[str]
    limit: rx.Var[int]


class FlowName(ViewPart):
    """The flow's name, edited in place."""

    tag = "FlowName"
    name: rx.Var[str]
    disabled: rx.Var[bool]


class PublishNote(ViewPart):
    """The note that goes with a version."""

    tag = "PublishNote"
    value: rx.Var[str]
    placeholder: rx.Var[str]


class Overlay(ViewPart):
    """A dialog over the page."""

    tag = "Overlay"
    open: rx.Var[bool]
    label: rx.Var[str]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


class FieldControl(EditorPart):
    """The control of one form field, by its widget."""

    library = FIELDS
    tag = "FieldControl"
    item: rx.Var[Any]


class TitleField(EditorPart):
    """The node's title."""

    library = FIELDS
    tag = "TitleField"
    node: rx.Var[str]
    text: rx.Var[str]
    placeholder: rx.Var[str]
    disabled: rx.Var[bool]


class SortableRow(EditorPart):
    """A row of a list that can be moved."""

    library = FIELDS
    tag = "SortableRow"
    node: rx.Var[str]
    path: rx.Var[str]
    index: rx.Var[int]
    disabled: rx.Var[bool]


class NodeTools(EditorPart):
    """What a block type has below its form."""

    library = FIELDS
    tag = "NodeTools"
    node: rx.Var[str]
    type: rx.Var[str]
    locked: rx.Var[bool]


class HelpButton(EditorPart):
    """Opens the help sheet of the block's type."""

    library = FIELDS
    tag = "HelpButton"
    node: rx.Var[str]
    label: rx.Var[str]


class AllHooks(EditorPart):
    """The addresses of the flow's webhook triggers."""

    library = FIELDS
    tag = "AllHooks"


class PreviewInput(EditorPart):
    """The preview phone's text box."""

    library = PREVIEW_VIEW
    tag = "PreviewInput"
    placeholder: rx.Var[str]
    label: rx.Var[str]


class PreviewScroll(EditorPart):
    """The preview phone's messages."""

    library = PREVIEW_VIEW
    tag = "PreviewScroll"
    label: rx.Var[str]


class PreviewFile(EditorPart):
    """A file of a message of the preview; the child stands for one that can't be shown."""

    library = PREVIEW_VIEW
    tag = "PreviewFile"
    kind: rx.Var[str]
    src: rx.Var[str]


class PreviewPending(EditorPart):
    """The call that waits for an answer from outside."""

    library = PREVIEW_FORMS
    tag = "PreviewPending"


class PreviewForm(EditorPart):
    """Filling a form that the flow sent."""

    library = PREVIEW_FORMS
    tag = "PreviewForm"


class PreviewValues(EditorPart):
    """Values of session and contact, to read and to change."""

    library = PREVIEW_FORMS
    tag = "PreviewValues"


class PreviewPane(EditorPart):
    """What is open under the preview's bar: clock, channel, contact, kept answers, saving as a test case."""

    library = PREVIEW_FORMS
    tag = "PreviewPane"


class CheckWatch(EditorPart):
    """Keeps the check panel up to date while it shows."""

    library = CHECK
    tag = "CheckWatch"


class PublishTests(EditorPart):
    """Runs the test cases when the publish dialog opens; `view` shows them."""

    library = PREVIEW_FORMS
    tag = "PublishTests"
    view: rx.Var[Any]


def view(memo: Any) -> rx.Var[Any]:
    """A memo as a property: the component itself, not an instance of it."""
    var = memo._as_var()
    return rx.Var(str(var), _var_data=var._get_all_var_data())


def views(memos: dict[str, Any]) -> rx.Var[Any]:
    """Several memos as one object, `{name: component}`."""
    made = {name: memo._as_var() for name, memo in memos.items()}
    body = ",".join(f"{name}: {var!s}" for name, var in made.items())
    return rx.Var("({" + body + "})", _var_data=VarData.merge(*[var._get_all_var_data() for var in made.values()]))


class Arrival(EditorPart):
    """Does what the page's address asks for: show a block, save a picture."""

    library = PICTURE
    tag = "Arrival"


class TogetherSlice(EditorPart):
    """A slice of `editor_together.js`."""

    library = TOGETHER
    tag = "TogetherSlice"
    slice: rx.Var[str]
    view: rx.Var[Any]


def slice_view(name: str, memo: Any) -> rx.Component:
    """`memo` fed by the store's slice `name`."""
    return EditorSlice.create(slice=name, view=view(memo))


_NAMES = {
    "editor": STORE,
    "actions": ACTIONS,
    "form": FORM,
    "preview": PREVIEW,
    "together": TOGETHER,
    "translate": TRANSLATE,
    "check": CHECK,
    "tests": TESTS,
    "versions": VERSIONS,
    "runs": RUNS,
    "picture": PICTURE,
}


def do(call: str, *data: rx.Var, argument: str = "") -> rx.event.EventSpec:
    """An event that calls the store in the browser: `do("editor.undo()")`; no frame is sent.

    Vars whose expressions appear in `call` go in `data`. `argument` names the event's own value in `call`.
    """
    name = call.split(".", 1)[0].split("(", maxsplit=1)[0]
    merged = VarData.merge(VarData(imports={_NAMES[name]: [name]}), *[var._get_all_var_data() for var in data])
    return rx.call_function(rx.Var(f"({argument}) => {call}", _var_data=merged))


def relative(value: rx.Var) -> rx.vars.StringVar:
    """A time as "há 4 min"."""
    data = VarData.merge(VarData(imports={MODEL: ["relative"]}), LANG._get_all_var_data(), value._get_all_var_data())
    return rx.Var(f"relative({value!s}, {LANG!s})", _var_data=data).to(str)


def text_of(item: rx.Var, name: str) -> rx.vars.StringVar:
    """A text of an item."""
    return item[name].to(str)


def flag(item: rx.Var, name: str) -> rx.vars.BooleanVar:
    """A yes or no of an item."""
    return item[name].to(bool)


def number(item: rx.Var, name: str) -> rx.vars.NumberVar:
    """A number of an item."""
    return item[name].to(int)


def items_of(item: rx.Var, name: str) -> rx.vars.ArrayVar:
    """A list of an item."""
    return item[name].to(list[dict[str, Any]])
