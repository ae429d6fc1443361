// The list of flows: what its buttons, menus and keys do, and the pieces of React that its Python views can't be.
import { createElement as h, useEffect, useRef } from "react";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import { keepSteps } from "$/public/pt_adapt_steps.js";
import { api } from "$/public/pt_api.js";
import { getLang, tr, useLang } from "$/public/pt_i18n.js";
import { onPoke } from "$/public/pt_live.js";
import { comboOf, isTyping } from "$/public/pt_shell.js";
import { fieldOf, sliceOf, whileVisible } from "$/public/pt_page_store.js";
import { removeFolder } from "$/public/pt_flows_folders.js";
import { importFiles } from "$/public/pt_flows_import.js";
import {
  BASE, CLOSED, applyFilters, clearFilters, find, loadViews, may, more, narrow, put, readAddress, refresh, refreshSoon, say, set, state, store, toggleSide, wordFor,
} from "$/public/pt_flows_store.js";

const UNDO = 10000; // ms in which what was done can be taken back
const DRAGGED = "application/x-pytake-flows";
const go = (id) => state.navigate?.(`/flows/${id}`);
const summary = ({ draft: _draft, ...flow }) => flow;

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
const open = (kind, more_ = {}) => set({ busy: false, dialog: { ...CLOSED, kind, open: true, ...more_ } });
const close = () => dialog({ open: false });
const working = async (job) => {
  if (state.busy) return;
  set({ busy: true });
  try {
    await job();
  } catch (error) {
    toast.error(wordFor(error));
  } finally {
    set({ busy: false });
  }
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

// ---- one action on many
const nameOf = (ids) => (ids.length === 1 ? (find(ids[0])?.name ?? "") : say("flows.count", { count: ids.length }));

/** Do `action` on flows; what can't be done is said. `undo(done)` takes it back within some seconds. */
const many = async (ids, action, rest, message, undo) => {
  if (!ids.length) return;
  const label = nameOf(ids);
  const before = ids.map(find).filter(Boolean);
  try {
    const { done, failed } = await api.post(`${BASE}/bulk`, { ids, action, ...rest });
    set({ selected: [] });
    refresh();
    if (failed.length) toast.error(failed.length === ids.length ? wordFor({ status: 400, code: failed[0].code }) : say("flows.some_failed", { count: failed.length }));
    if (!done.length) return;
    const back = undo && { label: tr(getLang(), "common.undo"), onClick: () => undo(before.filter((flow) => done.includes(flow.id))).then(refresh, (error) => toast.error(wordFor(error))) };
    toast.success(say(message, { name: label, count: done.length }), { duration: UNDO, ...(back ? { action: back } : {}) });
  } catch (error) {
    toast.error(wordFor(error));
  }
};
const again = (name) => async (flows_) => {
  for (const flow of flows_) await api.post(`${BASE}/${flow.id}/${name}`, { activate: flow.status === "active" });
};
const putBack = async (flows_) => {
  for (const flow of flows_) await api.patch(`${BASE}/${flow.id}`, { folder_id: flow.folder_id ?? null });
};
const picked = (id) => (id ? [id] : [...state.selected]);
const removeNow = (ids, interrupt) => many(ids, "delete", { interrupt_sessions: interrupt }, "flows.deleted", again("restore"));

const submit = () => {
  const { kind, id, name, starter, ids, parent } = state.dialog;
  const wanted = name.trim();
  if (!wanted) return dialog({ problem: kind === "tag" ? "tag_missing" : "name_missing" });
  if (kind === "rename") {
    close();
    if (wanted !== find(id)?.name) hopeful(id, { name: wanted }, () => api.patch(`${BASE}/${id}`, { name: wanted }), () => toast.success(say("flows.renamed")));
    return undefined;
  }
  if (kind === "tag") {
    dialog({ name: "", problem: "" });
    return many(ids, "tag", { tag: wanted }, "flows.tagged");
  }
  return working(async () => {
    try {
      if (kind === "folder") {
        if (id) await api.patch(`/api/v1/flow-folders/${id}`, { name: wanted });
        else await api.post("/api/v1/flow-folders", { name: wanted, parent_id: parent || null });
        close();
        refresh();
      } else if (kind === "view") {
        const { q, status, folder, tag, archived, errors, sort, descending } = state.filters;
        await api.post("/api/v1/flow-views", { name: wanted, filters: { q, status, folder, tag, archived, errors, sort, descending } });
        close();
        loadViews();
      } else {
        const folder = state.filters.folder && state.filters.folder !== "none" ? state.filters.folder : null;
        const flow = starter ? await api.post(`${BASE}/from-template`, { starter, name: wanted, locale: getLang() }) : await api.post(BASE, { name: wanted });
        if (folder) await api.patch(`${BASE}/${flow.id}`, { folder_id: folder });
        if (starter) keepSteps(flow.id, state.starters.find((item) => item.key === starter)?.adapt ?? []);
        put(summary(flow));
        close();
        go(flow.id);
      }
    } catch (error) {
      if (error.code === "folder_exists") dialog({ problem: "folder_exists" });
      else {
        dialog({ problem: "" });
        toast.error(wordFor(error));
      }
    }
  });
};

const download = (blob, name) => {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
};
const save = async (id) => {
  const ids = picked(id);
  try {
    if (ids.length === 1) {
      const file = await api.get(`${BASE}/${ids[0]}/export`);
      download(new Blob([JSON.stringify(file, null, 2)], { type: "application/json" }), `${file.slug}.json`);
    } else {
      const answer = await fetch(`/api/v1/flow-archive?${ids.map((one) => `ids=${one}`).join("&")}`, { credentials: "same-origin" });
      if (!answer.ok) throw Object.assign(new Error("export"), { status: answer.status, code: "unknown" });
      download(await answer.blob(), "pytake-flows.zip");
    }
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
  filter: (status) => narrow({ status }),
  clear: clearFilters,
  more,
  side: toggleSide,
  folder: (folder) => narrow({ folder: state.filters.folder === folder ? "" : folder, archived: false }),
  everything: () => narrow({ folder: "", tag: "", archived: false, errors: false }),
  byTag: (tag) => narrow({ tag: state.filters.tag === tag ? "" : tag, archived: false }),
  archived: () => narrow({ archived: !state.filters.archived, folder: "", tag: "", status: "" }),
  errors: () => narrow({ errors: !state.filters.errors }),
  drop: (key) => narrow({ [key]: typeof state.filters[key] === "boolean" ? false : "" }),
  sort: (sort) => narrow(state.filters.sort === sort ? { descending: !state.filters.descending } : { sort, descending: sort !== "name" }),
  fold: (id) => set({ folded: state.folded.includes(id) ? state.folded.filter((one) => one !== id) : [...state.folded, id] }),
  keys: (on) => set({ keys: on }),

  view: (id) => applyFilters(state.views.find((view) => view.id === id)?.filters ?? {}),
  saveView: () => open("view"),
  forgetView: async (id) => {
    const gone = state.views.find((view) => view.id === id);
    set({ views: state.views.filter((view) => view.id !== id) });
    try {
      await api.delete(`/api/v1/flow-views/${id}`);
      const { name, filters } = gone;
      const back = () => api.post("/api/v1/flow-views", { name, filters }).then(loadViews, (error) => toast.error(wordFor(error)));
      toast.success(say("flows.view_forgotten", { name }), { duration: UNDO, action: { label: tr(getLang(), "common.undo"), onClick: back } });
    } catch (error) {
      toast.error(wordFor(error));
      loadViews();
    }
  },

  newFolder: (parent = "") => may() && open("folder", { parent }),
  renameFolder: (id) => open("folder", { id, name: state.library.folders.find((folder) => folder.id === id)?.name ?? "" }),
  moveFolder: (id) => open("move", { id, what: "folder", folder: state.library.folders.find((folder) => folder.id === id)?.parent_id ?? "" }),
  removeFolder: (id) => working(() => removeFolder(id)),

  select: (id, range) => {
    const ids = state.flows.map((flow) => flow.id);
    if (range && state.anchor) {
      const [from, to] = [ids.indexOf(state.anchor), ids.indexOf(id)].sort((a, b) => a - b);
      set({ selected: [...new Set([...state.selected, ...ids.slice(Math.max(from, 0), to + 1)])] });
    } else set({ selected: state.selected.includes(id) ? state.selected.filter((one) => one !== id) : [...state.selected, id], anchor: id });
  },
  selectAll: () => set({ selected: state.selected.length === state.flows.length ? [] : state.flows.map((flow) => flow.id) }),
  unselect: () => set({ selected: [] }),
  move: (id) => open("move", { ids: picked(id), what: "flows", folder: id ? (find(id)?.folder_id ?? "") : "" }),
  place: (folder) => dialog({ folder }),
  moveHere: () => {
    const { what, id, ids, folder } = state.dialog;
    close();
    if (what === "folder") return working(async () => {
      await api.patch(`/api/v1/flow-folders/${id}`, { parent_id: folder || null });
      refresh();
    });
    return flows.moveTo(ids, folder);
  },
  moveTo: (ids, folder) => many(ids, "move", { folder_id: folder || null }, "flows.moved", putBack),
  tag: (id) => open("tag", { ids: picked(id) }),
  addTag: (tag) => many(state.dialog.ids, "tag", { tag }, "flows.tagged"),
  untag: (tag) => many(state.dialog.ids, "untag", { tag }, "flows.untagged"),
  start: () => many(picked(), "activate", {}, "flows.started"),
  stop: () => many(picked(), "deactivate", {}, "flows.stopped"),
  archive: (id) => many(picked(id), "archive", {}, "flows.archived_done", again("unarchive")),
  unarchive: (id) => many(picked(id), "unarchive", {}, "flows.unarchived"),

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
  remove: (id) => {
    const ids = picked(id);
    const running = ids.some((one) => (find(one)?.running_sessions ?? 0) > 0);
    if (running) open("delete", { ids, id: ids.length === 1 ? ids[0] : "", name: nameOf(ids), running });
    else removeNow(ids, false);
  },
  confirm: () => {
    close();
    return removeNow(state.dialog.ids, true);
  },
  submit,
  close,
  save,
  picture: (id) => window.open(`/flows/${id}?picture=png`, "_blank"),
  turn: (id, on) =>
    hopeful(id, { status: on ? "active" : "inactive" }, () => api.post(`${BASE}/${id}/${on ? "activate" : "deactivate"}`), () => toast.success(say(on ? "flows.turned_on" : "flows.turned_off", { name: find(id)?.name ?? "" }))),
  duplicate: (id) =>
    working(async () => {
      const flow = await api.post(`${BASE}/${id}/duplicate`);
      put(summary(flow));
      toast.success(say("flows.duplicated", { name: flow.name }), { action: { label: say("flows.open"), onClick: () => go(flow.id) } });
    }),
};

// ---- React pieces
export const FlowsSlice = sliceOf(store);
export const FlowsField = fieldOf(store, (name, value) => dialog({ [name]: value, problem: "", touched: true }), submit);

const here = () => document.activeElement?.closest?.(".fl-row");
const step = (by) => {
  const links = [...document.querySelectorAll(".fl-row .fl-link")];
  const at = links.findIndex((link) => link.closest(".fl-row") === here());
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.closest(".fl-row").scrollIntoView({ block: "nearest" });
};
const mark = () => here() && flows.select(here().dataset.id);
const KEYS = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), n: flows.create, x: mark, " ": mark,
  "/": () => document.getElementById("flow-search")?.focus(), "?": () => flows.keys(true), i: flows.upload,
  m: () => (state.selected.length ? flows.move() : here() && flows.move(here().dataset.id)),
  Escape: () => state.selected.length && flows.unselect(),
};

/** Opens the page: reads, listens, and knows the keys. `me` is `{id, role}`. */
export const FlowsRoot = ({ me, children }) => {
  const navigate = useNavigate();
  useEffect(() => set({ navigate }), [navigate]);
  useEffect(() => {
    if (me?.id) set({ me });
  }, [me?.id, me?.role]);
  useEffect(() => {
    readAddress();
    set({ dialog: CLOSED, busy: false, selected: [] });
    refresh();
    loadViews();
    const stops = [
      onPoke("", (pokes) => pokes.some(({ topic }) => topic === "live:reconnected" || (topic.startsWith("org:") && topic.endsWith(":flows"))) && refreshSoon()),
      whileVisible(30000, refresh),
    ];
    const keys = (event) => {
      const combo = comboOf(event);
      if (event.defaultPrevented || event.isComposing || !(combo in KEYS) || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"][data-state="open"], [role="menu"][data-state="open"], .cp-scrim')) return;
      if (combo === " " && !event.target.closest?.(".fl-link")) return; // a button's own key
      event.preventDefault();
      KEYS[combo]();
    };
    window.addEventListener("keydown", keys);
    return () => {
      stops.forEach((stop) => stop());
      window.removeEventListener("keydown", keys);
    };
  }, []);
  const drop = (event) => {
    if (!event.dataTransfer.files.length || !may()) return;
    event.preventDefault();
    flows.upload();
    importFiles([...event.dataTransfer.files]);
  };
  return h("div", { className: "fl col", "data-testid": "flows", onDragOver: (event) => event.dataTransfer.types.includes("Files") && event.preventDefault(), onDrop: drop }, children);
};

/** The search box; Escape empties it, the arrow goes down to the rows. */
export const FlowsSearch = ({ placeholder }) => {
  const { query } = store.use("search");
  return h("input", {
    id: "flow-search",
    type: "search",
    value: query,
    placeholder,
    maxLength: 200,
    "aria-label": placeholder,
    "data-testid": "flow-search",
    onChange: (event) => narrow({ q: event.target.value }, 200),
    onKeyDown: (event) => {
      if (event.key === "Escape") {
        if (query) narrow({ q: "" }, 1);
        else event.currentTarget.blur();
      } else if (event.key === "ArrowDown") {
        event.preventDefault();
        step(1);
      }
    },
  });
};

/** The rows; each a `tr` around `view`. A press anywhere but on a control opens the flow; a row can be dragged to a folder. */
export const FlowRows = ({ view: View }) => {
  const { rows, more: left } = store.use("table");
  const end = useRef(null);
  useEffect(() => {
    if (!left || !end.current) return undefined;
    const watch = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && more(), { rootMargin: "50%" });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [left, rows.length]);
  const press = (id) => (event) => {
    if (!event.currentTarget.contains(event.target) || event.target.closest("a, button, input, label")) return;
    if (event.metaKey || event.ctrlKey) window.open(`/flows/${id}`, "_blank");
    else go(id);
  };
  const drag = (id) => (event) => {
    event.dataTransfer.setData(DRAGGED, JSON.stringify(state.selected.includes(id) ? state.selected : [id]));
    event.dataTransfer.effectAllowed = "move";
  };
  return h("tbody", null,
    rows.map((row) => h("tr", { key: row.id, className: `click fl-row${row.on ? " on" : ""}`, draggable: row.edit, onDragStart: drag(row.id), "data-testid": "flow-row", "data-id": row.id, "data-status": row.status, onClick: press(row.id) }, h(View, { item: row }))),
    left ? h("tr", { key: "end", ref: end, className: "fl-end", "aria-hidden": true }, h("td", { colSpan: 9 })) : null);
};

/** A row's checkbox; Shift marks everything in between. */
export const FlowMark = ({ id, on, label }) =>
  h("input", { type: "checkbox", className: "fl-check", checked: on, "aria-label": label, "data-testid": id ? "flow-mark" : "mark-all", onChange: () => {}, onClick: (event) => (id ? flows.select(id, event.shiftKey) : flows.selectAll()) });

/** The line of the last days. */
export const FlowSpark = ({ points, label }) =>
  points ? h("svg", { viewBox: "0 0 60 18", className: "fl-spark", role: "img", "aria-label": label }, h("polyline", { points, fill: "none" })) : null;

/** A place that takes dragged flows: a folder, or none. */
export const FolderDrop = ({ folder, children, className }) =>
  h("div", {
    className, onDragOver: (event) => {
      if (!event.dataTransfer.types.includes(DRAGGED)) return;
      event.preventDefault();
      event.currentTarget.classList.add("over");
    },
    onDragLeave: (event) => event.currentTarget.classList.remove("over"),
    onDrop: (event) => {
      event.currentTarget.classList.remove("over");
      const ids = event.dataTransfer.getData(DRAGGED);
      if (!ids) return;
      event.preventDefault();
      event.stopPropagation();
      flows.moveTo(JSON.parse(ids), folder);
    },
  }, children);

/** The tiles to begin with: `blank` first, then the starters, each drawn by `view`. */
export const StarterTiles = ({ view: View, label }) => {
  const { items, chosen } = store.use("starters");
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

/** Takes files by press, drop, paste or keyboard. */
export const FlowFile = ({ children, label }) => {
  useEffect(() => {
    const paste = (event) => {
      const text = event.clipboardData?.getData("text/plain") ?? "";
      const files = [...(event.clipboardData?.files ?? [])];
      if (isTyping(event.target) && !event.target.classList.contains("sr")) return;
      if (files.length) importFiles(files);
      else if (text.trim()) importFiles([new File([text], say("flows.pasted_name"), { type: "application/json" })]);
    };
    window.addEventListener("paste", paste);
    return () => window.removeEventListener("paste", paste);
  }, []);
  return h("label", { className: "fl-drop", onDragOver: (event) => event.preventDefault(), onDrop: (event) => {
    event.preventDefault();
    event.stopPropagation();
    importFiles([...event.dataTransfer.files]);
  } },
    h("input", { type: "file", className: "sr", multiple: true, accept: ".json,.flow,.zip,application/json,application/zip", "aria-label": label, "data-testid": "flow-file", onChange: (event) => {
      importFiles([...event.target.files]);
      event.target.value = "";
    } }),
    children);
};
