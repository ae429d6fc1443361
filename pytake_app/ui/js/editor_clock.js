// Moments in the organization's time zone: `S.zone`, asked for once.
import { api } from "$/public/pt_api.js";
import { getLang } from "$/public/pt_i18n.js";
import { emit, S } from "$/public/pt_editor.js";

let asked = false;

/** Learn the organization's time zone, once. */
export const loadZone = async () => {
  if (asked || S.zone) return;
  asked = true;
  try {
    const me = await api.get("/api/v1/auth/me");
    emit({ zone: me.organization?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone });
  } catch {
    asked = false; // the browser's own zone serves until the next time
  }
};

/** A moment in the organization's time zone, as people here say it. */
export const when = (value) =>
  new Intl.DateTimeFormat(getLang(), { dateStyle: "medium", timeStyle: "short", timeZone: S.zone || undefined }).format(new Date(value));

/** Minutes that a zone is ahead of UTC at a moment. */
const offsetOf = (zone, at) => {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).formatToParts(at).map(({ type, value }) => [type, value]));
  return Math.round((Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute) - at.getTime()) / 60000);
};

/** The moment that a clock on the wall of the organization shows ("2026-12-24T09:00"), or null. */
export const fromWall = (wall, zone) => {
  const naive = new Date(`${wall}:00Z`);
  if (Number.isNaN(naive.getTime())) return null;
  const guess = new Date(naive.getTime() - offsetOf(zone, naive) * 60000);
  return new Date(naive.getTime() - offsetOf(zone, guess) * 60000);
};

/** What a clock on the wall of the organization shows at a moment. */
export const toWall = (at, zone) => new Date(at.getTime() + offsetOf(zone, at) * 60000).toISOString().slice(0, 16);

/** The zone that moments are shown in. */
export const zoneNow = () => S.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
/** A moment written with `options` of Intl, in the organization's zone. */
export const inZone = (value, options) => new Intl.DateTimeFormat(getLang(), { ...options, timeZone: S.zone || undefined }).format(new Date(value));
