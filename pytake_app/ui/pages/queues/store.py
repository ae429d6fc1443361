"""The Python side of `ui/js/monitor*.js` and `ui/js/queue_settings*.js`: frames whose content lives in the browser."""

import reflex as rx

DND = "@dnd-kit/core@6.3.1"


class MonitorRoot(rx.Component):
    """Figures, agents and the three columns; `me` is `{id, role}` of who is signed in."""

    library = "$/public/pt_monitor_page.js"
    tag = "MonitorRoot"
    lib_dependencies: list[str] = [DND]
    me: rx.Var[dict[str, object]]


class QueueSettingsRoot(rx.Component):
    """The queues and what holds in each; `me` is `{id, role}` of who is signed in."""

    library = "$/public/pt_queue_settings.js"
    tag = "QueueSettingsRoot"
    me: rx.Var[dict[str, object]]
