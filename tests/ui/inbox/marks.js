// The marks of an open thread over a pretended clock: `bun marks.js <folder>`.
const folder = process.argv[2];
const asked = [];
const told = [];
let answer = [];
let now = Date.now();
Date.now = () => now;
globalThis.document = { visibilityState: "visible" };
const state = { thread: "ready", selected: "talk", newer: null, messages: new Map() };
globalThis.pretended = {
  api: { get: async (address) => (asked.push({ at: now, address }), { items: answer }) },
  state,
  stream: { event: ({ message }) => (told.push([message.client_id, message.status]), state.messages.set(message.client_id, message)) },
};
const { look } = await import(`${folder}/pt_inbox_marks.js`);
const { hearOf, reading, told: later } = await import(`${folder}/pt_inbox_told.js`);

const put = (id, direction, status, at) => state.messages.set(id, { id: `${id}-id`, client_id: id, direction, status, created_at: new Date(now + at).toISOString() });
put("before", "in", null, -9000);
put("mine", "out", "sent", -100);
put("theirs", "in", null, -50);
/** Whole seconds from now at which something was asked. */
const during = async (seconds) => {
  const [began, from] = [now, asked.length];
  for (let i = 0; i <= seconds; i += 1) {
    now = began + i * 1000;
    await look();
  }
  return asked.slice(from).map((one) => Math.round((one.at - began) / 1000));
};

const seen = {};
answer = [{ ...state.messages.get("mine") }];
seen.asked = await during(60);
seen.addresses = [...new Set(asked.map((one) => one.address))];
answer = [{ ...state.messages.get("mine"), status: "delivered" }, { client_id: "unknown", status: "sent" }];
const [heard, next] = await during(15);
seen.told = [...told];
seen.after_change = next - heard;
await during(700);
const late = await during(300);
seen.calm = late[2] - late[1];
document.visibilityState = "hidden";
seen.hidden = (await during(120)).length;
document.visibilityState = "visible";
put("mine", "out", "read", -100);
seen.settled = (await during(120)).length;

const again = [];
later.again = (ids) => again.push([...ids]);
hearOf("early");
await reading(async () => hearOf("talk"));
await reading(async () => undefined);
seen.again = again;
console.log(JSON.stringify(seen));
