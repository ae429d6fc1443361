"""Who asks, and the one helper by which repositories scope their statements (row-level security stands behind it)."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, cast
from uuid import UUID

from sqlmodel import Session, select
from sqlmodel.sql.expression import SelectOfScalar

from pytake_app.core.errors import ForbiddenError


class Role(StrEnum):
    """What a user may do, weakest last."""

    SUPER_ADMIN = "super_admin"
    ORG_ADMIN = "org_admin"
    AGENT = "agent"
    VIEWER = "viewer"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        return _RANK[self] >= _RANK[other]


_RANK = {Role.SUPER_ADMIN: 3, Role.ORG_ADMIN: 2, Role.AGENT: 1, Role.VIEWER: 0}


class Permission(StrEnum):
    """What an organization may give to a role or take from it; what each means stands in `docs/permissions.md`."""

    FLOWS_EDIT = "flows.edit"
    FLOWS_PUBLISH = "flows.publish"
    CONVERSATIONS_SEE_ALL = "conversations.see_all"
    CONVERSATIONS_HANDLE = "conversations.handle"
    CONTACTS_EDIT = "contacts.edit"
    CONTACTS_DELETE = "contacts.delete"
    DATA_EXPORT = "data.export"
    CAMPAIGNS_SEND = "campaigns.send"
    TEMPLATES_MANAGE = "templates.manage"
    QUEUES_MANAGE = "queues.manage"
    CHANNELS_MANAGE = "channels.manage"
    USERS_MANAGE = "users.manage"
    SETTINGS_MANAGE = "settings.manage"
    API_KEYS_MANAGE = "api_keys.manage"
    AUDIT_READ = "audit.read"
    PIPELINE_MANAGE = "pipeline.manage"
    ANALYTICS_READ = "analytics.read"


READING = frozenset(
    {Permission.CONVERSATIONS_SEE_ALL, Permission.DATA_EXPORT, Permission.AUDIT_READ, Permission.ANALYTICS_READ}
)
"""Permissions that change nothing: the only ones a viewer can have."""
ALWAYS = frozenset({Permission.USERS_MANAGE, Permission.SETTINGS_MANAGE})
"""What administrators can't lose: somebody must be able to give it back."""
_BY_VIEWER = frozenset({Permission.CONVERSATIONS_SEE_ALL, Permission.ANALYTICS_READ})
_BY_AGENT = _BY_VIEWER | {
    Permission.CONVERSATIONS_HANDLE,
    Permission.CONTACTS_EDIT,
    Permission.PIPELINE_MANAGE,
}
DEFAULTS: Mapping[Role, frozenset[Permission]] = {
    Role.SUPER_ADMIN: frozenset(Permission),
    Role.ORG_ADMIN: frozenset(Permission),
    Role.AGENT: _BY_AGENT,
    Role.VIEWER: _BY_VIEWER,
}
"""What each role may do until the organization decides otherwise."""


def grantable(role: Role) -> frozenset[Permission]:
    """What a role can be given at most."""
    return READING if role is Role.VIEWER else frozenset(Permission)


def fixed(role: Role) -> frozenset[Permission]:
    """What a role can't lose."""
    return ALWAYS if role.includes(Role.ORG_ADMIN) else frozenset()


def permissions_of(role: Role, changes: Mapping[str, bool] | None = None) -> frozenset[Permission]:
    """What a role may do in an organization.

    Parameters:
        changes: the organization's own decisions, permission → given or taken; words that are no permission (any
            more) are passed over. They never reach beyond `grantable` nor below `fixed`.
    """
    changes = changes or {}
    own = {permission for permission in Permission if changes.get(permission, permission in DEFAULTS[role])}
    return frozenset(own & grantable(role) | fixed(role))


_BY_ROLE = cast("frozenset[Permission]", None)
ActorKind = Literal["user", "api_key", "system", "visitor"]


@dataclass(frozen=True, slots=True)
class Actor:
    """In whose name something is done, for the audit log. `visitor`: somebody who isn't signed in."""

    kind: ActorKind = "system"
    id: UUID | None = None
    name: str = ""
    address: str = ""


acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
"""The actor of the request or UI event that is being answered; None: the product itself, by its own clock."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller of a request, UI event or socket.

    `permissions`: the role's own when not given. `api_key_id`: a program calls with a key; `user_id` is then who made
    it, and `session_id` the key's id. `masks_phones`: answers to them show only the end of contacts' phones.
    `time_zone`: in which pages show them moments, as an IANA name. `email_confirmed`: it was shown to be their own.
    """

    user_id: UUID
    organization_id: UUID
    role: Role
    session_id: UUID
    name: str = ""
    email: str = ""
    locale: str = "pt_BR"
    organization_name: str = ""
    plan: str = ""
    permissions: frozenset[Permission] = _BY_ROLE
    api_key_id: UUID | None = None
    api_key_name: str = ""
    avatar_url: str = ""
    time_zone: str = ""
    masks_phones: bool = False
    email_confirmed: bool = True

    def __post_init__(self) -> None:
        """Without permissions of its own: those that the role has by itself."""
        if self.permissions is _BY_ROLE:
            object.__setattr__(self, "permissions", DEFAULTS[self.role])

    def has(self, permission: Permission) -> bool:
        """Whether the caller may do this."""
        return permission in self.permissions

    def needs(self, *permissions: Permission) -> None:
        """Refuse callers who have none of `permissions`.

        Raises:
            ForbiddenError: code `permission_missing`.
        """
        if not self.permissions.intersection(permissions):
            wanted = " or ".join(permissions)
            raise ForbiddenError(f"This needs the permission {wanted}.", code="permission_missing")

    def actor(self, address: str = "") -> Actor:
        """The caller as the audit log names them."""
        if self.api_key_id is not None:
            return Actor("api_key", self.api_key_id, self.api_key_name, address)
        return Actor("user", self.user_id, self.name or self.email, address)

    def require(self, role: Role) -> None:
        """Refuse callers below `role`.

        Raises:
            ForbiddenError: the caller's role is weaker.
        """
        if not self.role.includes(role):
            raise ForbiddenError("Your role does not allow this.")

    def may(self, role: Role) -> bool:
        """Whether the caller has at least `role`."""
        return self.role.includes(role)


def organization_of(session: Session) -> UUID:
    """The organization this transaction was opened for (`Database.tenant`).

    Raises:
        RuntimeError: the transaction has none: a programming error.
    """
    organization_id = session.info.get("organization_id")
    if not isinstance(organization_id, UUID):
        raise RuntimeError("this transaction is not scoped to an organization")
    return organization_id


def scoped(session: Session, model: type[Any]) -> SelectOfScalar[Any]:
    """`SELECT model` limited to the transaction's organization; every tenant query starts here."""
    return select(model).where(model.organization_id == organization_of(session))
