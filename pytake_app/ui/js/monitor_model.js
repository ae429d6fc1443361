// From the monitor's snapshot to what its cards show: spans, promised times, reasons in words, orders. No rules of the business.
import { useSyncExternalStore } from "react";
import { fmt, getLang, tr, trKey } from "$/public/pt_i18n.js";
import { hueOf, hueOfColor, initials, nameOf } from "$/public/pt_inbox_model.js";
import { dayOf, daysAway, inZone } from "$/public/pt_zone.js";

const say = (key, params) => tr(getLang(), key, params);
/** The text of a key that the catalogue may not have; then nothing. */
const sayIf = (key, params) => (trKey(key, "") === key ? say(key, params) : "");

// ---- the clock: the server's, so that a computer that is minutes off shows the right waits
let ahead = 0; // ms that this computer's clock is ahead of the server's
export const setClock = (serverTime) => {
  const measured = Date.now() - new Date(serverTime).getTime();
  if (Math.abs(measured - ahead) > 1500) ahead = measured; // less is the answer's way here
};
export const now = () => Date.now() - ahead;
const ticking = new Set();
let second = 0;
let timer = null;
const subscribe = (listener) => {
  ticking.add(listener);
  timer ??= setInterval(() => {
    second = Math.floor(now() / 1000);
    ticking.forEach((one) => one());
  }, 1000);
  return () => {
    ticking.delete(listener);
    if (ticking.size === 0) {
      clearInterval(timer);
      timer = null;
    }
  };
};
/** Renders the component again each second; nobody is asked for it. */
export const useTick = () => useSyncExternalStore(subscribe, () => second, () => 0);

// ---- spans
const two = (value) => String(value).padStart(2, "0");
/** "48 s", "4 min 05 s", "1 h 05 min", "2 d 3 h". */
export const spanText = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s` : `${whole / 60} min`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return minutes % 60 ? `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min` : `${minutes / 60} h`;
  const hours = Math.floor(minutes / 60);
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
};
/** Without seconds from a minute on: "48 s", "7 min", "1 h 05 min". */
export const roughText = (seconds) => (seconds < 60 ? spanText(seconds) : spanText(Math.floor(seconds / 60) * 60));
export const secondsSince = (value) => Math.max(0, (now() - new Date(value).getTime()) / 1000);
export const secondsTo = (value) => Math.max(0, (new Date(value).getTime() - now()) / 1000);

const SOON = 0.75; // the share of the promised time after which it gets tight
/** ok, soon or late, and how much of the promised time is over; state "" where nothing is promised. */
export const slaNow = (item) => {
  if (!item.sla_due_at) return { state: "", share: 0 };
  const [from, due] = [new Date(item.entered_at).getTime(), new Date(item.sla_due_at).getTime()];
  const share = due > from ? (now() - from) / (due - from) : 1;
  return { state: share >= 1 ? "late" : share >= SOON ? "soon" : "ok", share: Math.min(1, Math.max(0, share)) };
};

// ---- words
export const dotOf = (queue) => (queue ? hueOfColor(queue.color, queue.id) : "slate");
export const firstName = (name) => String(name ?? "").trim().split(/\s+/)[0] ?? "";
export const listText = (names) => new Intl.ListFormat(getLang(), { type: "conjunction" }).format(names.map(String));
/** "sábado passado": the same day a week ago, as each language says it. */
export const weekAgo = () => say(`monitor.week_ago_${new Date(dayOf(now())).getUTCDay()}`);

/** "14:06" today, else with the weekday. */
export const clockTime = (value) => {
  return daysAway(value, now()) === 0 ? fmt.time(getLang(), value) : inZone(getLang(), value, { weekday: "short", hour: "2-digit", minute: "2-digit" });
};
const WHY = {
  nobody_free: ({ full = [], elsewhere = [] }) => [
    full.length ? say("monitor.why_part.full", { count: full.length, names: listText(full) }) : "",
    ...elsewhere.slice(0, 2).map((one) => say("monitor.why_part.elsewhere", { name: one.name, queues: listText(one.queues ?? []) })),
  ].filter(Boolean).join(" "),
  nobody_here: ({ away = [] }) => (away.length ? say("monitor.why_part.away", { count: away.length, names: listText(away) }) : ""),
  skill: ({ agents = [] }) =>
    agents.length
      ? say("monitor.why_part.skilled", { count: agents.length, names: listText(agents.map((one) => `${one.name} (${say(`monitor.status_low.${one.status}`)})`)) })
      : say("monitor.why_part.unskilled"),
  declined: ({ agents = [] }) => (agents.length ? say("monitor.why_part.declined", { count: agents.length, names: listText(agents) }) : ""),
  closed: ({ opens_at: opens }) => (opens ? say("monitor.why_part.opens", { time: clockTime(opens) }) : ""),
};
/** Why an item isn't assigned: `[what, the rest]`, both may be empty. Counts down, so it is asked for at each tick. */
export const whyText = (item) => {
  if (item.status === "offered" && item.offered_to) {
    const name = firstName(item.offered_to.name);
    return ["", item.offered_until ? say("monitor.why_part.offered", { name, span: spanText(secondsTo(item.offered_until)) }) : say("monitor.why_part.offered_open", { name })];
  }
  const { code, params = {} } = item.why ?? {};
  if (!code) return ["", ""];
  const given = { ...params, queue: params.queue ?? item.queue?.name ?? "", count: params.ahead ?? params.count ?? 0, skills: listText(params.skills ?? []), agent: firstName(params.agent) };
  if (code === "sticky" && params.until) given.span = spanText(secondsTo(params.until));
  return [sayIf(`monitor.why.${code}`, given), WHY[code] ? WHY[code](params) : sayIf(`monitor.why_more.${code}`, given)];
};

const OUTCOME = { completed: "jade", transferred: "blue", abandoned: "red", timeout: "amber", overflow: "amber" };
const GENERAL = { completed: ["", "completed", "closed"], abandoned: [""], transferred: [""], timeout: ["", "max_wait", "flow"], overflow: ["", "full"] };
/** What became of an ended item, in words, and its hue: what is known of the way it ended, else where it went, else why somebody said. */
export const outcomeOf = (item) => {
  const { status, outcome, moved_to: moved } = item;
  const same = !moved?.agent && moved?.queue && moved.queue === item.queue?.name;
  const to = same ? "" : firstName(moved?.agent) || moved?.queue || "";
  const hue = OUTCOME[status] ?? "slate";
  if (status === "overflow") return { words: to ? say(outcome === "max_wait" ? "monitor.outcome.overflow_max_wait_to" : "monitor.outcome.overflow_to", { name: to }) : sayIf(`monitor.outcome.overflow_${outcome}`) || say("monitor.outcome.overflow"), hue };
  if (status === "transferred" && !outcome.startsWith("agent_") && (to || same)) return { words: to ? say("monitor.outcome.to", { name: to }) : say("monitor.outcome.transferred_released"), hue };
  const known = sayIf(`monitor.outcome.${status}_${outcome}`) || (GENERAL[status]?.includes(outcome) ? say(`monitor.outcome.${status}`) : "");
  if (known) return { words: known, hue };
  return { words: status === "completed" ? outcome : status === "abandoned" ? say("monitor.outcome.abandoned_because", { reason: outcome }) : say(`monitor.outcome.${status}`), hue };
};
export const scoreHue = (score) => (score >= 4 ? "jade" : score >= 3 ? "amber" : "red");

// ---- agents
export const STATUS_HUE = { online: "jade", busy: "red", away: "amber", break: "amber", offline: "slate" };
export const atWork = (agent) => agent.status === "online" || agent.status === "busy";
export const hasRoom = (agent) => agent.load < agent.capacity;
/** Agents who can take first, then by name. */
const RANK = { online: 0, busy: 1, break: 2, away: 3, offline: 4 };
export const agentOrder = (a, b) => RANK[a.status] - RANK[b.status] || a.name.localeCompare(b.name);
export const faceOf = (person) => ({ initials: initials(person?.name), hue: hueOf(person?.id), picture: person?.avatar_url });
export const contactName = (item) => nameOf(item.contact);

// ---- orders of the columns
const by = (key) => (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
export const WAITING_SORTS = ["served", "longest", "queue", "name"];
export const SERVICE_SORTS = ["agent", "longest", "unanswered"];
export const PERIODS = ["today", "yesterday", "7d"];
export const sortWaiting = (items, order) =>
  order === "longest" ? [...items].sort(by((one) => one.entered_at)) : order === "queue" ? [...items].sort(by((one) => one.queue?.name ?? "")) : order === "name" ? [...items].sort((a, b) => contactName(a).localeCompare(contactName(b))) : items;
export const sortService = (items, order) =>
  order === "longest" ? [...items].sort(by((one) => one.assigned_at ?? "")) : order === "unanswered" ? [...items].sort((a, b) => (a.last_word?.by === "contact" ? 0 : 1) - (b.last_word?.by === "contact" ? 0 : 1) || by((one) => one.last_word?.at ?? "")(a, b)) : [...items].sort((a, b) => (a.agent?.name ?? "").localeCompare(b.agent?.name ?? "") || by((one) => one.assigned_at ?? "")(a, b));
