"""The editor's server side: edits go in, sequenced edits come out. The document itself is never in this state.

The browser fetches the document by REST and keeps it; here pass only small operations, each answered once through
`reply`. What others do is announced by a poke (`flow:<id>`) and fetched with `catch_up`.
"""

import asyncio
import hashlib
import time
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import orjson
import reflex as rx
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pytake_app.accounts.service import Principal, user_names
from pytake_app.core.errors import ProblemError
from pytake_app.flows import service as flows
from pytake_app.flows.editing import EditConflictError
from pytake_app.flows.schemas import AppliedEdit, EditResult
from pytake_app.ui import push
from pytake_app.ui.backend import in_tenant, live, presence
from pytake_app.ui.session import protected

MAX_MESSAGE_BYTES = 512 * 1024
MAX_REPLY_BYTES = 96 * 1024
"""A larger answer (a long absence, an import) is replaced by "load it again": REST compresses, sockets don't."""
REMEMBERED = 24

JsonObject = dict[str, Any]
log = structlog.get_logger(__name__)


class _Message(BaseModel):
    """Base of what a browser sends: unknown or mistyped parts are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    flow_id: Annotated[UUID, Field(strict=False)]


M = TypeVar("M", bound=_Message)


class EditMessage(_Message):
    """An edit (one undo step), or the wish to undo or redo. `cid` names it, so that sent twice it is done once.

    `revision`: the newest one that the browser has; `built`: the one on which the edit was begun.
    """

    cid: str = Field(min_length=1, max_length=64)
    revision: int = Field(ge=0)
    built: int | None = Field(default=None, ge=0)
    step: Literal["edit", "undo", "redo"]
    ops: list[JsonObject] = Field(max_length=500)


class CatchUpMessage(_Message):
    """Ask for edits after `revision`."""

    revision: int = Field(ge=0)


class HereMessage(_Message):
    """Somebody looks at the flow, with blocks selected perhaps; `gone` when it leaves, `join` when it has opened.

    `follow`: the tab whose view this one follows; `view`: the canvas point in the middle and the zoom, told while
    somebody follows.
    """

    tab: str = Field(min_length=1, max_length=16)
    nodes: list[Annotated[str, Field(max_length=100)]] = Field(max_length=20)
    gone: bool = False
    join: bool = False
    follow: str = Field(default="", max_length=16)
    view: list[Annotated[float, Field(ge=-1e7, le=1e7, strict=False)]] = Field(default=[], max_length=3)


def _read(model: type[M], raw: object) -> M | None:
    """The message, or None for a forged or broken one; such frames are counted in the log, not answered."""
    try:
        if not isinstance(raw, dict) or len(orjson.dumps(raw)) > MAX_MESSAGE_BYTES:
            raise ValueError("not an object, or too large")
        return model.model_validate(raw)
    except (ValidationError, ValueError, TypeError) as error:
        log.warning("editor_frame_refused", kind=model.__name__, error=type(error).__name__)
        return None


class EditorState(rx.State):
    """One tab's editor. `reply` is the answer to its latest message; `n` makes every answer distinct."""

    reply: JsonObject = {}

    _flow_id: str = ""
    _answered: dict[str, JsonObject] = {}
    _findings: str = ""
    _count: int = 0

    @rx.event
    @protected(role="viewer")
    async def open(self, who: Principal) -> None:
        """`on_load`: hear of edits of the flow in the address, if it is one of the caller's organization."""
        self._flow_id, self._findings, self._answered = "", "", {}
        self.reply = {}
        ref = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        try:
            flow = await in_tenant(who, flows.get_flow, who, ref)
        except ProblemError:
            push.watch(self, who, "editor")  # the page learns by REST what is wrong and says it
            return
        self._flow_id = str(flow.id)
        push.watch(self, who, "editor", f"flow:{flow.id}")

    @rx.event
    @protected(permission="flows.edit")
    async def submit(self, who: Principal, message: JsonObject) -> None:
        """Apply an edit, undo or redo, and answer with what changed."""
        wanted = _read(EditMessage, message)
        if wanted is None:
            self._refuse_unread(message)
            return
        known = self._answered.get(wanted.cid)
        if known is not None:
            self._say(known)
            return
        try:
            result = await self._apply(who, wanted)
        except ProblemError as error:
            if error.status >= 500:  # nothing was decided: the browser sends it again
                log.warning("editor_edit_delayed", code=error.code)
                return
            answer = {"flow_id": str(wanted.flow_id), "cid": wanted.cid, "error": error.code}
            if isinstance(error, EditConflictError):
                answer |= await self._clashes(who, error)
            elif error.code == "stale_revision":
                answer |= {"by": await self._latest_editor(who, wanted.flow_id)}
            self._say(answer)
            return
        answer = self._answer(result, wanted, who)
        self._answered = dict([*self._answered.items(), (wanted.cid, answer)][-REMEMBERED:])
        self._say(answer)

    async def _apply(self, who: Principal, wanted: EditMessage) -> EditResult:
        if wanted.step == "undo":
            return await in_tenant(who, flows.undo, who, wanted.flow_id, cid=wanted.cid)
        if wanted.step == "redo":
            return await in_tenant(who, flows.redo, who, wanted.flow_id, cid=wanted.cid)
        return await in_tenant(
            who,
            flows.apply_operations,
            who,
            wanted.flow_id,
            wanted.ops,
            expected_revision=wanted.revision,
            built_on=wanted.built,
            cid=wanted.cid,
        )

    async def _clashes(self, who: Principal, error: EditConflictError) -> JsonObject:
        """Which fields others wrote meanwhile, and who; with the edits the browser hasn't seen, so that it can show
        both values."""
        actors = {clash.actor_id for clash in error.clashes if clash.actor_id is not None}
        names = await in_tenant(who, user_names, actors)
        clashes = [
            {"key": list(clash.key), "name": names.get(clash.actor_id, "") if clash.actor_id else ""}
            for clash in error.clashes
        ]
        return _small({"clashes": clashes, "edits": [_edit_json(edit) for edit in error.missed]})

    async def _latest_editor(self, who: Principal, flow_id: UUID) -> str:
        """Who edited the draft last, when it can't be told any more who wrote which field; empty for nobody else."""
        try:
            flow = await in_tenant(who, flows.get_flow, who, flow_id)
        except ProblemError:
            return ""
        return "" if flow.updated_by == who.user_id else flow.updated_by_name

    def _refuse_unread(self, message: object) -> None:
        """A page of another release sends what this one can't read: it must hear so, or it would try for ever."""
        cid = message.get("cid") if isinstance(message, dict) else None
        if self._flow_id and isinstance(cid, str) and 0 < len(cid) <= 64:
            self._say({"flow_id": self._flow_id, "cid": cid, "error": "unreadable"})

    def _refused(self, why: str) -> None:
        """The person is no longer signed in, or may no longer edit. Their work is in their browser: say it there."""
        self._say({"flow_id": self._flow_id, "refused": why})

    def _answer(self, result: EditResult, wanted: EditMessage, who: Principal) -> JsonObject:
        findings = [
            finding.model_dump(mode="json", exclude_none=True, exclude={"operations"}) for finding in result.findings
        ]
        digest = hashlib.sha256(orjson.dumps(findings)).hexdigest()
        edits = [
            {"seq": edit.seq, "mine": True}
            if edit.cid == wanted.cid and wanted.step == "edit" and edit.actor_id == who.user_id
            else _edit_json(edit)
            for edit in result.edits
            if edit.seq > wanted.revision
        ]
        draft = {
            "changes": result.changes,
            "can_undo": result.can_undo,
            "can_redo": result.can_redo,
            "updated_by": str(who.user_id),
        }
        answer: JsonObject = {"flow_id": str(result.flow_id), "cid": wanted.cid, "edits": edits, "draft": draft}
        if digest != self._findings and not _only_moves(wanted):
            answer["findings"] = findings
            self._findings = digest
        return _small(answer)

    @rx.event
    @protected(role="viewer")
    async def catch_up(self, who: Principal, message: JsonObject) -> None:
        """Answer with the edits that the browser hasn't seen."""
        wanted = _read(CatchUpMessage, message)
        if wanted is None:
            return
        try:
            edits = await in_tenant(who, flows.edits_since, who, wanted.flow_id, wanted.revision)
        except ProblemError as error:
            log.info("editor_catch_up_failed", code=error.code)
            return
        answer: JsonObject = {"flow_id": str(wanted.flow_id), "cid": "", "verify": True}
        answer |= {"reload": True} if edits is None else {"edits": [_edit_json(edit) for edit in edits]}
        self._findings = ""
        self._say(_small(answer))

    @rx.event
    @protected(role="viewer")
    async def here(self, who: Principal, message: JsonObject) -> None:
        """Tell the others who have this flow open that somebody is here."""
        wanted = _read(HereMessage, message)
        if wanted is None or str(wanted.flow_id) != self._flow_id:
            return
        said: JsonObject = {
            "tab": wanted.tab,
            "user_id": str(who.user_id),
            "name": who.name[:60],
            "nodes": wanted.nodes,
            "follow": wanted.follow,
        }
        others = await asyncio.to_thread(_tell_presence, wanted, said)
        if wanted.join:
            self._say({"flow_id": str(wanted.flow_id), "roster": others})

    def _say(self, answer: JsonObject) -> None:
        self._count += 1
        self.reply = {**answer, "n": self._count}


def _tell_presence(wanted: HereMessage, said: JsonObject) -> list[JsonObject]:
    """Keep and announce what a tab says of itself; answers the others when it has just joined."""
    thing, now = f"flow:{wanted.flow_id}", time.time()
    if wanted.gone:
        presence().drop(thing, wanted.tab)
    else:
        presence().put(thing, wanted.tab, said, now=now)
    live().publish(thing, {"event": "flow_here", **said, "gone": wanted.gone, "view": wanted.view})
    if not wanted.join:
        return []
    return [item for item in presence().present(thing, now=now) if item["tab"] != wanted.tab]


def _only_moves(wanted: EditMessage) -> bool:
    """Places say nothing to the verifier: the answer to a move stays small, whatever the flow's findings."""
    return wanted.step == "edit" and all(op.get("op") == "move_nodes" for op in wanted.ops)


def _edit_json(edit: AppliedEdit) -> JsonObject:
    return {"seq": edit.seq, "operations": edit.operations}


def _small(answer: JsonObject) -> JsonObject:
    """The answer, or one that says to load again when it would be large."""
    if len(orjson.dumps(answer)) <= MAX_REPLY_BYTES:
        return answer
    return {key: value for key, value in answer.items() if key not in ("edits", "findings")} | {"reload": True}
