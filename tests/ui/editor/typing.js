// A person types a sentence at a given speed into the editor's own code, on a clock of its own; see test_typing.py.
const [from, gaps] = [process.argv[2], JSON.parse(process.argv[3])];
let now = 1_000_000;
let timers = [];
Date.now = () => now;
globalThis.setTimeout = (run, wait) => timers.push({ run, at: now + wait }) && timers[timers.length - 1];
globalThis.clearTimeout = (timer) => (timers = timers.filter((other) => other !== timer));
const { Sync } = await import(from);

const sent = [];
const sync = new Sync({ flowId: "f", send: (message) => sent.push({ at: now, text: message.ops[0].patch.body, cid: message.cid }), changed: () => {}, failed: () => {}, reload: () => {}, fetch: () => {}, user: () => "u" });
sync.start(0, { name: "F", settings: {}, nodes: [{ id: "n", type: "msg_text", config: {}, position: { x: 0, y: 0 } }], edges: [] });
const until = (moment) => {
  for (let due; (due = timers.filter((timer) => timer.at <= moment).sort((a, b) => a.at - b.at)[0]); ) {
    timers = timers.filter((timer) => timer !== due);
    now = Math.max(now, due.at);
    const before = sent.length;
    due.run();
    for (const message of sent.slice(before)) sync.answer({ cid: message.cid, edits: [{ seq: sync.revision + 1, cid: message.cid, mine: true, operations: [] }] });
  }
  now = moment;
};
let text = "";
let last = now;
for (const gap of gaps) {
  until(now + gap);
  text += "a";
  last = now;
  sync.edit([{ op: "update_config", id: "n", patch: { body: text } }], "field:n:body");
}
until(now + 5000);
console.log(JSON.stringify({ sends: sent.length, whole: sent[sent.length - 1].text === text, after: sent[sent.length - 1].at - last }));
