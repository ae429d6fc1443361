"""Tables behind signing in: invitations, links to reset, second factors, pictures. Tokens are kept as hashes only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class UserAvatar(SQLModel, table=True):
    """Somebody's picture, as it is shown: square, small, without what the file told beside it."""

    __tablename__ = "user_avatars"

    user_id: UUID = Field(foreign_key="users.id", primary_key=True, ondelete="CASCADE")
    organization_id: UUID = organization_field()
    image: bytes = Field(description="WebP")
    updated_at: datetime = time_field()


class Invitation(SQLModel, table=True):
    """Somebody is asked to join; open until it is accepted, revoked or too old. One open one an address."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "invitations_open",
            "organization_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    email: str
    role: str
    departments: list[str] = json_field(list)
    locale: str = "pt_BR"
    token_hash: str = Field(unique=True)
    invited_by: UUID | None = None
    created_at: datetime = time_field()
    sent_at: datetime = time_field()
    expires_at: datetime = time_field()
    accepted_at: datetime | None = time_field(nullable=True)
    revoked_at: datetime | None = time_field(nullable=True)
    user_id: UUID | None = Field(default=None, description="who they became")


class PasswordReset(SQLModel, table=True):
    """A link that sets a new password, once."""

    __tablename__ = "password_resets"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    user_id: UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    token_hash: str = Field(unique=True)
    created_at: datetime = time_field()
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field(nullable=True)


class EmailConfirmation(SQLModel, table=True):
    """A link that shows that an address is somebody's own: their present one, or the one that it is to become."""

    __tablename__ = "email_confirmations"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    user_id: UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    email: str
    token_hash: str = Field(unique=True)
    created_at: datetime = time_field()
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field(nullable=True)


class TotpFactor(SQLModel, table=True):
    """Somebody's second factor (RFC 6238); counts once `confirmed_at` is set."""

    __tablename__ = "totp_factors"

    user_id: UUID = Field(foreign_key="users.id", primary_key=True, ondelete="CASCADE")
    organization_id: UUID = organization_field()
    secret_cipher: str
    last_step: int = Field(
        default=0, sa_type=BigInteger, description="the newest time step whose code was used; older ones are refused"
    )
    created_at: datetime = time_field()
    confirmed_at: datetime | None = time_field(nullable=True)


class RecoveryCode(SQLModel, table=True):
    """A code that stands in for the second factor, once."""

    __tablename__ = "recovery_codes"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    user_id: UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    code_hash: str
    created_at: datetime = time_field()
    used_at: datetime | None = time_field(nullable=True)


class SignInChallenge(SQLModel, table=True):
    """A sign-in whose password was right and whose second step is missing."""

    __tablename__ = "sign_in_challenges"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    user_id: UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    purpose: str = Field(description="verify: a code is asked for; enroll: a second factor must be set up first")
    token_hash: str = Field(unique=True)
    tries: int = 0
    created_at: datetime = time_field()
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field(nullable=True)
