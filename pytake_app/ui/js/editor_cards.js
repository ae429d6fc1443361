// What the cards of the canvas show, from a node's config: texts in words, rows, exits and problems.
import { getLang } from "$/public/pt_i18n.js";
import { alwaysFails, portsOf } from "$/public/pt_editor_doc.js";
import { S, say, sayOr, specOf } from "$/public/pt_editor.js";
import { ALONE } from "$/public/pt_editor_inspect.js";
import { duration, kindName, nodeName, plain, portName, visible } from "$/public/pt_editor_model.js";

const ROWS = 6; // of a list that a card shows; how many more is said
const WORDS = 12;

const optionLabel = (field, value) => {
  const option = field?.options.find((item) => String(item.value) === String(value));
  return option ? sayOr(option.label_key, String(value)) : String(value ?? "");
};

const shownRow = (field, row) => {
  const column = (name) => field.fields.find((item) => item.name === name);
  const right = ALONE.includes(row.operator) ? "" : row.operator ? row.compare_to : (row.value ?? row.path ?? row.phone ?? row.description);
  const between = row.operator ? optionLabel(column("operator"), row.operator) : row.kind !== undefined && column("kind") ? optionLabel(column("kind"), row.kind) : plain(right) ? (row.path !== undefined ? "←" : row.value !== undefined ? "=" : "") : "";
  return { left: plain(row.name ?? row.field ?? row.key ?? row.value) || "…", middle: between, right: plain(right) };
};

/** Some weekdays (Monday is 0) in words: "seg–sex, dom". */
const days = (list) => {
  const name = (day) => new Intl.DateTimeFormat(getLang(), { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + day)).replace(/\.$/, "");
  const sorted = [...new Set((Array.isArray(list) ? list : []).map(Number))].filter((day) => day >= 0 && day <= 6).sort((a, b) => a - b);
  const runs = [];
  for (const day of sorted) {
    const last = runs[runs.length - 1];
    if (last && day === last[1] + 1) last[1] = day;
    else runs.push([day, day]);
  }
  return runs.map(([from, to]) => (from === to ? name(from) : `${name(from)}${to === from + 1 ? ", " : "–"}${name(to)}`)).join(", ");
};

/** A schedule in words when it is a plain one ("seg–sex às 09:00"), else as it is written. */
const schedule = (cron) => {
  const [minute, hour, day, month, week] = String(cron ?? "").trim().split(/\s+/);
  if (![minute, hour].every((part) => /^\d{1,2}$/.test(part ?? "")) || day !== "*" || month !== "*" || !/^(\*|[0-7](-[0-7])?(,[0-7](-[0-7])?)*)$/.test(week ?? "")) return String(cron ?? "");
  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (week === "*") return say("canvas.every_day", { time });
  const list = week.split(",").flatMap((part) => {
    const [from, to = from] = part.split("-").map(Number);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => (from + i + 6) % 7); // cron counts from Sunday
  });
  return say("canvas.on_days", { days: days(list), time });
};

/** A flow by its name; while names aren't here yet, and for one that is gone, never its id. */
const flowName = (ref) => {
  if (!ref) return "";
  const is = (flow) => flow && (flow.id === ref || flow.slug === ref);
  const known = is(S.flow) ? (S.sync?.doc ?? S.flow) : S.flows?.find(is);
  return known?.name ?? (S.flows?.length ? say("canvas.flow_gone") : "…");
};

const NAMES_FLOWS = new Set();
/** Whether a type's card names other flows. */
export const namesFlows = (type) => {
  if (NAMES_FLOWS.size === 0) for (const spec of Object.values(S.specs)) if (spec.fields.some((field) => field.widget === "flow")) NAMES_FLOWS.add(spec.type);
  return NAMES_FLOWS.has(type);
};

const listed = (value, most, show) => {
  const all = (Array.isArray(value) ? value : []).filter(Boolean);
  return { items: all.slice(0, most).map(show), more: all.length > most ? say("canvas.more_rows", { count: all.length - most }) : "" };
};

/** Everything a card draws of one field, by its widget. */
const cardField = (node, field) => {
  const value = node.config[field.name] ?? field.default;
  switch (field.widget) {
    case "conditions":
    case "assignments":
    case "keyvalue": {
      const { items, more } = listed(value, ROWS, (row) => shownRow(field, row));
      return { rows: items, more };
    }
    case "weekhours":
      return { rows: listed(value, ROWS, (row) => ({ left: days(row.days) || "…", middle: "", right: `${row.opens ?? ""}–${row.closes ?? ""}` })).items, more: "" };
    case "words":
    case "tags": {
      const { items, more } = listed(value, WORDS, String);
      return { words: more ? [...items, more] : items };
    }
    case "select":
      return { text: optionLabel(field, value), raw: String(value ?? "") };
    case "duration":
      return { text: duration(value) };
    case "flow":
      return { text: flowName(value) };
    case "switch":
      return { on: Boolean(value), text: value ? optionLabel(field, value) : "" };
    case "intents":
      return { text: say("canvas.examples", { count: (Array.isArray(value) ? value : []).reduce((sum, item) => sum + (item?.examples?.length ?? 0), 0) }) };
    default:
      return { text: value === null || value === undefined || typeof value === "object" ? "" : field.name === "cron" ? schedule(value) : String(value) };
  }
};

/** A field's value in the words of its card, for texts beside each other; empty when a card would draw nothing of it. */
export const fieldWords = (field, value) => {
  const { text, rows, words } = { ...NOTHING, ...cardField({ config: { [field.name]: value } }, field) };
  if (rows.length) return rows.map(({ left, middle, right }) => [left, middle, right].filter(Boolean).join(" ")).join("\n");
  return words.length ? words.join(", ") : text;
};

const NOTHING = { text: "", raw: "", rows: [], words: [], more: "" };

/** The card of a node. `wired` are the ids of its connected ports. */
export const cardModel = (node, { selected, problems, wired, lit, current, showError, peer }) => {
  const spec = specOf(node.type);
  const fields = {};
  for (const field of spec?.fields ?? []) fields[field.name] = visible(field, node.config, spec) ? { ...NOTHING, ...cardField(node, field) } : NOTHING;
  const bad = problems?.ports ?? [];
  const seen = (port) => ({
    id: port.id,
    label: plain(portName(port)) || say("editor.untitled_option"),
    blank: port.label !== undefined && !plain(port.label),
    wired: wired.includes(port.id),
    bad: bad.includes(port.id) || (port.required && S.verified && !wired.includes(port.id)),
    lit: lit.includes(port.id),
    note: port.option?.description ? plain(port.option.description) : port.option?.weight !== undefined ? `${port.option.weight} %` : "",
  });
  const all = portsOf(spec, node.config);
  return {
    id: node.id,
    title: nodeName(node),
    kind: node.title && node.title !== kindName(node.type) ? kindName(node.type) : "",
    selected,
    current,
    visited: lit.length > 0 || current,
    errors: problems?.errors ?? 0,
    warnings: problems?.warnings ?? 0,
    peer: peer ? `${peer.name}${peer.more ? ` +${peer.more}` : ""}` : "",
    peer_hue: peer?.hue ?? "violet",
    options: all.filter((port) => port.option).map(seen),
    exits: all.filter((port) => !port.option && (port.id !== "error" || alwaysFails(node.type) || showError || wired.includes("error"))).map(seen),
    f: fields,
  };
};
