// What the inspector shows: the form of the selected block as plain objects with ready texts.
import { getLang, trKey } from "$/public/pt_i18n.js";
import { alwaysFails, at, edgeAt, indexOf, nodeOf, portsOf } from "$/public/pt_editor_doc.js";
import { S, readOnly, say, sayOr, specOf } from "$/public/pt_editor.js";
import { addSlice, duration, findingText, kindName, nodeName, plain, portLabel, portName, visible } from "$/public/pt_editor_model.js";
import { grouped, groupText, ofTranslation } from "$/public/pt_editor_findings.js";
import { draftOf } from "$/public/pt_editor_drafts.js";
import { fewerOn, lengthOf, limitsFor } from "$/public/pt_editor_refs.js";

/** Widgets that are lists of rows. */
export const ROW_LISTS = ["buttons", "cases", "branches", "intents", "conditions", "assignments", "keyvalue", "sections", "weekhours"];
/** Widgets whose value is a list of words. */
/** Widgets that need no help text: they show how they are filled in. */
const PLAIN_ENOUGH = ["cron", "dates", "rotation", "agent", "audience", "timezone", "emoji"];
const WORD_LISTS = ["words", "tags", "dates", "days"];

const problemAt = (nodeId, pointer) => S.findings.find((item) => item.node_id === nodeId && (item.pointer ?? "") === pointer && item.severity !== "info");

/** Why a value can't be a number of this field; empty when it can. */
export const numberIssue = (field, value) => {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value !== "number" || !Number.isFinite(value)) return say("editor.not_a_number");
  if (field.minimum != null && value < field.minimum) return say("editor.too_small", { min: field.minimum });
  if (field.maximum != null && value > field.maximum) return say("editor.too_big", { max: field.maximum });
  return "";
};

const VARIABLE = /^$|^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** What is wrong with a field; `mild`: worth knowing, but it hinders nothing. */
const issueOf = (nodeId, field, value, path, key) => {
  const draft = draftOf(key);
  if (draft) return { issue: draft.issue };
  if (field.max && typeof value === "string") {
    const over = lengthOf(value) - field.max;
    if (over > 0) return { issue: say("editor.too_long", { count: over }) };
  }
  if (field.widget === "number" || field.widget === "duration") {
    const wrong = numberIssue(field, value);
    if (wrong) return { issue: wrong };
  }
  if (field.widget === "variable" && typeof value === "string" && !VARIABLE.test(value)) return { issue: say("inspector.bad_variable") };
  // What is wrong with a field that this one's control edits too is told here.
  const names = path.length === 1 ? [field.name, ...(specOf(nodeOf(S.doc, nodeId)?.type)?.fields ?? []).filter((other) => other.beside === field.name).map((other) => other.name)] : [path.join("/")];
  const found = names.map((name) => problemAt(nodeId, `/${name}`)).find(Boolean);
  const filled = found?.code === "missing_value" && names.length === 1 && typeof value === "string" && value.trim();
  return found && !filled ? { issue: findingText(found), mild: found.severity !== "error" } : {}; // what was just filled in is not called empty until the server has seen it
};

const base = (node, field, path, list = "") => {
  const value = at(node.config, path) ?? field.default ?? null;
  const key = `${node.id}/${path.join("/")}`;
  return {
    key,
    node: node.id,
    type: node.type,
    path: path.map(String).join("/"),
    name: field.name,
    widget: field.widget,
    label: sayOr(field.label_key, field.name),
    help: field.help_key && !PLAIN_ENOUGH.includes(field.widget) ? sayOr(field.help_key, "") : "",
    placeholder: sayOr(`inspector.eg.${node.type}.${field.name}`, sayOr(`inspector.eg.${field.name}`, "")),
    value,
    text: value === null || typeof value === "object" ? "" : String(value),
    on: Boolean(value),
    words: WORD_LISTS.includes(field.widget) && Array.isArray(value) ? value.map(String) : [],
    max: field.max ?? 0,
    minimum: field.minimum ?? null,
    maximum: field.maximum ?? null,
    required: Boolean(field.required),
    variables: Boolean(field.variables),
    secrets: Boolean(field.secrets),
    disabled: readOnly(),
    issue: "",
    mild: false,
    ...issueOf(node.id, field, value, path, key),
    limits: field.widget === "textarea" || field.max ? limitsFor(field.name, value, list) : [],
    choices: field.options.map((option) => ({ value: option.value, label: sayOr(option.label_key, option.value), on: String(option.value) === String(value) })),
    rows: [],
    full: false,
    tally: "",
    add: "",
    count: 0,
  };
};

/** Operators that need nothing to compare with. */
export const ALONE = ["empty", "not_empty"];

const cellShown = (node, field, row, column) => !(field.widget === "conditions" && column.name === "compare_to" && ALONE.includes(row.operator));

const cellOf = (node, field, row, column, path) => {
  const cell = base(node, column, path, field.widget);
  if (column.name === "days") Object.assign(cell, { widget: "days", words: Array.isArray(cell.value) ? cell.value.map(String) : [] });
  if (field.widget === "assignments" && column.name === "name" && row.target === "contact") cell.widget = "field";
  return { ...cell, placeholder: cell.placeholder || cell.label };
};

const rowsOf = (node, field, path) => {
  const items = at(node.config, path);
  const columns = field.fields.filter((column) => column.name !== "id" && !column.beside);
  return (Array.isArray(items) ? items : []).map((raw, index) => {
    const item = raw ?? {};
    return {
      index,
      key: `${node.id}/${path.join("/")}/${item.id ?? index}`,
      path: path.map(String).join("/"),
      cells: columns.filter((column) => !ROW_LISTS.includes(column.widget) && visible(column, item, field) && cellShown(node, field, item, column)).map((column) => cellOf(node, field, item, column, [...path, index, column.name])),
      nested: columns.filter((column) => ROW_LISTS.includes(column.widget)).map((column) => listOf(node, column, [...path, index, column.name])),
      wired: item.id ? Boolean(edgeAt(S.doc, node.id, `option:${item.id}`) || edgeAt(S.doc, node.id, `case:${item.id}`)) : false,
    };
  });
};

const addLabel = (node, field) => sayOr(`inspector.add.${node.type}.${field.name}`, sayOr(`inspector.add.${field.name}`, sayOr(`inspector.add.${field.widget}`, say("editor.add_row"))));

const listOf = (node, field, path) => {
  const rows = rowsOf(node, field, path);
  const rowsInAll = (at(node.config, [path[0]]) ?? []).reduce?.((sum, section) => sum + (section?.rows?.length ?? 0), 0) ?? 0;
  const inSection = path.length > 1 && field.name === "rows";
  const total = field.widget === "sections" || inSection ? rowsInAll : rows.length;
  const full = Boolean(field.max) && (inSection ? rowsInAll : rows.length) >= field.max;
  const own = base(node, field, path);
  return {
    ...own,
    rows,
    fewer: own.disabled ? "" : fewerOn(field.widget, total).map(({ name, max }) => say("inspector.fewer_on", { channel: name, count: max })).join(" "),
    count: rows.length,
    full,
    tally: field.max && field.max <= 20 ? `${total} / ${field.max}` : "",
    add: addLabel(node, field),
  };
};

/** The form of the selected node. */
export const formModel = (node) => {
  const fields = specOf(node.type)?.fields ?? [];
  return fields
    .filter((field) => !field.beside && visible(field, node.config, { fields }))
    .map((field) => ({
      ...(ROW_LISTS.includes(field.widget) ? listOf(node, field, [field.name]) : base(node, field, [field.name])),
      advanced: Boolean(field.advanced),
    }));
};

const leadsTo = (node) =>
  portsOf(specOf(node.type), node.config)
    .map((port) => {
      const edge = edgeAt(S.doc, node.id, port.id);
      const target = edge && nodeOf(S.doc, edge.target);
      return target && { port: plain(portName(port)), id: target.id, title: nodeName(target), icon: specOf(target.type)?.icon ?? "circle", group: specOf(target.type)?.group ?? "canvas" };
    })
    .filter(Boolean);

const setting = (name, widget, extra = {}) => {
  const value = S.doc.settings?.[name] ?? extra.value ?? null;
  const key = `$flow/${name}`;
  return {
    key, node: "$flow", type: "$flow", path: name, name, widget, label: say(`inspector.flow_${name}`), help: sayOr(`inspector.flow_${name}_help`, ""), placeholder: sayOr(`inspector.flow_${name}_eg`, ""),
    value, text: value === null || typeof value === "object" ? "" : String(value), on: Boolean(value), words: Array.isArray(value) ? value.map(String) : [], max: 0, minimum: null, maximum: null, required: false, variables: false, secrets: false,
    disabled: readOnly(), issue: draftOf(key)?.issue ?? "", limits: [], choices: [], rows: [], full: false, tally: "", add: "", count: 0, ...extra,
  };
};

const chosen = (value, names) => names.map((name) => ({ value: name, label: say(`inspector.choice_${name}`), on: name === value }));

const flowFields = () => {
  const settings = S.doc.settings ?? {};
  return [
    setting("name", "text", { value: S.doc.name, text: S.doc.name, required: true }),
    setting("expiry_minutes", "duration", { value: settings.expiry_minutes ?? 10, minimum: 1, maximum: 43200 }),
    setting("locale", "select", { text: settings.locale ?? "pt_BR", choices: chosen(settings.locale ?? "pt_BR", ["pt_BR", "en", "es"]) }),
    setting("undefined", "select", { text: settings.undefined ?? "empty", choices: chosen(settings.undefined ?? "empty", ["empty", "error"]) }),
    setting("interrupt_keywords", "words"),
    setting("restart_keywords", "words"),
  ];
};

const manyModel = () => {
  const nodes = S.selected.map((id) => nodeOf(S.doc, id)).filter(Boolean);
  const kinds = new Map();
  for (const node of nodes) kinds.set(node.type, (kinds.get(node.type) ?? 0) + 1);
  const ids = new Set(S.selected);
  const wrong = nodes.filter((node) => S.problems.has(node.id));
  const inside = S.doc.edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target)).length;
  const entering = S.doc.edges.filter((edge) => !ids.has(edge.source) && ids.has(edge.target)).length;
  const leaving = S.doc.edges.filter((edge) => ids.has(edge.source) && !ids.has(edge.target)).length;
  return {
    mode: "many",
    count: nodes.length,
    locked: readOnly(),
    links: say("inspector.many_links", { inside, entering, leaving }),
    kinds: [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 8).map(([type, count]) => ({ type, count, label: kindName(type), icon: specOf(type)?.icon ?? "circle", group: specOf(type)?.group ?? "canvas" })),
    wrong: wrong.slice(0, 6).map((node) => ({ id: node.id, title: nodeName(node), icon: specOf(node.type)?.icon ?? "circle", group: specOf(node.type)?.group ?? "canvas", errors: S.problems.get(node.id).errors, warnings: S.problems.get(node.id).warnings })),
  };
};

const edgeModel = () => {
  const edge = indexOf(S.doc).edges.get(S.edge);
  const source = edge && nodeOf(S.doc, edge.source);
  const target = edge && nodeOf(S.doc, edge.target);
  return source && target ? { mode: "edge", from: nodeName(source), from_id: source.id, to: nodeName(target), to_id: target.id, port: portLabel(source, edge.port), locked: readOnly() } : null;
};

/** How a message will look on channels that can't show it as it is: infos and warnings of the verifier. */
const degrades = (nodeId) => S.findings.filter((item) => item.node_id === nodeId && /^(degrade_|unsupported_|over_)/.test(item.code)).map((item) => ({ text: findingText(item) }));

const nodeModel = (node) => {
  const spec = specOf(node.type);
  const fields = formModel(node);
  const pointers = new Set();
  const note = (field) => {
    pointers.add(`/${field.path}`);
    if (!field.path.includes("/")) for (const other of spec?.fields ?? []) if (other.beside === field.name) pointers.add(`/${other.name}`);
    field.rows.forEach((row) => [...row.cells, ...row.nested].forEach(note));
  };
  fields.forEach(note);
  // A finding about something that has no field of its own stands above the form.
  const beside = (spec?.fields ?? []).filter((field) => field.beside).map((field) => `/${field.name}/`);
  const inside = (pointer) => beside.some((start) => (pointer ?? "").startsWith(start));
  const texts = S.findings.filter((item) => item.node_id === node.id && ofTranslation(item));
  const general = grouped(S.findings).filter((item) => item.node_id === node.id && !ofTranslation(item) && item.severity !== "info" && !pointers.has(item.pointer ?? "") && !inside(item.pointer) && !/^degrade_/.test(item.code));
  const told = general.map((item) => ({ text: groupText(item), severity: item.severity })).sort((a, b) => Number(b.severity === "error") - Number(a.severity === "error"));
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
    more_wrong: fields.some((field) => field.advanced && field.issue && !field.mild),
    findings: told.slice(0, 2),
    further: told.slice(2),
    further_label: say("inspector.further", { count: told.length - 2 }),
    degrades: degrades(node.id),
    // Below the form: they come and go while its texts are typed.
    behind: texts.length ? texts.map(findingText).join(" ") : "",
    behind_at: texts.length ? S.findings.indexOf(texts[0]) : -1,
    next: leadsTo(node),
    has_error: !alwaysFails(node.type) && portsOf(spec, node.config).some((port) => port.id === "error"),
    error_shown: S.shownErrors.includes(node.id) || Boolean(edgeAt(S.doc, node.id, "error")),
    error_wired: Boolean(edgeAt(S.doc, node.id, "error")),
  };
};

addSlice("inspector", () => {
  if (!S.doc) return { mode: "none", fields: [] };
  const edge = S.edge && edgeModel();
  if (edge) return edge;
  if (S.selected.length > 1) return manyModel();
  const node = S.selected.length === 1 ? nodeOf(S.doc, S.selected[0]) : null;
  return node ? nodeModel(node) : { mode: "none", fields: flowFields(), hooks: S.doc.nodes.some((item) => item.type === "trigger_webhook") };
});

/** Session variables that the flow's blocks write: `[{name, node}]` without repetition. */
export const writtenVariables = () => {
  const found = new Map();
  const note = (name, node) => typeof name === "string" && name && !found.has(name) && found.set(name, node);
  for (const node of S.doc?.nodes ?? []) {
    for (const field of specOf(node.type)?.fields ?? []) {
      const value = node.config[field.name] ?? field.default;
      if (field.widget === "variable") note(value, node);
      if (field.widget === "assignments" && Array.isArray(value)) {
        for (const row of value) if (row?.target !== "contact" && !("field" in (row ?? {}))) note(row?.name, node);
      }
    }
  }
  return [...found].map(([name, node]) => ({ name, node }));
};

/** What the last preview's conversation has: `{session, contact}`. */
export const seenValues = () => ({ session: S.preview?.variables?.session ?? S.preview?.result?.session?.variables ?? {}, contact: S.preview?.variables?.contact ?? null });

const STANDING = ["contact.name", "contact.first_name", "contact.phone", "contact.email", "contact.tags", "contact.language", "contact.lead_score", "message.text", "flow.name", "org.name", "now", "today"];

/** What an expression may read: `[{insert, label, about, group, sample}]`. `secrets`: also the organization's secrets. */
export const variableChoices = ({ secrets = false } = {}) => {
  const list = seenValues().session;
  const own = new Map(writtenVariables().map(({ name, node }) => [name, nodeName(node)]));
  for (const name of Object.keys(list)) if (!own.has(name)) own.set(name, say("inspector.from_preview"));
  const sample = (name) => (name in list && list[name] !== null ? String(typeof list[name] === "object" ? JSON.stringify(list[name]) : list[name]).slice(0, 60) : "");
  return [
    ...[...own].map(([name, about]) => ({ insert: `{{ session.${name} }}`, label: name, about, group: "session", sample: sample(name) })),
    ...STANDING.map((name) => ({ insert: `{{ ${name} }}`, label: name, about: sayOr(`editor.var_${name.replace(".", "_")}`, sayOr(`inspector.var_${name.replace(".", "_")}`, "")), group: "standing", sample: "" })),
    ...(S.refs?.data?.fields ?? []).map((field) => ({ insert: `{{ contact.${field.key} }}`, label: `contact.${field.key}`, about: field.label ?? "", group: "contact", sample: "" })),
    ...(secrets ? (S.refs?.data?.secrets ?? []).map((name) => ({ insert: `{{ secret.${name} }}`, label: `secret.${name}`, about: say("inspector.secret"), group: "secret", sample: "" })) : []),
  ];
};

/** A helper of the fields: is there a text for this key? */
export const hasText = (key) => Boolean(trKey(key, ""));
export const lang = () => getLang();
export { duration };
