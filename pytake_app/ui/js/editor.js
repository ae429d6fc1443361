// The editor's store: one open flow. The document comes by REST, edits go and come as small messages (`editor_sync.js`),
// everything else here is what this tab shows. Views read slices (`editor_model.js`); nothing of it lives in server state.
import { useRef, useSyncExternalStore } from "react";
import { toast } from "sonner";
import { api, ApiError, whenSignedOut } from "$/public/pt_api.js";
import { getLang, tr, trKey } from "$/public/pt_i18n.js";
import { onPoke } from "$/public/pt_live.js";
import { Sync } from "$/public/pt_editor_sync.js";
import { Checker } from "$/public/pt_editor_verify.js";
import { takeUp } from "$/public/pt_editor_keep.js";
import { people } from "$/public/pt_editor_people.js";
import { nodeOf, portsOf } from "$/public/pt_editor_doc.js";
import { may as grants } from "$/public/pt_rights.js";

const listeners = new Set();
const RECENTS = "pytake_editor_recents";

const readList = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]");
  } catch {
    return [];
  }
};

/** Keep a small value in this browser; a blocked storage only means that it is forgotten. */
export const keep = (key, value) => {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // nothing depends on it
  }
};

const fresh = () => ({
  flowId: null,
  flow: null, // the flow as the API gives it, without its document
  phase: "loading", // loading | ready | missing | forbidden | error
  sync: null,
  checker: null, // asks for the findings
  doc: null,
  findings: [],
  verified: false,
  problems: new Map(), // node id → {errors, warnings, ports}
  selected: [], // node ids
  edge: null, // selected edge id
  tab: "block",
  sheet: false, // phone: the inspector as a bottom sheet
  keysSheet: false,
  refused: null,
  query: "",
  closedGroups: ["trigger", "ai"],
  recents: readList(RECENTS),
  quick: null, // the palette that opened at a place of the canvas
  shownErrors: [], // nodes that show their error exit
  lit: { nodes: new Set(), ports: new Set(), current: null },
  litNote: null, // why they are lit, said over the canvas: {text, tone}
  fit: null, // nodes to bring into view: {ids, n}
  reveal: null, // a node to move to when it is out of sight: {id}
  preview: null,
  check: null,
  tests: null,
  versions: null,
  version: null, // an old version shown read-only
  overlay: null, // what else stands on the canvas instead of the draft: compare, runs, called
  called: null, // the flow that is drawn because the preview entered it: {id, version, at}
  compare: null, // two versions beside each other (editor_versions.js)
  publications: null, // publications for later
  change: null, // how much the draft differs from what is live
  openLayout: 0, // the folded part of the history that is open
  runs: null, // figures and past runs (editor_runs.js)
  publish: null,
  confirm: null,
  menu: null,
  peers: [],
  following: "", // the tab whose view is followed
  gone: false, // deleted while it is open here
  users: null, // id → name
  uploads: {}, // of media fields, by their key: {name, part}
  flows: null, // other flows, for the picker
  connected: true,
});

export const S = { ...fresh(), specs: {}, me: { id: "", name: "", role: "" }, bridge: null, tick: 0 };

/** Tell every view that something changed. */
export const emit = (part) => {
  if (part) Object.assign(S, part);
  S.tick += 1;
  listeners.forEach((fn) => fn());
};

/** Be called after every change of the store; returns the function that ends it. */
export const watch = (fn) => {
  listeners.add(fn);
  return () => listeners.delete(fn);
};

const same = (a, b) => {
  if (Object.is(a, b)) return true;
  if (!a || !b || typeof a !== "object" || typeof b !== "object" || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
};

/** A value picked from the store; the component renders again only when it differs (compared by content). */
export const useStore = (pick) => {
  const last = useRef(undefined);
  const get = () => {
    const next = pick(S);
    if (!same(last.current, next)) last.current = next;
    return last.current;
  };
  return useSyncExternalStore(watch, get, get);
};

/** The same for values compared by identity (documents, maps). */
export const useStoreRef = (pick) => useSyncExternalStore(watch, () => pick(S), () => pick(S));

/** A text in the language in use. */
export const say = (key, params) => tr(getLang(), key, params);
/** A text whose key may be missing: the spare key's text, else the spare itself. */
export const sayOr = (key, spare, params) => {
  const found = trKey(key, "");
  return found ? tr(getLang(), found, params) : spare;
};

export const tell = (key, kind = "message", options = {}) => (kind === "message" ? toast(say(key), options) : toast[kind](say(key), options));

export const specOf = (type) => S.specs[type];
/** Whether the canvas shows the draft, not an old version, a comparison or what ran. */
export const showsDraft = () => S.version === null && !S.overlay;
export const readOnly = () => !showsDraft() || S.gone || !grants(S.me, "flows:edit");
/** The document on the canvas: the draft with waiting edits, or an old version. */
export const shownDoc = () => S.doc;

/** Put the verifier's findings in place. */
export const setFindings = (findings) => {
  const problems = new Map();
  for (const finding of findings) {
    if (!finding.node_id || finding.severity === "info") continue;
    const entry = problems.get(finding.node_id) ?? { errors: 0, warnings: 0, ports: [] };
    entry[finding.severity === "error" ? "errors" : "warnings"] += 1;
    if (finding.port && finding.severity === "error") entry.ports.push(finding.port);
    problems.set(finding.node_id, entry);
  }
  emit({ findings, problems, verified: true });
};

const codeOf = (error) => (error instanceof ApiError ? error.code : "unknown");

const failed = (code) => {
  if (code === "nothing_to_undo" || code === "nothing_to_redo") tell(`editor.${code}`);
  else if (code.endsWith("_overtaken")) tell("editor.not_undone", "message", { description: say(`editor.refused_${code}`) });
  else tell("editor.refused", "error", { description: sayOr(`editor.refused_${code}`, say("editor.refused_detail")) });
};

const makeSync = (flowId) =>
  new Sync({
    flowId,
    send: (message) => S.bridge?.submit(message),
    changed: () => {
      if (showsDraft()) S.doc = S.sync.doc;
      dropLostSelection();
      emit();
    },
    failed,
    reload: () => editor.load(),
    fetch: () => S.bridge?.catchUp({ flow_id: flowId, revision: S.sync.revision }),
    user: () => S.me.id,
    typed: (pause) => S.checker.typed(pause),
  });

const makeChecker = (flowId, sync) =>
  new Checker({
    sync,
    ask: (unsent) => api.post(`/api/v1/flows/${flowId}/verify`, unsent ?? {}),
    show: (findings) => S.sync === sync && setFindings(findings),
    failed: (error) => error.status !== 0 && error.status !== 503 && tell("editor.check_failed", "error"),
    peers: () => S.peers.length,
  });

const dropLostSelection = () => {
  if (!S.doc) return;
  const kept = S.selected.filter((id) => nodeOf(S.doc, id));
  if (kept.length !== S.selected.length) S.selected = kept;
};

let stopPokes = null;
let loading = 0;

export const editor = {
  S,

  /** Handlers of the page: `submit(message)`, `here(payload)`. */
  bind(bridge, specs, me) {
    S.bridge = bridge;
    S.specs = specs;
    if (!same(S.me, me)) emit({ me });
  },

  /** Open a flow; the same one again only loads what is newer. */
  open(flowId) {
    if (!flowId) return;
    if (S.flowId !== flowId) {
      const sync = makeSync(flowId);
      Object.assign(S, fresh(), { flowId, sync, checker: makeChecker(flowId, sync) });
      stopPokes?.();
      whenSignedOut(() => {
        if (!S.flowId || !S.doc || !window.location.pathname.startsWith("/flows/")) return false;
        S.sync.halt("signed_out");
        emit();
        return true;
      });
      stopPokes = onPoke(`flow:${flowId}`, (pokes) => pokes.forEach(editor.poked));
    }
    editor.load();
  },

  /** Load flow and findings from the server. */
  async load() {
    const turn = (loading += 1);
    const flowId = S.flowId;
    if (!S.doc) emit({ phase: "loading" });
    try {
      const flow = await api.get(`/api/v1/flows/${encodeURIComponent(flowId)}`);
      if (turn !== loading) return;
      const { draft, ...rest } = flow;
      const { document: doc, ...head } = draft;
      emit({ flow: { ...rest, draft: head }, phase: "ready", gone: false });
      if (!S.sync.base) {
        const { sync } = S;
        sync.adopt(await takeUp(flowId, await people.me()));
        sync.remember();
        if (turn !== loading) return;
        people.here({ join: true });
      } else people.back();
      S.sync.start(draft.revision, doc);
      if (showsDraft()) S.doc = S.sync.doc;
      emit();
      editor.verify();
    } catch (error) {
      if (turn !== loading) return;
      const phase = { 404: "missing", 422: "missing", 403: "forbidden" }[error.status] ?? "error";
      if (S.doc && error.status === 404) {
        editor.deleted();
        return;
      }
      if (!S.doc || phase !== "error") emit({ phase });
    }
  },

  verify: () => S.checker.verify(),

  /** An answer of the server (also one kept from before this page was opened). */
  replied(reply) {
    if (!reply || reply.flow_id !== S.flowId || !S.sync) return;
    if (reply.roster) {
      people.roster(reply.roster);
      return;
    }
    if (reply.refused) {
      S.sync.halt(reply.refused);
      emit();
      return;
    }
    if (reply.error === "flow_not_found") {
      editor.deleted();
      return;
    }
    if (reply.draft) emit({ flow: { ...S.flow, draft: { ...S.flow?.draft, ...reply.draft } } });
    S.sync.answer(reply);
    S.checker.told(reply);
    emit();
  },
  /** Somebody deleted the flow while it is open here: nothing is sent, everything stays to be seen and saved. */
  deleted() {
    S.sync?.halt("deleted");
    emit({ gone: true });
  },

  poked(poke) {
    if (poke.topic === "live:reconnected") {
      S.sync.setConnected(true);
      editor.load();
      people.here({ join: true });
      return;
    }
    if (poke.event === "flow_edited") {
      const before = S.sync.revision;
      S.sync.hear(poke);
      if (S.sync.revision > before) S.checker.soon();
    } else if (poke.event === "flow_here") people.heard(poke);
    else if (poke.event === "flow_deleted") editor.deleted();
    else if (poke.event === "flow_restored") {
      emit({ gone: false });
      S.sync.resume();
      editor.load();
    }
    else if (poke.event === "flow_published" || poke.event === "flow_updated" || poke.event === "flow_rolled_back") editor.refreshHead();
  },

  async refreshHead() {
    try {
      const { draft, ...rest } = await api.get(`/api/v1/flows/${S.flowId}`);
      const { document: _doc, ...head } = draft;
      emit({ flow: { ...rest, draft: head } });
    } catch (error) {
      if (error.status === 404) emit({ phase: "missing" });
    }
  },

  connected(on) {
    S.sync?.setConnected(on);
    if (S.connected !== on) emit({ connected: on });
  },

  /** Edit the draft: operations that are one undo step. */
  edit(ops, key = null) {
    if (readOnly() || !S.sync?.base || ops.length === 0) return false;
    return S.sync.edit(ops, key);
  },
  flush: () => S.sync?.flush(),
  undo: () => !readOnly() && S.sync?.base && S.sync.step("undo"),
  redo: () => !readOnly() && S.sync?.base && S.sync.step("redo"),

  /** Do a finding's one-click mend. Its edits are asked for now, so that they fit the draft as it is. */
  async mend(index) {
    const wanted = S.findings[index];
    await editor.settled();
    try {
      const { findings, revision } = await api.post(`/api/v1/flows/${S.flowId}/verify`);
      const same = (item) => ["code", "node_id", "port", "pointer", "mend"].every((key) => (item[key] ?? null) === (wanted[key] ?? null));
      const found = findings.find(same);
      if (found?.creates) {
        // What is missing is no part of the draft: it is made, and the draft verified again.
        await api.post(`/api/v1/flows/${S.flowId}/references`, found.creates);
        setFindings((await api.post(`/api/v1/flows/${S.flowId}/verify`)).findings);
        const { refs } = await import("$/public/pt_editor_refs.js");
        refs.load(true);
      } else if (revision === S.sync.revision && found?.operations?.length) editor.edit(found.operations);
      else setFindings(findings);
    } catch {
      tell("editor.check_failed", "error");
    }
  },

  rename(name) {
    const clean = name.trim().slice(0, 200);
    if (clean && clean !== S.doc.name) editor.edit([{ op: "set_name", name: clean }]);
  },

  select(ids, edge = null) {
    if (same(ids, S.selected) && edge === S.edge) return;
    S.sync?.flush();
    emit({ selected: ids, edge, quick: null, ...(ids.length === 1 && !["preview", "runs"].includes(S.tab) && !S.overlay ? { tab: "block" } : {}) });
    people.soon();
  },
  follow: (tab) => people.follow(tab),
  /** Select a node and bring it into view. */
  jump(id) {
    if (!nodeOf(S.doc, id)) return;
    emit({ selected: [id], edge: null, tab: ["preview", "runs"].includes(S.tab) || S.overlay ? S.tab : "block", sheet: true, focus: { id, n: (S.focus?.n ?? 0) + 1 } });
  },
  tab(tab) {
    emit({ tab, sheet: true });
    if (tab === "versions" && !S.versions) editor.loadVersions();
  },
  sheet: (open) => emit({ sheet: open }),
  keys: (open) => emit({ keysSheet: open }),

  search: (query) => emit({ query }),
  group(name) {
    const closed = S.closedGroups.includes(name) ? S.closedGroups.filter((item) => item !== name) : [...S.closedGroups, name];
    emit({ closedGroups: closed });
  },
  used(type) {
    const recents = [type, ...S.recents.filter((item) => item !== type)].slice(0, 3);
    keep(RECENTS, recents);
    emit({ recents });
  },
  showError(id, on) {
    emit({ shownErrors: on ? [...S.shownErrors, id] : S.shownErrors.filter((item) => item !== id) });
  },

  /** Ports of a node that the card shows: the error exit only when wired or asked for. */
  ports(node) {
    return portsOf(specOf(node.type), node.config);
  },

  /** Names of the organization's people, for "who published this". */
  async loadUsers() {
    if (S.users) return;
    try {
      const items = await api.all("/api/v1/users");
      emit({ users: Object.fromEntries(items.map((user) => [user.id, user.full_name ?? user.name ?? ""])) });
    } catch {
      emit({ users: {} }); // not allowed to see them: versions show no names
    }
  },

  /** Look at an old version on the canvas, or with null go back to the draft. */
  async showVersion(version) {
    if (version === null) {
      emit({ version: null, overlay: null, compare: null, doc: S.sync.doc, selected: [], edge: null });
      return;
    }
    S.sync.flush();
    try {
      const detail = await api.get(`/api/v1/flows/${S.flowId}/versions/${version}`);
      emit({ version, overlay: null, compare: null, doc: detail.document, selected: [], edge: null });
    } catch {
      tell("editor.version_failed", "error");
    }
  },
  ask: (confirm) => emit({ confirm }),
  closePublish: () => emit({ publish: null }),
  reviewFindings: () => emit({ publish: null, tab: "check", sheet: true }),
  note: (note) => emit({ publish: { ...S.publish, note } }),
  /** Resolves when every edit was acknowledged, or can't be now: the connection is away, or nothing is sent any more. */
  settled() {
    S.sync.flush();
    return new Promise((resolve) => {
      const look = () => {
        if (S.sync.waiting > 0 && S.connected && !S.sync.halted) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  },
};

if (typeof window !== "undefined") {
  window.addEventListener("pagehide", () => {
    if (!S.sync) return;
    S.sync.flush();
    people.leave();
  });
  window.addEventListener("pageshow", (event) => event.persisted && people.back());
}
