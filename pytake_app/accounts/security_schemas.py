"""What the API hears and says about passwords, second factors, sign-ins and invitations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from pytake_app.accounts.emails import Email
from pytake_app.accounts.schemas import Locale, Name, Password, TokenAnswer, UserView
from pytake_app.core.schemas import RequestModel, View

Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40)]
GivenRole = Literal["super_admin", "org_admin", "agent", "viewer"]
Departments = Annotated[list[UUID], Field(max_length=200)]


class ForgotRequest(RequestModel):
    """Whose password is forgotten."""

    email: Annotated[str, StringConstraints(min_length=1, max_length=320)]


class ResetRequest(RequestModel):
    """A link's token and the new password."""

    token: Token
    password: Password = Field(repr=False)


class PasswordChange(RequestModel):
    """The present password and the new one."""

    password: Password = Field(repr=False)
    new_password: Password = Field(repr=False)


class StrengthRequest(RequestModel):
    """A password somebody thinks of, and what is known about them."""

    password: Annotated[str, StringConstraints(strip_whitespace=False, max_length=1024)] = Field(repr=False)
    email: Annotated[str, StringConstraints(max_length=320)] = ""
    name: Annotated[str, StringConstraints(max_length=120)] = ""


class StrengthView(View):
    """`score`: 0 (first guess) to 4. `code`: why it would be refused; empty when it is accepted."""

    score: int
    code: str


class ChallengeRequest(RequestModel):
    """A sign-in that waits for its second step."""

    challenge_token: Token


class ChallengeCode(ChallengeRequest):
    """A sign-in that waits for its second step, and a code of the app or a recovery code."""

    code: Code


class PasswordOnly(RequestModel):
    """The caller's present password."""

    password: Password = Field(repr=False)


class CodeOnly(RequestModel):
    """A code of the app."""

    code: Code


class PasswordAndCode(PasswordOnly):
    """The caller's present password, and a code of the app or a recovery code."""

    code: Code


class TotpSetup(View):
    """What an authenticator app needs. `picture`: a QR code of `uri`, as a data URI."""

    secret: str
    uri: str
    picture: str


class RecoveryCodes(View):
    """Codes that stand in for the second factor, each once. They are told only here."""

    recovery_codes: list[str]


class EnrollAnswer(TokenAnswer, RecoveryCodes):
    """Signed in, with the new second factor's recovery codes."""


class EmailChange(PasswordOnly):
    """Another address for the caller."""

    email: Email


class EmailToken(RequestModel):
    """The token of a mailed link."""

    token: Token


class EmailState(View):
    """The caller's address. `confirmation_wanted`: a mailed link waits to be used, and some things wait for it.
    `pending_email`: the address that it becomes once its link was used. `mails`: whether any are sent here."""

    email: str
    confirmed: bool
    confirmation_wanted: bool
    mails: bool
    pending_email: str = ""


class ConfirmedEmail(View):
    """An address that counts as its owner's from now on."""

    email: str


class SecurityUpdate(RequestModel):
    """Change what the caller is told."""

    tell_new_device: bool


class SecurityView(View):
    """The caller's password and second factor."""

    second_factor: bool
    second_factor_since: datetime | None
    second_factor_required: bool
    recovery_codes_left: int
    password_changed_at: datetime | None
    tell_new_device: bool


class SignInView(View):
    """One device or program that is signed in. `kind`: web or api."""

    id: UUID
    kind: str
    browser: str
    system: str
    address: str
    created_at: datetime
    last_used_at: datetime
    is_current: bool


class InvitationCreate(RequestModel):
    """Ask somebody to join. `locale`: of the mail; the inviter's when absent."""

    email: Email
    role: GivenRole = "agent"
    departments: Departments = Field(default_factory=list)
    locale: Locale | None = None


class InvitationView(View):
    """An invitation. `state`: open or expired. `link`: only in the answer that makes it, where no mail is sent."""

    id: UUID
    email: str
    role: str
    departments: list[UUID]
    invited_by: str
    created_at: datetime
    sent_at: datetime
    expires_at: datetime
    state: Literal["open", "expired"]
    mailed: bool = False
    link: str = ""


class InvitationToken(RequestModel):
    """An invitation's token."""

    token: Token


class InvitationOffer(View):
    """What an invited person is shown."""

    email: str
    organization_name: str
    invited_by: str
    role: str
    locale: str


class InvitationAccept(InvitationToken):
    """Join: a name and a password."""

    full_name: Name
    password: Password = Field(repr=False)
    locale: Locale | None = None


class UserCreate(RequestModel):
    """Somebody new, with a first password that is passed on by other means."""

    email: Email
    full_name: Name
    password: Password = Field(repr=False)
    role: GivenRole = "agent"
    departments: Departments = Field(default_factory=list)
    locale: Locale | None = None


class UserUpdate(RequestModel):
    """Change somebody; what is absent stays."""

    full_name: Name | None = None
    role: GivenRole | None = None
    is_active: bool | None = None
    departments: Departments | None = None


class UserStatus(RequestModel):
    """Whether somebody may sign in."""

    is_active: bool


class MemberView(UserView):
    """A person with their departments. `second_factor`: only administrators see it."""

    departments: list[UUID] = Field(default_factory=list)
    second_factor: bool | None = None


class ResetLink(View):
    """A mail is under way, or, where no mail is sent, the link to hand over."""

    mailed: bool
    link: str = ""
