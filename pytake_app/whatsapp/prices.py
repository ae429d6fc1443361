"""What Meta charges for a message: the list prices an installation begins with, by country and category.

WhatsApp charges per delivered template since July 2025; free-form messages are free. The list is modelled on Meta's
rate card in US dollars as of July 2025 and was not compared with a later one: take it as an estimate. An installation
replaces it by `MESSAGE_PRICES`, an organization by its own settings, and both should: rates change, volume tiers lower
them, and free-form (`service`) messages were announced to be charged in time; set their price and they count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import phonenumbers
from pydantic import BaseModel

from pytake_app.config import Settings

MILLION: Final = 1_000_000
Category = Literal["service", "marketing", "utility", "authentication"]
CATEGORIES: Final[tuple[Category, ...]] = ("service", "marketing", "utility", "authentication")

OTHER: Final = "other"
_LIST: Final[Mapping[str, tuple[float, float, float]]] = {
    "AR": (0.0618, 0.0260, 0.0260), "BR": (0.0625, 0.0068, 0.0068), "CA": (0.0250, 0.0034, 0.0034),
    "CL": (0.0889, 0.0200, 0.0200), "CO": (0.0125, 0.0008, 0.0008), "DE": (0.1365, 0.0550, 0.0550),
    "ES": (0.0615, 0.0200, 0.0200), "FR": (0.0859, 0.0300, 0.0300), "GB": (0.0529, 0.0220, 0.0220),
    "IN": (0.0118, 0.0014, 0.0014), "IT": (0.0691, 0.0300, 0.0300), "MX": (0.0305, 0.0085, 0.0085),
    "PE": (0.0703, 0.0200, 0.0200), "PT": (0.0592, 0.0171, 0.0171), "US": (0.0250, 0.0034, 0.0034),
    OTHER: (0.0604, 0.0077, 0.0077),
}  # fmt: skip
"""US dollars of a marketing, utility and authentication message."""
_RATES: Final[Mapping[str, float]] = {"USD": 1.0, "BRL": 5.4, "EUR": 0.86, "MXN": 18.5, "GBP": 0.75}
"""Units of a currency for one US dollar, about; `EXCHANGE_RATES` replaces them."""
_HOME: Final = {"pt_BR": "BR", "es": "ES", "en": "US"}


class PriceList(BaseModel):
    """Price of one message by category, in millionths of `currency`. `own`: categories the organization set itself."""

    currency: str
    country: str
    service: int = 0
    marketing: int = 0
    utility: int = 0
    authentication: int = 0
    own: list[Category] = []


def country_of(own: str, phones: list[str], locale: str) -> str:
    """Whose prices count: the organization's own country, else that of its first number, else of its language.

    Parameters:
        phones: of its real numbers, digits only, in order.
    """
    if own:
        return own
    for phone in phones:
        try:
            region = phonenumbers.region_code_for_number(phonenumbers.parse(f"+{phone}", None))
        except phonenumbers.NumberParseException:
            continue
        if region:
            return str(region)
    return _HOME.get(locale, OTHER)


def price_list(settings: Settings, country: str, currency: str, own: Mapping[str, Any]) -> PriceList:
    """The prices of an organization.

    Parameters:
        currency: the organization's; list prices stay in US dollars when no exchange rate of it is known.
        own: what the organization set, by category, in millionths of its currency.
    """
    rates = {**_RATES, **settings.exchange_rates}
    rate = rates.get(currency)
    listed = settings.message_prices.get(country) or settings.message_prices.get(OTHER)
    if country in settings.message_prices or (listed is not None and country not in _LIST):
        dollars = {category: float((listed or {}).get(category, 0.0)) for category in CATEGORIES}
    else:
        marketing, utility, authentication = _LIST.get(country, _LIST[OTHER])
        dollars = {"service": 0.0, "marketing": marketing, "utility": utility, "authentication": authentication}
    mine = {category: int(own[category]) for category in CATEGORIES if isinstance(own.get(category), int)}
    if rate is None and not mine:
        rate, currency = 1.0, "USD"
    prices = {category: round(dollars[category] * (rate or 0.0) * MILLION) for category in CATEGORIES} | mine
    return PriceList(currency=currency, country=country, own=list(mine), **prices)
