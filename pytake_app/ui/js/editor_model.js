// What views show, made from the store: plain objects with ready texts, one function a slice.
import { fmt, getLang } from "$/public/pt_i18n.js";
import { at, edgeAt, indexOf, nodeOf, portsOf, variablesOf } from "$/public/pt_editor_doc.js";
import { S, readOnly, say, sayOr, specOf } from "$/public/pt_editor.js";

/** Name of a node type. */
export const kindName = (type) => sayOr(specOf(type)?.name ?? "", type);
/** What a node is called on the canvas: its title, else its type's name. */
export const nodeName = (node) => node.title || kindName(node.type);
/** Initials of a person. */
export const initials = (name) => {
  const words = String(name).split(/\s+/).filter(Boolean);
  return (words.length < 2 ? words : [words[0], words[words.length - 1]]).map((word) => word[0]).join("").toUpperCase();
};
export const portName = (port) => (port.label !== undefined ? port.label : sayOr(port.key ?? "", port.id));

/** What an exit is called. */
export const portLabel = (node, portId) => {
  const port = portsOf(specOf(node.type), node.config).find((item) => item.id === portId);
  return port ? plain(portName(port)) : portId;
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

const problemAt = (nodeId, pointer) => S.findings.find((item) => item.node_id === nodeId && (item.pointer ?? "") === pointer && item.severity !== "info");

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

const issueOf = (nodeId, field, value, path) => {
  const pointer = "/" + path.join("/");
  if (field.max && typeof value === "string" && value.length > field.max) return say("editor.too_long", { count: value.length - field.max });
  if (field.widget === "number" && value !== null && value !== undefined && value !== "") {
    if (typeof value !== "number") return say("editor.not_a_number");
    if (field.minimum != null && value < field.minimum) return say("editor.too_small", { min: field.minimum });
    if (field.maximum != null && value > field.maximum) return say("editor.too_big", { max: field.maximum });
  }
  const found = problemAt(nodeId, pointer);
  return found ? findingText(found) : "";
};

const base = (nodeId, field, config, path) => {
  const value = at(config, path) ?? field.default ?? null;
  return {
    key: `${nodeId}/${path.join("/")}`,
    node: nodeId,
    path: path.map(String).join("/"),
    name: field.name,
    widget: field.widget,
    label: sayOr(field.label_key, field.name),
    help: field.help_key ? sayOr(field.help_key, "") : "",
    placeholder: field.placeholder_key ? sayOr(field.placeholder_key, "") : "",
    value,
    text: value === null || typeof value === "object" ? "" : String(value),
    on: Boolean(value),
    max: field.max ?? 0,
    minimum: field.minimum ?? null,
    maximum: field.maximum ?? null,
    required: field.required,
    variables: field.variables,
    disabled: readOnly(),
    issue: issueOf(nodeId, field, value, path),
    choices: field.options.map((option) => ({ value: option.value, label: sayOr(option.label_key, option.value), on: String(option.value) === String(value) })),
  };
};

const ROW_LISTS = ["buttons", "cases", "branches", "intents", "conditions", "assignments", "keyvalue", "sections", "weekhours"];

const rowsOf = (nodeId, field, config, path) => {
  const items = at(config, path);
  const columns = field.fields.filter((column) => column.name !== "id");
  return (Array.isArray(items) ? items : []).map((item, index) => ({
    index,
    key: `${nodeId}/${path.join("/")}/${item?.id ?? index}`,
    path: path.map(String).join("/"),
    cells: columns
      .filter((column) => !ROW_LISTS.includes(column.widget) && visible(column, item ?? {}, field))
      .map((column) => {
        const cell = base(nodeId, column, config, [...path, index, column.name]);
        const words = Array.isArray(cell.value) ? cell.value.map(String) : [];
        return { ...cell, placeholder: cell.placeholder || cell.label, widget: column.name === "days" ? "days" : column.widget, words };
      }),
    nested: columns
      .filter((column) => ROW_LISTS.includes(column.widget))
      .map((column) => listOf(nodeId, column, config, [...path, index, column.name])),
  }));
};

const listOf = (nodeId, field, config, path) => {
  const rows = rowsOf(nodeId, field, config, path);
  const total = field.widget === "sections" ? rows.reduce((sum, row) => sum + (row.nested[0]?.rows.length ?? 0), 0) : rows.length;
  return {
    ...base(nodeId, field, config, path),
    rows,
    count: rows.length,
    full: Boolean(field.max) && rows.length >= field.max,
    tally: field.max ? `${total} / ${field.max}` : "",
    add: sayOr(`node.add.${field.widget}`, say("editor.add_row")),
  };
};

/** The form of the selected node. */
export const formModel = (node) => {
  const spec = specOf(node.type);
  return (spec?.fields ?? [])
    .filter((field) => visible(field, node.config, spec))
    .map((field) => {
      const item = ROW_LISTS.includes(field.widget) ? listOf(node.id, field, node.config, [field.name]) : { ...base(node.id, field, node.config, [field.name]), rows: [], full: false, tally: "", add: "", count: 0 };
      if (field.widget === "words" || field.widget === "tags") item.words = Array.isArray(item.value) ? item.value.map(String) : [];
      else item.words = [];
      item.advanced = Boolean(field.advanced);
      item.shown = item.text ? duration(item.value) : "";
      return item;
    });
};

const leadsTo = (node) =>
  portsOf(specOf(node.type), node.config)
    .map((port) => {
      const edge = edgeAt(S.doc, node.id, port.id);
      const target = edge && nodeOf(S.doc, edge.target);
      return target && { port: plain(portName(port)), id: target.id, title: nodeName(target), icon: specOf(target.type)?.icon ?? "circle", group: specOf(target.type)?.group ?? "canvas" };
    })
    .filter(Boolean);

const SETTING = { node: "$flow", issue: "", placeholder: "", text: "", value: null, words: [], max: 0, variables: false, choices: [] };

const inspector = () => {
  const doc = S.doc;
  if (!doc) return { mode: "none" };
  if (S.edge) {
    const edge = indexOf(doc).edges.get(S.edge);
    const source = edge && nodeOf(doc, edge.source);
    const target = edge && nodeOf(doc, edge.target);
    if (source && target) return { mode: "edge", from: nodeName(source), from_id: source.id, to: nodeName(target), to_id: target.id, port: portLabel(source, edge.port), locked: readOnly() };
  }
  if (S.selected.length > 1) return { mode: "many", count: S.selected.length, locked: readOnly() };
  const node = S.selected.length === 1 ? nodeOf(doc, S.selected[0]) : null;
  if (!node) {
    const settings = doc.settings ?? {};
    return {
      mode: "none",
      expiry_field: { ...SETTING, key: "flow/expiry", path: "expiry_minutes", widget: "duration", label: say("editor.expiry"), value: settings.expiry_minutes ?? 10, disabled: readOnly() },
      words_field: { ...SETTING, key: "flow/words", path: "interrupt_keywords", widget: "words", label: say("editor.interrupt"), words: settings.interrupt_keywords ?? [], disabled: readOnly() },
    };
  }
  const spec = specOf(node.type);
  const fields = formModel(node);
  const general = S.findings.filter((item) => item.node_id === node.id && !item.pointer && item.severity !== "info");
  return {
    mode: "node",
    id: node.id,
    type: node.type,
    group: spec?.group ?? "canvas",
    icon: spec?.icon ?? "circle",
    title: node.title,
    name: nodeName(node),
    kind: node.title ? kindName(node.type) : say(`node.group.${spec?.group ?? "canvas"}`),
    help: spec?.help ? sayOr(spec.help, "") : "",
    locked: readOnly(),
    main: fields.filter((field) => !field.advanced),
    more: fields.filter((field) => field.advanced),
    more_wrong: fields.some((field) => field.advanced && field.issue),
    findings: general.map((item) => ({ text: findingText(item), severity: item.severity })),
    next: leadsTo(node),
    has_error: portsOf(spec, node.config).some((port) => port.id === "error"),
    error_shown: S.shownErrors.includes(node.id) || Boolean(edgeAt(doc, node.id, "error")),
    error_wired: Boolean(edgeAt(doc, node.id, "error")),
  };
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
    viewer: S.me.role !== "" && readOnly() && S.version === null,
    version: S.version ?? 0,
    errors,
    tab: S.tab,
    sheet: S.sheet,
  };
};

const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

/** Palette entries that match what is typed, by group. */
export const paletteGroups = (query, { targetOnly = false } = {}) => {
  const wanted = fold(query.trim());
  const groups = new Map();
  for (const spec of Object.values(S.specs)) {
    if (!spec.palette || (targetOnly && !spec.target)) continue;
    const label = kindName(spec.type);
    const about = spec.help ? sayOr(spec.help, "") : "";
    if (wanted && !fold(`${label} ${spec.type} ${about}`).includes(wanted)) continue;
    const entry = { type: spec.type, label, icon: spec.icon, group: spec.group, about };
    (groups.get(spec.group) ?? groups.set(spec.group, []).get(spec.group)).push(entry);
  }
  return [...groups].map(([group, items]) => ({ group, label: say(`node.group.${group}`), items, count: items.length }));
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
const fieldName = (node, pointer) => {
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

const versions = () => ({
  phase: !S.versions ? "loading" : S.versions.failed ? "error" : S.versions.items.length ? "ready" : "empty",
  shown: S.version ?? 0,
  locked: !["org_admin", "super_admin"].includes(S.me.role),
  changes: S.flow?.draft?.changes ?? 0,
  items: (S.versions?.items ?? []).map((item) => ({ ...item, running: item.running_sessions, on: item.version === S.version, author: item.published_by === S.me.id ? say("editor.by_you") : (S.users?.[item.published_by] ?? "") })),
  confirm: S.confirm?.kind === "rollback" ? S.confirm.version : 0,
});

const publish = () => ({
  open: Boolean(S.publish),
  ...check(),
  note: S.publish?.note ?? "",
  busy: Boolean(S.publish?.busy),
  error: S.publish?.error ?? "",
  changes: S.flow?.draft?.changes ?? 0,
  live: S.flow?.live_version ?? 0,
  next: (S.flow?.live_version ?? 0) + 1,
  running: S.flow?.running_sessions ?? 0,
});

const pickers = () => ({ flows: (S.flows ?? []).map(({ id, slug, name }) => ({ id, slug, name })) });

/** Variables that a text may use: the flow's own and the standing ones. */
export const variableChoices = () => {
  const own = S.doc ? variablesOf(S.doc, S.specs).map(({ name }) => ({ insert: `{{ session.${name} }}`, label: name, about: say("editor.var_session"), own: true })) : [];
  const standing = ["contact.name", "contact.first_name", "contact.phone", "contact.email", "message.text", "flow.name", "org.name", "now"];
  return [...own, ...standing.map((name) => ({ insert: `{{ ${name} }}`, label: name, about: sayOr(`editor.var_${name.replace(".", "_")}`, name), own: false }))];
};

const slices = { top, palette, inspector, check, versions, publish, pickers };
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
