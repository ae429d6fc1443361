"""A second person of an organization, in a browser of their own; people can't invite each other by API yet."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text

from pytake_app.embedded.postgres import DATABASE, SUPERUSER, EmbeddedPostgres
from tests.e2e.editor_page import Person

_COPY = text(
    "INSERT INTO users SELECT (jsonb_populate_record(u, CAST(:changes AS jsonb))).* FROM users u WHERE email = :of"
)


class Colleague(Person):
    """Somebody of the same organization as `person`, with the same password."""

    def __init__(
        self, browser: Browser, person: Person, data_dir: Path, *, name: str, role: str = "org_admin", **context: Any
    ) -> None:
        self.url = person.url
        self.email = f"{uuid4().hex[:12]}@example.com"
        self.data_dir = data_dir
        self.parked = []
        changes = {"id": str(uuid4()), "email": self.email, "full_name": name, "role": role}
        self.sql(_COPY, changes=orjson.dumps(changes).decode(), of=person.email)
        self.context = browser.new_context(locale="pt-BR", viewport={"width": 1440, "height": 900}, **context)
        self.context.set_default_timeout(15_000)
        self.bearer = person.bearer
        self.sign_in(self.context)

    def sql(self, statement: Any, **values: Any) -> None:
        """Run a statement on the product's own database, past its tenancy."""
        engine = create_engine(EmbeddedPostgres(self.data_dir).url_for(DATABASE, SUPERUSER))
        with engine.begin() as connection:
            connection.execute(statement, values)
        engine.dispose()
