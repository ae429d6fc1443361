"""Secrets at rest: what is encrypted, how a key is changed, and which keys are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr, ValidationError

from pytake_app.api.services import Services
from pytake_app.config import Settings
from pytake_app.core.crypto import DecryptionError, SecretBox
from pytake_app.core.secretkey import weakness
from pytake_app.embedded import doctor
from pytake_app.embedded.rotation import CipherColumn, Tally, cipher_columns, rotate
from tests.api.fixtures import Caller, NewCaller

NEW_KEY = "mD3vO2qk8-ZRnV0t6xWcJpYbLgTfHsEaUiQ1N9"
STRONG = "Zr8vT1qL-x0WkPn3_EoYb6uHcJdMfSgAiQeR5tK2"


def changed(settings: Settings) -> Settings:
    """As after an operator's change of the key: the new one, and the old one behind it."""
    return settings.model_copy(update={"secret_key": SecretStr(NEW_KEY), "previous_secret_keys": [settings.secret_key]})


def ciphers(services: Services, *organizations: Caller) -> dict[CipherColumn, list[str]]:
    """Every cipher there is, by column; as each organization and the role for sign-ins see them."""
    found: dict[CipherColumn, list[str]] = {}
    with services.database.auth() as session:
        columns = cipher_columns(session)
    for column in columns:
        table = sa.table(column.table, sa.column(column.column))
        for organization in organizations:
            with services.database.tenant(organization.organization_id) as session:
                allowed = session.execute(
                    sa.text("SELECT has_table_privilege(current_user, :name, 'SELECT')"), {"name": column.table}
                ).scalar_one()
                rows = session.execute(sa.select(table)).scalars() if allowed else ()
                found.setdefault(column, []).extend(row for row in rows if row)
    return found


def test_every_column_of_ciphers_is_known(services: Services) -> None:
    with services.database.auth() as session:
        columns = {(column.table, column.column) for column in cipher_columns(session)}
    assert {("channel_accounts", "credentials"), ("organization_secrets", "cipher")} <= columns


def test_second_factors_are_encrypted_anew(services: Services, caller: Caller) -> None:
    from pytake_app.accounts.security_models import TotpFactor

    old = SecretBox([services.settings.signing_key])
    with services.database.auth() as session:
        session.add(
            TotpFactor(
                user_id=caller.user_id,
                organization_id=caller.organization_id,
                secret_cipher=old.encrypt("JBSWY3DPEHPK3PXP"),
                created_at=services.clock.now(),
            )
        )
    said: list[str] = []
    rotate(changed(services.settings), services.database, said.append)
    with services.database.auth() as session:
        (cipher,) = session.execute(sa.text("SELECT secret_cipher FROM totp_factors")).scalars()
    assert SecretBox([NEW_KEY]).decrypt(cipher) == "JBSWY3DPEHPK3PXP"
    assert "totp_factors.secret_cipher: 1 encrypted anew, 0 were current" in said


def test_everything_is_encrypted_anew_in_batches_and_the_old_key_may_go(
    services: Services, caller: Caller, register: NewCaller
) -> None:
    other = register()
    for who, names in ((caller, "ABCDE"), (other, "XY")):
        for name in names:
            made = who.post("/api/v1/secrets", json={"name": f"TOKEN_{name}", "value": f"value of {name}"})
            assert made.status_code in (200, 201), made.text
    old, new = SecretBox([services.settings.signing_key]), SecretBox([NEW_KEY])
    before = ciphers(services, caller, other)
    plain = {column: sorted(map(old.decrypt, values)) for column, values in before.items()}
    assert sum(map(len, before.values())) >= 9  # 7 secrets and the sandbox numbers' credentials
    said: list[str] = []
    tally = rotate(changed(services.settings), services.database, said.append, batch=2)
    after = ciphers(services, caller, other)
    assert {column: sorted(map(new.decrypt, values)) for column, values in after.items()} == plain
    assert (tally.rotated, tally.current, tally.unreadable) == (sum(map(len, before.values())), 0, 0)
    assert any(line.startswith("organization_secrets.cipher: 7 encrypted anew") for line in said)
    with pytest.raises(DecryptionError):
        old.decrypt(after[next(iter(after))][0])
    # Once more: nothing is left to do.
    again = rotate(changed(services.settings), services.database, said.append)
    assert (again.rotated, again.current) == (0, tally.rotated)


def test_an_interrupted_change_goes_on_where_it_was(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(6):
        caller.post("/api/v1/secrets", json={"name": f"TOKEN_{n}", "value": f"value {n}"})
    settings, real, calls = changed(services.settings), SecretBox.encrypt, []

    def pulled_out(self: SecretBox, plain: str) -> str:
        calls.append(plain)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return real(self, plain)

    monkeypatch.setattr(SecretBox, "encrypt", pulled_out)
    with pytest.raises(KeyboardInterrupt):
        rotate(settings, services.database, lambda _: None, batch=2)
    monkeypatch.setattr(SecretBox, "encrypt", real)
    every = [value for values in ciphers(services, caller).values() for value in values]
    both = SecretBox.from_settings(settings)
    done = sum(map(both.is_current, every))
    assert 0 < done < len(every)
    assert all(both.decrypt(value) for value in every)  # at any moment both keys together read everything
    tally = rotate(settings, services.database, lambda _: None)
    assert (tally.rotated, tally.current) == (len(every) - done, done)


def test_what_no_key_reads_is_told_and_left(services: Services, caller: Caller) -> None:
    caller.post("/api/v1/secrets", json={"name": "TOKEN", "value": "x"})
    lost = services.settings.model_copy(update={"secret_key": SecretStr(NEW_KEY), "previous_secret_keys": []})
    before = ciphers(services, caller)
    said: list[str] = []
    tally = rotate(lost, services.database, said.append)
    assert tally.unreadable == sum(map(len, before.values()))
    assert ciphers(services, caller) == before
    assert any("can't be read with any key" in line for line in said)


def test_a_hooks_address_outlives_a_change_of_the_key(services: Services) -> None:
    from uuid import uuid4

    from pytake_app.core.crypto import derived_keys
    from pytake_app.flows.hooks import token_of

    flow_id = uuid4()
    before = token_of(derived_keys(services.settings, "hook addresses v1")[0], flow_id, "t", 0)
    after = [token_of(key, flow_id, "t", 0) for key in derived_keys(changed(services.settings), "hook addresses v1")]
    assert before == after[1] != after[0]


def test_tallies_add_up() -> None:
    total = Tally(1, 2, 3)
    total.add(Tally(10, 20, 30))
    assert total == Tally(11, 22, 33)


# -- SECRET_KEY -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "x" * 60,
        "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabc",
        "1234567890" * 5,
        "change-me-please-change-me-please-0123",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "django-insecure-8f7s6df87s6df876sd8f76sdf",
        "super-secret-key-for-jwt-signing-2024!",
    ],
)
def test_weak_keys_are_refused_in_production_only(key: str) -> None:
    assert weakness(key)
    with pytest.raises(ValidationError, match="SECRET_KEY"):
        Settings(_env_file=None, environment="production", secret_key=SecretStr(key))  # type: ignore[call-arg]
    assert Settings(_env_file=None, environment="development", secret_key=SecretStr(key))  # type: ignore[call-arg]


def test_random_keys_are_taken() -> None:
    import secrets

    for _ in range(200):
        assert not weakness(secrets.token_urlsafe(48))
        assert not weakness(secrets.token_hex(32))
        assert not weakness(secrets.token_hex(16)[:32] + secrets.token_hex(2))
    Settings(_env_file=None, environment="production", secret_key=SecretStr(STRONG))  # type: ignore[call-arg]


def test_a_key_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    path = tmp_path / "key"
    path.write_text(STRONG + "\n")

    def read(**given: Any) -> Settings:
        return Settings(_env_file=None, environment="production", **given)  # type: ignore[call-arg]

    assert read(secret_key_file=str(path)).signing_key == STRONG
    monkeypatch.setenv("SECRET_KEY_FILE", str(path))
    assert read().signing_key == STRONG
    monkeypatch.setenv("SECRET_KEY", NEW_KEY)
    assert read().signing_key == NEW_KEY  # what is said outright counts
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "nothing"))
    with pytest.raises(ValidationError, match="SECRET_KEY_FILE"):
        read()
    path.write_text("too short")
    monkeypatch.setenv("SECRET_KEY_FILE", str(path))
    with pytest.raises(ValidationError, match="SECRET_KEY"):
        read()


def test_the_doctor_sees_files_that_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(STRONG)
    settings = Settings(_env_file=None, data_dir=tmp_path, secret_key_file=str(path))  # type: ignore[call-arg]
    for mode, found in ((0o644, True), (0o640, True), (0o600, False)):
        path.chmod(mode)
        assert any(str(path) in finding.detail for finding in doctor._secret_files(settings)) is found
