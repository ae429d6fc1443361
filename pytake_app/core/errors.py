"""Errors that callers can act on; the API turns them into RFC 9457 problem documents, the UI into sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with the input: a JSON pointer (RFC 6901) to it and a sentence.

    `key` and `params`: the same in the catalogues, for the answer's `text` in the caller's language.
    """

    pointer: str
    message: str
    code: str = "invalid"
    node_id: str | None = None
    key: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)


class ProblemError(Exception):
    """Base of all expected errors.

    Parameters:
        detail: a sentence for people, without secrets or personal data.
        errors: what exactly is wrong, for bad input.
        code: a stable word that programs and the i18n catalogues key on.
        retry_after: seconds after which trying again makes sense.
        members: further members of the problem document.
    """

    status = 500
    code = "internal"
    title = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: tuple[FieldError, ...] | list[FieldError] = (),
        code: str | None = None,
        retry_after: float | None = None,
        members: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after
        self.members = dict(members or {})
        if code is not None:
            self.code = code


class InvalidError(ProblemError):
    """The input can't be accepted as it is."""

    status, code, title = 422, "invalid", "Invalid input"


class MalformedError(ProblemError):
    """The body is not what its content type says."""

    status, code, title = 400, "malformed", "Malformed request"


class UnauthorizedError(ProblemError):
    """Nobody, or nobody we can verify, is asking."""

    status, code, title = 401, "unauthorized", "Not signed in"


class ForbiddenError(ProblemError):
    """The caller is known and may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFoundError(ProblemError):
    """It does not exist, or belongs to another tenant."""

    status, code, title = 404, "not_found", "Not found"


class ConflictError(ProblemError):
    """The state of the thing doesn't allow it now (stale revision, duplicate)."""

    status, code, title = 409, "conflict", "Conflict"


class TooLargeError(ProblemError):
    """More bytes than we accept."""

    status, code, title = 413, "too_large", "Too large"


class StorageFullError(ProblemError):
    """The disk has no room left."""

    status, code, title = 507, "storage_full", "No room left"


class TooManyRequestsError(ProblemError):
    """A rate limit was hit; `retry_after` says when to come back."""

    status, code, title = 429, "rate_limited", "Too many requests"


class UnavailableError(ProblemError):
    """Something we depend on is away for the moment."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"
