"""The table of mails that are to leave."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, organization_field, time_field


class OutgoingMail(SQLModel, table=True):
    """A mail, from the transaction that wants it until some days after it left.

    `values_cipher`: what its text needs, encrypted, for links in it are credentials; emptied once it left.
    """

    __tablename__ = "mail_outbox"
    __table_args__ = (
        Index("mail_outbox_waiting", "next_try_at", postgresql_where=text("state = 'waiting'")),
        Index("mail_outbox_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    recipient: str
    template: str
    locale: str = "pt_BR"
    values_cipher: str = ""
    state: str = Field(default="waiting", description="waiting, sent or failed")
    attempts: int = 0
    next_try_at: datetime = time_field()
    last_error: str = ""
    created_at: datetime = time_field()
    finished_at: datetime | None = time_field(nullable=True)
