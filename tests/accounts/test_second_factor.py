"""Passwords, second factors and sign-ins by the API: reuse, replay, tries, expiry, and what outsiders can tell."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pyotp
import pytest
from sqlalchemy import delete
from sqlmodel import select

from pytake_app.accounts import attempts, passwords, repository, second_factor
from pytake_app.accounts.audit_models import AuditEntry
from pytake_app.accounts.models import AuthSession, RefreshToken, User
from pytake_app.accounts.security_models import PasswordReset, RecoveryCode, TotpFactor
from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.core.crypto import SecretBox
from pytake_app.outgoing.mail_models import OutgoingMail
from pytake_app.outgoing.mail_texts import compose
from tests.accounts.test_people import join, sign_in
from tests.api.fixtures import HOST, PASSWORD, Caller

AUTH = "/api/v1/auth"
NEW = "a quite different sentence"


def code(secret: str, clock: FrozenClock) -> str:
    return pyotp.TOTP(secret).at(clock.now())


def set_up(caller: Caller, clock: FrozenClock) -> tuple[str, list[str]]:
    """Turn the second factor on; the clock moves on, so that its next code is a new one."""
    begun = caller.post(f"{AUTH}/totp/setup", json={"password": PASSWORD}).json()
    assert begun["picture"].startswith("data:image/svg+xml")
    assert begun["secret"] in begun["uri"]
    done = caller.post(f"{AUTH}/totp/confirm", json={"code": code(begun["secret"], clock)})
    assert done.status_code == 200, done.text
    clock.advance(timedelta(seconds=30))
    return begun["secret"], done.json()["recovery_codes"]


def challenge(caller: Caller, problem: str = "totp_required") -> str:
    answer = sign_in(caller.client, caller.email)
    assert (answer.status_code, answer.json()["code"]) == (401, problem)
    assert "access_token" not in answer.text
    return str(answer.json()["challenge_token"])


def verify(caller: Caller, token: str, typed: str) -> Any:
    return caller.client.post(f"{AUTH}/totp/verify", json={"challenge_token": token, "code": typed})


@pytest.fixture
def mails(services: Services) -> Callable[[], dict[str, dict[str, str]]]:
    """Reads what was mailed: template → values of the newest one."""

    def read() -> dict[str, dict[str, str]]:
        box = SecretBox.from_settings(services.settings)
        with services.database.system() as session:
            rows = session.exec(select(OutgoingMail).order_by(OutgoingMail.id)).all()
        found = {row.template: orjson.loads(box.decrypt(row.values_cipher)) for row in rows}
        for template, values in found.items():
            assert "{" not in compose(template, "pt_BR", values).text
        return found

    return read


def test_a_sign_in_asks_for_a_code_that_counts_once(
    caller: Caller, services: Services, frozen_clock: FrozenClock
) -> None:
    secret, recovery = set_up(caller, frozen_clock)
    with services.database.auth() as session:
        factor = session.exec(select(TotpFactor)).one()
        stored = [row.code_hash for row in session.exec(select(RecoveryCode))]
    assert secret not in factor.secret_cipher
    assert len(recovery) == 10 == len(set(stored))
    assert not any(one.replace("-", "") in stored for one in recovery)
    letters = {len(one.replace("-", "")) for one in recovery}
    assert letters == {second_factor.RECOVERY_LETTERS}
    # A quick hash is enough for what nobody can try through (ASVS 5.0, 6.5.2).
    assert second_factor.RECOVERY_LETTERS * math.log2(len(second_factor._ALPHABET)) >= 112
    token = challenge(caller)
    wrong = verify(caller, token, "000000")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "code_invalid")
    right = code(secret, frozen_clock)
    answer = verify(caller, token, f"{right[:3]} {right[3:]}")
    assert answer.json()["user"]["email"] == caller.email
    assert verify(caller, token, right).json()["code"] == "challenge_invalid"  # the challenge is used up
    assert verify(caller, challenge(caller), right).json()["code"] == "code_invalid"  # and so is the code
    view = caller.get(f"{AUTH}/security").json()
    assert (view["second_factor"], view["recovery_codes_left"]) == (True, 10)


def test_a_code_that_two_send_at_once_opens_one_session(caller: Caller, frozen_clock: FrozenClock) -> None:
    secret, _ = set_up(caller, frozen_clock)
    tokens = [challenge(caller), challenge(caller)]
    typed = code(secret, frozen_clock)
    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(lambda token: verify(caller, token, typed).status_code, tokens))
    assert statuses == [200, 422]


def test_a_challenge_ends_by_tries_and_by_time(caller: Caller, frozen_clock: FrozenClock) -> None:
    secret, _ = set_up(caller, frozen_clock)
    token = challenge(caller)
    assert [verify(caller, token, "000000").status_code for _ in range(6)] == [422] * 5 + [401]
    late = challenge(caller)
    frozen_clock.advance(timedelta(minutes=11))
    assert verify(caller, late, code(secret, frozen_clock)).status_code == 401
    # However many challenges somebody with the password opens, codes are counted for the account.
    answers: list[int] = []
    for _ in range(4):
        token = challenge(caller)
        answers += [verify(caller, token, "000000").status_code for _ in range(5)]
    assert 429 in answers


def test_patience_finds_no_code(
    caller: Caller, services: Services, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the password may not guess on for weeks; a browser that is known is counted apart."""
    set_up(caller, frozen_clock)
    monkeypatch.setattr(attempts, "CODES_PER_ACCOUNT", "1000 per minute")
    monkeypatch.setattr(attempts, "CODES_PER_DAY", "8 per day")  # one turned it on
    answers: list[int] = []
    for _ in range(3):
        token = challenge(caller)
        answers += [verify(caller, token, "000000").status_code for _ in range(4)]
    assert answers == [422] * 7 + [429] * 5
    device = services.accounts.attempts.device_cookie(caller.email)
    known = {"Cookie": f"pytake_device={device}"}
    body = {"challenge_token": challenge(caller), "code": "000000"}
    assert caller.client.post(f"{AUTH}/totp/verify", json=body, headers=known).status_code == 422


def test_a_recovery_code_counts_once_and_is_told(caller: Caller, frozen_clock: FrozenClock, mails: Any) -> None:
    secret, recovery = set_up(caller, frozen_clock)
    assert verify(caller, challenge(caller), recovery[3].upper()).status_code == 200
    assert mails()["recovery_code_used"]["left"] == "9"
    assert verify(caller, challenge(caller), recovery[3]).status_code == 422
    renew = {"password": PASSWORD, "code": code(secret, frozen_clock)}
    fresh = caller.post(f"{AUTH}/totp/recovery-codes", json=renew).json()["recovery_codes"]
    assert verify(caller, challenge(caller), recovery[4]).status_code == 422
    assert verify(caller, challenge(caller), fresh[0]).status_code == 200


def test_turning_it_off_needs_password_and_code(
    caller: Caller, services: Services, frozen_clock: FrozenClock, mails: Any
) -> None:
    assert caller.post(f"{AUTH}/totp/setup", json={"password": "not mine at all"}).json()["code"] == "password_wrong"
    assert caller.post(f"{AUTH}/totp/confirm", json={"code": "123456"}).json()["code"] == "totp_not_begun"
    secret, _ = set_up(caller, frozen_clock)
    assert "second_factor_on" in mails()
    assert caller.post(f"{AUTH}/totp/setup", json={"password": PASSWORD}).json()["code"] == "totp_enabled"
    for body, problem in (
        ({"password": "not mine at all", "code": code(secret, frozen_clock)}, "password_wrong"),
        ({"password": PASSWORD, "code": "000000"}, "code_invalid"),
    ):
        assert caller.post(f"{AUTH}/totp/disable", json=body).json()["code"] == problem
    body = {"password": PASSWORD, "code": code(secret, frozen_clock)}
    assert caller.post(f"{AUTH}/totp/disable", json=body).status_code == 204
    assert sign_in(caller.client, caller.email).status_code == 200
    assert "second_factor_off" in mails()
    with services.database.tenant(caller.organization_id) as session:
        written = {entry.action: entry.actor_id for entry in session.exec(select(AuditEntry))}
    assert written["second_factor_on"] == written["second_factor_off"] == caller.user_id


def test_an_organization_may_ask_for_it(caller: Caller, frozen_clock: FrozenClock) -> None:
    agent = join(caller)
    caller.patch("/api/v1/settings", json={"security": {"second_factor": "admins"}})
    assert sign_in(caller.client, agent.email).status_code == 200
    token = challenge(caller, "totp_setup_required")
    assert verify(caller, token, "000000").status_code == 401  # no way around setting it up
    begun = caller.client.post(f"{AUTH}/totp/enroll", json={"challenge_token": token}).json()
    body = {"challenge_token": token, "code": code(begun["secret"], frozen_clock)}
    done = caller.client.post(f"{AUTH}/totp/enroll/confirm", json=body)
    assert (done.status_code, len(done.json()["recovery_codes"])) == (200, 10)
    assert done.json()["user"]["email"] == caller.email
    caller.headers = {"Authorization": f"Bearer {done.json()['access_token']}"}
    frozen_clock.advance(timedelta(seconds=60))
    assert challenge(caller)
    caller.patch("/api/v1/settings", json={"security": {"second_factor": "everyone"}})
    assert challenge(agent, "totp_setup_required")


def test_an_administrator_helps_who_lost_the_phone(caller: Caller, frozen_clock: FrozenClock) -> None:
    agent = join(caller)
    set_up(agent, frozen_clock)
    assert challenge(agent)
    assert caller.delete(f"/api/v1/users/{agent.user_id}/second-factor").json()["second_factor"] is False
    assert sign_in(caller.client, agent.email).status_code == 200
    assert caller.delete(f"/api/v1/users/{caller.user_id}/second-factor").json()["code"] == "not_yourself"


# -- passwords --------------------------------------------------------------------------------------------------------


def forgot(caller: Caller, email: str) -> Any:
    return caller.client.post(f"{AUTH}/password/forgot", json={"email": email})


def test_a_forgotten_password_is_set_anew_once_and_ends_every_session(
    caller: Caller, services: Services, frozen_clock: FrozenClock, mails: Any
) -> None:
    unknown, known = forgot(caller, "nobody@example.com"), forgot(caller, caller.email.upper())
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content) == (202, b"")
    assert dict(unknown.headers).keys() == dict(known.headers).keys()
    link = mails()["password_reset"]["link"]
    assert link.startswith(services.settings.link_base)
    token = link.rpartition("/")[2]
    with services.database.auth() as session:
        (row,) = session.exec(select(PasswordReset)).all()  # of who isn't there nothing is kept
    assert token not in str(row)
    weak = caller.client.post(f"{AUTH}/password/reset", json={"token": token, "password": "short"})
    assert weak.json()["code"] == "password_too_short"
    body = {"token": token, "password": NEW}
    assert caller.client.post(f"{AUTH}/password/reset", json=body).status_code == 204
    assert caller.get(f"{AUTH}/me").status_code == 401
    again = caller.client.post(f"{AUTH}/password/reset", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "reset_invalid")
    assert sign_in(caller.client, caller.email).status_code == 401
    assert sign_in(caller.client, caller.email, NEW).status_code == 200
    assert "password_changed" in mails()
    forgot(caller, caller.email)
    late = mails()["password_reset"]["link"].rpartition("/")[2]
    frozen_clock.advance(timedelta(minutes=61))
    assert caller.client.post(f"{AUTH}/password/reset", json={"token": late, "password": NEW}).status_code == 409


def test_two_resets_at_once_and_other_links_under_way(caller: Caller, mails: Any) -> None:
    forgot(caller, caller.email)
    first = mails()["password_reset"]["link"].rpartition("/")[2]
    forgot(caller, caller.email)
    second = mails()["password_reset"]["link"].rpartition("/")[2]

    def use(number: int) -> int:
        body = {"token": second, "password": f"{NEW} {number}"}
        return int(caller.client.post(f"{AUTH}/password/reset", json=body).status_code)

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(use, range(3))) == [204, 409, 409]
    assert caller.client.post(f"{AUTH}/password/reset", json={"token": first, "password": NEW}).status_code == 409


def test_a_changed_password_needs_the_old_one_and_ends_other_sessions(caller: Caller) -> None:
    other = sign_in(caller.client, caller.email).json()["access_token"]
    body = {"password": "not the old one", "new_password": NEW}
    assert caller.post(f"{AUTH}/password/change", json=body).json()["code"] == "password_wrong"
    weak = caller.post(f"{AUTH}/password/change", json={"password": PASSWORD, "new_password": "qwertyuiop1"})
    assert weak.json()["errors"][0]["pointer"] == "/new_password"
    assert caller.post(f"{AUTH}/password/change", json={"password": PASSWORD, "new_password": NEW}).status_code == 204
    assert caller.get(f"{AUTH}/me").status_code == 200
    assert caller.client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {other}"}).status_code == 401


@pytest.mark.parametrize(
    ("password", "code", "least"),
    [
        ("correct horse battery staple", "", 3),
        ("qwertyuiop1", "password_weak", 0),
        ("1234567890", "password_common", 0),
        ("short", "password_too_short", 0),
        ("", "password_too_short", 0),
        ("aurora-ana-souza", "", 2),
        ("x" * 900, "password_too_long", 0),
    ],
)
def test_strength_tells_what_would_be_accepted(caller: Caller, password: str, code: str, least: int) -> None:
    body = {"password": password, "email": "ana@example.com", "name": "Bia Lima"}
    found = caller.client.post(f"{AUTH}/password/strength", json=body).json()
    assert found["code"] == code
    assert found["score"] >= least


@pytest.mark.parametrize(
    ("symbols", "seconds"),
    [('4@8({[<3691!|0$5+7%2"*4', 0.1), ("(<[{@!|+$%4836915027" * 50, 0.5)],
)
def test_a_password_that_may_mean_many_words_is_judged_quickly(symbols: str, seconds: float) -> None:
    assert passwords.judge("P@$$w0rd123", email="ana@example.com")[1] == "password_weak"  # symbols are still read
    begun = time.thread_time()
    assert passwords.judge(symbols, email="ana@example.com")[0] >= 3
    assert time.thread_time() - begun < seconds


# -- sign-ins ---------------------------------------------------------------------------------------------------------


def test_sign_ins_are_listed_and_ended(caller: Caller) -> None:
    firefox = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    body = {"email": caller.email, "password": PASSWORD}
    tokens = [caller.client.post(f"{AUTH}/login", json=body, headers=firefox).json()["access_token"] for _ in range(2)]
    listed = caller.get(f"{AUTH}/sessions").json()["items"]
    assert [row["is_current"] for row in listed] == [True, False, False]
    assert {(row["browser"], row["system"]) for row in listed[1:]} == {("Firefox", "Windows")}
    stranger = join(caller)
    assert stranger.delete(f"{AUTH}/sessions/{listed[1]['id']}").status_code == 404
    assert caller.delete(f"{AUTH}/sessions/{listed[1]['id']}").status_code == 204
    assert caller.post(f"{AUTH}/sessions/revoke-others").status_code == 204
    for token in tokens:
        assert caller.client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert [row["is_current"] for row in caller.get(f"{AUTH}/sessions").json()["items"]] == [True]
    assert stranger.get(f"{AUTH}/me").status_code == 200


def test_a_new_device_is_told_of_unless_one_doesnt_want_to_know(caller: Caller, mails: Any) -> None:
    phone = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"}
    body = {"email": caller.email, "password": PASSWORD}
    caller.client.post(f"{AUTH}/login", json=body)  # the same program as before
    assert "new_device" not in mails()
    caller.client.post(f"{AUTH}/login", json=body, headers=phone)
    told = mails()["new_device"]
    assert told["device"] == "Safari (iPhone)"
    caller.patch(f"{AUTH}/security", json={"tell_new_device": False})
    caller.client.post(f"{AUTH}/login", json=body, headers={"User-Agent": "curl/8.0"})
    assert mails()["new_device"]["device"] == "Safari (iPhone)"


def test_a_program_that_calls_itself_as_a_browser_does_is_told_of(caller: Caller, services: Services) -> None:
    def told() -> int:
        with services.database.system() as session:
            return len(session.exec(select(OutgoingMail).where(OutgoingMail.template == "new_device")).all())

    browser = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"}
    body = {"email": caller.email, "password": PASSWORD}
    own = {**browser, "Origin": HOST, "Sec-Fetch-Site": "same-origin"}
    assert caller.client.post("/auth/web/login", data=body, headers=own).status_code == 303
    assert told() == 1
    caller.client.cookies.clear()
    for _ in range(2):
        assert caller.client.post(f"{AUTH}/login", json=body, headers=browser).status_code == 200
    assert told() == 2
    # Not the first sign-in, though the sessions before it are forgotten.
    with services.database.auth() as session:
        session.execute(delete(RefreshToken))
        session.execute(delete(AuthSession))
    assert caller.client.post(f"{AUTH}/login", json=body, headers=browser).status_code == 200
    assert told() == 3


# -- what began with an earlier password ------------------------------------------------------------------------------


def test_a_changed_password_ends_challenges_and_links_under_way(
    caller: Caller, frozen_clock: FrozenClock, mails: Any
) -> None:
    secret, _ = set_up(caller, frozen_clock)
    token = challenge(caller)
    forgot(caller, caller.email)
    link = mails()["password_reset"]["link"].rpartition("/")[2]
    frozen_clock.advance(timedelta(seconds=60))
    assert caller.post(f"{AUTH}/password/change", json={"password": PASSWORD, "new_password": NEW}).status_code == 204
    late = verify(caller, token, code(secret, frozen_clock))
    assert (late.status_code, late.json()["code"]) == (401, "challenge_invalid")
    used = caller.client.post(f"{AUTH}/password/reset", json={"token": link, "password": "another long sentence"})
    assert (used.status_code, used.json()["code"]) == (409, "reset_invalid")


def test_a_new_hash_of_the_old_password_never_replaces_a_new_one(
    caller: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(_: str) -> bool:  # the password is changed while the old one is hashed anew
        with services.database.auth() as session:
            session.exec(select(User).where(User.id == caller.user_id)).one().password_hash = "changed"
        return True

    monkeypatch.setattr(passwords, "needs_rehash", meanwhile)
    assert sign_in(caller.client, caller.email).status_code == 200
    with services.database.auth() as session:
        assert session.exec(select(User).where(User.id == caller.user_id)).one().password_hash == "changed"
    with services.database.auth() as session:
        repository.put_rehashed(session, caller.user_id, "changed", "anew")
    with services.database.auth() as session:
        assert session.exec(select(User).where(User.id == caller.user_id)).one().password_hash == "anew"


def test_only_administrators_say_who_needs_a_second_factor(caller: Caller) -> None:
    agent = join(caller)
    given = caller.put("/api/v1/roles/agent", json={"permissions": ["settings.manage"]})
    assert given.status_code == 200, given.text
    rule = {"security": {"second_factor": "nobody"}}
    assert agent.patch("/api/v1/settings", json={"name": "Loja"}).status_code == 200
    assert agent.patch("/api/v1/settings", json=rule).status_code == 403
    key = caller.post("/api/v1/api-keys", json={"name": "ERP", "scopes": ["settings.manage"]}).json()["key"]
    by_key = {"Authorization": f"Bearer {key}"}
    assert caller.client.patch("/api/v1/settings", json={"name": "Loja 2"}, headers=by_key).status_code == 200
    refused = caller.client.patch("/api/v1/settings", json=rule, headers=by_key)
    assert (refused.status_code, refused.json()["code"]) == (403, "person_only")
    assert caller.patch("/api/v1/settings", json=rule).status_code == 200
    # Nor does anybody else shorten the log of what they did; keeping it longer takes nothing away.
    for days, status in ((365, 403), (800, 200)):
        assert agent.patch("/api/v1/settings", json={"audit_days": days}).status_code == status
    shorter = caller.client.patch("/api/v1/settings", json={"audit_days": 365}, headers=by_key)
    assert (shorter.status_code, shorter.json()["code"]) == (403, "person_only")
    assert caller.patch("/api/v1/settings", json={"audit_days": 365}).status_code == 200


def test_an_address_that_no_text_can_be_is_nobodys(caller: Caller) -> None:
    assert forgot(caller, "ana\0@example.com").status_code in {202, 422}
    form = {"email": "ana\0@example.com", "password": PASSWORD}
    own = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
    assert "credentials_invalid" in caller.client.post("/auth/web/login", data=form, headers=own).headers["location"]
