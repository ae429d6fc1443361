"""Wrappers of our JavaScript modules (`ui/js/*.js`): keys, palette, drawer, banner, relative time, live lists.

A page's own module is wrapped in the same way: a file `ui/js/<name>.js` is importable as `$/public/pt_<name>.js`.
Packages from npm that a module imports are named, with an exact version, in `lib_dependencies`.
"""

from typing import Any

import reflex as rx
from reflex.vars import VarData

SHELL = "$/public/pt_shell.js"
LIVE = "$/public/pt_live.js"
CMDK = "cmdk@1.1.1"
VIRTUOSO = "react-virtuoso@4.18.21"


def js_function(module: str, name: str, *arguments: str) -> rx.event.EventSpec:
    """An event handler that calls an exported function of a module in the browser; arguments are JavaScript source."""
    data = VarData(imports={module: [name]})
    return rx.call_function(rx.Var(f"() => {name}({', '.join(arguments)})", _var_data=data))


class ShellPart(rx.Component):
    """Base of the pieces exported by `shell.js`."""

    library = SHELL
    lib_dependencies: list[str] = [CMDK]


class HotKeys(ShellPart):
    """Key combinations, filtered in the browser: only listed ones reach `on_combo`, nothing typed in a field does.

    `HotKeys.create(combos=["j", "k", "mod+Enter"], in_fields=["mod+Enter"], on_combo=State.key)`: `mod` is Ctrl or ⌘,
    single characters are lower case, named keys are as in `KeyboardEvent.key`.
    """

    tag = "HotKeys"
    combos: rx.Var[list[str]]
    in_fields: rx.Var[list[str]]
    on_combo: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class ShellKeys(ShellPart):
    """The shell's own keys: Ctrl/⌘ K and `[`."""

    tag = "ShellKeys"


class Drawer(ShellPart):
    """The sidebar on a phone."""

    tag = "Drawer"
    label: rx.Var[str]


class CommandPalette(ShellPart):
    """Ctrl/⌘ K; `pages` is a list of `{href, icon, label}` with `label` a text key."""

    tag = "CommandPalette"
    pages: rx.Var[list[dict[str, str]]]


class AccountLanguage(rx.Component):
    """Keeps the language of this browser and of the account (`locale`: `pt_BR`) together, and takes its time zone."""

    library = "$/public/pt_account.js"
    tag = "AccountLanguage"
    locale: rx.Var[str]
    zone: rx.Var[str]


class ConnectionBanner(ShellPart):
    """Says quietly that the connection is away, after 1.2 s, and goes by itself."""

    tag = "ConnectionBanner"


class RelativeTime(ShellPart):
    """`relative_time(State.updated_at)`: "há 4 min", kept right in the browser, the exact time on hover."""

    tag = "RelativeTime"
    value: rx.Var[str]


hot_keys = HotKeys.create


def relative_time(value: rx.Var[str] | str, **props: object) -> rx.Component:
    """A time relative to now; `value` is an RFC 3339 text, an empty one shows a dash."""
    return RelativeTime.create(value=value, **props)


def open_palette() -> rx.event.EventSpec:
    """Event: open the command palette."""
    return js_function(SHELL, "openPalette")


def open_drawer() -> rx.event.EventSpec:
    """Event: open the sidebar's drawer (phones)."""
    return js_function(SHELL, "openDrawer")


def toggle_side() -> rx.event.EventSpec:
    """Event: fold or unfold the sidebar; where the page hides it, show it."""
    return js_function(SHELL, "toggleSide")


def sign_out(*, everywhere: bool = False) -> rx.event.EventSpec:
    """Event: leave, on this device or on all."""
    return js_function(SHELL, "signOut", "true" if everywhere else "false")


class LiveBridge(rx.Component):
    """Hands the pokes of `ui/push.py` to the page's listeners. Part of the shell."""

    library = LIVE
    tag = "LiveBridge"
    pokes: rx.Var[list[dict[str, Any]]]


class OnPoke(rx.Component):
    """Calls `on_poke(topics)` when something under `prefix` changed (and after every gap in the connection)."""

    library = LIVE
    tag = "OnPoke"
    prefix: rx.Var[str]
    on_poke: rx.EventHandler[rx.event.passthrough_event_spec(list[str])]
