// What gestures and keys do to the flow. Each is one edit, so that one undo takes it back.
import { toast } from "sonner";
import { bridges, cloned, edgeAt, freshId, indexOf, nodeOf, portsOf, reach, snap } from "$/public/pt_editor_doc.js";
import { editor, emit, readOnly, say, specOf, S, tell } from "$/public/pt_editor.js";
import { arranged } from "$/public/pt_editor_layout.js";
import { paletteGroups } from "$/public/pt_editor_model.js";

const CARD = { width: 260, height: 150 };
let flow = null;
let box = null;
let hovered = null;

const edgeUnder = (x, y) => {
  for (const element of document.elementsFromPoint(x, y)) {
    const id = element.closest?.(".react-flow__edge")?.getAttribute("data-id");
    if (id) return id;
  }
  return null;
};

const mark = (id) => {
  if (hovered === id) return;
  box?.querySelector(".react-flow__edge.drop")?.classList.remove("drop");
  hovered = id;
  if (id) box?.querySelector(`.react-flow__edge[data-id="${CSS.escape(id)}"]`)?.classList.add("drop");
};

const newNode = (type, position) => ({ id: freshId(type), type, title: "", config: structuredClone(specOf(type).default), position: { x: snap(position.x), y: snap(position.y) } });

/** The exit by which a path goes on through a node of this type. */
const throughPort = (node) => {
  const ports = portsOf(specOf(node.type), node.config);
  return (ports.find((port) => ["next", "answered", "replied", "success"].includes(port.id)) ?? ports.find((port) => port.id !== "error"))?.id;
};

const between = (edge, node) => {
  const out = throughPort(node);
  const ops = [{ op: "connect", id: freshId("e"), source: edge.source, port: edge.port, target: node.id }];
  if (out) ops.push({ op: "connect", id: freshId("e"), source: node.id, port: out, target: edge.target });
  return ops;
};

const clear = (position) => {
  let { x, y } = position;
  const taken = () => S.doc.nodes.some((node) => Math.abs(node.position.x - x) < 48 && Math.abs(node.position.y - y) < 48);
  for (let i = 0; i < 40 && taken(); i += 1) {
    x += 32;
    y += 32;
  }
  return { x, y };
};

export const actions = {
  attach(reactFlow, element) {
    flow = reactFlow;
    box = element;
  },

  canConnect(source, target) {
    const to = nodeOf(S.doc, target);
    return Boolean(to) && source !== target && Boolean(specOf(to.type)?.target);
  },
  /** Connect a port; what it led to before is replaced. */
  connect(source, port, target) {
    if (!actions.canConnect(source, target) || edgeAt(S.doc, source, port)?.target === target) return;
    editor.edit([{ op: "connect", id: freshId("e"), source, port, target }]);
  },
  /** A connection was let go in empty space, or on a card's body. */
  released(event, state) {
    if (readOnly() || state.fromHandle.type !== "source") return;
    const point = "changedTouches" in event ? event.changedTouches[0] : event;
    const over = document.elementFromPoint(point.clientX, point.clientY)?.closest(".react-flow__node")?.getAttribute("data-id");
    if (over) {
      actions.connect(state.fromNode.id, state.fromHandle.id, over);
      return;
    }
    actions.openQuick(point.clientX, point.clientY, { source: state.fromNode.id, port: state.fromHandle.id });
  },
  openQuick(clientX, clientY, from = null) {
    const rect = box.getBoundingClientRect();
    const left = Math.min(Math.max(8, clientX - rect.left), rect.width - 240);
    const top = Math.min(Math.max(8, clientY - rect.top), Math.max(8, rect.height - 340));
    actions.quickSearch("", { left, top, at: flow.screenToFlowPosition({ x: clientX, y: clientY }), from });
  },
  quickSearch(query, quick = S.quick) {
    if (!quick) return;
    emit({ quick: { ...quick, query, groups: paletteGroups(query, { targetOnly: Boolean(quick.from) }) } });
  },
  quickAdd(type) {
    const { at, from } = S.quick;
    emit({ quick: null });
    actions.add(type, { x: at.x, y: at.y - 22 }, from ? (node) => [{ op: "connect", id: freshId("e"), source: from.source, port: from.port, target: node.id }] : () => []);
  },
  quickFirst() {
    const first = S.quick?.groups[0]?.items[0];
    if (first) actions.quickAdd(first.type);
  },

  /** Add a node and select it; `links(node)` gives edits that belong to the same step. */
  add(type, position, links = () => []) {
    if (readOnly() || !specOf(type)) return null;
    const node = newNode(type, position);
    if (!editor.edit([{ op: "add_node", node }, ...links(node)])) return null;
    editor.used(type);
    editor.select([node.id]);
    return node.id;
  },
  /** A palette entry was clicked: after the selected node if it has a free way on, else in the middle of the view. */
  addHere(type) {
    const from = S.selected.length === 1 ? nodeOf(S.doc, S.selected[0]) : null;
    const port = from && specOf(type)?.target && portsOf(specOf(from.type), from.config).find((item) => item.id !== "error" && !edgeAt(S.doc, from.id, item.id));
    if (from && port) {
      const width = flow.getNode(from.id)?.measured?.width ?? CARD.width;
      const id = actions.add(type, clear({ x: from.position.x + width + 80, y: from.position.y }), (node) => [{ op: "connect", id: freshId("e"), source: from.id, port: port.id, target: node.id }]);
      if (id) actions.reveal(id);
      return;
    }
    const rect = box.getBoundingClientRect();
    const middle = flow.screenToFlowPosition({ x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 });
    actions.add(type, clear({ x: middle.x - CARD.width / 2, y: middle.y - CARD.height / 2 }));
  },
  addNote() {
    actions.addHere("note");
  },
  /** Bring a new node into view when it is outside. */
  reveal(id) {
    const node = nodeOf(S.doc, id);
    const rect = box.getBoundingClientRect();
    const point = flow.flowToScreenPosition({ x: node.position.x + CARD.width, y: node.position.y + CARD.height });
    if (point.x > rect.right || point.y > rect.bottom || point.x < rect.left || point.y < rect.top) {
      flow.setCenter(node.position.x + CARD.width / 2, node.position.y + CARD.height / 2, { zoom: flow.getZoom(), duration: 220 });
    }
  },
  hover: (x, y) => mark(edgeUnder(x, y)),
  /** A palette entry was dropped; on an edge it goes between both ends. */
  dropped(type, x, y) {
    const edgeId = edgeUnder(x, y);
    mark(null);
    const at = flow.screenToFlowPosition({ x, y });
    const edge = edgeId && specOf(type)?.target ? indexOf(S.doc).edges.get(edgeId) : null;
    actions.add(type, { x: at.x - CARD.width / 2, y: at.y - 22 }, (node) => (edge ? between(edge, node) : []));
  },

  /** Nodes were dropped where they are now: one edit. */
  drop(moved) {
    const positions = {};
    for (const node of moved) {
      const before = nodeOf(S.doc, node.id)?.position;
      const to = { x: snap(node.position.x), y: snap(node.position.y) };
      if (before && (before.x !== to.x || before.y !== to.y)) positions[node.id] = to;
    }
    if (Object.keys(positions).length) editor.edit([{ op: "move_nodes", positions }]);
  },
  nudge(dx, dy) {
    const positions = {};
    for (const id of S.selected) {
      const { position } = nodeOf(S.doc, id);
      positions[id] = { x: snap(position.x) + dx * 16, y: snap(position.y) + dy * 16 };
    }
    editor.edit([{ op: "move_nodes", positions }], `move:${S.selected.join()}`);
  },
  /** Line up the selected nodes: `left`, `top`, or spread them evenly `across` or `down`. */
  align(how) {
    const nodes = S.selected.map((id) => flow.getNode(id)).filter(Boolean);
    if (nodes.length < 2) return;
    const axis = how === "left" || how === "down" ? (how === "left" ? "x" : "y") : how === "top" ? "y" : "x";
    const sorted = [...nodes].sort((a, b) => a.position[axis] - b.position[axis]);
    const positions = {};
    let cursor = sorted[0].position[axis];
    for (const node of sorted) {
      positions[node.id] = { ...node.position, [axis]: snap(cursor) };
      if (how === "across") cursor += (node.measured?.width ?? CARD.width) + 64;
      if (how === "down") cursor += (node.measured?.height ?? CARD.height) + 48;
    }
    editor.edit([{ op: "move_nodes", positions }]);
  },
  /** Lay the whole flow (or the selected part) out again; one edit. */
  arrange() {
    if (readOnly()) return;
    const only = S.selected.length > 1 ? new Set(S.selected) : null;
    const positions = arranged(S.doc, (id) => flow.getNode(id)?.measured, only);
    if (!Object.keys(positions).length) return;
    editor.edit([{ op: "move_nodes", positions }]);
    requestAnimationFrame(() => flow.fitView({ padding: 0.12, duration: 260, maxZoom: 1 }));
  },

  /** Delete what is selected, and offer to close the gap. */
  remove() {
    if (readOnly()) return;
    if (S.edge) {
      const edge = indexOf(S.doc).edges.get(S.edge);
      if (edge && editor.edit([{ op: "disconnect", source: edge.source, port: edge.port }])) emit({ edge: null });
      return;
    }
    const ids = S.selected;
    if (ids.length === 0) return;
    const links = bridges(S.doc, ids);
    if (!editor.edit([{ op: "delete_nodes", ids }])) return;
    editor.select([]);
    const undo = { label: say("common.undo"), onClick: () => editor.undo() };
    const join = { label: say("editor.join_neighbours"), onClick: () => editor.edit(links.filter((op) => nodeOf(S.doc, op.source) && nodeOf(S.doc, op.target))) };
    toast(say("editor.deleted", { count: ids.length }), { duration: 10000, position: "bottom-center", action: links.length ? join : undo, cancel: links.length ? undo : undefined });
  },

  copied() {
    const ids = new Set(S.selected);
    if (ids.size === 0) return null;
    return JSON.stringify({ pytake: "nodes", nodes: S.doc.nodes.filter((node) => ids.has(node.id)), edges: S.doc.edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target)) });
  },
  insert(nodes, edges, dx, dy) {
    const copy = cloned(nodes, edges, dx, dy);
    if (!editor.edit([{ op: "add_nodes", ...copy }])) return;
    editor.select(copy.nodes.map((node) => node.id));
  },
  duplicate() {
    const ids = new Set(S.selected);
    if (ids.size === 0 || readOnly()) return;
    actions.insert(S.doc.nodes.filter((node) => ids.has(node.id)), S.doc.edges, 32, 32);
  },
  /** Paste nodes from text; anything else is told, not swallowed. */
  paste(text) {
    let data = null;
    try {
      data = JSON.parse(text);
    } catch {
      data = null;
    }
    const nodes = Array.isArray(data?.nodes) ? data.nodes.filter((node) => specOf(node?.type) && typeof node.id === "string" && node.config && Number.isFinite(node.position?.x) && Number.isFinite(node.position?.y)) : [];
    if (data?.pytake !== "nodes" || nodes.length === 0 || nodes.length > 500) {
      tell("editor.paste_nothing", "info");
      return;
    }
    const rect = box.getBoundingClientRect();
    const middle = flow.screenToFlowPosition({ x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 });
    const left = Math.min(...nodes.map((node) => node.position.x));
    const top = Math.min(...nodes.map((node) => node.position.y));
    const here = nodes.some((node) => nodeOf(S.doc, node.id)?.position.x === node.position.x);
    const [dx, dy] = here ? [48, 48] : [middle.x - left - CARD.width / 2, middle.y - top - CARD.height / 2];
    const edges = (Array.isArray(data.edges) ? data.edges : []).filter((edge) => edge && [edge.source, edge.port, edge.target].every((part) => typeof part === "string"));
    actions.insert(nodes.map(({ id, type, title, config, position }) => ({ id, type, title: String(title ?? "").slice(0, 200), config, position })), edges, dx, dy);
  },
  selectAll: () => editor.select(S.doc.nodes.map((node) => node.id)),
  selectAfter: (id, forward) => editor.select([...reach(S.doc, [id], forward)]),

  editTitle(event, id) {
    if (readOnly() || !event.target.closest?.(".hd")) return;
    editor.select([id]);
    actions.focusField("[data-title-field]");
  },
  /** Put the caret into the selection's first field. */
  focusField(selector = ".ins [data-field]") {
    emit({ tab: "block", sheet: true });
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const field = document.querySelector(selector);
      field?.focus();
      field?.select?.();
    }));
  },
  /** The first look at a flow: all of it if that stays readable, else its beginning. */
  begin() {
    const nodes = flow.getNodes();
    if (nodes.length === 0) return;
    const rect = box.getBoundingClientRect();
    const left = Math.min(...nodes.map((node) => node.position.x));
    const top = Math.min(...nodes.map((node) => node.position.y));
    const right = Math.max(...nodes.map((node) => node.position.x + (node.measured?.width ?? CARD.width)));
    const bottom = Math.max(...nodes.map((node) => node.position.y + (node.measured?.height ?? CARD.height)));
    const zoom = Math.min(1, Math.max(0.7, Math.min((rect.width - 96) / (right - left), (rect.height - 96) / (bottom - top))));
    const x = (right - left) * zoom <= rect.width - 64 ? (rect.width - (right - left) * zoom) / 2 : 40;
    const y = (bottom - top) * zoom <= rect.height - 64 ? (rect.height - (bottom - top) * zoom) / 2 : 40;
    flow.setViewport({ x: x - left * zoom, y: y - top * zoom, zoom });
  },
  fit: () => flow?.fitView({ padding: 0.12, duration: 220, maxZoom: 1 }),
  zoom: (factor) => flow?.zoomTo(flow.getZoom() * factor, { duration: 120 }),
};

actions.closeQuick = () => emit({ quick: null });
