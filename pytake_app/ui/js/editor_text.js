// A text that may hold variables: chips painted behind the letters, completion, emoji, WhatsApp's marks, counters.
import { createElement as h, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Bold, Braces, Code, Eye, Italic, KeyRound, Smile, Strikethrough } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { useLang } from "$/public/pt_i18n.js";
import { keep, say, sayOr, S, useStore } from "$/public/pt_editor.js";
import { form } from "$/public/pt_editor_form.js";
import { seenValues, variableChoices } from "$/public/pt_editor_inspect.js";
import { described, listKeys, matching, Options, Tool, useAway, useCalm, useText } from "$/public/pt_editor_inputs.js";
import { EmojiPicker } from "$/public/pt_editor_emoji.js";
import { lengthOf, useRefs } from "$/public/pt_editor_refs.js";
import { RichText } from "$/public/pt_editor_views.js";

const MARKS = [["bold", "*", Bold, "b"], ["italic", "_", Italic, "i"], ["strike", "~", Strikethrough, null], ["mono", "```", Code, null]];
const FILTERS = ["default", "money", "date", "phone", "cpf", "cnpj", "cep", "capitalize", "upcase", "downcase", "truncate", "round", "plus", "minus", "times", "divided_by", "split", "first", "last", "size", "replace_first", "append", "prepend", "url_encode", "sort", "uniq", "sum"];
const SHOW = "pytake_editor_look";

const PIECES = /(\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\})/;

/** Paints the text letter on letter under the caret: an expression as a chip, its braces faint. */
const Mirror = ({ text, box }) => h("div", { className: "mirror", "aria-hidden": true, ref: box },
  text.split(PIECES).map((part, i) => {
    if (i % 2 === 0) return part;
    const [, open, inner, close] = part.match(/^(\{[{%]-?\s*)([\s\S]*?)(\s*-?[}%]\})$/) ?? [null, "", part, ""];
    return h("mark", { key: i, "data-kind": part[1] === "%" ? "tag" : /^secret\./.test(inner) ? "secret" : "var" }, h("i", null, open), inner, h("i", null, close));
  }), "\n");

/** Where the caret stands in an expression: `{kind: "variable" | "filter", typed, from}`, or null. */
export const caretIn = (text, caret) => {
  const before = text.slice(0, caret);
  const variable = before.match(/\{\{-?\s*([\w.]*)$/) ?? before.match(/\{%-?\s*(?:if|elsif|unless|for \w+ in|assign \w+ =)\s+([\w.]*)$/);
  if (variable) return { kind: "variable", typed: variable[1], from: before.length - variable[0].length, inside: !variable[0].startsWith("{{") };
  const filter = before.match(/\{\{[^{}]*\|\s*(\w*)$/);
  return filter ? { kind: "filter", typed: filter[1], from: caret - filter[1].length } : null;
};

const filterChoices = () => FILTERS.map((name) => ({ key: name, label: name, about: sayOr(`inspector.filter.${name}`, ""), insert: name, group: "filters" }));

/** The expression that surrounds the caret, or an empty text. */
const expressionAt = (text, caret) => {
  const from = text.lastIndexOf("{{", caret);
  const to = from < 0 ? -1 : text.indexOf("}}", from);
  return from >= 0 && to >= 0 && caret <= to + 2 ? text.slice(from, to + 2) : "";
};

/** What the preview's conversation has now, as sample values for the server. */
export const samples = () => {
  const { session, contact } = seenValues();
  const person = contact ?? { name: "Maria Silva", phone: "5511987654321" };
  const known = ["name", "phone", "email", "language", "lifecycle_stage", "tags"].filter((name) => person[name] !== undefined && person[name] !== null).map((name) => [name, person[name]]);
  return { variables: session, contact: { ...Object.fromEntries(known), fields: person.fields ?? {} }, message: "" };
};

/** `text` rendered by the server with the preview's values, a moment after the last change; null while unknown. */
export const useRendered = (text, active) => {
  const calm = useCalm(text, 350);
  const [shown, setShown] = useState(null);
  const revision = useStore((s) => s.preview?.revision ?? 0);
  useEffect(() => {
    if (!active || !calm.includes("{")) {
      setShown(null);
      return undefined;
    }
    const stop = new AbortController();
    api.post("/api/v1/flow-tools/expression", { text: calm.slice(0, 10000), locale: S.doc?.settings?.locale ?? "pt_BR", ...samples() }, { signal: stop.signal })
      .then((answer) => setShown({ ...answer, of: calm }))
      .catch((error) => error.name !== "AbortError" && setShown(null));
    return () => stop.abort();
  }, [calm, active, revision]);
  return active && shown?.of === text ? shown : null;
};

const Live = ({ expression }) => {
  const found = useRendered(expression, Boolean(expression));
  if (!expression || !found) return null;
  const value = found.value !== null && typeof found.value === "object" ? JSON.stringify(found.value) : String(found.value ?? found.text);
  const wrong = found.error && found.error !== "undefined_variable";
  return h("div", { className: "live micro", "data-wrong": Boolean(wrong), role: "status" },
    h("span", { className: "mono ell" }, expression), h("span", { className: "muted" }, "="),
    wrong ? h("span", { className: "t-red ell" }, sayOr(`inspector.expression_${found.error}`, found.detail)) : h("span", { className: "ell med" }, found.error ? say("inspector.no_value_yet") : value || say("inspector.empty_value")));
};

/** The counter of a text: by the field's own limit, or by that of the attached channel that is the nearest to be full. */
const counted = (item, text) => {
  const own = item.max ? { name: "", length: lengthOf(text), max: item.max, units: "code_points" } : null;
  const channels = item.limits.map((limit) => ({ ...limit, length: lengthOf(text, limit.units) }));
  const tight = [own, ...channels].filter(Boolean).reduce((best, one) => (best === null || one.length / one.max > best.length / best.max || (one.length === 0 && one.max < best.max) ? one : best), null);
  if (!tight) return null;
  const others = channels.filter((limit) => limit.length > limit.max && limit.channel !== "whatsapp");
  return { ...tight, near: tight.length > tight.max * 0.8, over: tight.length > tight.max, channels: others };
};
const ofAll = (count) => say(count.units === "bytes" ? "inspector.count_bytes" : "inspector.count_of", { length: count.length, max: count.max });

/** The field. With `area` in several lines, with marks and emoji. */
export const Rich = ({ item, area }) => {
  useLang();
  useRefs();
  const field = useRef(null);
  const box = useRef(null);
  const mirror = useRef(null);
  const id = useId();
  const [open, setOpen] = useState(null); // emoji | vars | typed
  const [on, setOn] = useState(0);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const [focused, setFocused] = useState(false);
  const [look, setLook] = useState(() => localStorage.getItem(SHOW) === "true");
  const [text, change] = useText(item.text, (value) => form.type(item.node, item.path, value));
  const message = area && item.widget !== "json" && (["message", "input"].includes(S.specs[item.type]?.group) || ["message", "fallback_message"].includes(item.name));
  const place = open === "typed" ? caretIn(text, at) : null;
  const choices = useMemo(() => (open === "vars" || place?.kind === "variable" ? variableChoices({ secrets: item.secrets }) : place?.kind === "filter" ? filterChoices() : []), [open, place?.kind]);
  const shown = useMemo(() => matching(choices, open === "vars" ? query : (place?.typed ?? ""), 80), [choices, query, place?.typed, open]);
  const rendered = useRendered(text, Boolean(message && look));
  useEffect(() => setOn(0), [query, place?.typed, open]);
  useAway(box, Boolean(open), () => setOpen(null));
  useLayoutEffect(() => {
    if (!area || !field.current) return;
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text, area]);
  // Typed through the browser's own editing, so that its undo and redo know of it.
  const write = (from, to, insert, select = null) => {
    const input = field.current;
    input.focus();
    input.setSelectionRange(from, to);
    const done = insert ? document.execCommand("insertText", false, insert) : document.execCommand("delete");
    if (!done) {
      input.setRangeText(insert, from, to, "end");
      change(input.value);
    }
    if (select) input.setSelectionRange(...select);
    setAt(input.selectionStart);
  };
  const range = () => [field.current.selectionStart, field.current.selectionEnd];
  const pick = (choice) => {
    const [from, to] = range();
    if (place?.kind === "filter") write(place.from, to, choice.insert);
    else if (place) {
      const rest = text.slice(to).match(/^[\w.]*\s*\}\}/)?.[0].length ?? 0;
      if (place.inside) write(to - place.typed.length, to, choice.insert.slice(3, -3));
      else write(place.from, to + rest, choice.insert);
    } else write(from, to, choice.insert);
    setOpen(null);
    setQuery("");
  };
  const wrap = (sign) => {
    const [from, to] = range();
    const inner = text.slice(from, to);
    const marked = inner.length >= 2 * sign.length && inner.startsWith(sign) && inner.endsWith(sign);
    const next = marked ? inner.slice(sign.length, -sign.length) : sign + inner + sign;
    write(from, to, next, marked ? [from, from + next.length] : [from + sign.length, to + sign.length]);
  };
  const moved = (event) => setAt(event.target.selectionStart ?? 0);
  const onChange = (event) => {
    const caret = event.target.selectionStart ?? 0;
    change(event.target.value);
    setAt(caret);
    if (item.variables && !event.nativeEvent.isComposing) setOpen(caretIn(event.target.value, caret) ? "typed" : open === "typed" ? null : open);
  };
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing) return;
    if ((open === "typed" || open === "vars") && listKeys(event, { shown, on, setOn, onPick: pick, onClose: () => setOpen(null) })) return;
    const mark = area && (event.ctrlKey || event.metaKey) && MARKS.find(([, , , key]) => key === event.key.toLowerCase());
    if (mark) {
      event.preventDefault();
      wrap(mark[1]);
    } else if ((event.key === "Backspace" || event.key === "Delete") && range()[0] === range()[1]) {
      // A chip goes as a whole.
      const [caret] = range();
      const chip = [...text.matchAll(/\{\{[^{}]*\}\}/g)].find((found) => (event.key === "Backspace" ? found.index + found[0].length === caret : found.index === caret));
      if (!chip) return;
      event.preventDefault();
      write(chip.index, chip.index + chip[0].length, "");
    }
  };
  const props = {
    ...described(item), ref: field, value: text, placeholder: item.placeholder, autoComplete: "off", spellCheck: Boolean(message), onChange, onKeyDown, onSelect: moved,
    onFocus: () => setFocused(true), onBlur: () => setFocused(false), onScroll: (event) => mirror.current && (Object.assign(mirror.current, { scrollTop: event.target.scrollTop, scrollLeft: event.target.scrollLeft })),
    ...(open === "typed" ? { "aria-controls": id, "aria-activedescendant": `${id}-${on}` } : {}),
  };
  const list = (open === "vars" || open === "typed") && (open === "vars" || place) && h(Options, { id, shown, on, setOn, onPick: pick, label: say("editor.variables"), empty: say("editor.no_variable"), className: "wide" },
    open === "vars" ? h("div", { className: "find" }, h("input", { className: "input", autoFocus: true, value: query, placeholder: say("inspector.find_variable"), "aria-label": say("inspector.find_variable"), onChange: (event) => setQuery(event.target.value), onKeyDown: (event) => listKeys(event, { shown, on, setOn, onPick: pick, onClose: () => { setOpen(null); field.current.focus(); } }) })) : null);
  const emoji = open === "emoji" && h(EmojiPicker, { onPick: (sign) => write(...range(), sign), onClose: () => { setOpen(null); field.current.focus(); } });
  const live = item.variables && focused && !open ? h(Live, { expression: expressionAt(text, at) }) : null;
  const count = counted(item, text);
  const toggle = (what) => {
    if (what === "vars") setQuery("");
    setOpen(open === what ? null : what);
  };
  if (!area) {
    const short = count && count.near ? h("span", { className: "micro tn cnt1", "data-over": count.over, "aria-live": "polite", title: count.name }, `${count.length}/${count.max}`) : null;
    return h("div", { className: "tx1", ref: box, "data-bad": Boolean(item.issue && !item.mild), "data-tool": Boolean(item.variables && !item.disabled) },
      h(Mirror, { text, box: mirror }), h("input", { type: "text", className: "input", ...props }), short,
      !item.disabled && item.variables && h(Tool, { icon: item.secrets ? KeyRound : Braces, label: say(item.secrets ? "inspector.insert_secret" : "editor.insert_variable"), className: "v", onClick: () => toggle("vars") }),
      list, live);
  }
  return h("div", { className: "tawrap" },
    h("div", { className: "ta", ref: box, "data-bad": Boolean(item.issue && !item.mild) },
      !item.disabled && h("div", { className: "tb", role: "toolbar", "aria-label": item.label },
        message && MARKS.map(([name, sign, Icon]) => h(Tool, { key: name, icon: Icon, label: sayOr(`editor.mark_${name}`, say(`inspector.mark_${name}`)), onClick: () => wrap(sign) })),
        item.widget !== "json" && h(Tool, { icon: Smile, label: say("editor.emoji"), onClick: () => toggle("emoji"), "data-testid": "emoji" }),
        message && h(Tool, { icon: Eye, label: say("inspector.look"), pressed: look, className: look ? "on" : "", onClick: () => { keep(SHOW, !look); setLook(!look); }, "data-testid": "look" }),
        h("span", { className: "grow" }),
        item.variables && h("button", { type: "button", className: "btn sm v", onMouseDown: (event) => event.preventDefault(), onClick: () => toggle("vars"), "data-testid": "insert-variable" }, h(Braces, { className: "i-s", "aria-hidden": true }), say("editor.variable"))),
      list, emoji,
      h("div", { className: "tx" }, h(Mirror, { text, box: mirror }), h("textarea", { rows: 2, ...props })),
      count && h("div", { className: "bt micro muted", "data-near": count.near }, h("span", { className: "ell" }, count.name), h("span", { className: "tn", "aria-live": count.near ? "polite" : "off", "data-testid": "counter" }, ofAll(count)))),
    live,
    count?.channels.map((limit) => h("div", { key: limit.name, className: "micro t-amber" }, say(limit.units === "bytes" ? "inspector.over_channel_bytes" : "inspector.over_channel", { channel: limit.name, count: limit.length - limit.max }))),
    message && look && text.trim() ? h("div", { className: "lookbox", "data-testid": "look-bubble" }, h("div", { className: "bubble in" }, h(RichText, { text: rendered && !rendered.error ? rendered.text : text, limit: 0 })), h("div", { className: "micro muted" }, say(rendered && !rendered.error ? "inspector.look_values" : "inspector.look_plain"))) : null);
};
