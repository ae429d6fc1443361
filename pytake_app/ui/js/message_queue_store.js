// The message queue as the browser keeps it: figures, numbers and rows as the server says them, read again every two
// seconds while somebody looks, and the plain values that the page's views show.
import { api } from "$/public/pt_api.js";
import { fmt, tr, trKey } from "$/public/pt_i18n.js";
import { phoneText } from "$/public/pt_inbox_model.js";
import { makeStore } from "$/public/pt_page_store.js";
import { may as grants } from "$/public/pt_rights.js";

export const BASE = "/api/v1/queue";
export const EVERY = 2000; // ms between two readings
const PAGE = 50;
const MOST = 200; // what the server answers at once
const PRIORITIES = ["critical", "high", "normal", "low"];
const TABS = ["queued", "moving", "dead", "inbound"];
const STATES = { queued: ["queued"], moving: ["sending", "unsure"], dead: ["dead"] };
export const CLOSED = { kind: "", open: false, ids: [], everything: false, count: 0, unsure: false, name: "" };
let speaking; // unset until the page is alive: what the server drew beforehand is in the default language
export const say = (key, params) => tr(speaking, key, params);

const initials = (name) => {
  const words = String(name).split(/\s+/).filter(Boolean);
  return (words.length < 2 ? words : [words[0], words[words.length - 1]]).map((word) => word[0]).join("").toUpperCase() || "?";
};
const HUES = ["violet", "cyan", "plum", "blue", "amber", "jade"];
const hueOf = (id) => HUES[[...String(id)].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973, 7) % HUES.length];
const numberOf = (value, digits = 0) => fmt.number(speaking, value, { maximumFractionDigits: digits });

/** "8 s", "4 min", "3 h", "2 d" in the page's language. */
const span = (seconds) => {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? units[3];
  return new Intl.NumberFormat(speaking, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 }).format(Math.floor(seconds / size));
};

// ---- what the page shows
const waitingOf = (stats) => {
  const total = Math.max(1, stats.queued);
  return stats.priorities.filter((item) => item.queued > 0).map((item) => ({
    key: item.priority, label: say(`message_queue.priority.${item.priority}`), count: numberOf(item.queued), width: `${(100 * item.queued) / total}%`,
  }));
};

const roleOf = (key, alive) => ({
  key, label: say(`message_queue.role.${key}`, { count: alive ?? 0 }), count: alive === null ? "?" : numberOf(alive), down: alive === 0, unknown: alive === null,
});

const figuresOf = ({ stats, health }) => {
  if (!stats || !health) return { ready: false, parts: [], roles: [], silent: [] };
  const due = stats.priorities.reduce((sum, item) => sum + item.due, 0);
  const oldest = stats.oldest_seconds;
  const roles = [roleOf("workers", health.workers), roleOf("senders", health.senders), roleOf("schedulers", health.schedulers)];
  const gone = roles.filter((role) => role.down).map((role) => role.key);
  return {
    ready: true, waiting: numberOf(stats.queued), parts: waitingOf(stats), due: say("message_queue.due", { count: due }), later: stats.queued - due,
    later_words: say("message_queue.later", { count: stats.queued - due }), moving: say("message_queue.moving", { count: stats.sending + stats.unsure }),
    oldest: oldest === null ? "" : span(oldest), old: oldest !== null && oldest >= 60, very_old: oldest !== null && oldest >= 300,
    sent: numberOf(health.sent_last_minute), received: numberOf(health.received_last_minute), hour: say("message_queue.sent_hour", { count: stats.sent_last_hour }),
    dead: numberOf(stats.dead + stats.inbound_dead), any_dead: stats.dead + stats.inbound_dead > 0,
    dead_words: stats.inbound_dead ? say("message_queue.dead_both", { sent: stats.dead, received: stats.inbound_dead }) : say("message_queue.dead_sent"),
    roles, silent: gone.map((key) => ({ key, words: say(`message_queue.silent.${key}`) })), unknown: roles.some((role) => role.unknown),
    lanes: health.lanes_waiting ? say("message_queue.lanes", { count: health.lanes_waiting, total: health.lanes, lag: span(health.inbound_lag_seconds) }) : say("message_queue.lanes_free"),
  };
};

const share = (used, limit) => (limit ? `${Math.min(100, (100 * used) / limit)}%` : "0%");
/** Why a number doesn't send, worst first; empty when it does. */
const troubleOf = (account) => {
  if (account.status === "error") return "error";
  if (account.status === "paused") return "paused";
  if (account.status === "incomplete") return "incomplete";
  if (account.circuit === "open") return "circuit";
  return account.daily_limit && account.daily_used !== null && account.daily_used >= account.daily_limit ? "daily" : "";
};
const gaugeOf = (account, edit) => {
  const rate = account.sent_last_minute / 60;
  const trouble = troubleOf(account);
  const known = account.daily_used !== null;
  return {
    id: account.channel_account_id, name: account.name, sandbox: account.sandbox, trouble, bad: trouble === "error" || trouble === "circuit",
    rate: say("message_queue.rate_of", { rate: numberOf(rate, rate < 10 ? 1 : 0), limit: numberOf(account.messages_per_second, 1) }), rate_width: share(rate, account.messages_per_second),
    limited: account.daily_limit !== null, full: account.daily_limit !== null && known && account.daily_used >= account.daily_limit * 0.9,
    people: account.daily_limit === null ? say("message_queue.people_free") : known ? say("message_queue.people_of", { used: numberOf(account.daily_used), limit: numberOf(account.daily_limit) }) : say("message_queue.people_unknown"),
    people_width: known ? share(account.daily_used, account.daily_limit) : "0%",
    waiting: account.queued ? say("message_queue.gauge_waiting", { count: account.queued }) : "", dead: account.dead ? say("message_queue.gauge_dead", { count: account.dead }) : "",
    why: trouble ? say(`message_queue.trouble.${trouble}`) : "", mend: edit && ["error", "paused", "incomplete"].includes(trouble),
  };
};

const SPENT = ["retryable", "rate", "pair_rate"]; // kinds whose own words promise another attempt
const MEDIA = /^media_/;
/** Why it waits or was given up on, in words. */
const reasonOf = (row, account) => {
  const error = row.error;
  const trouble = account && row.state === "queued" ? troubleOf(account) : "";
  if (trouble && trouble !== "daily") return say(`message_queue.waits.${trouble}`);
  if (!error) {
    if (row.state === "queued" && row.attempts === 0 && new Date(row.next_attempt_at).getTime() > Date.now() + 1000) return say("message_queue.waits.scheduled");
    return row.state === "unsure" ? say("message_queue.waits.unsure") : "";
  }
  const code = String(error.reason ?? "");
  if (error.kind === "held") return say(trKey(`message_queue.waits.${code}`, "message_queue.waits.held"));
  if (row.state === "dead" && SPENT.includes(error.kind)) return say(`message_queue.spent.${error.kind}`);
  if (MEDIA.test(code)) return say(trKey(`delivery.media.${code.replace(MEDIA, "")}`, "message_queue.reason.other"));
  return say(trKey(`message_queue.reason.${code}`, trKey(`delivery.send.${code}`, "message_queue.reason.other")));
};
const detailOf = (error) => (error ? [error.code && `${error.code}`, error.title, error.details].filter(Boolean).join(" · ") : "");

const rowOf = (row, now, edit) => {
  const account = now.limits?.find((item) => item.channel_account_id === row.channel_account_id);
  // Who has no name goes by their number, written as people write it; viewers get neither.
  const number = /^\d{8,}$/.test(row.contact_name ?? "") ? phoneText(row.contact_name) : "";
  const name = number || row.contact_name || say("message_queue.hidden_contact");
  return {
    id: row.id, href: `/inbox?c=${row.conversation_id}`, name, initials: number ? "" : initials(name), hue: hueOf(row.contact_id), preview: row.preview, number: account?.name ?? "",
    priority: row.priority, priority_words: say(`message_queue.priority.${row.priority}`), tone: { critical: "red", high: "amber" }[row.priority] ?? "",
    attempts: say("message_queue.attempts", { done: numberOf(row.attempts), most: numberOf(row.max_attempts) }), state: row.state, unsure: row.state === "unsure",
    at: row.state === "queued" ? row.next_attempt_at : (row.finished_at ?? row.created_at), coming: row.state === "queued", reason: reasonOf(row, account), detail: detailOf(row.error),
    on: now.everything || now.selected.includes(row.id), edit, can: (row.state === "queued" && "cancel") || (row.state === "dead" && "retry") || "", inbound: false, failed: row.state === "dead",
  };
};
const eventOf = (event, now, edit) => ({
  id: String(event.id), href: "", name: say(trKey(`message_queue.kind.${event.kind}`, "message_queue.kind.other")), initials: "", hue: "slate", preview: event.external_id,
  number: now.limits?.find((item) => item.channel_account_id === event.channel_account_id)?.name ?? "", priority: "", priority_words: "", tone: "",
  attempts: say("message_queue.times", { count: event.attempts }), state: "dead", unsure: false, at: event.received_at, coming: false,
  reason: say("message_queue.reason.inbound"), detail: event.error, on: now.selected.includes(String(event.id)), edit, can: "retry", inbound: true, failed: true,
});

/** How many there are under the tab and the filters, as the figures know it; -1: not known. */
export const totalOf = ({ tab, stats, limits, priority, account }) => {
  if (!stats) return -1;
  if (tab === "inbound") return stats.inbound_dead;
  if (!priority && !account) return { queued: stats.queued, moving: stats.sending + stats.unsure, dead: stats.dead }[tab];
  if (tab === "queued" && priority && !account) return stats.priorities.find((item) => item.priority === priority)?.queued ?? 0;
  const own = !priority && limits?.find((item) => item.channel_account_id === account);
  return own && tab !== "moving" ? own[tab] : -1;
};

const isAgent = (me) => grants(me, "pipeline:manage");
const isAdmin = (me) => ["org_admin", "super_admin"].includes(me?.role) && grants(me, "pipeline:manage");
export const mayAct = (now) => (now.tab === "inbound" ? isAdmin(now.me) : isAgent(now.me));
const actOf = (tab) => ({ queued: "cancel", dead: "retry", inbound: "retry" })[tab] ?? "";

function compute(now) {
  speaking = now.lang || undefined;
  const { stats, limits, tab, dialog } = now;
  const edit = mayAct(now) && Boolean(actOf(tab));
  const total = totalOf(now);
  const narrowed = Boolean(now.priority || now.account) && tab !== "inbound";
  const items = tab === "inbound" ? now.rows.map((event) => eventOf(event, now, edit)) : now.rows.map((row) => rowOf(row, now, edit));
  const count = now.everything ? Math.max(total, items.length) : now.selected.length;
  return {
    page: { phase: now.phase, lost: now.lost, since: now.read ? fmt.time(speaking, now.read) : "" },
    head: figuresOf(now),
    chart: { minutes: now.health?.minutes ?? [], table: now.table, ready: Boolean(now.health) },
    gauges: { ready: Boolean(limits), items: (limits ?? []).map((account) => gaugeOf(account, isAdmin(now.me))) },
    tools: {
      tab, queued: numberOf(stats?.queued ?? 0), moving: numberOf((stats?.sending ?? 0) + (stats?.unsure ?? 0)), dead: numberOf(stats?.dead ?? 0), inbound: numberOf(stats?.inbound_dead ?? 0),
      priority: now.priority, account: now.account, filters: tab !== "inbound", read_only: Boolean(now.me) && !isAgent(now.me), ready: Boolean(stats),
    },
    filters: {
      priority: now.priority, account: now.account, shown: tab !== "inbound",
      priorities: [["", say("message_queue.any_priority")], ...PRIORITIES.map((key) => [key, say(`message_queue.priority.${key}`)])],
      accounts: [["", say("message_queue.any_number")], ...(limits ?? []).map((item) => [item.channel_account_id, item.name])],
    },
    table: {
      phase: now.loading ? "loading" : now.failed ? now.failed : items.length === 0 ? (narrowed ? "none" : "empty") : "ready", tab, rows: items, edit, act: actOf(tab), inbound: tab === "inbound",
      more: Boolean(now.cursor) && items.length < MOST, every: items.length > 0 && (now.everything || now.selected.length === items.length), paging: now.paging, shown: say("message_queue.shown", { count: items.length }),
      coming: tab === "queued",
    },
    bulk: {
      open: edit && count > 0, act: actOf(tab), words: now.everything && total < 0 ? say("message_queue.marked_all") : say("message_queue.marked", { count }),
      wider: !now.everything && tab !== "inbound" && now.selected.length === items.length && Boolean(now.cursor),
      wider_words: total < 0 ? say("message_queue.mark_matching") : say("message_queue.mark_everything", { count: total }),
    },
    ask: { ...dialog },
    keys: { open: now.keys, edit: isAgent(now.me) },
  };
}

const page = makeStore(
  {
    me: null, lang: "", phase: "loading", lost: false, read: 0, stats: null, limits: null, health: null, table: false,
    tab: "queued", priority: "", account: "", rows: [], cursor: null, loading: true, failed: "", paging: false, selected: [], everything: false, anchor: "",
    dialog: CLOSED, busy: false, keys: false, navigate: null,
  },
  compute,
);
export const state = page.state;
export const set = page.set;
export const store = page;
export const find = (id) => state.rows.find((row) => String(row.id) === id);
export const wordFor = (error) => say(error.status === 0 ? "message_queue.error.offline" : trKey(`message_queue.error.${error.code}`, "message_queue.error.other"));

// ---- reading
const listUrl = (limit, cursor) => {
  const out = new URLSearchParams({ limit: String(limit) });
  if (cursor) out.set("cursor", cursor);
  if (state.tab === "inbound") return `${BASE}/inbound/dead-letter?${out}`;
  STATES[state.tab].forEach((name) => out.append("state", name));
  if (state.priority) out.set("priority", state.priority);
  if (state.account) out.set("channel_account_id", state.account);
  return `${BASE}/messages?${out}`;
};
const wrong = (error) => (error.status === 403 ? "forbidden" : error.status === 0 ? "offline" : "error");

let turn = 0;
let reading = false;
let again = false;
/** Read figures and as many rows as are shown. Readings never overlap: a wish meanwhile is granted after. */
export const refresh = async () => {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const mine = turn;
  try {
    const wanted = Math.min(MOST, Math.max(PAGE, state.loading ? 0 : state.rows.length));
    const [stats, limits, health, list] = await Promise.all([api.get(`${BASE}/stats`), api.get(`${BASE}/limits`), api.get(`${BASE}/health`), api.get(listUrl(wanted))]);
    const figures = { stats, limits, health, phase: "ready", lost: false, read: Date.now() };
    if (mine !== turn) set(figures);
    else {
      const there = new Set(list.items.map((row) => String(row.id)));
      set({ ...figures, rows: list.items, cursor: list.next_cursor, loading: false, failed: "", selected: state.selected.filter((id) => there.has(id)), everything: state.everything && list.items.length > 0 });
    }
  } catch (error) {
    if (error.status === 401) return;
    if (state.phase === "ready") set({ lost: true, ...(state.loading ? { loading: false, failed: "error" } : {}) });
    else set({ phase: wrong(error) });
  } finally {
    reading = false;
    if (again) {
      again = false;
      refresh();
    }
  }
};
/** The next page of rows. */
export const more = async () => {
  if (state.paging || !state.cursor || state.rows.length >= MOST) return;
  const mine = turn;
  set({ paging: true });
  try {
    const body = await api.get(listUrl(PAGE, state.cursor));
    const known = new Set(state.rows.map((row) => row.id));
    if (mine === turn) set({ rows: [...state.rows, ...body.items.filter((row) => !known.has(row.id))], cursor: body.next_cursor });
  } catch (error) {
    if (error.status !== 401) set({ lost: true });
  } finally {
    set({ paging: false });
  }
};
let soon = 0;
/** Read again shortly; many reasons are one reading. */
export const refreshSoon = (wait = 300) => {
  if (!soon) soon = setTimeout(() => {
    soon = 0;
    refresh();
  }, wait);
};

const toAddress = () => {
  const out = new URLSearchParams();
  if (state.tab !== "queued") out.set("tab", state.tab);
  if (state.priority) out.set("priority", state.priority);
  if (state.account) out.set("number", state.account);
  window.history.replaceState(window.history.state, "", `${window.location.pathname}${out.size ? `?${out}` : ""}`);
};
export const readAddress = () => {
  const found = new URLSearchParams(window.location.search);
  const tab = found.get("tab");
  const priority = found.get("priority");
  set({ tab: TABS.includes(tab) ? tab : "queued", priority: PRIORITIES.includes(priority) ? priority : "", account: found.get("number") ?? "" });
};
/** Another tab or other filters: the rows begin anew. */
export const narrow = (patch) => {
  turn += 1;
  set({ ...patch, rows: [], cursor: null, loading: true, failed: "", selected: [], everything: false });
  toAddress();
  refresh();
};
