"""What the application does of itself when a page fails."""

from reflex.state import FrontendEventExceptionState

from pytake_app.pytake_app import app
from pytake_app.ui.app import _page_failed


def test_a_failure_in_a_browser_is_logged_and_runs_nothing_there() -> None:
    """Reflex answers some with a script that reloads the page; the page's policy refuses it."""
    assert app.frontend_exception_handler is _page_failed
    assert FrontendEventExceptionState.auto_reload_on_errors == []
