// The list of flows: every flow by REST, searched and filtered in the browser; pokes say when to read it again.
import { createElement as h, useEffect } from "react";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import { keepSteps } from "$/public/pt_adapt_steps.js";
import { api } from "$/public/pt_api.js";
import { getLang, tr, trKey, useLang } from "$/public/pt_i18n.js";
import { onPoke } from "$/public/pt_live.js";
import { comboOf, isTyping } from "$/public/pt_shell.js";
import { fieldOf, makeStore, sliceOf, whileVisible } from "$/public/pt_page_store.js";

const BASE = "/api/v1/flows";
const PAGE = 200;
const STEP = 100; // rows drawn at once
const MAX_FILE = 2_000_000; // bytes; the server's own limit of a document
const say = (key, params) => tr(getLang(), key, params);

const CLOSED = { kind: "", id: "", open: false, name: "", problem: "", running: false, starter: "", file: "", errors: [], touched: false };
const page = makeStore(
  { me: null, phase: "loading", flows: [], query: "", status: "", shown: STEP, starters: null, dialog: CLOSED, busy: false, navigate: null },
  (state) => compute(state),
);
const { state, set } = page;
const may = () => state.me?.role === "org_admin" || state.me?.role === "super_admin";

// ---- what the page shows
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const wordsOf = (flow) => [...new Set(flow.triggers.flatMap((trigger) => (trigger.kind === "keyword" ? trigger.words : trigger.kind === "template" ? [trigger.template_name] : [])))];
const kindOf = (flow) => ["keyword", "template", "universal", "start"].find((kind) => flow.triggers.some((trigger) => trigger.kind === kind)) ?? "none";
const matches = (flow, query) => !query || plain([flow.name, flow.slug, ...wordsOf(flow)].join(" ")).includes(plain(query));

function rowOf(flow, edit) {
  const words = wordsOf(flow);
  return {
    id: flow.id,
    href: `/flows/${flow.id}`,
    name: flow.name,
    blocks: flow.node_count,
    status: flow.status,
    version: flow.live_version ?? 0,
    changes: flow.live_version ? flow.draft_changes : 0,
    kind: kindOf(flow),
    words: words.slice(0, 3).join(", ") + (words.length > 3 ? ` +${words.length - 3}` : ""),
    all_words: words.join(", "),
    running: flow.running_sessions,
    week: flow.sessions_week,
    updated: flow.updated_at,
    edit,
  };
}

function compute(now) {
  const edit = now.me?.role === "org_admin" || now.me?.role === "super_admin";
  const count = (status) => now.flows.filter((flow) => flow.status === status).length;
  const found = now.flows.filter((flow) => (!now.status || flow.status === now.status) && matches(flow, now.query.trim()));
  const { dialog } = now;
  const name = now.flows.find((flow) => flow.id === dialog.id)?.name ?? dialog.name;
  const common = { problem: dialog.problem, busy: now.busy, name };
  const open = (kind) => dialog.open && dialog.kind === kind;
  return {
    tools: { status: now.status, all: now.flows.length, active: count("active"), draft: count("draft"), inactive: count("inactive"), edit, known: Boolean(now.me), ready: now.phase === "ready", any: now.flows.length > 0 },
    search: { query: now.query },
    totals: { running: now.flows.reduce((sum, flow) => sum + flow.running_sessions, 0), week: now.flows.reduce((sum, flow) => sum + flow.sessions_week, 0), show: now.phase === "ready" && now.flows.length > 0 },
    table: {
      phase: now.phase === "ready" && found.length === 0 ? (now.flows.length ? "none" : "empty") : now.phase,
      rows: found.slice(0, now.shown).map((flow) => rowOf(flow, edit)),
      count: found.length,
      more: found.length > now.shown,
      edit,
    },
    form: { values: { name: dialog.name }, errors: dialog.problem ? { name: true } : {} },
    create: { ...common, open: open("create"), starter: dialog.starter, failed: now.starters === "failed", loading: now.starters === null },
    starters: { items: Array.isArray(now.starters) ? now.starters.map(({ key, name: title, description, icon, node_count }) => ({ key, name: title, description, icon, blocks: node_count })) : [], chosen: dialog.starter },
    upload: { ...common, open: open("import"), file: dialog.file, errors: dialog.errors, count: dialog.errors.length },
    rename: { ...common, open: open("rename") },
    remove: { ...common, open: open("delete"), running: dialog.running },
  };
}

// ---- reading
let reading = null;
let again = false;
const readAll = async () => {
  const items = [];
  let cursor = null;
  do {
    const body = await api.get(`${BASE}?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...body.items);
    cursor = body.next_cursor;
  } while (cursor);
  return items;
};
/** Rows stay where they are while somebody looks at them; new ones come first. */
const settled = (items) => {
  const fresh = new Map(items.map((flow) => [flow.id, flow]));
  const known = new Set(state.flows.map((flow) => flow.id));
  return [...items.filter((flow) => !known.has(flow.id)), ...state.flows.filter((flow) => fresh.has(flow.id)).map((flow) => fresh.get(flow.id))];
};
const refresh = async () => {
  if (reading) {
    again = true;
    return reading;
  }
  reading = (async () => {
    try {
      do {
        again = false;
        const items = await readAll();
        if (!again) set({ flows: state.phase === "ready" ? settled(items) : items, phase: "ready" });
      } while (again);
    } catch (error) {
      if (state.phase !== "ready" && error.status !== 401) set({ phase: error.status === 403 ? "forbidden" : error.status === 0 ? "offline" : "error" });
    } finally {
      reading = null;
    }
  })();
  return reading;
};
const loadStarters = async () => {
  const lang = getLang();
  try {
    const body = await api.get(`/api/v1/flow-templates?locale=${lang}`);
    set({ starters: body.items.map((item) => ({ ...item, lang })) });
  } catch {
    set({ starters: "failed" });
  }
};

// ---- changing
const put = (flow) => set({ flows: state.flows.some((row) => row.id === flow.id) ? state.flows.map((row) => (row.id === flow.id ? { ...row, ...flow } : row)) : [flow, ...state.flows] });
const summary = ({ draft: _draft, ...flow }) => flow;
const wordFor = (error) => say(error.status === 0 ? "flows.error.offline" : trKey(`flows.error.${error.code}`, "flows.error.other"));
const find = (id) => state.flows.find((flow) => flow.id === id);
const go = (id) => state.navigate?.(`/flows/${id}`);

/** Show `change` at once, ask the server, and take it back with a word when it says no. */
const hopeful = async (id, change, ask, done) => {
  const before = find(id);
  if (!before) return;
  put({ id, ...change });
  try {
    const flow = await ask();
    if (flow) put(summary(flow));
    done?.();
  } catch (error) {
    put(before);
    toast.error(wordFor(error));
  }
};
const dialog = (patch) => set({ dialog: { ...state.dialog, ...patch } });
const open = (kind, more = {}) => set({ busy: false, dialog: { ...CLOSED, kind, open: true, ...more } });
const close = () => dialog({ open: false });
const working = async (job) => {
  if (state.busy) return;
  set({ busy: true });
  try {
    await job();
  } finally {
    set({ busy: false });
  }
};

const submit = () => {
  const { kind, id, name, starter } = state.dialog;
  const wanted = name.trim();
  if (kind === "rename" || kind === "create") {
    if (!wanted) return dialog({ problem: "name_missing" });
  }
  if (kind === "rename") {
    close();
    if (wanted !== find(id)?.name) hopeful(id, { name: wanted }, () => api.patch(`${BASE}/${id}`, { name: wanted }), () => toast.success(say("flows.renamed")));
    return undefined;
  }
  return working(async () => {
    try {
      const flow = starter ? await api.post(`${BASE}/from-template`, { starter, name: wanted, locale: getLang() }) : await api.post(BASE, { name: wanted });
      if (starter) keepSteps(flow.id, state.starters.find((item) => item.key === starter)?.adapt ?? []);
      put(summary(flow));
      close();
      go(flow.id);
    } catch (error) {
      dialog({ problem: "" });
      toast.error(wordFor(error));
    }
  });
};

const readFile = (file) =>
  working(async () => {
    if (!file) return;
    dialog({ file: file.name, errors: [], problem: "" });
    const refuse = (code) => dialog({ errors: [{ pointer: "", code, message: "", node: "" }] });
    if (file.size > MAX_FILE) return refuse("too_large");
    let document;
    try {
      document = JSON.parse(await file.text());
    } catch {
      return refuse("not_json");
    }
    try {
      const flow = await api.post(`${BASE}/import`, { document });
      put(summary(flow));
      close();
      toast.success(say("flows.imported", { name: flow.name }), { action: { label: say("flows.open"), onClick: () => go(flow.id) } });
    } catch (error) {
      if (error.errors.length === 0) dialog({ file: "", problem: "" });
      if (error.errors.length === 0) toast.error(wordFor(error));
      else dialog({ errors: error.errors.map(({ pointer, code, message, node_id }) => ({ pointer: pointer.replace(/^\/document/, ""), code: code ?? "", message, node: node_id ?? "" })) });
    }
  });

const remove = () =>
  working(async () => {
    const { id, running } = state.dialog;
    const name = find(id)?.name ?? "";
    try {
      await api.delete(`${BASE}/${id}${running ? "?interrupt_sessions=true" : ""}`);
      dialog({ open: false, name });
      set({ flows: state.flows.filter((flow) => flow.id !== id) });
      toast.success(say("flows.deleted", { name }));
    } catch (error) {
      if (error.code === "sessions_running") dialog({ running: true });
      else toast.error(wordFor(error));
    }
  });

const save = async (id) => {
  try {
    const file = await api.get(`${BASE}/${id}/export`);
    const url = URL.createObjectURL(new Blob([JSON.stringify(file, null, 2)], { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: url, download: `${file.slug}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  } catch (error) {
    toast.error(wordFor(error));
  }
};

/** What the page's buttons and menus call. */
export const flows = {
  retry: () => {
    set({ phase: "loading" });
    refresh();
  },
  filter: (status) => set({ status, shown: STEP }),
  clear: () => set({ query: "", status: "", shown: STEP }),
  more: () => set({ shown: state.shown + STEP }),
  create: () => {
    if (!may()) return;
    open("create");
    if (!Array.isArray(state.starters) || state.starters[0]?.lang !== getLang()) loadStarters();
  },
  choose: (key) => {
    const starter = Array.isArray(state.starters) ? state.starters.find((item) => item.key === key) : null;
    dialog({ starter: key, problem: "", ...(state.dialog.touched ? {} : { name: starter?.name ?? "" }) });
  },
  open: go,
  upload: () => may() && open("import"),
  rename: (id) => open("rename", { id, name: find(id)?.name ?? "" }),
  remove: (id) => open("delete", { id, running: (find(id)?.running_sessions ?? 0) > 0 }),
  confirm: remove,
  submit,
  close,
  save,
  turn: (id, on) =>
    hopeful(id, { status: on ? "active" : "inactive" }, () => api.post(`${BASE}/${id}/${on ? "activate" : "deactivate"}`), () => toast.success(say(on ? "flows.turned_on" : "flows.turned_off", { name: find(id)?.name ?? "" }))),
  duplicate: (id) =>
    working(async () => {
      try {
        const flow = await api.post(`${BASE}/${id}/duplicate`);
        put(summary(flow));
        toast.success(say("flows.duplicated", { name: flow.name }), { action: { label: say("flows.open"), onClick: () => go(flow.id) } });
      } catch (error) {
        toast.error(wordFor(error));
      }
    }),
};

// ---- React pieces
export const FlowsSlice = sliceOf(page);
export const FlowsField = fieldOf(page, (name, value) => dialog({ [name]: value, problem: "", touched: true }), submit);

const step = (by) => {
  const links = [...document.querySelectorAll(".fl-row .fl-link")];
  const at = links.findIndex((link) => link.closest(".fl-row").contains(document.activeElement));
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.closest(".fl-row").scrollIntoView({ block: "nearest" });
};
const KEYS = { j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), n: flows.create, "/": () => document.getElementById("flow-search")?.focus() };

/** Opens the page: reads, listens, and knows the keys. `me` is `{id, role}`. */
export const FlowsRoot = ({ me, children }) => {
  const navigate = useNavigate();
  useEffect(() => set({ navigate }), [navigate]);
  useEffect(() => {
    if (me?.id) set({ me });
  }, [me?.id, me?.role]);
  useEffect(() => {
    set({ dialog: CLOSED, busy: false });
    refresh();
    const stops = [
      onPoke("", (pokes) => pokes.some(({ topic }) => topic === "live:reconnected" || (topic.startsWith("org:") && topic.endsWith(":flows"))) && refresh()),
      whileVisible(30000, refresh),
    ];
    const keys = (event) => {
      const combo = comboOf(event);
      if (event.defaultPrevented || event.isComposing || !(combo in KEYS) || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"][data-state="open"], [role="menu"][data-state="open"], .cp-scrim')) return;
      event.preventDefault();
      KEYS[combo]();
    };
    window.addEventListener("keydown", keys);
    return () => {
      stops.forEach((stop) => stop());
      window.removeEventListener("keydown", keys);
    };
  }, []);
  return h("div", { className: "fl col", "data-testid": "flows" }, children);
};

/** The search box; Escape empties it, the arrow goes down to the rows. */
export const FlowsSearch = ({ placeholder }) => {
  const { query } = page.use("search");
  return h("input", {
    id: "flow-search",
    type: "search",
    value: query,
    placeholder,
    "aria-label": placeholder,
    "data-testid": "flow-search",
    onChange: (event) => set({ query: event.target.value, shown: STEP }),
    onKeyDown: (event) => {
      if (event.key === "Escape") {
        if (query) set({ query: "" });
        else event.currentTarget.blur();
      } else if (event.key === "ArrowDown") {
        event.preventDefault();
        step(1);
      }
    },
  });
};

/** The rows; each a `tr` around `view`. A press anywhere but on a control opens the flow. */
export const FlowRows = ({ view: View }) => {
  const { rows } = page.use("table");
  const press = (id) => (event) => {
    if (!event.currentTarget.contains(event.target) || event.target.closest("a, button")) return;
    if (event.metaKey || event.ctrlKey) window.open(`/flows/${id}`, "_blank");
    else go(id);
  };
  return h("tbody", null, rows.map((row) => h("tr", { key: row.id, className: "click fl-row", "data-testid": "flow-row", "data-id": row.id, "data-status": row.status, onClick: press(row.id) }, h(View, { item: row }))));
};

/** The tiles to begin with: `blank` first, then the starters, each drawn by `view`. */
export const StarterTiles = ({ view: View, label }) => {
  const { items, chosen } = page.use("starters");
  const lang = useLang();
  const all = [{ key: "", name: tr(lang, "flows.blank"), description: tr(lang, "flows.blank_detail"), icon: "plus", blocks: 1 }, ...items];
  const move = (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = (all.findIndex((item) => item.key === chosen) + by + all.length) % all.length;
    flows.choose(all[at].key);
    event.currentTarget.children[at].focus();
  };
  return h("div", { className: "fl-tiles", role: "radiogroup", "aria-label": label, onKeyDown: move },
    all.map((item) => h("button", { key: item.key || "blank", type: "button", role: "radio", className: "fl-tile", "aria-checked": item.key === chosen, tabIndex: item.key === chosen ? 0 : -1, "data-testid": `starter-${item.key || "blank"}`, onClick: () => flows.choose(item.key) }, h(View, { item }))));
};

/** Takes a file by press, drop or keyboard. */
export const FlowFile = ({ children, label }) =>
  h("label", { className: "fl-drop", onDragOver: (event) => event.preventDefault(), onDrop: (event) => {
    event.preventDefault();
    readFile(event.dataTransfer.files[0]);
  } },
    h("input", { type: "file", className: "sr", accept: ".json,application/json", "aria-label": label, "data-testid": "flow-file", onChange: (event) => {
      readFile(event.target.files[0]);
      event.target.value = "";
    } }),
    children);
