// Fields of the settings of queues and agents: labelled, with hint and the server's objection, by keyboard and for readers.
import { createElement as h, useId, useRef, useState } from "react";
import { Plus, X } from "lucide-react";
import { IconBtn, say, sayOf, Sign } from "$/public/pt_inbox_kit.js";

/** The words for an error of the API at `pointer`, or "". */
export const objection = (errors, pointer) => {
  const found = errors?.find((one) => one.pointer === pointer || one.pointer === `/body${pointer}`);
  return found ? sayOf(`monitor.field_error.${found.code}`, "monitor.field_error.other", { detail: found.message ?? found.detail ?? "" }) : "";
};
export const Field = ({ label, hint, error, children, wide, optional }) => {
  const id = useId();
  return h("label", { className: wide ? "ff qs-wide" : "ff" }, h("span", { className: "lbl" }, label, optional && h("span", { className: "muted" }, ` · ${say("common.optional")}`)), children, error ? h("span", { className: "err", role: "alert", id }, error) : hint && h("span", { className: "hint" }, hint));
};
export const Text = ({ value, onChange, test, off, limit = 120, error, ...rest }) => h("input", { className: "input", value: value ?? "", maxLength: limit, disabled: off, "aria-invalid": error ? "true" : undefined, onChange: (event) => onChange(event.target.value), "data-testid": test, ...rest });
/** A whole or, with `factor`, a scaled number; empty is null where `empty` allows it. */
export const Numeric = ({ value, onChange, test, off, min = 0, max, factor = 1, step = 1, unit, error, empty = true, placeholder, label }) => {
  const [text, setText] = useState(null); // what is typed just now, which need not be a number yet
  const shown = text ?? (value === null || value === undefined ? "" : String(value / factor));
  return h("span", { className: "qs-num" }, h("input", { className: "input", type: "number", inputMode: "decimal", value: shown, min, max, step, placeholder, disabled: off, "aria-invalid": error ? "true" : undefined, "aria-label": label, "data-testid": test, onBlur: () => setText(null), onChange: (event) => {
    setText(event.target.value);
    const number = Number(event.target.value);
    if (event.target.value.trim() === "") onChange(empty ? null : min);
    else if (Number.isFinite(number)) onChange(Math.round(Math.min(max ?? Infinity, Math.max(min, number)) * factor));
  } }), unit && h("span", { className: "muted dense" }, unit));
};
export const Select = ({ value, options, onChange, test, off, label }) => h("select", { className: "input", value: value ?? "", disabled: off, "aria-label": label, onChange: (event) => onChange(event.target.value || null), "data-testid": test }, options.map(([id, words]) => h("option", { key: id ?? "", value: id ?? "" }, words)));
export const Switch = ({ on, onChange, label, hint, off, test }) =>
  h("div", { className: "qs-switch" }, h("button", { type: "button", role: "switch", className: "sw", "aria-checked": on, disabled: off, "aria-label": label, onClick: () => onChange(!on), "data-testid": test }), h("span", { className: "col" }, h("span", { className: "dense", "aria-hidden": true }, label), hint && h("span", { className: "meta muted" }, hint)));

/** Words, each a chip: typed with Enter or a comma. */
export const Words = ({ values, onChange, label, placeholder, off, test, limit = 30 }) => {
  const [text, setText] = useState("");
  const field = useRef(null);
  const add = () => {
    const word = text.trim().slice(0, 60);
    setText("");
    if (word && values.length < limit && !values.some((one) => one.toLowerCase() === word.toLowerCase())) onChange([...values, word]);
  };
  return h("div", { className: "qs-words", onClick: () => field.current?.focus() },
    values.map((word) => h("span", { key: word, className: "bdg violet" }, word, !off && h("button", { type: "button", "aria-label": say("monitor.drop_word", { word }), onClick: () => onChange(values.filter((one) => one !== word)) }, h(Sign, { of: X, size: "xs" })))),
    !off && h("input", { ref: field, value: text, "aria-label": label, placeholder: values.length ? "" : placeholder, onChange: (event) => setText(event.target.value), onBlur: add, "data-testid": test, onKeyDown: (event) => {
      if ((event.key === "Enter" || event.key === ",") && !event.nativeEvent.isComposing) {
        event.preventDefault();
        add();
      } else if (event.key === "Backspace" && !text && values.length) onChange(values.slice(0, -1));
    } }), !off && text.trim() && h(IconBtn, { icon: Plus, small: true, label: say("monitor.add_word"), onMouseDown: (event) => event.preventDefault(), onClick: add }));
};

const VARIABLES = ["contact.first_name", "position", "ahead", "wait", "queue", "org.name"];
const FILLED = /\{\{\s*([\w.]+)\s*\}\}/g;
const example = (name, queue) => ({ "contact.first_name": "Célia", "contact.name": "Célia Nogueira", position: "3", ahead: "2", wait: "6", queue, "org.name": say("monitor.example_org") })[name] ?? `{{${name}}}`;
/** A text that contacts get: variables to put in, what it will look like. */
export const MessageField = ({ label, hint, value, onChange, off, queue, test, error, limit = 1024, variables = VARIABLES }) => {
  const field = useRef(null);
  const put = (name) => {
    const box = field.current;
    const at = box?.selectionStart ?? value.length;
    const end = box?.selectionEnd ?? at;
    onChange(`${value.slice(0, at)}{{${name}}}${value.slice(end)}`);
    requestAnimationFrame(() => {
      box?.focus();
      box?.setSelectionRange(at + name.length + 4, at + name.length + 4);
    });
  };
  const preview = value.replace(FILLED, (_, name) => example(name, queue));
  return h("div", { className: "qs-message" },
    h(Field, { label, hint, error }, h("textarea", { ref: field, className: "input", rows: 2, value, maxLength: limit, disabled: off, placeholder: say("monitor.message_none"), "aria-invalid": error ? "true" : undefined, onChange: (event) => onChange(event.target.value), "data-testid": test })),
    !off && h("div", { className: "row wrap g4" }, variables.map((name) => h("button", { key: name, type: "button", className: "var qs-var", onClick: () => put(name), title: say("monitor.put_variable"), "data-testid": `${test}-${name}` }, say(`monitor.variable.${name.replace(".", "_")}`)))),
    value.trim() && h("div", { className: "qs-bubble", "aria-label": say("monitor.preview") }, h("span", { className: "micro muted" }, say("monitor.preview")), h("div", { className: "bub out" }, preview)));
};
