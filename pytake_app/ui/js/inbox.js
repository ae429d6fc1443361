// The inbox's store: what the list, the thread and the panel show. Snapshots come by REST; pokes from the server say
// which conversation changed and only that one is read again. Nothing of it lives in server-side state.
import { useSyncExternalStore } from "react";
import { api } from "$/public/pt_api.js";
import { onPoke } from "$/public/pt_live.js";
import { rowView, threadItems, headView, composerView, panelView } from "$/public/pt_inbox_model.js";

const BASE = "/api/v1/conversations";
const PAGE = 50;
const listeners = new Set();

const state = {
  me: null,
  tab: "all",
  status: "open",
  query: "",
  counts: {},
  rows: new Map(), // id → conversation, as the API gives it
  order: [], // ids, newest activity first
  cursor: null,
  list: "loading", // loading | ready | error | offline
  selected: null,
  detail: null,
  thread: "idle", // idle | loading | ready | error | missing
  messages: new Map(), // key → message; key = client id while sending, else the message's id
  older: null, // cursor of older messages
  log: [],
  contact: null,
  previous: [],
  first: 100000, // Virtuoso's index of the first item, lowered as older ones are put in front
  mode: "reply",
  panel: false,
  busy: "",
  error: "",
};
let slices = {};
let cachedItems = [];

const same = (a, b) => {
  if (a === b) return true;
  if (!a || !b || typeof a !== "object" || typeof b !== "object") return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
};

const compute = () => {
  const rows = state.order.map((id) => rowView(state.rows.get(id), id === state.selected));
  const old = slices.list?.rows ?? [];
  const kept = rows.map((row, i) => (same(row, old[i]) ? old[i] : row));
  const stable = kept.length === old.length && kept.every((row, i) => row === old[i]) ? old : kept;
  const conversation = state.detail;
  cachedItems = threadItems([...state.messages.values()], state.log, cachedItems);
  return {
    tabs: { tab: state.tab, status: state.status, query: state.query, mine: state.counts.mine ?? 0, unassigned: state.counts.unassigned ?? 0, all: state.counts.open ?? 0 },
    list: { rows: stable, phase: state.list, more: Boolean(state.cursor), query: state.query, empty: stable.length === 0 },
    thread: { items: cachedItems, phase: state.thread, id: state.selected, first: state.first, older: Boolean(state.older) },
    head: conversation ? headView(conversation, state.me, state.busy) : null,
    composer: conversation ? composerView(conversation, state.me, state.mode, state.busy, state.error) : null,
    panel: conversation ? panelView(conversation, state.contact, state.log, state.previous) : null,
    layout: { open: Boolean(state.selected), panel: state.panel, phase: state.thread },
  };
};

const emit = () => {
  const next = compute();
  for (const key of Object.keys(next)) if (same(next[key], slices[key])) next[key] = slices[key];
  slices = next;
  listeners.forEach((listener) => listener());
};
const set = (patch) => {
  Object.assign(state, patch);
  emit();
};
slices = compute();

const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
/** One slice of the store; the component renders again only when that slice changed. */
export const useInbox = (name) => useSyncExternalStore(subscribe, () => slices[name], () => slices[name]);

// ---- list
const listQuery = (cursor) => {
  const query = new URLSearchParams({ limit: String(PAGE) });
  for (const status of state.status === "open" ? ["open", "pending"] : state.status === "closed" ? ["closed", "archived"] : []) query.append("status", status);
  if (state.tab !== "all") query.set("assignee", state.tab);
  if (state.query) query.set("q", state.query);
  if (cursor) query.set("cursor", cursor);
  return `${BASE}?${query}`;
};
const activity = (row) => row.last_message?.at ?? row.created_at;
const sorted = (ids) =>
  [...new Set(ids)].sort((a, b) => {
    const [x, y] = [state.rows.get(a), state.rows.get(b)];
    return activity(y).localeCompare(activity(x)) || b.localeCompare(a);
  });
let listRun = 0;
const loadList = async () => {
  const run = ++listRun;
  try {
    const [page, counts] = await Promise.all([api.get(listQuery()), api.get(`${BASE}/stats`)]);
    if (run !== listRun) return;
    state.rows = new Map(page.items.map((row) => [row.id, row]));
    set({ order: page.items.map((row) => row.id), cursor: page.next_cursor, counts, list: "ready" });
  } catch (error) {
    if (run === listRun) set({ list: error.status === 0 ? "offline" : error.status === 403 ? "forbidden" : "error" });
  }
};
const loadMore = async () => {
  if (!state.cursor || state.more) return;
  state.more = true;
  const run = listRun;
  try {
    const page = await api.get(listQuery(state.cursor));
    if (run !== listRun) return;
    page.items.forEach((row) => state.rows.set(row.id, row));
    set({ order: [...new Set([...state.order, ...page.items.map((row) => row.id)])], cursor: page.next_cursor });
  } catch (error) {
    if (error.status !== 0) set({ list: "error" });
  } finally {
    state.more = false;
  }
};
const belongs = (row) => {
  if (state.query) return state.rows.has(row.id);
  if (state.status && row.status !== state.status && !(state.status === "open" && row.status === "pending")) return false;
  if (state.tab === "mine") return row.assignee?.id === state.me?.id;
  if (state.tab === "unassigned") return !row.assignee;
  return true;
};
const putRow = (row) => {
  if (belongs(row)) {
    state.rows.set(row.id, row);
    state.order = sorted([...state.order.filter((id) => state.rows.has(id)), row.id]);
  } else {
    state.rows.delete(row.id);
    state.order = state.order.filter((id) => id !== row.id);
  }
};

// ---- thread
const keyOf = (message) => message.client_id || message.id;
const putMessages = (messages) => messages.forEach((message) => state.messages.set(keyOf(message), message));
const messagesUrl = (id, cursor) => `${BASE}/${id}/messages?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
let threadRun = 0;
const loadThread = async (id, { quiet = false } = {}) => {
  const run = quiet ? threadRun : ++threadRun;
  if (!quiet) set({ thread: "loading", messages: new Map(), log: [], contact: null, previous: [], older: null, first: 100000, error: "" });
  try {
    const [detail, page, log] = await Promise.all([api.get(`${BASE}/${id}`), api.get(messagesUrl(id)), api.get(`${BASE}/${id}/automation-log?limit=100`)]);
    if (run !== threadRun || state.selected !== id) return;
    putMessages(page.items);
    putRow(detail);
    set({ detail, thread: "ready", log: log.items, older: quiet ? state.older : page.next_cursor });
    if (!quiet) loadPanel(detail, run);
    markRead(detail);
  } catch (error) {
    if (run !== threadRun || quiet) return;
    set({ thread: error.status === 404 || error.status === 422 ? "missing" : "error" });
  }
};
const loadPanel = async (detail, run) => {
  const [page, contact] = await Promise.all([
    api.get(`${BASE}?contact_id=${detail.contact.id}&limit=6`).catch(() => ({ items: [] })),
    api.get(`/api/v1/contacts/${detail.contact.id}`).catch(() => null),
  ]);
  if (run === threadRun) set({ contact, previous: page.items.filter((row) => row.id !== detail.id) });
};
const loadOlder = async () => {
  const { selected: id, older } = state;
  if (!older || state.loadingOlder) return;
  state.loadingOlder = true;
  try {
    const page = await api.get(messagesUrl(id, older));
    if (state.selected !== id) return;
    const before = cachedItems.length;
    putMessages(page.items);
    state.older = page.next_cursor;
    const grown = threadItems([...state.messages.values()], state.log, cachedItems).length - before;
    set({ first: state.first - grown });
  } catch (error) {
    if (error.status !== 0) set({ error: error.code });
  } finally {
    state.loadingOlder = false;
  }
};
const markRead = (detail) => {
  if (detail.unread_count > 0 && document.visibilityState === "visible")
    api.patch(`${BASE}/${detail.id}/read`, {}).catch((error) => set({ error: error.code }));
};

// ---- live
const dirty = new Set();
let timer = null;
// At once after a calm moment; while much is going on the list is read about once a second, whatever the number of pokes.
const CALM_MS = 120;
const BUSY_MS = 1000;
let refreshed = 0;
let quick = false;
const refresh = async () => {
  timer = null;
  quick = false;
  refreshed = Date.now();
  const ids = [...dirty];
  dirty.clear();
  if (ids.length > 20) return void loadList();
  await Promise.all(
    ids.map(async (id) => {
      if (id === state.selected) return loadThread(id, { quiet: true });
      try {
        putRow(await api.get(`${BASE}/${id}`));
      } catch (error) {
        if (error.status === 404) {
          state.rows.delete(id);
          state.order = state.order.filter((other) => other !== id);
        }
      }
    }),
  );
  emit();
  const counts = await api.get(`${BASE}/stats`).catch(() => null);
  if (counts) set({ counts });
};
/** The server says that conversations changed; read those again. */
const onPokes = (pokes) => {
  for (const poke of pokes) {
    if (poke.topic === "live:reconnected") {
      loadList();
      if (state.selected) loadThread(state.selected, { quiet: true });
    } else if (poke.conversation_id) dirty.add(poke.conversation_id);
  }
  // The open conversation is not kept waiting by a slow turn that stands already.
  const mine = dirty.has(state.selected);
  if (!dirty.size || (timer && (quick || !mine))) return;
  clearTimeout(timer);
  quick = mine || Date.now() - refreshed > 2 * BUSY_MS;
  timer = setTimeout(refresh, quick ? CALM_MS : BUSY_MS);
};

// ---- acts
const act = async (name, method, path, body) => {
  const id = state.selected;
  set({ busy: name, error: "" });
  try {
    await api[method](`${BASE}/${id}${path}`, body);
    if (state.selected === id) await loadThread(id, { quiet: true });
  } catch (error) {
    set({ error: error.code });
  } finally {
    set({ busy: "" });
  }
};
const draftKey = (id) => `pytake_draft_${id}`;
const deliver = async (id, local) => {
  try {
    const body = { text: local.text, client_id: local.client_id };
    const saved = await api.post(`${BASE}/${id}/${local.direction === "note" ? "notes" : "messages"}`, body);
    if (state.selected !== id) return;
    state.messages.delete(local.client_id);
    putMessages([saved]);
    emit();
  } catch (error) {
    if (state.selected !== id) return;
    state.messages.set(local.client_id, { ...local, status: "unsent", problem: error.code });
    set({ error: error.code });
  }
};
const newClientId = () => (crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(""));

export const inbox = {
  /** Called once with who is signed in and which conversation the address names. */
  open: (me, id) => {
    if (me && !state.me) state.me = me;
    if (state.list === "loading") loadList();
    if (id && id !== state.selected) inbox.select(id, false);
  },
  reload: () => {
    set({ list: "loading" });
    loadList();
  },
  reloadThread: () => state.selected && loadThread(state.selected),
  tab: (tab) => {
    set({ tab, list: "loading", rows: new Map(), order: [] });
    loadList();
  },
  status: (status) => {
    set({ status, list: "loading", rows: new Map(), order: [] });
    loadList();
  },
  query: (text) => {
    state.query = text;
    clearTimeout(state.typing);
    state.typing = setTimeout(loadList, 250);
    emit();
  },
  more: loadMore,
  older: loadOlder,
  select: (id, push = true) => {
    if (push) window.history.pushState(null, "", id ? `/inbox?c=${id}` : "/inbox");
    set({ selected: id, detail: id ? (state.rows.get(id) ?? null) : null, mode: "reply", panel: false, thread: id ? "loading" : "idle" });
    if (id) loadThread(id);
  },
  step: (delta) => {
    const at = state.order.indexOf(state.selected);
    const id = state.order[Math.max(0, Math.min(state.order.length - 1, at + delta))];
    if (id && id !== state.selected) inbox.select(id);
  },
  back: () => inbox.select(null),
  panel: () => set({ panel: !state.panel }),
  mode: (mode) => {
    set({ mode });
    requestAnimationFrame(() => document.getElementById("composer")?.focus());
  },
  takeOver: () => act("take_over", "post", "/take-over", {}),
  giveBack: () => act("give_back", "post", "/give-back", {}),
  close: () => act("close", "patch", "/status", { status: "closed" }),
  reopen: () => act("reopen", "patch", "/status", { status: "open" }),
  draft: () => {
    try {
      return localStorage.getItem(draftKey(state.selected)) ?? "";
    } catch {
      return ""; // storage is blocked: drafts last as long as the page
    }
  },
  keepDraft: (text) => {
    try {
      if (text) localStorage.setItem(draftKey(state.selected), text);
      else localStorage.removeItem(draftKey(state.selected));
    } catch {
      state.unsaved = text; // storage is blocked
    }
  },
  send: () => {
    const box = document.getElementById("composer");
    const text = box?.value.trim();
    if (!text || !state.selected) return;
    const local = { id: newClientId(), text, type: "text", author: state.me?.id, author_kind: "agent", author_name: state.me?.name, created_at: new Date().toISOString(), status: "sending", errors: [] };
    local.client_id = local.id;
    local.direction = state.mode === "note" ? "note" : "out";
    state.messages.set(local.client_id, local);
    box.value = "";
    inbox.keepDraft("");
    set({ error: "" });
    deliver(state.selected, local);
  },
  retry: (key) => {
    const local = state.messages.get(key);
    if (!local || local.status !== "unsent") return;
    const again = { ...local, status: "sending", problem: "" };
    state.messages.set(key, again);
    emit();
    deliver(state.selected, again);
  },
  insert: (text) => {
    const box = document.getElementById("composer");
    if (!box) return;
    box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
    inbox.keepDraft(box.value);
    box.focus();
  },
  composerKey: (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      inbox.send();
    }
  },
  combo: (combo) => {
    const acts = { j: () => inbox.step(1), k: () => inbox.step(-1), r: () => inbox.mode("reply"), n: () => inbox.mode("note"), a: () => state.detail && inbox.takeOver(), e: () => state.detail && inbox.close() };
    acts[combo]?.();
  },
};

if (typeof window !== "undefined") {
  const named = () => new URLSearchParams(window.location.search).get("c");
  onPoke("org:", onPokes);
  window.addEventListener("popstate", () => window.location.pathname.startsWith("/inbox") && inbox.select(named(), false));
  document.addEventListener("visibilitychange", () => state.detail && state.thread === "ready" && markRead(state.detail));
}
