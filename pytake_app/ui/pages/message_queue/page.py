"""The message queue: what waits to be sent, what was given up on, how much each number may send, who is at work.

Whoever is signed in may look; agents act on messages, administrators on inbound events. The API refuses the rest.
"""

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui import push
from pytake_app.ui.components.basics import error_state, no_permission
from pytake_app.ui.components.store import text_of
from pytake_app.ui.i18n import t
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.pages.message_queue.dialogs import dialogs
from pytake_app.ui.pages.message_queue.head import chart_view, gauges_view, head_view, lost_line
from pytake_app.ui.pages.message_queue.rows import table
from pytake_app.ui.pages.message_queue.store import QueueRoot, do, slice_view
from pytake_app.ui.session import SessionState, protected

ROUTE = "/message-queue"


class MessageQueueState(rx.State):
    """Only a subscription: figures and rows live in the browser and come by REST."""

    @rx.event
    @protected(role="viewer")
    async def watch(self, who: Principal) -> None:
        """`on_load`: this tab hears of messages that were sent or failed."""
        push.watch(self, who, "message_queue", f"org:{who.organization_id}:conversations")


ON_LOAD = [SessionState.guard, MessageQueueState.watch]


@rx.memo
def queue_view(item: rx.Var[dict]) -> rx.Component:
    """The whole page, or why it can't be shown."""
    retry = do("queue.retry()")
    failed = rx.el.div(error_state(t("message_queue.load_failed"), t("common.failed_detail"), retry), class_name="card")
    offline = rx.el.div(
        error_state(t("message_queue.load_failed"), t("message_queue.error.offline"), retry), class_name="card"
    )
    whole = rx.fragment(
        lost_line(item),
        slice_view("head", head_view),
        rx.el.div(slice_view("chart", chart_view), slice_view("gauges", gauges_view), class_name="mq-middle"),
        table(),
    )
    return rx.match(
        text_of(item, "phase"),
        ("forbidden", rx.el.div(no_permission(), class_name="card")),
        ("error", failed),
        ("offline", offline),
        whole,
    )


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    root = QueueRoot.create(slice_view("page", queue_view), dialogs(), me=me)
    return page_shell("message_queue.title", root, active="message_queue")
