// Two editors as the browser runs them, moved by lines of JSON on standard input; see test_convergence.py.
const { Sync } = await import(process.argv[2]);

const make = () => {
  const state = { sent: [], failed: [], reloads: 0, fetches: 0 };
  const sync = new Sync({
    flowId: "f",
    send: (message) => state.sent.push(message),
    changed: () => {},
    failed: (code) => state.failed.push(code),
    reload: () => (state.reloads += 1),
    fetch: () => (state.fetches += 1),
    user: () => "u",
  });
  return { sync, state };
};

let editors = [];
const seen = ({ sync, state }) => {
  const out = { doc: sync.doc, revision: sync.revision, pending: sync.pending.length, clashes: sync.clashes, sent: state.sent, failed: state.failed, reloads: state.reloads, fetches: state.fetches };
  Object.assign(state, { sent: [], failed: [], reloads: 0, fetches: 0 });
  return out;
};

for await (const line of console) {
  const { who, call, args } = JSON.parse(line);
  if (call === "begin") editors = [make(), make()];
  const editor = editors[who];
  let error = "";
  try {
    if (call !== "begin" && call !== "look") editor.sync[call](...args);
  } catch (fault) {
    error = String(fault.stack ?? fault);
  }
  console.log(JSON.stringify({ ...seen(editor), error }));
}
