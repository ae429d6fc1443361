// Auto-layout: columns from left to right with the measured sizes, keeping the order in which ports leave a card. A frame is
// laid out within and then placed like a card; a note stays beside the card that it stood next to.
import dagre from "@dagrejs/dagre";
import { applyAll, indexOf, portsOf, snap } from "$/public/pt_editor_doc.js";
import { specOf } from "$/public/pt_editor.js";
import { heldBy } from "$/public/pt_editor_frames.js";

const GAP = 40;
const BEFORE = " before";
const ROUNDS = 24; // of laying out what was laid out, until it stays as it is
const FEW_ROUNDS = 4; // of a flow of more than LARGE blocks, where each takes a while
const LARGE = 150;
const PAD = { x: 32, top: 56, bottom: 32 }; // of a frame around what it holds

/** Put each column into reading order: a card stands where the exits that lead to it stand, first exit first. */
const inReadingOrder = (graph, places, orderOf) => {
  const columns = new Map();
  for (const place of places) {
    const key = Math.round(graph.node(place.id).x);
    (columns.get(key) ?? columns.set(key, []).get(key)).push(place);
  }
  const known = new Map(places.map((place) => [place.id, place]));
  for (const x of [...columns.keys()].sort((a, b) => a - b)) {
    const column = columns.get(x);
    const wish = (place) => {
      const from = (graph.inEdges(place.id) ?? []).filter((edge) => known.has(edge.v) && graph.node(edge.v).x < x);
      const seats = from.map((edge) => known.get(edge.v).y + 24 * orderOf(edge.v, edge.name));
      return seats.length ? Math.min(...seats) : place.y;
    };
    const tops = column.map((place) => place.y).sort((a, b) => a - b);
    const wishes = new Map(column.map((place) => [place, wish(place)]));
    column.sort((a, b) => wishes.get(a) - wishes.get(b) || a.y - b.y);
    let floor = -Infinity;
    column.forEach((place, i) => {
      place.y = Math.max(tops[i], floor);
      floor = place.y + graph.node(place.id).height + GAP;
    });
  }
};

const orderOfPorts = (node) => new Map(portsOf(specOf(node.type), node.config).map((port, i) => [port.id, i]));

const begins = (node) => node.type === "start" || node.type.startsWith("trigger_");

/** Places of one level's items, their corner at 0, 0. What is `first` stands in the first column. `links` are `{from, to, order, key, main}` between items. */
const laid = (items, links) => {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: GAP, ranksep: 96, edgesep: 16, ranker: "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const item of items) graph.setNode(item.id, { width: item.width, height: item.height });
  const orders = new Map(items.map((item) => [item.id, new Map()]));
  const kept = links.filter((link) => link.from !== link.to).sort((one, other) => one.order - other.order);
  for (const link of kept) {
    orders.get(link.from).set(link.key, link.order);
    graph.setEdge(link.from, link.to, { weight: link.main ? 3 : 1 }, link.key);
  }
  // Everything that begins a conversation hangs on one thing before it, which is never drawn.
  const led = new Set(kept.map((link) => link.to));
  const first = items.filter((item) => item.first && !led.has(item.id));
  if (first.length) graph.setNode(BEFORE, { width: 1, height: 1 });
  for (const item of first) graph.setEdge(BEFORE, item.id, { weight: 100 }, "before");
  const reached = new Set(first.map((item) => item.id));
  for (const id of reached) kept.forEach((link) => link.from === id && reached.add(link.to));
  // What nobody comes to doesn't stand before them either.
  if (first.length) items.filter((item) => !reached.has(item.id)).forEach((item) => graph.setEdge(BEFORE, item.id, { weight: 0 }, "before"));
  dagre.layout(graph);
  const places = items.map((item) => {
    const { x, y, width, height } = graph.node(item.id);
    return { id: item.id, x: x - width / 2, y: y - height / 2 };
  });
  inReadingOrder(graph, places, (id, key) => orders.get(id).get(key) ?? 99);
  const left = Math.min(...places.map((place) => place.x));
  const top = Math.min(...places.map((place) => place.y));
  return new Map(places.map((place) => [place.id, { x: snap(place.x - left), y: snap(place.y - top) }]));
};

/** The frame in which each node stands: the smallest one. */
const homes = (doc, nodes) => {
  const frames = nodes.filter((node) => node.type === "group");
  const area = (frame) => (frame.config.width ?? 640) * (frame.config.height ?? 420);
  const home = new Map();
  for (const frame of [...frames].sort((a, b) => area(b) - area(a))) for (const id of heldBy(doc, frame)) home.set(id, frame.id);
  return home;
};

/** The edits of one auto-layout. `sizeOf(node)` gives sizes; `only` limits it to some nodes, whose corner stays.
 * Where a card stands decides which of equals comes first, so a layout may change when it is laid out again. It is, until it
 * stays as it is; of some that follow each other in a circle always the same one is taken. Twice is then the same as once. */
export const arranged = (doc, sizeOf, only = null) => {
  const seen = [];
  const known = new Map();
  let now = doc;
  for (let round = doc.nodes.length > LARGE ? FEW_ROUNDS : ROUNDS; round > 0; round -= 1) {
    const ops = laidOnce(now, sizeOf, only);
    if (!ops.length) break;
    now = applyAll(now, ops);
    const key = JSON.stringify(now.nodes.map((node) => [node.id, node.position, node.type === "group" ? node.config : null]));
    if (known.has(key)) {
      now = seen.slice(known.get(key)).reduce((best, other) => (other.key < best.key ? other : best)).doc;
      break;
    }
    known.set(key, seen.length);
    seen.push({ key, doc: now });
  }
  return changes(doc, now);
};

/** The edits between two layouts of one document. */
const changes = (before, after) => {
  const old = indexOf(before).nodes;
  const positions = {};
  const ops = [];
  for (const node of after.nodes) {
    const was = old.get(node.id);
    if (was.position.x !== node.position.x || was.position.y !== node.position.y) positions[node.id] = node.position;
    const { width, height } = node.config;
    if (node.type === "group" && (width !== was.config.width || height !== was.config.height)) ops.push({ op: "update_config", id: node.id, patch: { width, height } });
  }
  if (Object.keys(positions).length) ops.push({ op: "move_nodes", positions });
  return ops;
};

const laidOnce = (doc, sizeOf, only) => {
  const { nodes, out } = indexOf(doc);
  const chosen = doc.nodes.filter((node) => !only || only.has(node.id));
  const home = homes(doc, chosen);
  const notes = chosen.filter((node) => node.type === "note");
  const cards = chosen.filter((node) => node.type !== "note");
  if (cards.filter((node) => node.type !== "group").length < 2) return [];
  const within = new Map([["", []]]);
  for (const node of cards) (within.get(home.get(node.id) ?? "") ?? within.set(home.get(node.id), []).get(home.get(node.id))).push(node);
  const sizes = new Map();
  const local = new Map(); // node id → place within its frame

  // The item of a level in which a node lies, walking out of its frames.
  const itemAt = (level, id) => {
    let one = id;
    while (one && (home.get(one) ?? "") !== level) one = home.get(one);
    return one;
  };
  const settle = (level) => {
    const members = [...(within.get(level) ?? [])].sort((a, b) => a.position.y - b.position.y || a.position.x - b.position.x);
    if (members.length === 0) return null;
    for (const node of members) {
      const inner = node.type === "group" ? settle(node.id) : null;
      sizes.set(node.id, inner ?? sizeOf(node));
    }
    const ids = new Set(members.map((node) => node.id));
    const links = cards.flatMap((node) => {
      const from = itemAt(level, node.id);
      if (!from || !ids.has(from)) return [];
      const order = orderOfPorts(node);
      return (out.get(node.id) ?? []).flatMap((edge) => {
        const to = itemAt(level, edge.target);
        return to && ids.has(to) ? [{ from, to, order: (from === node.id ? 0 : 10) + (order.get(edge.port) ?? 99), key: `${node.id}:${edge.port}`, main: edge.port === "next" }] : [];
      });
    });
    const places = laid(members.map((node) => ({ id: node.id, ...sizes.get(node.id), first: begins(node) || (node.type === "group" && (within.get(node.id) ?? []).some(begins)) })), links);
    let width = 0;
    let height = 0;
    for (const [id, place] of places) {
      local.set(id, place);
      width = Math.max(width, place.x + sizes.get(id).width);
      height = Math.max(height, place.y + sizes.get(id).height);
    }
    return { width: Math.ceil((width + 2 * PAD.x) / 16) * 16, height: Math.ceil((height + PAD.top + PAD.bottom) / 16) * 16 };
  };
  settle("");

  const corner = { x: Math.min(...cards.map((node) => node.position.x)), y: Math.min(...cards.map((node) => node.position.y)) };
  const final = new Map();
  const placeOf = (id) => {
    if (final.has(id)) return final.get(id);
    const frame = home.get(id);
    const base = frame ? placeOf(frame) : { x: snap(corner.x), y: snap(corner.y) };
    const at = local.get(id);
    const place = frame ? { x: base.x + PAD.x + at.x, y: base.y + PAD.top + at.y } : { x: base.x + at.x, y: base.y + at.y };
    final.set(id, place);
    return place;
  };
  cards.forEach((node) => placeOf(node.id));
  for (const note of notes) final.set(note.id, besideItsCard(note, cards, final, sizes, sizeOf));

  const positions = {};
  for (const [id, place] of final) {
    const now = nodes.get(id).position;
    if (now.x !== place.x || now.y !== place.y) positions[id] = place;
  }
  const ops = [];
  for (const frame of cards.filter((node) => node.type === "group" && within.get(node.id)?.length)) {
    const { width, height } = sizes.get(frame.id);
    if (width !== frame.config.width || height !== frame.config.height) ops.push({ op: "update_config", id: frame.id, patch: { width, height } });
  }
  if (Object.keys(positions).length) ops.push({ op: "move_nodes", positions });
  return ops;
};

const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** A note keeps its distance to the nearest card; where something else stands now, it goes above everything in the way. */
const besideItsCard = (note, cards, final, sizes, sizeOf) => {
  const size = sizeOf(note);
  const gap = (card) => Math.hypot(card.position.x - note.position.x, card.position.y - note.position.y);
  const blocks = cards.filter((card) => card.type !== "group");
  const nearest = blocks.reduce((best, card) => (gap(card) < gap(best) ? card : best));
  const to = final.get(nearest.id);
  const place = { x: snap(to.x + note.position.x - nearest.position.x), y: snap(to.y + note.position.y - nearest.position.y) };
  const rects = blocks.map((card) => ({ ...final.get(card.id), ...sizes.get(card.id) }));
  const hit = () => rects.find((rect) => overlap({ ...place, ...size }, rect));
  for (let i = 0, other = hit(); other && i < rects.length; i += 1, other = hit()) place.y = snap(other.y - size.height - 24);
  return place;
};
