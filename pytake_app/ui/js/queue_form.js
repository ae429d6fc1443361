// What holds in one queue, in sections; nothing is kept before it is saved.
import { createElement as h, Fragment, useEffect, useRef, useState } from "react";
import { CalendarClock, Gauge, MessageSquareText, Route, Smile, Tag, Trash2 } from "lucide-react";
import { Link } from "react-router";
import { api } from "$/public/pt_api.js";
import { Btn, Face, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { faceOf, listText } from "$/public/pt_monitor_model.js";
import { Field, MessageField, Numeric, objection, Select, Switch, Text, Words } from "$/public/pt_queue_fields.js";

const HUES = ["blue", "cyan", "jade", "amber", "red", "plum", "violet", "slate"];
const OF_HUE = { blue: "blue", cyan: "cyan", jade: "green", amber: "amber", red: "red", plum: "pink", violet: "violet", slate: "gray" };
export const NEW_QUEUE = {
  name: "", description: "", department_id: null, business_hours_id: null, max_size: null, max_wait_minutes: null, priority: 0, skills: [],
  messages: { welcome: "", waiting: "", position: "", closed: "", timeout: "" }, overflow: { action: "none", queue_id: null, message: "" }, color: "blue", distribution: "least_busy", sticky: false, sticky_seconds: 60, ring_seconds: 0, sla_seconds: null, sla_target_percent: 80, position_every_minutes: null, closed_action: "refuse", at_closing: "keep", reassign_after_seconds: 300, csat_enabled: false, csat_question: "", csat_thanks: "", csat_minutes: 0, is_default: false, is_active: true,
};
const bodyOf = (queue) => Object.fromEntries(Object.keys(NEW_QUEUE).map((key) => [key, queue[key] ?? NEW_QUEUE[key]]));
export const SECTIONS = [["basics", Tag], ["distribution", Route], ["hours", CalendarClock], ["limits", Gauge], ["messages", MessageSquareText], ["csat", Smile]];

/** `hueOf(queue)` gives the hue that stands for its colour. */
export const QueueForm = ({ queue, queues, lists, manage, hueOf, onSaved, onDelete, onDirty }) => {
  const [draft, setDraft] = useState(() => bodyOf(queue));
  const [errors, setErrors] = useState([]);
  const [busy, setBusy] = useState(false);
  const first = useRef(null);
  const off = !manage;
  const fresh = !queue.id;
  const dirty = fresh || JSON.stringify(draft) !== JSON.stringify(bodyOf(queue));
  useEffect(() => onDirty(manage && (fresh ? Boolean(draft.name.trim()) : dirty)), [dirty, draft.name]);
  useEffect(() => {
    if (fresh) first.current?.querySelector("input")?.focus();
  }, []);
  const put = (name) => (value) => setDraft((now) => ({ ...now, [name]: value }));
  const putIn = (group, name) => (value) => setDraft((now) => ({ ...now, [group]: { ...now[group], [name]: value } }));
  const wrong = (pointer) => objection(errors, pointer);
  const save = async () => {
    if (busy || !draft.name.trim()) return;
    setBusy(true);
    setErrors([]);
    try {
      const kept = fresh ? await api.post("/api/v1/queues", draft) : await api.put(`/api/v1/queues/${queue.id}`, draft);
      setDraft(bodyOf(kept));
      tell(say(fresh ? "monitor.queue_made" : "monitor.queue_saved", { name: kept.name }), "success");
      onSaved(kept);
    } catch (error) {
      setErrors(error.errors ?? []);
      tell(sayOf(`monitor.problem.${error.code}`, "monitor.problem.unknown"), "error");
      requestAnimationFrame(() => document.querySelector(".qs-form [aria-invalid='true']")?.focus());
    } finally {
      setBusy(false);
    }
  };
  const { departments, calendars, agents } = lists;
  const answering = agents.filter((agent) => agent.queues.some((one) => one.id === queue.id));
  const any = [null, say("monitor.none_chosen")];
  const choices = (items) => [any, ...items.map((one) => [one.id, one.name])];
  const pick = (area, names) => names.map((name) => [name, say(`monitor.${area}.${name}`)]);
  const section = (name, Icon, ...children) => h("section", { key: name, className: "qs-section", id: `qs-${name}`, "aria-labelledby": `qs-h-${name}` }, h("div", { className: "qs-sh" }, h(Sign, { of: Icon, size: "" }), h("div", { className: "col g2" }, h("h3", { className: "str", id: `qs-h-${name}` }, say(`monitor.section.${name}`)), h("p", { className: "meta muted" }, say(`monitor.section_about.${name}`)))), h("div", { className: "qs-grid" }, children));
  const message = (name, extra = {}) => h(MessageField, { key: name, label: say(`monitor.message.${name}`), hint: say(`monitor.message_hint.${name}`), value: draft.messages[name] ?? "", onChange: putIn("messages", name), off, queue: draft.name || say("monitor.new_queue"), test: `message-${name}`, error: wrong(`/messages/${name}`) || (errors.some((one) => one.pointer === "/messages" && String(one.message ?? "").includes(`${name}:`)) ? say("monitor.field_error.template") : ""), ...extra });

  return h("form", { className: "qs-form", onSubmit: (event) => (event.preventDefault(), save()), "data-testid": "queue-form", ref: first },
    section("basics", SECTIONS[0][1],
      h(Field, { key: "name", label: say("monitor.f.name"), error: wrong("/name") }, h(Text, { value: draft.name, onChange: put("name"), off, test: "f-name", error: wrong("/name"), required: true })),
      h("div", { key: "color", className: "ff" }, h("span", { className: "lbl", id: "qs-color" }, say("monitor.f.color")), h("div", { className: "qs-colors", role: "radiogroup", "aria-labelledby": "qs-color" }, HUES.map((hue) => h("button", { key: hue, type: "button", role: "radio", className: "qs-color", disabled: off, "aria-checked": hueOf(draft) === hue, "aria-label": say(`monitor.hue.${hue}`), title: say(`monitor.hue.${hue}`), onClick: () => put("color")(OF_HUE[hue]) }, h("span", { className: `dot ${hue}` }))))),
      h(Field, { key: "description", label: say("monitor.f.description"), optional: true, wide: true }, h(Text, { value: draft.description, onChange: put("description"), off, limit: 500, test: "f-description" })),
      h(Field, { key: "department", label: say("monitor.f.department"), hint: say("monitor.f.department_hint"), error: wrong("/department_id") }, h(Select, { value: draft.department_id, options: choices(departments), onChange: put("department_id"), off, test: "f-department" })),
      h(Field, { key: "priority", label: say("monitor.f.priority"), hint: say("monitor.f.priority_hint") }, h(Numeric, { value: draft.priority, onChange: put("priority"), off, max: 100, empty: false, test: "f-priority" })),
      h(Switch, { key: "default", on: draft.is_default, onChange: put("is_default"), label: say("monitor.f.default"), hint: say("monitor.f.default_hint"), off: off || queue.is_default, test: "f-default" }),
      h(Switch, { key: "active", on: draft.is_active, onChange: put("is_active"), label: say("monitor.f.active"), hint: say("monitor.f.active_hint"), off: off || draft.is_default, test: "f-active" })),
    section("distribution", SECTIONS[1][1],
      h(Field, { key: "how", label: say("monitor.f.distribution"), hint: say(`monitor.distribution_hint.${draft.distribution}`), wide: true }, h(Select, { value: draft.distribution, options: pick("distribution", ["least_busy", "round_robin", "skill_based", "manual"]), onChange: put("distribution"), off, test: "f-distribution" })),
      h("div", { key: "skills", className: "ff qs-wide" }, h("span", { className: "lbl" }, say("monitor.f.skills")), h(Words, { values: draft.skills, onChange: put("skills"), label: say("monitor.f.skills"), placeholder: say("monitor.f.skills_placeholder"), off, test: "f-skills" }), h("span", { className: "hint" }, say(draft.distribution === "skill_based" ? "monitor.f.skills_hint" : "monitor.f.skills_unused"))),
      h(Switch, { key: "sticky", on: draft.sticky, onChange: put("sticky"), label: say("monitor.f.sticky"), hint: say("monitor.f.sticky_hint"), off, test: "f-sticky" }),
      draft.sticky ? h(Field, { key: "stickys", label: say("monitor.f.sticky_seconds") }, h(Numeric, { value: draft.sticky_seconds, onChange: put("sticky_seconds"), off, max: 3600, empty: false, unit: say("monitor.unit.seconds"), test: "f-sticky-seconds" })) : h("span", { key: "stickyn" }),
      h(Switch, { key: "ring", on: draft.ring_seconds > 0, onChange: (on) => put("ring_seconds")(on ? 30 : 0), label: say("monitor.f.ring"), hint: say("monitor.f.ring_hint"), off, test: "f-ring" }),
      draft.ring_seconds > 0 ? h(Field, { key: "rings", label: say("monitor.f.ring_seconds") }, h(Numeric, { value: draft.ring_seconds, onChange: put("ring_seconds"), off, min: 1, max: 600, empty: false, unit: say("monitor.unit.seconds"), test: "f-ring-seconds" })) : h("span", { key: "ringn" }),
      h(Field, { key: "lost", label: say("monitor.f.reassign"), hint: say("monitor.f.reassign_hint") }, h(Numeric, { value: draft.reassign_after_seconds, onChange: put("reassign_after_seconds"), off, factor: 60, max: 1440, step: 0.5, unit: say("monitor.unit.minutes"), placeholder: say("monitor.never"), test: "f-reassign" })),
      !fresh && h("div", { key: "who", className: "ff qs-wide" }, h("span", { className: "lbl" }, say("monitor.f.who")), h("div", { className: "row g8 wrap" }, answering.length ? h(Fragment, null, h("span", { className: "qs-faces" }, answering.slice(0, 8).map((agent) => h(Face, { key: agent.id, ...faceOf(agent), size: "s" }))), h("span", { className: "dense" }, listText(answering.slice(0, 8).map((agent) => agent.name.split(" ")[0])))) : h("span", { className: "dense muted" }, say("monitor.f.who_none")), h(Link, { className: "link dense", to: "/team" }, say("monitor.to_team"))))),
    section("hours", SECTIONS[2][1],
      h(Field, { key: "calendar", label: say("monitor.f.calendar"), hint: say("monitor.f.calendar_hint"), error: wrong("/business_hours_id"), wide: true }, h(Select, { value: draft.business_hours_id, options: [[null, say("monitor.always_open")], ...calendars.map((one) => [one.id, one.open_now ? one.name : `${one.name} (${say("monitor.closed_now")})`])], onChange: put("business_hours_id"), off, test: "f-calendar" })),
      draft.business_hours_id && h(Field, { key: "closed", label: say("monitor.f.closed_action") }, h(Select, { value: draft.closed_action, options: pick("closed_action", ["refuse", "keep"]), onChange: put("closed_action"), off, test: "f-closed" })),
      draft.business_hours_id && h(Field, { key: "closing", label: say("monitor.f.at_closing") }, h(Select, { value: draft.at_closing, options: pick("at_closing", ["keep", "timeout"]), onChange: put("at_closing"), off, test: "f-closing" }))),
    section("limits", SECTIONS[3][1],
      h(Field, { key: "sla", label: say("monitor.f.sla"), hint: say("monitor.f.sla_hint") }, h(Numeric, { value: draft.sla_seconds, onChange: (value) => put("sla_seconds")(value === null ? null : Math.max(1, value)), off, factor: 60, min: 0, max: 10080, step: 0.5, unit: say("monitor.unit.minutes"), placeholder: say("monitor.no_promise"), test: "f-sla" })),
      h(Field, { key: "target", label: say("monitor.f.sla_target") }, h(Numeric, { value: draft.sla_target_percent, onChange: put("sla_target_percent"), off: off || draft.sla_seconds === null, min: 1, max: 100, empty: false, unit: "%", test: "f-target" })),
      h(Field, { key: "size", label: say("monitor.f.max_size"), hint: say("monitor.f.max_size_hint") }, h(Numeric, { value: draft.max_size, onChange: put("max_size"), off, min: 1, max: 10000, unit: say("monitor.unit.people"), placeholder: say("monitor.no_limit"), test: "f-size" })),
      h(Field, { key: "wait", label: say("monitor.f.max_wait"), hint: say("monitor.f.max_wait_hint") }, h(Numeric, { value: draft.max_wait_minutes, onChange: put("max_wait_minutes"), off, min: 1, max: 43200, unit: say("monitor.unit.minutes"), placeholder: say("monitor.no_limit"), test: "f-wait" })),
      h(Field, { key: "over", label: say("monitor.f.overflow"), hint: say("monitor.f.overflow_hint") }, h(Select, { value: draft.overflow.action, options: pick("overflow", ["none", "queue", "message"]), onChange: putIn("overflow", "action"), off, test: "f-overflow" })),
      draft.overflow.action === "queue" && h(Field, { key: "overq", label: say("monitor.f.overflow_queue"), error: wrong("/overflow/queue_id") || (errors.some((one) => one.pointer === "/overflow") ? say("monitor.field_error.missing") : "") }, h(Select, { value: draft.overflow.queue_id, options: choices(queues.filter((one) => one.id !== queue.id && one.is_active)), onChange: putIn("overflow", "queue_id"), off, test: "f-overflow-queue" })),
      draft.overflow.action === "message" && h("div", { key: "overm", className: "qs-wide" }, h(MessageField, { label: say("monitor.f.overflow_message"), value: draft.overflow.message, onChange: putIn("overflow", "message"), off, queue: draft.name, test: "f-overflow-message", error: errors.some((one) => one.pointer === "/overflow") ? say("monitor.field_error.missing") : "", variables: ["contact.first_name", "queue", "org.name"] }))),
    section("messages", SECTIONS[4][1],
      h("div", { key: "all", className: "qs-wide qs-messages" }, message("welcome"), message("position"),
        h(Field, { key: "every", label: say("monitor.f.position_every"), hint: say("monitor.f.position_every_hint") }, h(Numeric, { value: draft.position_every_minutes, onChange: put("position_every_minutes"), off, min: 1, max: 1440, unit: say("monitor.unit.minutes"), placeholder: say("monitor.never"), test: "f-every" })),
        message("waiting"), message("closed", { variables: ["contact.first_name", "queue", "org.name"] }), message("timeout", { variables: ["contact.first_name", "queue", "org.name"] }))),
    section("csat", SECTIONS[5][1],
      h(Switch, { key: "csat", on: draft.csat_enabled, onChange: put("csat_enabled"), label: say("monitor.f.csat"), hint: say("monitor.f.csat_hint"), off, test: "f-csat" }),
      draft.csat_enabled ? h(Field, { key: "after", label: say("monitor.f.csat_minutes") }, h(Numeric, { value: draft.csat_minutes, onChange: put("csat_minutes"), off, max: 1440, empty: false, unit: say("monitor.unit.minutes"), test: "f-csat-minutes" })) : h("span", { key: "none" }),
      draft.csat_enabled && h("div", { key: "texts", className: "qs-wide qs-messages" },
        h(MessageField, { label: say("monitor.f.csat_question"), hint: say("monitor.f.csat_question_hint"), value: draft.csat_question, onChange: put("csat_question"), off, queue: draft.name, test: "f-csat-question", error: wrong("/csat_question"), variables: ["contact.first_name", "queue", "org.name"] }),
        h(MessageField, { label: say("monitor.f.csat_thanks"), value: draft.csat_thanks, onChange: put("csat_thanks"), off, queue: draft.name, test: "f-csat-thanks", error: wrong("/csat_thanks"), variables: ["contact.first_name", "queue", "org.name"] }))),
    manage && h("div", { className: "qs-foot" },
      !fresh && h(Btn, { kind: "ghost", icon: Trash2, onClick: () => onDelete(queue), disabled: queue.is_default, title: queue.is_default ? say("monitor.default_stays") : undefined, test: "queue-delete" }, say("common.delete")),
      h("span", { className: "grow" }),
      dirty && !fresh && h("span", { className: "meta muted qs-unsaved" }, say("monitor.unsaved")),
      dirty && h(Btn, { kind: "ghost", onClick: () => (fresh ? onSaved(null) : (setDraft(bodyOf(queue)), setErrors([]))), test: "queue-discard" }, say(fresh ? "common.cancel" : "monitor.discard")),
      h("button", { type: "submit", className: "btn solid", disabled: !dirty || !draft.name.trim(), "data-busy": busy ? "true" : undefined, "data-testid": "queue-save" }, say(fresh ? "monitor.make_queue" : "common.save"))));
};

