"""What the verifier answers, and what it is told of the world."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["error", "warning", "info"]


class Finding(BaseModel):
    """One thing found. The sentence is the i18n text ``verify.<code>`` with ``params``.

    ``pointer`` is a JSON pointer into the node's config (``/buttons/0/title``) when one field is
    meant. ``mend``: code of a one-click mend, where one exists."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Severity
    node_id: str | None = None
    port: str | None = None
    pointer: str | None = None
    params: dict[str, str | int] = Field(default_factory=dict)
    mend: str | None = None


class VerifyEnv(BaseModel):
    """What the host knows of the world; None means unknown, so nothing is claimed about it.

    ``flows``: ids and slugs of flows with a live version. ``templates``: ``name`` and
    ``name:language`` of usable templates. ``queues``: ids and names of service queues."""

    model_config = ConfigDict(frozen=True)

    channel: str = "whatsapp"
    flow_id: str | None = None
    flows: frozenset[str] | None = None
    templates: frozenset[str] | None = None
    queues: frozenset[str] | None = None
