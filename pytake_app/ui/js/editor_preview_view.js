// What the preview shows: bubbles made from the turns, and the small forms around the phone.
import { createElement as h, useEffect, useRef, useState } from "react";
import { getLang, useLang } from "$/public/pt_i18n.js";
import { S, say, sayOr, specOf, useStore, useStoreRef } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { addSlice, nodeName, plain, portLabel } from "$/public/pt_editor_model.js";
import { ownDoc } from "$/public/pt_editor_subflow.js";
import { inZone } from "$/public/pt_editor_clock.js";
import { sentLook } from "$/public/pt_editor_template_look.js";
import { preview, shownTurns, state } from "$/public/pt_editor_preview.js";
import { may as grants } from "$/public/pt_rights.js";

const CHANNELS = ["whatsapp", "instagram", "messenger", "telegram", "webchat", "sms", "email", "discord", "slack", "rcs", "teams", "linkedin"];
const OVER = ["completed", "expired", "failed", "interrupted"];
/** A channel's name: a proper noun, the same in every language but for a few. */
export const channelName = (kind) => sayOr(`preview.channel_${kind}`, kind);

const stepOf = (steps, nodeId) => steps.find((step) => step.node_id === nodeId);
const nameIn = (step) => {
  const node = step.flow_id === S.flowId ? nodeOf(ownDoc(), step.node_id) : null;
  return node ? nodeName(node) : sayOr(specOf(step.node_type)?.name ?? "", step.node_type);
};
export const valueText = (value) => (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0) ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));

const explain = (step) => {
  if (!step) return { node: "", node_id: "", port: "", why: "", flow: "", reads: [], writes: [] };
  const node = step.flow_id === S.flowId ? nodeOf(ownDoc(), step.node_id) : null;
  const pairs = (values, sign) => Object.entries(values ?? {}).map(([name, value]) => ({ name, value: valueText(value), sign }));
  const port = step.port ? (node ? portLabel(node, step.port) : step.port.replace(/^option:/, "")) : "";
  const flow = node ? "" : (state().result?.flows?.[step.flow_id] ?? "");
  return { node: nameIn(step), node_id: node?.id ?? "", flow, port, why: sayOr(`editor.why_${step.why.replace(/\W+/g, "_")}`, ""), reads: pairs(step.reads, "read"), writes: pairs(step.writes, "write") };
};

const clock = (value) => (value ? inZone(value, { hour: "2-digit", minute: "2-digit" }) : "");
const moment = (value) => (value ? inZone(value, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }) : "");
const brief = (value) => inZone(value, { day: "numeric", month: "numeric", hour: "2-digit", minute: "2-digit" });
const span = (minutes) => {
  const [unit, size] = minutes % 1440 === 0 ? ["day", 1440] : minutes % 60 === 0 ? ["hour", 60] : ["minute", 1];
  return new Intl.NumberFormat(getLang(), { style: "unit", unit, unitDisplay: "long" }).format(minutes / size);
};
const none = { header: "", image: "", file: "", file_kind: "", text: "", footer: "", buttons: [], list: "", sections: [], url: "", url_text: "", form: "", share: false, tone: "", icon: "", notes: [], warning: "", reaction: "" };

const line = (key, icon, text, tone = "") => ({ ...none, key, kind: "line", icon, text, tone });
const ofInput = (input, at, key) => {
  switch (input.type) {
    case "timeout": return line(key, "hourglass", say("editor.time_passed"));
    case "clock": return line(key, "clock", input.minutes ? say("preview.later", { time: span(input.minutes) }) : say("preview.became", { time: moment(input.to) }));
    case "set": return line(key, "pencil", say("preview.was_set", { name: input.value?.name ?? "", value: valueText(input.value?.value) }));
    case "start": {
      const node = nodeOf(ownDoc(), input.node_id);
      const begun = line(key, "play", say("preview.started_at", { name: node ? nodeName(node) : input.node_id }));
      return input.text ? [begun, { ...none, key: `${key}m`, kind: "out", text: input.text, time: clock(at) }] : begun;
    }
    case "answer": return line(key, "globe", input.response?.error ? say("preview.answer_failed") : say("preview.answer_came", { status: input.response?.text ? "" : String(input.response?.status ?? 200) }));
    case "handoff": return line(key, "headset", say(`preview.hand_${input.result ?? "transferred"}`));
    case "reaction": return null;
    default: {
      const kinds = { image: "preview.sent_image", video: "preview.sent_video", audio: "preview.sent_audio", document: "preview.sent_document", sticker: "preview.sent_image" };
      const answers = Object.entries(input.form ?? {}).map(([name, value]) => `${name}: ${valueText(value)}`).join("\n");
      const body = { text: input.text, selection: input.text || optionTitle(input.selection_id), media: say(kinds[input.media?.kind] ?? kinds.image), location: `📍 ${input.location?.name || say("preview.place")}`, form: answers || say("preview.form_sent"), contacts: `👤 ${input.text}` }[input.type] ?? "";
      return { ...none, key, kind: "out", text: body, time: clock(at) };
    }
  }
};

const templateButtons = (content) => (content.buttons ?? []).filter((button) => button.kind === "quick_reply").map((button) => ({ id: button.value, title: optionTitle(button.value) }));
const optionTitle = (id) => {
  for (const node of ownDoc().nodes) {
    const { buttons, sections } = node.config;
    const options = [...(Array.isArray(buttons) ? buttons : []), ...(Array.isArray(sections) ? sections : []).flatMap((section) => section?.rows ?? [])];
    const found = options.find((option) => option?.id === id);
    if (found?.title) return plain(found.title);
  }
  return id;
};
const fileIcon = { image: "image", video: "film", audio: "mic", document: "file-text", sticker: "smile" };
/** Where this page finds a message's file: an uploaded one; what lies elsewhere is named and not fetched. */
const fileOf = (kind, part) => ({ file_kind: kind, file: part?.media_id ? `/api/v1/media/${encodeURIComponent(part.media_id)}` : typeof part?.url === "string" && part.url.startsWith("/") ? part.url : "" });

/** A template whose look isn't known: its name and what it was filled with. */
const templateByName = (content, header, image) => ({ header, image, text: say("editor.template_sent", { name: content.name }), footer: [...(content.body ?? []), ...Object.values(content.named_body ?? {})].join(" · "), buttons: templateButtons(content) });

/** A message's content as a bubble; also for looks on other channels. */
export const ofContent = (content) => {
  const header = content.header && content.header.type === "text" ? content.header.text : "";
  const image = content.header && content.header.type !== "text" ? (content.header.url || content.header.filename || sayOr(`editor.kind_${content.header.type}`, content.header.type)) : "";
  const head = image ? fileOf(content.header.type, content.header) : {};
  const footer = content.footer ?? "";
  switch (content.type) {
    case "text": return { text: content.body };
    case "media": return { text: content.caption ?? "", image: content.filename || content.url || sayOr(`editor.kind_${content.kind}`, content.kind), ...fileOf(content.kind, content), icon: fileIcon[content.kind] };
    case "buttons": return { header, image, ...head, text: content.body, footer, buttons: content.buttons };
    case "list": return { header, text: content.body, footer, list: content.button, sections: content.sections.map((section) => ({ title: section.title ?? "", rows: section.rows.map((row) => ({ ...row, description: row.description ?? "" })) })) };
    case "template": return { ...(sentLook(content) ?? templateByName(content, header, image)), ...head };
    case "location": return { image: content.name || `${content.latitude.toFixed(4)}, ${content.longitude.toFixed(4)}`, icon: "map-pin", text: content.address ?? "" };
    case "location_request": return { text: content.body, share: true };
    case "cta_url": return { header, image, ...head, text: content.body, footer, url: content.url, url_text: content.display_text };
    case "contacts": return { text: content.contacts.map((card) => `👤 ${card.formatted_name ?? card.name?.formatted_name}${(card.phones ?? []).map((phone) => `\n${phone.phone}`).join("")}`).join("\n") };
    case "form": return { header, text: content.body, footer, form: content.cta };
    case "reaction": return { text: content.emoji };
    default: return { text: content.type };
  }
};

const ofEvent = (event) => {
  switch (event.type) {
    case "handoff": return { icon: "headset", text: event.queue_name ? say("editor.event_handoff", { queue: event.queue_name }) : say("editor.event_handoff_any") };
    case "session_ended": return { icon: "flag", text: event.outcome && event.status === "completed" ? say("editor.event_ended_as", { outcome: event.outcome }) : sayOr(`editor.event_${event.status}`, say("editor.event_completed")), tone: event.status === "failed" ? "red" : "" };
    case "error_raised": return { icon: "circle-alert", text: sayOr(`editor.error_${event.code}`, event.message), tone: "red" };
    case "wait_set": return event.kind === "delay" && event.timeout_at ? { icon: "timer", text: say("editor.event_delay", { time: moment(event.timeout_at) }) } : null;
    case "flow_entered": return event.via === "start" ? null : { icon: "corner-down-right", text: say(`preview.entered_${event.via}`, { name: state().result?.flows?.[event.flow_id] ?? "" }) };
    case "contact_tagged": return { icon: "tag", text: say(event.removed ? "editor.event_untagged" : "editor.event_tagged", { tag: event.tag }) };
    case "contact_field_set": return { icon: "user-pen", text: say("editor.event_field", { field: event.field, value: valueText(event.value) }) };
    case "request_made": return { icon: "globe", text: event.kind === "ai" ? say("preview.asked_model") : say("preview.asked_http", { url: `${event.request.method} ${event.request.url}`.slice(0, 80) }) };
    case "event_emitted": return { icon: "send", text: say("preview.emitted", { name: event.name }) };
    case "notification_asked": return { icon: "bell", text: say("preview.notified", { title: event.title }) };
    case "agent_assigned": return { icon: "user-pen", text: say("preview.assigned", { name: event.user }) };
    case "conversation_closed": return { icon: "flag", text: say("preview.closed") };
    default: return null;
  }
};

const ofMessage = (event, part, index, base, channel) => {
  const look = (part.shown ?? []).find((item) => item.event === index);
  const warning = look?.problem
    ? say("preview.refused", { channel: channelName(channel), why: sayOr(`preview.problem_${look.problem_code}`, look.problem) })
    : (part.outside_window ?? []).includes(index) ? say("preview.outside_window") : "";
  const notes = (look?.changes ?? []).map((change) => sayOr(`preview.change_${change}`, change));
  const contents = look && !look.problem ? look.contents : [event.content];
  if (contents.length === 0) return [{ ...line(base.key, "ban", notes[0] ?? "") }];
  return contents.map((content, i) => ({ ...none, ...base, ...ofContent(content), key: i ? `${base.key}.${i}` : base.key, kind: "in", notes: i ? [] : notes, warning: i ? "" : warning }));
};

const bubbles = () => {
  const now = state();
  const { result, why, until } = now;
  const out = [];
  const [stopTurn, stopEvent] = until === Infinity ? [Infinity, 0] : until.split("-").map(Number);
  shownTurns(now).forEach((part, t) => {
    if (t > stopTurn) return;
    if (part.input?.type === "reaction") {
      const last = out.findLast((item) => item.kind === "in");
      if (last) last.reaction = part.input.text;
      return;
    }
    if (part.input) out.push(...[ofInput(part.input, part.at, `i${t}`)].flat());
    if (part.ignored) out.push(line(`x${t}`, "ban", sayOr(`preview.ignored_${part.ignored}`, sayOr(`editor.ignored_${part.ignored}`, part.ignored))));
    part.events.forEach((event, e) => {
      if (t === stopTurn && e >= stopEvent) return;
      const key = `${t}-${e}`;
      if (event.type === "message_out") {
        const step = stepOf(part.steps, event.node_id);
        if (event.content.type === "reaction") {
          const last = out.findLast((item) => item.kind === "out");
          if (last) last.reaction = event.content.emoji;
          return;
        }
        const base = { time: clock(step?.at ?? part.at), node: event.node_id, open: why === key, about: why === key ? explain(step) : null, key };
        out.push(...ofMessage(event, part, e, base, result.channel));
      } else {
        const made = ofEvent(event);
        if (made) out.push({ ...none, ...made, key, kind: "line" });
      }
    });
  });
  const waits = result?.session?.status === "waiting" && !now.walk;
  const last = out.findLastIndex((item) => item.kind === "in" && (item.buttons.length || item.list || item.form || item.share));
  const answered = out.slice(last + 1).some((item) => item.kind === "out");
  return out.map((item, i) => ({ tone: "", time: "", node: "", open: false, about: null, ...item, live: i === last && waits && !answered }));
};

const hints = () => {
  const words = (ownDoc()?.nodes ?? []).filter((node) => node.type === "trigger_keyword").flatMap((node) => (Array.isArray(node.config.words) ? node.config.words : []));
  return [...new Set([...words.map(plain).filter(Boolean), say("editor.hello")])].slice(0, 4);
};

const crumbs = (result) => {
  const session = result?.session;
  if (!session || OVER.includes(session.status) || (session.flow_id === S.flowId && session.stack.length === 0)) return [];
  return [...session.stack, session.flow_id].map((id) => ({ id, name: result.flows?.[id] ?? "", here: id === session.flow_id, own: id === S.flowId, href: `/flows/${id}` }));
};

const walkState = (walk, result) => {
  if (!walk) return null;
  const left = (result?.path ?? []).filter((step) => step.port && step.flow_id === S.flowId).map((step) => `${step.node_id} ${step.port}`);
  const wanted = walk.steps.filter((step) => step.port).map((step) => `${step.node_id} ${step.port}`);
  const done = walk.turn >= walk.of;
  const faithful = wanted.every((step, i) => left[i] === step);
  return { turn: walk.turn, of: walk.of, auto: walk.auto, done, verdict: done ? say(faithful ? "preview.walk_done" : "preview.walk_strayed") : "", faithful };
};

addSlice("preview", () => {
  const { script, result, busy, error, sheet, pane, notice, walk, until } = state();
  const session = result?.session;
  const list = bubbles();
  const node = session?.current_node && session.flow_id === S.flowId ? nodeOf(ownDoc(), session.current_node) : null;
  const selected = S.selected.length === 1 && S.overlay !== "called" ? nodeOf(S.doc, S.selected[0]) : null;
  const pending = !walk && result?.pending ? result.pending : null;
  const window = result?.window_expires_at;
  return {
    list,
    busy: busy || until !== Infinity,
    error,
    error_text: error ? sayOr(`preview.error_${error}`, say("common.failed_detail")) : "",
    empty: Boolean(result) && list.length === 0,
    first: !result,
    steps: script.inputs.length,
    can_wait: Boolean(session?.wait?.timeout_at),
    with_person: session?.status === "handed_off" && session.wait?.kind === "handoff",
    status: walk && walk.turn < walk.of ? say("preview.playing") : pending ? say("preview.waits_outside") : session ? sayOr(`editor.session_${session.status}`, session.status) : say("editor.session_none"),
    at: node && !(walk && walk.turn < walk.of) ? nodeName(node) : "",
    at_id: node?.id ?? "",
    sheet,
    pane,
    notice: notice ? (notice.name ? say("preview.changed_at", notice) : say("preview.changed")) : "",
    walk: walkState(walk, result),
    crumbs: crumbs(result),
    start_id: selected && specOf(selected.type)?.target !== undefined ? selected.id : "",
    start_name: selected ? nodeName(selected) : "",
    pending: pending ? { node: pending.node_id, kind: pending.kind } : null,
    now: result ? brief(result.now) : "",
    window: !window ? "" : new Date(window) > new Date(result.now) ? say("preview.window_until", { time: moment(window) }) : say("preview.window_closed"),
    window_open: !window || new Date(window) > new Date(result.now),
    channel: script.channel,
    channel_name: channelName(script.channel),
    mocks: Object.keys(script.responses ?? {}).map((id) => ({ id, name: nodeOf(ownDoc(), id) ? nodeName(nodeOf(ownDoc(), id)) : id })),
    contact_name: result?.contact?.name ?? "",
    count: Object.keys(session?.variables ?? {}).length,
    hints: hints(),
    name: ownDoc()?.name ?? "",
    locked: !grants(S.me, "flows:edit"),
  };
});

/** A file of a message: seen or heard when it was uploaded here, else `children` (its kind and name). */
export const PreviewFile = ({ kind, src, children }) => {
  const [broken, setBroken] = useState("");
  const failed = () => setBroken(src);
  if (!src || broken === src) return children;
  if (kind === "image" || kind === "sticker") return h("img", { className: "pvpic", src, alt: "", onError: failed, "data-testid": "preview-picture" });
  if (kind === "video") return h("video", { className: "pvpic", src, controls: true, preload: "metadata", onError: failed });
  if (kind === "audio") return h("audio", { className: "pvpic", src, controls: true, preload: "metadata", onError: failed });
  return children;
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
  const until = useStoreRef((s) => s.preview?.until);
  const at = useStoreRef((s) => s.preview?.walk?.turn);
  const revision = useStore((s) => s.sync?.revision ?? 0);
  const waiting = useStore((s) => s.sync?.waiting ?? 0);
  const ready = useStore((s) => s.phase === "ready");
  useEffect(() => {
    const frame = requestAnimationFrame(() => box.current?.scrollTo({ top: box.current.scrollHeight }));
    return () => cancelAnimationFrame(frame);
  }, [result, until, at]);
  useEffect(() => {
    if (!ready || waiting) return undefined;
    const timer = setTimeout(preview.resume, S.preview ? 400 : 0);
    return () => clearTimeout(timer);
  }, [revision, waiting, ready]);
  useEffect(() => {
    preview.light();
    return preview.leave;
  }, []);
  return h("div", { className, ref: box, role: "log", "aria-label": label, tabIndex: 0 }, children);
};

/** The flow that a session stands in, over the canvas, when it is another one. */
addSlice("canvasnote", () => {
  const list = S.tab === "preview" && S.preview ? crumbs(S.preview.result) : [];
  const note = S.litNote;
  if (note) return { kind: "note", text: note.text, tone: note.tone, crumbs: [] };
  return list.length ? { kind: "flow", text: "", tone: "", crumbs: list, drawn: S.overlay === "called" } : null;
});

export { CHANNELS, moment };
