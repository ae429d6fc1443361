// Two people on the same field: which parts of an edit somebody else overtook, what remains of it, what there is to
// choose from. The same rule as `flows/rebase.py`, for one's own edits. Nothing here knows React or the network.
import { edgeAt, indexOf, nodeOf } from "$/public/pt_editor_doc.js";

/** The fields an operation writes, as `rebase.touched` names them. */
export const touched = (op) => {
  switch (op.op) {
    case "add_node":
      return [["node", op.node.id]];
    case "add_nodes":
      return [...op.nodes.map((node) => ["node", node.id]), ...(op.edges ?? []).map((edge) => ["port", edge.source, edge.port])];
    case "delete_nodes":
      return [...(op.ids ?? []).map((id) => ["node", id]), ...(op.edges ?? []).map((id) => ["edge", id])];
    case "update_config":
      return Object.keys(op.patch).map((name) => ["node", op.id, "config", name]);
    case "set_title":
      return [["node", op.id, "title"]];
    case "connect":
    case "disconnect":
      return [["port", op.source, op.port]];
    case "set_settings":
      return Object.keys(op.patch).map((name) => ["settings", name]);
    case "set_name":
      return [["name"]];
    case "set_translations":
      return [["language", op.locale, "there"], ...Object.entries(op.texts ?? {}).flatMap(([node, texts]) => Object.keys(texts).map((pointer) => ["node", node, "text", op.locale, pointer]))];
    case "remove_language":
      return [["language", op.locale]];
    case "replace_document":
      return [["document"]];
    case "batch":
      return op.ops.flatMap(touched);
    default:
      return [];
  }
};

const meets = (mine, theirs) => {
  if (mine[0] === "document" || theirs[0] === "document") return true;
  if (mine[0] !== theirs[0]) {
    const [port, node] = mine[0] === "port" ? [mine, theirs] : [theirs, mine];
    return port[0] === "port" && node[0] === "node" && node.length === 2 && port[1] === node[1];
  }
  const length = Math.min(mine.length, theirs.length);
  return mine.slice(0, length).every((part, i) => part === theirs[i]);
};

// The server's store keeps objects' keys in an order of its own.
const sorted = (_key, value) => (value && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value);
const same = (a, b) => JSON.stringify(a ?? null, sorted) === JSON.stringify(b ?? null, sorted);
const withoutPlace = (node) => node && { ...node, position: null };
/** What a field (a key of `touched`) holds in a document. */
const heldAt = (doc, [kind, id, part, name, more]) => {
  if (kind === "node") {
    const node = nodeOf(doc, id);
    if (!part || !node) return withoutPlace(node);
    if (part === "config") return node.config[name];
    return part === "text" ? doc.translations?.[name]?.[id]?.[more] : node[part];
  }
  if (kind === "port") return edgeAt(doc, id, part)?.target;
  if (kind === "edge") return indexOf(doc).edges.get(id);
  if (kind === "settings") return doc.settings?.[id];
  if (kind === "language") return Boolean(doc.translations?.[id]);
  return kind === "name" ? doc.name : null;
};

/** What the fields that operations write hold before, as `[key, value]`; added to what is known already. */
export const heldBefore = (ops, doc, known = []) => {
  const have = new Set(known.map(([key]) => key.join("\u0000")));
  return [...known, ...ops.flatMap(touched).filter((key) => !have.has(key.join("\u0000"))).map((key) => [key, heldAt(doc, key) ?? null])];
};

/** The fields that operations write and that hold something else now than before them (`was`): what somebody overtook
 * when the edits between can't be told any more. In the form of the server's own list. */
export const overtakenFields = (ops, was, now, name) => {
  if (!was) return [{ key: ["document"], name }];
  const mine = new Set(ops.flatMap(touched).map((key) => key.join("\u0000")));
  return was.filter(([key, value]) => mine.has(key.join("\u0000")) && (key[0] === "document" || !same(value, heldAt(now, key)))).map(([key]) => ({ key, name }));
};

const hit = (op, clashes) => touched(op).map((key) => clashes.find((clash) => meets(key, clash.key))).find(Boolean);

/** The nodes an operation is about. */
const about = (op) => (op.op === "batch" ? op.ops.flatMap(about) : [op.id, op.source, ...(op.ids ?? []), ...Object.keys(op.positions ?? {})].filter((id) => typeof id === "string" && id));

/** Take apart the operations of a refused edit.
 * `before` is the document with the edit as its maker saw it, `base` the server's. Answers `{rest, items}`: operations
 * that still fit, and one item a choice: `{kind, node, field, mine, by, ops, at}`. */
export const takeApart = (ops, clashes, before, base) => {
  const rest = [];
  const items = [];
  const lost = new Map();
  const item = (kind, clash, more) => items.push({ id: crypto.randomUUID(), kind, by: clash?.name ?? "", node: "", field: "", mine: null, at: Date.now(), ...more });
  const flat = ops.flatMap((op) => (op.op === "batch" ? op.ops : [op]));
  for (const op of flat) {
    const gone = op.op === "delete_nodes" ? [] : about(op).filter((id) => !nodeOf(base, id) && nodeOf(before, id) && !flat.some((other) => (other.nodes ?? [other.node ?? {}]).some((node) => node.id === id)));
    const clash = hit(op, clashes);
    if (gone.length) {
      if (op.op !== "move_nodes") gone.forEach((id) => lost.set(id, clash));
      continue;
    }
    if (!clash) {
      rest.push(op);
      continue;
    }
    if (op.op === "update_config" || op.op === "set_settings") {
      const settled = {};
      for (const [name, value] of Object.entries(op.patch)) {
        const key = op.op === "update_config" ? ["node", op.id, "config", name] : ["settings", name];
        const by = clashes.find((other) => meets(key, other.key));
        if (by) item(op.op === "update_config" ? "field" : "setting", by, { node: op.id ?? "", field: name, mine: value, ops: [{ ...op, patch: { [name]: value } }] });
        else settled[name] = value;
      }
      if (Object.keys(settled).length) rest.push({ ...op, patch: settled });
    } else if (op.op === "set_translations") {
      const settled = {};
      for (const [id, texts] of Object.entries(op.texts)) {
        for (const [pointer, value] of Object.entries(texts)) {
          if (!nodeOf(base, id)) continue; // there is nothing left to translate
          const by = clashes.find((other) => meets(["node", id, "text", op.locale, pointer], other.key) || meets(["language", op.locale], other.key));
          if (by) item("text", by, { node: id, field: pointer, locale: op.locale, mine: value?.text ?? null, ops: [{ ...op, texts: { [id]: { [pointer]: value } } }] });
          else (settled[id] ??= {})[pointer] = value;
        }
      }
      if (Object.keys(settled).length) rest.push({ ...op, texts: settled });
    } else if (op.op === "set_title") item("title", clash, { node: op.id, field: "title", mine: op.title, ops: [op] });
    else if (op.op === "set_name") item("name", clash, { field: "name", mine: op.name, ops: [op] });
    else if (op.op === "connect" || op.op === "disconnect") item("port", clash, { node: op.source, field: op.port, mine: op.target ?? null, ops: [op] });
    else if (op.op === "delete_nodes") item("delete", clash, { node: op.ids?.[0] ?? "", ops: [op] });
    else item("all", clash, { ops: [op] });
  }
  for (const [id, clash] of lost) {
    const node = nodeOf(before, id);
    const { out, into } = indexOf(before);
    const edges = [...(out.get(id) ?? []), ...(into.get(id) ?? [])];
    item("gone", clash, { node: id, mine: node.title || node.config.body || node.type, ops: [{ op: "add_nodes", nodes: [node], edges: [...new Map(edges.map((edge) => [edge.id, edge])).values()] }] });
  }
  return { rest, items };
};

/** The operations of a choice for one's own version, as they fit the document now. */
export const ownVersion = (item, doc) =>
  item.ops
    .map((op) => {
      if (item.kind !== "gone") return op;
      const nodes = op.nodes.filter((node) => !nodeOf(doc, node.id));
      const there = (id) => nodeOf(doc, id) || nodes.some((node) => node.id === id);
      const edges = op.edges.filter((edge) => there(edge.source) && there(edge.target) && !edgeAt(doc, edge.source, edge.port) && !indexOf(doc).edges.has(edge.id));
      return { ...op, nodes, edges };
    })
    .filter((op) => op.op !== "add_nodes" || op.nodes.length);
