"""One key for one phone, however WhatsApp writes it.

Brazil: since the ninth digit came (ANATEL resolution 553/2010, done in 2016), mobile numbers are
``55 AA 9XXXX-XXXX``, but WhatsApp ids of accounts made before still lack the 9. Argentina writes mobiles with
a 9 after the country code, Mexico used to write a 1. The key writes every number in one way; the address to
which replies go stays as WhatsApp gave it.
"""

from __future__ import annotations

_BRAZIL_SHORT = 12
_ARGENTINA_SHORT = 12
_MEXICO_LONG = 13
_MAX_DIGITS = 20


def canonical_phone(value: str | None) -> str | None:
    """Digits of ``value`` in canonical form, or ``None`` when it is no phone number.

    Accepts ``+``, spaces, dots, hyphens and parentheses as people write them.
    """
    if not value:
        return None
    digits = value if value.isascii() and value.isdigit() else _digits(value)
    if digits is None or len(digits) > _MAX_DIGITS:
        return None
    if digits.startswith("55") and len(digits) == _BRAZIL_SHORT and digits[4] in "6789":
        return f"{digits[:4]}9{digits[4:]}"
    if digits.startswith("521") and len(digits) == _MEXICO_LONG:
        return "52" + digits[3:]
    if digits.startswith("54") and len(digits) == _ARGENTINA_SHORT and digits[2] != "9":
        return "549" + digits[2:]
    return digits


def _digits(value: str) -> str | None:
    kept: list[str] = []
    for character in value.strip():
        if character in "0123456789":
            kept.append(character)
        elif character not in "+-.() \u00a0":
            return None
    return "".join(kept) or None


def same_phone(left: str | None, right: str | None) -> bool:
    """Whether both are the same person's number (Brazil's ninth digit written or not)."""
    key = canonical_phone(left)
    return key is not None and key == canonical_phone(right)
