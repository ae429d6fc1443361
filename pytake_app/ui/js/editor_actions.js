// What gestures and keys do to the flow. Each is one edit, so that one undo takes it back.
import { flushSync } from "react-dom";
import { toast } from "sonner";
import { bridges, edgeAt, freshId, indexOf, nodeOf, portsOf, reach, snap } from "$/public/pt_editor_doc.js";
import { editor, emit, readOnly, say, sayOr, specOf, S, tell } from "$/public/pt_editor.js";
import { align } from "$/public/pt_editor_arrange.js";
import { copied, copyNow, duplicate, paste, pasteNow } from "$/public/pt_editor_clipboard.js";
import { frameSelection, heldBy, pickUp, putDown, resized, withHeld } from "$/public/pt_editor_frames.js";
import { writtenVariables } from "$/public/pt_editor_inspect.js";
import { arranged } from "$/public/pt_editor_layout.js";
import { nodeName, paletteGroups, portLabel } from "$/public/pt_editor_model.js";
import { around, CARD, inReadingOrder, isBlock, middle, nodesOf, placed, rectOf, reveal, sizeOf, stage } from "$/public/pt_editor_stage.js";
import { announce } from "$/public/pt_editor_voice.js";

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
  stage.box?.querySelector(".react-flow__edge.drop")?.classList.remove("drop");
  hovered = id;
  if (id) stage.box?.querySelector(`.react-flow__edge[data-id="${CSS.escape(id)}"]`)?.classList.add("drop");
};

/** What a new block begins with: a variable that it writes gets a name in the person's language that no other block uses. */
const beginning = (spec) => {
  const config = structuredClone(spec.default);
  const taken = new Set(writtenVariables().map(({ name }) => name));
  for (const { name, widget } of spec.fields ?? []) {
    if (widget !== "variable" || !config[name]) continue;
    const first = sayOr(`canvas.variable_${config[name]}`, config[name]);
    let free = first;
    for (let n = 2; taken.has(free); n += 1) free = `${first}_${n}`;
    config[name] = free;
  }
  return config;
};

const newNode = (type, position) => ({ id: freshId(type), type, title: "", config: beginning(specOf(type)), position: { x: snap(position.x), y: snap(position.y) } });

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

/** The nearest place below, above or beside `position` where nothing stands yet. */
const clear = (position, size = CARD) => {
  const others = S.doc.nodes.filter((node) => node.type !== "group").map(rectOf);
  const free = (x, y) => !others.some((rect) => x < rect.x + rect.width + 16 && rect.x < x + size.width + 16 && y < rect.y + rect.height + 16 && rect.y < y + size.height + 16);
  for (let ring = 0; ring < 24; ring += 1) {
    for (const [dx, dy] of [[0, ring], [0, -ring], [ring, 0]]) if (free(position.x + dx * 48, position.y + dy * 48)) return { x: position.x + dx * 48, y: position.y + dy * 48 };
  }
  return position;
};

/** Can a path go through a node of this type, in at the left and out again? */
const goesThrough = (type) => {
  const spec = specOf(type);
  return Boolean(spec?.target) && throughPort({ type, config: spec.default }) !== undefined;
};

const fromPort = ({ source, port }) => (node) => [{ op: "connect", id: freshId("e"), source, port, target: node.id }];

/** Panels that can open on the canvas, all closed. */
export const CLOSED = { quick: null, ctx: null, link: null };

export const actions = {
  align,
  copied,
  copyNow,
  duplicate,
  frameSelection,
  paste,
  pasteNow,
  resized,

  attach(reactFlow, element) {
    Object.assign(stage, { flow: reactFlow, box: element });
  },
  /** Put the keyboard back on the canvas. */
  focus: () => stage.box?.focus({ preventScroll: true }),

  canConnect(source, target) {
    const to = nodeOf(S.doc, target);
    return Boolean(to) && source !== target && Boolean(specOf(to.type)?.target);
  },
  /** Connect a port; what it led to before is replaced. */
  connect(source, port, target) {
    if (!actions.canConnect(source, target) || edgeAt(S.doc, source, port)?.target === target) return;
    if (!editor.edit([{ op: "connect", id: freshId("e"), source, port, target }])) return;
    const from = nodeOf(S.doc, source);
    announce(say("canvas.said_connected", { from: nodeName(from), port: portLabel(from, port), to: nodeName(nodeOf(S.doc, target)) }));
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
  /** Open the palette at a point of the window; `from` is the exit or the edge that the new block will hang on. */
  openQuick(clientX, clientY, from = null) {
    if (readOnly()) return;
    const at = stage.flow.screenToFlowPosition({ x: clientX, y: clientY });
    emit({ ...CLOSED });
    actions.quickSearch("", { ...placed(clientX, clientY, 232, 336), at, from });
  },
  quickSearch(query, quick = S.quick) {
    if (!quick) return;
    const fits = quick.from?.edge ? goesThrough : (type) => !quick.from || specOf(type).target;
    const groups = paletteGroups(query, { targetOnly: Boolean(quick.from) }).map((group) => ({ ...group, items: group.items.filter((item) => fits(item.type)) }));
    const all = groups.flatMap((group) => group.items);
    const recent = query.trim() ? [] : S.recents.map((type) => all.find((item) => item.type === type)).filter(Boolean);
    const first = recent.length ? [{ group: "recent", label: say("editor.recent"), items: recent, count: recent.length }] : [];
    emit({ quick: { ...quick, query, groups: [...first, ...groups.filter((group) => group.items.length)] } });
  },
  quickAdd(type) {
    const { at, from } = S.quick;
    emit({ quick: null });
    const edge = from?.edge ? indexOf(S.doc).edges.get(from.edge) : null;
    const links = edge ? (node) => between(edge, node) : from?.source ? fromPort(from) : () => [];
    const place = edge && !from.free ? { x: at.x - CARD.width / 2, y: at.y - 22 } : { x: at.x, y: at.y - 22 };
    const id = actions.add(type, from?.free ? clear(place) : place, links);
    if (id) reveal(nodeOf(S.doc, id));
  },
  quickFirst() {
    const first = S.quick?.groups[0]?.items[0];
    if (first) actions.quickAdd(first.type);
  },
  closeQuick() {
    emit({ quick: null });
    actions.focus();
  },
  /** Offer blocks to hang on a free exit of the selected node, beside its card; when its ways on are all taken, to go
   * between it and what follows; without a selection, in the middle of the view. */
  offerNext(source = S.selected.length === 1 ? S.selected[0] : null, port = null) {
    const node = source && nodeOf(S.doc, source);
    const exit = node && (port ?? portsOf(specOf(node.type), node.config).find((item) => item.id !== "error" && !edgeAt(S.doc, source, item.id))?.id);
    const way = node && !exit && throughPort(node);
    const taken = way ? edgeAt(S.doc, source, way) : null;
    const rect = stage.box.getBoundingClientRect();
    if (!exit && !taken) {
      actions.openQuick(rect.left + rect.width / 2 - 110, rect.top + 80);
      return;
    }
    reveal(node, 0);
    const place = { x: node.position.x + sizeOf(node).width + 80, y: node.position.y + 22 };
    const point = stage.flow.flowToScreenPosition(place);
    actions.openQuick(point.x, point.y, exit ? { source, port: exit, free: true } : { edge: taken.id, free: true });
    emit({ quick: { ...S.quick, at: place } });
  },

  /** Add a node and select it; `links(node)` gives edits that belong to the same step. */
  add(type, position, links = () => []) {
    if (readOnly() || !specOf(type)) return null;
    const node = newNode(type, position);
    if (!editor.edit([{ op: "add_node", node }, ...links(node)])) return null;
    editor.used(type);
    editor.select([node.id]);
    announce(say("canvas.said_added", { name: nodeName(node) }));
    requestAnimationFrame(() => (document.activeElement === document.body ? actions.focus() : undefined));
    return node.id;
  },
  /** A palette entry was clicked: after the selected node if it has a free way on, else in the middle of the view. */
  addHere(type) {
    const from = S.selected.length === 1 ? nodeOf(S.doc, S.selected[0]) : null;
    const port = from && specOf(type)?.target && portsOf(specOf(from.type), from.config).find((item) => item.id !== "error" && !edgeAt(S.doc, from.id, item.id));
    if (from && port) {
      const id = actions.add(type, clear({ x: from.position.x + sizeOf(from).width + 80, y: from.position.y }), fromPort({ source: from.id, port: port.id }));
      if (id) reveal(nodeOf(S.doc, id));
      return;
    }
    const at = middle();
    actions.add(type, clear({ x: at.x - CARD.width / 2, y: at.y - CARD.height / 2 }));
  },
  addNote() {
    const at = middle();
    const id = actions.add("note", clear({ x: at.x - 118, y: at.y - 36 }, { width: 236, height: 72 }));
    if (id) emit({ editing: id });
  },
  /** A note or a frame at a point of the window, its text open for writing. */
  addAt(type, point) {
    const id = actions.add(type, stage.flow.screenToFlowPosition(point));
    if (id) emit({ editing: id });
  },
  /** A card was clicked: Alt selects what follows (with Shift what precedes); while picking, each joins or leaves. */
  clicked(event, id) {
    if (S.picking) editor.select(S.selected.includes(id) ? S.selected.filter((item) => item !== id) : [...S.selected, id]);
    else if (event.altKey) actions.selectAfter(id, !event.shiftKey);
    else {
      if (S.selected.length > 1 && !event.shiftKey && !event.ctrlKey && !event.metaKey) editor.select([id]);
      emit({ sheet: true });
    }
  },
  hover: (x, y) => mark(edgeUnder(x, y)),
  /** A palette entry was dropped; on an edge it goes between both ends. */
  dropped(type, x, y) {
    const edgeId = edgeUnder(x, y);
    mark(null);
    const at = stage.flow.screenToFlowPosition({ x, y });
    const edge = edgeId && specOf(type)?.target ? indexOf(S.doc).edges.get(edgeId) : null;
    actions.add(type, { x: at.x - CARD.width / 2, y: at.y - 22 }, (node) => (edge ? between(edge, node) : []));
  },

  /** Nodes are being dragged: a lone block without links may land on an edge. */
  lift(moved) {
    pickUp(moved);
    const node = moved.length === 1 ? nodeOf(S.doc, moved[0].id) : null;
    const { out, into } = indexOf(S.doc);
    actions.loose = node && isBlock(node) && specOf(node.type)?.target && throughPort(node) && !out.get(node.id)?.length && !into.get(node.id)?.length ? node.id : null;
    emit({ dragging: true, ...CLOSED });
  },
  over(x, y) {
    if (actions.loose) mark(edgeUnder(x, y));
  },
  /** Nodes were dropped where they are now: one edit, with the links of a block that was let go on an edge. */
  drop(moved) {
    const positions = putDown(moved);
    const onEdge = actions.loose ? indexOf(S.doc).edges.get(hovered) : null;
    mark(null);
    for (const node of moved) {
      const before = nodeOf(S.doc, node.id)?.position;
      const to = { x: snap(node.position.x), y: snap(node.position.y) };
      if (before && (before.x !== to.x || before.y !== to.y)) positions[node.id] = to;
    }
    const loose = onEdge && nodeOf(S.doc, actions.loose);
    emit({ dragging: false });
    if (Object.keys(positions).length) editor.edit([{ op: "move_nodes", positions }, ...(loose ? between(onEdge, loose) : [])]);
  },
  nudge(dx, dy) {
    const positions = {};
    for (const id of withHeld(S.doc, S.selected)) {
      const { position } = nodeOf(S.doc, id);
      positions[id] = { x: snap(position.x) + dx * 16, y: snap(position.y) + dy * 16 };
    }
    editor.edit([{ op: "move_nodes", positions }], `move:${S.selected.join()}`);
  },
  /** Lay the whole flow (or the selected part) out again; one edit. */
  arrange() {
    if (readOnly()) return;
    const only = S.selected.length > 1 ? new Set(S.selected) : null;
    const ops = arranged(S.doc, sizeOf, only);
    if (ops.length === 0) {
      tell("canvas.tidy_already");
      return;
    }
    editor.edit(ops);
    announce(say("canvas.said_arranged"));
    requestAnimationFrame(() => stage.flow.fitView({ padding: 0.12, duration: 260, maxZoom: 1 }));
  },

  /** Delete what is selected, and offer to close the gap. */
  remove() {
    if (readOnly()) return;
    if (S.edge) {
      const edge = indexOf(S.doc).edges.get(S.edge);
      if (edge && editor.edit([{ op: "disconnect", source: edge.source, port: edge.port }])) {
        emit({ edge: null });
        announce(say("canvas.said_disconnected"));
      }
      return;
    }
    const ids = S.selected;
    if (ids.length === 0) return;
    const links = bridges(S.doc, ids);
    const told = ids.length === 1 ? say("canvas.deleted_one", { name: nodeName(nodeOf(S.doc, ids[0])) }) : say("editor.deleted", { count: ids.length });
    if (!editor.edit([{ op: "delete_nodes", ids }])) return;
    editor.select([]);
    actions.focus();
    announce(told);
    emit({ join: links.length ? links : null });
    const undo = { label: say("common.undo"), onClick: () => editor.undo() };
    const join = { label: say("editor.join_neighbours"), onClick: () => actions.join() };
    toast(told, { duration: 10000, position: "bottom-center", action: links.length ? join : undo, cancel: links.length ? undo : undefined });
  },

  /** Close the gap that the latest deletion left. */
  join() {
    const links = (S.join ?? []).filter((op) => nodeOf(S.doc, op.source) && nodeOf(S.doc, op.target) && !edgeAt(S.doc, op.source, op.port));
    emit({ join: null });
    if (links.length && editor.edit(links)) announce(say("canvas.said_joined"));
  },
  /** Delete frames with all that they hold. */
  removeWithHeld() {
    editor.select(withHeld(S.doc, S.selected));
    actions.remove();
  },
  selectHeld(id) {
    const frame = nodeOf(S.doc, id);
    if (frame) editor.select(heldBy(S.doc, frame));
  },
  paint(id, color) {
    editor.edit([{ op: "update_config", id, patch: { color } }]);
  },
  unplug(id) {
    const { out, into } = indexOf(S.doc);
    const edges = new Set([...(out.get(id) ?? []), ...(into.get(id) ?? [])]);
    if (edges.size) editor.edit([...edges].map(({ source, port }) => ({ op: "disconnect", source, port })));
  },

  selectAll: () => editor.select(S.doc.nodes.map((node) => node.id)),
  /** Select what follows (or precedes) a node, or all selected ones; they stay selected themselves. */
  selectAfter(id, forward) {
    const ids = [...reach(S.doc, id ? [id] : S.selected, forward)];
    if (ids.length === 0) return;
    editor.select(ids);
    announce(say("editor.selected", { count: ids.length }));
  },

  editTitle(event, id) {
    if (event.target.closest?.(".hd, .sticky, .gname")) actions.rename(id);
  },
  /** Edit a block's title, a note's text or a frame's name where it stands. */
  rename(id = S.selected.length === 1 ? S.selected[0] : null) {
    if (!id || readOnly() || !nodeOf(S.doc, id)) return;
    editor.select([id]);
    reveal(nodeOf(S.doc, id));
    emit({ editing: id, ...CLOSED });
  },
  /** Put the caret into the selection's first field. */
  focusField(selector = ".ins [data-field]") {
    const go = () => {
      const field = document.querySelector(selector);
      field?.focus();
      field?.select?.();
      return field;
    };
    // At once, so that the next key is already a letter of the field and not a shortcut of the canvas.
    flushSync(() => emit({ tab: "block", sheet: true }));
    if (!go()) requestAnimationFrame(() => requestAnimationFrame(go));
  },
  /** The first look at a flow: all of it if that stays readable, else its beginning. */
  begin() {
    const nodes = stage.flow.getNodes();
    if (nodes.length === 0) return;
    const rect = stage.box.getBoundingClientRect();
    const left = Math.min(...nodes.map((node) => node.position.x));
    const top = Math.min(...nodes.map((node) => node.position.y));
    const right = Math.max(...nodes.map((node) => node.position.x + (node.measured?.width ?? CARD.width)));
    const bottom = Math.max(...nodes.map((node) => node.position.y + (node.measured?.height ?? CARD.height)));
    const zoom = Math.min(1, Math.max(0.7, Math.min((rect.width - 96) / (right - left), (rect.height - 96) / (bottom - top))));
    const x = (right - left) * zoom <= rect.width - 64 ? (rect.width - (right - left) * zoom) / 2 : 40;
    const y = (bottom - top) * zoom <= rect.height - 64 ? (rect.height - (bottom - top) * zoom) / 2 : 40;
    stage.flow.setViewport({ x: x - left * zoom, y: y - top * zoom, zoom });
  },
  fit: () => stage.flow?.fitView({ padding: 0.12, duration: 220, maxZoom: 1 }),
  fitSelection() {
    const nodes = nodesOf(S.selected);
    if (nodes.length) stage.flow.fitBounds(around(nodes), { padding: 0.2, duration: 220 });
  },
  zoom: (factor) => stage.flow?.zoomTo(stage.flow.getZoom() * factor, { duration: 120 }),
  zoomReset: () => stage.flow?.zoomTo(1, { duration: 160 }),
  /** All nodes as the keyboard goes through them. */
  order: () => inReadingOrder(S.doc.nodes),
};
