// What stands on the screen: React Flow's instance, its element, and the sizes of cards. For whoever places, measures or
// looks for something on the canvas.
import { S, specOf } from "$/public/pt_editor.js";

/** The canvas of the open page; empty until it is there. */
export const stage = { flow: null, box: null };

export const CARD = { width: 260, height: 150 };
const NOTE = { width: 236, height: 72 };

/** Width and height of a node of the document: as measured, else what its type usually has. */
export const sizeOf = (node) => {
  if (node.type === "group") return { width: Number(node.config.width) || 640, height: Number(node.config.height) || 420 };
  const measured = stage.flow?.getNode(node.id)?.measured;
  return measured?.width ? { width: measured.width, height: measured.height } : node.type === "note" ? NOTE : CARD;
};

/** A node's place and size. */
export const rectOf = (node) => ({ ...node.position, ...sizeOf(node) });

/** The smallest rectangle around nodes. */
export const around = (nodes) => {
  const rects = nodes.map(rectOf);
  const x = Math.min(...rects.map((rect) => rect.x));
  const y = Math.min(...rects.map((rect) => rect.y));
  return { x, y, width: Math.max(...rects.map((rect) => rect.x + rect.width)) - x, height: Math.max(...rects.map((rect) => rect.y + rect.height)) - y };
};

/** Is it a block of the conversation (not a note, not a frame)? */
export const isBlock = (node) => specOf(node.type)?.group !== "canvas";

/** Nodes in the order in which people read them: columns from left to right, each from top to bottom. */
export const inReadingOrder = (nodes) => [...nodes].sort((a, b) => Math.round(a.position.x / 160) - Math.round(b.position.x / 160) || a.position.y - b.position.y || a.position.x - b.position.x);

/** The middle of what is seen, in canvas units. */
export const middle = () => {
  const rect = stage.box.getBoundingClientRect();
  return stage.flow.screenToFlowPosition({ x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 });
};

/** The part of the canvas that nothing covers: on a phone the open panel stands over its lower part. */
const seen = () => {
  const { left, top, right, bottom } = stage.box.getBoundingClientRect();
  const panel = window.matchMedia("(max-width: 767px)").matches && document.querySelector('.panes[data-sheet="true"] .ins');
  return { left, top, right, bottom: panel ? Math.max(top + 80, bottom - panel.offsetHeight) : bottom };
};

/** Put a point of the canvas in the middle of what is seen. */
export const centre = (x, y, zoom, duration = 260) => {
  const rect = seen();
  stage.flow.setViewport({ x: (rect.right - rect.left) / 2 - x * zoom, y: (rect.bottom - rect.top) / 2 - y * zoom, zoom }, { duration });
};

/** Show all of these nodes, as large as what is seen allows. */
export const show = (nodes, duration = 300) => {
  if (!nodes.length) return;
  const rect = seen();
  const { x, y, width, height } = around(nodes);
  const zoom = Math.min((rect.right - rect.left) / (width * 1.2), (rect.bottom - rect.top) / (height * 1.2), 1);
  centre(x + width / 2, y + height / 2, Math.max(zoom, 0.2), duration);
};

const MARGIN = 48; // between a node that was brought into view and the edge of what is seen

/** Bring a node into view when a part of it is outside: one beside what is seen by the shortest way, so that what it hangs
 * on stays in sight; one far away, or larger than what is seen, into the middle. */
export const reveal = (node, duration = 220) => {
  const rect = seen();
  const { x, y, width, height } = rectOf(node);
  const from = stage.flow.flowToScreenPosition({ x, y });
  const to = stage.flow.flowToScreenPosition({ x: x + width, y: y + height });
  const map = stage.box.querySelector(".react-flow__minimap")?.getBoundingClientRect();
  if (map?.width && Math.min(to.x, rect.right) > map.left && to.y - from.y < map.top - rect.top - 2 * MARGIN) rect.bottom = map.top;
  if (from.x >= rect.left && from.y >= rect.top && to.x <= rect.right && to.y <= rect.bottom) return;
  const view = stage.flow.getViewport();
  const wide = rect.right - rect.left;
  const tall = rect.bottom - rect.top;
  const by = {
    x: from.x < rect.left + MARGIN ? rect.left + MARGIN - from.x : to.x > rect.right - MARGIN ? rect.right - MARGIN - to.x : 0,
    y: from.y < rect.top + MARGIN ? rect.top + MARGIN - from.y : to.y > rect.bottom - MARGIN ? rect.bottom - MARGIN - to.y : 0,
  };
  const fits = to.x - from.x <= wide - 2 * MARGIN && to.y - from.y <= tall - 2 * MARGIN;
  if (fits && view.zoom >= 0.5 && Math.abs(by.x) < wide && Math.abs(by.y) < tall) {
    stage.flow.setViewport({ x: view.x + by.x, y: view.y + by.y, zoom: view.zoom }, { duration });
    return;
  }
  centre(x + width / 2, y + height / 2, Math.max(stage.flow.getZoom(), 0.5), duration);
};

/** A menu or panel at a point of the window, kept inside the canvas. */
export const placed = (clientX, clientY, width, height) => {
  const rect = stage.box.getBoundingClientRect();
  return {
    left: Math.min(Math.max(8, clientX - rect.left), Math.max(8, rect.width - width - 8)),
    top: Math.min(Math.max(8, clientY - rect.top), Math.max(8, rect.height - height - 8)),
  };
};

/** Where a node's card ends on the screen, for panels that belong to it. */
export const besideCard = (node) => {
  const { x, y, width } = rectOf(node);
  return stage.flow.flowToScreenPosition({ x: x + width + 12, y });
};

/** The nodes with these ids that the document still has. */
export const nodesOf = (ids) => {
  const wanted = new Set(ids);
  return S.doc ? S.doc.nodes.filter((node) => wanted.has(node.id)) : [];
};
