"""Who asks, and the one helper by which repositories scope their statements (row-level security stands behind it)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
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


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller of a request, UI event or socket."""

    user_id: UUID
    organization_id: UUID
    role: Role
    session_id: UUID
    name: str = ""
    email: str = ""
    locale: str = "pt_BR"
    organization_name: str = ""

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
