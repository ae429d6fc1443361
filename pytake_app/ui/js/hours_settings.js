// Business hours: calendars with their periods and holidays, which queues and flows follow.
import { createElement as h, Fragment, useEffect, useMemo, useState } from "react";
import { CalendarPlus, Clock, Pencil, Plus, Trash2 } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { Failed, Waiting } from "$/public/pt_settings_kit.js";
import { getLang, useLang } from "$/public/pt_i18n.js";
import { Btn, IconBtn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Field, Select, Switch, Text } from "$/public/pt_queue_fields.js";
import { may as grants } from "$/public/pt_rights.js";

const BASE = "/api/v1/business-hours";
const DAYS = [0, 1, 2, 3, 4, 5, 6]; // from Monday
const NEW = { name: "", timezone: "", periods: [{ days: [0, 1, 2, 3, 4], opens: "09:00", closes: "18:00" }], holidays: [], is_default: false };
const problem = (error) => sayOf(`inbox_settings.problem.${error?.code ?? "unknown"}`, "inbox_settings.problem.unknown");
const dayName = (day, style) => new Date(Date.UTC(2024, 0, 1 + day)).toLocaleDateString(getLang(), { weekday: style, timeZone: "UTC" }); // a Monday
const spans = (days) => {
  const runs = [];
  for (const day of [...days].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last[1] === day - 1) last[1] = day;
    else runs.push([day, day]);
  }
  return runs.map(([a, b]) => (a === b ? dayName(a, "short") : b === a + 1 ? `${dayName(a, "short")}, ${dayName(b, "short")}` : `${dayName(a, "short")} – ${dayName(b, "short")}`)).join(", ");
};
const yearly = (date) => date.length === 5;
const wholeDate = (date) => (yearly(date) ? `${new Date().getFullYear()}-${date}` : date);
const dateText = (date) => new Date(`${wholeDate(date)}T12:00:00`).toLocaleDateString(getLang(), { day: "numeric", month: "long", ...(yearly(date) ? {} : { year: "numeric" }) });
const zones = () => {
  try {
    return Intl.supportedValuesOf("timeZone");
  } catch {
    return [];
  }
};

const PeriodRow = ({ period, onChange, onDrop, n }) => {
  const turn = (day) => onChange({ ...period, days: period.days.includes(day) ? period.days.filter((one) => one !== day) : [...period.days, day].sort((a, b) => a - b) });
  const time = (name) => h("input", { className: "input", type: "time", value: period[name], "aria-label": say(`inbox_settings.hours_${name}`), onChange: (event) => onChange({ ...period, [name]: event.target.value }), "data-testid": `period-${name}` });
  return h("li", { className: "hs-period", role: "group", "aria-label": say("inbox_settings.period_n", { n }), "data-testid": "period" },
    h("div", { className: "hs-days" }, DAYS.map((day) => h("button", { key: day, type: "button", className: "hs-day", "aria-pressed": period.days.includes(day), title: dayName(day, "long"), "aria-label": dayName(day, "long"), onClick: () => turn(day) }, dayName(day, "short").replace(".", "")))),
    h("div", { className: "row g8 hs-times" }, time("opens"), h("span", { className: "muted" }, "–"), time("closes"), period.closes <= period.opens && period.closes !== "" && h("span", { className: "meta muted" }, say("inbox_settings.next_day")), h("span", { className: "grow" }), h(IconBtn, { icon: Trash2, small: true, label: say("inbox_settings.period_drop"), onClick: onDrop })));
};
const HolidayRow = ({ holiday, onChange, onDrop }) =>
  h("li", { className: "hs-holiday", "data-testid": "holiday" },
    h("span", { className: "col g2" }, h("input", { className: "input", type: "date", value: holiday.date ? wholeDate(holiday.date) : "", "aria-label": say("inbox_settings.holiday_date"), onChange: (event) => onChange({ ...holiday, date: holiday.yearly ? event.target.value.slice(5) : event.target.value }), "data-testid": "holiday-date" }), holiday.date && h("span", { className: "meta muted", "data-testid": "holiday-words" }, dateText(holiday.date))), // the browser writes its field in its own language
    h("input", { className: "input grow", value: holiday.name, maxLength: 80, placeholder: say("inbox_settings.holiday_name"), "aria-label": say("inbox_settings.holiday_name"), onChange: (event) => onChange({ ...holiday, name: event.target.value }), "data-testid": "holiday-name" }),
    h("label", { className: "row g6 dense nw" }, h("input", { type: "checkbox", checked: holiday.yearly, onChange: (event) => onChange({ ...holiday, yearly: event.target.checked, date: holiday.date && (event.target.checked ? wholeDate(holiday.date).slice(5) : wholeDate(holiday.date)) }) }), say("inbox_settings.every_year")),
    h(IconBtn, { icon: Trash2, small: true, label: say("inbox_settings.holiday_drop"), onClick: onDrop }));

const Form = ({ calendar, onClose, onSaved }) => {
  const [draft, setDraft] = useState(() => ({ name: calendar.name, timezone: calendar.timezone, periods: calendar.periods, is_default: calendar.is_default, holidays: calendar.holidays.map((one) => ({ ...one, yearly: yearly(one.date) })) }));
  const [busy, setBusy] = useState(false);
  const [taken, setTaken] = useState(false);
  const known = useMemo(zones, []);
  const put = (name) => (value) => setDraft((now) => ({ ...now, [name]: value ?? "" }));
  const at = (name, i) => (value) => put(name)(draft[name].map((one, n) => (n === i ? value : one)));
  const without = (name, i) => () => put(name)(draft[name].filter((_, n) => n !== i));
  const ready = draft.name.trim() && draft.periods.every((one) => one.days.length && one.opens && one.closes) && draft.holidays.every((one) => one.date);
  const save = async () => {
    setBusy(true);
    setTaken(false);
    const body = { ...draft, name: draft.name.trim(), holidays: draft.holidays.map(({ date, name }) => ({ date, name })).sort((a, b) => a.date.slice(-5).localeCompare(b.date.slice(-5))) };
    try {
      onSaved(await (calendar.id ? api.patch(`${BASE}/${calendar.id}`, body) : api.post(BASE, body)));
      tell(say("inbox_settings.saved"), "success");
    } catch (error) {
      setTaken(error.code === "name_taken");
      tell(problem(error), "error");
      setBusy(false);
    }
  };
  const zoneNames = [...new Set([draft.timezone, ...known])].filter(Boolean);
  return h(Modal, { title: say(calendar.id ? "inbox_settings.hours_change" : "inbox_settings.hours_new"), onClose, wide: true, test: "hours-form", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h(Btn, { kind: "solid", busy, disabled: !ready, onClick: save, test: "hours-save" }, say("common.save"))) },
    h("div", { className: "sg-grid" },
      h(Field, { label: say("inbox_settings.hours_name"), error: taken ? say("inbox_settings.problem.name_taken") : "" }, h(Text, { value: draft.name, onChange: put("name"), error: taken, test: "hours-name" })),
      h(Field, { label: say("account.time_zone") }, h(Select, { value: draft.timezone || null, options: [[null, say("inbox_settings.zone_own")], ...zoneNames.map((zone) => [zone, zone.replaceAll("_", " ")])], onChange: put("timezone"), test: "hours-zone" }))),
    h("div", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_settings.periods")), draft.periods.length ? h("ul", { className: "hs-list" }, draft.periods.map((period, i) => h(PeriodRow, { key: i, n: i + 1, period, onChange: at("periods", i), onDrop: without("periods", i) }))) : h("span", { className: "hint" }, say("inbox_settings.never_open")),
      draft.periods.length < 21 && h("div", null, h(Btn, { kind: "ghost", small: true, icon: Plus, onClick: () => put("periods")([...draft.periods, { days: [5], opens: "09:00", closes: "13:00" }]), test: "period-add" }, say("inbox_settings.period_add")))),
    h("div", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_settings.holidays")), draft.holidays.length ? h("ul", { className: "hs-list" }, draft.holidays.map((holiday, i) => h(HolidayRow, { key: i, holiday, onChange: at("holidays", i), onDrop: without("holidays", i) }))) : h("span", { className: "hint" }, say("inbox_settings.no_holidays")),
      draft.holidays.length < 200 && h("div", null, h(Btn, { kind: "ghost", small: true, icon: CalendarPlus, onClick: () => put("holidays")([...draft.holidays, { date: "", name: "", yearly: true }]), test: "holiday-add" }, say("inbox_settings.holiday_add")))),
    h(Switch, { on: draft.is_default, off: calendar.is_default, onChange: put("is_default"), label: say("inbox_settings.hours_default"), hint: say("inbox_settings.hours_default_hint"), test: "hours-default" }));
};

const Card = ({ calendar, used, manage, onChange, onDrop }) =>
  h("section", { className: "sg-card", "aria-label": calendar.name, "data-testid": "hours-card" },
    h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("div", { className: "row g8 wrap" }, h("h3", { className: "ell" }, calendar.name), h("span", { className: `bdg ${calendar.open_now ? "jade" : ""}` }, say(calendar.open_now ? "inbox_settings.open_now" : "inbox_settings.closed_now")), calendar.is_default && h("span", { className: "bdg" }, say("monitor.is_default"))), h("span", { className: "meta muted" }, [calendar.effective_timezone.replaceAll("_", " "), used ? say("inbox_settings.used_by", { count: used }) : ""].filter(Boolean).join(" · "))),
      manage && h("span", { className: "row g2" }, h(IconBtn, { icon: Pencil, label: say("inbox_settings.hours_change_named", { name: calendar.name }), onClick: onChange, test: "hours-change" }), !calendar.is_default && h(IconBtn, { icon: Trash2, label: say("inbox_settings.hours_drop", { name: calendar.name }), onClick: onDrop, test: "hours-drop" }))),
    h("dl", { className: "hs-facts" }, calendar.periods.length ? calendar.periods.map((period, i) => h(Fragment, { key: i }, h("dt", null, spans(period.days)), h("dd", { className: "tn" }, `${period.opens} – ${period.closes}`))) : h("dt", null, say("inbox_settings.never_open"))),
    calendar.holidays.length > 0 && h("details", { className: "hs-more" }, h("summary", { className: "dense" }, say("inbox_settings.holidays_n", { count: calendar.holidays.length })), h("ul", { className: "hs-hols dense" }, calendar.holidays.map((one, i) => h("li", { key: i }, h("span", { className: "tn" }, dateText(one.date)), one.name && h("span", { className: "muted" }, one.name))))));

const Hours = ({ manage }) => {
  const [items, setItems] = useState(null);
  const [queues, setQueues] = useState([]);
  const [failed, setFailed] = useState(null);
  const [editing, setEditing] = useState(null);
  const [gone, setGone] = useState(null);
  const [busy, setBusy] = useState(false);
  const load = async () => {
    setFailed(null);
    try {
      const [calendars, lines] = await Promise.all([api.get(`${BASE}?limit=200`), api.get("/api/v1/queues?limit=200")]);
      setItems(calendars.items);
      setQueues(lines.items);
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => {
    load();
  }, []);
  if (failed) return h(Failed, { error: failed, onRetry: load });
  if (!items) return h(Waiting, { rows: 4 });
  const usedBy = (calendar) => queues.filter((queue) => queue.business_hours_id === calendar.id).length;
  const saved = () => {
    setEditing(null);
    load();
  };
  const drop = async () => {
    setBusy(true);
    try {
      await api.delete(`${BASE}/${gone.id}`);
      setGone(null);
      load();
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  return h(Fragment, null,
    items.length === 0 ? h("div", { className: "state" }, h("div", { className: "pic" }, h(Sign, { of: Clock, size: "l" })), h("div", { className: "str" }, say("inbox_settings.hours_none")), h("div", { className: "txt dense" }, say("inbox_settings.hours_none_detail"))) : items.map((calendar) => h(Card, { key: calendar.id, calendar, used: usedBy(calendar), manage, onChange: () => setEditing(calendar), onDrop: () => setGone(calendar) })),
    manage && h("div", null, h(Btn, { icon: Plus, onClick: () => setEditing(NEW), test: "hours-new" }, say("inbox_settings.hours_new"))),
    editing && h(Form, { calendar: editing, onClose: () => setEditing(null), onSaved: saved }),
    gone && h(Modal, { title: say("inbox_settings.hours_gone", { name: gone.name }), detail: say(usedBy(gone) ? "inbox_settings.hours_gone_used" : "inbox_settings.hours_gone_detail", { count: usedBy(gone) }), onClose: () => setGone(null), test: "hours-gone", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: () => setGone(null) }, say("common.cancel")), h(Btn, { kind: "danger", busy, onClick: drop, test: "hours-gone-confirm" }, say("common.delete"))) }));
};

/** The page; `me` is `{id, role, permissions}` of who is signed in. */
export const HoursRoot = ({ me, ...rest }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => setReady(true), []);
  return h("div", { ...rest, className: "sg-body" }, ready && me?.id && h(Hours, { key: lang, manage: grants(me, "queues:manage") }));
};
