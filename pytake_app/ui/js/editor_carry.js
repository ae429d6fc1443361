// Translations go along with rows that change their place. They are named by where a text stands (`engine/translation.py`);
// items with an id go by it, but the section around them, and items without one, go by their number.
import { keyOf } from "$/public/pt_editor_texts.js";

/** Where every object of the config's lists stands: object → pointer. */
const places = (value, pointer = "", found = new Map()) => {
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      if (!item || typeof item !== "object") return;
      const own = `${pointer}/${keyOf(value, index)}`;
      found.set(item, own);
      places(item, own, found);
    });
  } else if (value && typeof value === "object") for (const [name, part] of Object.entries(value)) places(part, `${pointer}/${name}`, found);
  return found;
};

/** The edits that keep the translations of node `id` with their texts when its config becomes `after`. Items that were
 * moved must be the same objects before and after; `also` pairs those that were copied on the way: `[before, after]`. */
export const carriedTexts = (translations, id, before, after, also = []) => {
  const given = Object.entries(translations ?? {}).filter(([, nodes]) => nodes[id] && Object.keys(nodes[id]).length);
  if (given.length === 0) return [];
  const from = places(before);
  const to = places(after);
  for (const [old, fresh] of also) if (to.has(fresh)) to.set(old, to.get(fresh));
  // The innermost item that a text belongs to comes first.
  const items = [...from].map(([item, pointer]) => [pointer, to.get(item)]).sort((a, b) => b[0].length - a[0].length);
  const now = (pointer) => {
    const found = items.find(([old]) => pointer.startsWith(`${old}/`));
    if (!found) return pointer;
    return found[1] === undefined ? null : found[1] + pointer.slice(found[0].length); // null: the item is gone
  };
  return given.flatMap(([locale, nodes]) => {
    const texts = {};
    for (const [pointer, text] of Object.entries(nodes[id])) {
      const there = now(pointer);
      if (there === pointer) continue;
      if (!(pointer in texts)) texts[pointer] = null;
      if (there !== null) texts[there] = text;
    }
    return Object.keys(texts).length ? [{ op: "set_translations", locale, texts: { [id]: texts } }] : [];
  });
};
