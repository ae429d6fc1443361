"""Limits: per person, organization and address; counted in one round trip; nobody is locked out by a stranger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import redis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import ValidationError

from pytake_app.accounts.attempts import DEVICES_KEPT, Attempts
from pytake_app.accounts.service import Client
from pytake_app.api import rates
from pytake_app.api.app import create_app
from pytake_app.api.deps import DEVICE_COOKIE
from pytake_app.api.rates import RouteClass, class_of
from pytake_app.api.services import Services, build_services
from pytake_app.config import RATE_CLASSES, Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.errors import TooManyRequestsError
from pytake_app.core.ratelimit import Bucket, Limiter, network_of, scaled
from tests.api.fixtures import HOST, PASSWORD, Caller, NewCaller

ME = "/api/v1/auth/me"
LOGIN = "/api/v1/auth/login"
OWN = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def limited(services: Services) -> Any:
    """Make an API with other limits, on the run's database."""

    def make(people: dict[str, float] | None = None, proxies: Sequence[str] = (), **limits: str) -> FastAPI:
        changes = {"rate_limits": limits, "rate_limit_people": people or {}, "trusted_proxies": list(proxies)}
        settings = services.settings.model_copy(update=changes)
        return create_app(settings, services=build_services(settings, clock=services.clock, database=services.database))

    return make


def at(app: FastAPI, caller: Caller) -> Caller:
    return replace(caller, client=TestClient(app, base_url=HOST, raise_server_exceptions=False))


# -- who is counted ---------------------------------------------------------------------------------------------------


def test_a_person_is_limited_by_class_and_told_so(limited: Any, caller: Caller, register: NewCaller) -> None:
    app = limited(read="3 per minute", write="1 per minute")
    ana = at(app, caller)
    answers = [ana.get(ME) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {"3;w=60"}
    assert all(1 <= int(answer.headers["ratelimit-reset"]) <= 120 for answer in answers)
    assert int(answers[3].headers["retry-after"]) >= 1
    assert answers[3].json()["code"] == "rate_limited"
    # Another class has a limit of its own, and so has another person.
    assert ana.patch(ME, json={"locale": "en"}).status_code == 200
    assert ana.patch(ME, json={"locale": "en"}).status_code == 429
    assert at(app, register()).get(ME).status_code == 200


def test_an_organization_is_limited_over_all_its_people(limited: Any, caller: Caller) -> None:
    app = limited(people=dict.fromkeys(rates.PEOPLE, 1.5), read="4 per minute")
    ana = at(app, caller)
    who = app.state.services.accounts.resolve_bearer(caller.answer["access_token"])
    colleague = [
        Bucket(bucket.limit, (*bucket.identifiers[:-1], str(uuid4()))) if "user" in bucket.identifiers else bucket
        for bucket in rates.buckets_of(_request(), who, app.state.services.settings)
    ]
    limiter: Limiter = app.state.services.limiter
    assert all(limiter.hit_all(colleague).allowed for _ in range(4))
    answers = [ana.get(ME) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["ratelimit-limit"] == "6"


def test_each_key_of_a_program_is_counted_by_itself(services: Services, caller: Caller) -> None:
    who = services.accounts.resolve_bearer(caller.answer["access_token"])
    key = replace(who, api_key_id=uuid4())
    person, program = (rates.buckets_of(_request(), one, services.settings) for one in (who, key))
    assert person[0].identifiers[-2:] == ("user", str(who.user_id))
    assert program[0].identifiers[-2:] == ("key", str(key.api_key_id))
    assert person[1] == program[1]  # both count for the organization


def _request() -> Any:
    from starlette.requests import Request

    return Request({"type": "http", "method": "GET", "path": ME, "query_string": b"", "headers": []})


def test_strangers_are_limited_per_address(limited: Any) -> None:
    client = TestClient(limited(auth="2 per minute", public="3 per minute"), base_url=HOST, follow_redirects=False)
    wrong = {"email": "nobody@example.com", "password": "wrong password"}
    answers = [client.post(LOGIN, json=wrong) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[0].headers["ratelimit-remaining"] == "1"
    assert int(answers[2].headers["retry-after"]) >= 1
    # Credentials that come along don't take a request out of the count.
    assert client.post(LOGIN, json=wrong, headers={"Authorization": "Bearer x"}).status_code == 429
    assert [client.get(ME).status_code for _ in range(4)] == [401, 401, 401, 429]
    assert client.get("/health").status_code == 200  # probes are not counted
    form = client.post("/auth/web/login", data=wrong, headers=OWN)
    assert (form.status_code, form.headers["location"]) == (303, "/login?error=rate_limited")


def test_guessing_credentials_is_limited_per_address(limited: Any) -> None:
    client = TestClient(limited(auth="2 per minute"), base_url=HOST)
    statuses = [client.get(ME, headers={"Authorization": f"Bearer {n}"}).status_code for n in range(3)]
    assert statuses == [401, 401, 429]
    assert client.get(ME, cookies={"pytake_session": "guess"}).status_code == 429


@pytest.mark.parametrize(
    ("method", "path", "query", "kind"),
    [
        ("GET", "/api/v1/contacts", "", "read"),
        ("GET", "/api/v1/contacts", "limit=5&q=", "read"),
        ("GET", "/api/v1/contacts", "limit=5&q=ana", "search"),
        ("GET", "/api/v1/conversations/search", "", "search"),
        ("GET", "/api/v1/flow-archive", "ids=1", "export"),
        ("GET", "/api/v1/audit/export", "", "export"),
        ("GET", "/api/v1/flows/1/translations.csv", "", "export"),
        ("POST", "/api/v1/flow-archive", "", "upload"),
        ("POST", "/api/v1/media", "", "upload"),
        ("POST", "/api/v1/conversations/1/uploads", "", "upload"),
        ("DELETE", "/api/v1/contacts/1", "q=x", "write"),
    ],
)
def test_classes_of_requests(method: str, path: str, query: str, kind: str) -> None:
    assert class_of(method, path, query) == kind


def test_settings_name_the_classes_there_are() -> None:
    assert set(RATE_CLASSES) == set(RouteClass) == set(rates.LIMITS)
    for wrong in ({"reads": "1 per minute"}, {"read": "many"}):
        with pytest.raises(ValidationError):
            Settings(_env_file=None, rate_limits=wrong)  # type: ignore[call-arg]


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_a_request_costs_one_round_trip(caller: Caller, services: Services, redis_client: redis.Redis) -> None:
    caller.get(ME)  # the script is loaded with the first
    before = redis_client.info("commandstats")
    for _ in range(10):
        assert caller.get(ME).status_code == 200
    after: Any = redis_client.info("commandstats")

    def calls(stats: Any, name: str) -> int:
        return int(stats.get(f"cmdstat_{name}", {}).get("calls", 0))

    assert calls(after, "evalsha") - calls(before, "evalsha") == 10
    from_python = ("eval", "get", "incr", "pttl", "exists", "script")  # the script itself: time, hmget, hset, expire
    assert all(calls(after, name) == calls(before, name) for name in from_python)


@pytest.mark.parametrize("away", [False, True], ids=["redis", "memory"])
def test_all_limits_are_counted_or_none(settings: Settings, redis_client: redis.Redis, *, away: bool) -> None:
    url = "redis://127.0.0.1:1/0" if away else settings.redis_url
    limiter = Limiter(settings.model_copy(update={"redis_url": url}))
    small, large = Bucket("2 per minute", ("small", "x")), Bucket("5 per minute", ("large", "x"))
    states = [limiter.hit_all([small, large]) for _ in range(4)]
    assert [state.allowed for state in states] == [True, True, False, False]
    assert states[2].limit == 2
    assert states[2].reset >= 1
    # The refused ones were not counted under the other limit.
    assert limiter.hit_all([large]).remaining == 2
    limiter.clear_all([small])
    assert limiter.hit_all([small]).remaining == 1


def test_limits_are_scaled() -> None:
    assert scaled("10 per 5 minute", 2.5) == "25 per 300 second"
    assert scaled("1 per minute", 0.1) == "1 per 60 second"


# -- lock-out ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def attempts(settings: Settings, redis_client: redis.Redis, frozen_clock: FrozenClock) -> Attempts:
    return Attempts(settings, Limiter(settings), frozen_clock)


def refused_within(count: int, attempt: Callable[[int], None]) -> None:
    for n in range(count):
        try:
            attempt(n)
        except TooManyRequestsError:
            return
    raise AssertionError(f"{count} attempts were not refused")


def exhaust(attempts: Attempts, email: str) -> None:
    """Strangers from many addresses guess until the account takes no more of them."""
    refused_within(60, lambda n: attempts.count_login(email, Client(address=f"192.0.2.{n}")))


def test_a_known_device_still_gets_in_when_strangers_used_up_the_account(attempts: Attempts) -> None:
    cookie = attempts.device_cookie("ana@example.com")
    exhaust(attempts, "ana@example.com")
    own = Client(address="192.0.2.1", device=cookie)
    attempts.count_login("ana@example.com", own)
    with pytest.raises(TooManyRequestsError):
        attempts.count_login("ana@example.com", Client(address="203.0.113.9"))
    # Its own bucket has an end too, and a success empties it.
    refused_within(20, lambda _: attempts.count_login("ana@example.com", own))
    attempts.login_succeeded("ana@example.com", own)
    attempts.count_login("ana@example.com", own)
    # A success of the known device doesn't give the guessers new attempts.
    with pytest.raises(TooManyRequestsError):
        attempts.count_login("ana@example.com", Client(address="203.0.113.9"))


FORGED = ["", "x", "a-b-c", "-".join(("65a00000", "00" * 8, "00" * 32)), "é-é-é", "--", "." * 50]


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_device_is_a_stranger(attempts: Attempts, forged: str) -> None:
    exhaust(attempts, "ana@example.com")
    with pytest.raises(TooManyRequestsError):
        attempts.count_login("ana@example.com", Client(address="203.0.113.9", device=forged))


def test_a_device_is_known_to_its_own_account_only_and_for_a_year(
    attempts: Attempts, frozen_clock: FrozenClock
) -> None:
    from pytake_app.accounts.attempts import DEVICE_LIFETIME

    cookie = attempts.device_cookie("mallory@example.com")
    exhaust(attempts, "ana@example.com")
    with pytest.raises(TooManyRequestsError):
        attempts.count_login("ana@example.com", Client(address="203.0.113.9", device=cookie))
    own = attempts.device_cookie("ana@example.com", cookie)
    attempts.count_login("ana@example.com", Client(address="203.0.113.9", device=own))
    frozen_clock.advance(DEVICE_LIFETIME)
    with pytest.raises(TooManyRequestsError):
        attempts.count_login("ana@example.com", Client(address="203.0.113.9", device=own))


def test_a_desk_with_many_people_keeps_the_latest(attempts: Attempts) -> None:
    cookie = ""
    for n in range(DEVICES_KEPT + 3):
        cookie = attempts.device_cookie(f"p{n}@example.com", cookie)
    cookie = attempts.device_cookie("p7@example.com", cookie)  # again: not twice
    assert len(cookie.split(".")) == DEVICES_KEPT
    assert len(cookie) < 1000


def test_signing_in_by_the_form_makes_the_browser_known(client: TestClient, caller: Caller, services: Services) -> None:
    answer = client.post("/auth/web/login", data={"email": caller.email, "password": PASSWORD}, headers=OWN)
    flags = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(DEVICE_COOKIE)).lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags
    exhaust(services.accounts.attempts, caller.email)
    right = {"email": caller.email, "password": PASSWORD}
    again = client.post("/auth/web/login", data=right, headers=OWN)
    assert again.headers["location"] == "/inbox"
    stranger = TestClient(client.app, base_url=HOST, follow_redirects=False)
    assert "rate_limited" in stranger.post("/auth/web/login", data=right, headers=OWN).headers["location"]


def test_asking_for_reset_links_is_limited_but_not_for_the_owner(attempts: Attempts) -> None:
    cookie = attempts.device_cookie("ana@example.com")
    refused_within(20, lambda n: attempts.count_reset("ana@example.com", Client(address=f"192.0.2.{n}")))
    attempts.count_reset("ana@example.com", Client(address="203.0.113.9", device=cookie))
    refused_within(30, lambda n: attempts.count_reset(f"p{n}@example.com", Client(address="198.51.100.1")))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_subscribers_addresses_are_counted_together(address: str, network: str) -> None:
    assert network_of(address) == network


def test_many_addresses_of_one_subscriber_are_no_way_around(attempts: Attempts, limited: Any) -> None:
    def addresses(number: int) -> Client:
        return Client(address=f"2001:db8::{number + 1:x}")

    refused_within(9, lambda n: attempts.count_login("rui@example.com", addresses(n)))
    refused_within(61, lambda n: attempts.count_login(f"p{n}@example.com", addresses(n)))
    app = limited(proxies=["192.0.2.1/32"], auth="2 per minute", public="2 per minute")
    client = TestClient(app, base_url=HOST, client=("192.0.2.1", 1))
    heads = [{"X-Forwarded-For": f"2001:db8:5::{n}"} for n in range(1, 4)]
    assert [client.get(ME, headers=one).status_code for one in heads] == [401, 401, 429]
    wrong = [{**one, "Authorization": "Bearer x"} for one in heads]
    assert [client.get(ME, headers=one).status_code for one in wrong] == [401, 401, 429]


def test_credentials_take_no_request_out_of_the_count(limited: Any) -> None:
    client = TestClient(limited(auth="2 per minute", public="3 per minute"), base_url=HOST)
    basic = {"Authorization": "Basic eDp5"}
    for path, headers in (
        ("/hooks/unknown", {"Authorization": "Bearer x"}),
        ("/api/v1/media-links/unknown", {"Cookie": "pytake_session=x"}),
        ("/openapi.json", {"Authorization": "Bearer x"}),
    ):
        assert client.get(path, headers=headers).status_code != 429
    assert client.get("/openapi.json", headers=basic).status_code == 429
    assert [client.get(ME, headers=basic).status_code for _ in range(3)] == [401, 401, 429]


def test_every_line_of_forwarding_is_read(limited: Any) -> None:
    client = TestClient(
        limited(proxies=["192.0.2.1/32"], public="1 per minute"), base_url=HOST, client=("192.0.2.1", 1)
    )
    for made_up, status in (("203.0.113.1", 401), ("203.0.113.2", 429)):
        lines = [("X-Forwarded-For", made_up), ("X-Forwarded-For", "198.51.100.7")]  # the second one is the proxy's
        assert client.get(ME, headers=lines).status_code == status


def test_known_devices_together_have_an_end(attempts: Attempts) -> None:
    cookies = [attempts.device_cookie("ana@example.com") for _ in range(40)]
    refused_within(51, lambda n: attempts.count_login("ana@example.com", Client(device=cookies[n % 40])))
    refused_within(31, lambda n: attempts.count_code("ana@example.com", Client(device=cookies[n])))
    attempts.count_code("ana@example.com", Client())
