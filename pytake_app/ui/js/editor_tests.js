// Test cases of the flow: saved previews, run against the draft, with what came otherwise.
import { api } from "$/public/pt_api.js";
import { editor, emit, S, say, sayOr, tell } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { addSlice, nodeName } from "$/public/pt_editor_model.js";
import { may as grants } from "$/public/pt_rights.js";

const blank = () => ({ items: null, failed: false, busy: false, problem: "", run: null, revision: -1, open: null, override: false });
const state = () => S.tests ?? blank();
const change = (part) => emit({ tests: { ...state(), ...part } });
const base = () => `/api/v1/flows/${S.flowId}/test-cases`;

let turn = 0;

export const tests = {
  async load() {
    change({ failed: false });
    try {
      const { items } = await api.get(base());
      change({ items });
    } catch {
      change({ failed: true });
      return;
    }
    await tests.run();
  },
  /** Run all of them on the draft as it is now. */
  async run() {
    const mine = (turn += 1);
    if (!state().items?.length) return void change({ run: null, revision: S.sync.revision });
    change({ busy: true });
    await editor.settled();
    const revision = S.sync.revision;
    try {
      const run = await api.post(`${base()}/run`, {});
      if (mine === turn) change({ run, revision, busy: false });
    } catch (error) {
      if (mine !== turn) return;
      change({ busy: false, run: null });
      if (error.status && error.status !== 503) tell("check.tests_not_run", "error");
    }
  },
  /** Run them again when the draft has changed since. */
  refresh() {
    if (!S.tests?.items) tests.load();
    else if (state().revision !== S.sync.revision && !state().busy) tests.run();
  },
  async save(name, script) {
    change({ busy: true, problem: "" });
    await editor.settled();
    try {
      const { items } = state();
      const made = await api.post(base(), { name: name.trim(), script });
      change({ busy: false, items: items ? [...items, made] : null });
      tell("preview.test_saved", "success");
      tests.refresh();
      return true;
    } catch (error) {
      change({ busy: false, problem: sayOr(`preview.test_${error.code}`, say("common.failed_detail")) });
      return false;
    }
  },
  async accept(id) {
    await tests.edit(id, { accept: true }, "check.test_accepted");
  },
  async edit(id, body, done) {
    change({ busy: true });
    await editor.settled();
    try {
      const made = await api.patch(`${base()}/${id}`, body);
      change({ items: state().items.map((item) => (item.id === id ? made : item)) });
      if (done) tell(done, "success");
    } catch (error) {
      tell("check.test_failed", "error", { description: sayOr(`preview.test_${error.code}`, say("common.failed_detail")) });
    }
    await tests.run();
  },
  /** Take it away; for ten seconds it can come back. */
  async remove(id) {
    const gone = state().items.find((item) => item.id === id);
    try {
      await api.delete(`${base()}/${id}`);
    } catch {
      return void tell("check.test_failed", "error");
    }
    change({ items: state().items.filter((item) => item.id !== id) });
    tests.run();
    const back = { label: say("common.undo"), onClick: () => api.post(base(), { name: gone.name, script: gone.script, expected: gone.expected }).then(tests.load, () => tell("check.test_failed", "error")) };
    tell("check.test_removed", "message", { action: back, duration: 10000 });
  },
  toggle: (id) => change({ open: state().open === id ? null : id }),
  override: (override) => change({ override }),
  flip: () => change({ override: !state().override }),
  show: (nodeId) => editor.jump(nodeId),
};

const AFTER = (item) => (item.turn === null || item.turn === undefined ? "" : item.after ? say("check.after_saying", { text: item.after }) : say("check.at_turn", { count: item.turn + 1 }));
const ENDS = { status: (value) => (value ? sayOr(`editor.session_${value}`, value) : ""), ignored: (value) => (value ? sayOr(`preview.ignored_${value}`, sayOr(`editor.ignored_${value}`, value)) : "") };

const differences = (result) =>
  result.differences.map((item, i) => {
    const node = item.node_id ? nodeOf(S.doc, item.node_id) : null;
    const read = ENDS[item.kind] ?? ((value) => value ?? "");
    return { key: String(i), label: sayOr(`check.diff_${item.kind}`, item.kind, { name: item.name }), after: AFTER(item), expected: read(item.expected), got: read(item.got), node: node?.id ?? "", node_name: node ? nodeName(node) : "" };
  });

addSlice("tests", () => {
  const { items, failed, busy, run, open } = state();
  const results = new Map((run?.results ?? []).map((result) => [result.id, result]));
  return {
    phase: failed ? "error" : !items ? "loading" : items.length ? "ready" : "empty",
    busy,
    passed: run?.passed ?? 0,
    failed: run?.failed ?? 0,
    ran: Boolean(run),
    locked: !grants(S.me, "flows:edit"),
    override: state().override,
    items: (items ?? []).map((item) => {
      const result = results.get(item.id);
      return { id: item.id, name: item.name, inputs: item.inputs, state: !result ? "none" : result.passed ? "passed" : "failed", open: open === item.id && Boolean(result) && !result.passed, differences: result ? differences(result) : [], count: result?.differences.length ?? 0 };
    }),
  };
});
