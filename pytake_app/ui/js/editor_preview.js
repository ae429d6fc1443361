// The preview: a phone that talks to the draft on the real engine. Every answer plays the whole script again, so a step
// back is the same script without its last input, and the server keeps nothing.
import { createElement as h, useEffect, useRef, useState } from "react";
import { api } from "$/public/pt_api.js";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { editor, emit, S, say, sayOr, specOf, useStore, useStoreRef } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { addSlice, languageName, nodeName, plain, portLabel } from "$/public/pt_editor_model.js";

let turn = 0;
const blank = () => ({ inputs: [], result: null, busy: false, error: "", why: null, sheet: null, vars: false, revision: 0 });
const state = () => S.preview ?? blank();
const change = (part) => emit({ preview: { ...state(), ...part } });

const light = (result) => {
  const nodes = new Set();
  const ports = new Set();
  for (const step of result?.path ?? []) {
    if (step.flow_id !== S.flowId) continue;
    nodes.add(step.node_id);
    if (step.port) ports.add(`${step.node_id}\u0000${step.port}`);
  }
  const here = result?.session?.flow_id === S.flowId ? result.session.current_node : null;
  if (here) nodes.add(here);
  return { nodes, ports, current: here };
};

const play = async (inputs) => {
  const mine = (turn += 1);
  change({ inputs, busy: true, error: "", sheet: null });
  await editor.settled();
  try {
    const result = await api.post(`/api/v1/flows/${S.flowId}/test`, { inputs, contact: { language: S.previewLanguage ?? "" } });
    if (mine !== turn) return;
    emit({ preview: { ...state(), result, busy: false, revision: S.sync.revision }, lit: light(result) });
  } catch (error) {
    if (mine === turn) change({ busy: false, error: error.status === 422 ? "invalid" : "failed" });
  }
};

export const preview = {
  open() {
    editor.tab("preview");
    preview.resume();
  },
  /** Start or catch up with the draft when the panel shows. */
  resume() {
    if (!S.preview) play([]);
    else if (state().revision !== S.sync.revision) play(state().inputs);
  },
  text(text) {
    const clean = text.trim();
    if (clean) play([...state().inputs, { type: "text", text: clean.slice(0, 4096) }]);
  },
  press(bubble, option) {
    if (!bubble.live) return;
    play([...state().inputs, { type: "selection", selection_id: option.id, text: option.title }]);
  },
  sheet: (bubble) => change({ sheet: bubble && bubble.live ? bubble : null }),
  wait: () => play([...state().inputs, { type: "timeout" }]),
  media: () => play([...state().inputs, { type: "media", media: { kind: "image", filename: "foto.jpg", mime_type: "image/jpeg", caption: "" } }]),
  location: () => play([...state().inputs, { type: "location", location: { latitude: -23.5614, longitude: -46.6559, name: "", address: "" } }]),
  back: () => state().inputs.length && play(state().inputs.slice(0, -1)),
  restart: () => play([]),
  why: (key) => change({ why: state().why === key ? null : key }),
  vars: () => change({ vars: !state().vars }),
  leave: () => emit({ lit: { nodes: new Set(), ports: new Set(), current: null } }),
  show: (nodeId) => editor.jump(nodeId),
};

const stepOf = (steps, nodeId) => steps.find((step) => step.node_id === nodeId);

const nameIn = (step) => {
  const node = step.flow_id === S.flowId ? nodeOf(S.doc, step.node_id) : null;
  return node ? nodeName(node) : sayOr(specOf(step.node_type)?.name ?? "", step.node_type);
};

const valueText = (value) => (value === null || value === undefined || value === "" ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));

const explain = (step) => {
  if (!step) return { node: "", node_id: "", port: "", why: "", reads: [], writes: [] };
  const node = step.flow_id === S.flowId ? nodeOf(S.doc, step.node_id) : null;
  const pairs = (values) => Object.entries(values ?? {}).map(([name, value]) => ({ name, value: valueText(value) }));
  return { node: nameIn(step), node_id: node?.id ?? "", port: step.port ? (node ? portLabel(node, step.port) : step.port) : "", why: sayOr(`editor.why_${step.why.replace(/\W+/g, "_")}`, ""), reads: pairs(step.reads), writes: pairs(step.writes) };
};

const clock = (value) => (value ? fmt.time(getLang(), value) : "");
const none = { header: "", image: "", text: "", footer: "", buttons: [], list: "", sections: [], url: "", url_text: "", tone: "", icon: "" };

const ofInput = (input, at, key) => {
  const body = { text: input.text, selection: input.text || input.selection_id, media: say("editor.sent_photo"), location: say("editor.sent_location") }[input.type] ?? "";
  return input.type === "timeout" ? { ...none, key, kind: "line", icon: "hourglass", text: say("editor.time_passed") } : { ...none, key, kind: "out", text: body, time: clock(at) };
};

const ofContent = (content) => {
  const header = content.header && content.header.type === "text" ? content.header.text : "";
  const image = content.header?.type === "image" ? (content.header.url ?? "") : "";
  switch (content.type) {
    case "text": return { text: content.body };
    case "media": return { text: content.caption || (content.kind === "image" ? "" : content.filename || sayOr(`editor.kind_${content.kind}`, content.kind)), image: content.kind === "image" ? (content.url ?? "") : "" };
    case "buttons": return { header, image, text: content.body, footer: content.footer, buttons: content.buttons };
    case "list": return { header, text: content.body, footer: content.footer, list: content.button, sections: content.sections.map((section) => ({ title: section.title ?? "", rows: section.rows.map((row) => ({ description: "", ...row })) })) };
    case "template": return { text: say("editor.template_sent", { name: content.name }), footer: (content.body ?? []).join(" · "), buttons: templateButtons(content) };
    case "location": return { text: `📍 ${content.name || ""} ${content.address || `${content.latitude}, ${content.longitude}`}`.trim() };
    case "cta_url": return { header, text: content.body, footer: content.footer, url: content.url, url_text: content.display_text };
    case "contacts": return { text: content.contacts.map((card) => `👤 ${card.formatted_name}`).join("\n") };
    case "reaction": return { text: content.emoji };
    default: return { text: content.type };
  }
};

const templateButtons = (content) => (content.buttons ?? []).filter((button) => button.kind === "quick_reply").map((button) => ({ id: button.value, title: optionTitle(button.value) }));
const optionTitle = (id) => {
  for (const node of S.doc.nodes) {
    const found = (Array.isArray(node.config.buttons) ? node.config.buttons : []).find((button) => button?.id === id);
    if (found?.title) return found.title;
  }
  return id;
};

const ofEvent = (event) => {
  switch (event.type) {
    case "handoff": return { icon: "headset", text: event.queue_name ? say("editor.event_handoff", { queue: event.queue_name }) : say("editor.event_handoff_any") };
    case "session_ended": return { icon: "flag", text: event.outcome && event.status === "completed" ? say("editor.event_ended_as", { outcome: event.outcome }) : sayOr(`editor.event_${event.status}`, say("editor.event_completed")), tone: event.status === "failed" ? "red" : "" };
    case "error_raised": return { icon: "circle-alert", text: sayOr(`editor.error_${event.code}`, event.message), tone: "red" };
    case "wait_set": return event.kind === "delay" && event.timeout_at ? { icon: "timer", text: say("editor.event_delay", { time: clock(event.timeout_at) }) } : null;
    case "flow_entered": return event.via === "start" ? null : { icon: "corner-down-right", text: say(`editor.event_flow_${event.via}`) };
    case "contact_tagged": return { icon: "tag", text: say(event.removed ? "editor.event_untagged" : "editor.event_tagged", { tag: event.tag }) };
    case "contact_field_set": return { icon: "user-pen", text: say("editor.event_field", { field: event.field, value: valueText(event.value) }) };
    default: return null;
  }
};

const bubbles = () => {
  const { result, why } = state();
  const out = [];
  (result?.turns ?? []).forEach((part, t) => {
    if (part.input) out.push(ofInput(part.input, part.at, `i${t}`));
    if (part.ignored) out.push({ ...none, key: `x${t}`, kind: "line", icon: "ban", text: sayOr(`editor.ignored_${part.ignored}`, part.ignored) });
    part.events.forEach((event, e) => {
      const key = `${t}-${e}`;
      const about = why === key ? explain(stepOf(part.steps, event.node_id)) : null;
      if (event.type === "message_out") out.push({ ...none, ...ofContent(event.content), key, kind: "in", time: clock(part.at), node: event.node_id, open: why === key, about });
      else {
        const line = ofEvent(event);
        if (line) out.push({ ...none, ...line, key, kind: "line" });
      }
    });
  });
  const waits = result?.session?.status === "waiting";
  const last = out.findLastIndex((item) => item.kind === "in" && (item.buttons.length || item.list));
  const answered = out.slice(last + 1).some((item) => item.kind === "out");
  return out.map((item, i) => ({ tone: "", time: "", node: "", open: false, about: null, ...item, live: i === last && waits && !answered }));
};

addSlice("preview", () => {
  const { inputs, result, busy, error, sheet, vars } = state();
  const session = result?.session;
  const list = bubbles();
  const node = session?.current_node && session.flow_id === S.flowId ? nodeOf(S.doc, session.current_node) : null;
  return {
    list,
    busy,
    error,
    empty: Boolean(result) && list.length === 0,
    first: !result,
    steps: inputs.length,
    can_wait: Boolean(session?.wait),
    wait_kind: session?.wait?.kind ?? "",
    over: Boolean(session) && !["waiting", "active"].includes(session.status),
    status: session ? sayOr(`editor.session_${session.status}`, session.status) : say("editor.session_none"),
    at: node ? nodeName(node) : "",
    at_id: node?.id ?? "",
    sheet,
    vars,
    variables: Object.entries(session?.variables ?? {}).map(([name, value]) => ({ name, value: valueText(value) })),
    hints: hints(),
    name: S.doc?.name ?? "",
  };
});

/** Words worth trying first: those of the keyword triggers. */
const hints = () => {
  const words = (S.doc?.nodes ?? []).filter((node) => node.type === "trigger_keyword").flatMap((node) => (Array.isArray(node.config.words) ? node.config.words : []));
  return [...new Set([...words.map(plain).filter(Boolean), say("editor.hello")])].slice(0, 4);
};

/** The text box of the phone. */
export const PreviewInput = ({ placeholder, label, children }) => {
  const [text, setText] = useState("");
  const send = () => {
    preview.text(text);
    setText("");
  };
  return h("form", { className: "pc", onSubmit: (event) => { event.preventDefault(); send(); } },
    h("label", { className: "field" }, h("input", { value: text, onChange: (event) => setText(event.target.value), placeholder, "aria-label": placeholder, maxLength: 4096, autoComplete: "off", "data-testid": "preview-input" })),
    h("button", { type: "submit", className: "btn solid go", "aria-label": label, title: label, disabled: !text.trim() }, children));
};

/** Keeps the newest bubble in sight, plays again after edits, and puts the lights out when the panel goes. */
export const PreviewScroll = ({ children, className, label }) => {
  useLang();
  const box = useRef(null);
  const result = useStoreRef((s) => s.preview?.result);
  const revision = useStore((s) => s.sync?.revision ?? 0);
  const waiting = useStore((s) => s.sync?.waiting ?? 0);
  const ready = useStore((s) => s.phase === "ready");
  useEffect(() => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [result]);
  useEffect(() => {
    if (!ready || waiting) return undefined;
    const timer = setTimeout(preview.resume, S.preview ? 400 : 0);
    return () => clearTimeout(timer);
  }, [revision, waiting, ready]);
  useEffect(() => {
    if (S.preview?.result) emit({ lit: light(S.preview.result) });
    return preview.leave;
  }, []);
  return h("div", { className, ref: box, role: "log", "aria-label": label }, children);
};

/** The language of the preview's contact, where the flow has several. */
export const PreviewLanguage = () => {
  useLang();
  const languages = useStore((s) => Object.keys(s.doc?.translations ?? {}).filter((locale) => locale !== s.doc.settings.locale).sort());
  const value = useStore((s) => s.previewLanguage ?? "");
  if (languages.length === 0) return null;
  return h("select", { className: "input pvlang", value, "aria-label": say("translations.preview"), title: say("translations.preview"), "data-testid": "preview-language", onChange: (event) => {
    emit({ previewLanguage: event.target.value });
    play(state().inputs);
  } }, h("option", { value: "" }, languageName(S.doc.settings.locale)), languages.map((locale) => h("option", { key: locale, value: locale }, languageName(locale))));
};
