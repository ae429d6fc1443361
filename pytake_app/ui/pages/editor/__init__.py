"""The flow editor, `/flows/[flow_id]`."""

from pytake_app.ui.pages.editor.page import page
from pytake_app.ui.pages.editor.state import EditorState

__all__ = ["EditorState", "page"]
