// Edits on their way to the server: shown at once, sent in order, kept until acknowledged, put back on top of what others did.
// The server's document (`base`) plus the waiting edits (`pending`) is what the canvas shows (`doc`).
import { applyAll } from "$/public/pt_editor_doc.js";

const TYPING_PAUSE = 600; // ms of quiet after which typed text is sent
const TYPING_LIMIT = 15000; // ms after which it is sent although the typing goes on
const ANSWER_LIMIT = 8000; // ms to wait for an answer before sending again under the same id
const keyFor = (flow) => `pytake_edits_${flow}`;

/** The edits of one flow.
 * `send(message)` gives `{cid, flow_id, revision, ops}` to the server; `changed(why)` is called after every change of `doc`;
 * `failed(code, detail)` when the server refused an edit; `reload()` when our copy can't be brought up to date by edits. */
export class Sync {
  constructor({ flowId, send, changed, failed, reload }) {
    Object.assign(this, { flowId, send, changed, failed, reload });
    this.revision = 0;
    this.base = null;
    this.doc = null;
    this.pending = [];
    this.held = [];
    this.flight = null;
    this.savedAt = null;
    this.connected = true;
  }

  /** Take a snapshot from the server, and put waiting edits (also those of an earlier visit) on top. */
  start(revision, document) {
    this.revision = revision;
    this.base = document;
    if (this.pending.length === 0) this.pending = this.recall();
    this.flight = null;
    this.rebuild();
    const held = this.held;
    this.held = [];
    held.forEach((edit) => this.take([edit]));
    this.pump();
  }

  recall() {
    try {
      return JSON.parse(localStorage.getItem(keyFor(this.flowId)) ?? "[]").map((entry) => ({ ...entry, open: false, tries: 1 }));
    } catch {
      return [];
    }
  }

  remember() {
    try {
      if (this.pending.length) {
        const kept = this.pending.map(({ cid, ops, step }) => ({ cid, ops, step }));
        localStorage.setItem(keyFor(this.flowId), JSON.stringify(kept));
      } else localStorage.removeItem(keyFor(this.flowId));
    } catch {
      // storage is full or blocked: the edits live as long as this tab
    }
  }

  /** `doc` anew from `base`; edits that no longer fit are dropped and told. */
  rebuild() {
    let doc = this.base;
    const kept = [];
    for (const entry of this.pending) {
      try {
        doc = applyAll(doc, entry.ops);
        kept.push(entry);
      } catch {
        this.failed("conflict");
      }
    }
    this.pending = kept;
    this.doc = doc;
    this.remember();
  }

  get waiting() {
    return this.pending.length;
  }

  /** Make an edit (one undo step). With `key`, further edits under the same key join it while the person goes on typing. */
  edit(ops, key = null) {
    const last = this.pending[this.pending.length - 1];
    const joins = key !== null && last?.open && last.key === key;
    if (!joins) this.close();
    this.doc = applyAll(this.doc, ops);
    if (joins) {
      last.ops = mergeOps(last.ops, ops);
    } else {
      this.pending.push({ cid: crypto.randomUUID(), ops, key, open: key !== null, since: Date.now(), tries: 0 });
    }
    clearTimeout(this.timer);
    if (key !== null) {
      const open = this.pending[this.pending.length - 1];
      const pause = Math.max(0, Math.min(TYPING_PAUSE, open.since + TYPING_LIMIT - Date.now()));
      this.timer = setTimeout(() => this.flush(), pause);
    }
    this.remember();
    this.changed("edit");
    if (key === null) this.pump();
  }

  close() {
    clearTimeout(this.timer);
    const last = this.pending[this.pending.length - 1];
    if (last?.open) last.open = false;
  }

  /** Send what is being typed now. */
  flush() {
    this.close();
    this.pump();
  }

  /** Ask for undo or redo; waiting edits go first. */
  step(name) {
    this.close();
    this.pending.push({ cid: crypto.randomUUID(), ops: [], step: name, open: false, tries: 0 });
    this.changed("step");
    this.pump();
  }

  pump() {
    if (this.flight || !this.base || !this.connected) return;
    const entry = this.pending[0];
    if (!entry || entry.open) return;
    this.flight = entry.cid;
    entry.tries += 1;
    this.send({ cid: entry.cid, flow_id: this.flowId, revision: this.revision, step: entry.step ?? "edit", ops: entry.ops });
    clearTimeout(this.limit);
    this.limit = setTimeout(() => {
      this.flight = null;
      this.changed("slow");
      this.pump();
    }, ANSWER_LIMIT);
  }

  /** The connection went away or came back; what had no answer is sent again. */
  setConnected(connected) {
    if (this.connected === connected) return;
    this.connected = connected;
    if (connected) {
      clearTimeout(this.limit);
      this.flight = null;
      this.pump();
    }
    this.changed("connection");
  }

  /** An answer of the server to one of our messages, or a catch-up (`cid` empty). */
  answer(reply) {
    const mine = reply.cid && this.pending.find((entry) => entry.cid === reply.cid);
    if (reply.cid && this.flight === reply.cid) {
      clearTimeout(this.limit);
      this.flight = null;
    }
    if (mine) {
      this.pending = this.pending.filter((entry) => entry !== mine);
      if (reply.error) {
        this.rebuild();
        this.changed("refused");
        if (mine.tries === 1) this.failed(reply.error); // sent again after a lost answer, it may be done already
        if (!reply.error.startsWith("nothing_to_")) this.reload();
        this.pump();
        return;
      }
      this.savedAt = Date.now();
    }
    if (reply.reload) this.reload();
    else this.take((reply.edits ?? []).map((edit) => (edit.mine && mine ? { ...edit, operations: mine.ops } : edit)), Boolean(mine));
    this.pump();
  }

  /** Apply edits of the server in order of `seq`; a gap means we must load again. */
  take(edits, changed = false) {
    if (!this.base) {
      this.held.push(...edits);
      return;
    }
    for (const edit of edits) {
      if (edit.seq <= this.revision) continue;
      if (edit.seq !== this.revision + 1 || !edit.operations) {
        this.reload();
        return;
      }
      try {
        this.base = applyAll(this.base, edit.operations);
      } catch {
        this.reload();
        return;
      }
      this.revision = edit.seq;
      changed = true;
    }
    if (changed) {
      this.rebuild();
      this.changed("edits");
    }
  }
}

const mergeOps = (before, after) => {
  const [a, b] = [before[0], after[0]];
  if (before.length !== 1 || after.length !== 1 || a.op !== b.op || (a.id ?? "") !== (b.id ?? "")) return [...before, ...after];
  if (a.op === "update_config" || a.op === "set_settings") return [{ ...a, patch: { ...a.patch, ...b.patch } }];
  if (a.op === "move_nodes") return [{ ...a, positions: { ...a.positions, ...b.positions } }];
  if (a.op === "set_title" || a.op === "set_name") return [b];
  return [...before, ...after];
};
