"""Column helpers shared by every domain's tables."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from pytake_app.core.ids import new_id


def utc_now() -> datetime:
    """Default of `created_at` columns; services pass the injected clock's time where it matters."""
    return datetime.now(UTC)


def id_field() -> Any:
    """Primary key, UUID v7."""
    return Field(default_factory=new_id, primary_key=True)


def organization_field(*, index: bool = True, foreign_key: bool = True) -> Any:
    """The tenant; part of every tenant table and of its row-level-security policy.

    Parameters:
        index: off where another index begins with it, or nothing looks there.
        foreign_key: off in tables that the pipeline fills from rows it has just read; a check a row is dear there.
    """
    if not foreign_key:
        return Field(index=index, nullable=False)
    return Field(foreign_key="organizations.id", index=index, nullable=False)


def time_field(*, nullable: bool = False, index: bool = False, primary_key: bool = False) -> Any:
    """A timezone-aware timestamp; not-null ones default to now."""
    if nullable:
        return Field(default=None, sa_type=DateTime(timezone=True), nullable=True, index=index)
    return Field(
        default_factory=utc_now,
        sa_type=DateTime(timezone=True),
        nullable=False,
        index=index,
        primary_key=primary_key,
    )


def json_field(default: type[dict[str, Any]] | type[list[Any]] | None = dict) -> Any:
    """A JSONB column; nullable when `default` is None."""
    if default is None:
        return Field(default=None, sa_column=Column(JSONB, nullable=True))
    return Field(default_factory=default, sa_column=Column(JSONB, nullable=False))


__all__ = ["UUID", "id_field", "json_field", "organization_field", "time_field", "utc_now"]
