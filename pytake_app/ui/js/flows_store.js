// The list of flows as the browser keeps it: one page after the other from the server, filters and selection, folders and
// saved views beside it, and the plain values that the page's views show.
import { api } from "$/public/pt_api.js";
import { getLang, tr, trKey } from "$/public/pt_i18n.js";
import { makeStore } from "$/public/pt_page_store.js";
import { may as grants } from "$/public/pt_rights.js";

export const BASE = "/api/v1/flows";
const PAGE = 50;
const MOST = 200; // what the server answers at once
const SIDE = "pytake_flows_side";
export const say = (key, params) => tr(getLang(), key, params);

export const CLOSED = { kind: "", id: "", ids: [], open: false, name: "", problem: "", running: false, starter: "", file: "", errors: [], touched: false, folder: "", parent: "", reports: [] };
const FILTERS = { q: "", status: "", folder: "", tag: "", archived: false, errors: false, sort: "updated", descending: true };

const remembered = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
};
const fromAddress = () => {
  const found = new URLSearchParams(globalThis.location?.search ?? "");
  const out = { ...FILTERS };
  for (const name of ["q", "status", "folder", "tag", "sort"]) if (found.has(name)) out[name] = found.get(name);
  for (const name of ["archived", "errors"]) out[name] = found.get(name) === "1";
  if (found.has("up")) out.descending = false;
  return out;
};

// ---- what the page shows
const wordsOf = (flow) => [...new Set(flow.triggers.flatMap((trigger) => (trigger.kind === "keyword" ? trigger.words : trigger.kind === "template" ? [trigger.template_name] : [])))];
const kindOf = (flow) => ["keyword", "template", "universal", "event", "schedule", "webhook", "start"].find((kind) => flow.triggers.some((trigger) => trigger.kind === kind)) ?? "none";
const initials = (name) => {
  const words = String(name).split(/\s+/).filter(Boolean);
  return (words.length < 2 ? words : [words[0], words[words.length - 1]]).map((word) => word[0]).join("").toUpperCase();
};
const HUES = ["violet", "cyan", "plum", "blue", "amber", "jade"];
const hueOf = (id) => HUES[[...String(id)].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973, 7) % HUES.length];
const percent = (share) => new Intl.NumberFormat(getLang(), { style: "percent", maximumFractionDigits: 0 }).format(share);

/** Points of a line through counts, in a box of 60 by 18. */
const spark = (counts) => {
  const top = Math.max(...counts, 1);
  return counts.map((count, i) => `${((i * 60) / Math.max(1, counts.length - 1)).toFixed(1)},${(17 - (count / top) * 15).toFixed(1)}`).join(" ");
};

const figuresOf = (flow) => {
  const days = (flow.figures?.days ?? []).map((day) => day.started);
  const sessions = flow.figures?.sessions ?? 0;
  const today = days[days.length - 1] ?? 0;
  const before = days[days.length - 8] ?? 0;
  const change = before ? (today - before) / before : 0;
  const rate = flow.figures?.completion_rate ?? null;
  return {
    any: sessions > 0, sessions, today, spark: sessions ? spark(days) : "",
    change: before && change ? percent(Math.abs(change)) : "", rising: change > 0,
    done: rate === null ? "" : percent(rate), done_width: rate === null ? "0%" : `${Math.round(rate * 100)}%`,
    handed: sessions && flow.figures.handed_off ? percent(flow.figures.handed_off / sessions) : "",
  };
};

const pathOf = (library, id) => {
  const names = [];
  const byId = new Map((library?.folders ?? []).map((folder) => [folder.id, folder]));
  for (let at = byId.get(id); at && names.length < 10; at = byId.get(at.parent_id)) names.unshift(at.name);
  return names.join(" / ");
};

function rowOf(flow, edit, now) {
  const words = wordsOf(flow);
  return {
    id: flow.id, href: `/flows/${flow.id}`, name: flow.name, blocks: flow.node_count, status: flow.status,
    version: flow.live_version ?? 0, changes: flow.live_version ? flow.draft_changes : 0, errors: flow.draft_errors ?? 0,
    kind: kindOf(flow), words: words.slice(0, 3).join(", ") + (words.length > 3 ? ` +${words.length - 3}` : ""), all_words: words.join(", "),
    running: flow.running_sessions, updated: flow.updated_at, edit, archived: Boolean(flow.archived_at),
    folder: now.filters.folder ? "" : pathOf(now.library, flow.folder_id), tags: (flow.tags ?? []).slice(0, 3), more_tags: Math.max(0, (flow.tags ?? []).length - 3),
    by: flow.updated_by_name ?? "", by_initials: initials(flow.updated_by_name ?? ""), by_hue: hueOf(flow.updated_by ?? ""),
    on: now.selected.includes(flow.id), ...figuresOf(flow),
  };
}

/** Folders as a flat list in tree order, each with its depth and the count of everything in it. */
export const treeOf = (library, folded = []) => {
  const children = new Map();
  for (const folder of library?.folders ?? []) (children.get(folder.parent_id ?? "") ?? children.set(folder.parent_id ?? "", []).get(folder.parent_id ?? "")).push(folder);
  const total = (folder) => folder.flows + (children.get(folder.id) ?? []).reduce((sum, child) => sum + total(child), 0);
  const out = [];
  const walk = (parent, depth) => {
    for (const folder of children.get(parent) ?? []) {
      const inside = (children.get(folder.id) ?? []).length > 0;
      out.push({ id: folder.id, name: folder.name, depth, count: total(folder), inside, open: !folded.includes(folder.id), parent });
      if (!folded.includes(folder.id)) walk(folder.id, depth + 1);
    }
  };
  walk("", 0);
  return out;
};

const chips = ({ filters, library }) => [
  ...(filters.folder ? [{ key: "folder", label: filters.folder === "none" ? say("flows.unfiled") : pathOf(library, filters.folder) || say("flows.folder"), icon: "folder" }] : []),
  ...(filters.tag ? [{ key: "tag", label: filters.tag, icon: "tag" }] : []),
  ...(filters.archived ? [{ key: "archived", label: say("flows.archived"), icon: "archive" }] : []),
  ...(filters.errors ? [{ key: "errors", label: say("flows.with_errors"), icon: "circle-alert" }] : []),
];

const narrowed = (filters) => Boolean(filters.q.trim() || filters.status || filters.folder || filters.tag || filters.archived || filters.errors);
const roomy = () => (globalThis.innerWidth ?? 1440) >= 1024;
/** Whether folders stand beside the list: as the person left it, else when there is room and something to show. */
export const sideOpen = (now) => (roomy() ? now.side : now.opened) ?? Boolean(roomy() && now.library && (now.library.folders.length || now.library.tags.length || now.views.length));

function compute(now) {
  const edit = grants(now.me, "flows:edit");
  const { dialog, filters, library, flows } = now;
  const counted = ({ active = 0, draft = 0, inactive = 0 } = {}) => ({ all: active + draft + inactive, active, draft, inactive });
  const { all } = counted(library?.statuses);
  const shown = counted(filters.archived ? library?.archived_statuses : library?.statuses);
  const target = flows.find((flow) => flow.id === dialog.id);
  const common = { problem: dialog.problem, busy: now.busy, name: target?.name ?? dialog.name, count: dialog.ids.length };
  const open = (kind) => dialog.open && dialog.kind === kind;
  const chosen = flows.filter((flow) => now.selected.includes(flow.id));
  const tree = treeOf(library, now.folded);
  return {
    tools: { status: filters.status, ...shown, edit, known: Boolean(now.me), ready: Boolean(library), side: sideOpen(now), chips: chips(now) },
    search: { query: filters.q },
    totals: { running: library?.running_sessions ?? 0, week: library?.sessions_week ?? 0, errors: library?.errors ?? 0, show: Boolean(library) && all > 0 },
    side: {
      open: sideOpen(now), edit, folder: filters.folder, tag: filters.tag, archived: filters.archived, all, unfiled: library?.unfiled ?? 0, archive: library?.archived ?? 0,
      plain: !filters.folder && !filters.tag && !filters.archived, folders: tree.map((folder) => ({ ...folder, on: folder.id === filters.folder })), has_folders: tree.length > 0,
      tags: (library?.tags ?? []).map((item) => ({ tag: item.tag, count: item.flows, on: item.tag === filters.tag })), views: now.views.map(({ id, name }) => ({ id, name })), can_save: narrowed(filters) || filters.sort !== "updated" || !filters.descending,
    },
    table: {
      phase: now.phase === "ready" && flows.length === 0 ? (narrowed(filters) ? "none" : "empty") : now.phase,
      rows: flows.map((flow) => rowOf(flow, edit, now)), count: flows.length, more: Boolean(now.cursor), paging: now.paging, edit, sort: filters.sort, descending: filters.descending,
      every: flows.length > 0 && now.selected.length === flows.length,
    },
    bulk: {
      open: now.selected.length > 0, count: now.selected.length, edit, archived: filters.archived,
      can_start: chosen.some((flow) => flow.status === "inactive" && flow.live_version), can_stop: chosen.some((flow) => flow.status === "active"),
    },
    form: { values: { name: dialog.name }, errors: dialog.problem ? { name: true } : {} },
    create: { ...common, open: open("create"), starter: dialog.starter, failed: now.starters === "failed", loading: now.starters === null },
    starters: { items: Array.isArray(now.starters) ? now.starters.map(({ key, name: title, description, icon, node_count }) => ({ key, name: title, description, icon, blocks: node_count })) : [], chosen: dialog.starter },
    upload: { ...common, open: open("import"), file: dialog.file, errors: dialog.errors, count: dialog.errors.length, reports: dialog.reports, done: dialog.reports.length > 0 },
    rename: { ...common, open: open("rename") },
    remove: { ...common, open: open("delete"), running: dialog.running },
    folder: { ...common, open: open("folder"), fresh: dialog.id === "", parent: pathOf(library, dialog.parent) },
    move: {
      ...common, open: open("move"), chosen: dialog.folder,
      places: [{ id: "", name: say(dialog.what === "folder" ? "flows.top_level" : "flows.unfiled"), depth: 0, on: dialog.folder === "" }, ...treeOf(library).map((folder) => ({ id: folder.id, name: folder.name, depth: folder.depth + 1, on: folder.id === dialog.folder }))],
    },
    tag: {
      ...common, open: open("tag"), known: (library?.tags ?? []).map((item) => item.tag).filter((tag) => !dialog.ids.every((id) => flows.find((flow) => flow.id === id)?.tags?.includes(tag))).slice(0, 30),
      here: [...new Set(flows.filter((flow) => dialog.ids.includes(flow.id)).flatMap((flow) => flow.tags ?? []))],
    },
    view: { ...common, open: open("view") },
    keys: { open: now.keys, edit },
  };
}

// ---- the store itself, once everything it is computed by is there
const page = makeStore(
  {
    me: null, phase: "loading", flows: [], cursor: null, filters: { ...FILTERS }, library: null, views: [], selected: [], anchor: "", starters: null,
    dialog: CLOSED, busy: false, paging: false, navigate: null, side: null, opened: null, folded: [], keys: false,
  },
  (state) => compute(state),
);
export const state = page.state;
export const set = page.set;
export const store = page;
export const may = () => grants(state.me, "flows:edit");
export const find = (id) => state.flows.find((flow) => flow.id === id);

// ---- reading
const asked = (filters, limit, cursor) => {
  const out = new URLSearchParams({ limit: String(limit), figures: "true", sort: filters.sort, descending: String(filters.descending) });
  for (const name of ["q", "status", "folder", "tag"]) if (filters[name].trim?.()) out.set(name, filters[name].trim());
  for (const name of ["archived", "errors"]) if (filters[name]) out.set(name, "true");
  if (cursor) out.set("cursor", cursor);
  return `${BASE}?${out}`;
};
const phaseOf = (error) => (error.status === 403 ? "forbidden" : error.status === 0 ? "offline" : "error");

let turn = 0;
let anew = true;
/** Read as much as is shown, again or for new filters. */
export const refresh = async () => {
  const mine = (turn += 1);
  const filters = state.filters;
  const wanted = anew ? PAGE : Math.max(PAGE, state.flows.length);
  try {
    const items = [];
    let cursor = null;
    do {
      const body = await api.get(asked(filters, Math.min(MOST, wanted - items.length), cursor));
      items.push(...body.items);
      cursor = body.next_cursor;
    } while (cursor && items.length < wanted);
    const library = await api.get("/api/v1/flow-library");
    if (mine !== turn) return;
    const there = new Map(items.map((flow) => [flow.id, flow]));
    const known = new Set(state.flows.map((flow) => flow.id));
    // Rows stay where they are while somebody looks at them; new ones come first.
    const still = anew ? items : [...items.filter((flow) => !known.has(flow.id)), ...state.flows.filter((flow) => there.has(flow.id)).map((flow) => there.get(flow.id))];
    anew = false;
    set({ flows: still, cursor, library, phase: "ready", paging: false, selected: state.selected.filter((id) => there.has(id)) });
  } catch (error) {
    if (mine === turn && state.phase !== "ready" && error.status !== 401) set({ phase: phaseOf(error) });
  }
};
/** The next page. */
export const more = async () => {
  if (state.paging || !state.cursor) return;
  const mine = turn;
  set({ paging: true });
  try {
    const body = await api.get(asked(state.filters, PAGE, state.cursor));
    if (mine !== turn) return;
    const known = new Set(state.flows.map((flow) => flow.id));
    set({ flows: [...state.flows, ...body.items.filter((flow) => !known.has(flow.id))], cursor: body.next_cursor });
  } finally {
    set({ paging: false });
  }
};
let soon = 0;
/** Read again shortly; many reasons are one reading. */
export const refreshSoon = (wait = 250) => {
  clearTimeout(soon);
  soon = setTimeout(refresh, wait);
};
export const loadViews = async () => {
  try {
    set({ views: (await api.get("/api/v1/flow-views")).items });
  } catch {
    set({ views: [] }); // the list works without them
  }
};

const toAddress = () => {
  const { filters } = state;
  const out = new URLSearchParams();
  for (const name of ["q", "status", "folder", "tag"]) if (filters[name]) out.set(name, filters[name]);
  for (const name of ["archived", "errors"]) if (filters[name]) out.set(name, "1");
  if (filters.sort !== "updated") out.set("sort", filters.sort);
  if (!filters.descending) out.set("up", "1");
  window.history.replaceState(window.history.state, "", `${window.location.pathname}${out.size ? `?${out}` : ""}`);
};

/** Other filters or another order: the list begins anew. Typing waits for a pause. */
export const narrow = (patch, wait = 0) => {
  anew = true;
  set({ filters: { ...state.filters, ...patch }, cursor: null, selected: [] });
  toAddress();
  refreshSoon(wait);
};
export const clearFilters = () => narrow(FILTERS);
export const applyFilters = (filters) => narrow({ ...FILTERS, ...filters });
/** What the address asks for and how the page was left; read once it stands, for the prepared page knows neither. */
export const readAddress = () => set({ filters: fromAddress(), side: remembered(SIDE) });
export const toggleSide = () => {
  const side = !sideOpen(state);
  set(roomy() ? { side } : { opened: side });
  if (!roomy()) return;
  try {
    localStorage.setItem(SIDE, JSON.stringify(side));
  } catch {
    // it is open or closed as ever next time
  }
};

export const wordFor = (error) => say(error.status === 0 ? "flows.error.offline" : trKey(`flows.error.${error.code}`, "flows.error.other"));
export const put = (flow) => set({ flows: state.flows.some((row) => row.id === flow.id) ? state.flows.map((row) => (row.id === flow.id ? { ...row, ...flow } : row)) : [flow, ...state.flows] });
