// The texts of a flow that contacts read, and what there is of them in other languages: the rules of
// `engine/translation.py`. Nothing here knows React or the network.
import { indexOf, portsOf } from "$/public/pt_editor_doc.js";

const EXPRESSION = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g;
const OUTPUT = /\{\{-?\s*([A-Za-z_][\w.]*)/g;

/** How an item of a list is named in a pointer: by its id, else by its number. */
export const keyOf = (items, index) => {
  const id = items[index]?.id;
  if (typeof id !== "string" || !id || items.filter((item) => item?.id === id).length > 1) return String(index);
  return id.replaceAll("~", "~0").replaceAll("/", "~1");
};
// What is as usual is left out of the specs.
const kindOf = (field) => field.translate ?? "no";
const partsOf = (field) => field.fields ?? [];
const speaks = (field) => kindOf(field) !== "no" || partsOf(field).some(speaks);

const places = (fields, config, base) => {
  const valueOf = (name) => config[name] ?? fields.find((field) => field.name === name)?.default;
  return fields.filter(speaks).flatMap((field) => {
    if (Object.entries(field.show_if ?? {}).some(([name, allowed]) => !allowed.includes(valueOf(name)))) return [];
    const value = config[field.name] ?? field.default;
    const pointer = `${base}/${field.name}`;
    if (Array.isArray(value) && partsOf(field).length) return value.flatMap((item, index) => (item && typeof item === "object" ? places(partsOf(field), item, `${pointer}/${keyOf(value, index)}`) : []));
    if (kindOf(field) === "no" || typeof value !== "string" || !value.trim()) return [];
    return [{ pointer, text: value, max: field.max ?? null, label: field.label_key, long: field.widget === "textarea", wanted: kindOf(field) === "text" && hasWords(value) }];
  });
};

/** Is there anything to translate, besides expressions, numbers and emoji? */
export const hasWords = (text) => /\p{L}/u.test(text.replace(EXPRESSION, ""));

/** The texts of a node, in the order of its form. */
export const textsOf = (spec, node) => (spec ? places(spec.fields, node.config, "") : []);

/** The variables that a text shows. */
export const placeholders = (text) => [...new Set([...text.matchAll(OUTPUT)].map((found) => found[1]))];

/** `missing`, `outdated` or `done`. */
export const stateOf = (place, given) => (!given?.text?.trim() ? "missing" : given.source && given.source !== place.text ? "outdated" : "done");

/** The nodes as a conversation meets them, exits in the order of the card; what nothing leads to comes last. */
export const readingOrder = (doc, specs) => {
  const { nodes, out } = indexOf(doc);
  const entry = (node) => node.type === "start" || node.type.startsWith("trigger_");
  const queue = [...doc.nodes.filter(entry), ...doc.nodes.filter((node) => !entry(node))].map((node) => node.id).reverse();
  const seen = new Set();
  while (queue.length) {
    const id = queue.pop();
    const node = nodes.get(id);
    if (!node || seen.has(id)) continue;
    seen.add(id);
    const edges = out.get(id) ?? [];
    const order = portsOf(specs[node.type], node.config).map((port) => port.id);
    const rank = (edge) => (order.includes(edge.port) ? order.indexOf(edge.port) : order.length);
    queue.push(...[...edges].sort((a, b) => rank(a) - rank(b)).map((edge) => edge.target).reverse());
  }
  return [...seen].map((id) => nodes.get(id));
};

/** Rows of the table: every text with its translations `{locale: {text, state}}`. */
export const rowsOf = (doc, specs) => {
  const languages = Object.entries(doc.translations ?? {});
  return readingOrder(doc, specs).flatMap((node) =>
    textsOf(specs[node.type], node).map((place) => ({
      key: `${node.id}\u0000${place.pointer}`,
      node,
      ...place,
      given: Object.fromEntries(languages.map(([locale, nodes]) => {
        const text = nodes[node.id]?.[place.pointer];
        return [locale, { text: text?.text ?? "", source: text?.source ?? "", state: stateOf(place, text) }];
      })),
    })));
};

/** How far a language is: `{done, wanted, outdated}`. */
export const progressOf = (rows, locale) => {
  const wanted = rows.filter((row) => row.wanted);
  return { wanted: wanted.length, done: wanted.filter((row) => row.given[locale]?.state !== "missing").length, outdated: rows.filter((row) => row.given[locale]?.state === "outdated").length };
};
