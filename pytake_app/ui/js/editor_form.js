// Edits made in the inspector's form: one field, one row, one list at a time. Typing joins into one undo step.
import { at, edgeAt, indexOf, nodeOf, portsOf, withAt } from "$/public/pt_editor_doc.js";
import { editor, specOf, S } from "$/public/pt_editor.js";
import { carriedTexts } from "$/public/pt_editor_carry.js";
import { withDrafts } from "$/public/pt_editor_drafts.js";

const FLOW = "$flow"; // in place of a node's id: the settings of the whole flow

const split = (path) => path.split("/").map((part) => (/^\d+$/.test(part) ? Number(part) : part));

/** The spec of the field at a path: `sections/0/rows` → the rows' own spec. */
const fieldAt = (node, path) => {
  let fields = specOf(node.type).fields;
  let found = null;
  for (const part of path) {
    if (typeof part === "number") continue;
    found = fields.find((field) => field.name === part);
    if (!found) return null;
    fields = found.fields;
  }
  return found;
};

/** The edit that puts `value` at `path` (null takes a top field out), with what must go along when exits vanish. */
const putting = (node, path, value) => {
  const [top, ...rest] = path;
  const patch = { [top]: rest.length ? withAt(node.config[top], rest, value) : value };
  const ops = [{ op: "update_config", id: node.id, patch }];
  const config = { ...node.config, ...patch };
  const left = new Set(portsOf(specOf(node.type), config).map((port) => port.id));
  const had = new Set(portsOf(specOf(node.type), node.config).map((port) => port.id));
  for (const edge of indexOf(S.doc).out.get(node.id) ?? []) {
    if (had.has(edge.port) && !left.has(edge.port)) ops.unshift({ op: "disconnect", source: node.id, port: edge.port });
  }
  return ops;
};

const listAt = (node, path) => {
  const list = at(node.config, path) ?? fieldAt(node, path)?.default;
  return Array.isArray(list) ? list : [];
};

/** Puts rows that were moved or taken out in place; their translations go along. */
const rearrange = (node, path, list) => {
  const ops = putting(node, path, list);
  const after = { ...node.config, ...ops.at(-1).patch };
  // The sections around rows are copied when their rows change; those that stay the same are told by their place.
  const nested = path.length > 1 || list.some((item) => !listAt(node, path).includes(item));
  const also = nested ? listAt(node, [path[0]]).map((item, i) => [item, after[path[0]][i]]) : [];
  editor.edit([...ops, ...carriedTexts(S.doc.translations, node.id, node.config, after, also)]);
};

const freshOption = (node, kind) => {
  const taken = new Set(portsOf(specOf(node.type), node.config).map((port) => port.option?.id));
  for (let n = 1; ; n += 1) {
    const id = `${kind}_${n}`;
    if (!taken.has(id)) return id;
  }
};

const COLUMN_DEFAULTS = { number: null, words: [], tags: [], switch: false };

const emptyRow = (node, field) => {
  const row = {};
  for (const column of field.fields) {
    if (column.name === "days") row.days = [0, 1, 2, 3, 4];
    else if (column.name === "id") row.id = freshOption(node, field.name.replace(/s$/, ""));
    else if (["buttons", "sections"].includes(column.widget) && column.fields.length) row[column.name] = [emptyRow(node, column)];
    else row[column.name] = column.default ?? COLUMN_DEFAULTS[column.widget] ?? "";
  }
  return row;
};

/** Selects the row that was just added so that one can type at once. */
const focusRow = (nodeId, path, index) =>
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector(`.ins [data-row="${CSS.escape(`${path}/${index}`)}"] :is(input, textarea, select)`)?.focus()));

/** A field's path after its row has moved: `change` gives `[list, index]` of a row of `path`, or null where it is gone. */
const reindexed = (path, change) => (field) => {
  if (!field.startsWith(`${path}/`)) return field;
  const [index, ...rest] = field.slice(path.length + 1).split("/");
  const to = change(Number(index));
  return to && [...to, ...rest].join("/");
};

export const form = {
  /** A key press in a text: shown at once, sent after a pause. */
  type(nodeId, path, value) {
    if (nodeId === FLOW) {
      if (path === "name") {
        if (String(value).trim()) editor.edit([{ op: "set_name", name: String(value).trim().slice(0, 200) }], "flow:name");
      } else if (value !== null) form.settings({ [path]: value }, `settings:${path}`);
      return;
    }
    const node = nodeOf(S.doc, nodeId);
    if (node) editor.edit(putting(node, split(path), value), `field:${nodeId}:${path}`);
  },
  /** A choice: sent at once. */
  set(nodeId, path, value) {
    if (nodeId === FLOW) {
      form.settings({ [path]: value });
      return;
    }
    const node = nodeOf(S.doc, nodeId);
    if (node) editor.edit(putting(node, split(path), value));
  },
  /** Several fields of a block at once: one undo step. Null takes a field out. */
  patch(nodeId, patch) {
    const node = nodeOf(S.doc, nodeId);
    if (!node) return false;
    const cleared = Object.entries(patch).flatMap(([name, value]) => putting(node, [name], value).filter((op) => op.op === "disconnect"));
    return editor.edit([...cleared, { op: "update_config", id: nodeId, patch }]);
  },
  /** Put an example in place of what a block has; exits that stay keep what they lead to. */
  example(nodeId, config) {
    const node = nodeOf(S.doc, nodeId);
    if (!node) return;
    const gone = Object.fromEntries(Object.keys(node.config).filter((name) => !(name in config)).map((name) => [name, null]));
    const left = new Set(portsOf(specOf(node.type), config).map((port) => port.id));
    const lost = (indexOf(S.doc).out.get(nodeId) ?? []).filter((edge) => !left.has(edge.port) && edge.port !== "error");
    editor.edit([...lost.map((edge) => ({ op: "disconnect", source: nodeId, port: edge.port })), { op: "update_config", id: nodeId, patch: { ...gone, ...config } }]);
  },
  title(nodeId, title) {
    editor.edit([{ op: "set_title", id: nodeId, title: title.slice(0, 200) }], `title:${nodeId}`);
  },
  settings: (patch, key = null) => editor.edit([{ op: "set_settings", patch }], key),

  addRow(nodeId, path) {
    const node = nodeOf(S.doc, nodeId);
    const parts = split(path);
    const field = node && fieldAt(node, parts);
    if (!field) return;
    const list = listAt(node, parts);
    form.set(nodeId, path, [...list, emptyRow(node, field)]);
    focusRow(nodeId, path, list.length);
  },
  removeRow(nodeId, path, index) {
    const node = nodeOf(S.doc, nodeId);
    if (!node) return;
    const parts = split(path);
    const on = reindexed(path, (i) => (i === index ? null : [path, i > index ? i - 1 : i]));
    const back = reindexed(path, (i) => [path, i >= index ? i + 1 : i]);
    withDrafts(nodeId, parts[0], on, back, () => rearrange(node, parts, listAt(node, parts).filter((_, i) => i !== index)));
  },
  moveRow(nodeId, path, from, to) {
    const node = nodeOf(S.doc, nodeId);
    const parts = split(path);
    const list = node ? [...listAt(node, parts)] : [];
    if (from === to || from < 0 || to < 0 || from >= list.length || to >= list.length) return;
    const order = list.map((_, i) => i);
    for (const rows of [list, order]) rows.splice(to, 0, ...rows.splice(from, 1));
    const on = reindexed(path, (i) => [path, order.indexOf(i)]);
    const back = reindexed(path, (i) => [path, order[i] ?? i]);
    withDrafts(nodeId, parts[0], on, back, () => rearrange(node, parts, list));
  },
  /** A row of one section to a place of another: `sections/0/rows`, 2 → `sections/1/rows`, 0. */
  moveAcross(nodeId, fromPath, from, toPath, to) {
    const node = nodeOf(S.doc, nodeId);
    const [source, target] = [split(fromPath), split(toPath)];
    const row = node && listAt(node, source)[from];
    if (!row || source[0] !== target[0] || fromPath === toPath) return;
    const there = reindexed(toPath, (i) => [toPath, i >= to ? i + 1 : i]);
    const gone = reindexed(fromPath, (i) => (i === from ? [toPath, to] : [fromPath, i > from ? i - 1 : i]));
    const on = (field) => (field.startsWith(`${toPath}/`) ? there(field) : gone(field));
    const returned = reindexed(toPath, (i) => (i === to ? [fromPath, from] : [toPath, i > to ? i - 1 : i]));
    const refilled = reindexed(fromPath, (i) => [fromPath, i >= from ? i + 1 : i]);
    const back = (field) => (field.startsWith(`${toPath}/`) ? returned(field) : refilled(field));
    const left = withAt(node.config, source, listAt(node, source).filter((_, i) => i !== from));
    const config = withAt(left, target, listAt(node, target).toSpliced(to, 0, row));
    withDrafts(nodeId, source[0], on, back, () => rearrange(node, [source[0]], config[source[0]]));
  },
  words(nodeId, path, words) {
    form.set(nodeId, path, [...new Set(words.map((word) => word.trim()).filter(Boolean))]);
  },
  disconnect(nodeId, port) {
    if (edgeAt(S.doc, nodeId, port)) editor.edit([{ op: "disconnect", source: nodeId, port }]);
  },
};
