// What was typed into a field but can't be kept in the flow yet (a number that is none…): stays in this browser, also
// over a reload, until it is put right or taken back.
import { emit, S } from "$/public/pt_editor.js";

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

/** Rows were moved: what their fields hold goes along. `rename` gives a field's new path of the old one, null to forget it. */
export const moveDrafts = (nodeId, rename) => {
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
