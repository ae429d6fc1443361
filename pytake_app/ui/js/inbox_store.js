// The inbox's state and what is shown of it. Snapshots come by REST; pokes from the server say which conversation changed and
// only that one is read again. Nothing of it lives in server-side state. A component renders again when its slice changed.
import { useSyncExternalStore } from "react";
import { kept } from "$/public/pt_inbox_kit.js";
import { codeOf, logView, threadItems } from "$/public/pt_inbox_messages.js";
import { composerView, headView, panelView, rowView } from "$/public/pt_inbox_model.js";
import { may as grants } from "$/public/pt_rights.js";

export const BASE = "/api/v1/conversations";
export const NO_FILTERS = { status: "open", queue: "", channel: "", account: "", agent: "", tag: "", period: "", priority: "", handling: "", unread: false, snoozed: false, mentions_me: false, sort: "" };
const PREFS = { sound: true, desktop: false, enter: true, ...kept("pytake_inbox_prefs", {}) };
const listeners = new Set();

export const state = {
  me: null,
  tab: kept("pytake_inbox_tab", "all"),
  filters: { ...NO_FILTERS },
  query: "",
  counts: {},
  views: null, // saved views; null while nobody has read them
  view: "", // id of the saved view that the filters are
  rows: new Map(), // id → conversation, as the API gives it
  order: [], // ids as shown
  cursor: null,
  list: "loading", // loading | ready | error | offline | forbidden
  hits: null, // {items, phase} while somebody searches
  marked: new Set(), // ids for bulk actions
  drafts: new Set(), // ids where something is begun
  now: Date.now(),
  selected: null,
  detail: null,
  thread: "idle", // idle | loading | ready | error | missing
  messages: new Map(), // key → message; key = client id while sending, else the message's id
  turn: 0, // counts changes of messages and log
  older: null, // cursor of older messages
  newer: null, // cursor of newer ones, while the end of the thread isn't loaded
  part: 0, // counts the parts of threads that were jumped to
  log: [],
  contact: null,
  previous: null,
  item: null, // the queue item, when there is one
  first: 100000, // Virtuoso's index of the first item, lowered as older ones are put in front
  found: "", // key of the message that somebody jumped to
  mode: "reply",
  replyTo: "", // key of the message that is answered
  files: [], // attachments not sent yet
  panel: false,
  busy: "",
  error: "",
  others: [], // colleagues on this conversation: {id, name, writing}
  typing: false, // the contact writes
  scheduled: [],
  dialog: null, // {kind, …}
  prefs: PREFS,
  news: "", // said to screen readers
};

export const touchThread = () => {
  state.turn += 1;
};

const views = new Map(); // id → {row, key, view}
const rowFor = (id) => {
  const row = state.rows.get(id);
  const on = id === state.selected;
  const marked = state.marked.has(id);
  const draft = state.drafts.has(id);
  const minute = Math.floor(state.now / 15000);
  const old = views.get(id);
  if (old && old.row === row && old.on === on && old.marked === marked && old.draft === draft && old.minute === minute) return old.view;
  const view = rowView(row, { on, marked, draft, now: state.now });
  const kept = old && JSON.stringify(old.view) === JSON.stringify(view) ? old.view : view;
  views.set(id, { row, on, marked, draft, minute, view: kept });
  return kept;
};
let rows = [];
const rowsNow = () => {
  const next = state.order.filter((id) => state.rows.has(id)).map(rowFor);
  rows = next.length === rows.length && next.every((row, i) => row === rows[i]) ? rows : next;
  if (views.size > 4 * Math.max(200, rows.length)) views.clear();
  return rows;
};
let items = [];
let itemsTurn = -1;
const itemsNow = () => {
  if (itemsTurn === state.turn) return items;
  itemsTurn = state.turn;
  items = threadItems([...state.messages.values(), ...state.scheduled], state.log, items);
  return items;
};
/** Draw the thread anew: something that its words speak of is known now. */
export const redrawThread = () => {
  items = [];
  touchThread();
  emit();
};
/** The items of the open thread as they are now. */
export const currentItems = () => itemsNow();

const panelLog = () => [...state.log].sort((a, b) => b.at.localeCompare(a.at)).filter((entry) => codeOf(entry) !== "with_person").map(logView);

const compute = () => {
  const { detail } = state;
  const filled = Object.entries(state.filters).filter(([name, value]) => value && !(name === "status" && value === "open")).length + (state.filters.status === "open" ? 1 : 0);
  const quoted = state.replyTo ? state.messages.get(state.replyTo) : null;
  return {
    tabs: { tab: state.tab, view: state.view, mine: state.counts.mine ?? 0, unassigned: state.counts.unassigned ?? 0, all: state.counts.open ?? 0, views: state.views },
    filters: { ...state.filters, count: filled, query: state.query, view: state.view },
    list: { rows: rowsNow(), phase: state.list, more: Boolean(state.cursor), query: state.query, filtered: filled > 1 || state.filters.status !== "open" },
    hits: state.hits ? { ...state.hits, query: state.query, selected: state.selected } : null,
    marks: { count: state.marked.size, all: state.marked.size > 0 && state.order.every((id) => state.marked.has(id)) },
    thread: { items: itemsNow(), phase: state.thread, id: state.selected, first: state.first, older: Boolean(state.older), newer: Boolean(state.newer), part: state.part, found: state.found, query: state.found ? state.query : "" },
    rights: { may_write: grants(state.me, "conversations:handle"), reactions: Boolean(detail && detail.channel === "whatsapp" && detail.handling !== "bot") },
    head: detail ? { ...headView(detail, state.me), busy: state.busy, me: state.me?.id ?? "" } : null,
    composer: detail && state.thread !== "missing" ? { ...composerView(detail, state.me, state.mode), busy: state.busy, error: state.error, reply: quoted ? { text: quoted.text ?? "", type: quoted.type, who: quoted.author_name ?? "", mine: quoted.direction !== "in" } : null, enter: state.prefs.enter, turn: state.turn < 0 } : null,
    files: { list: state.files },
    people: { others: state.others, typing: state.typing },
    panel: detail ? { ...panelView(detail, state.contact), item: state.item, may_write: grants(state.me, "conversations:handle"), may_edit: grants(state.me, "contacts:edit"), mine: Boolean(detail.assignee && detail.assignee.id === state.me?.id) } : null,
    history: detail ? { log: panelLog(), previous: state.previous, people: state.people?.length ?? 0 } : null,
    layout: { open: Boolean(state.selected), panel: state.panel, phase: state.thread },
    dialog: state.dialog ? { ...state.dialog } : null,
    prefs: { ...state.prefs },
    news: { text: state.news },
  };
};

const DEEP = new Set(["composer", "panel", "history", "hits", "people", "files", "dialog", "tabs", "head"]);
const same = (a, b, deep) => {
  if (Object.is(a, b)) return true;
  if (!a || !b || typeof a !== "object" || typeof b !== "object") return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => (deep ? same(a[key], b[key], true) : Object.is(a[key], b[key])));
};
let slices = {};
export const emit = () => {
  const next = compute();
  for (const key of Object.keys(next)) if (same(next[key], slices[key], DEEP.has(key))) next[key] = slices[key];
  slices = next;
  listeners.forEach((listener) => listener());
};
export const set = (patch) => {
  Object.assign(state, patch);
  emit();
};
slices = compute();
const first = slices; // as of the prepared page, whose parts may wake up after the first answer

const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
/** One slice of the store. */
export const useInbox = (name) => useSyncExternalStore(subscribe, () => slices[name], () => first[name]);

/** An id of ours for a message: sending it twice sends it once. */
export const newClientId = () => (crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(""));
/** Say something to screen readers. */
export const announce = (text) => set({ news: text === state.news ? `${text}\u00a0` : text });
