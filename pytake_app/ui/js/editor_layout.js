// Auto-layout: columns from left to right with the measured sizes, keeping the order in which ports leave a card.
import dagre from "@dagrejs/dagre";
import { indexOf, portsOf, snap } from "$/public/pt_editor_doc.js";
import { specOf } from "$/public/pt_editor.js";

/** New positions by node id. `sizeOf(id)` gives measured sizes, `only` limits the layout to some nodes (their corner stays). */
export const arranged = (doc, sizeOf, only = null) => {
  const { nodes } = indexOf(doc);
  const moved = doc.nodes.filter((node) => specOf(node.type)?.group !== "canvas" && (!only || only.has(node.id)));
  if (moved.length < 2) return {};
  const ids = new Set(moved.map((node) => node.id));
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 40, ranksep: 96, edgesep: 16, ranker: "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of moved) {
    const size = sizeOf(node.id);
    graph.setNode(node.id, { width: size?.width ?? 260, height: size?.height ?? 150 });
  }
  for (const node of moved) {
    const order = new Map(portsOf(specOf(node.type), node.config).map((port, i) => [port.id, i]));
    const out = (indexOf(doc).out.get(node.id) ?? []).filter((edge) => ids.has(edge.target) && edge.target !== node.id);
    out.sort((a, b) => (order.get(a.port) ?? 99) - (order.get(b.port) ?? 99));
    for (const edge of out) graph.setEdge(edge.source, edge.target, { weight: edge.port === "next" ? 3 : 1 }, edge.port);
  }
  dagre.layout(graph);
  const corners = moved.map((node) => {
    const { x, y, width, height } = graph.node(node.id);
    return { id: node.id, x: x - width / 2, y: y - height / 2 };
  });
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
