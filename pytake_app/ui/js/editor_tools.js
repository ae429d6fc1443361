// What stands under a block's form: testing intents, addresses of webhooks, the week at a glance, help and an example.
import { createElement as h, useEffect, useRef, useState } from "react";
import { Check, Copy, FlaskConical, RefreshCw, WandSparkles, X } from "lucide-react";
import { toast } from "sonner";
import { api } from "$/public/pt_api.js";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { editor, readOnly, say, sayOr, specOf, S, useStore } from "$/public/pt_editor.js";
import { nodeOf, portsOf } from "$/public/pt_editor_doc.js";
import { form } from "$/public/pt_editor_form.js";
import { HoursTool } from "$/public/pt_editor_calendar.js";
import { described, useCalm } from "$/public/pt_editor_inputs.js";
import { EXAMPLES } from "$/public/pt_editor_examples.js";
import { TryRequest } from "$/public/pt_editor_http.js";
import { kindName, nodeName } from "$/public/pt_editor_model.js";

/** A sentence sorted by the intents as they are now. */
const IntentTest = ({ node }) => {
  const config = useStore((s) => nodeOf(s.doc, node)?.config) ?? {};
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState(null);
  const intents = (Array.isArray(config.intents) ? config.intents : []).filter((intent) => intent?.id);
  const body = JSON.stringify({ text: text.trim(), threshold: typeof config.threshold === "number" ? Math.min(1, Math.max(0, config.threshold)) : 0.25, intents: intents.map((intent) => ({ id: String(intent.id).slice(0, 100), label: String(intent.label ?? "").slice(0, 200), examples: (intent.examples ?? []).map((example) => String(example).slice(0, 400)).slice(0, 100) })) });
  const asked = useCalm(body, 300);
  useEffect(() => {
    const wanted = JSON.parse(asked);
    if (!wanted.text || wanted.intents.length === 0) {
      setAnswer(null);
      return undefined;
    }
    const stop = new AbortController();
    api.post("/api/v1/flow-tools/classify", wanted, { signal: stop.signal }).then(setAnswer).catch((error) => error.name !== "AbortError" && setAnswer({ failed: true }));
    return () => stop.abort();
  }, [asked]);
  const limit = JSON.parse(body).threshold;
  return h("div", { className: "tool col g8", "data-testid": "intent-test" },
    h("div", { className: "h-sec row g6" }, h(FlaskConical, { className: "i-s", "aria-hidden": true }), say("inspector.intent_test")),
    h("input", { className: "input", value: text, maxLength: 1000, placeholder: say("inspector.intent_sentence"), "aria-label": say("inspector.intent_sentence"), "data-testid": "intent-sentence", onChange: (event) => setText(event.target.value) }),
    answer?.failed ? h("div", { className: "err" }, say("inspector.tool_failed")) : null,
    answer?.scores ? h("div", { className: "scores", "aria-live": "polite" },
      answer.scores.map((score) => h("div", { key: score.id, className: "score", "data-on": score.id === answer.chosen }, h("span", { className: "dense ell" }, score.label || score.id), h("span", { className: "bar", style: { "--at": `${limit * 100}%` } }, h("i", { style: { width: `${Math.round(score.score * 100)}%` } })), h("span", { className: "meta tn" }, fmt.number(getLang(), score.score, { style: "percent" })))),
      h("div", { className: "meta muted", "data-testid": "intent-result" }, answer.chosen ? say("inspector.intent_chosen", { intent: answer.scores.find((score) => score.id === answer.chosen)?.label || answer.chosen }) : say("inspector.intent_other"))) : h("div", { className: "meta muted" }, say("inspector.intent_hint")));
};

const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    toast(say("inspector.copied"));
  } catch {
    toast.error(say("inspector.copy_failed"));
  }
};

/** The address of a webhook trigger, to copy and to change. */
export const HookAddress = ({ item }) => {
  const revision = useStore((s) => s.sync?.revision ?? 0);
  const [hooks, setHooks] = useState(null);
  const [sure, setSure] = useState(false);
  useEffect(() => {
    let here = true;
    api.get(`/api/v1/flows/${S.flowId}/hooks`).then((answer) => here && setHooks(answer.items)).catch(() => here && setHooks([]));
    return () => {
      here = false;
    };
  }, [revision, item.node]);
  const hook = hooks?.find((one) => one.node_id === item.node);
  const address = hook ? `${window.location.origin}${hook.path}` : "";
  const live = useStore((s) => s.flow?.status === "active");
  return h("div", { className: "col g6" },
    h("div", { className: "row g4" },
      h("input", { ...described(item), className: "input mono", readOnly: true, value: address, placeholder: hooks ? say("inspector.hook_missing") : say("common.loading"), "data-testid": "hook-address", onFocus: (event) => event.target.select() }),
      h("button", { type: "button", className: "ib", disabled: !address, title: say("inspector.copy"), "aria-label": say("inspector.copy"), onClick: () => copied(address) }, h(Copy, { className: "i-s", "aria-hidden": true }))),
    !live && h("div", { className: "micro muted" }, say("inspector.hook_not_live")),
    address && h("button", { type: "button", className: "btn ghost sm", onClick: () => copied(`curl -X POST ${address} -H 'Content-Type: application/json' -d '{"phone": "+5511987654321", "name": "Maria"}'`) }, h(Copy, { className: "i-xs", "aria-hidden": true }), say("inspector.copy_curl")),
    !item.disabled && item.node !== "$flow" && (sure ? h("div", { className: "notice amber" }, h("div", { className: "col g6" }, h("span", null, say("inspector.rotate_sure")), h("div", { className: "row g6" },
      h("button", { type: "button", className: "btn line sm", "data-testid": "rotate", onClick: () => { setSure(false); form.set(item.node, item.path, (Number(item.value) || 0) + 1); } }, say("inspector.rotate")), h("button", { type: "button", className: "btn ghost sm", onClick: () => setSure(false) }, say("common.cancel")))))
      : h("button", { type: "button", className: "btn ghost sm", onClick: () => setSure(true) }, h(RefreshCw, { className: "i-xs", "aria-hidden": true }), say("inspector.rotate_ask"))));
};

/** The addresses of all webhook triggers, in the flow's settings. */
export const AllHooks = () => {
  useLang();
  const nodes = useStore((s) => (s.doc?.nodes ?? []).filter((node) => node.type === "trigger_webhook").map((node) => ({ id: node.id, name: nodeName(node), rotation: node.config.rotation ?? 0 })));
  return h("div", { className: "col g12" }, nodes.map((node) => h("div", { key: node.id, className: "col g4" },
    h("button", { type: "button", className: "link dense", onClick: () => editor.jump(node.id) }, node.name),
    h(HookAddress, { item: { key: `hook/${node.id}`, node: node.id, path: "rotation", label: say("inspector.hook_of", { name: node.name }), value: node.rotation, disabled: readOnly(), issue: "" } }))));
};

const Example = ({ node, type, onDone }) => {
  const example = EXAMPLES[type]?.(say);
  if (!example) return null;
  const current = nodeOf(S.doc, node);
  const blank = JSON.stringify(current?.config ?? {}) === JSON.stringify(specOf(type).default) || Object.keys(current?.config ?? {}).length === 0;
  const insert = () => {
    form.example(node, example);
    toast(say("inspector.example_done"), { action: { label: say("common.undo"), onClick: () => editor.undo() } });
    onDone();
  };
  return h("div", { className: "col g6" },
    h("pre", { className: "sent mono micro", "aria-label": say("inspector.example") }, JSON.stringify(example, null, 1).slice(0, 1200)),
    !readOnly() && h("button", { type: "button", className: "btn soft sm", "data-testid": "insert-example", onClick: insert }, h(WandSparkles, { className: "i-xs", "aria-hidden": true }), say(blank ? "inspector.insert_example" : "inspector.replace_by_example")));
};

const FOR_DEVELOPERS = new Set(["start", "trigger_webhook", "trigger_event", "send_event"]); // what the API has a part in

const FieldHelp = ({ field }) => h("div", { className: "hf" },
  h("div", { className: "row g6" }, h("b", { className: "dense" }, sayOr(field.label_key, field.name)), h("span", { className: "mono micro muted" }, field.name), field.required ? h("span", { className: "micro t-red" }, say("inspector.required")) : null),
  field.help_key ? h("div", { className: "meta muted" }, sayOr(field.help_key, "")) : null,
  field.options.length ? h("div", { className: "meta muted" }, field.options.map((option) => sayOr(option.label_key, option.value)).join(" · ")) : null,
  field.max ? h("div", { className: "micro muted" }, say("inspector.at_most", { count: field.max })) : null);

/** The help sheet of a block type: what it does, its fields and exits, and an example that can be put in. */
export const HelpSheet = ({ node, onClose }) => {
  useLang();
  const box = useRef(null);
  const type = useStore((s) => nodeOf(s.doc, node)?.type) ?? "";
  const spec = specOf(type);
  useEffect(() => {
    const before = document.activeElement;
    box.current?.querySelector("button")?.focus();
    return () => before?.focus?.();
  }, []);
  if (!spec) return null;
  const ports = portsOf(spec, nodeOf(S.doc, node)?.config ?? {}).filter((port) => !port.option);
  return h("div", { className: "helpsheet", role: "dialog", "aria-label": say("inspector.help_of", { name: kindName(type) }), ref: box, "data-testid": "help-sheet", onKeyDown: (event) => event.key === "Escape" && (event.stopPropagation(), onClose()) },
    h("div", { className: "row g6 hs-h" }, h("span", { className: "str grow" }, kindName(type)), h("button", { type: "button", className: "ib sm", "aria-label": say("common.close"), onClick: onClose }, h(X, { className: "i-s", "aria-hidden": true }))),
    h("div", { className: "hs-b col g12" },
      h("p", { className: "dense" }, sayOr(spec.help, "")),
      sayOr(`inspector.tip.${type}`, "") ? h("div", { className: "notice blue" }, sayOr(`inspector.tip.${type}`, "")) : null,
      spec.fields.length ? h("div", { className: "col g8" }, h("div", { className: "h-sec" }, say("inspector.fields")), spec.fields.map((field) => h(FieldHelp, { key: field.name, field }))) : null,
      ports.length ? h("div", { className: "col g4" }, h("div", { className: "h-sec" }, say("inspector.exits")), ports.map((port) => h("div", { key: port.id, className: "row g6 dense" }, h("span", { className: "bdg" }, sayOr(port.key ?? "", port.id)), port.required ? h("span", { className: "micro muted" }, say("inspector.must_connect")) : null))) : null,
      EXAMPLES[type] ? h("div", { className: "col g6" }, h("div", { className: "h-sec" }, say("inspector.example")), h(Example, { node, type, onDone: onClose })) : null,
      h("div", { className: "row g12 wrap" },
        h("a", { className: "link meta", href: `/help/blocks#${type}`, target: "_blank", rel: "noopener", "data-testid": "help-all" }, say("inspector.all_blocks")),
        FOR_DEVELOPERS.has(type) && h("a", { className: "link meta", href: "/docs", target: "_blank", rel: "noopener" }, say("inspector.api_docs")))));
};

const PLACE = /(-?\d{1,2}\.\d{3,}),\s*(-?\d{1,3}\.\d{3,})/;
const PIN = /!3d(-?\d+\.\d+)!4d(-?\d+\.\d+)/;

/** Coordinates out of a pasted map link. */
const MapLink = ({ node }) => {
  const [text, setText] = useState("");
  const found = text.match(PIN) ?? decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, "%25")).match(PLACE);
  return h("div", { className: "tool col g6" },
    h("span", { className: "lbl" }, say("inspector.map_link")),
    h("div", { className: "row g6" }, h("input", { className: "input", value: text, placeholder: say("inspector.map_link_eg"), "aria-label": say("inspector.map_link"), onChange: (event) => setText(event.target.value) }),
      h("button", { type: "button", className: "btn line", disabled: !found, onClick: () => { form.patch(node, { latitude: found[1], longitude: found[2] }); setText(""); } }, h(Check, { className: "i-s", "aria-hidden": true }), say("inspector.use"))),
    text && !found ? h("div", { className: "micro t-amber" }, say("inspector.no_coordinates")) : null);
};

/** What a block type has below its form. */
export const NodeTools = ({ node, type, locked }) => {
  useLang();
  if (type === "api_call") return h(TryRequest, { node, key: node });
  if (type === "ai_classifier") return h(IntentTest, { node, key: node });
  if (type === "business_hours") return h(HoursTool, { node, locked, key: node });
  if (type === "msg_location" && !locked) return h(MapLink, { node, key: node });
  return null;
};

/** The button that opens the help sheet. */
export const HelpButton = ({ node, children, className, label }) => {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [node]);
  return h("span", { className: "hbx" }, h("button", { type: "button", className, title: label, "aria-label": label, "aria-expanded": open, "data-testid": "help", onClick: () => setOpen(!open) }, children), open && h(HelpSheet, { node, onClose: () => setOpen(false) }));
};
