// Controls of the inspector that need the browser: texts with variables, formatting and emoji, words, sortable rows.
import { createElement as h, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useLang } from "$/public/pt_i18n.js";
import { editor, say, useStore } from "$/public/pt_editor.js";
import { form } from "$/public/pt_editor_form.js";
import { variableChoices } from "$/public/pt_editor_model.js";

const MARKS = [["bold", "*", "B"], ["italic", "_", "I"], ["strike", "~", "S"]];
const EMOJI = [..."😀😄😁😉😊🙂😍🥰😎🤩🤗🤔😅😂🥳😇🙏👏👍👎👌✌🤝💪👋🙌❤💚💙💛🧡💜✨⭐🌟🔥🎉🎁🎂🛒🛍💳💰🏷📦🚚🚀⏰📅📍📞📱💬📣📝📄📎🔗✅❌⚠❓❗ℹ➡🔄🔔🌿☀🌙☕🍕🏠🏪🔑🔒"].filter((c) => c !== "\ufe0f");

/** A text kept here while the person types, and followed when somebody else changes it. */
const useText = (item, send) => {
  const [text, setText] = useState(item.text);
  const sent = useRef(item.text);
  useEffect(() => {
    if (item.text !== sent.current) {
      sent.current = item.text;
      setText(item.text);
    }
  }, [item.text]);
  return [text, (value) => {
    setText(value);
    sent.current = send(value) ?? value;
  }];
};

const described = (item) => (item.issue ? { "aria-invalid": true, "aria-describedby": `${item.key}-issue` } : {});

const Plain = ({ item }) => {
  const [text, change] = useText(item, (value) => form.type(item.node, item.path, value));
  return h("input", { className: "input", type: "text", value: text, placeholder: item.placeholder, disabled: item.disabled, onChange: (e) => change(e.target.value), "aria-label": item.label, "data-field": item.path, id: item.key, autoComplete: "off", spellCheck: false, ...described(item) });
};

const NumberBox = ({ item }) => {
  const [text, change] = useText(item, (value) => {
    const clean = value.trim().replace(",", ".");
    const number = clean === "" ? null : Number(clean);
    const kept = Number.isFinite(number) || number === null ? number : value;
    form.type(item.node, item.path, kept);
    return kept === null ? "" : String(kept);
  });
  return h("input", { className: "input tn", type: "text", inputMode: "decimal", value: text, placeholder: item.placeholder, disabled: item.disabled, onChange: (e) => change(e.target.value), "aria-label": item.label, "data-field": item.path, id: item.key, ...described(item) });
};

const UNITS = [["minute", 1], ["hour", 60], ["day", 1440]];

const Duration = ({ item }) => {
  const minutes = typeof item.value === "number" ? item.value : null;
  const fitting = [...UNITS].reverse().find(([, size]) => minutes && minutes % size === 0)?.[0] ?? "minute";
  const [unit, setUnit] = useState(fitting);
  const size = UNITS.find(([name]) => name === unit)[1];
  const shown = { ...item, text: minutes === null ? "" : String(Math.round((minutes / size) * 100) / 100) };
  const [text, change] = useText(shown, (value) => {
    const number = value.trim() === "" ? null : Number(value.trim().replace(",", "."));
    form.type(item.node, item.path, number === null || !Number.isFinite(number) ? null : number * size);
    return value;
  });
  return h("div", { className: "row g6" },
    h("input", { className: "input tn", inputMode: "decimal", value: text, disabled: item.disabled, onChange: (e) => change(e.target.value), "aria-label": item.label, placeholder: say("editor.no_limit"), "data-field": item.path, id: item.key, ...described(item) }),
    h("select", { className: "input", value: unit, disabled: item.disabled, "aria-label": say("editor.unit"),
      onChange: (e) => {
        const next = UNITS.find(([name]) => name === e.target.value);
        setUnit(next[0]);
        if (minutes !== null) form.set(item.node, item.path, (minutes / size) * next[1]);
      } },
      UNITS.map(([name]) => h("option", { key: name, value: name }, say(`editor.unit_${name}`)))));
};

const Picker = ({ choices, filter, onPick, onClose }) => {
  const [on, setOn] = useState(0);
  const shown = useMemo(() => choices.filter((item) => item.label.toLowerCase().includes(filter.toLowerCase())).slice(0, 40), [choices, filter]);
  useEffect(() => setOn(0), [filter]);
  useEffect(() => {
    const keys = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) setOn((n) => (n + step + shown.length) % Math.max(1, shown.length));
      else if ((event.key === "Enter" || event.key === "Tab") && shown[on]) onPick(shown[on]);
      else if (event.key === "Escape") onClose();
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener("keydown", keys, true);
    return () => window.removeEventListener("keydown", keys, true);
  }, [shown, on]);
  return h("div", { className: "pop vars", role: "listbox", "aria-label": say("editor.variables") },
    shown.length === 0 && h("div", { className: "none meta muted" }, say("editor.no_variable")),
    shown.map((choice, i) => h("button", { key: choice.label, type: "button", role: "option", "aria-selected": i === on, onMouseDown: (e) => e.preventDefault(), onMouseEnter: () => setOn(i), onClick: () => onPick(choice) },
      h("span", { className: "var" }, choice.label), h("span", { className: "meta muted ell" }, choice.about))));
};

/** Paints variables behind the text, letter on letter. */
const Mirror = ({ text }) => h("div", { className: "mirror", "aria-hidden": true },
  text.split(/(\{\{[^}]*\}\}|\{%[^%]*%\})/).map((part, i) => (i % 2 ? h("mark", { key: i }, part) : part)), "\n");

const icon = (name) => h("svg", { viewBox: "0 0 24 24", className: "lucide i-s", fill: "none", stroke: "currentColor", strokeLinecap: "round", strokeLinejoin: "round", "aria-hidden": true },
  ...({ smile: ["M8 14s1.5 2 4 2 4-2 4-2", "M9 9h.01", "M15 9h.01", "M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20"], braces: ["M8 3H7a2 2 0 0 0-2 2v5a2 2 0 0 1-2 2 2 2 0 0 1 2 2v5c0 1.1.9 2 2 2h1", "M16 21h1a2 2 0 0 0 2-2v-5c0-1.1.9-2 2-2a2 2 0 0 1-2-2V5a2 2 0 0 0-2-2h-1"], x: ["M18 6 6 18", "m6 6 12 12"], B: ["M6 12h9a4 4 0 0 1 0 8H7a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1h7a4 4 0 0 1 0 8"], I: ["M19 4h-9", "M14 20H5", "M15 4 9 20"], S: ["M16 4H9a3 3 0 0 0-2.83 4", "M14 12a4 4 0 0 1 0 8H6", "M4 12h16"] }[name] ?? []).map((d) => h("path", { d, key: d })));

/** A text that may hold variables; with `area` in several lines with formatting and emoji. */
const Rich = ({ item, area }) => {
  const field = useRef(null);
  const box = useRef(null);
  const [open, setOpen] = useState(null); // emoji | vars | typed
  const [text, change] = useText(item, (value) => form.type(item.node, item.path, value));
  const caret = useRef(null);
  const typed = open === "typed" ? (text.slice(0, field.current?.selectionStart ?? 0).match(/\{\{\s*([\w.]*)$/)?.[1] ?? "") : "";
  useLayoutEffect(() => {
    if (caret.current === null) return;
    field.current.setSelectionRange(...caret.current);
    caret.current = null;
  }, [text]);
  useLayoutEffect(() => {
    if (!area || !field.current) return;
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text, area]);
  useEffect(() => {
    if (!open) return undefined;
    const away = (event) => !box.current?.contains(event.target) && setOpen(null);
    window.addEventListener("mousedown", away);
    return () => window.removeEventListener("mousedown", away);
  }, [open]);
  const replace = (from, to, insert, select = null) => {
    field.current.focus();
    caret.current = select ?? [from + insert.length, from + insert.length];
    change(text.slice(0, from) + insert + text.slice(to));
  };
  const range = () => [field.current.selectionStart, field.current.selectionEnd];
  const pick = (choice) => {
    const [from, to] = range();
    const before = text.slice(0, from).match(/\{\{\s*[\w.]*$/);
    const start = open === "typed" && before ? from - before[0].length : from;
    const rest = open === "typed" ? (text.slice(to).match(/^\s*\}\}/)?.[0].length ?? 0) : 0;
    replace(start, to + rest, choice.insert);
    setOpen(null);
  };
  const wrap = (sign) => {
    const [from, to] = range();
    replace(from, to, sign + text.slice(from, to) + sign, [from + 1, to + 1]);
  };
  const onChange = (event) => {
    change(event.target.value);
    const before = event.target.value.slice(0, event.target.selectionStart);
    if (item.variables) setOpen(/\{\{\s*[\w.]*$/.test(before) ? "typed" : null);
  };
  const onKeyDown = (event) => {
    const sign = area && (event.ctrlKey || event.metaKey) && { b: "*", i: "_" }[event.key];
    if (sign) {
      event.preventDefault();
      wrap(sign);
    }
  };
  const props = { ref: field, value: text, placeholder: item.placeholder, disabled: item.disabled, onChange, onKeyDown, "aria-label": item.label, "data-field": item.path, id: item.key, autoComplete: "off", ...described(item) };
  const near = item.max > 0 && text.length > item.max * 0.8;
  const tools = !item.disabled;
  const button = (name, label, onClick, extra = "") => h("button", { key: name, type: "button", className: `ib sm ${extra}`, title: label, "aria-label": label, onMouseDown: (e) => e.preventDefault(), onClick }, icon(name));
  const pops = h("div", null,
    (open === "vars" || open === "typed") && h(Picker, { choices: variableChoices(), filter: typed, onPick: pick, onClose: () => setOpen(null) }),
    open === "emoji" && h("div", { className: "pop emo", role: "listbox", "aria-label": "Emoji" }, EMOJI.map((sign) => h("button", { key: sign, type: "button", onMouseDown: (e) => e.preventDefault(), onClick: () => replace(...range(), sign) }, sign))));
  if (!area) {
    return h("div", { className: "tx1", ref: box, "data-bad": Boolean(item.issue) },
      h("input", { type: "text", className: "input", ...props }),
      tools && item.variables && button("braces", say("editor.insert_variable"), () => setOpen(open ? null : "vars"), "v"),
      pops);
  }
  return h("div", { className: "ta", ref: box, "data-bad": Boolean(item.issue) },
    tools && h("div", { className: "tb" },
      MARKS.map(([name, sign, shape]) => button(shape, say(`editor.mark_${name}`), () => wrap(sign))),
      button("smile", say("editor.emoji"), () => setOpen(open === "emoji" ? null : "emoji")),
      h("span", { className: "grow" }),
      item.variables && h("button", { type: "button", className: "btn sm v", onMouseDown: (e) => e.preventDefault(), onClick: () => setOpen(open ? null : "vars"), "data-testid": "insert-variable" }, icon("braces"), say("editor.variable"))),
    pops,
    h("div", { className: "tx" }, h(Mirror, { text }), h("textarea", { rows: 2, ...props })),
    item.max > 0 && h("div", { className: "bt micro muted", "data-near": near }, h("span", null), h("span", { className: "tn", "aria-live": near ? "polite" : "off" }, `${text.length.toLocaleString()} / ${item.max.toLocaleString()}`)));
};

const Words = ({ item }) => {
  const [text, setText] = useState("");
  const add = (raw) => {
    const parts = raw.split(/[,;\n]/);
    const rest = /[,;\n]$/.test(raw) ? "" : parts.pop();
    if (parts.length) form.words(item.node, item.path, [...item.words, ...parts]);
    setText(rest);
  };
  const commit = () => {
    if (text.trim()) form.words(item.node, item.path, [...item.words, text]);
    setText("");
  };
  return h("div", { className: "words input", "data-bad": Boolean(item.issue), onClick: (e) => e.currentTarget.querySelector("input")?.focus() },
    item.words.map((word, i) => h("span", { key: `${i}-${word}`, className: "bdg jade" }, word,
      !item.disabled && h("button", { type: "button", "aria-label": say("editor.remove_word", { word }), onClick: () => form.words(item.node, item.path, item.words.filter((_, n) => n !== i)) }, icon("x")))),
    h("input", { value: text, disabled: item.disabled, placeholder: item.words.length ? "" : item.placeholder || say("editor.words_hint"), "aria-label": item.label, "data-field": item.path, onChange: (e) => add(e.target.value), onBlur: commit,
      onKeyDown: (e) => {
        if (e.key === "Enter") { e.preventDefault(); commit(); }
        if (e.key === "Backspace" && text === "" && item.words.length) form.words(item.node, item.path, item.words.slice(0, -1));
      } }));
};

/** Days of the week as toggles; 0 is Monday. */
const Days = ({ item }) => {
  const lang = useLang();
  const on = new Set(item.words.map(Number));
  const name = (day, weekday) => new Intl.DateTimeFormat(lang, { weekday, timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + day)));
  return h("div", { className: "days", role: "group", "aria-label": item.label }, [0, 1, 2, 3, 4, 5, 6].map((day) =>
    h("button", { key: day, type: "button", "aria-pressed": on.has(day), "aria-label": name(day, "long"), title: name(day, "long"), disabled: item.disabled,
      onClick: () => form.set(item.node, item.path, [0, 1, 2, 3, 4, 5, 6].filter((n) => (n === day ? !on.has(n) : on.has(n)))) }, name(day, "narrow"))));
};

/** A flow of the organization; its slug is kept, so that a renamed flow is still found. */
const FlowPicker = ({ item }) => {
  const flows = useStore((s) => s.flows) ?? [];
  useEffect(() => {
    editor.loadFlows();
  }, []);
  const known = flows.some((flow) => flow.slug === item.text || flow.id === item.text);
  return h("select", { className: "input", value: flows.find((flow) => flow.id === item.text)?.slug ?? item.text, disabled: item.disabled, "aria-label": item.label, "data-field": item.path, id: item.key, onChange: (e) => form.set(item.node, item.path, e.target.value), ...described(item) },
    h("option", { value: "" }, say("editor.choose_flow")),
    !known && item.text && h("option", { value: item.text }, item.text),
    flows.map((flow) => h("option", { key: flow.id, value: flow.slug }, flow.name)));
};

const Colors = ({ item }) => h("div", { className: "colors", role: "radiogroup", "aria-label": item.label }, item.choices.map((choice) =>
  h("button", { key: choice.value, type: "button", role: "radio", "aria-checked": choice.on, "data-color": choice.value, title: choice.label, "aria-label": choice.label, disabled: item.disabled, onClick: () => form.set(item.node, item.path, choice.value) })));

/** One control by the field's widget; keyed, so that text never moves to another field. */
export const FieldControl = ({ item }) => {
  useLang();
  const key = item.key;
  switch (item.widget) {
    case "textarea": return h(Rich, { key, item, area: true });
    case "number": return h(NumberBox, { key, item });
    case "duration": return h(Duration, { key, item });
    case "days": return h(Days, { key, item });
    case "flow": return h(FlowPicker, { key, item });
    case "color": return h(Colors, { key, item });
    case "words":
    case "tags": return h(Words, { key, item });
    case "select":
      return h("select", { key, className: "input", value: item.text, disabled: item.disabled, "aria-label": item.label, "data-field": item.path, onChange: (e) => form.set(item.node, item.path, typed(item, e.target.value)), ...described(item) },
        item.choices.every((choice) => String(choice.value) !== item.text) && h("option", { value: item.text }, item.text || "–"),
        item.choices.map((choice) => h("option", { key: choice.value, value: choice.value }, choice.label)));
    case "switch":
      return h("button", { key, type: "button", role: "switch", className: "sw", "aria-checked": item.on, "aria-label": item.label, disabled: item.disabled, "data-field": item.path, onClick: () => form.set(item.node, item.path, !item.on) });
    default: return item.variables ? h(Rich, { key, item, area: false }) : h(Plain, { key, item });
  }
};

const typed = (item, value) => (typeof item.value === "number" ? Number(value) : value);

/** The node's title, where it is edited. */
export const TitleField = ({ node, text, placeholder, disabled }) => {
  const [shown, change] = useText({ text }, (value) => form.title(node, value));
  return h("input", { key: node, className: "ttl str", value: shown, placeholder, disabled, "aria-label": say("editor.block_title"), "data-title-field": true, maxLength: 200, onChange: (e) => change(e.target.value), onKeyDown: (e) => (e.key === "Enter" || e.key === "Escape") && e.target.blur() });
};

/** A row that can be dragged by its grip, or moved with Alt+↑ and Alt+↓. */
export const SortableRow = ({ node, path, index, disabled, children }) => {
  const [over, setOver] = useState("");
  const kind = `application/x-pytake-row-${btoa(node + path).replace(/[^a-z]/gi, "").toLowerCase().slice(0, 40)}`;
  const grip = h("button", { type: "button", className: "grip", draggable: !disabled, disabled, "aria-label": say("editor.move_row", { n: index + 1 }), title: say("editor.move_row_hint"),
    onDragStart: (e) => {
      e.dataTransfer.setData(kind, String(index));
      e.dataTransfer.effectAllowed = "move";
      e.dataTransfer.setDragImage(e.currentTarget.closest(".rw"), 8, 8);
    },
    onKeyDown: (e) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[e.key];
      if (!step || !e.altKey) return;
      e.preventDefault();
      form.moveRow(node, path, index, index + step);
    } }, h("svg", { viewBox: "0 0 24 24", className: "lucide i-s", fill: "currentColor", stroke: "none", "aria-hidden": true }, [[9, 6], [15, 6], [9, 12], [15, 12], [9, 18], [15, 18]].map(([cx, cy]) => h("circle", { key: `${cx}${cy}`, cx, cy, r: 1.4 }))));
  return h("div", { className: "rw", "data-row": `${path}/${index}`, "data-over": over,
    onDragOver: (e) => {
      if (!e.dataTransfer.types.includes(kind)) return;
      e.preventDefault();
      const rect = e.currentTarget.getBoundingClientRect();
      setOver(e.clientY < rect.top + rect.height / 2 ? "before" : "after");
    },
    onDragLeave: () => setOver(""),
    onDrop: (e) => {
      const from = e.dataTransfer.getData(kind);
      setOver("");
      if (from === "") return;
      e.preventDefault();
      const to = index + (over === "after" ? 1 : 0);
      form.moveRow(node, path, Number(from), Number(from) < to ? to - 1 : to);
    } }, grip, children);
};
