"""The Reflex application: head, overlays, pages."""

import json

import reflex as rx

from pytake_app.ui.components.client import ConnectionBanner
from pytake_app.ui.i18n import DEFAULT_LANGUAGE
from pytake_app.ui.pages import register_pages
from pytake_app.ui.reflex_redis import support_redis_6

# Before the first paint: the sidebar's fold, and no flash of Portuguese for somebody who reads another language.
_BEFORE_PAINT = f"""
try {{
  var root = document.documentElement, side = localStorage.getItem("pytake_side");
  var lang = localStorage.getItem("pytake_lang");
  if (side) root.dataset.side = side;
  lang = lang || (navigator.languages || [navigator.language])[0] || "";
  if (lang.slice(0, 2).toLowerCase() !== {json.dumps(DEFAULT_LANGUAGE[:2])}) {{
    root.setAttribute("data-lang-pending", "");
    setTimeout(function () {{ root.removeAttribute("data-lang-pending"); }}, 2500);
  }}
}} catch (e) {{}}
"""


def _overlay(stateful: bool) -> rx.Component | None:
    # Reflex puts the page into the wrapper: a fragment, so that the banner stands beside it.
    return rx.fragment(ConnectionBanner.create()) if stateful else None


def make_app() -> rx.App:
    """The app with all its pages. One call a process."""
    support_redis_6()
    app = rx.App(
        html_lang=DEFAULT_LANGUAGE,
        head_components=[
            rx.el.script(_BEFORE_PAINT),
            rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
            rx.el.meta(name="viewport", content="width=device-width, initial-scale=1"),
            rx.el.meta(name="color-scheme", content="light dark"),
        ],
        toaster=rx.toast.provider(position="bottom-right", theme="system", close_button=True, rich_colors=False),
    )
    # Reflex's own overlay is an icon and toasts with technical words; ours is one quiet banner.
    app.app_wraps[5, "Overlay"] = _overlay
    register_pages(app)
    return app
