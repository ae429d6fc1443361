"""What the list of flows says and hears about folders, tags, saved views and many flows at once."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from pytake_app.flows.schemas import Request

MAX_BULK = 200
BulkAction = Literal["move", "tag", "untag", "activate", "deactivate", "archive", "unarchive", "delete", "restore"]


class FolderView(BaseModel):
    """A folder; `flows` counts what lies in it directly."""

    id: UUID
    parent_id: UUID | None
    name: str
    flows: int = 0


class TagCount(BaseModel):
    """A tag and on how many flows it is."""

    tag: str
    flows: int


class LibraryView(BaseModel):
    """Everything beside the list: folders, tags and counts. Archived flows are counted in `archived` and
    `archived_statuses` alone."""

    folders: list[FolderView]
    tags: list[TagCount]
    statuses: dict[str, int]
    unfiled: int
    archived: int
    archived_statuses: dict[str, int]
    errors: int = Field(description="flows whose draft can't be published")
    running_sessions: int
    sessions_week: int


class FolderCreate(Request):
    """A new folder, at the top or in another one."""

    name: str = Field(min_length=1, max_length=80)
    parent_id: UUID | None = None


class FolderUpdate(Request):
    """Rename a folder, or put it into another one (null: to the top)."""

    name: str | None = Field(default=None, min_length=1, max_length=80)
    parent_id: UUID | None = None


class ListFilters(Request):
    """Filters and order of the list of flows, as a saved view keeps them."""

    q: str = Field(default="", max_length=200)
    status: Literal["", "draft", "active", "inactive"] = ""
    folder: str = Field(default="", max_length=36)
    tag: str = Field(default="", max_length=40)
    archived: bool = False
    errors: bool = False
    sort: Literal["updated", "name", "created", "sessions", "completion"] = "updated"
    descending: bool = True


class ListViewCreate(Request):
    """Keep filters under a name; the same name again replaces them."""

    name: str = Field(min_length=1, max_length=60)
    filters: ListFilters


class ListViewView(BaseModel):
    """A saved view of the caller."""

    id: UUID
    name: str
    filters: ListFilters


class BulkRequest(Request):
    """One action on many flows: `folder_id` for move (null: out of folders), `tag` for tag and untag."""

    ids: list[UUID] = Field(min_length=1, max_length=MAX_BULK)
    action: BulkAction
    folder_id: UUID | None = None
    tag: str = Field(default="", max_length=40)
    interrupt_sessions: bool = False


class BulkFailure(BaseModel):
    """A flow that stayed as it was, and why (a problem's code)."""

    id: UUID
    code: str


class BulkResult(BaseModel):
    """What became of each flow. Each is done or left alone; one that can't be done doesn't stop the others."""

    done: list[UUID]
    failed: list[BulkFailure]


class RestoreRequest(Request):
    """Bring a deleted or archived flow back; `activate`: let it answer again at once, as before."""

    activate: bool = False
