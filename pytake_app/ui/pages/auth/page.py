"""Sign-in and registration: forms that the browser itself posts, so that the cookie is set by a real answer."""

from urllib.parse import unquote

import orjson
import reflex as rx

from pytake_app.ui.components.basics import NativeForm, button, form_field, icon, logo, notice, text_input
from pytake_app.ui.i18n import LANG, t, t_dynamic
from pytake_app.ui.layout.shell import hydrated_mark, language_menu, theme_menu
from pytake_app.ui.session import FORM_COOKIE, SessionState, read_cookie

LOGIN, REGISTER = "/login", "/register"
MAX_PASSED = 320


class PasswordField(rx.Component):
    """A new password, with how hard it is to guess; `label` is a text key."""

    library = "$/public/pt_account_guest.js"
    tag = "PasswordField"
    label: rx.Var[str]


class ZoneField(rx.Component):
    """Sends the browser's time zone along, for the new organization."""

    library = "$/public/pt_account_guest.js"
    tag = "ZoneField"


def typed_before(cookie: str) -> dict[str, str]:
    """What the cookie says was typed; nothing for one that isn't ours."""
    try:
        found = orjson.loads(unquote(cookie))
    except orjson.JSONDecodeError:
        return {}
    return {str(name): str(value)[:MAX_PASSED] for name, value in found.items()} if isinstance(found, dict) else {}


class AuthState(rx.State):
    """What the address says: why the last try failed; and what was typed, never the password."""

    error: str = ""
    done: str = ""
    email: str = ""
    full_name: str = ""
    organization_name: str = ""
    next_path: str = ""

    @rx.event
    async def read_address(self) -> None:
        """`on_load`: nothing here is trusted; texts come from the catalogues, values go back into fields.

        What was typed comes by a cookie that lasts for a minute (`api/web.py`): addresses stand in logs and histories.
        After it is gone, what stands in the fields stays.
        """
        query = self.router.url.query_parameters
        self.error = str(query.get("error", ""))[:60]
        self.done = str(query.get("done", ""))[:60]
        typed = typed_before(read_cookie(self, FORM_COOKIE))
        if typed:
            self.email = typed.get("email", "")
            self.full_name = typed.get("full_name", "")
            self.organization_name = typed.get("organization_name", "")
        self.next_path = str(query.get("next", ""))[:MAX_PASSED]


ON_LOAD = [SessionState.guard_guest, AuthState.read_address]


def auth_field(
    name: str, label: rx.Var, value: rx.Var | str = "", *, hint: rx.Var | None = None, **props: object
) -> rx.Component:
    """A labelled text box of a signed-out page's form."""
    attrs = {"data-testid": name, "autoComplete": props.pop("auto_complete", "on"), **props.pop("custom_attrs", {})}
    control = text_input(name=name, default_value=value, key=value, class_name="lg", custom_attrs=attrs, **props)
    return form_field(label, control, hint=hint)


def email_field(*, auto_focus: bool = False) -> rx.Component:
    """The address of an account, as it was typed the last time."""
    return auth_field(
        "email",
        t("auth.email"),
        AuthState.email,
        type="email",
        required=True,
        auto_complete="username",
        auto_focus=auto_focus,
    )


def auth_frame(
    title: rx.Var | None, detail: rx.Var | None, form: rx.Component, other: rx.Component, *, problem: bool = True
) -> rx.Component:
    """A signed-out page.

    Parameters:
        title, detail: None where the form shows its own.
        problem: whether to show here what the address says of the last try.
    """
    pitch = [
        ("workflow", "auth.pitch_draw"),
        ("shield-check", "auth.pitch_safe"),
        ("message-circle", "auth.pitch_person"),
    ]
    side = rx.el.aside(
        rx.el.div(logo(large=True), rx.el.span("PyTake", class_name="title"), class_name="row g12"),
        rx.el.div(t("auth.pitch"), class_name="au-pitch"),
        rx.el.ul(
            *[
                rx.el.li(rx.el.span(icon(picture), class_name="tile l g-trigger"), rx.el.span(t(key)))
                for picture, key in pitch
            ]
        ),
        class_name="au-side",
    )
    told = rx.cond(
        AuthState.error != "",
        rx.el.div(
            notice("red", "circle-alert", t_dynamic("auth.error", AuthState.error, "auth.error.unknown")),
            role="alert",
            custom_attrs={"data-testid": "auth-error"},
        ),
    )
    done = rx.cond(
        AuthState.done != "",
        rx.el.div(
            notice("jade", "circle-check", t_dynamic("auth.done", AuthState.done, "auth.done.other")),
            role="status",
            custom_attrs={"data-testid": "auth-done"},
        ),
    )
    card = rx.el.div(
        rx.el.h1(title, class_name="title") if title is not None else rx.fragment(),
        rx.el.p(detail, class_name="muted") if detail is not None else rx.fragment(),
        rx.fragment(told, done) if problem else rx.fragment(),
        form,
        rx.el.div(other, class_name="dense muted"),
        class_name="au-card",
    )
    return rx.el.div(
        side,
        rx.el.main(
            rx.el.div(
                rx.el.span(logo(), class_name="au-mark"),
                rx.el.span(class_name="grow"),
                language_menu(),
                theme_menu(),
                class_name="au-top row",
            ),
            card,
        ),
        hydrated_mark(),
        class_name="au",
    )


def auth_form(action: str, *fields: rx.Component, verb: rx.Var) -> rx.Component:
    """A form that the browser itself posts, with where to go on to and the language."""
    return NativeForm.create(
        rx.el.input(type="hidden", name="next", value=AuthState.next_path, read_only=True),
        rx.el.input(
            type="hidden", name="locale", value=rx.match(LANG, ("en", "en"), ("es", "es"), "pt_BR"), read_only=True
        ),
        *fields,
        button(verb, kind="solid", class_name="lg full", type="submit", custom_attrs={"data-testid": "submit"}),
        class_name="col g16",
        custom_attrs={"action": action, "method": "post"},
    )


def login_page() -> rx.Component:
    """Sign in."""
    form = auth_form(
        "/auth/web/login",
        email_field(auto_focus=True),
        rx.el.div(
            auth_field(
                "password", t("auth.password"), type="password", required=True, auto_complete="current-password"
            ),
            rx.link(t("auth.forgot"), href="/forgot", class_name="link dense", unstyled=True),
            class_name="col g6",
        ),
        verb=t("auth.sign_in"),
    )
    other = rx.fragment(
        t("auth.no_account"), " ", rx.link(t("auth.make_account"), href=REGISTER, class_name="link", unstyled=True)
    )
    return auth_frame(t("auth.login_title"), t("auth.login_detail"), form, other)


def register_page() -> rx.Component:
    """Make an organization and its first administrator."""
    form = auth_form(
        "/auth/web/register",
        auth_field(
            "organization_name",
            t("auth.organization"),
            AuthState.organization_name,
            max_length=120,
            required=True,
            auto_complete="organization",
            auto_focus=True,
            placeholder=t("auth.organization_example"),
        ),
        auth_field(
            "full_name", t("auth.full_name"), AuthState.full_name, max_length=120, required=True, auto_complete="name"
        ),
        email_field(),
        PasswordField.create(label="auth.password"),
        ZoneField.create(),
        verb=t("auth.create"),
    )
    other = rx.fragment(
        t("auth.have_account"), " ", rx.link(t("auth.sign_in"), href=LOGIN, class_name="link", unstyled=True)
    )
    return auth_frame(t("auth.register_title"), t("auth.register_detail"), form, other)
