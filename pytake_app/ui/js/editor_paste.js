// Intents out of pasted lines: a table of two or three columns, or names with a colon above their sentences.
// Nothing here knows React or the network.
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/\s+/g, " ").trim();
const MAX_NAME = 60;
const MAX_EXAMPLES = 100;

const unquoted = (text) => {
  const found = text.trim().match(/^"([\s\S]*)"$/);
  return (found ? found[1].replaceAll('""', '"') : text).trim();
};
const bare = (line) => line.replace(/^\s*(?:[-*•–]|\d+[.)])\s+/, "").trim();

/** `[{label, examples}]` of what was pasted, intents in the order in which they first come.
 * `name<Tab>sentence`, `name;sentence` or `name: sentence` a line, or a line `name:` above the sentences. */
export const parsePasted = (text) => {
  const found = new Map();
  let current = null;
  const of = (name) => {
    const label = unquoted(name).slice(0, MAX_NAME);
    const key = fold(label);
    if (!found.has(key)) found.set(key, { label, examples: [] });
    return found.get(key);
  };
  const put = (intent, sentence) => {
    const clean = unquoted(sentence);
    if (clean && !intent.examples.some((example) => fold(example) === fold(clean))) intent.examples.push(clean);
  };
  for (const raw of text.split(/\r?\n/)) {
    const line = bare(raw);
    if (!line) continue;
    const columns = raw.trim().split("\t").filter((part) => part.trim());
    const pair = columns.length > 1 ? columns : line.match(/^([^;]{1,60});\s*(\S.*)$/)?.slice(1);
    const head = line.match(/^([^:?!.]{1,60}):\s*(.*)$/);
    if (pair) {
      const [name, ...sentences] = pair;
      if (!name.trim()) continue;
      const intent = of(name);
      sentences.forEach((sentence) => put(intent, sentence));
    } else if (head && !/^https?$/i.test(head[1])) {
      current = of(head[1]);
      if (head[2]) put(current, head[2]);
    } else if (current) put(current, line);
  }
  return [...found.values()].filter((intent) => intent.label);
};

/** Intents with what was pasted: sentences join the intent of the same name, others are new. Ids of those that were there
 * stay. `{intents, added, sentences}`: how many are new. */
export const merged = (intents, pasted, most) => {
  const result = intents.filter((intent) => intent && typeof intent === "object").map((intent) => ({ ...intent, examples: [...(Array.isArray(intent.examples) ? intent.examples : [])] }));
  const blank = result.filter((intent) => !String(intent.label ?? "").trim() && intent.examples.length === 0);
  const ids = new Set(result.map((intent) => intent.id));
  let added = 0;
  let sentences = 0;
  for (const { label, examples } of pasted) {
    let intent = result.find((one) => fold(String(one.label ?? "")) === fold(label)) ?? blank.shift();
    if (!intent) {
      if (result.length >= most) continue;
      let n = 1;
      while (ids.has(`intent_${n}`)) n += 1;
      ids.add(`intent_${n}`);
      intent = { id: `intent_${n}`, label, description: "", examples: [] };
      result.push(intent);
      added += 1;
    }
    intent.label = intent.label || label;
    const known = new Set(intent.examples.map(fold));
    for (const example of examples) {
      if (known.has(fold(example)) || intent.examples.length >= MAX_EXAMPLES) continue;
      known.add(fold(example));
      intent.examples.push(example);
      sentences += 1;
    }
  }
  return { intents: result, added, sentences };
};
