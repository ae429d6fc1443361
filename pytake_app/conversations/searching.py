"""Full search over names, phones (however they are written) and what was said; accents and case aside.

Words are found from their beginnings (`pedido` finds `pedidos`), words between quotation marks in that order. What was
said is found some seconds after it was said: `search_index` writes the words beside the pipeline, not in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.contacts import service as contacts
from pytake_app.contacts.models import Contact
from pytake_app.conversations import repository, sight
from pytake_app.conversations.desk_schemas import SearchHit
from pytake_app.conversations.models import Conversation, Message
from pytake_app.conversations.schemas import ConversationView
from pytake_app.core.errors import InvalidError
from pytake_app.core.pagination import Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Principal, Role, organization_of

PEOPLE = 30
"""Contacts shown before what was said, on the first page."""
IN_LISTS = 1000
"""How many contacts, and how many messages, a search inside a filtered list looks at."""
_SNIPPET = 160
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_LAST_ID = UUID(int=(1 << 128) - 1)
_PARTS = re.compile(r'"([^"]+)"|(\S+)')
_WORD = re.compile(r"[^\W_]+")
# The letters that `pytake_fold` knows, so that marks stand where the database found something.
_FROM = "áàâãäåéèêëíìîïóòôõöúùûüçñýÁÀÂÃÄÅÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑÝ"
_TO = "aaaaaaeeeeiiiiooooouuuucnyaaaaaaeeeeiiiiooooouuuucny"
_FOLD = str.maketrans(_FROM, _TO)


def fold(text: str) -> str:
    """As `pytake_fold`, and as long as `text`."""
    folded = text.translate(_FOLD)
    lower = folded.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in folded)


def tsquery(q: str) -> str | None:
    """What people type → a query of PostgreSQL's; None when there is no word in it."""
    terms: list[str] = []
    for quoted, plain in _PARTS.findall(q):
        words = _WORD.findall(fold(quoted or plain))
        if quoted:
            terms.append("(" + " <-> ".join(words) + ")" if words else "")
        else:
            # The beginnings of one or two letters would be found nearly everywhere.
            terms += [f"{word}:*" if len(word) > 2 else word for word in words]
    return " & ".join(term for term in terms if term) or None


def _contact_patterns(q: str) -> tuple[list[str], list[str]]:
    """LIKE patterns for names and e-mails, and for phones. The index knows three letters in a row: what has no word
    that long is looked for where words begin."""
    plain = fold(q.strip())
    folded = re.sub(r"([\\%_])", r"\\\1", plain)
    digits = "".join(character for character in q if character.isdigit())
    phones: list[str] = []
    if len(digits) >= 4 and not re.search(r"[^\W\d_]", q):
        phones.append(f"%{digits.lstrip('0')}%")
        settled = contacts.normalize_phone(q)
        if settled is not None and settled not in phones[0]:
            phones.append(f"%{settled}%")
    words = [len(word) for word in _WORD.findall(plain)]
    if max(words, default=0) > 2:
        return [f"%{folded}%"], phones
    return ([f"{folded}%", f"% {folded}%"] if 2 in words else []), phones


def _contact_ids(session: Session, q: str, limit: int) -> list[UUID]:
    """Asked for first: with the ids in hand, PostgreSQL looks them up instead of reading every conversation."""
    names, phones = _contact_patterns(q)
    calls = [sa.func.pytake_search_contacts(name, None, limit) for name in names]
    calls += [sa.func.pytake_search_contacts(None, phone, limit) for phone in phones]
    found: dict[UUID, None] = {}
    for call in calls:  # one after the other: mostly the first fills the page
        rows = session.execute(sa.select(call.table_valued("contact_id").c.contact_id)).scalars()
        found.update(dict.fromkeys(rows))
        if len(found) >= limit:
            break
    return list(found)[:limit]


def about(session: Session, q: str) -> Any:
    """A condition on conversations: their contact or something said in them matches."""
    query = tsquery(q)
    found: Any = col(Conversation.contact_id).in_(_contact_ids(session, q, IN_LISTS))
    if query is None:
        return found
    call = _messages_call(query, None, IN_LISTS)
    said = set(session.execute(sa.select(call.c.conversation_id)).scalars())
    return sa.or_(found, col(Conversation.id).in_(said))


def _messages_call(query: str, before: tuple[datetime, UUID] | None, limit: int) -> Any:
    at, last = before or (_LATEST, _LAST_ID)
    call = sa.func.pytake_search_messages(
        sa.func.to_tsquery(sa.text("'simple'"), query),
        sa.literal(at, sa.DateTime(timezone=True)),
        sa.literal(last, sa.Uuid()),
        limit,
    )
    return call.table_valued("message_id", "conversation_id", "created_at")


def search(session: Session, principal: Principal, q: str, *, limit: int, cursor: str | None) -> Page[SearchHit]:
    """Conversations by name, phone, e-mail (first page) and by what was said in them, newest first.

    Raises:
        InvalidError: the cursor is none of ours.
    """
    from pytake_app.conversations import views

    principal.require(Role.VIEWER)
    before = _before(cursor)
    query = tsquery(q)
    people = _people(session, principal, q) if before is None else []
    said = _said(session, query, before, limit + 1) if query is not None else []
    more = len(said) > limit
    said = said[:limit]
    rows = {row.id: row for row in repository.many(session, principal, [one.conversation_id for one in said])}
    rows.update({row.id: row for row, _ in people})
    shown = {view.id: view for view in views.conversations(session, list(rows.values()))}
    hits = [_person_hit(shown[row.id], contact, q) for row, contact in people]
    words = _words(q)
    hits += [
        SearchHit(
            conversation=shown[one.conversation_id],
            message_id=one.id,
            at=one.created_at,
            found_in="message",
            snippet=snippet(one.text, words),
        )
        for one in said
        if one.conversation_id in shown
    ]
    last = said[-1] if more else None
    following = encode_cursor(last.created_at.isoformat(), str(last.id)) if last is not None else None
    return Page[SearchHit](items=hits, next_cursor=following)


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, message_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(str(at)), UUID(str(message_id))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def _people(session: Session, principal: Principal, q: str) -> list[tuple[Conversation, Contact]]:
    """The latest conversation, of those that the caller sees, of each contact that matches."""
    ids = _contact_ids(session, q, PEOPLE)
    if not ids:
        return []
    statement = (
        sa.select(Conversation, Contact)
        .join(Contact, col(Contact.id) == col(Conversation.contact_id))
        .where(
            col(Conversation.organization_id) == organization_of(session),
            col(Contact.organization_id) == organization_of(session),
            col(Conversation.contact_id).in_(ids),
        )
        .distinct(col(Conversation.contact_id))
        .order_by(col(Conversation.contact_id), col(Conversation.last_message_at).desc())
        .limit(PEOPLE)
    )
    seen = sight.condition(session, principal)
    found = [(row[0], row[1]) for row in session.execute(statement if seen is None else statement.where(seen))]
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda pair: pair[0].last_message_at or oldest, reverse=True)


def _said(session: Session, query: str, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Message]:
    call = _messages_call(query, before, limit)
    keys = session.execute(sa.select(call.c.message_id, call.c.created_at)).all()
    if not keys:
        return []
    # The times find the partitions.
    statement = sa.select(Message).where(
        col(Message.organization_id) == organization_of(session),
        col(Message.id).in_([key[0] for key in keys]),
        col(Message.created_at).in_({key[1] for key in keys}),
    )
    found = {row.id: row for row in session.execute(statement).scalars()}
    return [found[key[0]] for key in keys if key[0] in found]


def _words(q: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(fold(q))))


def _person_hit(view: ConversationView, contact: Contact, q: str) -> SearchHit:
    folded = fold(q.strip())
    found_in: Literal["name", "phone", "email"]
    if folded and folded in fold(contact.name):
        found_in, text = "name", contact.name
    elif contact.email and folded in fold(contact.email):
        found_in, text = "email", contact.email
    else:
        digits = "".join(character for character in q if character.isdigit()).lstrip("0")
        return SearchHit(
            conversation=view, message_id=None, at=None, found_in="phone", snippet=_marked(contact.phone or "", digits)
        )
    at = fold(text).find(folded)
    marked = f"{text[:at]}[[{text[at : at + len(folded)]}]]{text[at + len(folded) :]}"
    return SearchHit(conversation=view, message_id=None, at=None, found_in=found_in, snippet=marked)


def _marked(text: str, part: str) -> str:
    return text.replace(part, f"[[{part}]]", 1) if part and part in text else f"[[{text}]]"


def snippet(text: str, words: list[str]) -> str:
    """A piece of `text` around the first word found, the words found between [[ and ]]."""
    if not words:
        return text[:_SNIPPET]
    alternatives = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    spans = [match.span() for match in re.finditer(rf"(?<![^\W_])(?:{alternatives})[^\W_]*", fold(text))]
    start = max(0, (spans[0][0] if spans else 0) - _SNIPPET // 3)
    end = min(len(text), start + _SNIPPET)
    pieces, at = ["…" if start else ""], start
    for first, last in spans:
        if first < at or last > end:
            continue
        pieces += [text[at:first], "[[", text[first:last], "]]"]
        at = last
    return "".join([*pieces, text[at:end], "…" if end < len(text) else ""])
