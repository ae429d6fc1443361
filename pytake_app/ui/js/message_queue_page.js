// The message queue: what its buttons and keys do, and the pieces of React that its Python views can't be.
import { createElement as h, useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import { api } from "$/public/pt_api.js";
import { fmt, tr, useLang } from "$/public/pt_i18n.js";
import { onPoke } from "$/public/pt_live.js";
import { sliceOf, whileVisible } from "$/public/pt_page_store.js";
import { comboOf, isTyping } from "$/public/pt_shell.js";
import { BASE, CLOSED, EVERY, find, mayAct, more, narrow, readAddress, refresh, refreshSoon, say, set, state, store, totalOf, wordFor } from "$/public/pt_message_queue_store.js";

const ACTS = { queued: "cancel", dead: "retry", inbound: "retry" };
const UNSURE = ["unsure", "no_answer", "bad_answer", "internal"];

const UNDO = 10000; // ms, as everywhere

const restore = async (undo, canceled) => {
  try {
    const { changed } = await api.post(`${BASE}/restore`, { undo });
    if (changed) toast.success(say("message_queue.done.restored", { count: changed }));
    if (changed < canceled) toast.info(say("message_queue.done.not_restored", { count: canceled - changed }));
    await refresh();
  } catch (error) {
    toast.error(wordFor(error));
  }
};
const send = async (act, ids, everything) => {
  if (state.busy) return;
  set({ busy: true, dialog: { ...state.dialog, open: false } });
  try {
    const inbound = state.tab === "inbound";
    const body = everything ? { everything: true, channel_account_id: state.account || null, priority: state.priority || null } : { ids: inbound ? ids.map(Number) : ids };
    const { changed, undo } = await api.post(inbound ? `${BASE}/inbound/retry` : `${BASE}/${act}`, body);
    const left = everything ? 0 : ids.length - changed;
    set({ selected: [], everything: false });
    const back = undo && { duration: UNDO, action: { label: say("common.undo"), onClick: () => restore(undo, changed) } };
    if (changed) toast.success(say(`message_queue.done.${inbound ? "inbound" : act}`, { count: changed }), back || undefined);
    if (left > 0) toast.info(say("message_queue.done.moved_on", { count: left }));
    await refresh();
  } catch (error) {
    toast.error(wordFor(error));
  } finally {
    set({ busy: false });
  }
};
const act = (wanted) => {
  const verb = ACTS[state.tab];
  if (!verb || !mayAct(state)) return;
  const everything = !wanted && state.everything;
  const ids = wanted ?? state.selected;
  if (!everything && !ids.length) return;
  const rows = ids.map(find).filter(Boolean);
  const unsure = verb === "retry" && state.tab === "dead" && (everything ? state.rows : rows).some((row) => UNSURE.includes(row.error?.reason) || row.error?.kind === "unsure");
  const ask = everything || unsure;
  if (!ask) return send(verb, ids, false);
  set({ dialog: { kind: verb, open: true, ids, everything, unsure, count: everything ? Math.max(0, totalOf(state)) : ids.length, name: ids.length === 1 ? (rows[0]?.contact_name ?? "") : "" } });
  return undefined;
};

/** What the page's buttons call. */
export const queue = {
  retry: () => {
    set({ phase: state.stats ? "ready" : "loading", loading: true, failed: "" });
    refresh();
  },
  tab: (tab) => tab !== state.tab && narrow({ tab }),
  priority: (priority) => narrow({ priority }),
  account: (account) => narrow({ account: state.account === account ? "" : account }),
  clear: () => narrow({ priority: "", account: "" }),
  more,
  chart: (table) => set({ table }),
  keys: (keys) => set({ keys }),
  select: (id, range) => {
    const ids = state.rows.map((row) => String(row.id));
    const before = state.everything ? ids : state.selected;
    if (range && state.anchor) {
      const [from, to] = [ids.indexOf(state.anchor), ids.indexOf(id)].sort((a, b) => a - b);
      set({ everything: false, selected: [...new Set([...before, ...ids.slice(Math.max(from, 0), to + 1)])] });
    } else set({ everything: false, anchor: id, selected: before.includes(id) ? before.filter((one) => one !== id) : [...before, id] });
  },
  selectAll: () => set({ everything: false, selected: state.everything || state.selected.length === state.rows.length ? [] : state.rows.map((row) => String(row.id)) }),
  everything: () => set({ everything: true }),
  unselect: () => set({ selected: [], everything: false }),
  act: (id) => act(id ? [id] : undefined),
  confirm: () => send(state.dialog.kind, state.dialog.ids, state.dialog.everything),
  close: () => set({ dialog: { ...state.dialog, open: false } }),
};

export const QueueSlice = sliceOf(store);

const here = () => document.activeElement?.closest?.(".mq-row");
const step = (by) => {
  const rows = [...document.querySelectorAll(".mq-row")];
  const at = rows.indexOf(here());
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
};
const mark = () => here() && ACTS[state.tab] && mayAct(state) && queue.select(here().dataset.id);
const open = () => {
  const row = here() && state.tab !== "inbound" && find(here().dataset.id);
  if (row) state.navigate?.(`/inbox?c=${row.conversation_id}`);
};
const go = (verb) => ACTS[state.tab] === verb && (state.selected.length || state.everything ? act() : here() && act([here().dataset.id]));
const KEYS = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), x: mark, " ": mark, Enter: open, r: () => go("retry"), c: () => go("cancel"),
  1: () => queue.tab("queued"), 2: () => queue.tab("moving"), 3: () => queue.tab("dead"), 4: () => queue.tab("inbound"), "?": () => queue.keys(true), Escape: () => queue.unselect(),
};

/** Opens the page: reads, listens, and knows the keys. `me` is `{id, role}`. */
export const QueueRoot = ({ me, children }) => {
  const navigate = useNavigate();
  const lang = useLang();
  useEffect(() => set({ navigate }), [navigate]);
  useEffect(() => set({ lang }), [lang]);
  useEffect(() => {
    if (me?.id) set({ me });
  }, [me?.id, me?.role]);
  useEffect(() => {
    readAddress();
    set({ dialog: CLOSED, busy: false, selected: [], everything: false, keys: false });
    refresh();
    const mine = ({ topic }) => topic === "live:reconnected" || (topic.startsWith("org:") && topic.endsWith(":conversations"));
    const stops = [onPoke("", (pokes) => document.visibilityState === "visible" && pokes.some(mine) && refreshSoon()), whileVisible(EVERY, refresh)];
    const keys = (event) => {
      const combo = comboOf(event);
      if (event.defaultPrevented || event.isComposing || !(combo in KEYS)) return;
      const box = event.target.matches?.("input[type=checkbox]");
      if (isTyping(event.target) && !box) return;
      if (document.querySelector('[role="dialog"][data-state="open"], [role="menu"][data-state="open"], .cp-scrim')) return;
      if ((combo === " " || combo === "Enter") && !event.target.matches?.(".mq-row")) return; // a control's own key
      event.preventDefault();
      KEYS[combo]();
    };
    window.addEventListener("keydown", keys);
    return () => {
      stops.forEach((stop) => stop());
      window.removeEventListener("keydown", keys);
    };
  }, []);
  return h("div", { className: "mq col", "data-testid": "message-queue" }, children);
};

/** The rows; each a `tr` around `view`. */
export const QueueRows = ({ view: View }) => {
  const { rows } = store.use("table");
  return h("tbody", null, rows.map((row) =>
    h("tr", { key: row.id, className: `mq-row${row.on ? " on" : ""}`, tabIndex: -1, "data-testid": "queue-row", "data-id": row.id, "data-state": row.state }, h(View, { item: row }))));
};

/** A row's checkbox, or without `id` the one for all rows; Shift marks everything in between. */
export const QueueMark = ({ id, on, label }) =>
  h("input", { type: "checkbox", className: "fl-check", checked: on, "aria-label": label, "data-testid": id ? "queue-mark" : "mark-all", onChange: () => {}, onClick: (event) => (id ? queue.select(id, event.shiftKey) : queue.selectAll()) });

/** A choice among `filters[name]` of the store. */
export const QueueFilter = ({ name, label }) => {
  const filters = store.use("filters");
  const options = name === "priority" ? filters.priorities : filters.accounts;
  if (!filters.shown) return null;
  return h("select", {
    className: "input mq-select", value: filters[name], "aria-label": label, "data-testid": `filter-${name}`,
    onChange: (event) => narrow({ [name]: event.target.value }),
  }, options.map(([value, words]) => h("option", { key: value, value }, words)));
};

const near = (lang, value) => {
  const seconds = Math.round((new Date(value).getTime() - Date.now()) / 1000);
  if (Math.abs(seconds) >= 60) return fmt.relative(lang, value);
  return new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" }).format(seconds, "second");
};
/** When: to the second under a minute; what should have happened by now is due. The exact time on hover. */
export const QueueWhen = ({ value, coming }) => {
  const lang = useLang();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const due = coming && new Date(value).getTime() <= Date.now();
  return h("time", { dateTime: value, title: fmt.exact(lang, value), suppressHydrationWarning: true }, due ? tr(lang, "message_queue.now_due") : near(lang, value));
};

// ---- the chart of the last half hour
const SERIES = ["received", "sent", "failed"];
const WIDTH = 600;
const HEIGHT = 100;
const niceTop = (most) => {
  if (most <= 4) return 4;
  const scale = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 3, 4, 6, 8, 10].map((step_) => step_ * scale).find((top) => top >= most);
};
/** Points of a line from minute `from` on. */
const lineOf = (minutes, name, top, from, to) =>
  minutes.slice(from, to).map((minute, i) => `${(((from + i) * WIDTH) / (minutes.length - 1)).toFixed(1)},${(HEIGHT - (minute[name] / top) * HEIGHT).toFixed(1)}`).join(" ");

/** Received, sent and failed by minute: lines with their totals, or a table. */
export const QueueChart = () => {
  const { minutes, table } = store.use("chart");
  const lang = useLang();
  const [at, look] = useState(-1);
  if (minutes.length < 2) return null;
  const top = niceTop(Math.max(...minutes.flatMap((minute) => SERIES.map((name) => minute[name]))));
  const sum = (name) => minutes.reduce((total, minute) => total + minute[name], 0);
  const last = minutes.length - 1;
  const n = (value) => fmt.number(lang, value);
  const words = (name) => tr(lang, `message_queue.series.${name}`);
  if (table) return h("div", { className: "mq-figures", tabIndex: 0, role: "region", "aria-label": tr(lang, "message_queue.chart") },
    h("table", { className: "tbl", "data-testid": "chart-table" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, tr(lang, "message_queue.minute")), SERIES.map((name) => h("th", { key: name, scope: "col", className: "r" }, words(name))))),
      h("tbody", null, [...minutes].reverse().map((minute) => h("tr", { key: minute.at }, h("th", { scope: "row" }, fmt.time(lang, minute.at)), SERIES.map((name) => h("td", { key: name, className: "r" }, n(minute[name]))))))));
  const shown = at >= 0 ? minutes[Math.min(at, minutes.length - 1)] : null;
  const follow = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    look(Math.round(((event.clientX - box.left) / box.width) * (minutes.length - 1)));
  };
  const summary = `${tr(lang, "message_queue.chart")}: ${SERIES.map((name) => `${words(name)} ${n(sum(name))}`).join(", ")}`;
  const left = `${(100 * Math.min(at, minutes.length - 1)) / (minutes.length - 1)}%`;
  return h("div", { className: "mq-chart" },
    h("div", { className: "mq-legend" },
      SERIES.map((name) => h("span", { key: name, className: `mq-key s-${name}` }, h("i", { "aria-hidden": true }), words(name), " ", h("b", { className: "tn" }, n(shown ? shown[name] : sum(name))))),
      h("span", { className: "muted tn mq-at" }, shown ? fmt.time(lang, shown.at) : tr(lang, "message_queue.half_hour"))),
    h("div", { className: "mq-plot" },
      h("div", { className: "mq-axis tn", "aria-hidden": true }, h("span", null, n(top)), h("span", null, n(top / 2)), h("span", null, "0")),
      h("div", { className: "mq-area", onPointerMove: follow, onPointerLeave: () => look(-1) },
        h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": summary },
          [0, 0.5, 1].map((part) => h("line", { key: part, x1: 0, x2: WIDTH, y1: HEIGHT * part, y2: HEIGHT * part, className: "grid" })),
          SERIES.map((name) => h("polyline", { key: name, points: lineOf(minutes, name, top, 0, last), className: `s-${name}`, fill: "none" })),
          // The running minute isn't over: its part of the line is dashed.
          SERIES.map((name) => h("polyline", { key: `${name}-now`, points: lineOf(minutes, name, top, last - 1, last + 1), className: `s-${name} now`, fill: "none" }))),
        shown ? h("i", { className: "mq-cursor", style: { left }, "aria-hidden": true }) : null)),
    h("div", { className: "mq-times tn", "aria-hidden": true }, [0, 10, 20, minutes.length - 1].map((i) => h("span", { key: i }, fmt.time(lang, minutes[i].at)))));
};
