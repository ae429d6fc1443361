// From the API's resources to what the inbox's components show: flat values, no rules of the business.
import { may as grants } from "$/public/pt_rights.js";
import { daysAway, inZone, yearOf } from "$/public/pt_zone.js";
const HUES = ["jade", "blue", "violet", "amber", "cyan", "plum"];
const MINUTE = 60000;

/** "CN" of "Célia Nogueira"; empty without a letter, as of a number: faces show a sign then. */
export const initials = (name) => {
  const words = String(name || "").replace(/[^\p{L}\p{N} ]/gu, "").trim().split(/\s+/).filter(Boolean);
  return !words.some((word) => /\p{L}/u.test(word)) ? "" : (words[0][0] + (words.length > 1 ? words[words.length - 1][0] : "")).toUpperCase();
};
export const hueOf = (key) => HUES[[...String(key || "")].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) >>> 0, 7) % HUES.length];
export const phoneText = (phone) => {
  if (String(phone || "").startsWith("•")) return phone; // only its end is shown to who may not see the rest
  const digits = String(phone || "").replace(/\D/g, "");
  const brazil = digits.match(/^55(\d{2})(\d{4,5})(\d{4})$/);
  return brazil ? `+55 ${brazil[1]} ${brazil[2]}-${brazil[3]}` : digits ? `+${digits}` : "";
};
export const nameOf = (contact) => contact?.name || phoneText(contact?.phone) || "?";
const dateOf = (lang, value, month) => inZone(lang, value, { day: "numeric", month, ...(yearOf(value) === yearOf(Date.now()) ? {} : { year: "numeric" }) });
const dayWord = (lang, away) => new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(away, "day");
/** "14:08" today, "ontem" yesterday, a short date before. */
export const shortTime = (lang, value) => {
  if (!value) return "";
  const away = daysAway(value);
  return away === 0 ? clockTime(lang, value) : away === -1 ? dayWord(lang, away) : dateOf(lang, value, "short");
};
export const clockTime = (lang, value) => (value ? inZone(lang, value, { hour: "2-digit", minute: "2-digit" }) : "");
/** "dom., 22 de nov., 09:00": when something is to happen. */
export const dayTime = (lang, value) => inZone(lang, value, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
/** "Hoje, 21 de novembro". */
export const dayText = (lang, value) => {
  const [away, long] = [daysAway(value), dateOf(lang, value, "long")];
  return away < -1 || away > 0 ? long : `${dayWord(lang, away)}, ${long}`;
};
/** A span of minutes as "23 h 54", "4 min". */
export const spanText = (minutes) => {
  const whole = Math.max(0, Math.floor(minutes));
  if (whole < 60) return `${whole} min`;
  return whole % 60 && whole < 1440 ? `${Math.floor(whole / 60)} h ${whole % 60}` : whole < 2880 ? `${Math.floor(whole / 60)} h` : `${Math.floor(whole / 1440)} d`;
};
/** How long one may still write freely; `bound`: only some channels have such a window. */
export const windowOf = (conversation, now = Date.now()) => {
  const left = conversation.window_expires_at ? (new Date(conversation.window_expires_at) - now) / MINUTE : 0;
  return { bound: ["whatsapp", "messenger", "instagram"].includes(conversation.channel), open: left > 0, left: spanText(left), soon: left > 0 && left < 120 };
};
// A queue's colour, of sixteen, as the nearest of the hues that signs are drawn in.
const NEAR = { gray: "slate", red: "red", orange: "amber", amber: "amber", yellow: "amber", lime: "jade", green: "jade", teal: "cyan", cyan: "cyan", sky: "blue", blue: "blue", indigo: "blue", violet: "violet", purple: "plum", pink: "plum", brown: "amber" };
export const hueOfColor = (color, id) => NEAR[color] ?? hueOf(id);
export const queueOf = (row) => {
  const queue = row.queue;
  return queue && typeof queue === "object" ? { id: queue.id ?? "", name: queue.name ?? "", color: hueOfColor(queue.color, queue.id) } : { id: row.queue_id ?? "", name: queue ?? "", color: row.queue_id || queue ? hueOfColor(row.queue_color, row.queue_id || queue) : "" };
};
export const finished = (row) => row.status === "closed" || row.status === "archived";
const SOON = 0.25; // less than this share of the promised time is left
/** ok, soon or late against what its queue promised; empty without a promise. The clock goes on after the row was read. */
export const promiseOf = (item, now = Date.now()) => {
  if (!item?.sla_due_at || item.assigned_at) return item?.sla_due_at ? item.sla_state : "";
  const [due, began] = [new Date(item.sla_due_at) - now, new Date(item.entered_at)];
  return due < 0 ? "late" : due < (new Date(item.sla_due_at) - began) * SOON ? "soon" : "ok";
};
/** The same for somebody who waits, promised or not. */
const waitState = (row, waited, now) => promiseOf(row.queue_item, now) || (waited > 10 ? "late" : waited > 3 ? "soon" : "ok");
const PREVIEW = /^\[(\w+)\]$/;

export const rowView = (row, { on, marked, draft, now }) => {
  const window = windowOf(row, now);
  const waited = row.waiting_since ? Math.max(1, (now - new Date(row.waiting_since)) / MINUTE) : 0;
  const last = row.last_message ?? {};
  const kind = PREVIEW.exec(last.preview ?? "")?.[1] ?? (last.preview ? "" : (last.type ?? ""));
  return {
    id: row.id,
    on,
    marked,
    channel: row.channel,
    name: nameOf(row.contact),
    initials: initials(row.contact?.name),
    hue: hueOf(row.contact?.id),
    preview: kind ? "" : last.preview || "",
    kind: kind || (last.type && last.type !== "text" ? last.type : ""),
    outgoing: last.direction === "out",
    note: last.direction === "note",
    status: last.status ?? "",
    at: last.at ?? row.created_at,
    unread: row.unread_count ?? 0,
    handling: finished(row) ? "closed" : row.handling,
    waited: waited && row.handling === "waiting" ? spanText(waited) : "",
    wait_state: waited ? waitState(row, waited, now) : "",
    queue: queueOf(row),
    priority: row.priority ?? "medium",
    assignee: row.assignee?.name ?? "",
    snoozed: row.snoozed_until && new Date(row.snoozed_until) > now ? row.snoozed_until : "",
    draft: Boolean(draft),
    window,
  };
};

// They show on another message and aren't the last word of a thread.
const ABOUT = new Set(["reaction", "edit", "revoke"]);
const PREVIEW_CHARACTERS = 160; // as the server keeps
/** The row after a message that was just told of; `seen`: it is on the screen. The server's own row follows. */
export const rowAfter = (row, message, seen) => {
  const last = row.last_message ?? {};
  const status = message.direction === "out" ? message.status : null;
  if (last.id === message.id) return status && status !== last.status ? { ...row, last_message: { ...last, status } } : row;
  if (ABOUT.has(message.type) || (last.at && new Date(message.created_at) < new Date(last.at))) return row;
  const preview = message.text ? message.text.slice(0, PREVIEW_CHARACTERS) : `[${message.type}]`;
  return { ...row, last_message: { id: message.id, preview, direction: message.direction, at: message.created_at, status }, unread_count: message.direction === "in" && !seen ? row.unread_count + 1 : row.unread_count };
};

export const headView = (row, me) => ({
  id: row.id,
  channel: row.channel,
  name: nameOf(row.contact),
  initials: initials(row.contact?.name),
  hue: hueOf(row.contact?.id),
  phone: phoneText(row.contact?.phone),
  account: row.account_name ?? "",
  flow: row.flow_name ?? "",
  status: row.status,
  finished: finished(row),
  handling: row.handling,
  priority: row.priority ?? "medium",
  snoozed: row.snoozed_until && new Date(row.snoozed_until) > Date.now() ? row.snoozed_until : "",
  queue: queueOf(row),
  assignee: row.assignee?.name ?? "",
  assignee_id: row.assignee?.id ?? "",
  mine: Boolean(row.assignee && row.assignee.id === me?.id),
  may_write: grants(me, "conversations:handle"),
  window: windowOf(row),
});

export const composerView = (row, me, mode) => {
  const window = windowOf(row);
  const bound = window.bound && !row.sandbox_free;
  // The server's reason counts; only "the robot is answering" and the window's end, which comes by itself, are ours.
  const reason = row.cannot_send_reason || (bound && !window.open ? "window_closed" : "");
  const off = !grants(me, "conversations:handle") ? "viewer" : mode === "note" ? "" : reason || (row.handling === "bot" ? "bot" : "");
  return { id: row.id, mode, off, bound, name: nameOf(row.contact).split(" ")[0], left: window.left, soon: window.soon };
};

export const panelView = (row, contact) => ({
  id: row.id,
  contact_id: row.contact?.id ?? "",
  name: nameOf(row.contact),
  initials: initials(row.contact?.name),
  hue: hueOf(row.contact?.id),
  since: contact?.created_at ?? row.created_at,
  phone: phoneText(row.contact?.phone),
  email: contact?.email ?? "",
  consent: contact?.consent ?? row.contact?.consent ?? "unknown",
  consent_at: contact?.consent_at ?? "",
  blocked: contact?.blocked ?? row.contact?.blocked ?? false,
  lifecycle: contact?.lifecycle ?? "",
  score: contact?.lead_score ?? 0,
  tags: contact?.tags ?? [],
  talk_tags: row.tags ?? [],
  fields: Object.entries(contact?.fields ?? {}).map(([name, value]) => ({ name, value: value && typeof value === "object" ? JSON.stringify(value) : String(value ?? "") })),
  queue: queueOf(row),
  priority: row.priority ?? "medium",
  handling: row.handling,
  status: row.status,
  waiting_since: row.waiting_since ?? "",
  assignee: row.assignee?.name ?? "",
  loaded: Boolean(contact),
});
/** A document of Brazilian people with all but its end hidden. */
export const masked = (name, value) => {
  const digits = value.replace(/\D/g, "");
  return /cpf/i.test(name) && digits.length === 11 ? `•••.•••.${digits.slice(6, 9)}-${digits.slice(9)}` : value;
};

/** The keys of a thread's messages, and how many of the contact's stand behind the last one that was seen before; none while no one was. */
export const newsSince = (items, seen) => {
  const messages = items.filter((item) => item.kind === "message");
  const at = messages.findLastIndex((item) => seen.has(item.key));
  const come = at < 0 ? 0 : messages.slice(at + 1).filter((item) => item.dir === "in").length;
  return { keys: new Set(messages.map((item) => item.key)), come };
};

const names = (text, handle) => {
  const [said, wanted] = [text.toLowerCase(), `@${handle.toLowerCase()}`];
  for (let at = said.indexOf(wanted); at >= 0; at = said.indexOf(wanted, at + 1)) if (!/^\.?[\p{L}\p{N}]/u.test(said.slice(at + wanted.length))) return true;
  return false;
};
/** Ids of the people whose `@handle` a note has as a whole: "@Anabela" is not "@Ana". */
export const mentionedIn = (text, people) => people.filter(({ handle }) => names(text, handle)).map((person) => person.id);
