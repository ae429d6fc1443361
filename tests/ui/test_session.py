"""Nothing behind the sign-in runs for a stranger: a socket event can be forged, a cookie can't."""

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar
from uuid import uuid4

import pytest
import reflex as rx
from reflex.istate.data import RouterData
from reflex.istate.storage import ClientStorageBase

from pytake_app.accounts.schemas import RegisterRequest
from pytake_app.accounts.service import Accounts, Client, WebSession
from pytake_app.config import Settings
from pytake_app.core.clock import SystemClock
from pytake_app.core.db import Database
from pytake_app.core.ratelimit import Limiter
from pytake_app.core.tenancy import Principal, Role
from pytake_app.ui import backend, session
from pytake_app.ui.session import COOKIE, SessionState, identify, login_address, protected

S = TypeVar("S", bound=rx.State)
# Handlers that anybody may call. Each reads only the caller's own cookie or address, and writes only its tab's state.
OPEN = {
    ("SessionState", "guard"),  # tells a tab who it is
    ("SessionState", "guard_guest"),  # leads who is signed in away from the sign-in page
    ("AuthState", "read_address"),  # puts the address's own words back into the form
    ("HomeState", "lead_on"),  # the root address leads on
}
# Reflex's own, pinned: a version that brings another must be looked at first.
FRAMEWORK = {
    ("State", "hydrate"),
    ("State", "hydrate_and_load"),
    ("State", "set_is_hydrated"),
    ("OnLoadInternalState", "on_load_internal"),
    ("OnLoadInternalState", "set_is_hydrated"),
    ("UpdateVarsInternalState", "update_vars_internal"),  # touches client storage only, and we have none (below)
    ("FrontendEventExceptionState", "handle_frontend_exception"),  # logged short, see `ui/app.py`
}


def states(base: type[rx.State] = rx.State) -> Iterator[type[rx.State]]:
    for state in base.__subclasses__():
        yield state
        yield from states(state)


@pytest.fixture(scope="module")
def all_states() -> list[type[rx.State]]:
    """Every State of the product: the pages are imported by making the app."""
    from pytake_app.pytake_app import app

    assert isinstance(app, rx.App)
    return [state for state in states() if state.__module__ != __name__]


def ours(all_states: list[type[rx.State]]) -> list[type[rx.State]]:
    return [state for state in all_states if state.__module__.startswith("pytake_app.")]


class ProbeState(rx.State):
    """Handlers whose bodies leave a trace."""

    ran: list[str] = []

    @rx.event
    @protected(role="agent")
    async def write(self, who: Principal, word: str) -> None:
        self.ran = [*self.ran, f"{who.organization_name}:{word}"]

    @rx.event
    @protected(role="viewer")
    async def stream(self, who: Principal, word: str) -> AsyncIterator[None]:
        self.ran = [*self.ran, word]
        yield
        self.ran = [*self.ran, word]


def state_of(kind: type[S], cookie: str = "", path: str = "/inbox") -> S:
    made = kind(_reflex_internal_init=True)  # type: ignore[call-arg]
    made.router = RouterData.from_router_data(
        {"headers": {"cookie": cookie, "accept_language": "es"}, "token": "tab-1", "sid": "s", "asPath": path}
    )
    return made


def call(state: ProbeState, name: str, *args: object) -> object:
    return ProbeState.event_handlers[name].fn(state, *args)


@pytest.fixture
def accounts(settings: Settings, clean_db: Database, redis_client: object) -> Accounts:
    return Accounts(settings=settings, database=clean_db, clock=SystemClock(), limiter=Limiter(settings))


@pytest.fixture(autouse=True)
def the_tests_database(clean_db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(session, "database", lambda: clean_db)
    session.forget_all()
    yield
    session.forget_all()


@pytest.fixture
def signed_in(accounts: Accounts) -> WebSession:
    request = RegisterRequest(
        organization_name="Casa Aurora",
        full_name="Ana Beatriz",
        email=f"ana-{uuid4().hex[:8]}@example.com",
        password="uma-senha-boa-9",
        locale="pt_BR",
    )
    return accounts.register_web(request, Client(address="192.0.2.1", user_agent="test"))


def cookie_of(signed_in: WebSession) -> str:
    return f"theme=dark; {COOKIE}={signed_in.token}; pytake_lang=pt-BR"


# -- every handler of the product -------------------------------------------------------------------------------------


def test_every_handler_is_protected_or_known_to_be_open(all_states: list[type[rx.State]]) -> None:
    open_ones = {
        (state.__name__, name)
        for state in ours(all_states)
        for name, handler in state.event_handlers.items()
        if not hasattr(handler.fn, "__protected__") and name != "setvar"
    }
    assert open_ones == OPEN


def test_reflex_adds_no_other_handlers(all_states: list[type[rx.State]]) -> None:
    found = {
        (state.__name__, name)
        for state in [rx.State, *all_states]
        if not state.__module__.startswith("pytake_app.") and state.__name__ != "ComponentState"
        for name in state.event_handlers
        if name != "setvar"
    }
    assert found == FRAMEWORK


def test_no_variable_can_be_set_from_outside(all_states: list[type[rx.State]]) -> None:
    """`setvar` is on every state and calls `set_<name>`: so there must be none. Nor variables that browsers store."""
    setters = {(s.__name__, name) for s in ours(all_states) for name in s.event_handlers if name.startswith("set_")}
    assert setters == set()
    for state in ours(all_states):
        assert not [name for name in state.vars if name != "is_hydrated" and hasattr(state, f"set_{name}")], state
        assert not [name for name in state.vars if state._is_client_storage(name)], state
        assert not [f for f in state.get_fields().values() if isinstance(f.default, ClientStorageBase)], state


def test_no_public_method_that_is_not_a_handler(all_states: list[type[rx.State]]) -> None:
    """Reflex makes an event of every public function of a State, decorated or not; async is what we allow."""
    for state in ours(all_states):
        for name, handler in state.event_handlers.items():
            if name != "setvar":
                fn = inspect.unwrap(handler.fn)
                assert inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn), (state.__name__, name)


def test_who_is_not_a_parameter_of_the_client(all_states: list[type[rx.State]]) -> None:
    protected_ones = [
        handler.fn
        for state in ours(all_states)
        for handler in state.event_handlers.values()
        if hasattr(handler.fn, "__protected__")
    ]
    assert len(protected_ones) >= 5
    for fn in protected_ones:
        assert "who" not in inspect.signature(fn).parameters
        assert "who" not in fn.__annotations__


def test_no_secret_in_a_default_value(all_states: list[type[rx.State]]) -> None:
    """Defaults of base variables are compiled into the public script."""
    for state in ours(all_states):
        for name, field in state.get_fields().items():
            if not name.startswith("_") and isinstance(field.default, str):
                assert len(field.default) < 40, (state.__name__, name)


# -- the decorator ----------------------------------------------------------------------------------------------------


def redirect_of(event: object) -> str:
    assert isinstance(event, rx.event.EventSpec), event
    return str({str(k): str(v) for k, v in event.args})


async def test_without_a_cookie_the_body_does_not_run() -> None:
    state = state_of(ProbeState, path="/inbox?c=7")
    answer = await call(state, "write", "x")
    assert state.ran == []
    assert "/login?next=%2Finbox%3Fc%3D7" in redirect_of(answer)


@pytest.mark.parametrize("cookie", [f"{COOKIE}=", f"{COOKIE}=forged", f"{COOKIE}=a.b.c", "{}; ;=", "other=a240a478"])
async def test_forged_and_broken_cookies_are_nobody(cookie: str) -> None:
    state = state_of(ProbeState, cookie)
    assert await identify(state) is None
    assert "/login" in redirect_of(await call(state, "write", "x"))
    assert state.ran == []


async def test_generator_is_refused_before_its_first_step() -> None:
    state = state_of(ProbeState)
    steps = [step async for step in call(state, "stream", "x")]  # type: ignore[attr-defined]
    assert len(steps) == 1
    assert "/login" in redirect_of(steps[0])
    assert state.ran == []


async def test_signed_in_runs_with_the_cookies_principal(signed_in: WebSession) -> None:
    state = state_of(ProbeState, cookie_of(signed_in))
    assert await call(state, "write", "x") is None
    assert state.ran == ["Casa Aurora:x"]
    steps = [step async for step in call(state, "stream", "y")]  # type: ignore[attr-defined]
    assert steps == [None]
    assert state.ran[1:] == ["y", "y"]


async def test_who_from_the_payload_is_refused(signed_in: WebSession) -> None:
    state = state_of(ProbeState, cookie_of(signed_in))
    forged = Principal(uuid4(), uuid4(), Role.SUPER_ADMIN, uuid4(), organization_name="Others")
    with pytest.raises(TypeError):
        await call(state, "write", forged, "x")
    with pytest.raises(TypeError):
        await ProbeState.event_handlers["write"].fn(state, word="x", who=forged)
    assert state.ran == []


async def test_revoked_session_is_refused(signed_in: WebSession, accounts: Accounts) -> None:
    state = state_of(ProbeState, cookie_of(signed_in))
    who = await identify(state)
    assert who is not None
    accounts.logout(who)
    session.forget_all()  # what five seconds do
    assert "/login" in redirect_of(await call(state, "write", "x"))
    assert state.ran == []


async def test_identity_is_believed_for_seconds_only(
    signed_in: WebSession, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(session.time, "monotonic", lambda: now)
    state = state_of(ProbeState, cookie_of(signed_in))
    who = await identify(state)
    assert who is not None
    accounts.logout(who)
    now += session.CACHE_SECONDS - 0.1
    assert await identify(state) == who
    now += 0.2
    assert await identify(state) is None
    assert session.CACHE_SECONDS <= 5


@pytest.mark.parametrize(("role", "runs"), [(Role.VIEWER, False), (Role.AGENT, True), (Role.ORG_ADMIN, True)])
async def test_weaker_role_gets_a_sentence_not_the_body(
    role: Role, runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = Principal(uuid4(), uuid4(), role, uuid4(), organization_name="Casa")

    async def somebody(_: rx.State) -> Principal:
        return who

    monkeypatch.setattr(session, "identify", somebody)
    state = state_of(ProbeState, "pytake_lang=pt-BR")
    answer = await call(state, "write", "x")
    assert (state.ran == ["Casa:x"]) is runs
    assert answer is None if runs else " liberada para voc" in redirect_of(answer)


def test_decorator_refuses_what_it_cannot_guard() -> None:
    with pytest.raises(TypeError, match="must be async"):

        @protected()
        def sync(self: rx.State, who: Principal) -> None: ...

    with pytest.raises(TypeError, match="must take `who`"):

        @protected()
        async def without(self: rx.State, word: str) -> None: ...

    with pytest.raises(ValueError, match="owner"):
        protected(role="owner")


# -- guards -----------------------------------------------------------------------------------------------------------


async def test_guard_fills_the_shell_and_empties_it(signed_in: WebSession) -> None:
    state = state_of(SessionState, cookie_of(signed_in))
    guard = SessionState.event_handlers["guard"].fn
    assert await guard(state) is None
    assert (state.user_name, state.initials, state.organization_name) == ("Ana Beatriz", "AB", "Casa Aurora")
    assert state.role == "org_admin"
    state.router = state_of(SessionState).router
    assert "/login" in redirect_of(await guard(state))
    assert state.user_name == "" == state.organization_name


async def test_guest_pages_lead_on_who_is_signed_in(signed_in: WebSession) -> None:
    guest = SessionState.event_handlers["guard_guest"].fn
    assert await guest(state_of(SessionState)) is None
    assert "/" in redirect_of(await guest(state_of(SessionState, cookie_of(signed_in))))


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_the_way_back_stays_on_this_site(path: str) -> None:
    assert login_address(path) == "/login?next=%2F"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Beatriz Souza", "AS"), ("Ana", "A"), ("", ""), ("  josé  da silva ", "JS"), ("Ágata Ö", "ÁÖ")],
)
def test_initials(name: str, letters: str) -> None:
    assert session.initials(name) == letters


def test_language_is_the_chosen_one_else_the_browsers() -> None:
    assert session.language_of(state_of(SessionState, "pytake_lang=en")) == "en"
    assert session.language_of(state_of(SessionState)) == "es"


@pytest.mark.parametrize(("proxies", "address"), [([], "10.0.0.2"), (["10.0.0.0/8"], "198.51.100.7")])
def test_the_address_of_an_event_is_the_visitors_behind_our_proxies(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, proxies: list[str], address: str
) -> None:
    monkeypatch.setattr(session, "settings", lambda: settings.model_copy(update={"trusted_proxies": proxies}))
    made = state_of(SessionState)
    headers = {"x-forwarded-for": "203.0.113.1, 198.51.100.7"}  # the first one anybody may have written
    made.router = RouterData.from_router_data({"headers": headers, "ip": "10.0.0.2"})
    assert session.address_of(made) == address


async def test_a_handlers_work_sees_only_its_organization(
    signed_in: WebSession, clean_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytake_app.flows import service as flows

    monkeypatch.setattr(backend, "database", lambda: clean_db)
    who = await identify(state_of(SessionState, cookie_of(signed_in)))
    assert who is not None
    stranger = Principal(uuid4(), uuid4(), Role.ORG_ADMIN, uuid4())
    mine = await backend.in_tenant(who, flows.list_flows, who)
    theirs = await backend.in_tenant(stranger, flows.list_flows, stranger)
    assert len(mine.items) > 0
    assert theirs.items == []
