// The inbox's store as the page's components use it, and its keys.
import { acts } from "$/public/pt_inbox_acts.js";
import { lists, loadList } from "$/public/pt_inbox_lists.js";
import { onShout, prefs } from "$/public/pt_inbox_news.js";
import { watchMarks } from "$/public/pt_inbox_marks.js";
import { presence } from "$/public/pt_inbox_presence.js";
import { begin, sending } from "$/public/pt_inbox_send.js";
import { people } from "$/public/pt_inbox_refs.js";
import { redrawThread, set, state, useInbox } from "$/public/pt_inbox_store.js";
import { hush, listen } from "$/public/pt_inbox_stream.js";
import { threads } from "$/public/pt_inbox_threads.js";
import { may as grants } from "$/public/pt_rights.js";

export { useInbox };

const writable = () => state.detail && grants(state.me, "conversations:handle");
const open = () => writable() && !["closed", "archived"].includes(state.detail.status);

export const inbox = {
  ...lists,
  ...threads,
  ...sending,
  ...acts,
  ...presence,
  prefer: prefs.toggle,
  /** Who is signed in. */
  me: () => state.me,
  /** Called once with who is signed in and which conversation the address names. */
  open: (me, id) => {
    if (me && !state.me) set({ me });
    begin();
    listen();
    if (state.list === "loading") loadList();
    if (state.views === null) lists.loadViews();
    people().then(redrawThread, () => undefined); // names of whom it was given to; without them the words say less
    if (id && id !== state.selected) threads.select(id, false);
  },
  /** The page was left. */
  leave: hush,
  /** Somebody's conversations, whom the address names. */
  of: (agent) => {
    lists.tab("all");
    lists.filter({ agent });
  },
  send: (at) => {
    presence.wrote();
    sending.send(at);
  },
  combo: (combo) => {
    const keys = {
      j: () => threads.step(1),
      k: () => threads.step(-1),
      r: () => writable() && sending.mode("reply"),
      n: () => writable() && sending.mode("note"),
      a: () => open() && acts.dialog("assign"),
      t: () => open() && acts.dialog("transfer"),
      e: () => open() && acts.close(),
      s: () => open() && acts.dialog("snooze"),
      p: () => state.detail && threads.panel(),
      x: () => state.selected && grants(state.me, "conversations:handle") && lists.mark(state.selected),
      "/": () => document.querySelector("[data-search]")?.focus(),
      "?": () => acts.dialog("keys"),
      Escape: () => (state.marked.size ? lists.unmark() : state.replyTo ? sending.unreply() : undefined),
    };
    keys[combo]?.();
  },
};
export const KEYS = ["j", "k", "r", "n", "a", "t", "e", "s", "p", "x", "/", "?", "Escape"];

onShout((message) => message.open && threads.select(message.open));
if (typeof window !== "undefined") watchMarks();
