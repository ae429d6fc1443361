// Runs: figures of a period drawn on the canvas, who came to a block, and one past run step by step. While this tab is
// open the canvas shows the version that ran and nothing can be edited.
import { api } from "$/public/pt_api.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { phoneText } from "$/public/pt_inbox_model.js";
import { isTyping } from "$/public/pt_shell.js";
import { indexOf, nodeOf } from "$/public/pt_editor_doc.js";
import { editor, emit, S, say, sayOr, specOf, tell, watch } from "$/public/pt_editor.js";
import { addSlice, initials, kindName, nodeName, portLabel } from "$/public/pt_editor_model.js";

const PAGE = 20;
const PERIODS = [1, 7, 30, 90];
const WARM = 0.08; // a share of people lost above which a block is amber, as the legend says
const HOT = 0.2; // and above which it is red
const DARK = { nodes: new Set(), ports: new Set(), current: null };

/** A contact's number as people write it; for viewers it is only its end already. */
const numberOf = (phone) => (/^\d{8,}$/.test(phone ?? "") ? phoneText(phone) : (phone ?? ""));

const path = (rest) => `/api/v1/flows/${encodeURIComponent(S.flowId)}/${rest}`;
const blank = () => ({ days: 7, version: 0, channel: "", phase: "loading", stats: null, nodes: new Map(), most: 1, node: "", dropped: false, list: null, run: null });
const change = (part) => S.runs && emit({ runs: { ...S.runs, ...part } });

/** The filters as a query. */
const query = (extra = {}) => {
  const { days, version, channel } = S.runs;
  const wanted = { days, ...(version ? { version } : {}), ...(channel ? { channel } : {}), ...extra };
  return new URLSearchParams(Object.entries(wanted).map(([key, value]) => [key, String(value)])).toString();
};

/** A number, a share, a length of time, as people here write them. */
const count = (value) => fmt.number(getLang(), value);
const percent = (share) => (share === null || share === undefined ? "–" : fmt.number(getLang(), share, { style: "percent", maximumFractionDigits: share > 0 && share < 0.01 ? 1 : 0 }));
const spell = (seconds) => {
  if (seconds === null || seconds === undefined) return "";
  const [unit, value] = seconds < 60 ? ["second", seconds] : seconds < 5400 ? ["minute", seconds / 60] : seconds < 129600 ? ["hour", seconds / 3600] : ["day", seconds / 86400];
  return new Intl.NumberFormat(getLang(), { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 && unit !== "second" ? 1 : 0 }).format(value);
};

const documentOf = async (flowVersion) => (flowVersion ? (await api.get(path(`versions/${flowVersion}`))).document : S.sync.doc);

/** Put the version on the canvas that the figures are of. */
const showVersion = async (number) => {
  const wanted = number || S.flow?.live_version || 0;
  if (S.overlay === "runs" && S.runs.shown === wanted) return;
  const doc = await documentOf(wanted);
  if (S.tab !== "runs" || !S.runs) return;
  const still = S.selected.filter((id) => nodeOf(doc, id));
  // The palette makes room and the version may differ from the draft: all of it comes into view.
  const fit = still.length ? S.fit : { ids: doc.nodes.map((node) => node.id), n: (S.fit?.n ?? 0) + 1 };
  emit({ overlay: "runs", compare: null, version: null, doc, selected: still, edge: null, fit, runs: { ...S.runs, shown: wanted } });
};

const load = async () => {
  const asked = S.runs;
  try {
    const [stats] = await Promise.all([api.get(`${path("stats")}?${query()}`), showVersion(S.runs.version)]);
    if (!S.runs || S.runs.days !== asked.days || S.runs.version !== asked.version || S.runs.channel !== asked.channel) return;
    const most = Math.max(1, ...stats.nodes.flatMap((node) => Object.values(node.ports)));
    change({ phase: stats.started ? "ready" : "empty", stats, nodes: new Map(stats.nodes.map((node) => [node.node_id, node])), most });
    runs.list();
  } catch (error) {
    change({ phase: S.runs?.stats ? "ready" : "error" });
    if (S.runs?.stats) tell("runs.failed", "error");
    else if (error.status === 404) editor.refreshHead();
  }
};

export const runs = {
  /** The tab was opened. */
  enter() {
    if (!S.flow) return;
    emit({ runs: S.runs ? { ...S.runs, run: null } : blank(), lit: DARK });
    load();
  },
  /** Another tab was opened: the draft comes back. */
  leave() {
    emit({ overlay: null, doc: S.version === null ? S.sync.doc : S.doc, selected: [], lit: DARK, ...(S.runs ? { runs: { ...S.runs, run: null, node: "" } } : {}) });
  },
  again: () => {
    change({ phase: "loading" });
    load();
  },
  filter(name, value) {
    change({ [name]: name === "channel" ? value : Number(value), list: null, run: null });
    load();
  },
  /** A block was chosen on the canvas or in the list. */
  node(id) {
    if (S.runs?.run) return;
    if ((S.runs?.node ?? "") === id) return;
    change({ node: id, dropped: false, list: null });
    runs.list();
  },
  pick(id) {
    emit({ selected: id ? [id] : [], focus: id && nodeOf(S.doc, id) ? { id, n: (S.focus?.n ?? 0) + 1 } : S.focus });
    runs.node(id);
  },
  onlyDropped(dropped) {
    change({ dropped, list: null });
    runs.list();
  },
  /** The latest runs, of the chosen block if there is one; with `more` the next page. */
  async list(more = false) {
    const { node, dropped, list } = S.runs;
    const cursor = more && list?.next ? { cursor: list.next } : {};
    try {
      const answer = await api.get(`${path("runs")}?${query({ limit: PAGE, ...(node ? { node } : {}), ...(dropped ? { dropped } : {}), ...cursor })}`);
      if (!S.runs || S.runs.node !== node || S.runs.dropped !== dropped) return;
      change({ list: { items: [...(more ? list.items : []), ...answer.items], next: answer.next_cursor, failed: false } });
    } catch {
      change({ list: { items: list?.items ?? [], next: null, failed: true } });
    }
  },

  /** One past run, on the version that it ran on. */
  async open(id) {
    try {
      const detail = await api.get(`/api/v1/flows/sessions/${id}/run`);
      if (S.tab !== "runs") return;
      const own = detail.flow_ids.findIndex((flow) => flow === S.flow.id);
      const number = own >= 0 ? detail.flow_versions[own] : detail.session.flow_id === S.flow.id ? detail.session.version : 0;
      const doc = await documentOf(number);
      emit({ overlay: "runs", doc, edge: null, selected: [], runs: { ...S.runs, shown: number, run: { detail, at: 0 } } });
      runs.to(0);
    } catch {
      tell("runs.run_failed", "error");
    }
  },
  /** Stand at a step: what came before stays lit, the block comes into view. */
  to(index) {
    const run = S.runs?.run;
    const steps = run?.detail.session.steps ?? [];
    if (!steps.length) return;
    const at = Math.min(steps.length - 1, Math.max(0, index));
    const passed = steps.slice(0, at + 1);
    const here = steps[at].node_id;
    const known = nodeOf(S.doc, here) && run.detail.flow_ids[at] === S.flow.id;
    const lit = { nodes: new Set(passed.map((step) => step.node_id)), ports: new Set(passed.slice(0, -1).filter((step) => step.port).map((step) => `${step.node_id}\u0000${step.port}`)), current: known ? here : null };
    emit({ lit, runs: { ...S.runs, run: { ...run, at } }, focus: known ? { id: here, n: (S.focus?.n ?? 0) + 1 } : S.focus });
    requestAnimationFrame(() => document.querySelector(`.rst[data-index="${at}"]`)?.scrollIntoView({ block: "nearest" }));
  },
  step: (by) => runs.to((S.runs?.run?.at ?? 0) + by),
  close() {
    const { node } = S.runs;
    emit({ lit: DARK, selected: node && nodeOf(S.doc, node) ? [node] : [], runs: { ...S.runs, run: null } });
    showVersion(S.runs.version).catch(() => tell("runs.failed", "error"));
  },
};

// -- what stands on the canvas -----------------------------------------------------------------------------------------

const drawn = () => S.overlay === "runs" && S.runs?.stats && !S.runs.run;
const heatOf = (share) => (share === null || share === undefined || share <= WARM ? "" : share <= HOT ? "amber" : "red");

/** The strip at a card's foot: how many came, and what became of them. Null when nothing is to be drawn. */
export const nodeFigures = (id) => {
  if (!drawn() || !S.runs.stats?.started || specOf(nodeOf(S.doc, id)?.type)?.group === "canvas") return null;
  const node = S.runs.nodes.get(id);
  if (!node) return { count: "0", text: say("runs.nobody"), heat: "", bold: false };
  const share = node.drop_share ?? 0;
  const heat = heatOf(share);
  const here = node.here_now ? say("runs.here_now", { count: node.here_now }) : "";
  let text = share ? say("runs.leave", { share: percent(share) }) : here;
  if (!heat && node.handed_off) text = say("runs.to_people", { count: node.handed_off });
  if (!heat && node.finished && node.finished >= node.reached / 2) text = say("runs.finish");
  if (!heat && node.entered && node.entered >= node.reached / 2) text = say("runs.begin");
  return { count: count(node.reached), text, heat, bold: Boolean(heat) };
};

/** An edge's count and share of the block's visits, and how thick it is drawn. */
export const edgeFigures = (source, port) => {
  if (!drawn()) return null;
  const node = S.runs.nodes.get(source);
  const passed = node?.ports[port] ?? 0;
  if (!passed) return { count: "", share: "", width: 1 };
  const share = passed / node.visits;
  return { count: count(passed), share: share >= 0.995 ? "" : percent(share), width: Math.round((1.6 + 4.4 * Math.sqrt(passed / S.runs.most)) * 10) / 10 };
};

// -- what the panel shows ----------------------------------------------------------------------------------------------

const described = (id) => {
  const node = nodeOf(S.doc, id);
  const spec = node && specOf(node.type);
  return { node: id, title: node ? nodeName(node) : say("runs.gone_block"), icon: spec?.icon ?? "circle-dashed", group: spec?.group ?? "canvas", there: Boolean(node) };
};

/** Why most people stop at a block, in a sentence. */
const reasonOf = (node) => {
  const [[reason] = [""]] = Object.entries(node.drop_reasons).sort((a, b) => b[1] - a[1]);
  const base = say("runs.of", { count: node.dropped, all: node.reached });
  if (!reason) return base;
  const [kind, port] = reason.split(":");
  const owner = nodeOf(S.doc, node.node_id);
  const why = kind === "dead_end" ? say("runs.why_dead_end", { exit: owner ? portLabel(owner, port) : port }) : kind === "expired" && node.retries > node.dropped ? say("runs.why_retries") : say(`runs.why_${kind}`);
  return `${base} ${why}`;
};

const losses = (nodes) =>
  nodes
    .filter((node) => node.dropped > 0 && node.drop_share > 0)
    .sort((a, b) => b.drop_share * Math.sqrt(b.dropped) - a.drop_share * Math.sqrt(a.dropped))
    .slice(0, 5)
    .map((node) => ({ ...described(node.node_id), key: node.node_id, share: percent(node.drop_share), heat: heatOf(node.drop_share), width: `${Math.max(2, Math.round(node.drop_share * 100))}%`, text: reasonOf(node) }));

const HUE = { completed: "jade", handed_off: "blue", dropped: "red", in_progress: "" };
const HUES = ["violet", "cyan", "plum", "blue", "amber", "jade"];

const standing = (item) => {
  const node = item.current_node ? described(item.current_node) : null;
  if (item.end === "dropped") return node?.there ? say("runs.stopped_at", { block: node.title }) : say(`runs.status_${item.status}`);
  if (item.end === "in_progress") return node?.there ? say("runs.waiting_at", { block: node.title }) : say("runs.waiting");
  return item.outcome ?? "";
};

const runRow = (item) => ({
  id: item.id,
  name: item.contact_name || numberOf(item.contact_phone) || say("runs.nameless"),
  initials: initials(item.contact_name ?? ""),
  hue: HUES[[...item.contact_id].reduce((sum, char) => sum + char.charCodeAt(0), 0) % HUES.length],
  end: say(`runs.end_${item.end}`),
  tone: HUE[item.end],
  text: standing(item),
  phone: numberOf(item.contact_phone),
  sandbox: item.sandbox,
  at: item.at,
  conversation: `/inbox?c=${item.conversation_id}`,
});

const exits = (id) => {
  const figures = S.runs.nodes.get(id);
  const node = nodeOf(S.doc, id);
  return Object.entries(figures?.ports ?? {})
    .sort((a, b) => b[1] - a[1])
    .map(([port, passed]) => {
      const edge = node && (indexOf(S.doc).out.get(id) ?? []).find((one) => one.port === port);
      return { key: port, label: node ? portLabel(node, port) : port, to: edge ? described(edge.target).title : say("runs.to_end"), count: count(passed), share: percent(passed / figures.visits) };
    });
};

const details = (id) => {
  const figures = S.runs.nodes.get(id);
  return {
    ...described(id),
    kind: nodeOf(S.doc, id) ? kindName(nodeOf(S.doc, id).type) : "",
    reached: count(figures?.reached ?? 0),
    again: figures && figures.visits > figures.reached ? say("runs.visits", { count: figures.visits }) : "",
    leave: percent(figures?.drop_share ?? null),
    heat: heatOf(figures?.drop_share),
    median: spell(figures?.median_seconds) || "–",
    text: figures?.dropped ? reasonOf(figures) : "",
    retries: figures?.retries ? say("runs.retries", { count: figures.retries }) : "",
    here: figures?.here_now ? say("runs.here_now", { count: figures.here_now }) : "",
    exits: exits(id),
  };
};

const pairs = (values) => Object.entries(values ?? {}).map(([name, value]) => ({ key: name, name: name.replace(/^session\./, ""), value: typeof value === "object" ? JSON.stringify(value) : String(value ?? "–") }));

/** Messages by the step they belong to: what a step sent, and what the contact said to bring it about. */
const said = (detail) => {
  const { steps } = detail.session;
  const owner = new Map(steps.flatMap((step, index) => step.message_ids.map((id) => [id, index])));
  const found = steps.map(() => ({ before: [], after: [] }));
  for (const message of detail.messages) {
    const line = { key: message.id, text: message.text || sayOr(`runs.message_${message.type}`, say("runs.message_other")), mine: message.direction === "out" };
    if (message.direction === "out") {
      const index = owner.get(message.id);
      if (index !== undefined) found[index].after.push(line);
    } else {
      const at = new Date(message.at).getTime() - 1500;
      const index = steps.findIndex((step) => new Date(step.at).getTime() >= at);
      if (index >= 0) found[index].before.push(line);
    }
  }
  return found;
};

const stepRow = (step, index, run, words) => {
  const own = run.detail.flow_ids[index] === S.flow.id;
  const node = own ? nodeOf(S.doc, step.node_id) : null;
  const spec = specOf(step.node_type);
  return {
    key: `${step.sequence}`,
    index,
    on: index === run.at,
    title: node ? nodeName(node) : kindName(step.node_type),
    icon: spec?.icon ?? "circle",
    group: spec?.group ?? "canvas",
    foreign: own ? "" : say("runs.other_flow"),
    exit: step.port && step.port !== "next" ? (node ? portLabel(node, step.port) : step.port) : "",
    at: step.at,
    why: sayOr(`editor.why_${step.why.replace(/\W+/g, "_")}`, ""),
    reads: pairs(step.reads),
    writes: pairs(step.writes),
    before: words.before,
    after: words.after,
  };
};

const shownRun = (run) => {
  if (!run) return { shown: false, name: "", steps: [], position: "", at: 0, last: 0, conversation: "", end: "", tone: "", phone: "", started: "", version: 0 };
  const { detail, at } = run;
  const { session } = detail;
  const words = said(detail);
  const end = ["active", "waiting"].includes(session.status) ? "in_progress" : session.status === "completed" || session.status === "handed_off" ? session.status : "dropped";
  return {
    shown: true,
    name: detail.contact_name || numberOf(detail.contact_phone) || say("runs.nameless"),
    phone: numberOf(detail.contact_phone),
    started: session.started_at,
    version: session.version,
    end: say(`runs.end_${end}`),
    tone: HUE[end],
    conversation: `/inbox?c=${session.conversation_id}`,
    steps: session.steps.map((step, index) => stepRow(step, index, run, words[index])),
    position: session.steps.length ? say("runs.step_of", { at: at + 1, count: session.steps.length }) : say("runs.no_steps"),
    at,
    last: session.steps.length - 1,
  };
};

addSlice("runs", () => {
  const state = S.runs ?? blank();
  const { stats } = state;
  const started = stats?.started ?? 0;
  const share = (value) => (started ? percent(value / started) : "–");
  const numbers = stats?.versions ?? [];
  const live = S.flow?.live_version ?? 0;
  return {
    phase: state.phase,
    published: live > 0,
    days: String(state.days),
    periods: PERIODS.map((days) => ({ value: String(days), label: say("runs.period", { count: days }) })),
    version: String(state.version),
    versions: [{ value: "0", label: say("runs.all_versions") }, ...[...new Set([...numbers, ...(state.version ? [state.version] : [])])].map((number) => ({ value: String(number), label: number === live ? say("versions.number_live", { version: number }) : say("versions.number", { version: number }) }))],
    channel: state.channel || stats?.channel || "",
    channels: stats && stats.channels.length > 1 ? [{ value: "real", label: say("runs.channels_real") }, ...stats.channels.map((one) => ({ value: one.id, label: one.sandbox ? say("runs.sandbox") : one.name })), { value: "all", label: say("runs.channels_all") }] : [],
    sandbox: Boolean(stats?.started && stats.channels.length && stats.channels.every((one) => one.sandbox)),
    started: count(started),
    completed: share(stats?.completed ?? 0),
    people: share(stats?.handed_off ?? 0),
    dropped: share(stats?.dropped ?? 0),
    progress: stats?.in_progress ? say("runs.in_progress", { count: stats.in_progress }) : "",
    outcomes: Object.entries(stats?.by_outcome ?? {}).sort((a, b) => b[1] - a[1]).slice(0, 6).map(([label, value]) => ({ key: label, label, count: count(value) })),
    losses: stats ? losses(stats.nodes) : [],
    has_node: Boolean(state.node) && Boolean(stats),
    node: stats && state.node ? details(state.node) : { ...described(""), kind: "", reached: "", again: "", leave: "", heat: "", median: "", text: "", retries: "", here: "", exits: [] },
    only_dropped: state.dropped,
    listed: Boolean(state.list),
    list_failed: Boolean(state.list?.failed),
    items: (state.list?.items ?? []).map(runRow),
    more: Boolean(state.list?.next),
    run: shownRun(state.run),
  };
});

const keys = (event) => {
  if (!S.runs?.run || S.tab !== "runs" || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { ArrowRight: () => runs.step(1), ArrowDown: () => runs.step(1), ArrowLeft: () => runs.step(-1), ArrowUp: () => runs.step(-1), Home: () => runs.to(0), End: () => runs.to(Number.MAX_SAFE_INTEGER), Escape: runs.close }[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
};

if (typeof window !== "undefined") window.addEventListener("keydown", keys, true);

let before = "";
/** Entering and leaving the tab, whoever changed it; and a block chosen on the canvas. */
const follow = () => {
  const now = S.phase === "ready" ? S.tab : "";
  if (now !== before) {
    const was = before;
    before = now;
    if (now === "runs") runs.enter();
    else if (was === "runs" && S.overlay === "runs") runs.leave();
  } else if (now === "runs" && S.overlay === "runs" && S.runs && !S.runs.run) {
    const id = S.selected.length === 1 ? S.selected[0] : "";
    if (id !== S.runs.node) runs.node(id);
  }
};

/** Follow the store while the page is open; returns the function that ends it. */
export const followRuns = () => watch(follow);
