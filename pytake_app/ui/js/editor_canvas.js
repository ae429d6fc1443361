// The canvas: React Flow owns positions, selection and gestures; the store owns the document. A gesture becomes one edit
// when it ends; while it lasts nothing leaves the browser.
import { Fragment, createElement as h, memo, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import {
  Background, BaseEdge, ConnectionMode, EdgeLabelRenderer, Handle, MiniMap, Position, ReactFlow, ReactFlowProvider,
  SelectionMode, applyEdgeChanges, applyNodeChanges, getBezierPath, getSmoothStepPath, useReactFlow, useStore as useFlow, useUpdateNodeInternals,
} from "@xyflow/react";
import { useLocation } from "react-router";
import { ColorModeContext, EventLoopContext } from "$/utils/context";
import { useLang } from "$/public/pt_i18n.js";
import { editor, emit, keep, readOnly, say, specOf, S, useStore, useStoreRef } from "$/public/pt_editor.js";
import { indexOf, nodeOf, snap } from "$/public/pt_editor_doc.js";
import { people, peerAt } from "$/public/pt_editor_people.js";
import { cardModel, namesFlows } from "$/public/pt_editor_cards.js";
import { kindName, nodeName, portLabel } from "$/public/pt_editor_model.js";
import { actions } from "$/public/pt_editor_actions.js";
import { FindBar } from "$/public/pt_editor_find.js";
import { alsoHeld } from "$/public/pt_editor_frames.js";
import { inGap, inMiddle, isFar, liesOn } from "$/public/pt_editor_edges.js";
import { useEditorKeys } from "$/public/pt_editor_keys.js";
import { LinkPanel } from "$/public/pt_editor_link.js";
import { CanvasMenu, openMenu } from "$/public/pt_editor_menu.js";
import { refs } from "$/public/pt_editor_refs.js";
import { centre, nodesOf, reveal as bringIntoView, show } from "$/public/pt_editor_stage.js";
import { SelectionTools } from "$/public/pt_editor_toolbar.js";
import { useLongPress } from "$/public/pt_editor_touch.js";
import { CardMark, RunLegend, useEdgeLook, useMarks } from "$/public/pt_editor_marks.js";
import { usePhone } from "$/public/pt_editor_views.js";
import { Voice } from "$/public/pt_editor_voice.js";

const MANY = 150; // nodes above which only visible ones are drawn
const NEAR = 0.45; // zoom below which edge labels are left out
const EMPTY = [];
const viewKey = (flowId) => `pytake_view_${flowId}`;

/** A port of a card: where an edge begins. */
export const PortHandle = ({ port, wired, bad, lit, label }) =>
  h(Handle, {
    type: "source",
    id: port,
    position: Position.Right,
    className: `pt${wired ? "" : " free"}${bad ? " bad" : ""}${lit ? " hot" : ""}`,
    isConnectable: !readOnly(),
    title: label,
    "data-port": port,
  });

/** Where edges arrive. */
export const TargetHandle = () => h(Handle, { type: "target", id: "in", position: Position.Left, className: "tg", isConnectableStart: false });

const wiredOf = (doc, id) => (doc ? (indexOf(doc).out.get(id) ?? EMPTY).map((edge) => edge.port) : EMPTY);

/** Makes a React Flow node type from a Python-made card: computes what the card shows, only when that changed. */
const asNode = (View) =>
  memo(({ id, data, selected }) => {
    useLang();
    const internals = useUpdateNodeInternals();
    const problems = useStore((s) => s.problems.get(id) ?? null);
    const wired = useStore((s) => wiredOf(s.doc, id));
    const lit = useStore((s) => (s.lit.nodes.has(id) ? [...s.lit.ports].filter((key) => key.startsWith(id + "\u0000")).map((key) => key.slice(id.length + 1)).concat("") : EMPTY));
    const current = useStore((s) => s.lit.current === id);
    const showError = useStore((s) => s.shownErrors.includes(id));
    const peer = useStore((s) => (s.peers.length ? peerAt(id) : null));
    const verified = useStore((s) => s.verified);
    const leads = namesFlows(data.node.type);
    useStoreRef((s) => (leads ? s.flows : null)); // a card that says where it leads waits for the names
    useEffect(() => {
      if (leads) refs.load();
    }, [leads]);
    const item = cardModel(data.node, { selected: Boolean(selected), problems, wired, lit, current, showError, peer, verified });
    const ports = [...item.options, ...item.exits].map((port) => port.id).join(" ");
    const first = useRef(true);
    useEffect(() => {
      if (first.current) {
        first.current = false;
        return undefined;
      }
      const frame = requestAnimationFrame(() => internals(id));
      return () => cancelAnimationFrame(frame);
    }, [ports]);
    return h(Fragment, null, h(View, { item }), h(CardMark, { id }));
  }, (a, b) => a.id === b.id && a.data === b.data && a.selected === b.selected);

const FIGURES = "0000 00%"; // as long as what the runs tab writes

/** Whether a card lies under an edge's name; looked at when blocks came to rest, not while they are dragged. */
const useCovered = (place) => {
  const last = useRef({ nodes: null, at: "", value: false });
  return useFlow((s) => {
    const seen = last.current;
    const at = place ? `${place.x} ${place.y} ${place.words}` : "";
    if (seen.at === at && (seen.nodes === s.nodes || S.dragging)) return seen.value;
    const cards = place?.words ? s.nodes.filter((node) => node.type !== "group").map((node) => ({ ...node.position, width: node.measured?.width ?? 260, height: node.measured?.height ?? 120 })) : [];
    last.current = { nodes: s.nodes, at, value: Boolean(cards.length) && liesOn(place, cards) };
    return last.current.value;
  });
};

const FlowEdge = memo(({ id, source, target, sourceX, sourceY, targetX, targetY, sourceHandleId, selected, data }) => {
  const back = targetX < sourceX + 16;
  const ends = { sourceX, sourceY, targetX, targetY, sourcePosition: Position.Right, targetPosition: Position.Left };
  // An edge that goes back passes above both of its cards instead of through what lies between them.
  const [path, labelX, labelY] = back ? getSmoothStepPath({ ...ends, borderRadius: 18, offset: 30, centerY: Math.min(sourceY, targetY) - 56 }) : getBezierPath({ ...ends, curvature: 0.28 });
  const look = useEdgeLook(id, source, sourceHandleId);
  const middle = inMiddle(ends, [labelX, labelY], look?.label ? FIGURES : data.label, back);
  const covered = useCovered(back || isFar(ends) ? middle : null);
  const place = covered ? inGap(ends, look?.label ? FIGURES : data.label, back) : middle;
  const lit = useStore((s) => s.lit.ports.has(`${source}\u0000${sourceHandleId}`) && s.lit.nodes.has(target));
  const near = useFlow((s) => s.transform[2] > NEAR);
  const hot = useStore((s) => s.selected.length === 1 && s.selected[0] === source);
  const words = look && look.label !== undefined ? look.label : place.words;
  return h("g", { className: `${(selected || hot) && !look ? "hot" : ""}${lit ? " lit" : ""} ${look?.className ?? ""}`, "data-testid": `edge-${id}` },
    h(BaseEdge, { id, path, interactionWidth: 22, style: look?.style }),
    near && words && h(EdgeLabelRenderer, null,
      h("div", { className: `el${selected ? " hot" : ""}${look?.label ? " ef tn" : ""}${covered ? " flat" : ""}`, style: { transform: `translate(-50%, -50%) translate(${place.x}px, ${place.y}px)` } }, words)));
});

const EDGE_TYPES = { pt: FlowEdge };

const edgesFrom = (doc, lang, old) => {
  const known = new Map(old.map((edge) => [edge.id, edge]));
  const { nodes } = indexOf(doc);
  const names = new Map(doc.nodes.map((node) => [node.id, nodeName(node)]));
  return doc.edges.flatMap((edge) => {
    const source = nodes.get(edge.source);
    if (!source || !nodes.has(edge.target)) return [];
    const label = edge.port === "next" ? "" : portLabel(source, edge.port);
    const ariaLabel = say("canvas.edge_label", { from: names.get(edge.source), port: label, to: names.get(edge.target) });
    const before = known.get(edge.id);
    if (before && before.source === edge.source && before.sourceHandle === edge.port && before.target === edge.target && before.data.label === label && before.ariaLabel === ariaLabel) return [before];
    return [{ id: edge.id, source: edge.source, sourceHandle: edge.port, target: edge.target, targetHandle: "in", type: "pt", data: { label }, ariaLabel, domAttributes: { "aria-roledescription": say("canvas.link") }, selected: before?.selected }];
  });
};

const UNDER = -2000; // frames stay behind edges and blocks, also while one is selected

/** A frame's size in React Flow, and its place in the pile: the larger, the lower. */
const frameParts = (node, before) => {
  if (node.type !== "group") return {};
  const { width = 640, height = 420 } = node.config;
  if (before?.resizing) return { width: before.width, height: before.height };
  return { width, height, zIndex: UNDER - Math.min(900, Math.round(Math.sqrt(width * height) / 16)), dragHandle: ".gname, .gedge" };
};

const labelOf = (node) => (node.title && node.title !== kindName(node.type) ? `${node.title}, ${kindName(node.type)}` : nodeName(node));

const nodesFrom = (doc, old, selected) => {
  const known = new Map(old.map((node) => [node.id, node]));
  return doc.nodes.map((node) => {
    const before = known.get(node.id);
    const on = selected.has(node.id);
    const still = before && (before.dragging || (before.position.x === node.position.x && before.position.y === node.position.y));
    if (before && before.data.node === node && still && Boolean(before.selected) === on) return before;
    const data = before?.data.node === node ? before.data : { node };
    const held = before?.dragging || before?.resizing;
    const shown = { data, position: held ? before.position : node.position, selected: on, ariaLabel: labelOf(node), ...frameParts(node, before) };
    if (before) return { ...before, ...shown };
    const type = specOf(node.type) ? node.type : "unknown";
    return { id: node.id, type, ...shown, domAttributes: { tabIndex: -1, role: "group", "aria-roledescription": say("canvas.block") } };
  });
};

const Zoom = ({ onArrange, onNote }) => {
  const flow = useReactFlow();
  const percent = useFlow((s) => Math.round(s.transform[2] * 100));
  const lang = useLang();
  const locked = useStore(() => readOnly());
  const button = (id, icon, label, onClick, disabled) => h("button", { type: "button", className: "ib sm", title: label, "aria-label": label, onClick, disabled, "data-testid": id }, icon);
  return h("div", { className: "zoom", role: "toolbar", "aria-label": say("editor.view_tools"), lang },
    button("zoom-out", PATHS.minus, say("editor.zoom_out"), () => flow.zoomOut({ duration: 120 })),
    h("button", { type: "button", className: "pc meta tn med", title: say("editor.zoom_reset"), onClick: () => flow.zoomTo(1, { duration: 160 }) }, `${percent} %`),
    button("zoom-in", PATHS.plus, say("editor.zoom_in"), () => flow.zoomIn({ duration: 120 })),
    h("span", { className: "vr" }),
    !locked && h("button", { type: "button", className: "ib sm only-phone", title: say("editor.add_block"), "aria-label": say("editor.add_block"), onClick: () => actions.offerNext(), "data-testid": "phone-add" }, PATHS.add),
    button("zoom-fit", PATHS.fit, say("editor.fit"), () => flow.fitView({ padding: 0.12, duration: 220, maxZoom: 1 })),
    !locked && button("arrange", PATHS.grid, say("editor.arrange"), onArrange),
    !locked && onNote && button("add-note", PATHS.note, say("editor.add_note"), onNote));
};

const draw = (...paths) => h("svg", { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeLinecap: "round", strokeLinejoin: "round", className: "lucide i-s", "aria-hidden": true }, ...paths.map((d, i) => h("path", { d, key: i })));
const PATHS = {
  minus: draw("M5 12h14"),
  plus: draw("M5 12h14", "M12 5v14"),
  add: draw("M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z", "M8 12h8", "M12 8v8"),
  fit: draw("M8 3H5a2 2 0 0 0-2 2v3", "M21 8V5a2 2 0 0 0-2-2h-3", "M3 16v3a2 2 0 0 0 2 2h3", "M16 21h3a2 2 0 0 0 2-2v-3"),
  grid: draw("M4 3h5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z", "M15 3h5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1h-5a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z", "M15 14h5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1h-5a1 1 0 0 1-1-1v-5a1 1 0 0 1 1-1z", "M4 14h5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-5a1 1 0 0 1 1-1z"),
  note: draw("M21 9a2.4 2.4 0 0 0-.7-1.7l-3.6-3.6A2.4 2.4 0 0 0 15 3H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2z", "M15 3v5a1 1 0 0 0 1 1h5"),
};

const miniColor = (node) => (node.data.node.type === "group" ? "var(--slate-a4)" : `var(--${{ trigger: "jade", message: "blue", input: "violet", logic: "amber", action: "cyan", ai: "plum" }[specOf(node.data.node.type)?.group] ?? "slate"}-9)`);

const savedView = (flowId) => {
  try {
    return JSON.parse(localStorage.getItem(viewKey(flowId)) ?? "null");
  } catch {
    return null;
  }
};

const Surface = ({ cards, quick: Quick, label }) => {
  const doc = useStoreRef((s) => s.doc);
  const flowId = useStoreRef((s) => s.flowId);
  const selectedIds = useStoreRef((s) => s.selected);
  const selectedEdge = useStoreRef((s) => s.edge);
  const focus = useStoreRef((s) => s.focus);
  const fit = useStoreRef((s) => s.fit);
  const reveal = useStoreRef((s) => s.reveal);
  const quick = useStoreRef((s) => s.quick);
  const find = useStoreRef((s) => s.find);
  const aim = useStoreRef((s) => s.aim);
  const sheet = useStore((s) => s.sheet);
  const phone = usePhone();
  const locked = useStore(() => readOnly());
  const whole = useStore((s) => Boolean(s.whole)); // every card is drawn, for a picture
  const lang = useLang();
  const flow = useReactFlow();
  const { resolvedColorMode } = useContext(ColorModeContext);
  const box = useRef(null);
  const boxing = useRef(false);
  const [nodes, setNodes] = useState([]);
  const [edges, setEdges] = useState([]);
  const types = useMemo(() => Object.fromEntries(Object.entries(cards).map(([name, View]) => [name, asNode(View)])), []);
  const view = useMemo(() => savedView(flowId), [flowId]);

  useEffect(() => {
    if (doc) setNodes((old) => nodesFrom(doc, old, new Set(selectedIds)));
  }, [doc, selectedIds]);
  useEffect(() => {
    if (doc) setEdges((old) => edgesFrom(doc, lang, old).map((edge) => (Boolean(edge.selected) === (edge.id === selectedEdge) ? edge : { ...edge, selected: edge.id === selectedEdge })));
  }, [doc, lang, selectedEdge]);
  useEffect(() => {
    actions.attach(flow, box.current);
  }, [flow]);
  useEffect(() => {
    const hits = new Set(find?.hits ?? []);
    const now = find?.hits[find.at];
    const classOf = (id) => (id === aim ? "aim" : id === now ? "hit now" : hits.has(id) ? "hit" : undefined);
    setNodes((old) => old.map((node) => (node.className === classOf(node.id) ? node : { ...node, className: classOf(node.id) })));
  }, [find, aim]);
  useEffect(() => {
    if (!focus) return;
    if (focus.at) {
      flow.setCenter(focus.at[0], focus.at[1], { zoom: focus.at[2], duration: 260 });
      return;
    }
    const node = flow.getNode(focus.id);
    if (!node) return;
    const zoom = Math.max(flow.getZoom(), 0.8);
    centre(node.position.x + (node.measured?.width ?? 260) / 2, node.position.y + (node.measured?.height ?? 160) / 2, Math.min(zoom, 1.1));
  }, [focus]);
  useEffect(() => {
    if (fit) show(nodesOf(fit.ids));
  }, [fit]);
  useEffect(() => {
    const node = reveal && nodeOf(S.doc, reveal.id);
    if (node && box.current) bringIntoView(node, 300);
  }, [reveal, phone && sheet]);
  useEffect(() => {
    const node = phone && sheet && selectedIds.length === 1 && nodeOf(S.doc, selectedIds[0]);
    if (node) bringIntoView(node);
  }, [phone, sheet, selectedIds]);

  const onNodesChange = useCallback((changes) => {
    const seen = alsoHeld(changes.filter((change) => change.type !== "remove" && !(S.picking && change.type === "select")));
    setNodes((old) => applyNodeChanges(seen, old));
    const picks = seen.filter((change) => change.type === "select");
    if (picks.length) {
      const ids = new Set(S.selected);
      for (const change of picks) change.selected ? ids.add(change.id) : ids.delete(change.id);
      editor.select([...ids], ids.size ? null : S.edge);
    }
  }, []);
  const onEdgesChange = useCallback((all) => {
    const changes = boxing.current ? all.filter((change) => change.type !== "select") : all; // a box selects blocks
    setEdges((old) => applyEdgeChanges(changes.filter((change) => change.type !== "remove"), old));
    const on = changes.find((change) => change.type === "select" && change.selected);
    const off = changes.find((change) => change.type === "select" && !change.selected && change.id === S.edge);
    if (on) editor.select([], on.id);
    else if (off) emit({ edge: null });
  }, []);
  const onNodeDragStart = useCallback((_event, _node, moved) => actions.lift(moved), []);
  const onNodeDrag = useCallback((event) => {
    const point = event.changedTouches?.[0] ?? event;
    actions.over(point.clientX, point.clientY);
  }, []);
  const onNodeDragStop = useCallback((_event, _node, moved) => {
    actions.drop(moved);
  }, []);
  const onMenu = useCallback((kind, event, id) => {
    event.preventDefault();
    openMenu(kind, event.clientX, event.clientY, id);
  }, []);
  const press = useLongPress((point, target) => {
    const node = target.closest(".react-flow__node")?.getAttribute("data-id");
    const edge = node ? null : target.closest(".react-flow__edge")?.getAttribute("data-id");
    openMenu(node ? "node" : edge ? "edge" : "pane", point.x, point.y, node ?? edge, true);
  });
  const onConnect = useCallback(({ source, sourceHandle, target }) => actions.connect(source, sourceHandle, target), []);
  const onConnectEnd = useCallback((event, state) => {
    if (!state.isValid && state.fromNode && state.fromHandle) actions.released(event, state);
  }, []);
  const isValid = useCallback(({ source, target }) => actions.canConnect(source, target), []);
  const onMoveEnd = useCallback((event, viewport) => {
    keep(viewKey(S.flowId), viewport);
    const { clientWidth, clientHeight } = box.current ?? {};
    if (clientWidth) people.seen([(clientWidth / 2 - viewport.x) / viewport.zoom, (clientHeight / 2 - viewport.y) / viewport.zoom, viewport.zoom], Boolean(event));
  }, []);
  const onDragOver = useCallback((event) => {
    if (!event.dataTransfer.types.includes("application/x-pytake-block")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    actions.hover(event.clientX, event.clientY);
  }, []);
  const onDrop = useCallback((event) => {
    const type = event.dataTransfer.getData("application/x-pytake-block");
    if (!type) return;
    event.preventDefault();
    actions.dropped(type, event.clientX, event.clientY);
  }, []);

  return h("div", { className: "cv", ref: box, tabIndex: 0, "data-testid": "canvas", role: "application", "aria-label": label, "aria-describedby": "canvas-help", ...press },
    h("span", { id: "canvas-help", hidden: true }, say("canvas.help")),
    h(ReactFlow, {
      nodes, edges, nodeTypes: types, edgeTypes: EDGE_TYPES, onNodesChange, onEdgesChange, onNodeDragStart, onNodeDrag, onNodeDragStop,
      onSelectionDragStart: (event, moved) => onNodeDragStart(event, null, moved), onSelectionDragStop: (event, moved) => onNodeDragStop(event, null, moved), onConnect, onConnectEnd, isValidConnection: isValid, onMoveEnd, onDragOver, onDrop,
      onNodeDoubleClick: (event, node) => actions.editTitle(event, node.id),
      onPaneClick: () => (S.quick || S.link ? emit({ quick: null, link: null, aim: null }) : undefined),
      onNodeClick: (event, node) => actions.clicked(event, node.id),
      onSelectionStart: () => {
        boxing.current = true;
      },
      onSelectionEnd: () => {
        boxing.current = false;
      },
      onPaneContextMenu: (event) => onMenu("pane", event), onNodeContextMenu: (event, node) => onMenu("node", event, node.id),
      onEdgeContextMenu: (event, edge) => onMenu("edge", event, edge.id), onSelectionContextMenu: (event, nodes) => onMenu("node", event, nodes[0]?.id),
      defaultViewport: view ?? undefined,
      onInit: view ? undefined : () => actions.begin(),
      colorMode: resolvedColorMode === "dark" ? "dark" : "light",
      minZoom: 0.15, maxZoom: 2, snapToGrid: true, snapGrid: [16, 16],
      nodesDraggable: !locked, nodesConnectable: !locked, edgesReconnectable: false,
      onlyRenderVisibleElements: nodes.length > MANY && !whole,
      connectionMode: ConnectionMode.Strict, connectionRadius: 28,
      deleteKeyCode: null, multiSelectionKeyCode: ["Shift", "Meta", "Control"], selectionKeyCode: "Shift", selectionMode: SelectionMode.Partial,
      panOnScroll: true, zoomOnDoubleClick: false, disableKeyboardA11y: true, nodesFocusable: false, edgesFocusable: false, selectNodesOnDrag: true, panOnDrag: [0, 1], elevateNodesOnSelect: true,
      proOptions: { hideAttribution: true },
    },
      h(Background, { gap: 16, size: 1.8, color: "var(--canvas-dot)" }),
      h(MiniMap, { className: "mm", style: { width: 176, height: 104 }, pannable: true, zoomable: true, nodeColor: miniColor, nodeBorderRadius: 12, nodeStrokeWidth: 0, maskColor: "var(--mm-mask)", maskStrokeColor: "var(--accent-line)", maskStrokeWidth: 2, ariaLabel: say("editor.minimap") }),
      h(Zoom, { onArrange: () => actions.arrange(), onNote: specOf("note") ? () => actions.addNote() : null }),
      h(SelectionTools)),
    h(FindBar), h(LinkPanel), h(CanvasMenu), h(Voice),
    quick && h("div", { className: "quick-at", style: { left: quick.left, top: quick.top } }, h(Quick, { item: quick })));
};

/** Root of the page: opens the flow and connects store and server; children are the page. */
export const EditorRoot = ({ specs, me, reply, onSubmit, onCatchUp, onHere, children, ...rest }) => {
  const [, connectErrors] = useContext(EventLoopContext);
  const online = connectErrors.length === 0;
  const { pathname } = useLocation();
  const flowId = decodeURIComponent(pathname.match(/\/flows\/([^/]+)/)?.[1] ?? "");
  editor.bind({ submit: onSubmit, catchUp: onCatchUp, here: onHere }, specs, me);
  useEffect(() => {
    editor.open(flowId);
    return people.leave;
  }, [flowId]);
  useEffect(() => {
    editor.connected(online);
  }, [online]);
  useEffect(() => {
    if (reply?.flow_id) editor.replied(reply);
  }, [reply]);
  useEffect(() => people.beat(), [flowId]);
  useEditorKeys();
  useMarks();
  return h("div", { ...rest, className: "ed" }, children);
};

/** The canvas; `cards` maps node types to card components, `quick` is the palette that opens on it. */
export const FlowCanvas = ({ cards, quick, label }) => {
  const phase = useStore((s) => s.phase);
  const flowId = useStore((s) => s.flowId);
  const ready = useStore((s) => Boolean(s.doc));
  if (!ready || phase === "missing" || phase === "forbidden") return null;
  return h(ReactFlowProvider, { key: flowId }, h(Surface, { cards, quick, label }));
};

/** Grid step, for whoever places things. */
export const toGrid = snap;
