// The emoji picker: signs and their names ship with the app (`emoji_data.js`, made at build time), nothing is fetched.
import { createElement as h, useEffect, useMemo, useRef, useState } from "react";
import { getLang, tr } from "$/public/pt_i18n.js";

const RECENT = "pytake_emoji";
const COLUMNS = 8;
const FIRST = 240; // drawn before one scrolls or searches
const say = (key) => tr(getLang(), key);
let loaded = null;

const load = () => (loaded ??= import("$/public/pt_emoji_data.js").then((module) => module.EMOJI));
const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

const recent = () => {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]").slice(0, 16);
  } catch {
    return [];
  }
};

/** A grid to search in and walk with the arrows. */
export const EmojiPicker = ({ onPick, onClose }) => {
  const [all, setAll] = useState([]);
  const [query, setQuery] = useState("");
  const [more, setMore] = useState(false);
  const box = useRef(null);
  const language = { "pt-BR": 2, es: 3 }[getLang()] ?? 1;
  useEffect(() => {
    let here = true;
    load().then((list) => here && setAll(list));
    return () => {
      here = false;
    };
  }, []);
  const shown = useMemo(() => {
    const words = fold(query).split(/\s+/).filter(Boolean);
    if (words.length) {
      const names = all.map((entry) => [entry, ` ${fold(`${entry[language]} ${entry[1]}`)}`]).filter(([, name]) => words.every((word) => name.includes(word)));
      const begins = ([, name]) => Number(words.every((word) => name.includes(` ${word}`)));
      return names.sort((a, b) => begins(b) - begins(a)).slice(0, FIRST).map(([entry]) => [entry[0], entry[language]]);
    }
    const used = recent();
    const names = new Map(all.map((entry) => [entry[0], entry[language]]));
    const rest = all.filter((entry) => !used.includes(entry[0])).map((entry) => [entry[0], entry[language]]);
    return [...used.map((sign) => [sign, names.get(sign) ?? ""]), ...rest].slice(0, more ? undefined : FIRST);
  }, [all, query, more, language]);
  useEffect(() => {
    box.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const pick = (sign) => {
    try {
      localStorage.setItem(RECENT, JSON.stringify([sign, ...recent().filter((other) => other !== sign)].slice(0, 16)));
    } catch {
      // storage is blocked: nothing depends on it
    }
    onPick(sign);
  };
  const move = (event, index) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = index + step;
    if (to < 0) box.current.querySelector("input").focus();
    else box.current.querySelectorAll(".grid button")[to]?.focus();
  };
  return h("div", { className: "pop emo", ref: box, role: "dialog", "aria-label": say("editor.emoji"), onKeyDown: (event) => event.key === "Escape" && (event.preventDefault(), event.stopPropagation(), onClose()) },
    h("div", { className: "find" }, h("input", { className: "input", autoFocus: true, value: query, placeholder: say("inspector.find_emoji"), "aria-label": say("inspector.find_emoji"), onChange: (event) => setQuery(event.target.value),
      onKeyDown: (event) => {
        if (event.key === "ArrowDown") move(event, -COLUMNS);
        if (event.key === "Enter" && shown[0]) {
          event.preventDefault();
          pick(shown[0][0]);
        }
      } })),
    h("div", { className: "grid", onScroll: (event) => !more && event.target.scrollTop > 0 && setMore(true) },
      shown.map(([sign, name], index) => h("button", { key: sign, type: "button", title: name, "aria-label": name, tabIndex: index === 0 ? 0 : -1, onMouseDown: (event) => event.preventDefault(), onClick: () => pick(sign), onKeyDown: (event) => move(event, index) }, sign)),
      all.length > 0 && shown.length === 0 && h("div", { className: "none meta muted" }, say("inspector.nothing_found"))));
};
