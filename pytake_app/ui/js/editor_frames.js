// Frames: what stands in a frame goes where it goes. A block belongs to a frame while its middle is inside; nothing is
// kept about it in the document.
import { freshId, nodeOf, snap } from "$/public/pt_editor_doc.js";
import { editor, readOnly, say, S, specOf } from "$/public/pt_editor.js";
import { around, nodesOf, rectOf } from "$/public/pt_editor_stage.js";

const PAD = 32;
const HEAD = 48; // room for the frame's title

const contains = (frame, node) => {
  const rect = rectOf(node);
  if (node.type === "group") return rect.x >= frame.x && rect.y >= frame.y && rect.x + rect.width <= frame.x + frame.width && rect.y + rect.height <= frame.y + frame.height;
  const x = rect.x + rect.width / 2;
  const y = rect.y + rect.height / 2;
  return x > frame.x && x < frame.x + frame.width && y > frame.y && y < frame.y + frame.height;
};

/** Ids of the nodes that a frame holds, those of frames within it included. */
export const heldBy = (doc, frame) => {
  const rect = rectOf(frame);
  return doc.nodes.filter((node) => node.id !== frame.id && contains(rect, node)).map((node) => node.id);
};

/** The given ids and whatever frames among them hold. */
export const withHeld = (doc, ids) => {
  const all = new Set(ids);
  for (const id of ids) {
    const node = nodeOf(doc, id);
    if (node?.type === "group") heldBy(doc, node).forEach((held) => all.add(held));
  }
  return [...all];
};

let carried = null; // while a drag lasts: node id → {frame, dx, dy}

/** A drag begins: remember what the dragged frames hold. */
export const pickUp = (dragged) => {
  carried = new Map();
  const own = new Set(dragged.map((node) => node.id));
  for (const one of dragged) {
    const frame = nodeOf(S.doc, one.id);
    if (frame?.type !== "group") continue;
    for (const id of heldBy(S.doc, frame)) {
      const { position } = nodeOf(S.doc, id);
      if (!own.has(id) && !carried.has(id)) carried.set(id, { frame: frame.id, dx: position.x - frame.position.x, dy: position.y - frame.position.y });
    }
  }
  if (carried.size === 0) carried = null;
};

/** React Flow's changes, with those of what dragged frames hold. */
export const alsoHeld = (changes) => {
  if (!carried) return changes;
  const moves = new Map(changes.filter((change) => change.type === "position" && change.position).map((change) => [change.id, change]));
  const more = [];
  for (const [id, { frame, dx, dy }] of carried) {
    const change = moves.get(frame);
    if (change) more.push({ id, type: "position", position: { x: change.position.x + dx, y: change.position.y + dy }, dragging: change.dragging });
  }
  return more.length ? [...changes, ...more] : changes;
};

/** The drag is over: where everything went that frames held, by id. */
export const putDown = (moved) => {
  const places = {};
  for (const [id, { frame, dx, dy }] of carried ?? []) {
    const at = moved.find((node) => node.id === frame)?.position;
    if (at && nodeOf(S.doc, id)) places[id] = { x: snap(at.x) + dx, y: snap(at.y) + dy };
  }
  carried = null;
  return places;
};

/** Put a frame around the selected nodes. */
export const frameSelection = () => {
  if (readOnly() || !specOf("group")) return null;
  const nodes = nodesOf(S.selected);
  if (nodes.length === 0) return null;
  const rect = around(nodes);
  const node = {
    id: freshId("group"),
    type: "group",
    title: "",
    config: { ...structuredClone(specOf("group").default), width: Math.ceil((rect.width + 2 * PAD) / 16) * 16, height: Math.ceil((rect.height + PAD + HEAD) / 16) * 16 },
    position: { x: snap(rect.x - PAD), y: snap(rect.y - HEAD) },
  };
  if (!editor.edit([{ op: "add_node", node }])) return null;
  editor.select([node.id]);
  return node.id;
};

/** A frame was drawn to another size: place and size are one edit. */
export const resized = (id, { x, y, width, height }) => {
  const node = nodeOf(S.doc, id);
  if (!node) return;
  const size = { width: Math.max(80, snap(width)), height: Math.max(64, snap(height)) };
  const place = { x: snap(x), y: snap(y) };
  const ops = [];
  const before = rectOf(node);
  if (before.width !== size.width || before.height !== size.height) ops.push({ op: "update_config", id, patch: size });
  if (before.x !== place.x || before.y !== place.y) ops.push({ op: "move_nodes", positions: { [id]: place } });
  if (ops.length) editor.edit(ops);
};

/** What a frame is called. */
export const frameName = (node) => node.config.text || say("canvas.frame");
