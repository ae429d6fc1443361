// Runs the browser's own `threadItems`, `richText` and `rowView` on what it is given: `bun items.js <folder>`, JSON on standard input.
const folder = process.argv[2];
const { hitParts, threadItems, richText } = await import(`${folder}/pt_inbox_messages.js`);
const { rowView, masked, mentionedIn, newsSince } = await import(`${folder}/pt_inbox_model.js`);

const { messages = [], log = [], again = null, text = "", row = null, now = 0, field = null, looked = null, people = [] } = JSON.parse(await Bun.stdin.text());
const items = threadItems(messages, log, []);
const after = again ? threadItems(again, log, items) : items;
const known = new Map(items.map((item) => [item.key, item]));
console.log(JSON.stringify({ items: after, kept: after.filter((item) => known.get(item.key) === item).map((item) => item.key), rich: richText(text), row: row && rowView(row, { on: false, marked: false, now }), news: again && newsSince(after, new Set(items.map((item) => item.key))), masked: field && masked(field.name, field.value), named: mentionedIn(text, people), hits: looked && hitParts(text, looked) }));
