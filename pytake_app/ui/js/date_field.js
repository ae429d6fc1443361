// A day to choose: a calendar in the page's language, whatever the browser's is. Days are "2026-11-21", no time and no zone.
import { createElement as h, useEffect, useRef, useState } from "react";
import { CalendarDays, ChevronLeft, ChevronRight } from "lucide-react";
import { getLang } from "$/public/pt_i18n.js";
import { IconBtn, Pop, say, Sign } from "$/public/pt_inbox_kit.js";
import { dayOf } from "$/public/pt_zone.js";

const DAY = 86400000;
const of = (day) => new Date(`${day}T00:00:00Z`);
const text = (date) => date.toISOString().slice(0, 10);
const moved = (day, days) => text(new Date(of(day).getTime() + days * DAY));
/** The same day of another month, or that month's last. */
const inMonth = (day, months) => {
  const date = of(day);
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return text(new Date(first.getTime() + (Math.min(date.getUTCDate(), last) - 1) * DAY));
};
const written = (day, options) => new Intl.DateTimeFormat(getLang(), { ...options, timeZone: "UTC" }).format(of(day));
const weekday = (day, first) => (of(day).getUTCDay() - first + 7) % 7;
/** Sunday or Monday, as people who read this language begin their week. */
const firstDay = () => (getLang().startsWith("es") ? 1 : 0);
/** Six weeks, among them the month of `day`. */
const weeksOf = (day, first) => {
  const start = `${day.slice(0, 8)}01`;
  const from = moved(start, -weekday(start, first));
  return Array.from({ length: 6 }, (_, week) => Array.from({ length: 7 }, (_, n) => moved(from, week * 7 + n)));
};

const Calendar = ({ value, min, max, onPick }) => {
  const first = firstDay();
  const today = dayOf(Date.now());
  const [at, setAt] = useState(value || (min && min > today ? min : today));
  const grid = useRef(null);
  const follow = useRef(true); // the keyboard is in the days; whoever turns months stays on that button
  const off = (day) => Boolean((min && day < min) || (max && day > max));
  useEffect(() => {
    if (follow.current) grid.current?.querySelector('[tabindex="0"]')?.focus();
  }, [at]);
  const go = (day, days) => {
    follow.current = days;
    setAt(day);
  };
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7, Home: -weekday(at, first), End: 6 - weekday(at, first) };
  const keys = (event) => {
    const next = event.key in steps ? moved(at, steps[event.key]) : event.key === "PageUp" ? inMonth(at, -1) : event.key === "PageDown" ? inMonth(at, 1) : "";
    if (!next) return;
    event.preventDefault();
    go(next, true);
  };
  const weeks = weeksOf(at, first);
  return h("div", { className: "dp" },
    h("div", { className: "row g4" }, h(IconBtn, { icon: ChevronLeft, small: true, label: say("common.month_before"), onClick: () => go(inMonth(at, -1), false) }), h("span", { className: "grow med dense dp-month", "aria-live": "polite" }, written(at, { month: "long", year: "numeric" })), h(IconBtn, { icon: ChevronRight, small: true, label: say("common.month_after"), onClick: () => go(inMonth(at, 1), false) })),
    h("div", { ref: grid, className: "dp-grid", role: "grid", "aria-label": written(at, { month: "long", year: "numeric" }), onKeyDown: keys },
      h("div", { role: "row" }, weeks[0].map((day) => h("span", { key: day, role: "columnheader", className: "micro muted", "aria-label": written(day, { weekday: "long" }) }, written(day, { weekday: "narrow" })))),
      weeks.map((week) => h("div", { key: week[0], role: "row" }, week.map((day) => h("button", { key: day, type: "button", role: "gridcell", tabIndex: day === at ? 0 : -1, disabled: off(day) && day !== at, "aria-disabled": off(day), "aria-selected": day === value, "aria-current": day === today ? "date" : undefined, "aria-label": written(day, { dateStyle: "full" }), className: day.slice(0, 7) === at.slice(0, 7) ? "tn" : "tn out", onClick: () => off(day) || onPick(day), "data-day": day }, Number(day.slice(8))))))));
};

/** `value` is a day or ""; `onChange` gets another one, or "" where the field may be `optional`. */
export const DateField = ({ value, onChange, label, min, max, optional, placeholder, test, off }) => {
  const [open, setOpen] = useState(false);
  const pick = (day) => {
    setOpen(false);
    onChange(day);
  };
  const words = value ? written(value, { day: "numeric", month: "short", year: "numeric" }) : "";
  const trigger = h("button", { type: "button", className: "input dp-open", disabled: off, "aria-label": [label, words].filter(Boolean).join(": "), "data-value": value, "data-testid": test }, h(Sign, { of: CalendarDays }), h("span", { className: words ? "grow ell" : "grow ell muted" }, words || placeholder || say("common.choose_day")));
  return h(Pop, { trigger, open, onOpenChange: setOpen, label, className: "dp-pop", test: test && `${test}-calendar` }, h(Calendar, { value, min, max, onPick: pick }),
    h("div", { className: "row g8 dp-foot" }, optional && value && h("button", { type: "button", className: "btn ghost sm", onClick: () => pick("") }, say("common.no_day")), h("span", { className: "grow" }), h("button", { type: "button", className: "btn ghost sm", onClick: () => pick(dayOf(Date.now())), disabled: Boolean((min && dayOf(Date.now()) < min) || (max && dayOf(Date.now()) > max)) }, say("common.today"))));
};
