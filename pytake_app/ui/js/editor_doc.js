// The flow document in the browser: the same edits as `engine/operations.py`, applied without changing what was there,
// so that a node that wasn't touched stays the very same object. Nothing here knows React or the network.

const GRID = 16;
const indexes = new WeakMap();

/** Snap a canvas coordinate to the grid. */
export const snap = (value) => Math.round(value / GRID) * GRID;

/** A fresh id such as `text_k3f9x2`: readable in variables and logs, unique enough within a flow. */
export const freshId = (type) =>
  `${type.replace(/^(msg|action|trigger)_/, "")}_${crypto.getRandomValues(new Uint32Array(2)).reduce((out, n) => out + n.toString(36), "").slice(0, 8)}`;

/** Look-ups of a document: nodes by id, edges by id, edge by port, edges by node. Built once per document. */
export const indexOf = (doc) => {
  let found = indexes.get(doc);
  if (!found) {
    found = { nodes: new Map(), edges: new Map(), out: new Map(), byPort: new Map(), into: new Map() };
    for (const node of doc.nodes) found.nodes.set(node.id, node);
    for (const edge of doc.edges) {
      found.edges.set(edge.id, edge);
      found.byPort.set(`${edge.source}\u0000${edge.port}`, edge);
      (found.out.get(edge.source) ?? found.out.set(edge.source, []).get(edge.source)).push(edge);
      (found.into.get(edge.target) ?? found.into.set(edge.target, []).get(edge.target)).push(edge);
    }
    indexes.set(doc, found);
  }
  return found;
};

/** The node with this id, or undefined. */
export const nodeOf = (doc, id) => indexOf(doc).nodes.get(id);
/** The edge that leaves `source` by `port`, or undefined. */
export const edgeAt = (doc, source, port) => indexOf(doc).byPort.get(`${source}\u0000${port}`);

const mergePatch = (base, patch) => {
  const out = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = value;
  }
  return out;
};

const changeNode = (doc, id, change) => {
  if (!nodeOf(doc, id)) throw new Error(`unknown_node ${id}`);
  return { ...doc, nodes: doc.nodes.map((node) => (node.id === id ? { ...node, ...change(node) } : node)) };
};

const insertAt = (list, items, places) => {
  if (!places || places.length !== items.length) return [...list, ...items];
  const out = [...list];
  items
    .map((item, i) => [places[i], item])
    .sort((a, b) => a[0] - b[0])
    .forEach(([at, item]) => out.splice(Math.min(at, out.length), 0, item));
  return out;
};

/** Translations of new nodes, for the languages that the flow has. */
const withTexts = (doc, op) => {
  if (!op.translations || !Object.keys(op.translations).length) return {};
  const ids = new Set(op.nodes.map((node) => node.id));
  const translations = { ...doc.translations };
  for (const [locale, given] of Object.entries(op.translations)) {
    if (!translations[locale]) continue;
    const kept = Object.entries(given).filter(([id, texts]) => ids.has(id) && Object.keys(texts).length);
    translations[locale] = { ...translations[locale], ...Object.fromEntries(kept) };
  }
  return { translations };
};

/** The translations without those of some nodes. */
const withoutTexts = (doc, ids) => {
  const languages = Object.entries(doc.translations ?? {});
  if (!languages.some(([, given]) => Object.keys(given).some((id) => ids.has(id)))) return {};
  const tidy = (given) => Object.fromEntries(Object.entries(given).filter(([id]) => !ids.has(id)));
  return { translations: Object.fromEntries(languages.map(([locale, given]) => [locale, tidy(given)])) };
};

const APPLY = {
  add_node: (doc, op) => APPLY.add_nodes(doc, { nodes: [op.node], edges: [] }),
  add_nodes: (doc, op) => {
    if (op.nodes.some((node) => nodeOf(doc, node.id)) || (op.edges ?? []).some((edge) => edgeAt(doc, edge.source, edge.port))) throw new Error("duplicate_id");
    return {
      ...doc,
      ...withTexts(doc, op),
      nodes: insertAt(doc.nodes, op.nodes.map((node) => ({ title: "", config: {}, position: { x: 0, y: 0 }, ...node })), op.node_indexes),
      edges: insertAt(doc.edges, op.edges ?? [], op.edge_indexes),
    };
  },
  delete_nodes: (doc, op) => {
    const nodes = new Set(op.ids ?? []);
    const edges = new Set(op.edges ?? []);
    if ([...nodes].some((id) => !nodeOf(doc, id)) || [...edges].some((id) => !indexOf(doc).edges.has(id))) throw new Error("unknown_node");
    return {
      ...doc,
      ...withoutTexts(doc, nodes),
      nodes: doc.nodes.filter((node) => !nodes.has(node.id)),
      edges: doc.edges.filter((edge) => !edges.has(edge.id) && !nodes.has(edge.source) && !nodes.has(edge.target)),
    };
  },
  move_nodes: (doc, op) => {
    if (Object.keys(op.positions).some((id) => !nodeOf(doc, id))) throw new Error("unknown_node");
    const move = (node) => {
      const to = op.positions[node.id];
      return to && (to.x !== node.position.x || to.y !== node.position.y) ? { ...node, position: to } : node;
    };
    return { ...doc, nodes: doc.nodes.map(move) };
  },
  update_config: (doc, op) => changeNode(doc, op.id, (node) => ({ config: mergePatch(node.config, op.patch) })),
  set_title: (doc, op) => changeNode(doc, op.id, () => ({ title: op.title })),
  connect: (doc, op) => {
    if (!nodeOf(doc, op.source) || !nodeOf(doc, op.target)) throw new Error("unknown_node");
    const old = edgeAt(doc, op.source, op.port);
    if (old) return { ...doc, edges: doc.edges.map((item) => (item === old ? { ...item, target: op.target } : item)) };
    let id = op.id || `${op.source}:${op.port}`;
    while (indexOf(doc).edges.has(id)) id += "+";
    return { ...doc, edges: [...doc.edges, { id, source: op.source, port: op.port, target: op.target }] };
  },
  disconnect: (doc, op) => {
    const old = edgeAt(doc, op.source, op.port);
    if (!old) throw new Error("unknown_port");
    return { ...doc, edges: doc.edges.filter((edge) => edge !== old) };
  },
  set_settings: (doc, op) => ({ ...doc, settings: mergePatch(doc.settings, op.patch) }),
  set_translations: (doc, op) => {
    const given = { ...doc.translations?.[op.locale] };
    for (const [id, texts] of Object.entries(op.texts ?? {})) {
      if (!nodeOf(doc, id)) throw new Error(`unknown_node ${id}`);
      const merged = mergePatch(given[id] ?? {}, texts);
      if (Object.keys(merged).length) given[id] = merged;
      else delete given[id];
    }
    return { ...doc, translations: { ...doc.translations, [op.locale]: given } };
  },
  remove_language: (doc, op) => {
    if (!doc.translations?.[op.locale]) throw new Error(`unknown_language ${op.locale}`);
    const { [op.locale]: gone, ...kept } = doc.translations;
    return { ...doc, translations: kept };
  },
  set_name: (doc, op) => ({ ...doc, name: op.name }),
  replace_document: (doc, op) => op.document,
  batch: (doc, op) => applyAll(doc, op.ops),
};

/** Apply one operation; throws when it doesn't fit the document, which is left as it was. */
export const applyOp = (doc, op) => {
  const apply = APPLY[op.op];
  if (!apply) throw new Error(`unknown_operation ${op.op}`);
  return apply(doc, op);
};

/** Apply operations in order. */
export const applyAll = (doc, ops) => ops.reduce(applyOp, doc);

/** Whether a block's exit for failures is always shown: what it asks of others fails on the best of days. */
export const alwaysFails = (type) => type === "api_call" || type === "ai_prompt";

/** The exits of a node as its type's spec describes them: `{id, label?, key?, required, source?}` in canvas order. */
export const portsOf = (spec, config) => {
  if (!spec) return [];
  const options = [];
  for (const list of spec.lists) {
    const items = Array.isArray(config[list.field]) ? config[list.field] : [];
    const flat = list.nested ? items.flatMap((item) => (Array.isArray(item?.[list.nested]) ? item[list.nested] : [])) : items;
    for (const item of flat) {
      if (item && item.id) options.push({ id: list.prefix + item.id, label: item[list.label] || item.value || "", required: list.required, option: item });
    }
  }
  const there = (port) => Object.entries(port.when ?? {}).every(([name, values]) => values.includes(String(config[name] ?? spec.fields.find((field) => field.name === name)?.default)));
  return [...options, ...spec.ports.filter(there)];
};

/** Which nodes follow (`forward`) or precede the given ones, themselves included. */
export const reach = (doc, ids, forward = true) => {
  const { out, into } = indexOf(doc);
  const seen = new Set(ids);
  const queue = [...ids];
  while (queue.length) {
    const id = queue.pop();
    for (const edge of (forward ? out : into).get(id) ?? []) {
      const next = forward ? edge.target : edge.source;
      if (!seen.has(next)) {
        seen.add(next);
        queue.push(next);
      }
    }
  }
  return seen;
};

/** Edges that would close the gap left by deleting `ids`: each edge into the gap goes on to the gap's only way out. */
export const bridges = (doc, ids) => {
  const gone = new Set(ids);
  const { out, into } = indexOf(doc);
  const exits = new Set(ids.flatMap((id) => (out.get(id) ?? []).map((edge) => edge.target)).filter((id) => !gone.has(id)));
  if (exits.size !== 1) return [];
  const [target] = exits;
  return ids
    .flatMap((id) => into.get(id) ?? [])
    .filter((edge) => !gone.has(edge.source) && edge.source !== target)
    .map((edge) => ({ op: "connect", id: freshId("e"), source: edge.source, port: edge.port, target }));
};

/** Copies of nodes and the edges among them under new ids, moved by `dx`, `dy`. */
export const cloned = (nodes, edges, dx, dy) => {
  const names = new Map(nodes.map((node) => [node.id, freshId(node.type)]));
  return {
    nodes: nodes.map((node) => ({
      ...structuredClone(node),
      id: names.get(node.id),
      position: { x: snap(node.position.x + dx), y: snap(node.position.y + dy) },
    })),
    edges: edges
      .filter((edge) => names.has(edge.source) && names.has(edge.target))
      .map((edge) => ({
        id: freshId("e"),
        source: names.get(edge.source),
        port: edge.port,
        target: names.get(edge.target),
      })),
  };
};

/** The value at a path of a config: `at(config, ["buttons", 0, "title"])`. */
export const at = (config, path) => path.reduce((value, key) => value?.[key], config);

/** A copy of `value` with `leaf` at `path`. */
export const withAt = (value, path, leaf) => {
  if (path.length === 0) return leaf;
  const [key, ...rest] = path;
  const copy = Array.isArray(value) ? [...value] : { ...(value ?? {}) };
  copy[key] = withAt(copy[key], rest, leaf);
  return copy;
};

/** Names of the variables that a flow's nodes write, for the picker: `[{name, node}]` without repetition. */
export const variablesOf = (doc, specs) => {
  const found = new Map();
  for (const node of doc.nodes) {
    for (const field of specs[node.type]?.fields ?? []) {
      const value = node.config[field.name];
      if (field.writes && typeof value === "string" && value) found.set(value, node.id);
      if (field.widget === "assignments" && Array.isArray(value)) {
        for (const item of value) if (item?.name) found.set(item.name, node.id);
      }
    }
  }
  return [...found].map(([name, node]) => ({ name, node }));
};
