// What views show, made from the store: plain objects with ready texts, one function a slice.
import { fmt, getLang } from "$/public/pt_i18n.js";
import { nodeOf, portsOf } from "$/public/pt_editor_doc.js";
import { S, readOnly, say, sayOr, showsDraft, specOf } from "$/public/pt_editor.js";
import { may as grants } from "$/public/pt_rights.js";

/** Name of a node type. */
export const kindName = (type) => sayOr(specOf(type)?.name ?? "", type);
/** What a node is called on the canvas: its title, else its type's name. */
export const nodeName = (node) => node.title || kindName(node.type);
/** Initials of a person. */
export const initials = (name) => {
  const words = String(name).split(/\s+/).filter(Boolean);
  return (words.length < 2 ? words : [words[0], words[words.length - 1]]).map((word) => word[0]).join("").toUpperCase();
};
/** The name of an exit: the author's own, else its type's. */
export const portName = (port) => {
  if (port.label === undefined) return sayOr(port.key ?? "", port.id);
  const { operator, label } = port.option ?? {};
  // A case without a name of its own is called by what it asks: "is greater than 100".
  return operator && operator !== "equals" && !label ? `${sayOr(`node.switch.cases.operator.option.${operator}`, operator)} ${["empty", "not_empty"].includes(operator) ? "" : port.label}`.trim() : port.label;
};

/** What an exit is called. */
export const portLabel = (node, portId) => {
  const port = portsOf(specOf(node.type), node.config).find((item) => item.id === portId);
  return port ? plain(portName(port)) || say("editor.untitled_option") : portId;
};

/** A text without WhatsApp's marks and with variables by their last word. */
export const plain = (text) =>
  String(text ?? "")
    .replace(/\{\{\s*([^}|]*?)\s*(\|[^}]*)?\}\}/g, (_, name) => name.split(".").pop())
    .replace(/\s+/g, " ")
    .trim();

/** A length of time in minutes, in words. */
export const duration = (minutes) => {
  const value = Number(minutes);
  if (!Number.isFinite(value) || value <= 0) return "";
  for (const [unit, size] of [["day", 1440], ["hour", 60], ["minute", 1]]) {
    if (value >= size && value % size === 0) return new Intl.NumberFormat(getLang(), { style: "unit", unit, unitDisplay: "short" }).format(value / size);
  }
  if (value < 1) return new Intl.NumberFormat(getLang(), { style: "unit", unit: "second", unitDisplay: "short" }).format(Math.round(value * 60));
  return new Intl.NumberFormat(getLang(), { style: "unit", unit: "minute", unitDisplay: "short", maximumFractionDigits: 1 }).format(value);
};

/** What a language is called in the language of the interface. */
export const languageName = (locale) => {
  try {
    return new Intl.DisplayNames([getLang()], { type: "language" }).of(String(locale).replace("_", "-")) ?? locale;
  } catch {
    return locale; // not a language tag: shown as it is
  }
};

/** Does a field's condition (`show_if`) hold for a config? */
export const visible = (field, config, spec) =>
  Object.entries(field.show_if ?? {}).every(([name, values]) => {
    const other = spec.fields.find((item) => item.name === name);
    return values.includes(config[name] ?? other?.default ?? null);
  });

/** A finding as a sentence. */
export const findingText = (finding) => {
  const params = { label: "", ...finding.params };
  if (finding.port) {
    const node = finding.node_id ? nodeOf(S.doc, finding.node_id) : null;
    const label = node ? portLabel(node, finding.port) : finding.port;
    params.port = label;
    params.label = label;
  }
  if (params.language && finding.language) params.language = languageName(finding.language);
  const text = sayOr(`verify.${finding.code}`, finding.code, params);
  return finding.language && !finding.params?.language ? `${languageName(finding.language)}: ${text}` : text;
};

const saving = () => {
  if (!S.sync?.base) return "none";
  if (S.sync.waiting === 0) return "saved";
  return S.connected ? "saving" : "offline";
};

const top = () => {
  const errors = S.findings.filter((item) => item.severity === "error").length;
  return {
    phase: S.phase,
    name: S.doc?.name || S.flow?.name || "",
    status: S.flow?.status ?? "draft",
    live: S.flow?.live_version ?? 0,
    changes: S.flow?.draft?.changes ?? 0,
    saving: saving(),
    saved_at: S.sync?.savedAt ? new Date(S.sync.savedAt).toISOString() : (S.flow?.draft?.updated_at ?? ""),
    can_undo: Boolean(S.flow?.draft?.can_undo) || (S.sync?.waiting ?? 0) > 0,
    can_redo: Boolean(S.flow?.draft?.can_redo),
    locked: readOnly(),
    viewer: S.me.role !== "" && readOnly() && showsDraft(),
    overlay: S.overlay ?? "",
    layout_only: Boolean(S.change?.layout_only),
    may_publish: grants(S.me, "flows:publish") && !S.gone,
    version: S.version ?? 0,
    errors,
    tab: S.tab,
    sheet: S.sheet,
  };
};

const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

/** Palette entries that match what is typed, by group; those whose name fits come before those whose description does. */
export const paletteGroups = (query, { targetOnly = false } = {}) => {
  const wanted = fold(query.trim());
  const groups = new Map();
  for (const spec of Object.values(S.specs)) {
    if (!spec.palette || (targetOnly && !spec.target)) continue;
    const label = kindName(spec.type);
    const about = spec.help ? sayOr(spec.help, "") : "";
    if (wanted && !fold(`${label} ${spec.type} ${about}`).includes(wanted)) continue;
    const rank = !wanted || fold(label).startsWith(wanted) ? 0 : fold(label).includes(wanted) ? 1 : 2;
    const entry = { type: spec.type, label, icon: spec.icon, group: spec.group, about, rank };
    (groups.get(spec.group) ?? groups.set(spec.group, []).get(spec.group)).push(entry);
  }
  const best = (items) => Math.min(...items.map((item) => item.rank));
  return [...groups]
    .map(([group, items]) => ({ group, label: say(`node.group.${group}`), items: items.sort((a, b) => a.rank - b.rank), count: items.length }))
    .sort((a, b) => best(a.items) - best(b.items));
};

const palette = () => {
  const searching = S.query.trim() !== "";
  const groups = paletteGroups(S.query).map((group) => ({ ...group, open: searching || !S.closedGroups.includes(group.group) }));
  const known = S.recents.map((type) => specOf(type)).filter((spec) => spec?.palette);
  return {
    query: S.query,
    groups,
    none: groups.length === 0,
    recents: searching ? [] : known.map((spec) => ({ type: spec.type, label: kindName(spec.type), icon: spec.icon, group: spec.group })),
    locked: readOnly(),
  };
};

const ORDER = ["error", "warning", "info"];

/** What the field at a JSON pointer is called; empty for the whole block. */
export const fieldName = (node, pointer) => {
  let fields = specOf(node.type)?.fields ?? [];
  let name = "";
  for (const part of (pointer ?? "").split("/").filter((item) => item && !/^\d+$/.test(item))) {
    const field = fields.find((item) => item.name === part);
    if (!field) break;
    name = sayOr(field.label_key, part);
    fields = field.fields;
  }
  return name;
};

const findingItem = (finding, index) => {
  const node = finding.node_id ? nodeOf(S.doc, finding.node_id) : null;
  const spec = node && specOf(node.type);
  return { key: `${finding.code}-${finding.node_id}-${index}`, text: findingText(finding), node: node?.id ?? "", name: node ? [nodeName(node), fieldName(node, finding.pointer)].filter(Boolean).join(" · ") : say("editor.whole_flow"), icon: spec?.icon ?? "workflow", group: spec?.group ?? "canvas", severity: finding.severity, mend: finding.mend && !readOnly() ? sayOr(`verify.mend.${finding.mend}`, "") : "", index };
};

const check = () => {
  const found = S.doc ? S.findings.map(findingItem) : []; // `index` is the place in S.findings
  return {
    verified: S.verified,
    clean: S.verified && found.length === 0,
    errors: found.filter((item) => item.severity === "error").length,
    warnings: found.filter((item) => item.severity === "warning").length,
    groups: ORDER.map((severity) => ({ severity, label: say(`editor.severity_${severity}`), items: found.filter((item) => item.severity === severity) })).filter((group) => group.items.length > 0),
  };
};

const pickers = () => ({ flows: (S.flows ?? []).map(({ id, slug, name }) => ({ id, slug, name })) });

const slices = { top, palette, check, pickers };
const cache = new Map();

/** Teach the store another slice (the preview's). */
export const addSlice = (name, make) => {
  slices[name] = make;
};

/** The current value of a slice; computed once per change and language. */
export const sliceOf = (name) => {
  const mark = `${S.tick} ${getLang()}`;
  const known = cache.get(name);
  if (known?.mark === mark) return known.value;
  const value = slices[name]();
  cache.set(name, { mark, value });
  return value;
};

/** A time as a sentence fragment. */
export const relative = (value) => (value ? fmt.relative(getLang(), value) : "");
