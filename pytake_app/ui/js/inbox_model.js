// From the API's resources to what the inbox's components show: flat values, no rules of the business.
const HUES = ["jade", "blue", "violet", "amber", "cyan", "plum"];
const MINUTE = 60000;

export const initials = (name) => {
  const words = String(name || "").replace(/[^\p{L}\p{N} ]/gu, "").trim().split(/\s+/).filter(Boolean);
  return words.length === 0 ? "?" : (words[0][0] + (words.length > 1 ? words[words.length - 1][0] : "")).toUpperCase();
};
export const hueOf = (key) => HUES[[...String(key || "")].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) >>> 0, 7) % HUES.length];
export const phoneText = (phone) => {
  const digits = String(phone || "").replace(/\D/g, "");
  const brazil = digits.match(/^55(\d{2})(\d{4,5})(\d{4})$/);
  return brazil ? `+55 ${brazil[1]} ${brazil[2]}-${brazil[3]}` : digits ? `+${digits}` : "";
};
const nameOf = (contact) => contact?.name || phoneText(contact?.phone) || "?";
const sameDay = (a, b) => a.toDateString() === b.toDateString();

/** "14:08" today, "ontem" yesterday, a short date before. */
export const shortTime = (lang, value) => {
  if (!value) return "";
  const [at, now] = [new Date(value), new Date()];
  if (sameDay(at, now)) return at.toLocaleTimeString(lang, { hour: "2-digit", minute: "2-digit" });
  const yesterday = new Date(now.getTime() - 86400000);
  if (sameDay(at, yesterday)) return new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(-1, "day");
  return at.toLocaleDateString(lang, { day: "numeric", month: "short" });
};
export const clockTime = (lang, value) => (value ? new Date(value).toLocaleTimeString(lang, { hour: "2-digit", minute: "2-digit" }) : "");
/** "Hoje, 21 de novembro". */
export const dayText = (lang, value) => {
  const [at, now] = [new Date(value), new Date()];
  const long = at.toLocaleDateString(lang, { day: "numeric", month: "long", ...(at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }) });
  const away = Math.round((new Date(at.toDateString()) - new Date(now.toDateString())) / 86400000);
  if (away < -1 || away > 0) return long;
  return `${new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(away, "day")}, ${long}`;
};
/** A span as "23 h 54 min", "4 min". */
export const spanText = (minutes) => {
  const whole = Math.max(0, Math.floor(minutes));
  if (whole < 60) return `${whole} min`;
  return whole % 60 && whole < 1440 ? `${Math.floor(whole / 60)} h ${whole % 60}` : `${Math.floor(whole / 60)} h`;
};
const windowOf = (conversation) => {
  const left = conversation.window_expires_at ? (new Date(conversation.window_expires_at) - Date.now()) / MINUTE : 0;
  return { open: left > 0, left: spanText(left), soon: left > 0 && left < 120 };
};

export const rowView = (row, on) => {
  const window = windowOf(row);
  const waited = row.waiting_since ? (Date.now() - new Date(row.waiting_since)) / MINUTE : 0;
  const last = row.last_message ?? {};
  return {
    id: row.id,
    on,
    name: nameOf(row.contact),
    initials: initials(row.contact?.name || phoneText(row.contact?.phone).slice(-4)),
    hue: hueOf(row.contact?.id),
    preview: last.preview || "",
    outgoing: last.direction === "out",
    at: last.at ?? row.created_at,
    unread: row.unread_count ?? 0,
    handling: row.status === "closed" || row.status === "archived" ? "closed" : row.handling,
    waited: spanText(Math.max(1, waited)),
    wait_tone: waited > 10 ? "t-red" : waited > 3 ? "t-amber" : "",
    queue: row.queue ?? "",
    window_open: window.open,
    window_left: window.left,
    window_soon: window.soon,
  };
};

const optionsOf = (message, picked) => {
  const content = message.content ?? {};
  const list = content.type === "buttons" ? content.buttons : content.type === "list" ? (content.sections ?? []).flatMap((section) => section.rows) : [];
  return (list ?? []).map((option) => ({ id: option.id, title: option.title, picked: picked?.has(option.id) ?? false }));
};
const headerText = (header) => (typeof header === "string" ? header : (header?.text ?? ""));

const messageView = (message, picks, byExternal) => {
  const content = message.content ?? {};
  const quoted = message.context_external_id ? byExternal.get(message.context_external_id) : null;
  const rank = { image: "image", sticker: "image", audio: "audio", voice: "audio", video: "video", document: "file" };
  return {
    key: message.client_id || message.id,
    id: message.id,
    kind: message.direction === "note" || message.type === "note" ? "note" : message.type === "system" ? "system" : "message",
    dir: message.direction === "in" ? "in" : "out",
    type: message.type,
    text: message.text ?? "",
    header: headerText(content.header),
    footer: content.footer ?? "",
    author: message.author_kind,
    author_name: message.author_name ?? "",
    session: message.flow_session_id ?? "",
    node_id: message.node_id ?? "",
    at: message.sent_at && message.direction === "in" ? message.sent_at : message.created_at,
    status: message.status ?? "",
    failed: message.status === "failed" || message.status === "unsent",
    unsent: message.status === "unsent",
    problem: message.problem || message.errors?.[0]?.title || message.errors?.[0]?.message || message.errors?.[0]?.code?.toString() || "",
    quote: quoted && message.direction === "in" ? quoted.text || quoted.type : "",
    media: message.media?.url ? (rank[message.type] ?? "file") : "",
    media_url: message.media?.url ?? "",
    media_name: message.media?.filename || message.media?.mime_type || "",
    latitude: message.location?.latitude ?? null,
    longitude: message.location?.longitude ?? null,
    place: message.location ? message.location.name || message.location.address || `${message.location.latitude}, ${message.location.longitude}` : "",
    options: optionsOf(message, picks.get(message.external_id)),
  };
};
// Which words describe an entry: some kinds say more in their detail.
const codeOf = ({ kind, detail = {} }) => {
  if (kind === "session_ended" && ["expired", "failed", "interrupted"].includes(detail.status)) return `session_${detail.status}`;
  if (kind === "status_changed" && ["closed", "open"].includes(detail.after)) return `status_${detail.after}`;
  return kind;
};
// What a thread needn't say: each answer going on, and silence while a person answers. The panel tells the rest.
const QUIET = new Set(["session_resumed", "session_busy", "with_person", "session_ended", "answered_by_api"]);
const logView = (entry) => {
  const detail = entry.detail ?? {};
  const queue = detail.queue ?? detail.queue_name ?? "";
  return {
    key: `log-${entry.id}`,
    kind: "log",
    id: entry.id,
    at: entry.at,
    code: codeOf(entry),
    flow: entry.flow_name ?? "",
    word: detail.word ?? detail.message ?? entry.kind,
    person: entry.actor_name ?? "",
    queue: queue ? `· ${queue}` : "",
  };
};
const shallow = (a, b) => Object.keys(b).every((key) => a[key] === b[key] || (key === "options" && JSON.stringify(a.options) === JSON.stringify(b.options)));

/** Messages and log lines in time order with day separators; items that didn't change keep their identity. */
export const threadItems = (messages, log, before) => {
  const byExternal = new Map(messages.filter((message) => message.external_id).map((message) => [message.external_id, message]));
  const picks = new Map();
  for (const message of messages)
    if (message.selection_id && message.context_external_id) {
      if (!picks.has(message.context_external_id)) picks.set(message.context_external_id, new Set());
      picks.get(message.context_external_id).add(message.selection_id);
    }
  const oldest = messages.reduce((least, message) => (message.created_at < least ? message.created_at : least), "9");
  const entries = [
    ...messages.map((message) => ({ sort: message.created_at, view: messageView(message, picks, byExternal) })),
    ...log.filter((entry) => entry.at >= oldest && !QUIET.has(codeOf(entry))).map((entry) => ({ sort: entry.at, view: logView(entry) })),
  ].sort((a, b) => a.sort.localeCompare(b.sort) || String(a.view.id).localeCompare(String(b.view.id))); // ids are UUID v7: they sort by time
  const known = new Map(before.map((item) => [item.key, item]));
  const items = [];
  let day = "";
  for (const { sort, view } of entries) {
    const today = new Date(sort).toDateString();
    if (today !== day) items.push({ key: `day-${today}`, kind: "day", at: sort });
    day = today;
    items.push(view);
  }
  const merged = items.map((item) => {
    const old = known.get(item.key);
    return old && shallow(old, item) ? old : item;
  });
  return merged.length === before.length && merged.every((item, i) => item === before[i]) ? before : merged;
};

export const headView = (row, me, busy) => ({
  id: row.id,
  name: nameOf(row.contact),
  initials: initials(row.contact?.name),
  hue: hueOf(row.contact?.id),
  phone: phoneText(row.contact?.phone),
  account: row.account_name ?? "",
  flow: row.flow_name ?? "",
  status: row.status,
  handling: row.handling,
  assignee: row.assignee?.name ?? "",
  mine: Boolean(row.assignee && row.assignee.id === me?.id),
  may_write: me?.role !== "viewer",
  busy,
});

export const composerView = (row, me, mode, busy, error) => {
  const window = windowOf(row);
  // The server's reason counts; only "the robot is answering" and the window's end, which comes by itself, are ours.
  const reason = row.cannot_send_reason || (window.open ? "" : "window_closed");
  const off = me?.role === "viewer" ? "viewer" : mode === "note" ? "" : reason || (row.handling === "bot" ? "bot" : "");
  return { id: row.id, mode, off, busy, error, name: nameOf(row.contact).split(" ")[0], left: window.left, soon: window.soon };
};

export const panelView = (row, contact, log, previous) => ({
  id: row.id,
  name: nameOf(row.contact),
  initials: initials(row.contact?.name),
  hue: hueOf(row.contact?.id),
  since: contact?.created_at ?? row.created_at,
  phone: phoneText(row.contact?.phone),
  email: contact?.email ?? "",
  consent: row.contact?.consent ?? "unknown",
  tags: contact?.tags ?? row.tags ?? [],
  fields: Object.entries(contact?.fields ?? {}).map(([name, value]) => ({ name, value: String(value) })),
  queue: row.queue ?? "",
  waiting_since: row.waiting_since ?? "",
  handling: row.handling,
  log: [...log].sort((a, b) => b.at.localeCompare(a.at)).filter((entry) => entry.kind !== "with_person").slice(0, 8).map(logView),
  previous: previous.map((other) => ({ id: other.id, text: other.last_message?.preview ?? "", at: other.last_message?.at ?? other.created_at })),
});
