"""Meta's documented limits of Cloud API messages, in characters unless the name says otherwise.

Source: Cloud API, Messages (text, media, interactive and template pages), as copied in December 2025 to March
2026. Where Meta's pages and practice differ, the note beside the figure says what was chosen.
"""

from __future__ import annotations

from typing import Final

TEXT_BODY: Final = 4096
CAPTION: Final = 1024
HEADER_TEXT: Final = 60
FOOTER: Final = 60
BUTTONS_BODY: Final = 1024
BUTTONS_COUNT: Final = 3
BUTTON_ID: Final = 256
BUTTON_TITLE: Final = 20
LIST_BODY: Final = 4096
LIST_BUTTON: Final = 20
LIST_SECTIONS: Final = 10
LIST_ROWS: Final = 10
SECTION_TITLE: Final = 24
ROW_ID: Final = 200
ROW_TITLE: Final = 24
ROW_DESCRIPTION: Final = 72
CTA_BODY: Final = 1024
CTA_TITLE: Final = 20
CTA_URL: Final = 2000
LOCATION_REQUEST_BODY: Final = 1024
FORM_BODY: Final = 1024
# The pages said 20 for long and servers take 30; refusing what WhatsApp shows would be the worse mistake.
FORM_CTA: Final = 30
TEMPLATE_NAME: Final = 512
# Codes are five to seven characters; Meta documents no bound.
TEMPLATE_LANGUAGE: Final = 32
TEMPLATE_HEADER_VARIABLES: Final = 1
TEMPLATE_BUTTONS: Final = 10
COPY_CODE: Final = 15
CAROUSEL_CARDS_MIN: Final = 2
CAROUSEL_CARDS_MAX: Final = 10
CALLBACK_DATA: Final = 512

MEBIBYTE: Final = 1024 * 1024
MEDIA_BYTES: Final[dict[str, int]] = {
    "image": 5 * MEBIBYTE,
    "video": 16 * MEBIBYTE,
    "audio": 16 * MEBIBYTE,
    "document": 100 * MEBIBYTE,
    "sticker": 500 * 1024,
}
"""Largest media per kind, in bytes (a static sticker may have 100 KB only; which it is, the file tells)."""

TYPING_SECONDS: Final = 25
READ_MAX_AGE_DAYS: Final = 30
SERVICE_WINDOW_HOURS: Final = 24
WEBHOOK_BYTES: Final = 3 * MEBIBYTE

PAIR_INTERVAL: Final = 6.0
"""Seconds between two messages to the same person (Cloud API, Throughput, "Pair rate limits")."""
PAIR_BURST: Final = 45
"""Messages to the same person that may be sent ahead of that pace (same page)."""
TIERS: Final[dict[str, int | None]] = {
    "TIER_0": 250,
    "TIER_1": 1_000,
    "TIER_2": 10_000,
    "TIER_3": 100_000,
    "unlimited": None,
    # Meta's own names in `messaging_limit_tier`.
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1_000,
    "TIER_2K": 2_000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": None,
}
"""People outside a service window whom a number may write to in 24 hours; None: as many as it likes."""
