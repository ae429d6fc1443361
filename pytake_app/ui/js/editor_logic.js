// Editors of time and comparison: days, hours, holidays, schedules, time zones, condition rows.
import { createElement as h, useEffect, useState } from "react";
import { CalendarDays, Copy, X } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { say, S } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { draftOf, keepDraft } from "$/public/pt_editor_drafts.js";
import { form } from "$/public/pt_editor_form.js";
import { Combo, described, Tool, useCalm, useText } from "$/public/pt_editor_inputs.js";

/** The name of a weekday; 0 is Monday. */
export const dayName = (day, weekday = "long", lang = getLang()) => new Intl.DateTimeFormat(lang, { weekday, timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + day)));
const WEEK = [0, 1, 2, 3, 4, 5, 6];
const clock = (hour, minute) => `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;

const DayToggles = ({ on, onChange, disabled, label }) => {
  const lang = useLang();
  return h("div", { className: "days", role: "group", "aria-label": label }, WEEK.map((day) =>
    h("button", { key: day, type: "button", "aria-pressed": on.includes(day), "aria-label": dayName(day, "long", lang), title: dayName(day, "long", lang), disabled, onClick: () => onChange(WEEK.filter((n) => (n === day ? !on.includes(n) : on.includes(n)))) }, dayName(day, "narrow", lang))));
};

/** Days of the week as toggles. */
export const Days = ({ item }) => h(DayToggles, { on: item.words.map(Number), label: item.label, disabled: item.disabled, onChange: (days) => form.set(item.node, item.path, days) });

/** `9`, `930`, `9h30` or `9:30` as `09:30`; null when it is no time of the day. */
export const clockOf = (text) => {
  const found = text.trim().match(/^(\d{1,2})(?:\s*[:h.]?\s*(\d{2}))?\s*h?$/i);
  const [hour, minute] = found ? [Number(found[1]), Number(found[2] ?? 0)] : [99, 99];
  return hour < 24 && minute < 60 ? clock(hour, minute) : null;
};

/** A box for a time of the day; tidied when left, told at once when it is none. */
const ClockBox = ({ value, onPut, onBad, ...more }) => {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const bad = clockOf(text) === null;
  const change = (next) => {
    setText(next);
    const found = clockOf(next);
    onBad?.(found === null ? next : null);
    if (found && /\d{2}$/.test(next.trim()) && next.trim().length >= 4) onPut(found);
  };
  const leave = () => {
    const found = clockOf(text);
    if (found === null) return;
    setText(found);
    onPut(found);
  };
  return h("input", { ...more, type: "text", inputMode: "numeric", className: "input tn clock", value: text, placeholder: "09:00", maxLength: 5, "aria-invalid": bad || undefined, autoComplete: "off", onChange: (event) => change(event.target.value), onBlur: leave, onKeyDown: (event) => event.key === "Enter" && leave() });
};

/** A time of the day, `09:00`. */
export const Time = ({ item }) => h(ClockBox, { ...described(item), value: draftOf(item.key)?.text ?? item.text,
  onBad: (text) => keepDraft(item.key, text === null ? null : { text, issue: say("inspector.no_time") }),
  onPut: (time) => time !== item.text && form.type(item.node, item.path, time) });

/** Dates without opening: `2026-12-25`, or `12-25` for every year. */
export const Dates = ({ item }) => {
  const lang = useLang();
  const [date, setDate] = useState("");
  const [yearly, setYearly] = useState(true);
  const add = () => {
    if (!date) return;
    form.words(item.node, item.path, [...item.words, yearly ? date.slice(5) : date].sort((a, b) => a.slice(-5).localeCompare(b.slice(-5))));
    setDate("");
  };
  const shown = (word) => {
    const every = /^\d\d-\d\d$/.test(word);
    const at = new Date(`${every ? `2024-${word}` : word}T00:00:00Z`);
    if (Number.isNaN(at.getTime())) return word;
    return new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", timeZone: "UTC", ...(every ? {} : { year: "numeric", weekday: "short" }) }).format(at);
  };
  return h("div", { className: "col g6" },
    item.words.length > 0 && h("div", { className: "chips" }, item.words.map((word, i) => h("span", { key: `${word}${i}`, className: "bdg jade big" }, h(CalendarDays, { className: "i-xs", "aria-hidden": true }), shown(word), word.length === 5 ? h("span", { className: "muted" }, say("inspector.every_year")) : null,
      !item.disabled && h("button", { type: "button", "aria-label": say("editor.remove_word", { word: shown(word) }), onClick: () => form.words(item.node, item.path, item.words.filter((_, n) => n !== i)) }, h(X, { className: "i-xs", "aria-hidden": true }))))),
    !item.disabled && h("div", { className: "row g6" },
      h("input", { ...described(item), type: "date", className: "input tn grow", value: date, onChange: (event) => setDate(event.target.value), onKeyDown: (event) => event.key === "Enter" && (event.preventDefault(), add()) }),
      h("button", { type: "button", className: "btn line", disabled: !date, onClick: add, "data-testid": "add-date" }, say("inspector.add_date"))),
    !item.disabled && h("label", { className: "row g6 dense" }, h("input", { type: "checkbox", checked: yearly, onChange: (event) => setYearly(event.target.checked) }), say("inspector.repeat_yearly")));
};

const parts = (text) => (/^([01]?\d|2[0-3]):[0-5]\d$/.test(text) ? text.split(":").map(Number) : null);
const minutes = (text) => {
  const found = parts(text ?? "");
  return found ? found[0] * 60 + found[1] : null;
};

/** The week at a glance: when a calendar is open. */
export const WeekStrip = ({ periods }) => {
  const lang = useLang();
  const bars = (day) => periods.filter((period) => (period?.days ?? []).map(Number).includes(day)).map((period) => [minutes(period.opens), minutes(period.closes)]).filter(([a, b]) => a !== null && b !== null)
    .flatMap(([a, b]) => (b > a ? [[a, b]] : [[a, 1440], [0, b]]));
  return h("div", { className: "weekstrip", "aria-hidden": true }, WEEK.map((day) => h("div", { key: day, className: "wd" }, h("span", { className: "micro muted" }, dayName(day, "narrow", lang)), h("div", { className: "tr" }, bars(day).map(([a, b], i) => h("i", { key: i, style: { top: `${(a / 1440) * 100}%`, height: `${((b - a) / 1440) * 100}%` } }))))));
};

const ZONES = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : ["America/Sao_Paulo", "UTC"];
/** What a zone is called: "Horário de Brasília"; as IANA writes it where there is no name. */
const zoneName = (zone, lang) => {
  try {
    return new Intl.DateTimeFormat(lang, { timeZone: zone, timeZoneName: "longGeneric" }).formatToParts(new Date()).find((part) => part.type === "timeZoneName")?.value ?? zone;
  } catch {
    return zone.replaceAll("_", " ");
  }
};
const offset = (zone) => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "shortOffset" }).formatToParts(new Date()).find((part) => part.type === "timeZoneName")?.value ?? "";
  } catch {
    return "";
  }
};

/** An IANA zone; empty: the organization's. */
export const TimeZone = ({ item }) => {
  const [choices] = useState(() => ZONES.map((zone) => ({ key: zone, label: zone.replaceAll("_", " "), about: offset(zone), words: zone, mono: false })));
  return h(Combo, { item, value: item.text, choices, onPick: (zone) => form.set(item.node, item.path, zone), placeholder: say("inspector.org_zone") });
};

const EACH = ["day", "week", "month", "hour", "cron"];
const numbers = (text) => text.split(",").flatMap((part) => {
  const range = part.match(/^(\d+)-(\d+)$/);
  if (range) return Array.from({ length: Math.max(0, Number(range[2]) - Number(range[1]) + 1) }, (_, i) => Number(range[1]) + i);
  return /^\d+$/.test(part) ? [Number(part)] : [Number.NaN];
});

/** A cron expression in the builder's terms; what it can't say stays `{each: "cron"}`. */
export const fromCron = (text) => {
  const fields = text.trim().split(/\s+/);
  const raw = { each: "cron", hours: [9], minute: 0, days: WEEK.slice(0, 5), monthDays: [1] };
  if (fields.length !== 5) return raw;
  const [minute, hour, day, month, week] = fields;
  const hours = numbers(hour);
  if (!/^\d+$/.test(minute) || month !== "*") return raw;
  const base = { ...raw, minute: Number(minute), hours };
  if (hour === "*" && day === "*" && week === "*") return { ...base, each: "hour", hours: [9] };
  if (hours.some(Number.isNaN) || hours.length > 8) return raw;
  if (day === "*" && week === "*") return { ...base, each: "day" };
  if (day === "*") {
    const days = numbers(week).map((n) => (n % 7 === 0 ? 6 : n - 1));
    return days.some((n) => Number.isNaN(n) || n < 0 || n > 6) ? raw : { ...base, each: "week", days: [...new Set(days)].sort() };
  }
  if (week === "*") {
    const monthDays = numbers(day);
    return monthDays.some((n) => Number.isNaN(n) || n > 31 || n < 1) ? raw : { ...base, each: "month", monthDays };
  }
  return raw;
};

/** The cron expression of the builder's terms. */
export const toCron = ({ each, minute, hours, days, monthDays }) => {
  const at = `${minute} ${[...new Set(hours)].sort((a, b) => a - b).join(",")}`;
  if (each === "hour") return `${minute} * * * *`;
  if (each === "week") return `${at} * * ${(days.length ? days : [0]).map((day) => (day + 1) % 7).sort().join(",")}`;
  if (each === "month") return `${at} ${[...(monthDays.length ? monthDays : [1])].sort((a, b) => a - b).join(",")} * *`;
  return `${at} * * *`;
};

const Runs = ({ cron, zone }) => {
  const lang = useLang();
  const asked = useCalm(`${cron}\n${zone}`, 300);
  const [answer, setAnswer] = useState(null);
  useEffect(() => {
    const [expression, timezone] = asked.split("\n");
    const stop = new AbortController();
    api.post("/api/v1/flow-tools/schedule", { cron: expression, timezone }, { signal: stop.signal })
      .then(setAnswer)
      .catch((error) => error.name !== "AbortError" && setAnswer(null));
    return () => stop.abort();
  }, [asked]);
  if (!answer) return null;
  if (!answer.valid) return h("div", { className: "err", role: "alert" }, say("inspector.cron_invalid"));
  const show = (at) => new Intl.DateTimeFormat(lang, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: answer.timezone }).format(new Date(at));
  return h("div", { className: "runs", "data-testid": "next-runs", "aria-live": "polite" },
    h("div", { className: "micro muted" }, say("inspector.next_runs", { zone: zoneName(answer.timezone, lang) })),
    h("ol", null, answer.runs.map((at, i) => h("li", { key: at, className: "dense tn" }, show(at), i === 0 ? h("span", { className: "muted meta" }, ` · ${fmt.relative(lang, at)}`) : null))));
};

/** When a schedule is due: in words, or as a cron expression; with the next five moments from the server. */
export const Schedule = ({ item }) => {
  const lang = useLang();
  const parsed = fromCron(item.text);
  const [own, setOwn] = useState(parsed.each === "cron");
  const [text, change] = useText(item.text, (value) => form.type(item.node, item.path, value));
  const zone = nodeOf(S.doc, item.node)?.config.timezone ?? "";
  const plan = own ? { ...parsed, each: "cron" } : parsed;
  const put = (part) => form.set(item.node, item.path, toCron({ ...plan, ...part }));
  const each = (name) => {
    setOwn(name === "cron");
    if (name !== "cron") put({ each: name });
  };
  const times = plan.hours.map((hour) => clock(hour, plan.minute));
  const setTime = (index, value) => {
    const found = parts(value);
    if (found) put({ hours: plan.hours.map((hour, i) => (i === index ? found[0] : hour)), minute: found[1] });
  };
  const dates = h("div", { className: "mdays", role: "group", "aria-label": say("inspector.days_of_month") }, Array.from({ length: 31 }, (_, i) => i + 1).map((day) => h("button", { key: day, type: "button", disabled: item.disabled, "aria-pressed": plan.monthDays.includes(day), onClick: () => put({ monthDays: plan.monthDays.includes(day) ? plan.monthDays.filter((n) => n !== day) : [...plan.monthDays, day] }) }, day)));
  return h("div", { className: "col g8 sched" },
    h("div", { className: "seg full", role: "radiogroup", "aria-label": item.label }, EACH.map((name) => h("button", { key: name, type: "button", role: "radio", "aria-checked": plan.each === name, "aria-pressed": plan.each === name, disabled: item.disabled, onClick: () => each(name) }, say(`inspector.each_${name}`)))),
    plan.each === "week" && h(DayToggles, { on: plan.days, disabled: item.disabled, label: say("inspector.days_of_week"), onChange: (days) => days.length && put({ days }) }),
    plan.each === "month" && dates,
    plan.each === "hour" && h("label", { className: "row g6 dense" }, say("inspector.at_minute"), h("input", { type: "number", min: 0, max: 59, className: "input tn short", value: plan.minute, disabled: item.disabled, "aria-label": say("inspector.at_minute"), onChange: (event) => put({ minute: Math.min(59, Math.max(0, Number(event.target.value) || 0)) }) })),
    ["day", "week", "month"].includes(plan.each) && h("div", { className: "row g6 wrap" }, h("span", { className: "dense muted" }, say("inspector.at_times")),
      times.map((time, i) => h("span", { key: i, className: "tm" }, h(ClockBox, { value: time, disabled: item.disabled, "aria-label": say("inspector.time_n", { n: i + 1 }), "data-field": i === 0 ? `${item.path}.time` : undefined, onPut: (value) => value !== time && setTime(i, value) }),
        times.length > 1 && !item.disabled && h("button", { type: "button", className: "ib sm", "aria-label": say("editor.remove_row"), onClick: () => put({ hours: plan.hours.filter((_, n) => n !== i) }) }, h(X, { className: "i-xs", "aria-hidden": true })))),
      times.length < 8 && !item.disabled && h("button", { type: "button", className: "btn ghost sm", onClick: () => put({ hours: [...plan.hours, (Math.max(...plan.hours) + 3) % 24] }) }, say("inspector.add_time"))),
    plan.each === "month" && plan.monthDays.some((day) => day > 28) && h("div", { className: "micro t-amber" }, say("inspector.short_months")),
    own && h("input", { ...described(item), type: "text", className: "input mono", value: text, placeholder: "0 9 * * 1-5", spellCheck: false, autoComplete: "off", onChange: (event) => change(event.target.value), lang }),
    h(Runs, { cron: item.text, zone }));
};

/** Same hours for the other days: copies a row of the calendar. */
export const CopyHours = ({ node, index }) => {
  const periods = nodeOf(S.doc, node)?.config.periods ?? [];
  return h(Tool, { icon: Copy, label: say("inspector.copy_hours"), onClick: () => form.set(node, "periods", [...periods.slice(0, index + 1), { ...periods[index] }, ...periods.slice(index + 1)]) });
};

const NUMERIC = ["greater", "greater_or_equal", "less", "less_or_equal"];
const TEXTUAL = ["contains", "not_contains", "starts_with", "ends_with", "matches"];

/** The kind of value an expression gives, as far as the flow's blocks tell: number, date, boolean, text or "". */
export const kindOf = (expression) => {
  const text = String(expression ?? "");
  const found = text.match(/^\{\{\s*(?:session\.)?(\w+)\s*\}\}$/)?.[1];
  if (/lead_score|\|\s*size/.test(text)) return "number";
  if (/^\{\{\s*(now|today)/.test(text)) return "date";
  if (/contact\.tags\s*\}\}/.test(text)) return "list";
  if (!found) return "";
  for (const node of S.doc?.nodes ?? []) {
    if (node.type === "question" && node.config.variable === found) return ["number", "integer"].includes(node.config.kind) ? "number" : ["date", "time"].includes(node.config.kind) ? "date" : "text";
    if (node.type === "api_call" && node.config.status_variable === found) return "number";
    for (const field of node.type === "ai_extract" ? (node.config.fields ?? []) : []) if (field?.name === found) return ["number", "integer"].includes(field.kind) ? "number" : field.kind === "boolean" ? "boolean" : "text";
  }
  return "";
};

/** The operators that fit what stands on the left; the chosen one always stays. */
export const fittingOperators = (choices, left, chosen) => {
  const kind = kindOf(left);
  const out = { number: TEXTUAL, text: NUMERIC, boolean: [...NUMERIC, ...TEXTUAL, "in", "not_in"], date: TEXTUAL.filter((name) => name !== "contains"), list: [...NUMERIC, "starts_with", "ends_with", "matches"] }[kind] ?? [];
  return choices.filter((choice) => !out.includes(choice.value) || choice.value === chosen);
};
