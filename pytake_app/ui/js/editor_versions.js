// Versions: history, two of them beside each other on the canvas, rolling back, publishing now or later.
// While a comparison is on the canvas, `S.overlay` says so and nothing can be edited.
import { toast } from "sonner";
import { api, ApiError } from "$/public/pt_api.js";
import { isTyping } from "$/public/pt_shell.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { editor, emit, S, say, sayOr, tell, watch } from "$/public/pt_editor.js";
import { loadZone, when, zoneNow } from "$/public/pt_editor_clock.js";
import { DRAFT, lines, marksOf, sideName, together } from "$/public/pt_editor_compare.js";
import { grouped } from "$/public/pt_editor_findings.js";
import { addSlice, kindName } from "$/public/pt_editor_model.js";
import { may as grants } from "$/public/pt_rights.js";
import { fromWall, toWall } from "$/public/pt_zone.js";

const path = (rest) => `/api/v1/flows/${encodeURIComponent(S.flowId)}/${rest}`;
const codeOf = (error) => (error instanceof ApiError ? error.code : "unknown");
const mayPublish = () => grants(S.me, "flows:publish") && !S.gone;
const reasonOf = (error) => sayOr(`versions.refused_${codeOf(error)}`, sayOr(`editor.publish_${codeOf(error)}`, say("common.failed_detail")));

const leaveOverlay = (more = {}) => emit({ overlay: null, compare: null, version: null, doc: S.sync?.doc ?? S.doc, selected: [], edge: null, ...more });

// -- publishing --------------------------------------------------------------------------------------------------------

const changedParked = (impact) => (impact?.nodes ?? []).filter((node) => node.change !== "same");

/** The request's `impact`: who goes on, moves, ends. */
const impactChoice = (publish) => {
  const moves = {};
  for (const node of changedParked(publish.impact)) {
    const choice = publish.choices[node.node_id] ?? "";
    if (choice === "end") moves[node.node_id] = null;
    else if (choice) moves[node.node_id] = choice;
  }
  return { default: publish.rest, moves };
};

const overtaken = async () => {
  await Promise.all([editor.refreshHead(), versions.load()]);
  const live = S.versions?.items.find((item) => item.live);
  return say("versions.overtaken", { name: live?.published_by_name || say("versions.somebody"), version: live?.version ?? S.flow?.live_version ?? 0 });
};

const change = (part) => S.publish && emit({ publish: { ...S.publish, ...part } });

export const versions = {
  async load() {
    const flowId = S.flowId;
    versions.loadPublications();
    try {
      const { items } = await api.get(path("versions"));
      if (flowId === S.flowId) emit({ versions: { items, failed: false } });
    } catch (error) {
      if (flowId === S.flowId) emit({ versions: { items: [], failed: codeOf(error) } });
    }
    versions.look();
  },
  async loadPublications() {
    versions.loadZone();
    const flowId = S.flowId;
    try {
      const { items } = await api.get(path("publications"));
      if (flowId === S.flowId) emit({ publications: items });
    } catch {
      if (flowId === S.flowId) emit({ publications: [] }); // the history says that it could not be read
    }
  },
  loadZone,
  /** How much the draft differs from what is live, for badges and the list. */
  async look() {
    if (!S.flow?.live_version) {
      if (S.change) emit({ change: null });
      return;
    }
    const flowId = S.flowId;
    try {
      const { change: found, layout_only, revision } = await api.get(path("compare"));
      if (flowId !== S.flowId) return;
      const { added, removed, changed, moved, edges, settings } = found.size;
      const differs = added + removed + changed + moved + edges + settings > 0;
      // Edits of others come without the count that the badge shows.
      const changes = differs ? Math.max(1, added + removed + changed + edges + settings) : 0;
      looked = markOf(changes);
      emit({ change: differs ? { ...found.size, layout_only, revision } : null, flow: { ...S.flow, draft: { ...S.flow.draft, changes } } });
    } catch (error) {
      if (error.status && error.status !== 404 && error.status !== 503) tell("versions.compare_failed", "error");
    }
  },
  toggleLayout: (version) => emit({ openLayout: S.openLayout === version ? 0 : version }),

  /** Put two versions beside each other on the canvas. Sides: `draft` or a number. */
  async compare(base, target = DRAFT) {
    const turn = { base: String(base), target: String(target), phase: "loading", at: -1, lines: [], marks: { nodes: {}, edges: {} } };
    emit({ compare: turn, tab: "versions", sheet: true });
    if (base === DRAFT || target === DRAFT) await editor.settled();
    try {
      const data = await api.get(`${path("compare")}?base=${base}&target=${target}&documents=true`);
      if (S.compare !== turn) return;
      const doc = together(data);
      const marks = marksOf(data, doc);
      emit({ version: null, overlay: "compare", doc, selected: [], edge: null, fit: { ids: doc.nodes.map((node) => node.id), n: (S.fit?.n ?? 0) + 1 }, compare: { ...turn, phase: "ready", lines: lines(data), marks, size: data.change.size, layout_only: data.layout_only } });
    } catch (error) {
      if (S.compare !== turn) return;
      leaveOverlay();
      tell("versions.compare_failed", "error", { description: error.status === 0 ? say("editor.publish_offline") : undefined });
    }
  },
  side(which, value) {
    if (S.compare) versions.compare(which === "base" ? value : S.compare.base, which === "target" ? value : S.compare.target);
  },
  /** Go to a change: its block comes into view. */
  go(index) {
    const { lines: all } = S.compare ?? { lines: [] };
    if (!all.length) return;
    const at = ((index % all.length) + all.length) % all.length;
    const id = all[at].node;
    emit({ compare: { ...S.compare, at }, selected: id && nodeOf(S.doc, id) ? [id] : [], focus: id ? { id, n: (S.focus?.n ?? 0) + 1 } : S.focus });
    requestAnimationFrame(() => document.querySelector(`.chl[data-index="${at}"]`)?.scrollIntoView({ block: "nearest" }));
  },
  step: (by) => versions.go(S.compare?.at === -1 && by < 0 ? -1 : (S.compare?.at ?? -1) + by),
  leave: () => leaveOverlay(),

  ask: (confirm) => emit({ confirm }),
  async rollback(version) {
    emit({ confirm: null });
    try {
      await api.post(path("rollback"), { version, expected_live: S.flow?.live_version ?? 0, note: say("versions.rolled_back_note", { version }) });
      toast.success(say("editor.rolled_back", { version }));
      leaveOverlay();
      await editor.refreshHead();
      versions.load();
    } catch (error) {
      const description = codeOf(error) === "published_meanwhile" ? await overtaken() : reasonOf(error);
      tell("editor.publish_failed", "error", { description, duration: 10000 });
    }
  },
  /** Make the draft what an old version was: an edit like any other, so it can be undone. */
  async restore(version = S.version) {
    await editor.settled();
    try {
      const { document } = await api.get(path(`versions/${version}`));
      await api.put(path("draft"), { expected_revision: S.sync.revision, document });
      leaveOverlay();
      await editor.load();
      versions.look();
      toast.success(say("editor.restored"), { duration: 10000, action: { label: say("common.undo"), onClick: () => editor.undo() } });
    } catch (error) {
      tell("editor.version_failed", "error", { description: reasonOf(error) });
    }
  },

  /** The dialog before a draft goes live. */
  open() {
    if (S.overlay || S.version !== null) leaveOverlay({ tab: S.tab === "runs" ? "block" : S.tab });
    S.sync.flush();
    emit({ publish: { note: "", busy: false, error: "", impact: null, choices: {}, rest: "finish", later: false, at: "", live: S.flow?.live_version ?? 0 } });
    versions.prepare();
  },
  async prepare() {
    versions.loadZone();
    await editor.settled();
    versions.look();
    try {
      const impact = await api.get(path("impact"));
      change({ impact, choices: {} });
    } catch (error) {
      change({ impact: { nodes: [], targets: [], sessions: 0 }, error: error.status ? reasonOf(error) : "" });
    }
  },
  choose: (node, choice) => change({ choices: { ...S.publish.choices, [node]: choice } }),
  rest: (rest) => change({ rest }),
  later(later) {
    const soon = new Date(Math.ceil(Date.now() / 3600000) * 3600000 + 3600000);
    change({ later, at: S.publish.at || toWall(soon, zoneNow()), error: "" });
  },
  at: (at) => change({ at, error: "" }),
  async confirm() {
    const wanted = S.publish;
    const body = { note: wanted.note, impact: impactChoice(wanted), allow_failing_tests: Boolean(S.tests?.override) };
    const at = wanted.later ? fromWall(wanted.at, zoneNow()) : null;
    if (wanted.later && (!at || at.getTime() <= Date.now())) {
      change({ error: say("versions.refused_not_in_future") });
      return;
    }
    change({ busy: true, error: "" });
    await editor.settled();
    if (S.sync.waiting > 0) {
      // What goes live is what the server has; the latest edits aren't there.
      change({ busy: false, error: say("versions.refused_unsaved", { count: S.sync.waiting }) });
      return;
    }
    try {
      if (at) await versions.schedule(at, body);
      else await versions.publishNow(body, wanted.live);
    } catch (error) {
      const code = codeOf(error);
      const text = code === "published_meanwhile" ? await overtaken() : code === "tests_failed" ? say("versions.refused_tests_failed", { names: error.errors.map((one) => one.message).join(", ") }) : reasonOf(error);
      change({ busy: false, error: text, live: S.flow?.live_version ?? 0 });
      if (code === "flow_has_errors") editor.verify();
      if (code === "published_meanwhile" || code === "invalid_impact") versions.prepare();
    }
  },
  async publishNow(body, live) {
    const result = await api.post(path("publish"), { ...body, expected_revision: S.sync.revision, expected_live: live });
    emit({ publish: null, change: null });
    const { moved, ended, finishing } = result.impact;
    const told = [moved && say("versions.told_moved", { count: moved }), ended && say("versions.told_ended", { count: ended }), finishing && say("editor.published_running", { count: finishing })].filter(Boolean);
    toast.success(say("editor.published", { version: result.version }), { description: told.join(" ") || undefined });
    await editor.refreshHead();
    versions.load();
  },
  async schedule(at, body) {
    await api.post(path("publications"), { ...body, expected_revision: S.sync.revision, publish_at: at.toISOString() });
    emit({ publish: null, tab: "versions", sheet: true });
    toast.success(say("versions.scheduled", { when: when(at) }));
    versions.load();
  },
  async cancel(id) {
    emit({ confirm: null });
    try {
      await api.delete(path(`publications/${id}`));
      toast.success(say("versions.canceled"));
    } catch (error) {
      tell("versions.cancel_failed", "error", { description: reasonOf(error) });
    }
    versions.loadPublications();
  },
};

// The rest of the editor knows these by the store.
Object.assign(editor, { loadVersions: versions.load, openPublish: versions.open, doPublish: versions.confirm, rollback: versions.rollback, restore: () => versions.restore() });

// -- what views show ---------------------------------------------------------------------------------------------------

/** "2 novos · 1 mudou": a size in words. */
const sizeText = (size) => {
  if (!size) return "";
  if (size.layout_only) return say("versions.only_layout");
  const parts = ["added", "removed", "changed"].filter((kind) => size[kind]).map((kind) => say(`versions.size_${kind}`, { count: size[kind] }));
  if (size.edges) parts.push(say("versions.size_edges", { count: size.edges }));
  if (size.settings) parts.push(say("versions.size_settings", { count: size.settings }));
  return parts.join(" · ") || say("versions.size_none");
};

const authorOf = (item) => (item.published_by === S.me.id ? say("editor.by_you") : item.published_by_name);

const versionRow = (item) => ({
  ...item,
  row: "version",
  key: `v${item.version}`,
  running: item.running_sessions,
  on: item.version === S.version,
  author: authorOf(item),
  size: item.version === 1 ? "" : sizeText(item.change),
  exact: when(item.published_at),
  count: 0,
  open: false,
});

/** History, with runs of versions that only moved blocks about folded into one line. */
const history = (items) => {
  const out = [];
  let at = 0;
  while (at < items.length) {
    let end = at;
    while (end < items.length && items[end].change?.layout_only && !items[end].live) end += 1;
    const folded = items.slice(at, end);
    if (folded.length === 0) {
      out.push(versionRow(items[at]));
      at += 1;
      continue;
    }
    const first = folded[0].version;
    const open = S.openLayout === first;
    out.push({ ...versionRow(folded[0]), row: "layout", key: `l${first}`, count: folded.length, open });
    if (open) out.push(...folded.map(versionRow));
    at = end;
  }
  return out;
};

const publicationRow = (item) => ({
  ...item,
  when: when(item.publish_at),
  author: item.created_by === S.me.id ? say("editor.by_you") : item.created_by_name,
  overtaken: item.overtaken_by ?? 0,
  asked: S.confirm?.kind === "publication" && S.confirm.id === item.id,
  version: item.version ?? 0,
  why: item.problem ? sayOr(`versions.problem_${item.problem.code}`, say("versions.problem_other"), { count: item.problem.findings.length }) : "",
});

addSlice("versions", () => {
  const compare = S.compare;
  const numbers = (S.versions?.items ?? []).map((item) => ({ value: String(item.version), label: item.live ? say("versions.number_live", { version: item.version }) : say("versions.number", { version: item.version }) }));
  const sides = [{ value: DRAFT, label: say("versions.draft") }, ...numbers];
  return {
    phase: !S.versions ? "loading" : S.versions.failed ? "error" : S.versions.items.length ? "ready" : "empty",
    shown: S.version ?? 0,
    locked: !mayPublish(),
    live: S.flow?.live_version ?? 0,
    changes: S.flow?.draft?.changes ?? 0,
    draft_size: sizeText(S.change),
    layout_only: Boolean(S.change?.layout_only),
    items: history(S.versions?.items ?? []),
    ahead: (S.publications ?? []).filter((item) => item.state === "pending").map(publicationRow),
    failed: (S.publications ?? []).filter((item) => item.state === "failed").slice(0, 1).map(publicationRow),
    confirm: S.confirm?.kind === "rollback" ? S.confirm.version : 0,
    comparing: Boolean(compare),
    compare_phase: compare?.phase ?? "",
    base: compare?.base ?? "",
    target: compare?.target ?? "",
    sides: sides.map((side) => ({ ...side })),
    lines: (compare?.lines ?? []).map((line, index) => ({ ...line, index, on: index === compare.at, word: say(`versions.kind_${line.kind}`) })),
    position: compare?.lines.length ? say("versions.position", { at: Math.max(0, compare.at + 1), count: compare.lines.length }) : "",
    compare_size: compare?.size ? sizeText(compare.size) : "",
    restorable: compare && compare.base !== DRAFT && mayPublish() ? Number(compare.base) : 0,
    title: compare ? say("versions.comparing", { base: sideName(compare.base), target: sideName(compare.target) }) : "",
  };
});

/** A block in words: its title, else its kind and what it says, for many have no title. */
const inWords = ({ title, type, says }) => title || (says ? `${kindName(type)} “${says}”` : kindName(type));

const parkedRow = (node, publish) => {
  const choice = publish.choices[node.node_id] ?? "";
  const targets = publish.impact.targets.filter((target) => target.waits_for.includes(node.waits_for));
  return {
    id: node.node_id,
    title: inWords(node),
    why: say(node.change === "removed" ? "versions.parked_removed" : "versions.parked_changed", { count: node.sessions }),
    choice,
    choices: [
      { value: "", label: say(publish.rest === "end" ? "versions.parked_as_rest" : "versions.parked_finish") },
      ...targets.map((target) => ({ value: target.node_id, label: say("versions.parked_move", { block: inWords(target) }) })),
      { value: "end", label: say("versions.parked_end") },
    ],
  };
};

/** Nodes by id, their sessions on all versions together. */
const byNode = (nodes) => {
  const found = new Map();
  for (const node of nodes) {
    const before = found.get(node.node_id);
    found.set(node.node_id, before ? { ...before, sessions: before.sessions + node.sessions } : node);
  }
  return [...found.values()];
};

addSlice("publish", () => {
  const publish = S.publish;
  const found = S.doc ? grouped(S.findings) : []; // counted as the check panel shows them
  const count = (severity) => found.filter((item) => item.severity === severity).length;
  return {
    open: Boolean(publish),
    verified: S.verified,
    errors: count("error"),
    warnings: count("warning"),
    note: publish?.note ?? "",
    busy: Boolean(publish?.busy),
    error: publish?.error ?? "",
    size: sizeText(S.change),
    layout_only: Boolean(S.change?.layout_only),
    changes: S.flow?.draft?.changes ?? 0,
    live: S.flow?.live_version ?? 0,
    next: (S.flow?.live_version ?? 0) + 1,
    looked: Boolean(publish?.impact),
    running: publish?.impact?.sessions ?? 0,
    parked: publish?.impact ? byNode(changedParked(publish.impact)).map((node) => parkedRow(node, publish)) : [],
    rest: publish?.rest ?? "finish",
    later: Boolean(publish?.later),
    at: publish?.at ?? "",
    zone: S.zone ?? "",
    ahead: (S.publications ?? []).filter((item) => item.state === "pending").length,
  };
});

let looking = 0;
let looked = "";

const markOf = (changes) => `${S.flowId} ${S.flow?.live_version ?? 0} ${changes} ${S.sync?.revision ?? 0}`;

/** What a change of the draft or of the live version means for the badges; asked for when edits have come to rest. */
const follow = () => {
  const mark = markOf(S.flow?.draft?.changes ?? 0);
  if (mark === looked || S.phase !== "ready") return;
  looked = mark;
  clearTimeout(looking);
  looking = setTimeout(versions.look, 900);
};

const keys = (event) => {
  if (S.overlay !== "compare" || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('[role="dialog"][data-state="open"]')) return;
  const act = { j: () => versions.step(1), n: () => versions.step(1), k: () => versions.step(-1), p: () => versions.step(-1), Escape: versions.leave }[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
};

if (typeof window !== "undefined") window.addEventListener("keydown", keys, true);

/** Keep the badges true while the page is open; returns the function that ends it. */
export const followVersions = () => watch(follow);

/** What is marked on the canvas: the kind of change of a node or an edge; empty outside a comparison. */
export const nodeMark = (id) => (S.overlay === "compare" ? (S.compare?.marks.nodes[id] ?? "same") : "");
export const edgeMark = (id) => (S.overlay === "compare" ? (S.compare?.marks.edges[id] ?? "same") : "");
