"""Every limit of the engine in one place, and the codes of its error events."""

from __future__ import annotations

from typing import Final

MAX_VISITS_PER_SPRINT: Final = 100
MAX_VISITS_PER_NODE: Final = 25
"""Visits of one node within one sprint."""
MAX_MESSAGES_PER_SPRINT: Final = 30
MAX_CALLS_IN_A_ROW: Final = 25
"""Outside requests of a session without a word of the contact or a delay in between."""
MAX_STACK_DEPTH: Final = 5
"""Flows waiting for a called flow."""
MAX_VARIABLE_BYTES: Final = 8_192
MAX_VARIABLES_BYTES: Final = 65_536
MAX_VARIABLES: Final = 200
MAX_VARIABLE_NAME: Final = 64
MAX_INPUT_CHARS: Final = 4_096
"""What is kept of an inbound text."""
DEFAULT_OPT_OUT_WORDS: Final = ("STOP", "PARAR", "SAIR")
"""Words that opt out where an account names none of its own."""
MAX_KEYWORD_CHARS: Final = 100
"""A longer message is no global keyword."""
MAX_TEMPLATE_CHARS: Final = 10_000
MAX_EXPRESSION_CHARS: Final = 500
"""Length of one ``{{ … }}`` or ``{% … %}``."""
MAX_OUTPUT_BYTES: Final = 32_768
MAX_LIST_ITEMS: Final = 1_000
MAX_INTEGER_BITS: Final = 256
MAX_LOOP_ITERATIONS: Final = 2_000
"""Loop iterations of one rendering, all loops together."""
MAX_RENDER_WORK: Final = 400_000
"""Loop iterations times template length, plus the characters filters handle."""
MAX_LOGGED_CHARS: Final = 200
"""What the step log keeps of one value."""
EXPIRY_RANGE_MINUTES: Final = (1, 43_200)
MAX_DELAY_MINUTES: Final = 525_600
LONG_DELAY_MINUTES: Final = 10
"""A longer delay leaves the contact free for other flows."""

WA_BUTTONS: Final = 3
WA_BUTTON_TITLE: Final = 20
WA_BUTTON_ID: Final = 256
WA_ROWS: Final = 10
WA_SECTIONS: Final = 10
WA_ROW_TITLE: Final = 24
WA_ROW_DESCRIPTION: Final = 72
WA_ROW_ID: Final = 200
WA_SECTION_TITLE: Final = 24
WA_HEADER: Final = 60
WA_FOOTER: Final = 60
WA_TEXT_BODY: Final = 4_096
WA_BUTTONS_BODY: Final = 1_024
WA_LIST_BODY: Final = 4_096
WA_CAPTION: Final = 1_024
WA_CTA_TITLE: Final = 20
WA_LOCATION_BODY: Final = 1_024
WA_FORM_BODY: Final = 1_024
WA_FORM_CTA: Final = 30
"""Source of the WA_* figures: Meta's Cloud API message reference (text, media, interactive)."""

ERROR_CODES: Final = frozenset(
    {
        "visit_limit",  # MAX_VISITS_PER_SPRINT
        "loop_limit",  # MAX_VISITS_PER_NODE: a circle without a wait
        "message_limit",
        "stack_limit",
        "variable_limit",
        "template_syntax",
        "template_limit",
        "template_error",
        "undefined_variable",
        "empty_message",  # nothing left to send after rendering; the message is skipped
        "truncated_text",  # longer than the channel takes after rendering; cut
        "invalid_config",
        "unsupported_type",
        "missing_node",
        "missing_flow",
        "no_entry",
        "invalid_value",
        "classifier_unavailable",
        "request_failed",  # an outside call that gave no usable answer
        "request_timeout",
        "ai_unavailable",  # no provider is configured
        "invalid_answer",  # a model's answer that is none of those allowed
        "session_mismatch",
        "internal",
    }
)
