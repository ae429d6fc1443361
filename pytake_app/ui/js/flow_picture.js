// A small picture of a flow, drawn from its document: cards where they stand on the canvas, links between them.
// Colours come from the style sheet, so the picture follows the theme; nothing of it is a file.
import { createElement as h } from "react";

const CARD = 260; // width of a card in canvas units, as on the canvas
const HEAD = 44;
const ROW = 36;
const LINE = 20;
const LETTERS = 32; // of a line of text
const MARGIN = 40;

const GROUPS = { start: "trigger", question: "input", wait_for_reply: "input", condition: "logic", switch: "logic", logic_window_check: "logic", business_hours: "logic", random_split: "logic", delay: "logic", jump: "logic", end: "logic", note: "canvas", group: "canvas" };
const groupOf = (type) => GROUPS[type] ?? (type.startsWith("trigger_") ? "trigger" : type.startsWith("msg_") ? "message" : type.startsWith("ai_") ? "ai" : "action");

const optionsOf = ({ config }) => {
  const items = config.buttons ?? config.cases ?? config.intents ?? config.branches ?? (config.sections ?? []).flatMap((section) => section.rows ?? []);
  return Array.isArray(items) ? items.map((item) => item?.id ?? "") : [];
};
const fixedOf = (type) => ({ condition: ["true", "false"], logic_window_check: ["open", "closed"], business_hours: ["open", "closed"], api_call: ["success", "error"] })[type] ?? [];

const cardOf = (node) => {
  const text = typeof node.config.body === "string" ? node.config.body : "";
  const lines = text ? Math.min(5, text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / LETTERS)), 0)) : 1;
  const rows = [...optionsOf(node), ...fixedOf(node.type)];
  const body = HEAD + lines * LINE + 12;
  return { id: node.id, x: node.position.x, y: node.position.y, lines, rows, body, height: body + rows.length * ROW + 8, group: groupOf(node.type), title: node.title };
};

const exitOf = (card, port) => {
  const at = card.rows.indexOf(port.slice(port.indexOf(":") + 1));
  return { x: card.x + CARD, y: at < 0 ? card.y + HEAD / 2 : card.y + card.body + at * ROW + ROW / 2 };
};

/** What a picture shows of a document: plain numbers and words. */
export const drawingOf = (document) => {
  const cards = document.nodes.filter((node) => node.type !== "group").map(cardOf);
  if (cards.length === 0) return { box: "0 0 1 1", cards: [], links: [] };
  const left = Math.min(...cards.map((card) => card.x)) - MARGIN;
  const top = Math.min(...cards.map((card) => card.y)) - MARGIN;
  const right = Math.max(...cards.map((card) => card.x + CARD)) + MARGIN;
  const bottom = Math.max(...cards.map((card) => card.y + card.height)) + MARGIN;
  const known = new Map(cards.map((card) => [card.id, card]));
  const links = document.edges.filter((edge) => known.has(edge.source) && known.has(edge.target)).map((edge) => {
    const from = exitOf(known.get(edge.source), edge.port);
    const target = known.get(edge.target);
    const to = { x: target.x, y: target.y + HEAD / 2 };
    const bend = Math.max(60, Math.abs(to.x - from.x) / 2);
    return { id: edge.id, path: `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`, back: to.x <= from.x };
  });
  return { box: `${left} ${top} ${right - left} ${bottom - top}`, cards, links };
};

/** The picture. `words`: all of it with the blocks' titles; else as much of its beginning as fits, large enough to be seen. */
export const FlowPicture = ({ drawing, label, words }) =>
  h("svg", { className: "fp", viewBox: drawing.box, role: "img", "aria-label": label, preserveAspectRatio: words ? "xMidYMid meet" : "xMinYMid slice" },
    drawing.links.map((link) => h("path", { key: link.id, d: link.path, className: link.back ? "fp-l back" : "fp-l" })),
    drawing.cards.map((card) =>
      h("g", { key: card.id, className: `g-${card.group}` },
        h("rect", { x: card.x, y: card.y, width: CARD, height: card.height, rx: 14, className: "fp-c" }),
        h("rect", { x: card.x + 12, y: card.y + 11, width: 24, height: 24, rx: 7, className: "fp-i" }),
        words ? h("text", { x: card.x + 46, y: card.y + 29, className: "fp-t" }, card.title.length > 22 ? `${card.title.slice(0, 21)}…` : card.title)
          : h("rect", { x: card.x + 46, y: card.y + 17, width: Math.min(180, 40 + card.title.length * 7), height: 11, rx: 5, className: "fp-w" }),
        Array.from({ length: card.lines }, (_, line) => h("rect", { key: `l${line}`, x: card.x + 14, y: card.y + HEAD + line * LINE + 3, width: line === card.lines - 1 ? 140 : 226, height: 9, rx: 4, className: "fp-b" })),
        card.rows.map((row, at) => h("rect", { key: `r${at}`, x: card.x + 12, y: card.y + card.body + at * ROW + 4, width: CARD - 24, height: ROW - 8, rx: 7, className: "fp-r" })))));
