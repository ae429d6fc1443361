// What was typed into a field but can't be kept in the flow yet (a number that is none…): stays in this browser, also
// over a reload, until it is put right or taken back.
import { nodeOf } from "$/public/pt_editor_doc.js";
import { emit, S, watch } from "$/public/pt_editor.js";

const keyOf = (key) => `pytake_field_${S.flowId}_${key}`;
const known = new Map();

const read = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
};

/** `{text, issue}` of a field that holds something invalid, or null. */
export const draftOf = (key) => {
  if (!S.flowId) return null;
  const name = keyOf(key);
  if (!known.has(name)) known.set(name, read(name));
  return known.get(name);
};

/** Rows were moved: what their fields hold goes along. `rename` gives a field's new path of the old one, null to forget it.
 * Answers what was forgotten: `[path, draft]`. */
const moveDrafts = (nodeId, rename) => {
  const start = keyOf(`${nodeId}/`);
  let stored = [];
  try {
    stored = Object.keys(localStorage);
  } catch {
    // blocked: what this tab knows is all there is
  }
  const names = [...new Set([...known.keys(), ...stored])].filter((name) => name.startsWith(start));
  const moves = names.map((name) => ({ from: name.slice(start.length), draft: draftOf(name.slice(keyOf("").length)) })).filter(({ from, draft }) => draft && rename(from) !== from);
  for (const { from } of moves) keepDraft(`${nodeId}/${from}`, null);
  for (const { from, draft } of moves) {
    const to = rename(from);
    if (to !== null) keepDraft(`${nodeId}/${to}`, draft);
  }
  return moves.filter(({ from }) => rename(from) === null).map(({ from, draft }) => [from, draft]);
};

const MOVES = 50;
let moved = []; // moves of rows in this page, for undo and redo: `done` says which way they stand now
let following = null;
let seen = null;

/** Undo and redo bring rows back to where they were: so do their fields' drafts. Told by what the list holds. */
const follow = () => {
  if (S.doc === seen) return;
  seen = S.doc;
  for (const move of [...moved].reverse()) {
    if (move.flowId !== S.flowId) continue;
    const now = JSON.stringify(nodeOf(S.doc, move.nodeId)?.config[move.top]);
    if (move.done && now === move.before) {
      move.done = false;
      moveDrafts(move.nodeId, move.back);
      for (const [path, draft] of move.lost) keepDraft(`${move.nodeId}/${path}`, draft);
    } else if (!move.done && now === move.after) {
      move.done = true;
      move.lost = moveDrafts(move.nodeId, move.on);
    }
  }
};

/** Do `edit`, which moves rows of a block's list `top` or takes one out; `on` and `back` give a field's path after and before. */
export const withDrafts = (nodeId, top, on, back, edit) => {
  const held = () => JSON.stringify(nodeOf(S.doc, nodeId)?.config[top]);
  const before = held();
  const lost = moveDrafts(nodeId, on);
  edit();
  const after = held();
  seen = S.doc;
  following ??= watch(follow);
  if (after !== before) moved = [...moved.slice(1 - MOVES), { flowId: S.flowId, nodeId, top, on, back, before, after, lost, done: true }];
};

/** Keep (or with null forget) what a field holds. */
export const keepDraft = (key, draft) => {
  const name = keyOf(key);
  if (!draft && !draftOf(key)) return;
  known.set(name, draft);
  try {
    if (draft) localStorage.setItem(name, JSON.stringify(draft));
    else localStorage.removeItem(name);
  } catch {
    // storage is full or blocked: it lives as long as this tab
  }
  emit();
};
