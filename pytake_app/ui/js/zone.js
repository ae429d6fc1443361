// Moments in the person's time zone: the one they chose, else their organization's; until it is known the browser's.
const KEY = "pytake_zone"; // kept so that the next page starts with it
const MINUTE = 60000;
const WALL = /^\d{4,6}-\d\d-\d\dT\d\d:\d\d$/;
const listeners = new Set();
const formats = new Map();

const known = (name) => {
  try {
    return Boolean(name && new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false; // a zone that this browser doesn't have
  }
};
const kept = () => {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage is blocked
  }
};
let zone = typeof window !== "undefined" && known(kept()) ? kept() : "";

/** The zone that moments are shown in, as an IANA name. */
export const getZone = () => zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
/** `fn` hears that the zone is another one; returns the function that ends it. */
export const onZone = (fn) => {
  listeners.add(fn);
  return () => listeners.delete(fn);
};
/** The account's zone; one that the browser doesn't know leaves everything as it is. */
export const adoptZone = (wanted) => {
  if (!known(wanted)) return;
  try {
    localStorage.setItem(KEY, wanted);
  } catch {
    // storage is blocked: it lasts for this page
  }
  if (wanted === zone) return;
  zone = wanted;
  listeners.forEach((fn) => fn());
};

const format = (lang, options, name) => {
  const key = `${lang} ${name} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(lang, { ...options, timeZone: name })));
  return found;
};
/** A moment (ISO time, Date or milliseconds) written with Intl's `options`. */
export const inZone = (lang, value, options, name = getZone()) => format(lang, options, name).format(new Date(value));

const NUMBERS = { hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
const partsOf = (value, name) => Object.fromEntries(format("en-US", NUMBERS, name).formatToParts(new Date(value)).map(({ type, value: text }) => [type, text]));
/** The day of a moment: "2026-11-21". */
export const dayOf = (value, name = getZone()) => {
  const { year, month, day } = partsOf(value, name);
  return `${year}-${month}-${day}`;
};
/** How many days of the calendar a moment is away from another: -1 is the day before. */
export const daysAway = (value, from = Date.now()) => Math.round((Date.parse(dayOf(value)) - Date.parse(dayOf(from))) / 86400000);
/** The year of a moment. */
export const yearOf = (value) => Number(dayOf(value).slice(0, 4));

/** Minutes that a zone is ahead of UTC at a moment. */
const offsetOf = (name, at) => {
  const { year, month, day, hour, minute } = partsOf(at, name);
  return Math.round((Date.UTC(year, month - 1, day, hour, minute) - at.getTime()) / MINUTE);
};
/** The moment at which a clock on the wall shows this ("2026-12-24T09:00"), or null. */
export const fromWall = (wall, name = getZone()) => {
  const naive = new Date(`${wall}:00Z`);
  if (!WALL.test(wall) || Number.isNaN(naive.getTime())) return null;
  const guess = new Date(naive.getTime() - offsetOf(name, naive) * MINUTE);
  return new Date(naive.getTime() - offsetOf(name, guess) * MINUTE);
};
/** What a clock on the wall shows at a moment: "2026-12-24T09:00". */
export const toWall = (at, name = getZone()) => new Date(at.getTime() + offsetOf(name, at) * MINUTE).toISOString().slice(0, 16);
