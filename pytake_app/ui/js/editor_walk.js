// Going through the blocks by keyboard: in reading order, along the links, or by direction.
import { edgeAt, indexOf, nodeOf, portsOf } from "$/public/pt_editor_doc.js";
import { editor, specOf, S } from "$/public/pt_editor.js";
import { inReadingOrder, rectOf, reveal, stage } from "$/public/pt_editor_stage.js";
import { announce, described } from "$/public/pt_editor_voice.js";

const current = () => (S.selected.length ? nodeOf(S.doc, S.selected[S.selected.length - 1]) : null);

/** Select a node, show it, and give it the keyboard. */
export const goTo = (node) => {
  editor.select([node.id]);
  reveal(node, 160);
  announce(described(node));
  // At once, so that the next key finds it there; a card that is drawn only now gets the keyboard unless it went on.
  const card = () => stage.box?.querySelector(`.react-flow__node[data-id="${CSS.escape(node.id)}"]`);
  (card() ?? stage.box)?.focus({ preventScroll: true });
  requestAnimationFrame(() => document.activeElement === stage.box && card()?.focus({ preventScroll: true }));
};

/** To the next (1) or the previous (-1) block in reading order; false at the end, so that Tab leaves the canvas. */
export const step = (by) => {
  const order = inReadingOrder(S.doc.nodes);
  const now = current();
  const next = now ? order[order.findIndex((node) => node.id === now.id) + by] : by > 0 ? order[0] : order[order.length - 1];
  if (next) goTo(next);
  return Boolean(next);
};

const SIDES = { right: ["x", 1], left: ["x", -1], down: ["y", 1], up: ["y", -1] };

const nearest = (now, side) => {
  const [axis, sign] = SIDES[side];
  const from = rectOf(now);
  const middle = (rect) => ({ x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 });
  const start = middle(from);
  let best = null;
  for (const node of S.doc.nodes) {
    if (node.id === now.id) continue;
    const at = middle(rectOf(node));
    const along = (at[axis] - start[axis]) * sign;
    const across = Math.abs(axis === "x" ? at.y - start.y : at.x - start.x);
    if (along <= 8) continue;
    const far = along + across * 2;
    if (!best || far < best.far) best = { node, far };
  }
  return best?.node ?? null;
};

const siblings = (now) => {
  const into = indexOf(S.doc).into.get(now.id)?.[0];
  if (!into) return [];
  const source = nodeOf(S.doc, into.source);
  const targets = portsOf(specOf(source.type), source.config).map((port) => edgeAt(S.doc, source.id, port.id)?.target);
  return [...new Set(targets.filter(Boolean))];
};

/** Along the links: `right` to what follows, `left` to what leads here, `up` and `down` among what follows the same block. */
export const walk = (side) => {
  const now = current();
  if (!now) {
    step(1);
    return;
  }
  const { out, into } = indexOf(S.doc);
  let id = null;
  if (side === "right") {
    const ports = portsOf(specOf(now.type), now.config);
    const edges = [...(out.get(now.id) ?? [])].sort((a, b) => ports.findIndex((port) => port.id === a.port) - ports.findIndex((port) => port.id === b.port));
    id = edges[0]?.target;
  } else if (side === "left") id = into.get(now.id)?.[0]?.source;
  else {
    const row = siblings(now);
    id = row[row.indexOf(now.id) + (side === "down" ? 1 : -1)];
  }
  const node = (id && nodeOf(S.doc, id)) || nearest(now, side);
  if (node) goTo(node);
};
