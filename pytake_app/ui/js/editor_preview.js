// The preview: a phone that talks to the draft on the real engine. The browser keeps the script (inputs, contact, clock,
// answers from outside) and the server plays the whole of it each time: a step back is the same script without its last
// input, nothing expires, and a restarted server goes on where it was. Views are in `editor_preview_view.js`.
import { createElement as h } from "react";
import { api } from "$/public/pt_api.js";
import { useLang } from "$/public/pt_i18n.js";
import { editor, emit, S, say, sayOr, tell, useStore } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { languageName, nodeName } from "$/public/pt_editor_model.js";
import { loadZone } from "$/public/pt_editor_clock.js";
import { refs } from "$/public/pt_editor_refs.js";
import { ownDoc, standing, subflow } from "$/public/pt_editor_subflow.js";

const storageKey = (flowId) => `pytake_preview_${flowId}`;
const MAX_INPUTS = 200;
const WALK_PAUSE = 1100; // ms between two turns that play by themselves
const TYPING_LIMIT = 2500; // ms that a typing sign is shown at most
const RETRY_PAUSE = 2500;
const DARK = { nodes: new Set(), ports: new Set(), current: null };

const MINUTE = 60000;
const present = () => new Date(Math.floor(Date.now() / MINUTE) * MINUTE).toISOString();
/** An empty conversation that begins at the present moment. */
export const freshScript = () => ({ inputs: [], outside: "ask", channel: "whatsapp", contact: {}, responses: {}, now: present() });
const blank = () => ({
  script: freshScript(),
  result: null,
  busy: false,
  error: "",
  why: null,
  sheet: null, // the list or form that is open
  pane: "", // what is open under the bar: clock, channel, contact, mocks, save
  notice: null, // the conversation went otherwise after an edit
  until: Infinity, // bubbles shown; the rest are being typed
  set_clock: false, // somebody chose when the conversation begins
  walk: null, // {turn, of, auto, steps}: a path that plays by itself
  revision: 0,
});
export const state = () => S.preview ?? blank();
export const change = (part) => emit({ preview: { ...state(), ...part } });

let turn = 0;
let asked = -1; // the draft's revision that was played last, or is being played
let typing = 0;
let walking = 0;
let retry = 0;

const keepScript = (script) => {
  try {
    sessionStorage.setItem(storageKey(S.flowId), JSON.stringify(script));
  } catch {
    // storage is full or blocked: the script lives as long as this page
  }
};
const keptScript = () => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(storageKey(S.flowId)) ?? "null");
    if (!kept || !Array.isArray(kept.inputs)) return freshScript();
    // A conversation that has begun keeps its time; an empty one begins now.
    return { ...freshScript(), ...kept, ...(kept.inputs.length && kept.now ? {} : { now: present() }) };
  } catch {
    return freshScript();
  }
};

/** Turns that are shown: all, or those that the walk has come to. */
export const shownTurns = (preview) => (preview.walk ? (preview.result?.turns ?? []).slice(0, preview.walk.turn) : (preview.result?.turns ?? []));

/** What the canvas lights: nodes and ports passed in this flow, and where the session stands (the jump, when it stands elsewhere). */
const light = (preview) => {
  const nodes = new Set();
  const ports = new Set();
  let last = null;
  for (const part of shownTurns(preview))
    for (const step of part.steps) {
      if (step.flow_id !== subflow.shown()) continue;
      nodes.add(step.node_id);
      if (step.port) ports.add(`${step.node_id}\u0000${step.port}`);
      last = step.node_id;
    }
  const session = preview.result?.session;
  const over = session && !["waiting", "active", "handed_off"].includes(session.status);
  const here = preview.walk ? last : session?.flow_id === subflow.shown() ? session.current_node : over ? null : last;
  if (here) nodes.add(here);
  return { nodes, ports, current: over && !preview.walk ? null : here };
};
const relight = () => {
  const { result, walk } = state();
  subflow.follow(standing(shownTurns(state()), result?.session, Boolean(walk)), shine);
  shine();
};
const shine = () => {
  const lit = light(state());
  emit({ lit, litNote: null, ...(lit.current && lit.current !== S.reveal?.id ? { reveal: { id: lit.current } } : {}) });
};

const typingOf = (event) => (event.type === "message_out" && event.content.type === "text" ? event.content.typing_ms : 0);
const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Let messages with a typing sign wait for it, one after another. `from`: turns that were there before. */
const type = (from) => {
  clearTimeout(typing);
  const turns = state().result?.turns ?? [];
  const stops = [];
  turns.forEach((part, t) => part.events.forEach((event, e) => t >= from && typingOf(event) && stops.push({ t, e, ms: Math.min(typingOf(event), TYPING_LIMIT) })));
  const step = () => {
    const next = stops.shift();
    change({ until: next ? `${next.t}-${next.e}` : Infinity });
    if (next) typing = setTimeout(step, next.ms);
  };
  if (stops.length && !calm() && !state().walk) step();
  else if (state().until !== Infinity) change({ until: Infinity });
};

const routeOf = (part) => [part.ignored ?? "", ...part.steps.map((step) => `${step.flow_id}/${step.node_id}/${step.port ?? ""}`)].join(" ");

/** The first turn that goes another way than before, as a sentence's parameter; null when all is as it was. */
const strayed = (before, after) => {
  const at = before.findIndex((part, i) => after[i] && routeOf(part) !== routeOf(after[i]));
  if (at < 0) return null;
  const step = after[at].steps[0] ?? before[at].steps[0];
  const own = ownDoc();
  const node = step && own ? nodeOf(own, step.node_id) : null;
  return { name: node ? nodeName(node) : "" };
};

const PROBLEMS = { 0: "offline", 404: "gone", 422: "invalid", 429: "busy", 503: "offline" };

/** Play a script. `follow`: only to catch up with the draft. */
const play = async (script, { follow = false } = {}) => {
  const mine = (turn += 1);
  const before = state().result;
  clearTimeout(retry);
  const from = follow ? Infinity : (before?.turns.length ?? 0);
  change({ script, busy: true, error: "", ...(follow ? {} : { sheet: null, notice: null, why: null }) });
  keepScript(script);
  asked = S.sync.revision;
  await editor.settled();
  if (mine === turn) asked = S.sync.revision;
  try {
    const result = await api.post(`/api/v1/flows/${S.flowId}/test`, script);
    if (mine !== turn) return false;
    const notice = follow && before && script.inputs.length ? strayed(before.turns, result.turns) : state().notice;
    const variables = { session: result.session?.variables ?? {}, contact: result.contact };
    emit({ preview: { ...state(), result, variables, notice, busy: false, revision: S.sync.revision } });
    type(from);
    relight();
    return true;
  } catch (error) {
    if (mine !== turn) return false;
    asked = -1;
    const problem = error.code === "run_too_long" ? "too_long" : (PROBLEMS[error.status] ?? "failed");
    change({ busy: false, error: problem });
    // The script is here, so a server that comes back goes on at once.
    if (problem === "offline") retry = setTimeout(() => state().error === "offline" && play(state().script), RETRY_PAUSE);
    return false;
  }
};

/** Add an input and play. */
const act = (input) => {
  const { script, walk } = state();
  if (script.inputs.length >= MAX_INPUTS) return void tell("preview.too_many", "error");
  if (walk) preview.endWalk();
  return play({ ...state().script, inputs: [...script.inputs, input] });
};
const set = (part) => play({ ...state().script, ...part });

const PHOTO = { image: ["foto.jpg", "image/jpeg"], video: ["video.mp4", "video/mp4"], audio: ["audio.ogg", "audio/ogg"], document: ["documento.pdf", "application/pdf"] };

export const preview = {
  open() {
    editor.tab("preview");
    preview.resume();
  },
  /** Start or catch up with the draft when the panel shows. */
  resume() {
    loadZone();
    refs.load(); // templates are shown as they are
    if (!S.preview) play(keptScript());
    // What is being played now is not played again: a path that plays by itself would lose its way.
    else if (asked !== S.sync.revision) play(state().script, { follow: true });
  },
  again: () => play(state().script),
  text(text) {
    const clean = text.trim();
    if (clean) act({ type: "text", text: clean.slice(0, 4096) });
  },
  press(bubble, option) {
    if (bubble.live) act({ type: "selection", selection_id: option.id, text: option.title });
  },
  media(kind = "image") {
    const [filename, mime_type] = PHOTO[kind];
    act({ type: "media", media: { kind, filename, mime_type, caption: "" } });
  },
  location: () => act({ type: "location", location: { latitude: -23.5614, longitude: -46.6559, name: "MASP", address: "Av. Paulista, 1578, São Paulo" } }),
  card: () => act({ type: "contacts", text: "Ana Beatriz" }),
  react: (emoji) => act({ type: "reaction", text: emoji }),
  form: (answers) => act({ type: "form", form: answers }),
  wait: () => act({ type: "timeout" }),
  later: (minutes) => act({ type: "clock", minutes }),
  until: (moment) => act({ type: "clock", to: moment }),
  hand: (result) => act({ type: "handoff", result }),
  write: (scope, name, value) => act({ type: "set", value: { scope, name, value } }),
  /** Begin at the selected block, with the variables as they are. */
  startAt: (nodeId) => nodeId && act({ type: "start", node_id: nodeId }),
  sheet: (bubble) => change({ sheet: bubble && bubble.live ? bubble : null }),
  pane: (pane) => change({ pane: state().pane === pane ? "" : pane }),
  back: () => state().script.inputs.length && play({ ...state().script, inputs: state().script.inputs.slice(0, -1) }),
  /** From the beginning; whom one plays, the channel and the answers from outside stay. */
  restart() {
    const { contact, channel, responses, now } = state().script;
    const played = Boolean(state().script.seed);
    preview.endWalk();
    if (state().pane === "save") change({ pane: "" }); // there is nothing to keep any more
    play(played ? freshScript() : { ...freshScript(), contact, channel, responses, ...(state().set_clock ? { now } : {}) });
  },
  dismiss: () => change({ notice: null }),
  why: (key) => change({ why: state().why === key ? null : key }),
  show: (nodeId) => editor.jump(nodeId),

  channel: (channel) => set({ channel }),
  clock(now) {
    change({ set_clock: true });
    set({ now });
  },
  contact: (contact) => set({ contact }),
  /** Answer the call that waits; `remember` keeps it for this block. */
  answer(response, remember) {
    const { script, result } = state();
    const node = result?.pending?.node_id;
    if (!node) return;
    if (remember) set({ responses: { ...script.responses, [node]: response } });
    else act({ type: "answer", response });
  },
  forget(node) {
    const { [node]: _gone, ...responses } = state().script.responses;
    set({ responses });
  },
  /** Make the call in earnest: only ever by a click. */
  async call(remember) {
    change({ busy: true });
    try {
      const found = await api.post(`/api/v1/flows/${S.flowId}/test/call`, state().script);
      preview.answer(found.response, remember);
    } catch (error) {
      change({ busy: false });
      tell("preview.call_failed", "error", { description: sayOr(`preview.call_${error.code}`, say("common.failed_detail")) });
    }
  },

  /** Play a generated path turn by turn: `path` of the check panel. */
  async walk(path) {
    clearTimeout(walking);
    emit({ preview: { ...blank(), script: state().script, result: null } });
    editor.tab("preview");
    if (!(await play({ ...freshScript(), now: null, ...path.script }))) return; // a saved one keeps its own time
    change({ walk: { turn: 0, of: state().result.turns.length, auto: true, steps: path.steps } });
    preview.step();
  },
  step() {
    const { walk } = state();
    if (!walk) return;
    const next = Math.min(walk.turn + 1, walk.of);
    change({ walk: { ...walk, turn: next, auto: walk.auto && next < walk.of } });
    relight();
    clearTimeout(walking);
    if (state().walk.auto) walking = setTimeout(preview.step, WALK_PAUSE);
  },
  pause() {
    const { walk } = state();
    if (!walk) return;
    clearTimeout(walking);
    const auto = !walk.auto && walk.turn < walk.of;
    change({ walk: { ...walk, auto } });
    if (auto) preview.step();
  },
  endWalk() {
    clearTimeout(walking);
    if (state().walk) {
      change({ walk: null });
      relight();
    }
  },
  leave() {
    clearTimeout(walking);
    if (S.preview?.walk?.auto) change({ walk: { ...S.preview.walk, auto: false } });
    subflow.leave();
    emit({ lit: DARK });
  },
  light: () => S.preview?.result && relight(),
  /** From a called flow on the canvas back to one's own, to go on editing. */
  ownFlow: () => subflow.back(shine),
};

/** The language of the preview's contact, where the flow has several. */
export const PreviewLanguage = () => {
  useLang();
  const languages = useStore((s) => Object.keys(ownDoc()?.translations ?? {}).filter((locale) => locale !== ownDoc().settings.locale).sort());
  const value = useStore((s) => s.preview?.script.contact.language ?? "");
  if (languages.length === 0) return null;
  const choose = (event) => preview.contact({ ...state().script.contact, language: event.target.value });
  const now = languages.includes(value) ? value : ownDoc().settings.locale;
  return h("label", { className: "pvw pvlang", title: `${say("translations.preview")}: ${languageName(now)}` }, h("span", { "aria-hidden": true }, now.split("_")[0].toUpperCase()), h("select", { value: languages.includes(value) ? value : "", "aria-label": say("translations.preview"), "data-testid": "preview-language", onChange: choose },
    h("option", { value: "" }, languageName(ownDoc().settings.locale)), languages.map((locale) => h("option", { key: locale, value: locale }, languageName(locale)))));
};
