// From messages and log entries, as the API gives them, to the items of a thread: flat values for the views, in time order.
import { dayOf } from "$/public/pt_zone.js";
const RANK = { image: "image", sticker: "sticker", audio: "audio", voice: "audio", video: "video", document: "file" };
// Messages that speak of another one: they show on it, not by themselves.
const ABOUT = new Set(["reaction", "edit", "revoke"]);
const OPAQUE = new Set(["unsupported", "unknown"]);

const headerText = (header) => (typeof header === "string" ? header : (header?.text ?? ""));
const pickedIn = (content) => (content.type === "buttons" ? content.buttons : content.type === "list" ? (content.sections ?? []).flatMap((section) => section.rows ?? []) : content.type === "template" ? (content.buttons ?? []).filter((button) => button.kind === "quick_reply").map((button) => ({ id: button.value, title: button.title ?? button.value })) : []) ?? [];
const optionsOf = (content, picked) => pickedIn(content).map((option) => ({ id: option.id, title: option.title, detail: option.description ?? "", picked: picked?.has(option.id) ?? false }));

const cardView = (card) => ({
  name: (typeof card.name === "string" ? card.name : card.name?.formatted_name) || card.formatted_name || card.phones?.[0]?.phone || "?",
  phones: (card.phones ?? []).map((phone) => (typeof phone === "string" ? phone : phone.phone || phone.wa_id || "")).filter(Boolean),
  emails: (card.emails ?? []).map((email) => (typeof email === "string" ? email : email.email)).filter(Boolean),
  company: card.company || card.organization || card.org?.company || "",
});
const answerText = (value) => (Array.isArray(value) ? value.map(answerText).join(", ") : value && typeof value === "object" ? JSON.stringify(value) : String(value ?? ""));
const answersOf = (form) => {
  const answers = form?.answers ?? form?.data ?? (form && !form.body && !form.raw_json ? form : {});
  return Object.entries(answers ?? {}).filter(([name]) => name !== "flow_token").map(([name, value]) => ({ name: name.replace(/_/g, " "), value: answerText(value) }));
};
const templateOf = (content) => {
  const named = Object.entries(content.named_body ?? {}).map(([name, value]) => ({ name, value: String(value) }));
  const listed = (content.body ?? []).map((value, i) => ({ name: String(i + 1), value: String(value) }));
  return { name: content.name ?? "", language: content.language ?? "", values: [...listed, ...named] };
};
/** The file of a message: what came from outside is in `media`, what we sent is in the content. */
const fileOf = (message, content) => {
  const sent = content.type === "media" ? content : null;
  const header = content.header && typeof content.header === "object" && content.header.type && content.header.type !== "text" ? content.header : null;
  const source = message.media ?? sent ?? header;
  if (!source && !message.local_file) return null;
  const kind = RANK[header && !message.media && !sent ? header.type : message.type] ?? RANK[sent?.kind] ?? "file";
  const url = message.local_file?.url ?? source?.url ?? (source?.media_id ? `/api/v1/media/${source.media_id}` : source?.id ? `/api/v1/media/${source.id}` : "");
  if (!url) return null;
  return { kind, url, name: message.local_file?.name ?? source?.filename ?? "", mime: source?.mime_type ?? "", size: source?.size ?? message.local_file?.size ?? 0, voice: Boolean(source?.voice ?? sent?.voice), part: message.part ?? null, blob: message.local_file?.blob ?? null };
};
const placeOf = (message, content) => {
  const place = message.location ?? (content.type === "location" ? content : null);
  return place && place.latitude !== null && place.latitude !== undefined ? { latitude: Number(place.latitude), longitude: Number(place.longitude), name: place.name ?? "", address: place.address ?? "" } : null;
};
// The catalogue's word for why a message failed; the platform's own words are English and speak of its API.
const causeOf = (error) => {
  const reason = String(error?.reason ?? "");
  if (reason.startsWith("media_")) return `media.${reason.slice(6)}`;
  return reason ? `send.${reason === "no_answer" ? "unsure" : reason}` : "";
};
const problemOf = (message) => {
  const first = message.errors?.[0];
  return message.problem || first?.title || first?.message || first?.details || (first?.code ? String(first.code) : "");
};
const shortOf = (message) => message?.text || message?.content?.body || "";

const messageView = (message, links) => {
  const content = message.content ?? {};
  const quotedId = message.context_external_id || message.reply_to_external_id;
  const quoted = (quotedId ? links.byExternal.get(quotedId) : null) ?? (message.reply_to ? links.byId.get(message.reply_to) : null);
  const spoken = links.about.get(message.external_id) ?? {};
  const cards = content.contacts ?? (message.type === "contacts" ? (message.contacts ?? []) : []);
  const own = content.type === "template";
  const edited = spoken.edit;
  return {
    key: message.client_id || message.id,
    id: message.id,
    kind: message.direction === "note" || message.type === "note" ? "note" : message.type === "system" ? "system" : "message",
    dir: message.direction === "in" ? "in" : "out",
    type: message.type,
    external: message.external_id ?? "",
    text: edited ?? message.text ?? "",
    edited: edited !== undefined,
    deleted: spoken.revoke === true || message.status === "deleted",
    header: headerText(content.header),
    footer: content.footer ?? "",
    author: message.author_kind,
    author_name: message.author_name ?? "",
    author_id: message.author ?? "",
    session: message.flow_session_id ?? "",
    node_id: message.node_id ?? "",
    at: message.sent_at && message.direction === "in" ? message.sent_at : message.created_at,
    send_at: message.send_at ?? message.scheduled_at ?? "",
    status: message.status ?? "",
    failed: message.status === "failed" || message.status === "unsent",
    unsent: message.status === "unsent",
    late: Boolean(message.kept), // it was to go out by itself
    said: message.said ?? "",
    problem: problemOf(message),
    cause: causeOf(message.errors?.[0]),
    quote: quoted ? { key: quoted.client_id || quoted.id, text: shortOf(quoted), type: quoted.type, mine: quoted.direction !== "in" } : quotedId && message.direction === "out" ? { key: "", text: "", type: "", mine: false } : null,
    forwarded: Boolean(content.forwarded ?? message.forwarded),
    referral: content.referral?.headline || content.referral?.body || content.referral?.source_url || "",
    file: fileOf(message, content),
    place: placeOf(message, content),
    cards: cards.map(cardView),
    options: optionsOf(content, links.picks.get(message.external_id)),
    list_button: content.type === "list" ? (content.button ?? "") : "",
    link: content.type === "cta_url" ? { text: content.display_text ?? content.url, url: content.url ?? "" } : null,
    ask_place: content.type === "location_request",
    template: own ? templateOf(content) : null,
    form: content.type === "form" ? { cta: content.cta ?? "" } : null,
    answers: message.type === "form" && message.direction === "in" ? answersOf(content.form) : [],
    order: (content.order?.items ?? []).map((line) => ({ name: line.product_id ?? "", quantity: line.quantity ?? 1, price: line.price, currency: line.currency ?? "BRL" })),
    reactions: Object.values(spoken.reactions ?? {}).filter((one) => one.emoji),
    opaque: OPAQUE.has(message.type),
    mentions: message.mentions ?? content.mentions ?? [],
    raw: OPAQUE.has(message.type) ? { content, errors: message.errors ?? [], type: message.type, external_id: message.external_id } : null,
  };
};

const BACK = new Set(["agent_lost", "agent_left", "agent_away", "agent_gone", "full", "max_wait"]);
const OUT = new Set(["out_of_hours", "full", "max_wait", "closed", "by_hand", "contact_blocked"]);
// Which words describe an entry: some kinds say more in their detail.
export const codeOf = ({ kind, actor_id: actor, detail = {} }) => {
  if (kind === "session_ended" && ["expired", "failed", "interrupted"].includes(detail.status)) return `session_${detail.status}`;
  if (kind === "status_changed" && detail.reason === "contact_wrote") return "status_reopened";
  if (kind === "status_changed" && ["closed", "open"].includes(detail.after)) return `status_${detail.after}`;
  if (kind === "assigned" && !detail.assignee_id) return "assigned_nobody";
  if (kind === "assigned" && !actor) return "assigned_auto";
  if (kind === "assigned" && detail.assignee_id === actor) return "assigned_self";
  if (kind === "queued" && BACK.has(detail.reason)) return `queued_${detail.reason}`;
  if (kind === "queue_left" && OUT.has(detail.reason)) return `queue_left_${detail.reason}`;
  if (kind === "tagged" && !detail.added?.length) return "untagged";
  if (kind === "queued" && actor) return "queued_by"; // "transferred" says who
  if (kind === "transferred") return detail.agent_id ? "transferred_agent" : detail.flow ? "transferred_flow" : "transferred_queue";
  return kind;
};
// What a thread needn't say: each answer going on, and silence while a person answers. The panel tells the rest.
const QUIET = new Set(["session_resumed", "session_busy", "with_person", "session_ended", "answered_by_api", "transferred_agent", "queued_by", "queue_left", "priority_changed", "tagged", "untagged"]); // whom it was given to is said by "assigned"
const LOUD = new Set(["handed_off", "person_took_over", "assigned", "transferred", "snoozed", "queued"]);
export const logView = (entry) => {
  const detail = entry.detail ?? {};
  const queue = detail.queue ?? detail.queue_name ?? "";
  return {
    key: `log-${entry.id}`,
    kind: "log",
    id: entry.id,
    at: entry.at,
    code: codeOf(entry),
    people: LOUD.has(entry.kind),
    flow: entry.flow_name ?? "",
    flow_id: entry.flow_id ?? "",
    session: entry.flow_session_id ?? "",
    word: String(detail.word ?? detail.message ?? entry.kind),
    person: entry.actor_name ?? "",
    to_id: detail.assignee_id ?? detail.agent_id ?? "",
    until: detail.until ?? "",
    queue: queue ? `· ${queue}` : "",
    queue_name: queue,
    detail,
  };
};

/** What messages say of each other: replies, chosen options, reactions, corrections. */
const linksOf = (messages) => {
  const byExternal = new Map();
  const byId = new Map();
  const picks = new Map();
  const about = new Map();
  const of = (id) => about.get(id) ?? about.set(id, {}).get(id);
  for (const message of messages) {
    byId.set(message.id, message);
    if (message.external_id) byExternal.set(message.external_id, message);
    if (message.selection_id && message.context_external_id) {
      if (!picks.has(message.context_external_id)) picks.set(message.context_external_id, new Set());
      picks.get(message.context_external_id).add(message.selection_id);
    }
  }
  for (const message of [...messages].sort((a, b) => a.created_at.localeCompare(b.created_at))) {
    const content = message.content ?? {};
    const target = content.target ?? content.message_external_id ?? message.context_external_id;
    if (!ABOUT.has(message.type) || !target) continue;
    if (message.type === "reaction") {
      const said = of(target);
      said.reactions = { ...said.reactions, [message.direction]: { emoji: content.reaction ?? content.emoji ?? message.text ?? "", mine: message.direction !== "in" } };
    } else if (message.type === "revoke") of(target).revoke = true;
    else of(target).edit = message.text ?? "";
  }
  return { byExternal, byId, picks, about };
};
const isPart = (message, links) => {
  if (!ABOUT.has(message.type)) return false;
  const target = message.content?.target ?? message.content?.message_external_id ?? message.context_external_id;
  return links.byExternal.has(target);
};

/** `old`, or a `fresh` one whose equal parts are the old ones; views compare by identity. */
const same = (a, b) => {
  if (Object.is(a, b)) return true;
  if (!a || !b || typeof a !== "object" || typeof b !== "object") return false;
  const keys = Object.keys(b);
  return keys.length === Object.keys(a).length && keys.every((key) => same(a[key], b[key]));
};

/** Messages and log lines in time order with day separators; items that didn't change keep their identity. */
export const threadItems = (messages, log, before) => {
  const links = linksOf(messages);
  const oldest = messages.reduce((least, message) => (message.created_at < least ? message.created_at : least), "9");
  const entries = [
    ...messages.filter((message) => !isPart(message, links)).map((message) => ({ sort: message.created_at, view: messageView(message, links) })),
    ...log.filter((entry) => entry.at >= oldest && !QUIET.has(codeOf(entry))).map((entry) => ({ sort: entry.at, view: logView(entry) })),
  ].sort((a, b) => a.sort.localeCompare(b.sort) || String(a.view.id).localeCompare(String(b.view.id))); // ids are UUID v7: they sort by time
  const known = new Map(before.map((item) => [item.key, item]));
  const items = [];
  let day = "";
  for (const { sort, view } of entries) {
    const today = dayOf(sort);
    if (today !== day) items.push({ key: `day-${today}`, kind: "day", at: sort });
    day = today;
    items.push(view);
  }
  const merged = items.map((item) => {
    const old = known.get(item.key);
    return old && same(old, item) ? old : item;
  });
  return merged.length === before.length && merged.every((item, i) => item === before[i]) ? before : merged;
};

const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
/** Text cut into `{text, hit}` parts: words that begin with one of the query's, as the server looks for them. */
export const hitParts = (text, query) => {
  const wanted = plain(query).match(/[\p{L}\p{N}]+/gu) ?? [];
  if (!wanted.length) return [{ text, hit: false }];
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    const word = plain(found[0]);
    if (!wanted.some((one) => word.startsWith(one))) continue;
    if (found.index > at) parts.push({ text: text.slice(at, found.index), hit: false });
    parts.push({ text: found[0], hit: true });
    at = found.index + found[0].length;
  }
  if (at < text.length || !parts.length) parts.push({ text: text.slice(at), hit: false });
  return parts;
};

/** Text cut into plain parts, links, and WhatsApp's *bold*, _italic_, ~struck~ and `code`; `hits` are words to mark. */
export const richText = (text) => {
  const parts = [];
  const pattern = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])|(?<![\p{L}\p{N}])(\*[^\s*](?:[^*\n]*[^\s*])?\*|_[^\s_](?:[^_\n]*[^\s_])?_|~[^\s~](?:[^~\n]*[^\s~])?~|`[^`\n]+`)(?![\p{L}\p{N}])/gu;
  let at = 0;
  for (const found of String(text).matchAll(pattern)) {
    if (found.index > at) parts.push({ kind: "text", text: text.slice(at, found.index) });
    if (found[1]) parts.push({ kind: "link", text: found[1] });
    else parts.push({ kind: { "*": "b", _: "i", "~": "s", "`": "code" }[found[2][0]], text: found[2].slice(1, -1) });
    at = found.index + found[0].length;
  }
  if (at < text.length) parts.push({ kind: "text", text: text.slice(at) });
  return parts;
};
