// Editors of lists that deserve more than cells side by side: cases of a switch, intents of a classifier, shares of a split.
import { createElement as h, useLayoutEffect, useMemo, useRef, useState } from "react";
import { ArrowRight, Check, ChevronRight, ClipboardPaste, Plus, Scale, X } from "lucide-react";
import { toast } from "sonner";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { editor, S, say, sayOr, useStore } from "$/public/pt_editor.js";
import { edgeAt, nodeOf } from "$/public/pt_editor_doc.js";
import { form } from "$/public/pt_editor_form.js";
import { ALONE } from "$/public/pt_editor_inspect.js";
import { described, Tool, useText } from "$/public/pt_editor_inputs.js";
import { fittingOperators } from "$/public/pt_editor_logic.js";
import { nodeName } from "$/public/pt_editor_model.js";
import { NumberBox } from "$/public/pt_editor_numbers.js";
import { merged, parsePasted } from "$/public/pt_editor_paste.js";
import { SortableRow } from "$/public/pt_editor_sort.js";
import { Rich } from "$/public/pt_editor_text.js";

const cellOf = (row, name) => row.cells.find((cell) => cell.name === name);

const Issue = ({ item }) => (item?.issue ? h("div", { className: "err", role: "alert", id: `${item.key}-issue` }, item.issue) : null);

const Line = ({ item }) => {
  const [text, change] = useText(item.text, (value) => form.type(item.node, item.path, value));
  return h("input", { ...described(item), className: "input", type: "text", value: text, placeholder: item.placeholder, autoComplete: "off", onChange: (event) => change(event.target.value) });
};

const Remove = ({ item, row, onRemove }) => (item.disabled ? null : h(Tool, { icon: X, label: say("editor.remove_row"), "data-testid": "remove-row", onClick: onRemove ?? (() => form.removeRow(item.node, item.path, row.index)) }));

const Add = ({ item, children }) => (item.disabled ? null : h("div", { className: "row g6 wrap" },
  h("button", { type: "button", className: "btn ghost sm add", disabled: item.full, "data-testid": "add-row", onClick: () => form.addRow(item.node, item.path) }, h(Plus, { className: "i-s", "aria-hidden": true }), item.add),
  children,
  item.tally ? h("span", { className: "right micro muted tn" }, item.tally) : null));

const rowOf = (item, row, className, ...children) => h(SortableRow, { key: row.key, node: item.node, path: item.path, index: row.index, disabled: item.disabled, className }, ...children);

/** Where an exit leads, to go there. */
const Exit = ({ node, port, label }) => {
  const target = useStore((s) => {
    const edge = s.doc && edgeAt(s.doc, node, port);
    return edge ? nodeOf(s.doc, edge.target) : null;
  });
  return h("div", { className: "rw fixed", "data-testid": "default-exit" },
    h("span", { className: "dense grow" }, label),
    target ? h("button", { type: "button", className: "link dense row g4", onClick: () => editor.jump(target.id) }, h(ArrowRight, { className: "i-xs", "aria-hidden": true }), h("span", { className: "ell" }, nodeName(target))) : h("span", { className: "meta muted" }, say("rows.ends_here")));
};

// -- cases ------------------------------------------------------------------------------------------------------------

const LISTS = ["in", "not_in"];
const parts = (text) => text.split(/[,;]/).map((word) => word.trim()).filter(Boolean);

/** Values of a list as chips; kept as one text with commas. */
const Chips = ({ item }) => {
  const [text, setText] = useState("");
  const words = parts(item.text);
  const put = (list) => form.set(item.node, item.path, [...new Set(list)].join(", "));
  const commit = () => {
    if (text.trim()) put([...words, ...parts(text)]);
    setText("");
  };
  const change = (value) => {
    if (!/[,;\n]/.test(value)) {
      setText(value);
      return;
    }
    put([...words, ...parts(value.replaceAll("\n", ","))]);
    setText("");
  };
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      commit();
    } else if (event.key === "Backspace" && text === "" && words.length) put(words.slice(0, -1));
  };
  return h("div", { className: "words input", "data-bad": Boolean(item.issue && !item.mild), onClick: (event) => event.currentTarget.querySelector("input")?.focus() },
    words.map((word, i) => h("span", { key: `${i}-${word}`, className: "bdg jade" }, word, !item.disabled && h("button", { type: "button", "aria-label": say("editor.remove_word", { word }), onClick: () => put(words.filter((_, n) => n !== i)) }, h(X, { className: "i-xs", "aria-hidden": true })))),
    h("input", { ...described(item), value: text, placeholder: words.length ? "" : say("rows.list_hint"), autoComplete: "off", onChange: (event) => change(event.target.value), onBlur: commit, onKeyDown }));
};

const Operator = ({ item, value }) => h("select", { ...described(item), className: "input", value: item.text, onChange: (event) => form.set(item.node, item.path, event.target.value) },
  fittingOperators(item.choices, value, item.text).map((choice) => h("option", { key: choice.value, value: choice.value }, choice.label)));

/** The cases of a switch: how the value is compared, with what, and the exit's name. */
export const Cases = ({ item }) => {
  useLang();
  const value = useStore((s) => nodeOf(s.doc, item.node)?.config.value);
  return h("div", { className: "col g6" },
    h("div", { className: "rws", "data-list": item.name },
      item.rows.map((row) => {
        const [operator, compared, label] = ["operator", "value", "label"].map((name) => cellOf(row, name));
        const chips = LISTS.includes(operator.text) && !compared.text.includes("{{");
        return rowOf(item, row, "case",
          h("div", { className: "cells" },
            h("div", { className: "cmp" }, h(Operator, { item: operator, value }), ALONE.includes(operator.text) ? null : chips ? h(Chips, { item: compared }) : h(Rich, { item: compared, area: false })),
            h(Issue, { item: ALONE.includes(operator.text) ? null : compared }),
            h(Line, { item: { ...label, placeholder: say("rows.exit_name") } }), h(Issue, { item: label })),
          h(Remove, { item, row }));
      })),
    h(Exit, { node: item.node, port: "default", label: sayOr("port.default", "") }),
    h(Add, { item }));
};

// -- intents ----------------------------------------------------------------------------------------------------------

const SHOWN = 4; // with more intents than this, each is closed until it is wanted
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/\s+/g, " ").trim();
const linesOf = (text) => [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))];

/** Example sentences, one a line. */
const Sentences = ({ item, taken }) => {
  const field = useRef(null);
  const [text, change] = useText(item.words.join("\n"), (value) => {
    const lines = linesOf(value);
    form.type(item.node, item.path, lines);
    return lines.join("\n");
  });
  useLayoutEffect(() => {
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);
  const count = linesOf(text).length;
  const over = item.max > 0 && count > item.max;
  const twice = linesOf(text).filter((line) => taken(line));
  return h("div", { className: "col g4" },
    h("textarea", { ...described(item), ref: field, className: "input sentences", rows: 2, value: text, placeholder: say("rows.sentences_hint"), onChange: (event) => change(event.target.value) }),
    over ? h("div", { className: "err", role: "alert" }, say("inspector.at_most", { count: item.max })) : null,
    twice.length ? h("div", { className: "micro t-amber" }, say("rows.also_in", { sentence: twice[0], intent: taken(twice[0]) })) : null);
};

const Paste = ({ item, onDone }) => {
  const [text, setText] = useState("");
  const pasted = useMemo(() => parsePasted(text), [text]);
  const sentences = pasted.reduce((sum, intent) => sum + intent.examples.length, 0);
  const field = useRef(null);
  const use = () => {
    const result = merged(nodeOf(S.doc, item.node)?.config.intents ?? [], pasted, item.max || 50);
    form.set(item.node, item.path, result.intents);
    toast(say("rows.pasted", { count: result.added, sentences: result.sentences }), { action: { label: say("common.undo"), onClick: () => editor.undo() } });
    onDone();
  };
  return h("div", { className: "mkbox col g6", onKeyDown: (event) => event.key === "Escape" && (event.stopPropagation(), onDone()) },
    h("textarea", { className: "input sentences", ref: field, rows: 5, autoFocus: true, value: text, placeholder: say("rows.paste_eg"), "aria-label": say("rows.paste"), "data-testid": "intent-paste", onChange: (event) => setText(event.target.value) }),
    h("div", { className: "micro muted" }, say("rows.paste_hint")),
    h("div", { className: "row g6" },
      h("button", { type: "button", className: "btn solid sm", disabled: pasted.length === 0, "data-testid": "intent-paste-use", onClick: use }, h(Check, { className: "i-s", "aria-hidden": true }), say("rows.paste_use")),
      h("button", { type: "button", className: "btn ghost sm", onClick: onDone }, say("common.cancel")),
      pasted.length > 0 ? h("span", { className: "right micro muted tn", "aria-live": "polite" }, `${say("rows.intents", { count: pasted.length })} · ${say("rows.sentences", { count: sentences })}`) : null));
};

const Intent = ({ item, row, taken, closable }) => {
  const [name, about, examples] = ["label", "description", "examples"].map((column) => cellOf(row, column));
  const wrong = Boolean(about.issue || examples.issue);
  const [open, setOpen] = useState(!closable);
  const shown = open || !closable || !name.text;
  const count = examples.words.length;
  return rowOf(item, row, "intent",
    h("div", { className: "cells" },
      h("div", { className: "row g4" },
        closable ? h("button", { type: "button", className: "ib sm tw", "aria-expanded": shown, "aria-label": say("rows.examples_of", { intent: name.text || row.index + 1 }), "data-field": shown ? undefined : `${item.path}/${row.index}`, onClick: () => setOpen(!open) }, h(ChevronRight, { className: "i-s", "aria-hidden": true })) : null,
        h(Line, { item: { ...name, placeholder: name.label } }),
        h("span", { className: count ? "bdg tn" : "bdg amber tn", title: say("rows.sentences", { count }), "data-testid": "intent-count" }, fmt.number(getLang(), count), h("span", { className: "sr" }, say("rows.sentences", { count }))),
        wrong && !shown ? h("span", { className: "dot red" }) : null),
      h(Issue, { item: name }),
      shown ? h("div", { className: "col g4" }, h(Line, { item: { ...about, placeholder: say("rows.description_hint") } }), h(Issue, { item: about }), h(Sentences, { item: examples, taken }), h(Issue, { item: examples })) : null),
    h(Remove, { item, row }));
};

/** The intents of a classifier: name, what it is about, sentences one a line with their number. */
export const Intents = ({ item }) => {
  useLang();
  const [pasting, setPasting] = useState(false);
  const owners = useMemo(() => {
    const found = new Map();
    for (const row of item.rows) for (const line of cellOf(row, "examples").words) found.set(fold(line), [...(found.get(fold(line)) ?? []), row.index]);
    return found;
  }, [item.rows]);
  const nameOf = (index) => cellOf(item.rows[index], "label").text || String(index + 1);
  const total = item.rows.reduce((sum, row) => sum + cellOf(row, "examples").words.length, 0);
  const closable = item.rows.length > SHOWN;
  return h("div", { className: "col g6" },
    item.rows.length > 0 ? h("div", { className: "row micro muted thead" }, h("span", { className: "grow" }, say("rows.intent_columns")), h("span", { className: "tn" }, say("rows.sentences", { count: total }))) : null,
    h("div", { className: "rws", "data-list": item.name },
      item.rows.map((row) => h(Intent, { key: row.key, item, row, closable, taken: (line) => {
        const other = (owners.get(fold(line)) ?? []).find((index) => index !== row.index);
        return other === undefined ? "" : nameOf(other);
      } }))),
    pasting ? h(Paste, { item, onDone: () => setPasting(false) }) : null,
    h(Add, { item }, pasting ? null : h("button", { type: "button", className: "btn ghost sm", "data-testid": "paste-intents", onClick: () => setPasting(true) }, h(ClipboardPaste, { className: "i-s", "aria-hidden": true }), say("rows.paste"))));
};

// -- shares -----------------------------------------------------------------------------------------------------------

const TONES = ["jade", "blue", "amber", "plum", "cyan", "violet", "red", "slate"];
const WHOLE = 100;
const rounded = (value) => Math.round(value * 100) / 100;
/** Whole percents that make up a hundred: the first ones get what is left over. */
export const evenly = (count) => Array.from({ length: count }, (_, i) => Math.floor(WHOLE / count) + (i < WHOLE % count ? 1 : 0));

/** The branches of a split: how many of a hundred take each, as a bar and in numbers. */
export const Shares = ({ item }) => {
  const lang = useLang();
  const branches = useStore((s) => nodeOf(s.doc, item.node)?.config.branches);
  const list = Array.isArray(branches) ? branches : [];
  const weights = item.rows.map((row) => Math.max(0, Number(list[row.index]?.weight ?? 50) || 0));
  const sum = rounded(weights.reduce((total, weight) => total + weight, 0));
  const percent = (value) => fmt.number(lang, value / WHOLE, { style: "percent", maximumFractionDigits: 1 });
  const share = (index) => (sum > 0 ? (WHOLE * weights[index]) / sum : 0);
  const even = evenly(item.rows.length);
  const spread = () => form.set(item.node, item.path, list.map((branch, i) => ({ ...branch, weight: even[i] })));
  // Ids are a, b, c…: the row says whose colour it is by its place.
  const tone = (index) => TONES[index % TONES.length];
  return h("div", { className: "col g8" },
    item.rows.length > 0 ? h("div", { className: "shares", role: "img", "aria-label": item.rows.map((row) => `${cellOf(row, "label").text}: ${percent(share(row.index))}`).join(", "), "data-testid": "share-bar" },
      item.rows.map((row) => h("i", { key: row.key, "data-tone": tone(row.index), style: { flexGrow: sum > 0 ? weights[row.index] : 1 }, title: `${cellOf(row, "label").text}: ${percent(share(row.index))}` }, share(row.index) >= 14 ? percent(share(row.index)) : null))) : null,
    h("div", { className: "rws", "data-list": item.name },
      item.rows.map((row) => {
        const [name, weight] = [cellOf(row, "label"), cellOf(row, "weight")];
        return rowOf(item, row, "share",
          h("div", { className: "cells" },
            h("div", { className: "row g6" }, h("span", { className: "fdot", "data-tone": tone(row.index), "aria-hidden": true }), h(Line, { item: { ...name, placeholder: name.label } }), h("span", { className: "pct" }, h(NumberBox, { item: { ...weight, required: true } }), h("span", { className: "muted", "aria-hidden": true }, "%"))),
            h(Issue, { item: name }), h(Issue, { item: weight })),
          h(Remove, { item, row }));
      })),
    item.rows.length > 0 ? h("div", { className: "row g6", "aria-live": "polite", "data-testid": "share-sum" },
      sum === WHOLE ? h("span", { className: "micro t-jade row g4" }, h(Check, { className: "i-xs", "aria-hidden": true }), say("rows.sum_whole")) : h("span", { className: sum > 0 ? "micro t-amber" : "micro t-red" }, sum > 0 ? say("rows.sum_other", { sum: percent(sum) }) : say("rows.sum_none"))) : null,
    h(Add, { item: { ...item, tally: "" } }, item.rows.length > 1 ? h("button", { type: "button", className: "btn ghost sm", disabled: weights.every((weight, i) => weight === even[i]), "data-testid": "spread", onClick: spread }, h(Scale, { className: "i-s", "aria-hidden": true }), say("rows.spread")) : null));
};
