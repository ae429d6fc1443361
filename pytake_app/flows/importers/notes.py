"""What the report of an import says of a thing that was approximated or left out: codes, with their English sentences.

The sentences in the interface's languages are in the `import` catalogues, under the same codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Self

SENTENCES: Final[dict[str, str]] = {
    "newer_format": "format version {version} is newer than those this importer knows ({known})",
    "command_unnamed": "the command has no name",
    "command_keyword": "a keyword: the word, said when no session waits, starts the flow here",
    "no_listening": "a flow can't listen to every reply; use the questions' own exits",
    "start_added": "begins when it is started or jumped to; add a trigger to have messages begin it",
    "no_start": "the file has no start; begins at its first group",
    "code_in_text": "inline code was left out of the text",
    "text_empty": "the text is empty",
    "no_address": "it has no address",
    "sent_as_link": "sent as a link",
    "picture_link": "the link behind the picture is left out",
    "code_in_address": "inline code was left out of the address",
    "no_question_text": "the question had no text of its own; it says {text}",
    "no_question_text_placeholder": "the question had no text of its own; it says the field's placeholder",
    "no_own_text": "the question had no text of its own",
    "file_as_address": "a voice clip or file sent instead of a text is kept as its address",
    "limit_not_checked": "the {limit} is a variable there and is not checked here",
    "date_range": "a range of dates is asked as a text",
    "date_time": "a date with a time is asked as a text",
    "date_limits": "the earliest and latest date are not checked",
    "one_file": "one file is taken, not several",
    "file_required": "the file can't be skipped",
    "payment": "payments are not part of flows; send a payment link",
    "options_of_variable": "options made from a variable are written in the question; any text is taken",
    "options_always_shown": "options that were shown on a condition are always shown",
    "option_pictures": "pictures of the options are left out",
    "one_choice": "one option can be chosen, not several",
    "cards_as_menu": "cards are shown as a menu without pictures",
    "no_options": "it has no options",
    "list_for_buttons": "a list instead of buttons: options are longer than a button takes",
    "contact_id": "the contact's id",
    "session_id": "the session's id",
    "session_id_random": "the session's id, the same during one session",
    "part_of_day": "by the hour in the organization's time zone",
    "no_variable": "no variable is chosen",
    "text_for_list": "a text with commas instead of a list",
    "unknown_value": "the value {value} doesn't exist here",
    "comparison_left_out": "a comparison without a variable, or of an unknown kind, is left out",
    "not_matching": "'does not match' beside other comparisons became 'does not contain'",
    "branch_left_out": "a branch without comparisons is left out",
    "compares_nothing": "it compares nothing",
    "redirect_as_link": "the address is sent as a link; the conversation stays here",
    "no_flow_chosen": "no flow is chosen",
    "linked_from_start": "the linked flow begins at its start, not at a group",
    "wait_of_variable": "the time is a variable there; it waits one second",
    "waits_nothing": "it waits no time",
    "leads_nowhere": "it leads nowhere",
    "return_ends": "ends the flow: back to the flow that called it, not into the middle of this one",
    "request_no_address": "the request has no address in the file",
    "code_in_request": "inline code was left out of the request",
    "computed_answer": "a part of the answer that is computed there is left out",
    "plain_request": "a plain HTTP request to the same address",
    "handover_queue": "a hand-over to people of this organization; choose a queue",
    "unknown_integration": "an integration that doesn't exist here; an API call may do the same",
    "no_javascript": "JavaScript is not run here",
    "no_call_inside": "a session can't wait for a call from outside in the middle of a flow",
    "code_in_value": "inline code was left out of the value",
    "language_as_brazil": "dates and money of {language} are written as in Brazil",
    "voice_call": "a voice call's actions have no counterpart",
    "trigger_by_hand": "a trigger of this kind is set up by hand",
    "no_urns": "a contact's addresses are not changed by flows",
    "no_labels": "messages have no labels here",
    "use_classifier": "choose an AI classifier node instead",
    "use_api_or_event": "choose an API call or an event node instead",
    "use_prompt": "choose an AI prompt node instead",
    "voice_recording": "a voice call's recording",
    "voice_sentence": "a voice call's sentence",
    "optin_by_question": "opt-ins are asked by a question and kept as consent",
    "use_campaign": "a flow writes to its own contact only; use a campaign",
    "no_email": "a flow sends no e-mail; choose a notification or an API call",
    "stays_on_channel": "a conversation stays on its channel",
    "no_timezone": "contacts have no time zone",
    "no_other_sessions": "a flow starts no other contacts' sessions",
    "no_airtime": "there is no airtime transfer",
    "unknown_action": "an action that is not known here",
    "replies_left_out": "nothing waits for the quick replies; they are left out",
    "message_empty": "the message is empty",
    "template_by_name": "the template of this name, once it exists here",
    "result_unnamed": "the result has no name",
    "no_such_status": "a flow doesn't make a contact {status}",
    "consent_withdrawn": "the contact's consent is withdrawn",
    "groups_are_tags": "groups became tags",
    "not_all_tags": "a contact isn't taken off all its tags at once",
    "no_group": "no group is named",
    "no_flow_named": "no flow is named",
    "no_request_address": "the request has no address",
    "handover_transferred": "a hand-over to people; the flow goes on when somebody takes the conversation",
    "nearly_same": "{test}: nearly the same test",
    "whole_number": "{test}: the whole text must be a number",
    "dates_as_texts": "{test}: dates are compared as texts like 2026-12-31",
    "no_categories": "it has no categories",
    "ten_branches": "at most 10 branches",
    "called_comes_back": "a called flow always comes back the same way; its expiry ends the session",
    "waits_for_message": "waits for a message instead",
    "base_replies": "quick replies are those of the base language",
    "test_never_holds": "the test {test} has no counterpart; it never holds",
    "no_counterpart": "no counterpart of {what}; left empty",
    "pages_of_options": "a list of {count} options, {size} at a time",
    "options_cut": "long options are cut in the list and shown whole below it",
    "no_javascript_value": "JavaScript is not run here; the value is empty",
}
"""Code → sentence; what is in braces is a parameter."""

Part = tuple[str, tuple[tuple[str, str], ...]]


class Note(str):
    """One or more remarks: an English text, and what it is made of. False when there is nothing to say."""

    __slots__ = ("parts",)
    parts: tuple[Part, ...]

    def __new__(cls, text: str = "", parts: tuple[Part, ...] = ()) -> Self:
        made = super().__new__(cls, text)
        made.parts = parts
        return made


NOTHING: Final = Note()


def remark(code: str, **params: object) -> Note:
    """A remark.

    Raises:
        KeyError: no such code, or a parameter is missing.
    """
    given = {name: str(value)[:200] for name, value in params.items()}
    return Note(SENTENCES[code].format(**given), ((code, tuple(given.items())),))


def joined(notes: Iterable[Note]) -> Note:
    """Several remarks as one, each once."""
    different = [found for found in dict.fromkeys(notes) if found]
    return Note("; ".join(different), tuple(part for found in different for part in found.parts))
