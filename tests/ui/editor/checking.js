// A person types at a given speed into the editor's own code, on a clock of its own, and a server answers edits and
// questions; see test_typing.py. Findings are the text they were found in.
const [folder, gaps, { answer, refuse = -1 }] = [process.argv[2], JSON.parse(process.argv[3]), JSON.parse(process.argv[4])];
let now = 1_000_000;
let timers = [];
Date.now = () => now;
globalThis.setTimeout = (run, wait) => timers.push({ run, at: now + wait }) && timers[timers.length - 1];
globalThis.clearTimeout = (timer) => (timers = timers.filter((other) => other !== timer));
const { Sync } = await import(`${folder}/pt_editor_sync.js`);
const { Checker } = await import(`${folder}/pt_editor_verify.js`);

const server = { text: "", revision: 0, told: null, edits: 0 };
const shown = [];
const asked = [];
let checker = null;
const send = (message) =>
  setTimeout(() => {
    const reply = { cid: message.cid, edits: [] };
    if (server.edits === refuse) reply.error = "invalid_operation";
    else {
      server.text = message.ops[0].patch.body;
      server.revision += 1;
      reply.edits = [{ seq: server.revision, mine: true }];
      if (server.told !== server.text) reply.findings = server.told = server.text;
    }
    server.edits += 1;
    sync.answer(reply);
    checker.told(reply);
  }, answer);
const sync = new Sync({ flowId: "f", send, changed: () => {}, failed: () => {}, reload: () => {}, fetch: () => {}, user: () => "u", typed: (pause) => checker.typed(pause) });
checker = new Checker({
  sync,
  peers: () => 0,
  failed: (error) => console.error(error),
  show: (findings) => shown.push({ at: now, text: findings }),
  ask: (unsent) => {
    asked.push(now);
    return new Promise((resolve, reject) => {
      setTimeout(() => {
        if (unsent && unsent.expected_revision !== server.revision) reject({ code: "stale_revision" });
        else resolve({ revision: server.revision, findings: unsent ? unsent.operations[unsent.operations.length - 1].patch.body : server.text });
      }, answer);
    });
  },
});
sync.start(0, { name: "F", settings: {}, nodes: [{ id: "n", type: "msg_text", config: {}, position: { x: 0, y: 0 } }], edges: [] });
const until = async (moment) => {
  for (let due; (due = timers.filter((timer) => timer.at <= moment).sort((a, b) => a.at - b.at)[0]); ) {
    timers = timers.filter((timer) => timer !== due);
    now = Math.max(now, due.at);
    due.run();
    for (let turn = 0; turn < 10; turn += 1) await null;
  }
  now = moment;
};
let text = "";
let last = now;
for (const gap of gaps) {
  await until(now + gap);
  text += "a";
  last = now;
  sync.edit([{ op: "update_config", id: "n", patch: { body: text } }], "field:n:body");
}
await until(now + 8000);
console.log(JSON.stringify({ typed: text, held: server.text, shown: shown[shown.length - 1].text, after: shown.find((item) => item.text === text)?.at - last, asked: asked.length, spent: asked.length * answer, over: now - 1_000_000 }));
