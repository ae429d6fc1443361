// When the verifier is asked, and whose answer is shown. An edit's own answer brings the findings; while typed text waits to
// be sent, they are asked for ahead: of the draft with what wasn't sent yet.

const SOON = 200; // ms: an edit that goes out this soon brings its findings soon enough itself
const QUIET = 120; // ms after a key until it is asked ahead
const REST = 2; // times as long as an answer took, until it is asked ahead again: no page keeps the server busy
const LONGEST_REST = 3000;
const OTHERS_QUIET = 700;
const OTHERS_LIMIT = 6000;

/** Findings of one flow.
 * `ask(unsent)` resolves to `{revision, findings}` of the draft, with `unsent` (`{operations, expected_revision}`) if given;
 * `show(findings)` puts them in place; `failed(error)` hears why it could not be asked; `sync` is the flow's `Sync`; `peers()`
 * is how many others have it open. */
export class Checker {
  constructor({ ask, show, failed, sync, peers }) {
    Object.assign(this, { ask, show, failed, sync, peers });
    this.ahead = false; // what is shown was asked for ahead
    this.of = -1; // how many edits were made when it was
    this.last = null; // what the server's answers to edits said last; one without findings says the same again
    this.missed = false;
    this.asking = false;
    this.restUntil = 0;
    this.since = 0;
  }

  put(findings) {
    this.ahead = false;
    this.show(findings);
  }

  /** Ask for the findings of the draft as it is. */
  async verify() {
    const { sync } = this;
    try {
      const result = await this.ask(null);
      if (result.revision === sync.revision && !this.shownNewer()) this.put(result.findings);
    } catch (error) {
      this.failed(error);
    }
  }

  shownNewer() {
    return this.ahead && this.sync.waiting > 0 && this.of === this.sync.edits;
  }

  /** Others changed the draft: ask when it is quiet for a moment, at the latest after some seconds. Not everybody at once. */
  soon() {
    this.since ||= Date.now();
    clearTimeout(this.others);
    const pause = OTHERS_QUIET + Math.random() * Math.min(3000, 150 * this.peers());
    this.others = setTimeout(() => {
      this.since = 0;
      this.verify();
    }, Math.max(0, Math.min(pause, this.since + OTHERS_LIMIT - Date.now())));
  }

  /** A key was pressed; what is typed is sent after `pause` milliseconds without another. */
  typed(pause) {
    clearTimeout(this.timer);
    if (pause > SOON) this.timer = setTimeout(() => this.look(), Math.max(QUIET, this.restUntil - Date.now()));
  }

  /** Ask ahead, one question at a time. What becomes of the text, and of a question that fails, the answer to the edit tells. */
  async look() {
    const { sync } = this;
    const unsent = this.asking ? null : sync.unsent();
    if (!unsent) return;
    const of = sync.edits;
    const began = Date.now();
    this.asking = true;
    this.missed = false;
    try {
      const { findings } = await this.ask(unsent);
      if (of === sync.edits) {
        this.show(findings);
        Object.assign(this, { ahead: true, of });
      }
    } catch (error) {
      this.missed = error.code === "stale_revision";
    }
    this.asking = false;
    this.restUntil = Date.now() + Math.min(LONGEST_REST, REST * (Date.now() - began));
    if (of !== sync.edits) this.typed(Infinity); // more was typed meanwhile
  }

  /** The server answered an edit; `sync` knows it already. */
  told({ findings, verify, error }) {
    if (findings) this.last = findings;
    else if (verify) this.last = null;
    if (verify) this.soon();
    else if (this.shownNewer()) return;
    else if (findings) this.put(findings);
    else if (this.ahead && !this.sync.waiting) {
      if (this.last && !error) this.put(this.last);
      else this.verify();
    }
    if (this.missed && this.sync.waiting) this.look();
  }
}
