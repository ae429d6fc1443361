// Copying blocks between places, flows and tabs: JSON as text on the system's clipboard, or kept in this browser when
// the page may not reach it.
import { cloned, nodeOf } from "$/public/pt_editor_doc.js";
import { editor, keep, readOnly, say, specOf, S, tell } from "$/public/pt_editor.js";
import { announce } from "$/public/pt_editor_voice.js";
import { withHeld } from "$/public/pt_editor_frames.js";
import { CARD, middle } from "$/public/pt_editor_stage.js";

const SPARE = "pytake_clipboard";
const MOST = 500; // blocks in one paste
const LONGEST = 2_000_000; // characters

/** The selected nodes (with what frames among them hold) as text, or null. */
export const copied = () => {
  if (S.selected.length === 0) return null;
  const ids = new Set(withHeld(S.doc, S.selected));
  return JSON.stringify({ pytake: "nodes", nodes: S.doc.nodes.filter((node) => ids.has(node.id)), edges: S.doc.edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target)) });
};

const insert = (nodes, edges, dx, dy) => {
  const copy = cloned(nodes, edges, dx, dy);
  if (!editor.edit([{ op: "add_nodes", ...copy }])) return false;
  editor.select(copy.nodes.map((node) => node.id));
  return true;
};

/** A copy beside the original, links among the copied included. */
export const duplicate = () => {
  if (S.selected.length === 0 || readOnly()) return;
  const ids = new Set(withHeld(S.doc, S.selected));
  if (insert(S.doc.nodes.filter((node) => ids.has(node.id)), S.doc.edges, 32, 32)) announce(say("canvas.said_pasted", { count: ids.size }));
};

const isNode = (node) => typeof node?.id === "string" && node.id !== "" && node.config !== null && typeof node.config === "object" && !Array.isArray(node.config) && Number.isFinite(node.position?.x) && Number.isFinite(node.position?.y);
const isEdge = (edge) => edge && [edge.source, edge.port, edge.target].every((part) => typeof part === "string" && part !== "");

const parsed = (text) => {
  if (text.length > LONGEST) return null;
  try {
    const data = JSON.parse(text);
    return Array.isArray(data?.nodes) && (data.pytake === "nodes" || typeof data.spec_version === "string") ? data : null;
  } catch {
    return null;
  }
};

/** Paste nodes from text. Anything else is told in a sentence; nothing that is there changes. */
export const paste = (text) => {
  if (readOnly()) return;
  if (String(text ?? "").length > LONGEST) {
    tell("canvas.paste_too_large", "info");
    return;
  }
  const data = parsed(String(text ?? ""));
  const sound = (data?.nodes ?? []).filter(isNode);
  const nodes = sound.filter((node, i) => specOf(node.type) && sound.findIndex((other) => other.id === node.id) === i);
  if (nodes.length === 0) {
    tell("editor.paste_nothing", "info");
    return;
  }
  if (nodes.length > MOST) {
    tell("canvas.paste_too_many", "info");
    return;
  }
  const at = middle();
  const left = Math.min(...nodes.map((node) => node.position.x));
  const top = Math.min(...nodes.map((node) => node.position.y));
  const beside = nodes.some((node) => {
    const mine = nodeOf(S.doc, node.id);
    return mine && mine.position.x === node.position.x && mine.position.y === node.position.y;
  });
  const [dx, dy] = beside ? [48, 48] : [at.x - left - CARD.width / 2, at.y - top - CARD.height / 2];
  const edges = (Array.isArray(data.edges) ? data.edges : []).filter(isEdge);
  const single = edges.filter((edge, i) => edges.findIndex((other) => other.source === edge.source && other.port === edge.port) === i);
  const clean = nodes.map(({ id, type, title, config, position }) => ({ id, type, title: String(title ?? "").slice(0, 200), config, position }));
  if (!insert(clean, single, dx, dy)) return;
  announce(say("canvas.said_pasted", { count: nodes.length }));
  if (nodes.length < data.nodes.length) tell("canvas.paste_some", "info");
};

/** Copy from a menu, where no copy event comes. */
export const copyNow = async () => {
  const text = copied();
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    keep(SPARE, text); // no access to the clipboard: the menu's own Paste finds it here
  }
  announce(say("canvas.said_copied", { count: S.selected.length }));
};

/** Paste from a menu. */
export const pasteNow = async () => {
  let text = "";
  try {
    text = await navigator.clipboard.readText();
  } catch {
    text = spare();
  }
  paste(parsed(text) ? text : spare() || text);
};

const spare = () => {
  try {
    return JSON.parse(localStorage.getItem(SPARE) ?? '""');
  } catch {
    return "";
  }
};
