// Small parts that the inspector's fields share: a text kept while typing, popovers, lists to choose from.
import { createElement as h, useEffect, useId, useMemo, useRef, useState } from "react";
import { say } from "$/public/pt_editor.js";

/** A text kept here while the person types, and followed when somebody else changes it. `send` may give back what was kept. */
export const useText = (text, send) => {
  const [shown, setShown] = useState(text);
  const sent = useRef(text);
  useEffect(() => {
    if (text !== sent.current) {
      sent.current = text;
      setShown(text);
    }
  }, [text]);
  return [shown, (value) => {
    setShown(value);
    sent.current = send(value) ?? value;
  }];
};

/** What every control of a field carries. */
export const described = (item) => ({
  id: item.key,
  disabled: item.disabled,
  "aria-label": item.label,
  "data-field": item.path,
  ...(item.issue ? { "aria-invalid": !item.mild, "aria-describedby": `${item.key}-issue` } : {}),
});

/** Calls `leave` on a press outside of the box, and on Escape. */
export const useAway = (box, open, leave) => {
  const latest = useRef(leave);
  latest.current = leave; // what was typed since it opened counts
  useEffect(() => {
    if (!open) return undefined;
    const away = (event) => !box.current?.contains(event.target) && latest.current();
    window.addEventListener("mousedown", away, true); // before the canvas, which keeps presses to itself
    return () => window.removeEventListener("mousedown", away, true);
  }, [open]);
};

/** The value some quiet time after its last change. */
export const useCalm = (value, wait) => {
  const [calm, setCalm] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setCalm(value), wait);
    return () => clearTimeout(timer);
  }, [value, wait]);
  return calm;
};

const fold = (text) => String(text ?? "").normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
/** Choices that have every typed word, best beginnings first. */
export const matching = (choices, typed, limit = 60) => {
  const words = fold(typed).split(/\s+/).filter(Boolean);
  const scored = choices.map((choice) => [choice, fold(`${choice.label} ${choice.about ?? ""} ${choice.words ?? ""}`)]).filter(([, text]) => words.every((word) => text.includes(word)));
  return (words.length ? scored.sort((a, b) => Number(b[1].startsWith(words[0])) - Number(a[1].startsWith(words[0]))) : scored).slice(0, limit).map(([choice]) => choice);
};

/** An icon button of a toolbar; it never takes the focus from the text. */
export const Tool = ({ icon: Icon, label, onClick, className = "", pressed, ...more }) =>
  h("button", { type: "button", className: `ib sm ${className}`, title: label, "aria-label": label, "aria-pressed": pressed, onMouseDown: (event) => event.preventDefault(), onClick, ...more }, h(Icon, { className: "i-s", "aria-hidden": true }));

/** The list under a field. `keys` handled by the field's own key handler through `useListKeys`. */
export const Options = ({ id, shown, on, setOn, onPick, empty, label, children, className = "" }) => {
  const list = useRef(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [on]);
  useEffect(() => {
    list.current?.scrollIntoView({ block: "nearest" }); // newer browsers give a promise, which is no clean-up
  }, []);
  let group = null;
  return h("div", { className: `pop vars ${className}`, role: "listbox", id, "aria-label": label, ref: list },
    shown.length === 0 && !children && h("div", { className: "none meta muted" }, empty),
    shown.flatMap((choice, i) => {
      const head = choice.group && choice.group !== group ? [h("div", { key: `g${choice.group}`, className: "pgrp micro muted" }, say(`inspector.group_${choice.group}`))] : [];
      group = choice.group ?? null;
      return [...head, h("button", { key: choice.key ?? choice.label, id: `${id}-${i}`, type: "button", tabIndex: -1, role: "option", "aria-selected": i === on, onMouseDown: (event) => event.preventDefault(), onMouseEnter: () => setOn(i), onClick: () => onPick(choice) },
        h("span", { className: choice.mono === false ? "med ell" : "var ell" }, choice.label),
        choice.badge ? h("span", { className: `bdg ${choice.badge.tone ?? ""}` }, choice.badge.text) : null,
        h("span", { className: "meta muted ell grow" }, choice.about),
        choice.sample ? h("span", { className: "meta sample ell" }, choice.sample) : null)];
    }),
    children);
};

/** Arrow keys, Enter, Tab and Escape of an open list; true when the key was for it. */
export const listKeys = (event, { shown, on, setOn, onPick, onClose }) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) setOn((n) => (Math.max(n, step > 0 ? -1 : 0) + step + shown.length) % Math.max(1, shown.length));
  else if ((event.key === "Enter" || event.key === "Tab") && shown[on]) onPick(shown[on]);
  else if (event.key === "Escape") onClose();
  else return false;
  event.preventDefault();
  event.stopPropagation();
  return true;
};

/** A box to choose from a list by typing. `choices`: `{key, label, about, words?}`; `value` is a key.
 * `create(text)` makes a new one; `free` keeps what was typed though it isn't in the list, `own` so that Enter does too;
 * `open(key)` leads to the chosen one. */
export const Combo = ({ item, choices, value, onPick, placeholder, create, createLabel, free = false, own = false, open: goTo, openLabel, empty, leading }) => {
  const [typed, setTyped] = useState(null); // null: closed
  const [on, setOn] = useState(0);
  const [busy, setBusy] = useState(false);
  const box = useRef(null);
  const id = useId();
  const chosen = choices.find((choice) => choice.key === value);
  const open = typed !== null;
  const shown = useMemo(() => (open ? matching(choices, typed) : []), [choices, typed]);
  const leave = () => {
    const text = typed?.trim() ?? "";
    if (free && text && text !== (chosen?.label ?? value)) onPick(choices.find((choice) => choice.label === text)?.key ?? text);
    setTyped(null);
  };
  useAway(box, open, leave);
  useEffect(() => setOn(own && typed?.trim() ? -1 : 0), [typed]);
  const exact = choices.some((choice) => fold(choice.label) === fold(typed ?? ""));
  const make = async () => {
    setBusy(true);
    const made = await create(typed.trim());
    setBusy(false);
    if (made) {
      setTyped(null);
      onPick(made);
    }
  };
  const pick = (choice) => {
    setTyped(null);
    onPick(choice.key);
  };
  const canMake = create && typed?.trim() && !exact;
  const onKeyDown = (event) => {
    if (!open) {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        setTyped("");
      }
      return;
    }
    if (event.key === "Enter" && canMake && (shown.length === 0 || on >= shown.length)) {
      event.preventDefault();
      make();
    } else if (event.key === "Enter" && free && !shown[on]) {
      event.preventDefault();
      leave();
    } else if (event.key === "Tab") leave();
    else listKeys(event, { shown, on, setOn, onPick: pick, onClose: () => setTyped(null) });
  };
  const lost = value && !chosen && !free;
  return h("div", { className: "combo", ref: box, "data-bad": Boolean(item.issue && !item.mild) },
    leading,
    h("input", { ...described(item), type: "text", className: "input", role: "combobox", "aria-expanded": open, "aria-controls": open ? id : undefined, "aria-activedescendant": open && shown[on] ? `${id}-${on}` : undefined, autoComplete: "off", spellCheck: false,
      value: open ? typed : (chosen?.label ?? value ?? ""), placeholder: open && chosen ? chosen.label : placeholder || item.placeholder, "data-lost": lost || undefined,
      onFocus: (event) => event.target.select(), onClick: () => !open && !item.disabled && setTyped(""), onChange: (event) => setTyped(event.target.value), onKeyDown,
      onBlur: (event) => open && !box.current?.contains(event.relatedTarget) && leave() }),
    goTo && chosen && !open ? goTo(chosen.key) : null,
    value && !open && !item.disabled && !item.required ? h("button", { type: "button", className: "ib sm clr", "aria-label": say("inspector.clear"), title: say("inspector.clear"), onClick: () => onPick("") }, "×") : null,
    open && h(Options, { id, shown, on, setOn, onPick: pick, label: item.label, empty: canMake ? "" : empty || say("inspector.nothing_found") },
      canMake ? h("button", { type: "button", className: "mk", disabled: busy, onMouseDown: (event) => event.preventDefault(), onClick: make }, createLabel ? createLabel(typed.trim()) : say("inspector.create", { name: typed.trim() })) : null));
};
