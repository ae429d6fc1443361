// The HTTP block's tools: a JSON body, "try it" with the preview's values, and its answer as a tree to map variables from.
import { createElement as h, useState } from "react";
import { ChevronRight, Play, WandSparkles } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { editor, say, sayOr, S, useStore } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { form } from "$/public/pt_editor_form.js";
import { described, useText } from "$/public/pt_editor_inputs.js";
import { Rich, samples } from "$/public/pt_editor_text.js";
import { bytes } from "$/public/pt_editor_media.js";
import { may as grants } from "$/public/pt_rights.js";

/** Where a JSON text breaks, as `{line, column}`; null when it is JSON. Expressions outside of strings count as values. */
export const jsonProblem = (text) => {
  if (!text.trim()) return null;
  const probe = text.replace(/\{\{[^{}]*\}\}|\{%[^%]*%\}/g, (found) => "0".padEnd(found.length, "0"));
  const spare = text.replace(/\{\{[^{}]*\}\}/g, (found) => "1".padEnd(found.length, " ")).replace(/\{%[^%]*%\}/g, (found) => " ".repeat(found.length));
  for (const one of [probe.replace(/(?<=[:[,]\s*)0+(?=\s*[,\]}])/g, (zeros) => "1".padEnd(zeros.length, "1")), spare]) {
    try {
      JSON.parse(one);
      return null;
    } catch {
      // the other reading may do
    }
  }
  try {
    JSON.parse(spare);
  } catch (error) {
    const at = Number(error.message.match(/position (\d+)/)?.[1] ?? 0);
    const before = spare.slice(0, at).split("\n");
    return { line: before.length, column: before[before.length - 1].length + 1 };
  }
  return null;
};

const tidy = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
};

/** A JSON (or free) body. */
export const JsonBody = ({ item }) => {
  const kind = useStore((s) => nodeOf(s.doc, item.node)?.config.body_type) ?? "json";
  const problem = kind === "json" ? jsonProblem(item.text) : null;
  const better = kind === "json" && !problem ? tidy(item.text) : null;
  return h("div", { className: "col g4 code" },
    h(Rich, { item: { ...item, issue: item.issue || (problem ? "json" : ""), placeholder: kind === "json" ? '{\n  "name": "{{ contact.name }}"\n}' : "" }, area: true }),
    problem ? h("div", { className: "err", role: "alert", "data-testid": "json-problem" }, say("inspector.json_problem", problem)) : null,
    better && better !== item.text && !item.disabled ? h("button", { type: "button", className: "btn ghost sm", onClick: () => form.set(item.node, item.path, better) }, h(WandSparkles, { className: "i-xs", "aria-hidden": true }), say("inspector.tidy")) : null);
};

/** A JSONPath. */
export const JsonPath = ({ item }) => {
  const [text, change] = useText(item.text, (value) => form.type(item.node, item.path, value));
  return h("input", { ...described(item), className: "input mono", type: "text", value: text, placeholder: item.placeholder || "$.order.status", spellCheck: false, autoComplete: "off", autoCapitalize: "off", onChange: (event) => change(event.target.value) });
};

const word = (key) => (/^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `['${String(key).replace(/\\/g, "\\\\").replace(/'/g, "\\'")}']`);
const leaf = (value) => (value === null ? "null" : typeof value === "string" ? `"${value.length > 80 ? `${value.slice(0, 80)}…` : value}"` : String(value));

const Branch = ({ name, value, path, onPick, mapped, depth = 0 }) => {
  const [open, setOpen] = useState(depth < 4);
  const [all, setAll] = useState(false);
  const inner = value !== null && typeof value === "object";
  const entries = inner ? (Array.isArray(value) ? value.map((item, i) => [i, item, `${path}[${i}]`]) : Object.entries(value).map(([key, item]) => [key, item, path + word(key)])) : [];
  const label = name === null ? null : h("span", { className: "jk" }, typeof name === "number" ? name : `${name}:`);
  const kept = mapped[path];
  const pick = h("button", { type: "button", className: "jv", "data-path": path, "data-kind": value === null ? "null" : typeof value, title: say("inspector.map_value", { path }), onClick: () => onPick(path, name) }, inner ? (Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`) : leaf(value));
  return h("div", { className: "jn" },
    h("div", { className: "row g4" },
      inner && entries.length ? h("button", { type: "button", className: "jt", "aria-expanded": open, "aria-label": say(open ? "inspector.fold" : "inspector.unfold"), onClick: () => setOpen(!open) }, h(ChevronRight, { className: "i-xs", "aria-hidden": true })) : h("span", { className: "jt" }),
      label, pick, kept ? h("span", { className: "bdg violet" }, kept) : null),
    inner && open ? h("div", { className: "js" }, entries.slice(0, all ? undefined : 50).map(([key, item, at]) => h(Branch, { key: at, name: key, value: item, path: at, onPick, mapped, depth: depth + 1 })), entries.length > 50 && !all ? h("button", { type: "button", className: "link meta", onClick: () => setAll(true) }, say("inspector.show_all", { count: entries.length })) : null) : null);
};

const variableFor = (name, path, taken) => {
  const keys = path.match(/[A-Za-z_]\w*/g) ?? [];
  const clean = (text) => String(text).normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/\W+/g, "_").replace(/^(\d)/, "_$1").toLowerCase().slice(0, 60);
  const first = clean(typeof name === "number" || name === null ? (keys[keys.length - 1] ?? "answer") : name) || "answer";
  const longer = clean(keys.slice(-2).join("_")) || first;
  let found = taken.has(first) ? longer : first;
  for (let n = 2; taken.has(found); n += 1) found = `${longer}_${n}`;
  return found;
};

/** Makes the block's request once, as it is now. */
export const TryRequest = ({ node }) => {
  const config = useStore((s) => nodeOf(s.doc, node)?.config) ?? {};
  const allowed = useStore((s) => grants(s.me, "flows:edit") && s.version === null);
  const [state, setState] = useState(null); // {busy} | {error} | {result}
  const [sent, setSent] = useState(false);
  const mapping = Array.isArray(config.mapping) ? config.mapping : [];
  const run = async () => {
    setState({ busy: true });
    editor.flush();
    try {
      setState({ result: await api.post(`/api/v1/flows/${S.flowId}/try-request`, { config, ...samples() }) });
    } catch (error) {
      setState({ error: error.code === "invalid_config" ? say("inspector.try_incomplete") : error.status === 429 ? say("inspector.try_too_often") : error.status === 403 ? say("inspector.try_forbidden") : error.status === 0 ? say("inspector.try_offline") : say("inspector.try_failed") });
    }
  };
  const map = (path, name) => {
    const known = mapping.findIndex((row) => row.path === path);
    if (known >= 0) {
      document.querySelector(`.ins [data-field="mapping/${known}/name"]`)?.focus();
      return;
    }
    const blank = mapping.findIndex((row) => !row.path && !row.name);
    const row = { name: variableFor(name, path, new Set(mapping.map((one) => one.name))), path, default: "" };
    form.set(node, "mapping", blank >= 0 ? mapping.map((one, i) => (i === blank ? { ...one, ...row } : one)) : [...mapping, row]);
  };
  const result = state?.result;
  const mapped = Object.fromEntries(mapping.filter((row) => row.path).map((row) => [row.path.startsWith("$") ? row.path : `$.${row.path}`, row.name]));
  const good = result && result.status >= 200 && result.status < 300;
  return h("div", { className: "tool col g8", "data-testid": "try-request" },
    h("div", { className: "row g6" }, h("div", { className: "h-sec grow" }, say("inspector.try_title")),
      h("button", { type: "button", className: "btn line sm", disabled: !allowed || state?.busy || !String(config.url ?? "").trim(), onClick: run, "data-testid": "try-it" }, h(Play, { className: "i-xs", "aria-hidden": true }), say(state?.busy ? "inspector.trying" : "inspector.try_it"))),
    !state && h("div", { className: "meta muted" }, say(allowed ? "inspector.try_hint" : "inspector.try_forbidden")),
    state?.error && h("div", { className: "notice red", role: "alert" }, state.error),
    result && h("div", { className: "row g6 wrap dense", role: "status" },
      result.error ? h("span", { className: "bdg red" }, sayOr(`inspector.try_${result.error}`, result.error)) : h("span", { className: `bdg ${good ? "jade" : "red"}`, "data-testid": "try-status" }, result.status),
      h("span", { className: "meta muted tn" }, `${fmt.number(getLang(), result.duration_ms)} ms`), result.size ? h("span", { className: "meta muted tn" }, bytes(result.size)) : null,
      h("span", { className: "grow" }), h("button", { type: "button", className: "link meta", "aria-expanded": sent, onClick: () => setSent(!sent) }, say("inspector.what_was_sent"))),
    result?.problems.length ? h("div", { className: "micro t-amber" }, say("inspector.try_problems"), " ", result.problems.join(" · ")) : null,
    result && sent ? h("pre", { className: "sent mono micro" }, `${result.request.method} ${result.request.url}\n${result.request.headers.map((line) => `${line.name}: ${line.value}`).join("\n")}${result.request.body ? `\n\n${result.request.body}` : ""}`) : null,
    result && !good && !result.error ? h("div", { className: "micro muted" }, say("inspector.try_error_exit")) : null,
    result?.is_json ? h("div", { className: "col g4" }, h("div", { className: "micro muted" }, say("inspector.click_to_map")), h("div", { className: "jtree mono", role: "tree", "aria-label": say("inspector.answer") }, h(Branch, { name: null, value: result.json_body, path: "$", onPick: map, mapped }))) : null,
    result && !result.is_json && result.text ? h("pre", { className: "sent mono micro" }, result.text.slice(0, 4000)) : null,
    result?.truncated ? h("div", { className: "micro muted" }, say("inspector.try_truncated")) : null,
    result?.missing.length && !result.error ? h("div", { className: "micro t-amber" }, say("inspector.try_missing", { names: result.missing.join(", ") })) : null);
};
