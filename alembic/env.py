"""Alembic environment: connects as the owner of the schema, with the URL of the settings or of the caller."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

import pytake_app.accounts.audit_models
import pytake_app.accounts.key_models
import pytake_app.accounts.models
import pytake_app.accounts.security_models
import pytake_app.contacts.models
import pytake_app.conversations.desk_models
import pytake_app.conversations.models
import pytake_app.flows.models
import pytake_app.messaging.models
import pytake_app.notifications.models
import pytake_app.outgoing.mail_models
import pytake_app.outgoing.models
import pytake_app.privacy.models
import pytake_app.queues.models
import pytake_app.sandbox.models
import pytake_app.whatsapp.models  # noqa: F401  # imported for their tables
from pytake_app.config import get_settings

target_metadata = SQLModel.metadata


def include_object(_object: object, name: str | None, type_: str, _reflected: bool, _compare_to: object) -> bool:
    """Leave month partitions out of comparisons: they are made as time goes by."""
    if type_ == "index" and name in ("contacts_trigrams", "conversations_by_priority"):
        return False  # over expressions, which the models don't write down
    return not (type_ == "table" and name is not None and ("_p20" in name or name.endswith("_default")))


def run() -> None:
    """Migrate online, in one transaction a migration."""
    url = context.config.attributes.get("url") or get_settings().sqlalchemy_url
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            transaction_per_migration=True,
            include_object=include_object,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
