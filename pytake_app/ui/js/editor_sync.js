// Edits on their way to the server: shown at once, sent in order, kept until acknowledged, put back on top of what others did.
// The server's document (`base`) plus the waiting edits (`pending`) is what the canvas shows (`doc`). An edit remembers the
// revision it was begun on (`built`): the server refuses it when somebody else wrote the same field since, and what they
// overtook becomes a choice (`clashes`) instead of being lost.
import { applyAll } from "$/public/pt_editor_doc.js";
import { heldBefore, overtakenFields, ownVersion, takeApart } from "$/public/pt_editor_clash.js";
import { keepEdits } from "$/public/pt_editor_keep.js";

const SHORT_PAUSE = 180; // ms of quiet after which typed text is sent, for a quick hand; more for a slow one
const LONG_PAUSE = 600;
const LATE_PAUSE = 1200; // ms of quiet after which a sentence goes out that went twice already
const SENDS = 2; // of one sentence without that longer wait
const NEW_SENTENCE = 3000; // ms of quiet after which what is typed counts as another sentence
const TYPING_LIMIT = 15000; // ms after which it is sent although the typing goes on
const ANSWER_LIMIT = 8000; // ms to wait for an answer before sending again under the same id
const MAX_STRANDINGS = 3; // refusals of an edit without a reason after which all of it is a choice
const MAX_EDIT = 400000; // characters of one edit; the server reads messages of 512 KB

/** Whether operations are few enough to go as one edit. */
export const fits = (ops) => JSON.stringify(ops).length <= MAX_EDIT;

/** The edits of one flow.
 * `send(message)` gives `{cid, flow_id, revision, built, ops}` to the server; `changed(why)` is called after every change;
 * `failed(code)` when an edit was refused for good; `reload()` when our copy can't be brought up to date by edits;
 * `fetch()` asks for the edits after our revision; `user()` is whose work this is; `typed(pause)` hears of typed text and how
 * long it will wait for the next key. */
export class Sync {
  constructor({ flowId, send, changed, failed, reload, fetch, user, typed }) {
    Object.assign(this, { flowId, send, changed, failed, reload, fetch, user, typed });
    this.revision = 0;
    this.base = null;
    this.doc = null;
    this.pending = [];
    this.clashes = [];
    this.held = [];
    this.stranded = null; // a refused edit that waits for the document
    this.early = new Map();
    this.flight = null;
    this.savedAt = null;
    this.edits = 0; // made here, ever
    this.connected = true;
    this.halted = ""; // why nothing is sent: signed_out, forbidden, unreadable, deleted
    this.kept = true; // whether the browser could keep what waits
    this.rhythm = { key: null, at: 0, gap: 100, sent: 0 }; // of typing: `gap` is the usual time between two keys
  }

  /** Take up what an earlier visit left unsent. */
  adopt({ edits, clashes }) {
    const known = new Set(this.pending.map((entry) => entry.cid));
    const taken = edits.filter((entry) => !known.has(entry.cid)).map((entry) => ({ ...entry, open: false, tries: 1 }));
    this.pending = [...taken, ...this.pending];
    this.clashes = [...this.clashes, ...clashes];
  }

  /** Take a snapshot from the server, and put waiting edits on top. */
  start(revision, document) {
    this.revision = revision;
    this.base = document;
    this.flight = null;
    this.ashore();
    this.rebuild();
    const held = this.held;
    this.held = [];
    held.forEach((edit) => this.take([edit]));
    this.catchEarly();
    this.pump();
  }

  /** An edit that the server refused without saying over what: what still fits is sent again, the rest is a choice. */
  ashore() {
    const { stranded } = this;
    this.stranded = null;
    const at = stranded ? this.pending.indexOf(stranded.entry) : -1;
    if (at < 0) return;
    const { entry, before, by } = stranded;
    const strandings = (entry.strandings ?? 0) + 1;
    const was = strandings > MAX_STRANDINGS ? null : entry.was;
    const { rest, items } = takeApart(entry.ops, overtakenFields(entry.ops, was, this.base, by), before, this.base);
    const again = rest.length && was ? [{ ...entry, cid: crypto.randomUUID(), ops: rest, built: this.revision, tries: 0, strandings }] : [];
    this.pending.splice(at, 1, ...again);
    this.clashes.push(...items.map((item) => ({ ...item, by: item.by || by })));
  }

  remember() {
    const edits = this.pending.map(({ cid, ops, step, built, refused, was }) => ({ cid, ops, step, built, refused, was }));
    this.kept = keepEdits(this.flowId, this.user(), edits, this.clashes);
  }

  /** `doc` anew from `base`; what no longer fits becomes a choice. */
  rebuild() {
    const before = this.doc ?? this.base;
    let doc = this.base;
    const kept = [];
    for (const entry of this.pending) {
      try {
        doc = applyAll(doc, entry.ops);
        kept.push(entry);
      } catch {
        const { rest, items } = takeApart(entry.ops, [], before, this.base);
        let fits = rest.length > 0;
        if (fits) {
          try {
            doc = applyAll(doc, rest);
          } catch {
            fits = false;
          }
        }
        if (fits) kept.push({ ...entry, ops: rest, cid: crypto.randomUUID() });
        if (items.length) this.clashes.push(...items);
        else if (!fits) this.failed("conflict");
        if (this.flight === entry.cid) this.flight = null;
      }
    }
    this.pending = kept;
    this.doc = doc;
    this.remember();
  }

  get waiting() {
    return this.pending.length;
  }

  /** What the server doesn't have yet, with the revision that it stands on; null when there is nothing, or an undo. */
  unsent() {
    if (!this.base || !this.waiting || this.halted || !this.connected || this.pending.some((entry) => entry.step && entry.step !== "edit")) return null;
    return { operations: this.pending.flatMap((entry) => entry.ops), expected_revision: this.revision };
  }

  /** Make an edit (one undo step). With `key`, further edits under the same key join it while the person goes on typing.
   * False when it is too large to be sent. */
  edit(ops, key = null) {
    const last = this.pending[this.pending.length - 1];
    const joins = key !== null && last?.open && last.key === key;
    if (!joins) this.close();
    if (!fits(ops)) {
      this.failed("too_large");
      this.changed("refused");
      return false;
    }
    const was = heldBefore(ops, this.doc, joins ? last.was : []);
    this.doc = applyAll(this.doc, ops);
    this.edits += 1;
    if (joins) {
      last.was = was;
      last.ops = mergeOps(last.ops, ops);
    } else {
      this.pending.push({ cid: crypto.randomUUID(), ops, key, was, built: this.revision, open: key !== null, since: Date.now(), tries: 0 });
    }
    clearTimeout(this.timer);
    if (key !== null) {
      const open = this.pending[this.pending.length - 1];
      const pause = Math.max(0, Math.min(this.pause(key), open.since + TYPING_LIMIT - Date.now()));
      this.timer = setTimeout(() => {
        this.rhythm.sent += 1;
        this.flush();
      }, pause);
      this.typed?.(pause);
    }
    this.remember();
    this.changed("edit");
    if (key === null) this.pump();
    return true;
  }

  /** How long to wait after this key: just over the time in which the next one usually comes. */
  pause(key) {
    const { rhythm } = this;
    const now = Date.now();
    const gap = now - rhythm.at;
    if (rhythm.key !== key || gap > NEW_SENTENCE) Object.assign(rhythm, { key, sent: 0 });
    else {
      const share = gap > rhythm.gap ? 0.7 : 0.2; // a slow hand is believed at once
      rhythm.gap += share * (Math.min(gap, LONG_PAUSE) - rhythm.gap);
    }
    rhythm.at = now;
    return rhythm.sent >= SENDS ? LATE_PAUSE : Math.min(LONG_PAUSE, Math.max(SHORT_PAUSE, 1.5 * rhythm.gap));
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
    if (this.flight || this.stranded || !this.base || !this.connected || this.halted) return;
    const entry = this.pending[0];
    if (!entry || entry.open) return;
    this.flight = entry.cid;
    entry.tries += 1;
    this.send({ cid: entry.cid, flow_id: this.flowId, revision: this.revision, built: Math.min(entry.built ?? this.revision, this.revision), step: entry.step ?? "edit", ops: entry.ops });
    clearTimeout(this.limit);
    this.limit = setTimeout(() => {
      this.flight = null;
      this.changed("slow");
      this.pump();
    }, ANSWER_LIMIT);
  }

  /** Nothing is sent any more, for this reason; what waits stays kept in this browser. */
  halt(why) {
    if (this.halted === why) return;
    this.halted = why;
    clearTimeout(this.limit);
    this.flight = null;
    this.remember();
    this.changed("halted");
  }

  /** The reason is gone. */
  resume() {
    this.halted = "";
    this.changed("resumed");
    this.pump();
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
    if (mine && reply.error === "unreadable" && !mine.refused) {
      mine.refused = true; // once more by a fresh page, then never again
      this.halt("unreadable");
      return;
    }
    if (mine) {
      if (reply.error === "stale_revision") {
        this.overtaken(mine, reply);
        return;
      }
      this.pending = this.pending.filter((entry) => entry !== mine);
      if (reply.error) {
        this.rebuild();
        this.changed("refused");
        if (mine.tries === 1 || mine.refused) this.failed(reply.error);
        if (!/^nothing_to_|_overtaken$/.test(reply.error)) this.reload();
        this.pump();
        return;
      }
      this.savedAt = Date.now();
    }
    if (reply.reload) this.reload();
    else this.take((reply.edits ?? []).map((edit) => (edit.mine && mine ? { ...edit, operations: mine.ops } : edit)), Boolean(mine));
    this.catchEarly();
    this.pump();
  }

  /** Somebody else wrote the same: theirs stands, mine becomes a choice, and what isn't at odds is sent again. */
  overtaken(entry, reply) {
    const before = this.doc;
    const at = this.pending.indexOf(entry);
    this.pending = this.pending.filter((other) => other !== entry);
    if (reply.reload || !reply.clashes) {
      // Which edits were made can't be told: the document itself says what they changed, once it is here.
      this.pending.splice(at, 0, entry);
      this.stranded = { entry, before, by: reply.by || reply.clashes?.[0]?.name || "" };
      this.changed("clash");
      this.reload();
      return;
    }
    this.take(reply.edits ?? []);
    const { rest, items } = takeApart(entry.ops, reply.clashes, before, this.base);
    if (rest.length) this.pending.splice(at, 0, { ...entry, cid: crypto.randomUUID(), ops: rest, built: this.revision, tries: 0 });
    this.clashes.push(...items);
    this.rebuild();
    this.changed("clash");
    this.catchEarly();
    this.pump();
  }

  /** Decide a choice: one's own version as a new edit, or theirs as it stands. */
  settle(id, own) {
    const item = this.clashes.find((other) => other.id === id);
    if (!item) return;
    this.clashes = this.clashes.filter((other) => other !== item);
    this.remember();
    if (own) {
      try {
        const ops = ownVersion(item, this.doc);
        if (ops.length) this.edit(ops);
      } catch {
        this.failed("conflict");
      }
    }
    this.changed("settled");
  }

  /** An edit that was announced, perhaps with its operations. */
  hear(edit) {
    if (!this.base || edit.seq <= this.revision || this.pending.some((entry) => entry.cid === edit.cid)) return;
    this.early.set(edit.seq, edit);
    this.catchEarly();
  }

  /** Apply announced edits that are next; ask for those that are missing. */
  catchEarly() {
    for (const seq of [...this.early.keys()].sort((a, b) => a - b)) {
      const edit = this.early.get(seq);
      if (seq <= this.revision) this.early.delete(seq);
      else if (seq === this.revision + 1 && edit.operations) {
        this.early.delete(seq);
        this.take([edit]);
      } else break;
    }
    if (this.early.size && !this.flight) {
      this.early.clear();
      this.fetch();
    }
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
