"""Helpers for pages whose data lives in a browser store (`ui/js/page_store.js`): parts of a slice, views, calls."""

from typing import Any

import reflex as rx
from reflex.vars import VarData

Item = rx.Var[dict[str, Any]]


def text_of(item: Item, name: str) -> rx.vars.StringVar:
    """A text of a slice."""
    return item[name].to(str)


def number(item: Item, name: str) -> rx.vars.NumberVar:
    """A number of a slice."""
    return item[name].to(int)


def flag(item: Item, name: str) -> rx.vars.BooleanVar:
    """A yes or no of a slice."""
    return item[name].to(bool)


def view(memo: Any) -> rx.Var[Any]:
    """A memo as a property: the component itself, not an instance of it."""
    var = memo._as_var()
    return rx.Var(str(var), _var_data=var._get_all_var_data())


def call(module: str, source: str, *data: rx.Var) -> rx.event.EventSpec:
    """An event that runs `source`, a call on an object exported by `module`: `call(STORE, "flows.retry()")`.

    Vars whose expressions appear in `source` go in `data`.
    """
    name = source.split(".", 1)[0]
    merged = VarData.merge(VarData(imports={module: [name]}), *[var._get_all_var_data() for var in data])
    return rx.call_function(rx.Var(f"() => {source}", _var_data=merged))
