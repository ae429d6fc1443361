// Auto-layout: columns from left to right with the measured sizes, keeping the order in which ports leave a card.
import dagre from "@dagrejs/dagre";
import { indexOf, portsOf, snap } from "$/public/pt_editor_doc.js";
import { specOf } from "$/public/pt_editor.js";

const GAP = 40;

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
      const from = (graph.inEdges(place.id) ?? []).filter((edge) => graph.node(edge.v).x < x);
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

/** New positions by node id. `sizeOf(id)` gives measured sizes, `only` limits the layout to some nodes (their corner stays). */
export const arranged = (doc, sizeOf, only = null) => {
  const { nodes } = indexOf(doc);
  const moved = doc.nodes.filter((node) => specOf(node.type)?.group !== "canvas" && (!only || only.has(node.id)));
  if (moved.length < 2) return {};
  const ids = new Set(moved.map((node) => node.id));
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: GAP, ranksep: 96, edgesep: 16, ranker: "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of moved) {
    const size = sizeOf(node.id);
    graph.setNode(node.id, { width: size?.width ?? 260, height: size?.height ?? 150 });
  }
  const orders = new Map();
  for (const node of moved) {
    const order = new Map(portsOf(specOf(node.type), node.config).map((port, i) => [port.id, i]));
    orders.set(node.id, order);
    const out = (indexOf(doc).out.get(node.id) ?? []).filter((edge) => ids.has(edge.target) && edge.target !== node.id);
    out.sort((a, b) => (order.get(a.port) ?? 99) - (order.get(b.port) ?? 99));
    for (const edge of out) graph.setEdge(edge.source, edge.target, { weight: edge.port === "next" ? 3 : 1 }, edge.port);
  }
  dagre.layout(graph);
  const corners = moved.map((node) => {
    const { x, y, width, height } = graph.node(node.id);
    return { id: node.id, x: x - width / 2, y: y - height / 2 };
  });
  inReadingOrder(graph, corners, (id, port) => orders.get(id).get(port) ?? 99);
  const anchor = (list) => ({ x: Math.min(...list.map((item) => item.x)), y: Math.min(...list.map((item) => item.y)) });
  const from = anchor(corners);
  const to = anchor(moved.map((node) => node.position));
  const positions = {};
  for (const { id, x, y } of corners) {
    const place = { x: snap(x - from.x + to.x), y: snap(y - from.y + to.y) };
    const now = nodes.get(id).position;
    if (now.x !== place.x || now.y !== place.y) positions[id] = place;
  }
  return positions;
};
