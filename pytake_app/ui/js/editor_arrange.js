// Lining up and spreading out what is selected. A frame moves with what it holds; each is one edit.
import { nodeOf, snap } from "$/public/pt_editor_doc.js";
import { editor, S } from "$/public/pt_editor.js";
import { heldBy } from "$/public/pt_editor_frames.js";
import { around, nodesOf, rectOf } from "$/public/pt_editor_stage.js";

const GAPS = { x: 64, y: 48 };

const LINES = {
  left: (rect, all) => ({ x: all.x, y: rect.y }),
  center: (rect, all) => ({ x: all.x + (all.width - rect.width) / 2, y: rect.y }),
  right: (rect, all) => ({ x: all.x + all.width - rect.width, y: rect.y }),
  top: (rect, all) => ({ x: rect.x, y: all.y }),
  middle: (rect, all) => ({ x: rect.x, y: all.y + (all.height - rect.height) / 2 }),
  bottom: (rect, all) => ({ x: rect.x, y: all.y + all.height - rect.height }),
};

const lined = (how, units) => {
  const all = around(units);
  return new Map(units.map((node) => [node.id, LINES[how](rectOf(node), all)]));
};

/** Equal gaps between the first and the last; when they would be too tight, a fixed gap. */
const spread = (axis, units) => {
  const long = axis === "x" ? "width" : "height";
  const sorted = [...units].sort((a, b) => a.position[axis] - b.position[axis]);
  const all = around(sorted);
  const free = all[long] - sorted.reduce((sum, node) => sum + rectOf(node)[long], 0);
  const even = free / (sorted.length - 1);
  const gap = sorted.length < 3 || even < 16 ? GAPS[axis] : even;
  const places = new Map();
  let cursor = all[axis];
  for (const node of sorted) {
    places.set(node.id, { ...node.position, [axis]: cursor });
    cursor += rectOf(node)[long] + gap;
  }
  return places;
};

/** Line up (`left`, `center`, `right`, `top`, `middle`, `bottom`) or spread (`across`, `down`) the selected nodes. */
export const align = (how) => {
  const chosen = nodesOf(S.selected);
  const inFrames = new Set(chosen.filter((node) => node.type === "group").flatMap((frame) => heldBy(S.doc, frame)));
  const units = chosen.filter((node) => !inFrames.has(node.id));
  if (units.length < 2) return;
  const places = how === "across" || how === "down" ? spread(how === "across" ? "x" : "y", units) : lined(how, units);
  const positions = {};
  for (const node of units) {
    const to = { x: snap(places.get(node.id).x), y: snap(places.get(node.id).y) };
    const [dx, dy] = [to.x - node.position.x, to.y - node.position.y];
    if (!dx && !dy) continue;
    positions[node.id] = to;
    if (node.type !== "group") continue;
    for (const id of heldBy(S.doc, node)) {
      const { position } = nodeOf(S.doc, id);
      positions[id] = { x: position.x + dx, y: position.y + dy };
    }
  }
  if (Object.keys(positions).length) editor.edit([{ op: "move_nodes", positions }]);
};
