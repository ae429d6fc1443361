"""What the sidebar and the command palette link to. Only pages that exist are listed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NavItem:
    """A page: `key` is what `page_shell(active=…)` names, `label` a text key, `icon` a lucide name."""

    key: str
    href: str
    icon: str
    label: str


NAVIGATION: tuple[tuple[str, tuple[NavItem, ...]], ...] = (
    (
        "common.group_work",
        (
            NavItem("inbox", "/inbox", "inbox", "common.nav_inbox"),
            NavItem("queues", "/queues", "rows-3", "monitor.nav_queues"),
        ),
    ),
    (
        "common.group_automate",
        (
            NavItem("flows", "/flows", "workflow", "common.nav_flows"),
            NavItem("gallery", "/gallery", "layout-grid", "common.nav_gallery"),
            NavItem("sandbox", "/sandbox", "smartphone", "common.nav_sandbox"),
        ),
    ),
    (
        "common.group_observe",
        (NavItem("message_queue", "/message-queue", "send", "common.nav_message_queue"),),
    ),
    (
        "common.group_settings",
        (
            NavItem("team", "/team", "users", "monitor.nav_team"),
            NavItem("settings", "/settings/profile", "settings", "account.settings"),
            NavItem("start", "/start", "rocket", "common.nav_start"),
        ),
    ),
)
