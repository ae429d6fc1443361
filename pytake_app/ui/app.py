"""The Reflex application: head, overlays, pages."""

import json

import reflex as rx
import structlog
from reflex.event import noop
from reflex.state import FrontendEventExceptionState
from reflex_components_core.base.error_boundary import ErrorBoundary

from pytake_app.ui.components.basics import error_state
from pytake_app.ui.components.client import ConnectionBanner
from pytake_app.ui.feedback import toast
from pytake_app.ui.i18n import DEFAULT_LANGUAGE, t, text
from pytake_app.ui.pages import register_pages
from pytake_app.ui.reflex_redis import support_redis_6
from pytake_app.ui.theme import MEDIA

MAX_LOGGED = 600

log = structlog.get_logger(__name__)

# Before the first paint: the sidebar's fold (icons only where space is scarce), and no flash of Portuguese for
# somebody who reads another language.
_BEFORE_PAINT = f"""
try {{
  var root = document.documentElement;
  var lang = localStorage.getItem("pytake_lang") || localStorage.getItem("pytake_lang_account");
  var narrow = matchMedia({json.dumps(MEDIA["(--narrow)"])});
  var fold = function () {{
    root.dataset.side = narrow.matches ? "rail" : localStorage.getItem("pytake_side")
      || (location.pathname.startsWith("/inbox") ? "rail" : "full");
  }};
  fold();
  narrow.addEventListener("change", fold);
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


def _broken_page(stateful: bool) -> rx.Component:
    # Instead of Reflex's own: its words are English and show a stack trace to whoever sits there.
    reload = rx.call_function(rx.Var("() => window.location.reload()"))
    sorry = error_state(t("common.page_failed"), t("common.page_failed_detail"), reload)
    props = {} if stateful else {"on_error": noop()}
    return ErrorBoundary.create(fallback_render=rx.Var.create(rx.el.main(sorry)), **props)


def _page_failed(exception: Exception) -> None:
    """A script of ours failed in somebody's browser. Anybody can send such a report, so it is kept short."""
    log.warning("page_failed", report=str(exception)[:MAX_LOGGED])


def _event_failed(exception: Exception) -> rx.event.EventSpec:
    """A handler of ours failed: the person hears that it did, the log why. Reflex's own toast is English and
    evaluated."""
    log.error("ui_event_failed", exc_info=exception)
    return toast("error", text(DEFAULT_LANGUAGE, "common.page_failed"))


def make_app() -> rx.App:
    """The app with all its pages. One call a process."""
    support_redis_6()
    # Reflex would have a page reload itself on some errors, by a script that our policy forbids to evaluate: the page
    # would only fail once more. Nor should it throw away what somebody is about to write.
    FrontendEventExceptionState.auto_reload_on_errors = []
    app = rx.App(
        frontend_exception_handler=_page_failed,
        backend_exception_handler=_event_failed,
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
    app.app_wraps[55, "ErrorBoundary"] = _broken_page
    register_pages(app)
    return app
