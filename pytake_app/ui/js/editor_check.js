// The check panel: the verifier's findings by kind, paths that can be played, looks on the channels, test cases.
import { createElement as h, useEffect } from "react";
import { api } from "$/public/pt_api.js";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { editor, emit, readOnly, S, say, sayOr, setFindings, specOf, tell, useStore } from "$/public/pt_editor.js";
import { edgeAt, indexOf, nodeOf } from "$/public/pt_editor_doc.js";
import { addSlice, fieldName, findingText, languageName, nodeName, plain, portLabel } from "$/public/pt_editor_model.js";
import { grouped, groupText, ofTranslation, wordsLeft } from "$/public/pt_editor_findings.js";
import { form } from "$/public/pt_editor_form.js";
import { refs } from "$/public/pt_editor_refs.js";
import { translate } from "$/public/pt_editor_translate.js";
import { CHANNELS, channelName, ofContent } from "$/public/pt_editor_preview_view.js";
import { preview } from "$/public/pt_editor_preview.js";
import { tests } from "$/public/pt_editor_tests.js";

const SEVERITIES = ["error", "warning", "info"];
const NONSENSE = "zq 7391 xw"; // what generated conversations write where any text will do (engine/analysis/wishes.py)
const KINDS = ["structure", "data", "window", "channel", "reference", "cost", "content"];
const SAFE = new Set(["add_start", "connect_end", "delete_edge", "drop_case", "drop_word", "rename_option", "set_first", "skip_trigger", "use_language"]);
const ELSEWHERE = new Set(["keyword_in_flow", "keyword_in_rule"]); // which of the two gives the word up is the author's choice
const STRUCTURE = /^(dead_end|duplicate_edge|duplicate_node_id|edge_|loop_|no_trigger|only_start|second_entry|unconnected_|unknown_(port|type)|unreachable|unsupported_type|mutual_|too_many_(steps|messages))/;
const DATA = /(variable|undefined_|type_clash)/;

/** What a finding is about. */
export const kindOf = (code) => {
  if (code.startsWith("window_")) return "window";
  if (code.startsWith("cost_")) return "cost";
  if (code.startsWith("degrade_") || /^unsupported_(template|form|media)/.test(code)) return "channel";
  if (STRUCTURE.test(code)) return "structure";
  if (/^(missing_(flow|template|queue|agent|department|tag|field|secret|calendar|event)|template_|no_queue)/.test(code)) return "reference";
  return DATA.test(code) ? "data" : "content";
};

const blank = () => ({ view: "findings", kind: "", key: "", mending: false, paths: null, looks: null, channel: "" });
const state = () => S.check ?? blank();
const change = (part) => emit({ check: { ...state(), ...part } });
const keyOf = (finding) => [finding.code, finding.node_id ?? "", finding.port ?? "", finding.pointer ?? ""].join(" ");

/** On a phone the panel lies over the canvas: it makes way for what is drawn there. */
const narrow = () => window.matchMedia("(max-width: 767px)").matches;

/** Light nodes in order with the ports between them, and say why over the canvas. */
const lightPath = (steps, text, tone) => {
  const nodes = new Set(steps.map((step) => step.node_id));
  const ports = new Set(steps.filter((step) => step.port).map((step) => `${step.node_id}\u0000${step.port}`));
  emit({ lit: { nodes, ports, current: steps.at(-1)?.node_id ?? null }, litNote: text ? { text, tone } : null });
  emit({ fit: { ids: [...nodes], n: (S.fit?.n ?? 0) + 1 }, ...(narrow() ? { sheet: false } : {}) });
};
const dark = () => emit({ lit: { nodes: new Set(), ports: new Set(), current: null }, litNote: null });

/** The nodes of a finding's path with the port that leads on to the next one. */
const stepsOf = (path) =>
  path.filter((id) => nodeOf(S.doc, id)).map((id, i, all) => {
    const edge = (indexOf(S.doc).out.get(id) ?? []).find((item) => item.target === all[i + 1]);
    return { node_id: id, port: edge?.port ?? null };
  });

const inWords = (steps) => {
  const names = steps.map(({ node_id, port }, i) => {
    const node = nodeOf(S.doc, node_id);
    return !port || port === "next" || i === steps.length - 1 ? nodeName(node) : `${nodeName(node)} (${portLabel(node, port)})`;
  });
  return names.length > 9 ? [...names.slice(0, 4), "…", ...names.slice(-4)].join(" → ") : names.join(" → ");
};

const PULSE = 1600;
/** After a jump: the field that is meant gets the focus, the exit that is meant is shown. */
const pointAt = (finding) => {
  const until = Date.now() + 1500;
  const look = () => {
    const wanted = (finding.pointer ?? "").slice(1);
    const parts = wanted.split("/");
    let control = null;
    for (let size = parts.length; wanted && size > 0 && !control; size -= 1) control = document.querySelector(`.ins [data-field="${CSS.escape(parts.slice(0, size).join("/"))}"]`);
    const exit = finding.port ? document.querySelector(`.react-flow__node[data-id="${CSS.escape(finding.node_id)}"] [data-port="${CSS.escape(finding.port)}"]`) : null;
    if ((wanted && !control) || (finding.port && !exit)) {
      if (Date.now() < until) requestAnimationFrame(look);
      return;
    }
    const target = control?.matches("input, textarea, select, button") ? control : control?.querySelector("input, textarea, select, button, [contenteditable]");
    target?.focus();
    control?.scrollIntoView({ block: "center" });
    if (exit) {
      exit.classList.add("ping");
      setTimeout(() => exit.classList.remove("ping"), PULSE);
    }
  };
  requestAnimationFrame(look);
};

export const check = {
  view(view) {
    change({ view, key: "" });
    dark();
    check.refresh();
  },
  kind: (kind) => change({ kind: state().kind === kind ? "" : kind }),
  jump(index) {
    const finding = S.findings[index];
    if (finding && ofTranslation(finding) && finding.language) {
      translate.show(finding);
      return;
    }
    if (!finding?.node_id) return;
    editor.jump(finding.node_id);
    if (finding.pointer || finding.port) pointAt(finding);
  },
  /** Draw the finding's example on the canvas, or take it away. */
  example(index) {
    const finding = S.findings[index];
    const key = keyOf(finding);
    if (state().key === key) {
      change({ key: "" });
      return void dark();
    }
    change({ key });
    const steps = stepsOf(finding.path);
    const path = inWords(steps);
    const told = finding.params?.path ? findingText({ ...finding, params: { ...finding.params, path } }) : say("check.example", { sentence: findingText(finding), path });
    lightPath(steps, told, finding.severity === "error" ? "red" : "amber");
  },
  mend(index) {
    const group = grouped(S.findings).find((finding) => finding.index === index);
    if (!group?.words || group.words.length < 2) return void editor.mend(index);
    form.set(group.node_id, "words", wordsLeft(group));
  },
  /** Every mend that is safe to do unasked, as one undo step. */
  async mendAll() {
    change({ mending: true });
    await editor.settled();
    try {
      const { mended, findings, revision } = await api.post(`/api/v1/flows/${S.flowId}/check/mend`, { expected_revision: S.sync.revision });
      if (revision > S.sync.revision) S.bridge?.catchUp({ flow_id: S.flowId, revision: S.sync.revision });
      setFindings(findings);
      if (mended) editor.refreshHead();
      tell(mended ? "check.mended" : "check.mended_none", mended ? "success" : "message");
    } catch (error) {
      tell("check.mend_failed", "error", { description: sayOr(`editor.publish_${error.code}`, say("common.failed_detail")) });
    } finally {
      change({ mending: false });
    }
  },

  async loadPaths(limit = 40) {
    const revision = S.sync.revision;
    change({ paths: { ...state().paths, phase: state().paths?.data ? "again" : "loading", limit } });
    await editor.settled();
    try {
      const data = await api.get(`/api/v1/flows/${S.flowId}/check/paths?limit=${limit}`);
      change({ paths: { phase: "ready", data, revision, limit, shown: null } });
    } catch {
      change({ paths: { ...state().paths, phase: "error", revision } });
    }
  },
  morePaths: () => check.loadPaths(200),
  async playPath(index) {
    const path = state().paths?.data?.paths[index];
    if (!path) return;
    if (path.script) return void preview.walk(path);
    try {
      const { script, reason } = await api.post(`/api/v1/flows/${S.flowId}/check/path`, { steps: path.steps });
      if (script) preview.walk({ ...path, script });
      else tell(`check.reason_${reason}`, "error");
    } catch {
      tell("check.paths_failed", "error");
    }
  },
  playTest(id) {
    const found = S.tests?.items?.find((one) => one.id === id);
    if (found) preview.walk({ script: found.script, steps: [] });
  },
  showPath(index) {
    const { paths } = state();
    const again = paths.shown === index;
    change({ paths: { ...paths, shown: again ? null : index } });
    if (again) dark();
    else lightPath(paths.data.paths[index].steps.filter((step) => nodeOf(S.doc, step.node_id)), "", "");
  },

  async loadAttached() {
    if (S.attached) return;
    try {
      const { items } = await api.get("/api/v1/channel-accounts");
      emit({ attached: [...new Set(items.map((item) => item.channel))] });
    } catch {
      emit({ attached: ["whatsapp"] });
    }
  },
  async loadLooks() {
    await Promise.all([check.loadAttached(), refs.load()]);
    const revision = S.sync.revision;
    const wanted = [...new Set([...S.attached, ...(state().channel ? [state().channel] : [])])];
    change({ looks: { ...state().looks, phase: state().looks?.data ? "again" : "loading" } });
    await editor.settled();
    try {
      const query = wanted.map((kind) => `channel=${encodeURIComponent(kind)}`).join("&");
      const data = await api.get(`/api/v1/flows/${S.flowId}/check/channels?${query}`);
      change({ looks: { phase: "ready", data, revision } });
    } catch {
      change({ looks: { ...state().looks, phase: "error", revision } });
    }
  },
  channel(kind) {
    change({ channel: state().channel === kind ? "" : kind });
    check.loadLooks();
  },
  /** Bring what is shown up to the draft. */
  refresh() {
    const { view, paths, looks } = state();
    if (!S.sync?.base) return;
    if (view === "paths" && paths?.revision !== S.sync.revision && !["loading", "again"].includes(paths?.phase)) check.loadPaths(paths?.limit);
    if (view === "channels" && looks?.revision !== S.sync.revision && !["loading", "again"].includes(looks?.phase)) check.loadLooks();
    if (view === "tests") tests.refresh();
  },
  leave() {
    if (state().key || state().paths?.shown != null) {
      change({ key: "", ...(state().paths ? { paths: { ...state().paths, shown: null } } : {}) });
      dark();
    }
  },
  closeNote() {
    if (S.check) change({ key: "" });
    dark();
  },
};

const item = (finding) => {
  const { index } = finding;
  const node = finding.node_id ? nodeOf(S.doc, finding.node_id) : null;
  const spec = node && specOf(node.type);
  return {
    index,
    key: `${keyOf(finding)} ${index}`,
    kind: kindOf(finding.code),
    text: groupText(finding),
    node: node?.id ?? (ofTranslation(finding) ? "translations" : ""),
    name: node ? [nodeName(node), finding.port ? portLabel(node, finding.port) : finding.words?.length > 1 ? fieldName(node, "/words") : ofTranslation(finding) ? languageName(finding.language ?? "") : fieldName(node, finding.pointer)].filter(Boolean).join(" · ") : say("editor.whole_flow"),
    icon: spec?.icon ?? "workflow",
    group: spec?.group ?? "canvas",
    severity: finding.severity,
    mend: finding.mend && !readOnly() ? (finding.words?.length > 1 ? say("rows.drop_words", { count: finding.words.length }) : sayOr(`verify.mend.${finding.mend}`, "")) : "",
    safe: SAFE.has(finding.mend) && !ELSEWHERE.has(finding.code),
    path: (finding.path ?? []).filter((id) => nodeOf(S.doc, id)).length > 1,
    open: state().key === keyOf(finding),
  };
};

addSlice("checkpanel", () => {
  const all = S.doc ? grouped(S.findings).map(item) : [];
  const { view, kind, mending } = state();
  const found = kind ? all.filter((one) => one.kind === kind) : all;
  const safe = all.filter((one) => one.mend && one.safe).length;
  const failed = S.tests?.run?.failed ?? 0;
  return {
    view,
    verified: S.verified,
    clean: S.verified && all.length === 0,
    errors: all.filter((one) => one.severity === "error").length,
    total: all.length,
    failed,
    safe,
    mending,
    kinds: KINDS.map((name) => ({ name, label: say(`check.kind_${name}`), count: all.filter((one) => one.kind === name).length, on: name === kind })).filter((one) => one.count > 0),
    groups: SEVERITIES.map((severity) => ({ severity, label: say(`editor.severity_${severity}`), items: found.filter((one) => one.severity === severity) })).filter((group) => group.items.length > 0),
  };
});

const money = (millionths, currency) => new Intl.NumberFormat(getLang(), { style: "currency", currency, maximumFractionDigits: 4 }).format(millionths / 1e6);

const pathName = (path) => {
  const nodes = path.steps.map((step) => ({ ...step, node: nodeOf(S.doc, step.node_id) })).filter((step) => step.node);
  const choices = nodes.slice(0, -1).filter(({ node, port }) => port && port !== "next" && edgeAt(S.doc, node.id, port)).map(({ node, port }) => plain(portLabel(node, port)));
  return { from: nodes.length ? nodeName(nodes[0].node) : "", via: choices.slice(0, 6).join(" › ") + (choices.length > 6 ? " …" : ""), to: nodes.length ? nodeName(nodes.at(-1).node) : "" };
};

addSlice("checkpaths", () => {
  const { paths } = state();
  const data = S.doc ? paths?.data : null;
  return {
    phase: paths?.phase === "error" && !data ? "error" : !data ? "loading" : data.paths.length ? "ready" : "empty",
    again: paths?.phase === "again",
    truncated: Boolean(data?.truncated) && (paths?.limit ?? 40) < 200,
    count: data?.paths.length ?? 0,
    nodes: data ? `${fmt.number(getLang(), data.coverage.nodes_covered)} / ${fmt.number(getLang(), data.coverage.nodes)}` : "",
    ports: data ? `${fmt.number(getLang(), data.coverage.ports_covered)} / ${fmt.number(getLang(), data.coverage.ports)}` : "",
    items: (data?.paths ?? []).map((path, index) => ({
      index,
      ...pathName(path),
      ends: sayOr(`check.ends_${path.ends}`, path.ends),
      odd: path.ends === "open" || path.ends === "loop",
      reason: path.script || path.reason === "later" ? "" : sayOr(`check.reason_${path.reason}`, say("check.reason_not_found")),
      on: paths.shown === index,
      said: path.script ? path.script.inputs.filter((input) => input.text).map((input) => (input.text === NONSENSE ? say("check.anything") : `“${input.text}”`)).slice(0, 3).join(" · ") : "",
      messages: say("check.messages", { count: path.cost.messages }),
      cost: path.cost.billable === null ? say("check.unbounded") : path.cost.billable === 0 ? say("check.free") : data.priced && path.cost.price !== null ? `${say("check.billable", { count: path.cost.billable })} · ${money(path.cost.price, data.currency)}` : say("check.billable", { count: path.cost.billable }),
      paid: path.cost.billable !== 0,
    })),
  };
});

const seen = (contents) => contents.map((content, i) => ({ key: String(i), header: "", footer: "", list: "", url_text: "", form: "", image: "", text: "", ...ofContent(content), options: [...(content.type === "template" ? (ofContent(content).buttons ?? []) : (content.buttons ?? [])).map((option) => option.title ?? ""), content.button ?? "", content.display_text ?? "", content.cta ?? ""].filter(Boolean) }));

addSlice("checklooks", () => {
  const { looks, channel } = state();
  const attached = S.attached ?? [];
  const shown = channel || attached.find((kind) => kind !== "whatsapp") || attached[0] || "whatsapp";
  const nodes = (S.doc ? (looks?.data?.nodes ?? []) : []).flatMap((entry) => {
    const node = nodeOf(S.doc, entry.node_id);
    const look = entry.looks.find((one) => one.channel === shown);
    if (!node || !look) return [];
    const spec = specOf(node.type);
    return [{ id: node.id, name: nodeName(node), icon: spec?.icon ?? "circle", group: spec?.group ?? "message", native: seen(entry.contents), looks: seen(look.contents), changes: look.changes.map((one) => sayOr(`preview.change_${one}`, one)), problem: look.problem ? say("preview.refused", { channel: channelName(shown), why: sayOr(`preview.problem_${look.problem_code}`, look.problem) }) : "", dropped: !look.problem && look.contents.length === 0 }];
  });
  return {
    phase: looks?.phase === "error" && !looks.data ? "error" : looks?.data ? "ready" : "loading",
    channels: [...CHANNELS.filter((kind) => attached.includes(kind)), ...CHANNELS.filter((kind) => !attached.includes(kind))].map((kind) => ({ kind, label: channelName(kind), attached: attached.includes(kind), on: kind === shown })),
    name: channelName(shown),
    same: Math.max(0, (looks?.data?.messages ?? 0) - nodes.length),
    nodes,
  };
});

/** Keeps the panel up to date with the draft while it shows. */
export const CheckWatch = ({ children }) => {
  useLang();
  const revision = useStore((s) => s.sync?.revision ?? 0);
  const ready = useStore((s) => s.phase === "ready");
  useEffect(() => {
    if (!ready) return undefined;
    check.loadAttached();
    const timer = setTimeout(check.refresh, 500);
    return () => clearTimeout(timer);
  }, [revision, ready]);
  useEffect(() => check.leave, []);
  return h("div", { className: "ckwrap" }, children);
};
