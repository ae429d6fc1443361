"""Cloud API webhooks: from the body to :class:`ParsedWebhook`.

The envelope is ``{"object": "whatsapp_business_account", "entry": [{"id", "changes": [{"field", "value"}]}]}``
(Cloud API, Webhooks). The older On-Premises API, and relays that copy it, post the inner value alone; it is
read as the same language. Whatever is well-formed but not understood is kept in ``unknown``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytake_app.channels.base import (
    AccountNotice,
    IdentityChange,
    JsonObject,
    ParsedWebhook,
    Pricing,
    Sender,
    StatusUpdate,
    UnknownFragment,
)
from pytake_app.channels.whatsapp.errors import classify_status_error
from pytake_app.channels.whatsapp.parse_message import make_sender, parse_message
from pytake_app.channels.whatsapp.phones import canonical_phone
from pytake_app.channels.whatsapp.values import (
    TooDeep,
    as_list,
    as_object,
    clean,
    decode,
    digest,
    errors_of,
    ident,
    maybe_flag,
    moment,
    text,
)

OBJECT = "whatsapp_business_account"

_STATUSES = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
    "deleted": "deleted",
}
_ENVELOPE_MEMBERS = frozenset({"messaging_product", "metadata", "contacts"})


class _Scope:
    """Where the fragment being read stands: its account, the people named beside it, and its path."""

    __slots__ = ("account", "business", "entry_time", "field", "number", "only", "out", "path", "people")

    def __init__(self, out: ParsedWebhook, business: str | None, entry_time: Any, path: str) -> None:
        self.out = out
        self.business = business
        self.entry_time = entry_time
        self.path = path
        self.account = ""
        self.number: str | None = None
        self.field: str | None = None
        self.people: dict[str, JsonObject] = {}
        self.only: JsonObject | None = None

    def look_at(self, value: JsonObject) -> None:
        """Read the account and the people of a value."""
        metadata = as_object(value.get("metadata"))
        self.account = text(metadata, "phone_number_id") or ""
        self.number = text(metadata, "display_phone_number")
        contacts = value.get("contacts")
        if contacts.__class__ is not list:
            return
        people = [contact for contact in as_list(contacts) if isinstance(contact, dict)]
        for contact in people:
            for name in ("wa_id", "user_id"):
                key = ident(contact, name)
                if key is not None:
                    self.people.setdefault(canonical_phone(key) or key, contact)
        # wa_id may differ from the sender's address in form; with one contact there is no doubt who it is.
        self.only = people[0] if len(people) == 1 else None

    def profile(self, address: str | None, bsuid: str | None) -> JsonObject | None:
        """The contact record of a person."""
        for key in (address, bsuid):
            if key is not None:
                found = self.people.get(canonical_phone(key) or key)
                if found is not None:
                    return found
        return self.only

    def unknown(self, path: str, raw: Any) -> None:
        """Keep a fragment that has no reading."""
        self.out.unknown.append(UnknownFragment(f"{self.path}{path}", raw))


def parse(body: bytes | bytearray | memoryview | Any) -> ParsedWebhook:
    """Everything a webhook says. ``body`` is the raw bytes or JSON already decoded.

    Raises :class:`~pytake_app.channels.errors.MalformedBody` when bytes are not JSON, and nothing else.
    """
    if not isinstance(body, bytes | bytearray | memoryview):
        return parse_document(body)
    data = bytes(body)
    try:
        document = decode(data)
    except TooDeep:
        # It can be read but not written again as JSON, so its text is kept.
        return ParsedWebhook(unknown=[UnknownFragment("", clean(data.decode("utf-8", "replace")))])
    return _document(document)


def parse_document(document: Any) -> ParsedWebhook:
    """Everything a decoded webhook says. Never raises."""
    try:
        return _document(clean(document))
    except TooDeep:
        return ParsedWebhook(unknown=[UnknownFragment("", "nested too deeply")])


def _document(document: Any) -> ParsedWebhook:
    out = ParsedWebhook()
    if not isinstance(document, dict):
        out.unknown.append(UnknownFragment("", document))
        return out
    entries = document.get("entry")
    kind = document.get("object")
    if isinstance(entries, list) and kind in (OBJECT, None):
        for index, entry in enumerate(entries):
            _entry(out, entry, f"/entry/{index}")
        if not entries:
            out.unknown.append(UnknownFragment("", document))
    elif "entry" not in document and kind is None and _is_value(document):
        _value(_Scope(out, None, None, ""), document)
    else:
        out.unknown.append(UnknownFragment("", document))
    return out


def _is_value(document: JsonObject) -> bool:
    """Whether a body is the inner value alone, as the On-Premises API posts it."""
    return any(isinstance(document.get(name), list) for name in ("messages", "statuses", "errors"))


def _entry(out: ParsedWebhook, entry: Any, path: str) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("changes"), list):
        out.unknown.append(UnknownFragment(path, entry))
        return
    business = ident(entry, "id")
    if business is not None:
        out.business_account_ids.append(business)
    for index, change in enumerate(entry["changes"]):
        scope = _Scope(out, business, entry.get("time"), f"{path}/changes/{index}")
        value = change.get("value") if isinstance(change, dict) else None
        if not isinstance(value, dict):
            scope.unknown("", change)
            continue
        scope.field = text(change, "field")
        _value(scope, value)


def _value(scope: _Scope, value: JsonObject) -> None:
    scope.look_at(value)
    readers = _FIELDS.get(scope.field or "messages")
    if readers is None:
        _whole(scope, value)
        return
    understood = False
    for name, reader in readers:
        items = value.get(name)
        if items is None:
            continue
        if not isinstance(items, list):
            scope.unknown(f"/value/{name}", items)
            understood = True
            continue
        for index, item in enumerate(items):
            understood = True
            if isinstance(item, dict):
                reader(scope, item)
            else:
                scope.unknown(f"/value/{name}/{index}", item)
    if not understood:
        if scope.field in (None, "messages", "calls"):
            scope.unknown("/value", value)
        else:
            _whole(scope, value)


def _message(scope: _Scope, raw: JsonObject) -> None:
    address, bsuid = ident(raw, "from"), ident(raw, "from_user_id") or ident(raw, "from_bsuid")
    sender = make_sender(address, bsuid, ident(raw, "from_parent_user_id"), scope.profile(address, bsuid))
    scope.out.messages.append(parse_message(raw, sender, scope.account, scope.business))


def _past_message(scope: _Scope, raw: JsonObject, thread: str | None = None) -> None:
    """A message of former times; `thread` is the person it was exchanged with, where the delivery says so."""
    address, bsuid = ident(raw, "from"), ident(raw, "from_user_id") or ident(raw, "from_bsuid")
    sender = make_sender(address, bsuid, ident(raw, "from_parent_user_id"), scope.profile(address, bsuid))
    message = parse_message(raw, sender, scope.account, scope.business)
    if address is not None and canonical_phone(address) == canonical_phone(scope.number):
        address, bsuid = ident(raw, "to") or thread, ident(raw, "to_user_id")
        message.peer = make_sender(address, bsuid, ident(raw, "to_parent_user_id"), scope.profile(address, bsuid))
    scope.out.history.append(message)


def _echo(scope: _Scope, raw: JsonObject) -> None:
    sender = Sender(external_id=ident(raw, "from"))
    message = parse_message(raw, sender, scope.account, scope.business)
    address, bsuid = ident(raw, "to"), ident(raw, "to_user_id")
    profile = scope.people.get(canonical_phone(address) or "") or scope.people.get(bsuid or "")
    message.peer = make_sender(address, bsuid, ident(raw, "to_parent_user_id"), profile)
    scope.out.echoes.append(message)


def _status(scope: _Scope, raw: JsonObject) -> None:
    word = text(raw, "status") or ""
    conversation = as_object(raw.get("conversation"))
    pricing = raw.get("pricing")
    recipient = ident(raw, "recipient_id")
    external_id = ident(raw, "id")
    group = ident(raw, "group_id") or (recipient if raw.get("recipient_type") == "group" else None)
    status = StatusUpdate(
        external_id=external_id or "",
        account_external_id=scope.account,
        status=None,
        platform_status=word,
        raw=raw,
        kind=text(raw, "type") or ("call" if scope.field == "calls" else "message"),
        business_account_id=scope.business,
        at=moment(raw.get("timestamp")),
        timestamp=text(raw, "timestamp"),
        recipient=recipient,
        recipient_bsuid=ident(raw, "recipient_user_id"),
        recipient_phone=None if group else canonical_phone(recipient),
        conversation_id=ident(conversation, "id"),
        conversation_origin=text(as_object(conversation.get("origin")), "type"),
        conversation_expires_at=moment(conversation.get("expiration_timestamp")),
        biz_opaque_callback_data=text(raw, "biz_opaque_callback_data"),
        group_id=group,
    )
    if isinstance(pricing, dict):
        status.pricing = Pricing(
            billable=maybe_flag(pricing, "billable"),
            model=text(pricing, "pricing_model"),
            category=text(pricing, "category"),
            type=text(pricing, "type"),
        )
    if "errors" in raw:
        status.errors = errors_of(raw)
        for error in status.errors:
            error.reason = classify_status_error(error).reason
    payment = raw.get("payment")
    if isinstance(payment, dict):
        status.extra = payment
    known = _STATUSES.get(word.lower()) if status.kind == "message" and external_id else None
    if known is None:
        scope.out.other_statuses.append(status)
    else:
        status.status = known  # type: ignore[assignment]
        scope.out.statuses.append(status)


def _error(scope: _Scope, raw: JsonObject) -> None:
    notice = _notice(scope, "error", raw)
    notice.errors = errors_of({"errors": [raw]})


def _call(scope: _Scope, raw: JsonObject) -> None:
    address, bsuid = ident(raw, "from"), ident(raw, "from_user_id")
    notice = _notice(scope, "call", raw)
    if text(raw, "direction") == "BUSINESS_INITIATED":
        notice.sender = Sender(external_id=address)
    else:
        notice.sender = make_sender(address, bsuid, ident(raw, "from_parent_user_id"), scope.profile(address, bsuid))
    notice.recipient = ident(raw, "to")
    event = text(raw, "event") or ""
    if ident(raw, "id"):
        # A call keeps its id over all its events.
        notice.external_id = f"{notice.external_id}:{event}"


def _history(scope: _Scope, raw: JsonObject) -> None:
    for thread in map(as_object, as_list(raw.get("threads"))):
        for message in as_list(thread.get("messages")):
            if isinstance(message, dict):
                _past_message(scope, message, ident(thread, "id"))
    notice = _notice(scope, "history", {name: item for name, item in raw.items() if name != "threads"})
    notice.errors = errors_of(raw)


def _preference(scope: _Scope, raw: JsonObject) -> None:
    address, bsuid = ident(raw, "wa_id"), ident(raw, "user_id")
    notice = _notice(scope, "user_preference", raw)
    known = scope.people.get(canonical_phone(address) or "") or scope.people.get(bsuid or "")
    notice.sender = make_sender(address, bsuid, ident(raw, "parent_user_id"), known)


def _identity(scope: _Scope, raw: JsonObject) -> None:
    address = ident(raw, "wa_id")
    bsuids, parents = as_object(raw.get("user_id")), as_object(raw.get("parent_user_id"))
    old, new = ident(bsuids, "previous"), ident(bsuids, "current")
    notice = _notice(scope, "user_id_update", raw)
    notice.sender = make_sender(address, old, ident(parents, "previous"), scope.profile(address, old))
    notice.identity_change = IdentityChange(
        kind="bsuid",
        old_external_id=address,
        new_external_id=address,
        old_bsuid=old,
        new_bsuid=new,
        old_parent_bsuid=ident(parents, "previous"),
        new_parent_bsuid=ident(parents, "current"),
        old_phone=canonical_phone(address),
        new_phone=canonical_phone(address),
        detail=text(raw, "detail"),
    )


def _group(scope: _Scope, raw: JsonObject) -> None:
    notice = _notice(scope, "group", raw)
    notice.errors = errors_of(raw)


def _app_state(scope: _Scope, raw: JsonObject) -> None:
    notice = _notice(scope, "smb_app_state", raw)
    stamp = as_object(raw.get("metadata"))
    notice.at, notice.timestamp = moment(stamp.get("timestamp")), text(stamp, "timestamp")
    contact = as_object(raw.get("contact"))
    address = ident(contact, "phone_number")
    notice.sender = Sender(
        external_id=address,
        bsuid=ident(contact, "user_id"),
        name=text(contact, "full_name") or text(contact, "first_name"),
        phone=canonical_phone(address),
    )


def _notice(scope: _Scope, kind: str, raw: JsonObject) -> AccountNotice:
    stamp = raw.get("timestamp", scope.entry_time)
    notice = AccountNotice(
        kind=kind,
        external_id=ident(raw, "id") or digest([kind, scope.business, scope.account, stamp, raw]),
        account_external_id=scope.account,
        details=raw,
        business_account_id=scope.business,
        at=moment(stamp),
        timestamp=text({"timestamp": stamp}, "timestamp"),
    )
    scope.out.notices.append(notice)
    return notice


def _whole(scope: _Scope, value: JsonObject) -> None:
    """News of a field that is one thing as a whole (account, template, quality…), or newer than this code."""
    details = {name: item for name, item in value.items() if name not in _ENVELOPE_MEMBERS}
    _notice(scope, scope.field or "unknown", details)


_Reader = Callable[[_Scope, JsonObject], None]
_GROUPS: tuple[tuple[str, _Reader], ...] = (("groups", _group), ("errors", _error))

_FIELDS: dict[str, tuple[tuple[str, _Reader], ...]] = {
    "messages": (("errors", _error), ("messages", _message), ("statuses", _status)),
    "calls": (("errors", _error), ("calls", _call), ("statuses", _status), ("messages", _message)),
    "smb_message_echoes": (("errors", _error), ("message_echoes", _echo)),
    "message_echoes": (("errors", _error), ("message_echoes", _echo)),
    "history": (("errors", _error), ("messages", _past_message), ("history", _history)),
    "smb_app_state_sync": (("errors", _error), ("state_sync", _app_state)),
    "user_preferences": (("user_preferences", _preference),),
    "user_id_update": (("user_id_update", _identity),),
    "group_lifecycle_update": _GROUPS,
    "group_participants_update": _GROUPS,
    "group_settings_update": _GROUPS,
    "group_status_update": _GROUPS,
}
"""Members of a value that are lists of things, by field. Any other field is one notice as a whole."""
