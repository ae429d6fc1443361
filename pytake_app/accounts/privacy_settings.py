"""Where an organization keeps how it treats people's data: the member `privacy` of `organizations.settings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytake_app.core.tenancy import Role

PRIVACY = "privacy"


def privacy_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """From `organizations.settings`: what was set of it."""
    return dict(settings.get(PRIVACY) or {})


def masks_phones(settings: Mapping[str, Any], role: Role) -> bool:
    """Whether somebody of this role sees only the end of contacts' phones."""
    return role is Role.VIEWER and bool(privacy_of(settings).get("mask_phones"))
