// Language store and message formatting. CATALOGUES and DEFAULT are put in front at build time.
import { useSyncExternalStore } from "react";
import { inZone, onZone } from "$/public/pt_zone.js";

const KEY = "pytake_lang"; // what the person chose in this browser
const ACCOUNT_KEY = "pytake_lang_account"; // what their account says, kept so that the next page starts with it
const listeners = new Set();
const tags = Object.keys(CATALOGUES);
const rules = {};
const numbers = {};

const closest = (wanted) => {
  const base = String(wanted || "").toLowerCase().split("-")[0];
  return tags.find((tag) => tag.toLowerCase().split("-")[0] === base);
};

const initial = () => {
  let saved = [];
  try {
    saved = [localStorage.getItem(KEY), localStorage.getItem(ACCOUNT_KEY)];
  } catch {
    saved = []; // storage is blocked: fall back to the browser's languages
  }
  for (const wanted of [...saved, ...(navigator.languages || [navigator.language])]) {
    const tag = closest(wanted);
    if (tag) return tag;
  }
  return DEFAULT;
};

let current = typeof window === "undefined" ? DEFAULT : initial();

const publish = () => {
  if (typeof document === "undefined") return;
  document.documentElement.lang = current;
  document.documentElement.removeAttribute("data-lang-pending");
  document.cookie = `${KEY}=${current}; path=/; max-age=31536000; samesite=lax`;
};

const remember = (key, tag) => {
  try {
    localStorage.setItem(key, tag);
  } catch {
    // storage is blocked: the choice lasts for this page
  }
};

const change = (tag) => {
  if (tag === current) return;
  current = tag;
  publish();
  listeners.forEach((fn) => fn());
};

/** Switch the language everywhere in this tab and remember it. */
export const setLang = (wanted) => {
  const tag = closest(wanted);
  if (!tag) return;
  remember(KEY, tag);
  change(tag);
};

/** The language chosen in this browser, or undefined when nobody chose. */
export const chosenLang = () => {
  try {
    return closest(localStorage.getItem(KEY));
  } catch {
    return undefined;
  }
};

/** The account's language: used here unless somebody chose another in this browser. */
export const adoptLang = (wanted) => {
  const tag = closest(wanted);
  if (!tag) return;
  remember(ACCOUNT_KEY, tag);
  if (!chosenLang()) change(tag);
};

export const getLang = () => current;

const subscribe = (fn) => {
  listeners.add(fn);
  return () => listeners.delete(fn);
};

if (typeof window !== "undefined") {
  window.addEventListener("storage", (event) => event.key === KEY && event.newValue && change(closest(event.newValue) || current));
  const ready = () => requestAnimationFrame(publish);
  if (document.readyState === "complete") ready();
  else window.addEventListener("load", ready, { once: true });
}

// Moments are texts too: who shows them in another time zone renders again.
let look = 0;
onZone(() => {
  look += 1;
  listeners.forEach((fn) => fn());
});
/** The language in use; components that call it render again when it, or the time zone, changes. */
export const useLang = () => useSyncExternalStore(subscribe, () => `${current} ${look}`, () => `${DEFAULT} 0`).split(" ")[0];

const show = (lang, value) =>
  typeof value === "number" ? (numbers[lang] ||= new Intl.NumberFormat(lang)).format(value) : value == null ? "" : String(value);

/** `key` when the catalogue has it, else `spare`, else `key`. */
export const trKey = (key, spare) => (key in CATALOGUES[DEFAULT] ? key : (spare ?? key));

/** The text of `key` in `lang`, with `{name}` placeholders filled; `params.count` picks the plural form. */
export const tr = (lang, key, params) => {
  let message = CATALOGUES[lang]?.[key] ?? CATALOGUES[DEFAULT][key] ?? key;
  if (typeof message === "object") {
    const rule = (rules[lang] ||= new Intl.PluralRules(lang));
    message = message[rule.select(Number(params?.count ?? 0))] ?? message.other;
  }
  return params ? message.replace(/\{(\w+)\}/g, (all, name) => (name in params ? show(lang, params[name]) : all)) : message;
};

const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

/** The day of a moment in the person's time zone, as a number to subtract. */
const midnight = (value) => Date.parse(`${inZone("sv", value, { year: "numeric", month: "2-digit", day: "2-digit" })}T00:00:00Z`);

/** Formatting by language, moments in the person's time zone; `value` is an ISO time, a Date or milliseconds. */
export const fmt = {
  number: (lang, value, options) => new Intl.NumberFormat(lang, options).format(value),
  time: (lang, value) => inZone(lang, value, { hour: "2-digit", minute: "2-digit" }),
  date: (lang, value) => inZone(lang, value, { day: "numeric", month: "short", year: "numeric" }),
  exact: (lang, value) => inZone(lang, value, { dateStyle: "full", timeStyle: "medium" }),
  /** "21/11/2026, 17:05": short, and still exact. */
  moment: (lang, value) => inZone(lang, value, { dateStyle: "short", timeStyle: "short" }),
  /** "há 4 min"; under a minute: "agora". */
  relative: (lang, value, now = Date.now()) => {
    const seconds = (new Date(value).getTime() - now) / 1000;
    const rtf = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
    for (const [unit, size] of UNITS) {
      if (Math.abs(seconds) < size) continue;
      // Days are counted by midnights: 41 hours ahead is not "tomorrow".
      return rtf.format(unit === "day" ? (midnight(value) - midnight(now)) / 86400000 : Math.trunc(seconds / size), unit);
    }
    return rtf.format(0, "second");
  },
};
