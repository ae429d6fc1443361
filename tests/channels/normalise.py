"""Our typed reading of a webhook written in the corpus' words, so that both can be compared for equality."""

from typing import Any

from pytake_app.channels.base import AccountNotice, InboundMessage, ParsedWebhook, PlatformError, StatusUpdate

Event = dict[str, Any]


def pruned(**members: Any) -> Event:
    return {name: value for name, value in members.items() if value is not None and value not in ([], {})}


def error(item: PlatformError) -> Event:
    return pruned(code=item.code, title=item.title, details=item.details)


def message(item: InboundMessage) -> Event:
    echo = item.peer is not None
    sender, media, place, context, referral = item.sender, item.media, item.location, item.context, item.referral
    # The corpus takes user_id from the contact record beside the message, not from the message.
    named = not echo and bool(sender.name or sender.username or sender.profile_external_id)
    event = pruned(
        event="message_echo" if echo else "message",
        external_id=None if item.id_derived else item.external_id,
        sender_id=(sender.external_id or sender.bsuid) if item.raw.get("from") else None,
        sender_user_id=item.raw.get("from_user_id") and sender.bsuid,
        timestamp=item.timestamp,
        message_type=item.platform_type,
        phone_number_id=item.account_external_id or None,
        profile_name=sender.name,
        username=sender.username,
        wa_id=sender.profile_external_id,
        user_id=sender.bsuid if named else None,
        parent_user_id=sender.parent_bsuid if named else None,
        group_id=item.group_id,
        recipient_id=item.peer.external_id if item.peer else None,
        errors=[error(each) for each in item.errors],
    )
    if item.type == "text":
        event["text"] = item.text
    if media is not None and item.type != "edit":
        # On-premises links and the older type "voice" mean what url and voice mean, but are not so called.
        fragment = item.raw.get(item.platform_type, {})
        event["media"] = pruned(
            id=media.id,
            mime_type=media.mime_type,
            caption=media.caption,
            sha256=media.sha256,
            filename=media.filename,
            url=media.url if "url" in fragment else None,
            voice=media.voice and item.platform_type != "voice",
            animated=media.animated,
        )
    if place is not None:
        event["location"] = pruned(
            latitude=place.latitude, longitude=place.longitude, name=place.name, address=place.address, url=place.url
        )
    if context is not None:
        event["context"] = pruned(
            reply_to_id=context.external_id,
            sender=context.sender,
            forwarded=context.forwarded,
            frequently_forwarded=context.frequently_forwarded,
            product=context.product_id,
        )
    if referral is not None:
        event["referral"] = pruned(
            source_type=referral.source_type,
            source_id=referral.source_id,
            source_url=referral.source_url,
            headline=referral.headline,
            body=referral.body,
            ctwa_clid=referral.click_id,
            media_type=referral.media_type,
        )
    if item.type in {"form", "call_permission"}:
        event["interactive_type"] = "nfm_reply" if item.form else "call_permission_reply"
    elif item.type == "interactive" and item.selection:
        event["interactive_type"] = item.selection.kind
    if item.selection is not None:
        event["selection"] = pruned(
            kind=item.selection.kind,
            id=item.selection.id,
            title=item.selection.title,
            description=item.selection.description,
        )
    if item.form is not None:
        event["flow_reply"] = pruned(name=item.form.name, body=item.form.body, response_json=item.form.raw_json)
    if item.type == "call_permission":
        event["call_permission"] = pruned(
            response=item.extra.get("response"),
            source=item.extra.get("response_source"),
            expiration=item.extra.get("expiration_timestamp"),
        )
    if item.contacts:
        event["contacts"] = [
            pruned(
                formatted_name=card.formatted_name,
                phones=[pruned(phone=phone.phone, wa_id=phone.wa_id) for phone in card.phones],
            )
            for card in item.contacts
        ]
    if item.type == "reaction":
        event["reaction"] = pruned(emoji=item.reaction, target=item.target_external_id)
    if item.type in {"edit", "revoke"}:
        event[item.type] = pruned(original_id=item.target_external_id)
    if item.order is not None:
        event["order"] = pruned(
            catalog_id=item.order.catalog_id,
            text=item.order.text,
            items=[
                pruned(id=line.product_id, quantity=line.quantity, price=line.price, currency=line.currency)
                for line in item.order.items
            ],
        )
    if item.type == "system":
        change = item.identity_change
        event["system"] = pruned(
            type=item.extra.get("type"),
            body=item.text,
            new_wa_id=change.new_external_id if change else None,
            user_id=change.new_bsuid if change else None,
            customer=item.extra.get("customer"),
        )
    return event


def status(item: StatusUpdate) -> Event:
    pricing = item.pricing
    return pruned(
        event="status",
        external_id=item.external_id,
        status=item.platform_status,
        recipient_id=item.recipient,
        recipient_user_id=item.recipient_bsuid,
        timestamp=item.timestamp,
        conversation_id=item.conversation_id,
        origin=item.conversation_origin,
        pricing_category=pricing.category if pricing else None,
        pricing_model=pricing.model if pricing else None,
        pricing_type=pricing.type if pricing else None,
        billable=pricing.billable if pricing else None,
        callback_data=item.biz_opaque_callback_data,
        status_type=item.raw.get("type") and item.kind,
        payment=item.extra,
        errors=[error(each) for each in item.errors],
        phone_number_id=item.account_external_id or None,
    )


def notice(item: AccountNotice) -> Event:
    details, number = item.details, item.account_external_id or None
    match item.kind:
        case "error":
            return pruned(event="error", phone_number_id=number, **error(item.errors[0]))
        case "call":
            return pruned(
                event="call",
                external_id=details.get("id"),
                call_event=details.get("event"),
                sender_id=item.sender.external_id if item.sender else None,
                recipient_id=item.recipient,
                direction=details.get("direction"),
                status=details.get("status"),
                timestamp=item.timestamp,
                phone_number_id=number,
            )
        case "user_preference":
            return pruned(
                event="user_preference",
                sender_id=item.sender.external_id if item.sender else None,
                category=details.get("category"),
                value=details.get("value"),
                timestamp=item.timestamp,
                phone_number_id=number,
            )
        case "group":
            return pruned(
                event="group",
                group_id=details.get("group_id"),
                type=details.get("type"),
                timestamp=item.timestamp,
                request_id=details.get("request_id"),
                subject=details.get("subject"),
                phone_number_id=number,
            )
        case "smb_app_state":
            return pruned(
                event="smb_app_state",
                action=details.get("action"),
                type=details.get("type"),
                name=item.sender.name if item.sender else None,
                phone=item.sender.external_id if item.sender else None,
                timestamp=item.timestamp,
                phone_number_id=number,
            )
        case "user_id_update":
            return pruned(event=item.kind, details={"user_id_update": [details]}, phone_number_id=number)
        case _:
            return pruned(event=item.kind, details=details, phone_number_id=number)


def events(parsed: ParsedWebhook) -> list[Event]:
    """Every event of a delivery, grouped by what it is, in order within the group."""
    return [
        *map(message, parsed.messages),
        *map(message, parsed.echoes),
        *map(message, parsed.history),
        *map(status, [*parsed.statuses, *parsed.other_statuses]),
        *map(notice, parsed.notices),
    ]
