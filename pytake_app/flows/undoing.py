"""Whose step an undo or redo takes back: one's own latest that still can be, whatever others did meanwhile.

A step is passed over when somebody's later edit that still stands wrote the same field: taking it back would take
back theirs too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlmodel import Session

from pytake_app.core.errors import ConflictError
from pytake_app.engine.operations import parse_operation
from pytake_app.flows import rebase, repository
from pytake_app.flows.models import Flow, FlowEdit

LOOK_BACK = 50
"""Own steps that are tried, newest first."""

Step = Literal["undo", "redo"]


def find(session: Session, flow: Flow, actor_id: UUID, step: Step) -> FlowEdit:
    """The journal entry that this person's undo (or redo) takes back.

    Raises:
        ConflictError: code `nothing_to_undo` or `nothing_to_redo`; `undo_overtaken` or `redo_overtaken` when others
            have since changed everything it could take back.
    """
    candidates = (
        repository.undoable(session, flow.id, actor_id, limit=LOOK_BACK)
        if step == "undo"
        else repository.redoable(session, flow.id, actor_id, limit=LOOK_BACK)
    )
    if not candidates:
        raise ConflictError(f"There is nothing to {step}.", code=f"nothing_to_{step}")
    later = repository.edits_after(session, flow.id, candidates[-1].revision)
    for candidate in candidates:
        if _is_sound(candidate, [edit for edit in later if edit.revision > candidate.revision]):
            return candidate
    raise ConflictError(
        f"Others have changed since what this would {step}; theirs would be lost.", code=f"{step}_overtaken"
    )


def _is_sound(candidate: FlowEdit, later: Sequence[FlowEdit]) -> bool:
    mine = rebase.touched_by(parse_operation(raw) for raw in candidate.inverse)
    return not any(
        rebase.at_odds(mine, rebase.touched_by(parse_operation(raw) for raw in edit.operations))
        for edit in rebase.standing(later)
    )
