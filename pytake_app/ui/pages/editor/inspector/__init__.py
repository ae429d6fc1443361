"""The inspector: the selected block's form, made from the fields that its config model declares."""

from pytake_app.ui.pages.editor.inspector.fields import LIST_WIDGETS
from pytake_app.ui.pages.editor.inspector.panel import block_panel

__all__ = ["LIST_WIDGETS", "block_panel"]
