"""The Python side of `ui/js/channels.js`."""

from typing import Any

import reflex as rx

from pytake_app.ui.components.store import call, view

STORE = "$/public/pt_channels.js"


class ChannelsPart(rx.Component):
    """Base of the pieces that `channels.js` exports."""

    library = STORE


class ChannelsRoot(ChannelsPart):
    """Opens the page; `me` is `{id, role}` of who is signed in."""

    tag = "ChannelsRoot"
    me: rx.Var[dict[str, object]]


class ChannelsSlice(ChannelsPart):
    """Shows `view` (a memo with one parameter `item`) with a slice of the store."""

    tag = "ChannelsSlice"
    slice: rx.Var[str]
    view: rx.Var[Any]


class ChannelCards(ChannelsPart):
    """A card a number; `view` renders its inside."""

    tag = "ChannelCards"
    view: rx.Var[Any]


class ChannelsField(ChannelsPart):
    """A text box of the form; `secret` hides what is written."""

    tag = "ChannelsField"
    name: rx.Var[str]
    label: rx.Var[str]
    placeholder: rx.Var[str]
    secret: rx.Var[bool]
    mono: rx.Var[bool]
    first: rx.Var[bool]
    limit: rx.Var[int]


def slice_view(name: str, memo: Any) -> rx.Component:
    """`memo` fed by the store's slice `name`."""
    return ChannelsSlice.create(slice=name, view=view(memo))


def do(source: str, *data: rx.Var) -> rx.event.EventSpec:
    """An event that calls the store: `do("channels.add()")`."""
    return call(STORE, source, *data)
