"""What the settings list shows. Whoever adds a page adds its row here; only pages that exist are listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["account", "organization", "installation"]
Needs = Literal["viewer", "agent", "org_admin", "super_admin"]

GROUPS: tuple[Group, ...] = ("account", "organization", "installation")
"""In this order; their titles are `account.group_<name>`."""


@dataclass(frozen=True, slots=True)
class Section:
    """A settings page: `key` is what `settings_shell(active=…)` names, `label` a text key, `icon` a lucide name.

    `needs`: the weakest role that is shown the row. `permission`: if set, a permission that the role must have too.
    Neither protects anything: pages and API refuse by themselves.
    """

    key: str
    href: str
    icon: str
    label: str
    group: Group
    needs: Needs = "viewer"
    permission: str = ""


SECTIONS: tuple[Section, ...] = (
    Section("profile", "/settings/profile", "user-round", "account.nav_profile", "account"),
    Section("security", "/settings/security", "shield-check", "account.nav_security", "account"),
    Section(
        "organization", "/settings/organization", "building-2", "plans.nav_organization", "organization", "org_admin"
    ),
    Section("users", "/settings/users", "users", "members.nav_users", "organization", "agent", "users.manage"),
    Section(
        "departments",
        "/settings/departments",
        "network",
        "members.nav_departments",
        "organization",
        "agent",
        "users.manage",
    ),
    Section("plan", "/settings/plan", "gauge", "plans.nav_plan", "organization", "org_admin"),
    Section("roles", "/settings/roles", "shield", "roles.nav", "organization"),
    Section("inbox", "/settings/inbox", "inbox", "inbox_settings.nav", "organization"),
    Section("hours", "/settings/hours", "clock", "inbox_settings.hours_nav", "organization"),
    Section("privacy", "/settings/privacy", "shield-check", "privacy.nav", "organization", "agent", "settings.manage"),
    Section("channels", "/settings/channels", "radio", "common.nav_channels", "organization"),
    Section("api-keys", "/settings/api-keys", "key-round", "keys.nav", "organization", permission="api_keys.manage"),
    Section("audit", "/settings/audit", "scroll-text", "audit.nav", "organization", permission="audit.read"),
    Section("organizations", "/admin/organizations", "building", "plans.organizations", "installation", "super_admin"),
)
"""In the order of the list."""
