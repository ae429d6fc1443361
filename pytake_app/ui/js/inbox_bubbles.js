// What stands in a thread: days, messages of every kind, notes, and what automation and people did.
import { createElement as h, Fragment, memo, useEffect, useState } from "react";
import { ArrowRightLeft, Ban, Bell, Bot, CalendarClock, Check, CheckCheck, ChevronDown, CircleAlert, ClipboardList, Clock, Code, Copy, ExternalLink, Forward, Headset, Info, List, Mail, MapPin, Megaphone, Phone, Plug, Reply, ShoppingBag, SmilePlus, StickyNote, Undo2, UserRound, Zap } from "lucide-react";
import { Popover } from "@radix-ui/themes";
import { api } from "$/public/pt_api.js";
import { fmt, getLang, tr, trKey } from "$/public/pt_i18n.js";
import { copyText } from "$/public/pt_page_store.js";
import { inbox, useInbox } from "$/public/pt_inbox.js";
import { Btn, Face, IconBtn, Menu, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Document, openViewer, Picture, Place, Sound } from "$/public/pt_inbox_media.js";
import { clockTime, dayText, dayTime, hueOf, initials, phoneText } from "$/public/pt_inbox_model.js";
import { state } from "$/public/pt_inbox_store.js";
import { hitParts, richText } from "$/public/pt_inbox_messages.js";

const TICKS = { sending: Clock, queued: Clock, scheduled: CalendarClock, sent: Check, delivered: CheckCheck, read: CheckCheck, failed: CircleAlert, unsent: CircleAlert, canceled: Ban };
const TAGS = { b: "b", i: "em", s: "s", code: "code" };

const Ticks = ({ status }) => {
  const words = sayOf(`inbox.status.${status}`, "inbox.status.sent");
  return h("span", { className: "tick", title: words, "data-status": status, "data-testid": "status" }, TICKS[status] && h(Sign, { of: TICKS[status] }), h("span", { className: "sr" }, words));
};

/** Text with WhatsApp's formatting; words that were looked for are marked, mentions stand out. */
export const Rich = ({ text, mark = "", mentions }) => {
  const found = (words) => (mark ? hitParts(words, mark).map((part, i) => (part.hit ? h("mark", { key: i }, part.text) : h(Fragment, { key: i }, part.text))) : words);
  const named = (words) => {
    if (!mentions) return found(words);
    return words.split(/(@[\p{L}\p{N}.]+)/u).map((piece, i) => (piece.startsWith("@") && piece.length > 1 ? h("b", { key: i }, piece) : h(Fragment, { key: i }, found(piece))));
  };
  return richText(text).map((part, i) => {
    if (part.kind === "link") return h("a", { key: i, className: "link", href: part.text, target: "_blank", rel: "noopener noreferrer nofollow" }, found(part.text));
    if (part.kind === "text") return h(Fragment, { key: i }, named(part.text));
    return h(TAGS[part.kind], { key: i }, found(part.text));
  });
};

// ---- why the robot said it
const WhyBody = ({ session, node, message }) => {
  const [item, setItem] = useState({ phase: "loading" });
  useEffect(() => {
    let gone = false;
    const word = (key) => (trKey(key, "") ? tr(getLang(), key) : ""); // a reason nobody put into words is left out
    api.get(`/api/v1/flows/sessions/${session}`)
      .then((answer) => {
        const steps = answer.steps.filter((step) => !node || step.node_id === node);
        const step = steps.find((one) => (one.message_ids ?? []).includes(message)) ?? steps[node ? steps.length - 1 : 0] ?? {};
        const values = Object.entries(step.reads ?? {}).map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));
        const why = word(`editor.why_${(step.why ?? "").replace(/\W+/g, "_")}`);
        if (!gone) setItem({ phase: "ready", flow: answer.flow_name ?? "", flow_id: answer.flow_id, version: answer.version, node: step.node_title || word(`node.${step.node_type}.name`) || step.node_id || "", why, values });
      })
      .catch(() => gone || setItem({ phase: "error" }));
    return () => {
      gone = true;
    };
  }, [session, node, message]);
  if (item.phase === "loading") return h("div", { className: "col g8", "aria-busy": true }, h("span", { className: "sk" }), h("span", { className: "sk", style: { width: "60%" } }));
  if (item.phase === "error") return h("div", { className: "dense muted" }, say("inbox.why_unknown"));
  const pair = (label, value, mono) => value && h(Fragment, { key: label }, h("dt", { className: mono ? "mono break" : undefined }, label), h("dd", { className: "break" }, value));
  return h(Fragment, null,
    h("dl", { className: "kv" }, pair(say("inbox.why_flow"), item.version ? `${item.flow} · v${item.version}` : item.flow), pair(say("inbox.why_block"), item.node), pair(say("inbox.why_reason"), item.why), item.values.map((one) => pair(one.name, one.value, true))),
    item.flow_id && h("a", { className: "link meta row g4", href: `/flows/${item.flow_id}` }, h(Sign, { of: ExternalLink, size: "xs" }), say("inbox_more.open_flow")));
};
const Why = ({ session, node = "", message = "" }) =>
  h(Popover.Root, null,
    h(Popover.Trigger, null, h("button", { type: "button", className: "why", "data-testid": "why-open" }, say("inbox.why"))),
    h(Popover.Content, { width: "var(--d-320)", "aria-label": say("inbox.why_title") }, h("div", { className: "col g8", "data-testid": "why" }, h("div", { className: "h-sec" }, say("inbox.why_title")), h(WhyBody, { session, node, message }))));

// ---- parts of a bubble
const Quote = ({ quote }) =>
  h("button", { type: "button", className: "quote", disabled: !quote.key, onClick: () => inbox.jump(quote.key), title: quote.key ? say("inbox_more.to_quoted") : undefined }, quote.text || (quote.type ? sayOf(`inbox.kind.${quote.type}`, "inbox.kind.unsupported") : say("inbox_more.quoted_gone")));

const Card = ({ card }) =>
  h("div", { className: "ix-card", "data-testid": "card" }, h(Face, { initials: initials(card.name), hue: hueOf(card.name), size: "l" }),
    h("div", { className: "grow" }, h("div", { className: "dense med ell" }, card.name), card.company && h("div", { className: "meta muted ell" }, card.company),
      card.phones.map((phone) => h("button", { key: phone, type: "button", className: "row g4 meta link tn", title: say("inbox_more.copy"), onClick: async () => (await copyText(phone)) && tell(say("inbox_more.copied"), "success") }, h(Sign, { of: Phone, size: "xs" }), phoneText(phone) || phone)),
      card.emails.map((email) => h("a", { key: email, className: "row g4 meta link ell", href: `mailto:${email}` }, h(Sign, { of: Mail, size: "xs" }), email))));

const Pairs = ({ rows }) => h("dl", { className: "kv ix-answers", "data-testid": "answers" }, rows.map((row) => h(Fragment, { key: row.name }, h("dt", { className: "break" }, row.name), h("dd", { className: "break" }, row.value || "–"))));

const Order = ({ lines }) =>
  h("div", { className: "ix-order", "data-testid": "order" }, h("div", { className: "row g6 dense med" }, h(Sign, { of: ShoppingBag }), say("inbox_more.order", { count: lines.length })),
    lines.map((line, i) => h("div", { key: i, className: "row dense" }, h("span", { className: "grow ell" }, `${fmt.number(getLang(), line.quantity)} × ${line.name}`), typeof line.price === "number" && h("span", { className: "tn muted" }, fmt.number(getLang(), line.price, { style: "currency", currency: line.currency || "BRL" })))));

const Raw = ({ raw, id }) => {
  const [open, setOpen] = useState(false);
  const [sent, setSent] = useState(null); // what the platform sent; null: not known
  const { may_write: may } = useInbox("rights");
  useEffect(() => {
    if (!open || sent) return undefined;
    let gone = false;
    api.get(`/api/v1/conversations/${state.selected}/messages/${id}/raw`).then((answer) => gone || setSent(answer.raw), () => undefined); // an older one, of which nothing was kept: its errors say what is known
    return () => {
      gone = true;
    };
  }, [open]);
  const words = JSON.stringify(sent ?? raw, null, 2);
  return h(Fragment, null,
    h("div", { className: "row g6 muted" }, h(Sign, { of: CircleAlert }), h("span", { className: "dense" }, say("inbox.kind.unsupported"))),
    may && h("button", { type: "button", className: "link meta row g4", onClick: () => setOpen(true), "data-testid": "raw-open" }, h(Sign, { of: Code, size: "xs" }), say("inbox_more.raw_show")),
    open && h(Modal, { title: say("inbox_more.raw_title"), detail: say("inbox_more.raw_detail"), onClose: () => setOpen(false), wide: true, test: "raw", foot: h(Btn, { onClick: async () => (await copyText(words)) && tell(say("inbox_more.copied"), "success"), icon: Copy }, say("inbox_more.copy")) }, h("pre", { className: "ix-raw mono", tabIndex: 0 }, words)));
};

const Template = ({ template }) =>
  h("div", { className: "col g4" }, h("div", { className: "row g6 meta med muted" }, h(Sign, { of: Megaphone, size: "xs" }), say("inbox_more.template_named", { name: template.name })), template.values.length > 0 && h(Pairs, { rows: template.values }));

const Who = ({ item }) => {
  const why = item.session && item.node_id ? h(Why, { session: item.session, node: item.node_id, message: item.id }) : null;
  if (item.author === "bot") return h("div", { className: "who" }, h(Sign, { of: Bot, size: "xs" }), say("inbox.robot"), why);
  if (item.author === "system" && item.dir === "out") return h("div", { className: "who" }, h(Sign, { of: List, size: "xs" }), say("inbox_more.from_queue"));
  if (item.author === "api") return h("div", { className: "who" }, h(Sign, { of: Plug, size: "xs" }), "API");
  if (item.forwarded) return h("div", { className: "who" }, h(Sign, { of: Forward, size: "xs" }), say("inbox_more.forwarded"));
  return null;
};

const Fail = ({ item }) => {
  const { may_write: may } = useInbox("rights");
  return h("div", { className: "ix-fail", role: "alert" }, h(Sign, { of: CircleAlert }),
    h("span", null, item.unsent ? item.said || sayOf(`inbox.problem.${item.problem}`, "inbox.problem.unknown") : item.cause ? sayOf(`delivery.${item.cause}`, "inbox.status.failed") : item.problem ? say("inbox.failed_because", { reason: item.problem }) : say("inbox.status.failed")),
    may && h("button", { type: "button", className: "link", onClick: () => inbox.retry(item.key), "data-testid": "retry" }, say(item.late ? "inbox_more.send_now" : "common.retry")),
    may && item.unsent && h("button", { type: "button", className: "link", onClick: () => inbox.discard(item.key), "data-testid": "discard" }, say("inbox_more.discard")));
};
const Later = ({ item }) => {
  const { may_write: may } = useInbox("rights");
  return h("div", { className: "ix-later meta" }, h(Sign, { of: CalendarClock, size: "xs" }), say("inbox_more.scheduled_for", { time: dayTime(getLang(), item.send_at) }),
    may && h("button", { type: "button", className: "link", onClick: () => inbox.dialog("schedule", { of: item.id }), "data-testid": "reschedule" }, say("inbox_more.reschedule")),
    may && h("button", { type: "button", className: "link", onClick: () => inbox.unschedule(item.id), "data-testid": "unschedule" }, say("common.cancel")));
};

const Acts = ({ item }) => {
  const { may_write: may, reactions } = useInbox("rights");
  if (!may || item.deleted) return null;
  const ours = item.reactions.find((one) => one.mine);
  const items = [
    ...(item.external ? [{ label: say("inbox_more.answer_this"), icon: Reply, run: () => inbox.reply(item.key), test: "reply-to" }] : []),
    ...(item.text ? [{ label: say("inbox_more.copy"), icon: Copy, run: async () => (await copyText(item.text)) && tell(say("inbox_more.copied"), "success") }] : []),
    ...(item.text ? [{ label: say("inbox_more.to_note"), icon: StickyNote, run: () => inbox.quoteInNote(item.text) }] : []),
    ...(item.external && reactions ? ["👍", "❤️", "🙏", "😂"].map((emoji) => ({ key: emoji, label: say("inbox_more.react_with", { emoji }), icon: SmilePlus, run: () => inbox.react(item.key, emoji) })) : []),
    ...(ours && reactions ? [{ label: say("inbox_more.react_undo", { emoji: ours.emoji }), icon: Undo2, run: () => inbox.react(item.key, "") }] : []),
  ];
  if (items.length === 0) return null;
  return h("span", { className: "ix-acts" }, h(Menu, { trigger: h("button", { type: "button", className: "ib sm", "aria-label": say("inbox_more.message_acts"), title: say("inbox_more.message_acts"), "data-testid": "message-acts" }, h(Sign, { of: ChevronDown })), items, align: item.dir === "in" ? "start" : "end", label: say("inbox_more.message_acts") }));
};

const Options = ({ item }) =>
  h(Fragment, null, item.list_button && h("div", { className: "ix-listbtn meta med" }, h(Sign, { of: List, size: "xs" }), item.list_button),
    h("div", { className: "opts" }, item.options.map((option) => h("span", { key: option.id, "data-picked": option.picked, "data-testid": "option", title: option.detail || undefined }, option.picked && h(Sign, { of: Check }), option.picked && h("span", { className: "sr" }, say("inbox_more.chosen")), h("span", { className: "break" }, option.title)))));

const Message = memo(({ item, marked, found }) => {
  const { file } = item;
  const drawn = file && (file.kind === "image" || file.kind === "video" || file.kind === "sticker");
  const bare = file?.kind === "sticker" && !item.text;
  const has = file || item.place || item.cards.length || item.answers.length || item.order.length || item.template || item.opaque;
  const caption = file && item.text === file.name ? "" : item.text;
  const text = item.place || item.cards.length || item.answers.length || item.opaque || (item.template && item.template.values.length === 0 && item.text === item.template.name) ? "" : item.template ? "" : caption;
  const scheduled = item.status === "scheduled";
  const alone = file?.kind === "audio" && !item.deleted;
  const time = h("span", { className: "t" }, item.edited && h("span", null, say("inbox_more.edited")),
    item.author === "agent" && item.author_name ? `${item.author_name.split(" ")[0]} · ` : "", clockTime(getLang(), scheduled ? item.send_at : item.at), item.dir === "out" && h(Ticks, { status: item.status }));
  const bubble = h("div", { className: `bub ${item.dir}${drawn && !bare ? " media" : ""}${bare ? " bare" : ""}`, "data-failed": item.failed, "data-testid": "bubble", "data-author": item.author, "data-key": item.key, "data-type": item.type, "data-found": found || undefined },
    h(Who, { item }),
    item.referral && h("div", { className: "quote" }, h(Sign, { of: Megaphone, size: "xs" }), " ", item.referral),
    item.quote && h(Quote, { quote: item.quote }),
    item.deleted ? h("span", { className: "muted row g6 ix-gone" }, h(Sign, { of: Ban }), say("inbox_more.deleted")) : h(Fragment, null,
      drawn && h(Picture, { file, caption, onOpen: (address) => openViewer(inbox.pictures(), address.split(/[?&]again=/)[0]) }),
      file?.kind === "audio" && h(Sound, { file, time: alone ? time : null }), file?.kind === "file" && h(Document, { file }),
      file?.part !== null && file?.part !== undefined && file.part < 1 && h("progress", { value: file.part, max: 1, "aria-label": say("inbox_more.uploading") }),
      item.place && h(Place, { place: item.place }), item.cards.map((card, i) => h(Card, { key: i, card })),
      item.template && h(Template, { template: item.template }), item.answers.length > 0 && h(Fragment, null, h("div", { className: "row g6 meta med muted" }, h(Sign, { of: ClipboardList, size: "xs" }), say("inbox_more.form_answers")), h(Pairs, { rows: item.answers })),
      item.order.length > 0 && h(Order, { lines: item.order }), item.opaque && h(Raw, { raw: item.raw, id: item.id }),
      item.header && h("div", { className: "hdr" }, item.header),
      text ? h("span", { className: "body" }, h(Rich, { text, mark: marked })) : !has && !item.options.length ? h("span", { className: "muted" }, sayOf(`inbox.kind.${item.type}`, "inbox.kind.unsupported")) : null,
      item.footer && h("div", { className: "foot" }, item.footer)),
    !alone && time,
    item.reactions.length > 0 && h("span", { className: "ix-reacts", "data-testid": "reactions" }, item.reactions.map((one) => h("span", { key: `${one.emoji}${one.mine}`, title: say(one.mine ? "inbox_more.reacted_us" : "inbox_more.reacted_contact") }, one.emoji))),
    !item.failed && h(Acts, { item }));
  return h(Fragment, null, bubble, item.options.length > 0 && !item.deleted && h(Options, { item }),
    item.link && h("div", { className: "opts" }, h("a", { href: item.link.url, target: "_blank", rel: "noopener noreferrer nofollow" }, h(Sign, { of: ExternalLink }), item.link.text)),
    item.ask_place && h("div", { className: "opts" }, h("span", null, h(Sign, { of: MapPin }), say("inbox_more.ask_place"))),
    item.form && h("div", { className: "opts" }, h("span", null, h(Sign, { of: ClipboardList }), item.form.cta)),
    scheduled && h(Later, { item }),
    item.failed && h(Fail, { item }));
});

const Note = ({ item, marked }) =>
  h(Fragment, null,
    h("div", { className: "note-b", "data-testid": "note", "data-key": item.key }, h("div", { className: "who" }, h(Sign, { of: StickyNote, size: "xs" }), say("inbox.note_by", { name: item.author_name, time: clockTime(getLang(), item.at) })), h(Rich, { text: item.text, mark: marked, mentions: true })),
    item.failed && h(Fail, { item }));

/** What automation or a person did, in words. */
export const logWords = (item) => {
  const params = { flow: item.flow, word: item.word, name: item.person || say("inbox_more.system"), queue: item.code.startsWith("transferred") || item.code.startsWith("queued") ? item.queue_name : item.queue, to: state.people?.find((one) => one.id === item.to_id)?.name ?? "", until: item.until ? fmt.exact(getLang(), item.until) : "", priority: item.detail.after ? sayOf(`inbox_more.priority_${item.detail.after}`, "inbox_more.priority_medium").toLowerCase() : "", tags: (item.detail.added?.length ? item.detail.added : (item.detail.removed ?? [])).join(", ") };
  const more = trKey(`inbox_more.log.${item.code}`, "");
  return more ? tr(getLang(), more, params) : sayOf(`inbox.log.${item.code}`, "inbox.log.other", params);
};
const LOGS = { handed_off: Headset, person_took_over: Headset, assigned: UserRound, assigned_self: Headset, assigned_auto: Headset, assigned_nobody: UserRound, transferred_queue: ArrowRightLeft, transferred_flow: ArrowRightLeft, queued: Headset, snooze_over: Bell, snoozed: Bell, given_back: Bot, status_closed: Check };
const Log = ({ item }) =>
  h("div", { className: "ix-sys", "data-testid": "log", "data-code": item.code }, h(Sign, { of: LOGS[item.code] ?? Zap }), h("span", null, logWords(item), item.session && !item.people && h(Fragment, null, " · ", h(Why, { session: item.session }))));

/** One item of a thread, whatever its kind. */
export const ThreadItem = memo(({ item, marked, found }) => {
  if (item.kind === "day") return h("div", { className: "ix-day" }, dayText(getLang(), item.at));
  if (item.kind === "log") return h(Log, { item });
  if (item.kind === "system") return h("div", { className: "ix-sys" }, h(Sign, { of: Info }), h("span", null, item.text || sayOf(`inbox.kind.${item.type}`, "inbox.kind.system")));
  if (item.kind === "note") return h(Note, { item, marked });
  return h(Message, { item, marked, found });
});
