// The calendars of business hours: choosing one, making one here, and what the chosen one says.
import { createElement as h, useState } from "react";
import { CalendarPlus } from "lucide-react";
import { toast } from "sonner";
import { api } from "$/public/pt_api.js";
import { useLang } from "$/public/pt_i18n.js";
import { say, S, tell, useStore } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { form } from "$/public/pt_editor_form.js";
import { Combo } from "$/public/pt_editor_inputs.js";
import { WeekStrip } from "$/public/pt_editor_logic.js";
import { refs, useRefs } from "$/public/pt_editor_refs.js";

const OFFICE = [{ days: [0, 1, 2, 3, 4], opens: "09:00", closes: "18:00" }];
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const usable = (periods) => (Array.isArray(periods) ? periods : []).filter((period) => period?.days?.length && TIME.test(period.opens) && TIME.test(period.closes)).map(({ days, opens, closes }) => ({ days, opens, closes }));

/** The calendar that a block goes by; null for hours of its own or one that isn't there. */
const calendarOf = (config, calendars) => {
  if (config.calendar === "organization") return calendars.find((one) => one.is_default) ?? null;
  if (config.calendar !== "named") return null;
  return calendars.find((one) => one.id === config.calendar_id) ?? calendars.find((one) => one.name === (config.calendar_name || config.calendar_id)) ?? null;
};

/** Make a calendar with the block's own hours (office hours when it has none). Gives back its id, or null after telling why not. */
const make = async (nodeId, name) => {
  const config = nodeOf(S.doc, nodeId)?.config ?? {};
  const periods = usable(config.periods);
  const holidays = (config.holidays ?? []).map((date) => ({ date }));
  try {
    const made = await api.post("/api/v1/business-hours", { name: name.slice(0, 120), periods: periods.length ? periods : OFFICE, holidays, timezone: config.timezone ?? "" });
    await refs.load(true);
    form.patch(nodeId, { calendar: "named", calendar_id: made.id, calendar_name: made.name, holidays: [] });
    toast(say("inspector.calendar_made"));
    return made.id;
  } catch (error) {
    tell(error.status === 403 ? "inspector.calendar_forbidden" : error.code === "name_taken" ? "inspector.calendar_taken" : "inspector.create_failed", "error");
    return null;
  }
};

/** A calendar of the organization. Its name is kept beside its id, so that a copy in another organization finds its own. */
export const CalendarPicker = ({ item }) => {
  const { calendars } = useRefs();
  const name = useStore((s) => nodeOf(s.doc, item.node)?.config.calendar_name ?? "");
  const known = calendarOf({ calendar: "named", calendar_id: item.text, calendar_name: name }, calendars);
  const pick = (key) => {
    const one = calendars.find((calendar) => calendar.id === key);
    if (one) form.patch(item.node, { calendar_id: one.id, calendar_name: one.name });
    else if (!key) form.patch(item.node, { calendar_id: "", calendar_name: "" });
  };
  const choices = calendars.map((one) => ({ key: one.id, label: one.name, mono: false, badge: one.is_default ? { text: say("inspector.default_calendar"), tone: "jade" } : null }));
  return h(Combo, { item, value: known?.id ?? (item.text || name), onPick: pick, choices, create: (text) => make(item.node, text), createLabel: (text) => say("inspector.create_calendar", { name: text }), placeholder: say("inspector.choose_calendar"), empty: say("inspector.no_calendars") });
};

/** What is under the form of business hours: the week of the calendar that counts; own hours can become a calendar. */
export const HoursTool = ({ node, locked }) => {
  useLang();
  const { calendars } = useRefs();
  const [name, setName] = useState(null);
  const config = useStore((s) => nodeOf(s.doc, node)?.config) ?? {};
  const own = (config.calendar ?? "own") === "own";
  const chosen = calendarOf(config, calendars);
  if (!own && !chosen) return null;
  const periods = own ? (config.periods ?? []) : chosen.periods;
  const keep = async () => {
    if (name.trim()) await make(node, name.trim());
    setName(null);
  };
  return h("div", { className: "tool col g8", "data-testid": "hours-week" },
    !own && h("div", { className: "row g6" }, h("span", { className: "dense med ell" }, chosen.name), chosen.timezone ? h("span", { className: "meta muted ell right" }, chosen.timezone.replaceAll("_", " ")) : null),
    periods.length ? h(WeekStrip, { periods }) : !own && h("div", { className: "micro t-amber" }, say("inspector.calendar_empty")),
    own && !locked && usable(periods).length > 0 && (name === null
      ? h("button", { type: "button", className: "btn ghost sm", onClick: () => setName(""), "data-testid": "hours-to-calendar" }, h(CalendarPlus, { className: "i-s", "aria-hidden": true }), say("inspector.hours_to_calendar"))
      : h("div", { className: "row g6", onKeyDown: (event) => event.key === "Escape" && (event.stopPropagation(), setName(null)) },
          h("input", { className: "input grow", value: name, autoFocus: true, maxLength: 120, placeholder: say("inspector.calendar_name"), "aria-label": say("inspector.calendar_name"), onChange: (event) => setName(event.target.value), onKeyDown: (event) => event.key === "Enter" && keep() }),
          h("button", { type: "button", className: "btn line", disabled: !name.trim(), onClick: keep }, say("common.save")))));
};
