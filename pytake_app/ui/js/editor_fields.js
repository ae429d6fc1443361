// Controls of the inspector, one a widget.
import { createElement as h, useEffect, useRef, useState } from "react";
import { Plus, Smile, X } from "lucide-react";
import { useLang } from "$/public/pt_i18n.js";
import { say, S, sayOr, useStore } from "$/public/pt_editor.js";
import { at, nodeOf } from "$/public/pt_editor_doc.js";
import { EmojiPicker } from "$/public/pt_editor_emoji.js";
import { form } from "$/public/pt_editor_form.js";
import { described, Tool, useAway, useText } from "$/public/pt_editor_inputs.js";
import { JsonBody, JsonPath } from "$/public/pt_editor_http.js";
import { Dates, Days, fittingOperators, Schedule, Time, TimeZone } from "$/public/pt_editor_logic.js";
import { Media } from "$/public/pt_editor_media.js";
import { NumberBox, useNumber } from "$/public/pt_editor_numbers.js";
import { CalendarPicker } from "$/public/pt_editor_calendar.js";
import { AgentPicker, AudiencePicker, ChannelPicker, ContactFieldPicker, FlowPicker, QueuePicker, SecretPicker, TagPicker, TagsPicker, VariableName } from "$/public/pt_editor_pickers.js";
import { refs } from "$/public/pt_editor_refs.js";
import { Cases, Intents, Shares } from "$/public/pt_editor_rows.js";
import { Template } from "$/public/pt_editor_template.js";
import { Rich } from "$/public/pt_editor_text.js";
import { HookAddress } from "$/public/pt_editor_tools.js";

export { SortableRow } from "$/public/pt_editor_sort.js";
export { HelpButton, NodeTools, AllHooks } from "$/public/pt_editor_tools.js";

const Plain = ({ item }) => {
  const [text, change] = useText(item.text, (value) => form.type(item.node, item.path, value));
  return h("input", { ...described(item), className: "input", type: "text", value: text, placeholder: item.placeholder, onChange: (event) => change(event.target.value), autoComplete: "off", spellCheck: false });
};

const UNITS = [["minute", 1], ["hour", 60], ["day", 1440]];

const Duration = ({ item }) => {
  const minutes = typeof item.value === "number" ? item.value : null;
  const fitting = [...UNITS].reverse().find(([, size]) => minutes && minutes % size === 0)?.[0] ?? "minute";
  const [unit, setUnit] = useState(fitting);
  const size = UNITS.find(([name]) => name === unit)[1];
  const [text, change] = useNumber(item, size);
  return h("div", { className: "row g6" },
    h("input", { ...described(item), className: "input tn", inputMode: "decimal", value: text, onChange: (event) => change(event.target.value), placeholder: say("editor.no_limit") }),
    h("select", { className: "input", value: unit, disabled: item.disabled, "aria-label": say("editor.unit"),
      onChange: (event) => {
        const next = UNITS.find(([name]) => name === event.target.value);
        setUnit(next[0]);
        if (minutes !== null) form.set(item.node, item.path, (minutes / size) * next[1]);
      } },
      UNITS.map(([name]) => h("option", { key: name, value: name }, say(`editor.unit_${name}`)))));
};

const Words = ({ item }) => {
  const [text, setText] = useState("");
  const examples = item.name === "examples";
  const add = (raw) => {
    const splits = examples ? /[\n;]/ : /[,;\n]/;
    const parts = raw.split(splits);
    const rest = splits.test(raw.slice(-1)) ? "" : parts.pop();
    if (parts.length) form.words(item.node, item.path, [...item.words, ...parts]);
    setText(rest);
  };
  const commit = () => {
    if (text.trim()) form.words(item.node, item.path, [...item.words, text]);
    setText("");
  };
  const remove = (i) => form.words(item.node, item.path, item.words.filter((_, n) => n !== i));
  const cross = (word, i) => !item.disabled && h("button", { type: "button", "aria-label": say("editor.remove_word", { word }), onClick: () => remove(i) }, h(X, { className: "i-xs", "aria-hidden": true }));
  const input = h("input", { ...described(item), value: text, placeholder: item.words.length && !examples ? "" : examples ? say("inspector.example_sentence") : item.placeholder && item.placeholder !== item.label ? item.placeholder : say("editor.words_hint"), onChange: (event) => add(event.target.value), onBlur: commit,
    onPaste: (event) => {
      const pasted = event.clipboardData.getData("text");
      if (!pasted.includes("\n")) return;
      event.preventDefault();
      form.words(item.node, item.path, [...item.words, ...(text + pasted).split("\n")]);
      setText("");
    },
    onKeyDown: (event) => {
      if (event.key === "Enter" && !event.nativeEvent.isComposing) {
        event.preventDefault();
        commit();
      }
      if (event.key === "Backspace" && text === "" && item.words.length) form.words(item.node, item.path, item.words.slice(0, -1));
    } });
  if (examples) return h("div", { className: "sents", "data-bad": Boolean(item.issue && !item.mild) }, item.words.map((word, i) => h("div", { key: `${i}-${word}`, className: "sent1" }, h("span", { className: "dense" }, word), cross(word, i))), input);
  return h("div", { className: "words input", "data-bad": Boolean(item.issue && !item.mild), onClick: (event) => event.currentTarget.querySelector("input")?.focus() },
    item.words.map((word, i) => h("span", { key: `${i}-${word}`, className: "bdg jade" }, word, cross(word, i))), input);
};

const Emoji = ({ item }) => {
  const box = useRef(null);
  const [open, setOpen] = useState(false);
  useAway(box, open, () => setOpen(false));
  const put = (sign) => form.set(item.node, item.path, sign);
  return h("div", { className: "combo", ref: box },
    h("div", { className: "row g6" },
      ["👍", "❤️", "🙏", "🎉", "✅", "😊"].map((sign) => h("button", { key: sign, type: "button", className: "emo1", "aria-pressed": item.text === sign, "aria-label": sign, disabled: item.disabled, onClick: () => put(sign) }, sign)),
      h("button", { type: "button", className: "emo1", "data-field": item.path, "aria-label": say("editor.emoji"), "aria-expanded": open, disabled: item.disabled, onClick: () => setOpen(!open) }, item.text && !["👍", "❤️", "🙏", "🎉", "✅", "😊"].includes(item.text) ? item.text : h(Smile, { className: "i-s", "aria-hidden": true })),
      item.text && !item.disabled ? h(Tool, { icon: X, label: say("inspector.no_reaction"), onClick: () => put("") }) : null),
    open && h(EmojiPicker, { onPick: (sign) => { put(sign); setOpen(false); }, onClose: () => setOpen(false) }));
};

/** Names and values of an object. */
const Record = ({ item }) => {
  const value = useStore((s) => at(nodeOf(s.doc, item.node)?.config, item.path.split("/"))) ?? {};
  const pairs = Object.entries(value);
  const put = (list) => form.set(item.node, item.path, Object.fromEntries(list.filter(([name]) => name.trim())));
  const [fresh, setFresh] = useState({ name: "", text: "" });
  const add = () => {
    if (!fresh.name.trim()) return;
    put([...pairs, [fresh.name.trim().slice(0, 64), fresh.text]]);
    setFresh({ name: "", text: "" });
  };
  return h("div", { className: "rws" },
    pairs.map(([name, text], i) => h("div", { key: name, className: "rw" }, h("div", { className: "cells two" }, h("span", { className: "mono dense ell" }, name), h(Rich, { item: { ...item, key: `${item.key}/${name}`, path: `${item.path}/${name}`, text: typeof text === "object" ? JSON.stringify(text) : String(text ?? ""), label: name, variables: true, max: 0, limits: [], issue: "" }, area: false })), !item.disabled && h(Tool, { icon: X, label: say("editor.remove_row"), onClick: () => put(pairs.filter((_, n) => n !== i)) }))),
    !item.disabled && h("div", { className: "row g6" }, h("input", { ...described(item), className: "input", value: fresh.name, placeholder: say("inspector.data_name"), onChange: (event) => setFresh({ ...fresh, name: event.target.value }) }), h("input", { className: "input", value: fresh.text, placeholder: say("inspector.data_value"), "aria-label": say("inspector.data_value"), onChange: (event) => setFresh({ ...fresh, text: event.target.value }), onKeyDown: (event) => event.key === "Enter" && add() }), h(Tool, { icon: Plus, label: say("editor.add_row"), onClick: add })));
};

const Colors = ({ item }) => h("div", { className: "colors", role: "radiogroup", "aria-label": item.label }, item.choices.map((choice) =>
  h("button", { key: choice.value, type: "button", role: "radio", "aria-checked": choice.on, "data-color": choice.value, title: choice.label, "aria-label": choice.label, disabled: item.disabled, onClick: () => form.set(item.node, item.path, choice.value) })));

const typed = (item, value) => (typeof item.value === "number" ? Number(value) : value);

const SEGMENTS = { match: true, mode: true, scope: true, auth: false };

const Select = ({ item }) => {
  const row = item.path.match(/^rows\/(\d+)\/operator$/);
  const left = useStore((s) => (row ? at(nodeOf(s.doc, item.node)?.config, ["rows", Number(row[1]), "value"]) : null));
  const choices = row ? fittingOperators(item.choices, left, item.text) : item.choices;
  if (choices.length === 2 && SEGMENTS[item.name]) return h("div", { className: "seg full", role: "radiogroup", "aria-label": item.label }, choices.map((choice, i) => h("button", { key: choice.value, type: "button", role: "radio", "aria-checked": choice.on, "aria-pressed": choice.on, disabled: item.disabled, "data-field": i === 0 ? item.path : undefined, onClick: () => form.set(item.node, item.path, typed(item, choice.value)) }, choice.label)));
  return h("select", { ...described(item), className: "input", value: item.text, onChange: (event) => form.set(item.node, item.path, typed(item, event.target.value)) },
    choices.every((choice) => String(choice.value) !== item.text) && h("option", { value: item.text }, item.text || "–"),
    choices.map((choice) => h("option", { key: choice.value, value: choice.value }, choice.label)));
};

const Switch = ({ item }) => h("button", { type: "button", role: "switch", className: "sw", "aria-checked": item.on, "aria-label": item.label, disabled: item.disabled, "data-field": item.path, onClick: () => form.set(item.node, item.path, !item.on) });

const Secret = ({ item }) => h(SecretPicker, { item }, h(Rich, { item, area: false }));

const CONTROLS = {
  number: NumberBox, duration: Duration, days: Days, time: Time, dates: Dates, cron: Schedule, timezone: TimeZone, flow: FlowPicker, color: Colors, words: Words, tags: TagsPicker, tag: TagPicker, queue: QueuePicker, calendar: CalendarPicker, agent: AgentPicker,
  audience: AudiencePicker, field: ContactFieldPicker, variable: VariableName, channel: ChannelPicker, emoji: Emoji, json: JsonBody, jsonpath: JsonPath, rotation: HookAddress, record: Record, media: Media, template: Template, select: Select, switch: Switch, cases: Cases, intents: Intents, branches: Shares,
};

/** One control by the field's widget; keyed, so that text never moves to another field. */
export const FieldControl = ({ item }) => {
  useLang();
  useEffect(() => {
    refs.load();
  }, []);
  const key = item.key;
  if (item.widget === "textarea") return h(Rich, { key, item, area: true });
  if (CONTROLS[item.widget]) return h(CONTROLS[item.widget], { key, item });
  if (item.secrets && ["token", "password", "key"].includes(item.name)) return h(Secret, { key, item });
  return item.variables ? h(Rich, { key, item, area: false }) : h(Plain, { key, item });
};

/** The node's title, where it is edited. */
export const TitleField = ({ node, text, placeholder, disabled }) => {
  const [shown, change] = useText(text, (value) => form.title(node, value));
  return h("input", { key: node, className: "ttl str", value: shown, placeholder, disabled, "aria-label": say("editor.block_title"), "data-title-field": true, maxLength: 200, onChange: (event) => change(event.target.value), onKeyDown: (event) => (event.key === "Enter" || event.key === "Escape") && event.target.blur() });
};

/** A finding's text in the language, for pieces made in Python. */
export const textOr = (key) => sayOr(key, "");
export const flowId = () => S.flowId;
