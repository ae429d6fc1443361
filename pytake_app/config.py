"""The one Settings object. Values come from the environment or `.env`; see `.env.example`."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from limits import parse
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pytake_app.core.secretkey import weakness

Environment = Literal["development", "test", "production"]
PlanName = Literal["free", "starter", "professional", "enterprise"]

RATE_CLASSES = ("read", "write", "search", "export", "upload", "auth", "public")


class Settings(BaseSettings):
    """Everything that can be set from outside, with units in the field's description."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True)

    environment: Environment = "development"
    port: int = Field(8080, description="the one public port: pages, API and WebSockets")
    host: str = "127.0.0.1"
    public_url: str = Field(
        "", description="https address under which users and Meta reach this server; empty = from the request"
    )

    database_url: str = Field("", description="PostgreSQL; empty = the embedded server in the data directory")
    redis_url: str = Field("", description="Redis or Valkey; empty = the embedded server")
    data_dir: Path = Field(Path("./data"), validation_alias=AliasChoices("PYTAKE_DATA_DIR", "data_dir"))
    database_pool_size: int = Field(8, description="connections per process and role")
    statement_seconds: float = Field(
        30.0, gt=0, description="seconds after which a database statement of a request is given up (503)"
    )

    secret_key: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("SECRET_KEY", "JWT_SECRET", "secret_key")
    )
    secret_key_file: str = Field("", description="file that holds SECRET_KEY, e.g. a container's secret")
    previous_secret_keys: list[SecretStr] = Field(
        default_factory=list, description="older keys, still accepted for decryption"
    )
    access_token_expire_minutes: int = 15
    refresh_token_expire_days: int = 7
    web_session_days: int = 14
    cors_allowed_origins: list[str] = Field(default_factory=list)
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="names under which this server answers, besides PUBLIC_URL's and the loopback; "
        "`*.example.com` takes every name below; empty = any",
    )
    trusted_proxies: list[str] = Field(
        default_factory=list, description="networks (CIDR) of proxies whose X-Forwarded-For is believed; JSON list"
    )

    rate_limits: dict[str, str] = Field(
        default_factory=dict,
        description="requests of one person or key by class (read, write, search, export, upload), and of one address "
        'that is not signed in (auth, public), instead of the defaults: {"write": "100 per minute"}',
    )
    rate_limit_people: dict[str, float] = Field(
        default_factory=dict,
        description="requests of an organization as a multiple of one person's, by plan, instead of the defaults",
    )
    registration_open: bool = Field(True, description="whether anybody may register a new organization")
    registrations_per_hour: int = Field(20, gt=0, description="new organizations from one address in an hour")
    trial_days: int = Field(14, ge=0, description="days for which a new organization has `trial_plan`; 0 = no trial")
    trial_plan: PlanName = Field("professional", description="plan of a new organization until its trial is over")
    default_plan: PlanName = Field("free", description="plan of a new organization where there is no trial")
    delete_grace_days: int = Field(30, ge=0, description="days until a deleted organization is erased for good")
    admin_email: str = Field("", validation_alias=AliasChoices("PYTAKE_ADMIN_EMAIL", "admin_email"))
    admin_password: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("PYTAKE_ADMIN_PASSWORD", "admin_password")
    )

    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="mail server, e.g. smtp://user:password@mail.example.com:587 (STARTTLS) or smtps://…; empty = "
        "mails go to the console, in production nowhere",
    )
    smtp_ca_file: Path | None = Field(None, description="certificates that the mail server's own is checked against")
    mail_from: str = Field("PyTake <no-reply@localhost>", description="sender of mails")

    whatsapp_access_token: SecretStr = SecretStr("")
    whatsapp_phone_number_id: str = ""
    whatsapp_business_account_id: str = ""
    whatsapp_webhook_verify_token: SecretStr = SecretStr("")
    whatsapp_app_secret: SecretStr = SecretStr("")
    whatsapp_api_base_url: str = "https://graph.facebook.com"
    whatsapp_api_version: str = "v23.0"
    message_prices: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="US dollars of a message by country (ISO 3166, or `other`) and category (service, marketing, "
        "utility, authentication); empty = Meta's list of July 2025",
    )
    exchange_rates: dict[str, float] = Field(
        default_factory=dict, description="units of a currency for one US dollar, to show list prices in it"
    )
    message_tier: Literal["TIER_0", "TIER_1", "TIER_2", "TIER_3", "unlimited"] = "TIER_1"

    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: str = Field("", description="any OpenAI-compatible endpoint; empty = OpenAI's")
    openai_model: str = Field("gpt-4o-mini", description="model of blocks that name none")
    openai_prices: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="per model: price of a million tokens read, and written (for the step log)"
    )
    allow_private_http: str = Field(
        "", validation_alias=AliasChoices("PYTAKE_ALLOW_PRIVATE_HTTP", "allow_private_http")
    )

    lanes: int = Field(32, description="contacts are hashed to this many serial lanes; fixed once data exists")
    web_workers: int = 1
    workers: int = 2
    outbox_in_flight: int = Field(400, description="requests to platforms at once, per outbox process")
    send_timeout_seconds: float = Field(45.0, description="seconds for one call that sends a message, answer included")
    outbox_lease_seconds: float = Field(
        90.0, description="seconds after which a row claimed by a sender that went silent may have been sent or not"
    )
    outbox_unsure_grace_seconds: float = Field(
        120.0, description="seconds that an unsure send waits for a status webhook before it is tried again"
    )
    outbox_unheard_seconds: float = Field(
        3600.0, description="seconds for which unsure sends wait at most while no web role lives to hear of them"
    )
    webhook_max_bytes: int = Field(3 * 1024 * 1024, description="bytes; Meta batches up to about 3 MB")
    upload_max_bytes: int = Field(100 * 1024 * 1024, description="bytes; WhatsApp's limit for documents")
    media_quota_mb: int = Field(
        2048,
        gt=0,
        description="megabytes (1024²) of files in one organization's library; as much again may be kept "
        "of those taken out of it, which flows and messages still use",
    )
    log_level: str = "INFO"
    clock_shift_file: Path | None = Field(
        None, description="file with seconds that this installation's clock is put forward; only for ENVIRONMENT=test"
    )
    metrics_port: int = Field(
        0, ge=0, lt=65536, description="port on which a role without a web server tells its metrics; 0 = none"
    )
    otel_exporter_otlp_endpoint: str = Field(
        "", description="OpenTelemetry collector (OTLP over HTTP) that gets traces of messages; empty = no tracing"
    )
    trace_sample_ratio: float = Field(0.1, ge=0, le=1, description="share of webhooks that are traced")
    metrics_host: str = Field("127.0.0.1", description="address that `metrics_port` listens on")

    @field_validator("cors_allowed_origins")
    @classmethod
    def _refuse_inexact_origins(cls, given: list[str]) -> list[str]:
        for origin in given:
            parts = urlsplit(origin)
            if "*" in origin or origin != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in ("http", "https"):
                raise ValueError(f"'{origin}' is no exact origin; write scheme, name and port: https://crm.example.com")
        return given

    @field_validator("rate_limits")
    @classmethod
    def _refuse_unreadable_limits(cls, given: dict[str, str]) -> dict[str, str]:
        for name, limit in given.items():
            if name not in RATE_CLASSES:
                raise ValueError(f"{name} is no class of requests; there are {', '.join(RATE_CLASSES)}")
            try:
                parse(limit)
            except ValueError as error:
                raise ValueError(f"{name}: write a limit as '600 per minute', not '{limit}'") from error
        return given

    @model_validator(mode="before")
    @classmethod
    def _read_secret_file(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        path = given.get("SECRET_KEY_FILE") or given.get("secret_key_file")
        if not path or any(given.get(name) for name in ("SECRET_KEY", "JWT_SECRET", "secret_key")):
            return given
        try:
            key = Path(str(path)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"SECRET_KEY_FILE: {path} can't be read ({type(error).__name__})") from error
        return {**given, "secret_key": key}

    @model_validator(mode="after")
    def _refuse_weak_production_secret(self) -> Self:
        problem = weakness(self.secret_key.get_secret_value()) if self.environment == "production" else ""
        if problem:
            raise ValueError(
                f"SECRET_KEY {problem}; in production set one made by "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        return self

    @model_validator(mode="after")
    def _mails_need_an_address(self) -> Self:
        # Links in mails never come from a request: whoever sends one may write any host into it.
        if self.smtp_url.get_secret_value() and not self.public_url:
            raise ValueError("SMTP_URL needs PUBLIC_URL, the address that links in mails lead to")
        return self

    @property
    def link_base(self) -> str:
        """What links in mails begin with."""
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def sqlalchemy_url(self) -> str:
        """`database_url` with the psycopg 3 driver named, as SQLAlchemy wants it."""
        for prefix in ("postgresql://", "postgres://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    @property
    def signing_key(self) -> str:
        """The secret that signs tokens.

        Raises:
            RuntimeError: no SECRET_KEY is set (the launcher makes one for development).
        """
        key = self.secret_key.get_secret_value()
        if not key:
            raise RuntimeError("SECRET_KEY is not set; `./pytake up` makes one for development")
        return key


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process-wide settings, read once. Tests build their own `Settings(...)` and pass it on."""
    return Settings()
