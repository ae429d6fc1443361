"""Passwords: hashing (argon2id) and which ones are accepted (NIST SP 800-63B, section 3.1.1)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pytake_app.accounts.turns import KNOWN, STRANGERS
from pytake_app.core.errors import FieldError, InvalidError

MIN_LENGTH = 10
MAX_LENGTH = 200
"""Longer than any passphrase people type; bounds the work of hashing."""

# OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_JUDGING = threading.Lock()
"""zxcvbn keeps the words known about a person in a global of its module."""

# Of the most used passwords, those that satisfy the length, Brazil's favourites among them.
_COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text("utf-8").split())


STRENGTH_READ = 40
"""Characters that strength is judged by: zxcvbn's work grows with the square of the length."""
_SYMBOLS_READ = 3
"""Kinds of symbols that may stand for letters: zxcvbn tries every combination of what they may mean."""
_SYMBOLS = "@({[<!|$+%"
WEAKEST_ACCEPTED = 2
"""zxcvbn's score: a million guesses and more; less falls to a patient guesser even online."""


def strength(password: str, *, email: str = "", name: str = "") -> int:
    """How hard a password is to guess, 0 to 4, judged by lists of breached passwords, names, words and keyboard rows.

    Parameters:
        email, name: what is known about the person makes guessing easier.
    """
    from zxcvbn import zxcvbn

    if not password:
        return 0
    words = [email, email.partition("@")[0], name, *name.split(), "pytake"]
    with _JUDGING:
        return int(zxcvbn(_readable(password), user_inputs=[word for word in words if word])["score"])


def _readable(password: str) -> str:
    """What zxcvbn reads of a password: no more than it judges in a few hundredths of a second."""
    read = password[:STRENGTH_READ]
    kinds = [symbol for symbol in dict.fromkeys(read) if symbol in _SYMBOLS]
    return read.translate(dict.fromkeys(map(ord, kinds[_SYMBOLS_READ:]), "-"))


def judge(password: str, *, email: str, name: str = "") -> tuple[int, str]:
    """(strength, code of `check`'s refusal); the code is empty when the password would be accepted."""
    score = strength(password, email=email, name=name)
    return score, _refusal(password, email, name, lambda: score)[0]


def check(password: str, *, email: str, name: str = "", pointer: str = "/password") -> None:
    """Refuse a password that is too short, common or guessable from what is known about the person.

    Raises:
        InvalidError: with a code that says why.
    """
    code, message = _refusal(password, email, name, lambda: strength(password, email=email, name=name))
    if code:
        raise InvalidError("The password is not accepted.", code=code, errors=[FieldError(pointer, message, code)])


def _refusal(password: str, email: str, name: str, score: Callable[[], int]) -> tuple[str, str]:
    lowered = password.casefold()
    code, message = "", ""
    if len(password) < MIN_LENGTH:
        code, message = "password_too_short", f"use at least {MIN_LENGTH} characters"
    elif len(password) > MAX_LENGTH:
        code, message = "password_too_long", f"use at most {MAX_LENGTH} characters"
    elif lowered in _COMMON or len(set(lowered)) < 4:
        code, message = "password_common", "this password is among the first that attackers try"
    elif lowered in _guesses(email, name):
        code, message = "password_guessable", "a password must not be your e-mail or name"
    elif score() < WEAKEST_ACCEPTED:
        code, message = "password_weak", "this password is easy to guess; add words that have nothing to do with it"
    return code, message


def _guesses(email: str, name: str) -> set[str]:
    email, name = email.casefold(), name.casefold()
    local = email.partition("@")[0]
    words = {email, local, name, name.replace(" ", "")}
    return {word + tail for word in words for tail in ("", "1", "12", "123", "1234", "12345", "!")}


def hash_password(password: str, *, stranger: str | None = None) -> str:
    """An argon2id hash with its parameters and salt inside. Slow on purpose (tens of milliseconds).

    Parameters:
        stranger: the address of somebody who registers; waits as one who signs in for the first time does.

    Raises:
        UnavailableError: `too_busy`: the turn didn't come.
    """
    with KNOWN.turn() if stranger is None else STRANGERS.turn(stranger):
        return _HASHER.hash(password)


def verify_password(stored: str | None, password: str, *, address: str = "") -> bool:
    """As `matches`, for somebody who is known and waits their turn here as `address`.

    Raises:
        UnavailableError: `too_busy`: the turn didn't come.
    """
    with KNOWN.turn(address):
        right = matches(stored, password)
    if right:
        KNOWN.right(address)
    return right


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one that was hashed. An absent account (`None`) costs the same time and is False.

    The caller has a turn (`turns.Lane.turn`).
    """
    try:
        return _HASHER.verify(stored or _DUMMY, password[: MAX_LENGTH + 1]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with older parameters."""
    return _HASHER.check_needs_rehash(stored)


_DUMMY = _HASHER.hash("nobody has this password")
