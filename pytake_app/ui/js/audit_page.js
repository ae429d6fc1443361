// The audit log: who did what, from where, and what was there before.
import { createElement as h, Fragment, useEffect, useRef, useState } from "react";
import { ArrowRight, Bot, Download, KeyRound, RotateCw, ScrollText, Search, UserRound, UserX, X } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { DateField } from "$/public/pt_date_field.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { may } from "$/public/pt_rights.js";
import { Btn, Face, Menu, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { hueOf, initials } from "$/public/pt_inbox_model.js";
import { Field, Select } from "$/public/pt_queue_fields.js";
import { Failed, Forbidden, SettingsPage, Waiting } from "$/public/pt_settings_kit.js";
import { dayOf, fromWall } from "$/public/pt_zone.js";

const NONE = { q: "", actor_id: "", kind: "", action: "", period: "", since: "", until: "" };
const DAYS = { day: 1, week: 7, month: 30 };
const KEEP = [90, 180, 365, 730, 1825, 3650];
const SIGNS = { user: UserRound, api_key: KeyRound, system: Bot, visitor: UserX };
const PAGE = 50;

const query = (where) => {
  const asked = new URLSearchParams();
  for (const name of ["q", "actor_id", "kind", "action"]) if (where[name]) asked.set(name, where[name]);
  if (DAYS[where.period]) asked.set("since", new Date(Date.now() - DAYS[where.period] * 86400000).toISOString());
  if (where.period === "own") {
    if (where.since) asked.set("since", fromWall(`${where.since}T00:00`).toISOString());
    if (where.until) asked.set("until", fromWall(`${new Date(Date.parse(where.until) + 86400000).toISOString().slice(0, 10)}T00:00`).toISOString());
  }
  return asked;
};
/** Words of ours among the values: what the column is called, and how such a value is said. */
const WORDS = {
  role: (value) => `members.role_${value}`,
  plan: (value) => `plans.name_${value}`,
  locale: (value) => `common.language_${value.slice(0, 2)}`,
  consent: (value) => `inbox.consent.${value}`,
};
const STATUSES = { organization: (value) => `plans.status_${value}`, flow: (value) => `audit.flow_status.${value}` };
const wordOf = (entry, name, value) => {
  if (typeof value !== "string" || !value) return "";
  const key = (name === "status" ? STATUSES[entry.object_kind] : WORDS[name])?.(value);
  return key ? sayOf(key, "audit.field_other", { name: value }) : "";
};
/** A value of the entry as people read it. */
const shown = (entry, name, value) => wordOf(entry, name, value) || valueOf(value, entry.names);
const who = (entry) => (entry.actor_kind === "system" ? say("audit.system") : entry.actor_name || say(`audit.actor.${entry.actor_kind}`));
/** What an id is called, a list's words, a yes or no: a value as people read it. */
const valueOf = (value, names) => {
  if (value === null || value === undefined || value === "") return "–";
  if (value === true || value === false) return say(value ? "audit.yes" : "audit.no");
  if (Array.isArray(value)) return value.length ? value.map((one) => valueOf(one, names)).join(", ") : "–";
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${sayOf(`audit.field.${name}`, "audit.field_other", { name: name.replaceAll("_", " ") })}: ${valueOf(one, names)}`).join("; ");
  if (names[value]) return names[value];
  if (typeof value === "string" && /^[a-z_]+\.[a-z_]+$/.test(value)) return sayOf(`roles.perm.${value.replace(".", "_")}`, "audit.field_other", { name: value });
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return fmt.exact(getLang(), value);
  return String(value);
};
const fieldOf = (name) => sayOf(`audit.field.${name}`, "audit.field_other", { name: name.replaceAll("_", " ") });
const kindOf = (kind) => sayOf(`audit.kind.${kind}`, "audit.kind_other", { kind: kind.replaceAll("_", " ") });
const nameOf = (entry) => (entry.object_kind === "role" ? sayOf(`roles.name.${entry.object_name}`, "audit.kind.role") : entry.object_kind === "flow_version" ? say("audit.version", { number: entry.object_name, flow: entry.names[entry.object_id] ?? "" }) : entry.object_name || entry.names[entry.object_id] || "");
const doneOf = (entry) => entry.object_kind === "role" ? say("audit.action.updated") : sayOf(`audit.action.${entry.action}`, "audit.action_other", { action: entry.action.replaceAll("_", " ") });
/** A role's permission is one fact: what it was and is now; without a row of its own it is as by default. */
const ofRole = (entry) => {
  const row = entry.after ?? entry.before;
  const permission = row.permission ?? "";
  const word = (part) => (part && "allowed" in part ? say(part.allowed ? "audit.yes" : "audit.no") : say("roles.is_default"));
  return [[permission ? sayOf(`roles.perm.${permission.replace(".", "_")}`, "audit.field_other", { name: permission }) : fieldOf("allowed"), word(entry.before), word(entry.after)]];
};
const differences = (entry) => {
  const before = entry.before ?? {};
  const after = entry.after ?? {};
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].map((name) => [name, before[name], after[name]]);
};
/** The entry's changes in one line. */
const brief = (entry) => entry.object_kind === "role" ? ofRole(entry).map(([name, before, after]) => `${name}: ${before} → ${after}`).join(" · ") : differences(entry).slice(0, 3).map(([name, before, after]) => (entry.before && entry.after ? `${fieldOf(name)}: ${shown(entry, name, before)} → ${shown(entry, name, after)}` : `${fieldOf(name)}: ${shown(entry, name, after ?? before)}`)).join(" · ");

/** Somebody did it to themselves, as signing in: once is enough to name them. */
const itself = (entry) => entry.actor_id !== null && entry.actor_id === entry.object_id;

const Detail = ({ entry, onClose, onOnly }) => {
  const role = entry.object_kind === "role";
  const rows = role ? ofRole(entry) : differences(entry);
  return h(Modal, { wide: true, title: `${who(entry)} ${doneOf(entry)} ${itself(entry) ? "" : kindOf(entry.object_kind)}`.trim(), detail: fmt.exact(getLang(), entry.at), onClose, test: "audit-detail", foot: h(Fragment, null, entry.object_id && h(Btn, { kind: "ghost", onClick: () => onOnly({ object_id: entry.object_id }), test: "audit-same-object" }, say("audit.same_object")), h(Btn, { onClick: onClose }, say("common.close"))) },
    h("dl", { className: "al-facts" },
      [["who", who(entry)], ["what", `${kindOf(entry.object_kind)} ${nameOf(entry)}`.trim()], ["from", entry.address || "–"]].map(([name, value]) => h("div", { key: name }, h("dt", null, say(`audit.${name}`)), h("dd", { className: "break" }, value)))),
    rows.length > 0 ? h("div", { className: "al-scroll" }, h("table", { className: "al-diff" },
      h("thead", null, h("tr", null, ["field", "before", "after"].map((name) => h("th", { key: name, scope: "col", className: "meta muted" }, say(`audit.${name}`))))),
      h("tbody", null, rows.map(([name, before, after]) => h("tr", { key: name }, h("th", { scope: "row", className: "dense med" }, role ? name : fieldOf(name)), h("td", { className: role || (entry.before && before !== undefined) ? "was" : "muted" }, role || entry.before ? shown(entry, name, before) : "–"), h("td", { className: role || (entry.after && after !== undefined) ? "is" : "muted" }, role || entry.after ? shown(entry, name, after) : "–")))))) : h("p", { className: "muted dense" }, say("audit.no_values")));
};

const Entry = ({ entry, onOpen }) => h("li", { className: "al-row", "data-testid": "audit-entry", "data-action": entry.action },
  h("button", { type: "button", className: "al-open", onClick: onOpen },
    entry.actor_kind === "user" && entry.actor_name ? h(Face, { initials: initials(entry.actor_name), hue: hueOf(entry.actor_id), picture: entry.actor_avatar_url }) : h("span", { className: `av a-${entry.actor_kind === "api_key" ? "violet" : "slate"}`, "aria-hidden": true }, h(Sign, { of: SIGNS[entry.actor_kind] ?? Bot })),
    h("span", { className: "grow col" },
      h("span", { className: "dense" }, h("span", { className: "med" }, who(entry)), ` ${doneOf(entry)} `, !itself(entry) && h(Fragment, null, h("span", { className: "muted" }, kindOf(entry.object_kind)), nameOf(entry) && h("span", { className: "med" }, ` ${nameOf(entry)}`))),
      h("span", { className: "meta muted ell" }, brief(entry))),
    h("span", { className: "meta muted nw tn" }, fmt.time(getLang(), entry.at)),
    h(Sign, { of: ArrowRight, size: "xs" })));

const Log = ({ me }) => {
  const [where, setWhere] = useState(NONE);
  const [only, setOnly] = useState(null);
  const [rows, setRows] = useState(null);
  const [next, setNext] = useState(null);
  const [words, setWords] = useState({ actors: [], actions: [], kinds: [] });
  const [failed, setFailed] = useState(null);
  const [busy, setBusy] = useState(false);
  const [open, setOpen] = useState(null);
  const [days, setDays] = useState(null);
  const turn = useRef(0);
  const asked = () => {
    const found = query(where);
    if (only) found.set("object_id", only.object_id);
    return found;
  };
  const load = async (cursor) => {
    const mine = (turn.current += 1);
    setFailed(null);
    setBusy(true);
    try {
      const wanted = asked();
      wanted.set("limit", PAGE);
      if (cursor) wanted.set("cursor", cursor);
      const page = await api.get(`/api/v1/audit-log?${wanted}`);
      if (mine !== turn.current) return; // asked again meanwhile
      setRows((now) => (cursor ? [...now, ...page.items] : page.items));
      setNext(page.next_cursor);
    } catch (error) {
      if (mine === turn.current) setFailed(error);
    } finally {
      if (mine === turn.current) setBusy(false);
    }
  };
  useEffect(() => {
    const timer = setTimeout(load, where.q ? 250 : 0);
    return () => clearTimeout(timer);
  }, [where, only]);
  useEffect(() => {
    api.get("/api/v1/audit-log/words").then(setWords, () => {}); // without it the filters are shorter, nothing more
    api.get("/api/v1/settings").then((settings) => setDays(settings.audit_days), () => {});
  }, []);
  if (!may(me, "audit:read") || failed?.status === 403) return h(Forbidden, { detail: say("audit.no_permission") });
  const put = (name) => (value) => setWhere((now) => ({ ...now, [name]: value ?? "" }));
  const narrowed = only || Object.keys(NONE).some((name) => where[name]);
  const exportable = may(me, "data:export");
  const save = (format) => window.location.assign(`/api/v1/audit-log/export?${(() => {
    const wanted = asked();
    wanted.set("format", format);
    return wanted;
  })()}`);
  const keep = async (value) => {
    try {
      setDays((await api.patch("/api/v1/settings", { audit_days: Number(value) })).audit_days);
      tell(say("audit.kept_saved"), "success");
    } catch {
      tell(say("audit.kept_failed"), "error");
    }
  };
  const groups = [];
  for (const entry of rows ?? []) {
    if (groups.at(-1)?.day !== dayOf(entry.at)) groups.push({ day: dayOf(entry.at), at: entry.at, entries: [] });
    groups.at(-1).entries.push(entry);
  }
  return h(Fragment, null,
    h("div", { className: "al-bar", role: "search" },
      h("span", { className: "al-find" }, h(Sign, { of: Search }), h("input", { className: "input", type: "search", value: where.q, maxLength: 200, placeholder: say("audit.search"), "aria-label": say("audit.search"), onChange: (event) => put("q")(event.target.value), "data-testid": "audit-q" })),
      h(Select, { value: where.actor_id, label: say("audit.who"), options: [["", say("audit.everybody")], ...words.actors.map((one) => [one.id, one.name])], onChange: put("actor_id"), test: "audit-actor" }),
      h(Select, { value: where.kind, label: say("audit.what"), options: [["", say("audit.everything")], ...words.kinds.map((one) => [one, kindOf(one)])], onChange: put("kind"), test: "audit-kind" }),
      h(Select, { value: where.action, label: say("audit.done"), options: [["", say("audit.every_action")], ...words.actions.map((one) => [one, sayOf(`audit.action.${one}`, "audit.action_other", { action: one.replaceAll("_", " ") })])], onChange: put("action"), test: "audit-action" }),
      h(Select, { value: where.period, label: say("audit.when"), options: [["", say("audit.always")], ...["day", "week", "month", "own"].map((one) => [one, say(`audit.period_${one}`)])], onChange: put("period"), test: "audit-period" }),
      where.period === "own" && ["since", "until"].map((name) => h("span", { key: name, className: "al-day-field" }, h(DateField, { value: where[name], label: say(`audit.${name}`), placeholder: say(`audit.${name}`), optional: true, min: name === "until" ? where.since : undefined, max: name === "since" ? where.until || dayOf(Date.now()) : dayOf(Date.now()), onChange: put(name), test: `audit-${name}` }))),
      h(Menu, { label: say("audit.export"), items: [{ key: "csv", label: "CSV", run: () => save("csv"), test: "audit-csv" }, { key: "json", label: "JSON", run: () => save("json"), test: "audit-json" }], trigger: h("button", { type: "button", className: "btn line", disabled: !exportable, title: exportable ? undefined : say("audit.no_export"), "data-testid": "audit-export" }, h(Sign, { of: Download }), say("audit.export")) })),
    narrowed && h("div", { className: "row g8" }, only && h("span", { className: "bdg violet" }, say("audit.same_object")), h(Btn, { kind: "ghost", small: true, icon: X, onClick: () => {
      setWhere(NONE);
      setOnly(null);
    }, test: "audit-clear" }, say("audit.clear"))),
    failed ? h(Failed, { error: failed, onRetry: () => load() }) : !rows ? h(Waiting, { rows: 6 }) : rows.length === 0 ? h("div", { className: "sg-card" }, h("div", { className: "state" }, h("div", { className: "pic" }, h(Sign, { of: ScrollText, size: "l" })), h("div", { className: "str" }, say("audit.none")), h("div", { className: "txt dense" }, say(narrowed ? "audit.none_found" : "audit.none_yet")))) : h("div", { className: "sg-card al-card", "aria-busy": busy, "data-testid": "audit-log" },
      groups.map((group) => h("section", { key: group.day }, h("h3", { className: "al-day" }, fmt.date(getLang(), group.at)), h("ul", { className: "sg-rows" }, group.entries.map((entry) => h(Entry, { key: entry.id, entry, onOpen: () => setOpen(entry) }))))),
      next && h("div", { className: "foot" }, h(Btn, { busy, icon: RotateCw, onClick: () => load(next), test: "audit-more" }, say("audit.more")))),
    days !== null && h("div", { className: "sg-card" }, h("div", { className: "sg-grid" }, h(Field, { label: say("audit.kept"), hint: may(me, "settings:manage") ? say("audit.kept_hint") : say("audit.kept_not_yours") }, h(Select, { value: String(days), off: !may(me, "settings:manage"), options: [...new Set([...KEEP, days])].sort((a, b) => a - b).map((one) => [String(one), say("audit.days", { count: one })]), onChange: keep, test: "audit-days" })))),
    open && h(Detail, { entry: open, onClose: () => setOpen(null), onOnly: (chosen) => {
      setOnly(chosen);
      setOpen(null);
    } }));
};

/** The page; `me` is `{id, role, permissions}` of who is signed in. */
export const AuditRoot = ({ me }) => h(SettingsPage, { of: Log, given: Boolean(me?.id), me });
