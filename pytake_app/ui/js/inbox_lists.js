// The list's side of the store: reading, filters, saved views, search, marks for bulk actions.
import { api } from "$/public/pt_api.js";
import { keep, say, tell, wordsOf } from "$/public/pt_inbox_kit.js";
import { BASE, NO_FILTERS, set, state } from "$/public/pt_inbox_store.js";
import { reading } from "$/public/pt_inbox_told.js";

const PAGE = 50;
const AT_ONCE = 200; // as many as the server takes
const STATUSES = { open: ["open", "pending"], closed: ["closed", "archived"] };

const TABS = { mine: "me", unassigned: "none" };
/** The filters as the server knows them: parameters of the list, and what a saved view keeps. */
const whereOf = () => {
  const { filters } = state;
  const where = {};
  if (STATUSES[filters.status]) where.status = STATUSES[filters.status];
  const agent = TABS[state.tab] ?? filters.agent;
  if (agent) where.agent = agent;
  for (const name of ["channel", "period", "sort"]) if (filters[name]) where[name] = filters[name];
  for (const name of ["tag", "priority", "handling"]) if (filters[name]) where[name] = filters[name].split(",");
  if (filters.queue) where.queue_id = filters.queue;
  if (filters.account) where.channel_account_id = filters.account;
  for (const name of ["unread", "mentions_me"]) if (filters[name]) where[name] = true;
  if (filters.snoozed) where.snoozed = true;
  else if (filters.status === "open") where.snoozed = false;
  return where;
};
/** A saved view's filters as this page shows them. */
const filtersOf = (where) => {
  const status = !where.status?.length ? "" : where.status.includes("open") ? "open" : "closed";
  const tab = { me: "mine", none: "unassigned" }[where.agent] ?? "all";
  return { tab, filters: { ...NO_FILTERS, status, agent: tab === "all" ? (where.agent ?? "") : "", queue: where.queue_id ?? "", channel: where.channel ?? "", account: where.channel_account_id ?? "", tag: where.tag?.join(",") ?? "", period: where.period ?? "", priority: where.priority?.join(",") ?? "", handling: where.handling?.join(",") ?? "", unread: Boolean(where.unread), snoozed: Boolean(where.snoozed), mentions_me: Boolean(where.mentions_me), sort: where.sort && where.sort !== "newest" ? where.sort : "" } };
};
const listQuery = (cursor) => {
  const query = new URLSearchParams({ limit: String(PAGE) });
  for (const [name, value] of Object.entries(whereOf())) for (const one of [value].flat()) query.append(name, String(one));
  if (cursor) query.set("cursor", cursor);
  return `${BASE}?${query}`;
};

const RANKS = ["low", "medium", "high", "urgent"];
const activity = (row) => row.last_message?.at ?? row.created_at;
/** Which of two comes first; `other` is what row `b` will be. */
const before = (a, b, other) => {
  const [x, y] = [state.rows.get(a), other ?? state.rows.get(b)];
  const { sort } = state.filters;
  if (sort === "oldest") return activity(x).localeCompare(activity(y)) || a.localeCompare(b);
  if (sort === "waiting") return (x.waiting_since ?? "9").localeCompare(y.waiting_since ?? "9") || activity(x).localeCompare(activity(y));
  if (sort === "priority" && x.priority !== y.priority) return RANKS.indexOf(y.priority) - RANKS.indexOf(x.priority);
  if (sort === "unread" && !x.unread_count !== !y.unread_count) return x.unread_count ? -1 : 1;
  return activity(y).localeCompare(activity(x)) || b.localeCompare(a);
};

let run = 0;
export const loadList = async () => {
  const mine = ++run;
  try {
    const [page, counts] = await reading(() => Promise.all([api.get(listQuery()), api.get(`${BASE}/stats`)]));
    if (mine !== run) return;
    state.rows = new Map(page.items.map((row) => [row.id, row]));
    state.marked = new Set([...state.marked].filter((id) => state.rows.has(id)));
    set({ order: page.items.map((row) => row.id), cursor: page.next_cursor, counts, list: "ready" });
  } catch (error) {
    if (mine === run) set({ list: error.status === 0 ? "offline" : error.status === 403 ? "forbidden" : "error" });
  }
};
let loadingMore = false;
export const loadMore = async () => {
  if (!state.cursor || loadingMore) return;
  loadingMore = true;
  const mine = run;
  try {
    const page = await reading(() => api.get(listQuery(state.cursor)));
    if (mine !== run) return;
    page.items.forEach((row) => state.rows.set(row.id, row));
    set({ order: [...new Set([...state.order, ...page.items.map((row) => row.id)])], cursor: page.next_cursor });
  } catch (error) {
    if (error.status !== 0) tell(wordsOf(error), "error");
  } finally {
    loadingMore = false;
  }
};

const belongs = (row) => {
  const { filters } = state;
  if (filters.status && !STATUSES[filters.status].includes(row.status)) return false;
  const asleep = row.snoozed_until && new Date(row.snoozed_until) > Date.now();
  if (filters.snoozed ? !asleep : asleep && filters.status === "open") return false;
  if (state.tab === "mine" && row.assignee?.id !== state.me?.id) return false;
  if (state.tab === "unassigned" && row.assignee) return false;
  if (filters.agent && state.tab === "all" && row.assignee?.id !== (filters.agent === "me" ? state.me?.id : filters.agent) && !(filters.agent === "none" && !row.assignee)) return false;
  if (filters.channel && row.channel !== filters.channel) return false;
  if (filters.account && row.channel_account_id !== filters.account) return false;
  if (filters.priority && !filters.priority.split(",").includes(row.priority)) return false;
  if (filters.handling && !filters.handling.split(",").includes(row.handling)) return false;
  if (filters.unread && !row.unread_count && row.id !== state.selected) return false;
  if ((filters.queue || filters.tag || filters.period || filters.mentions_me) && !state.rows.has(row.id)) return false; // the server decides these when it is asked again
  return true;
};
/** A conversation as it is now: into the list, to its place in it, or out of it. The others are in order: only its place is looked for. */
export const putRow = (row) => {
  if (!belongs(row)) return dropRow(row.id);
  const stays = state.rows.has(row.id) && before(row.id, row.id, row) === 0;
  state.rows.set(row.id, row);
  if (stays && state.order.includes(row.id)) return undefined;
  const order = state.order.filter((id) => id !== row.id && state.rows.has(id));
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(order[middle], row.id) < 0) low = middle + 1;
    else high = middle;
  }
  order.splice(low, 0, row.id);
  state.order = order;
  return undefined;
};
export const dropRow = (id) => {
  state.rows.delete(id);
  state.order = state.order.filter((other) => other !== id);
  state.marked.delete(id);
};
export const loadCounts = async () => {
  const counts = await api.get(`${BASE}/stats`).catch(() => null); // the next poke asks again
  if (counts) set({ counts });
};

const reload = (patch) => {
  set({ ...patch, list: "loading", rows: new Map(), order: [], cursor: null, marked: new Set() });
  loadList();
};

let typing = null;
let search = null;
const find = async (text) => {
  search?.abort();
  search = new AbortController();
  const { signal } = search;
  try {
    const page = await api.get(`${BASE}/search?q=${encodeURIComponent(text)}&limit=40`, { signal });
    if (!signal.aborted) set({ hits: { phase: "ready", items: page.items, cursor: page.next_cursor } });
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    set({ hits: { phase: error.status === 0 ? "offline" : "error", items: [] } });
  }
};

/** What was said longer ago. Pages may be short: what one doesn't see is left out of them. */
const findMore = async () => {
  const { hits, query } = state;
  if (!hits?.cursor || hits.more) return;
  set({ hits: { ...hits, more: true } });
  try {
    const page = await api.get(`${BASE}/search?q=${encodeURIComponent(query)}&limit=40&cursor=${encodeURIComponent(hits.cursor)}`);
    if (state.hits?.items !== hits.items) return;
    set({ hits: { phase: "ready", items: [...hits.items, ...page.items], cursor: page.next_cursor } });
  } catch (error) {
    if (state.hits?.items === hits.items) set({ hits: { ...hits, more: false } });
    tell(wordsOf(error), "error");
  }
};

export const lists = {
  reload: () => reload({}),
  tab: (tab) => {
    keep("pytake_inbox_tab", tab);
    reload({ tab, view: "" });
  },
  filter: (patch) => reload({ filters: { ...state.filters, ...patch }, view: "" }),
  clear: () => reload({ filters: { ...NO_FILTERS }, view: "" }),
  query: (text) => {
    clearTimeout(typing);
    const wanted = text.trim();
    if (wanted.length < 2) {
      search?.abort();
      set({ query: wanted, hits: null });
      return;
    }
    set({ query: wanted, hits: { phase: state.hits?.items?.length ? "ready" : "loading", items: state.hits?.items ?? [] } });
    typing = setTimeout(() => find(wanted), 200);
  },
  searchAgain: () => state.query && find(state.query),
  moreHits: findMore,
  more: loadMore,

  // ---- saved views
  loadViews: async () => {
    const page = await api.get("/api/v1/inbox-views").catch(() => null);
    set({ views: page?.items ?? [] });
  },
  useView: (id) => {
    const view = state.views?.find((one) => one.id === id);
    if (!view) return;
    reload({ view: id, ...filtersOf(view.where) });
  },
  saveView: async (name, shared) => {
    try {
      const view = await api.post("/api/v1/inbox-views", { name, shared, where: whereOf() });
      set({ views: [...(state.views ?? []), view], view: view.id, dialog: null });
      tell(say("inbox_more.view_saved", { name }), "success");
    } catch (error) {
      tell(wordsOf(error), "error");
    }
  },
  dropView: async (id) => {
    const view = state.views.find((one) => one.id === id);
    set({ views: state.views.filter((one) => one.id !== id), view: state.view === id ? "" : state.view });
    try {
      await api.delete(`/api/v1/inbox-views/${id}`);
    } catch (error) {
      set({ views: [...state.views, view] });
      tell(wordsOf(error), "error");
    }
  },

  // ---- marks
  mark: (id, on) => {
    const marked = new Set(state.marked);
    if (on ?? !marked.has(id)) marked.add(id);
    else marked.delete(id);
    set({ marked });
  },
  markTo: (id) => {
    const [a, b] = [state.order.indexOf([...state.marked].at(-1)), state.order.indexOf(id)];
    if (a < 0) return lists.mark(id, true);
    return set({ marked: new Set([...state.marked, ...state.order.slice(Math.min(a, b), Math.max(a, b) + 1)]) });
  },
  markAll: () => set({ marked: new Set(state.order.every((id) => state.marked.has(id)) ? [] : state.order) }),
  unmark: () => set({ marked: new Set() }),
  bulk: async (action, extra = {}) => {
    const ids = [...state.marked];
    if (!ids.length) return;
    set({ busy: "bulk" });
    try {
      const answer = { done: 0, failed: 0 };
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        const part = await api.post(`${BASE}/bulk`, { ids: ids.slice(at, at + AT_ONCE), action, ...extra });
        answer.done += part.done;
        answer.failed += part.failed;
      }
      if (answer.done) tell(say("inbox_more.bulk_done", { count: answer.done }), "success");
      if (answer.failed) tell(say("inbox_more.bulk_left", { count: answer.failed }), "warning");
      set({ marked: new Set(), dialog: null });
      await loadList();
    } catch (error) {
      tell(wordsOf(error), "error");
    } finally {
      set({ busy: "" });
    }
  },
};
