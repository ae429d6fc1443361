"""The Python side of `ui/js/gallery.js`."""

from typing import Any

import reflex as rx

from pytake_app.ui.components.store import call, view

STORE = "$/public/pt_gallery.js"


class GalleryPart(rx.Component):
    """Base of the pieces that `gallery.js` exports. It hands a list to the editor, whose packages come along."""

    library = STORE


class GalleryRoot(GalleryPart):
    """Opens the page; `me` is `{id, role}` of who is signed in."""

    tag = "GalleryRoot"
    me: rx.Var[dict[str, object]]


class GallerySlice(GalleryPart):
    """Shows `view` (a memo with one parameter `item`) with a slice of the store."""

    tag = "GallerySlice"
    slice: rx.Var[str]
    view: rx.Var[Any]


class GallerySearch(GalleryPart):
    """The search box."""

    tag = "GallerySearch"
    placeholder: rx.Var[str]


class GalleryLanguage(GalleryPart):
    """The language of the flows that are shown; `names` maps locales to text keys."""

    tag = "GalleryLanguage"
    label: rx.Var[str]
    names: rx.Var[dict[str, str]]


class FlowPicture(GalleryPart):
    """A flow drawn small; `words` with the blocks' titles."""

    tag = "FlowPicture"
    drawing: rx.Var[Any]
    label: rx.Var[str]
    words: rx.Var[bool]


class SampleText(GalleryPart):
    """A message of a sample conversation."""

    tag = "SampleText"
    text: rx.Var[str]


def slice_view(name: str, memo: Any) -> rx.Component:
    """`memo` fed by the store's slice `name`."""
    return GallerySlice.create(slice=name, view=view(memo))


def do(source: str, *data: rx.Var) -> rx.event.EventSpec:
    """An event that calls the store: `do("gallery.close()")`."""
    return call(STORE, source, *data)
