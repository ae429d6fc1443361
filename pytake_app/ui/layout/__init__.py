"""The page shell: sidebar, top bar, command palette, banner. A page is `page_shell("area.title", …)`."""

from pytake_app.ui.layout.shell import page_shell

__all__ = ["page_shell"]
