"""Pieces of cards that live in the browser: texts edited where they stand, and a frame's handles."""

import reflex as rx

from pytake_app.ui.canvas.components import EditorPart

INLINE = "$/public/pt_editor_inline.js"


class CardTitle(EditorPart):
    """A card's title; a double click or F2 makes it a text box."""

    library = INLINE
    tag = "CardTitle"
    node: rx.Var[str]
    text: rx.Var[str]


class NoteText(EditorPart):
    """A note's text, edited on the note; the children are how it reads."""

    library = INLINE
    tag = "NoteText"
    node: rx.Var[str]


class FrameParts(EditorPart):
    """A frame's name, by which it is dragged, and the handles that change its size."""

    library = INLINE
    tag = "FrameParts"
    node: rx.Var[str]
    text: rx.Var[str]
    selected: rx.Var[bool]


class Thumbnail(EditorPart):
    """A file as the contact will see it: the uploaded picture, else a sign of its kind; the children name it."""

    library = INLINE
    tag = "Thumbnail"
    kind: rx.Var[str]
    media: rx.Var[str]


class KeysSheet(EditorPart):
    """The sheet of keys, opened by `?`: what each does, and changing them."""

    library = "$/public/pt_editor_sheet.js"
    tag = "KeysSheet"


class TranslateSheet(EditorPart):
    """The table of the flow's texts in other languages."""

    library = "$/public/pt_editor_translate.js"
    tag = "TranslateSheet"


class AdaptList(EditorPart):
    """What to adapt in a flow made from the gallery; the child is its sign."""

    library = "$/public/pt_editor_adapt.js"
    tag = "AdaptList"


class PreviewLanguage(EditorPart):
    """Whose language the preview's contact speaks; shown where the flow has several."""

    library = "$/public/pt_editor_preview.js"
    tag = "PreviewLanguage"
