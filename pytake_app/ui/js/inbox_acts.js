// What one does with a conversation and its contact: take over, give back, assign, transfer, snooze, close, tags.
import { api } from "$/public/pt_api.js";
import { closingRules, isAboutReason } from "$/public/pt_closing.js";
import { say, tell, wordsOf } from "$/public/pt_inbox_kit.js";
import { lists, loadCounts, loadList } from "$/public/pt_inbox_lists.js";
import { people } from "$/public/pt_inbox_refs.js";
import { BASE, set, state } from "$/public/pt_inbox_store.js";
import { loadThread, refreshOne, threads } from "$/public/pt_inbox_threads.js";

/** Call the server for the open conversation; what changed is read again. Answers whether it went well. */
const act = async (name, method, path, body, { ok } = {}) => {
  const id = state.selected;
  if (!id || state.busy) return false;
  set({ busy: name, error: "" });
  try {
    await api[method](`${BASE}/${id}${path}`, body);
    await refreshOne(id);
    loadCounts();
    if (ok) tell(ok, "success");
    return true;
  } catch (error) {
    tell(wordsOf(error), "error");
    if (isAboutReason(error)) set({ dialog: { kind: "close", again: Date.now() } });
    if (error.status === 409) await loadThread(id, { quiet: true }); // somebody was faster: show how it is
    return false;
  } finally {
    set({ busy: "" });
  }
};
const contactAct = async (method, path, body, ok) => {
  const id = state.detail?.contact.id;
  if (!id) return;
  try {
    const answer = await api[method](`/api/v1/contacts/${id}${path}`, body);
    set({ contact: answer?.id ? answer : await api.get(`/api/v1/contacts/${id}`) });
    if (ok) tell(ok, "success");
    if (state.selected) loadThread(state.selected, { quiet: true });
  } catch (error) {
    tell(wordsOf(error), "error");
  }
};

const nextAfter = (id) => {
  const at = state.order.indexOf(id);
  return state.order[at + 1] ?? state.order[at - 1] ?? null;
};
/** After a conversation left the list, the next one is shown; on a phone the list. */
const moveOn = (id, next) => {
  if (state.selected !== id || state.order.includes(id)) return;
  threads.select(window.innerWidth < 768 ? null : next);
};

export const acts = {
  dialog: (kind, rest = {}) => set({ dialog: { kind, ...rest } }),
  closeDialog: () => set({ dialog: null }),
  takeOver: () => act("take_over", "post", "/take-over", {}),
  giveBack: (flow) => act("give_back", "post", "/give-back", flow ? { flow_id: flow } : {}),
  assign: async (userId) => {
    if (userId && userId === state.me?.id) return acts.takeOver();
    const name = userId ? (await people()).find((one) => one.id === userId)?.name : "";
    const id = state.selected;
    const next = nextAfter(id);
    if ((await act("assign", "post", "/assign", { user_id: userId }, { ok: name ? say("inbox_more.assigned_to", { name }) : say("inbox_more.unassigned") })) && state.thread === "missing") moveOn(id, next); // who sees only their own sees it no more
    return undefined;
  },
  transfer: async (target, note) => {
    const id = state.selected;
    const next = nextAfter(id);
    if (await act("transfer", "post", "/transfer", { ...target, ...(note ? { note } : {}) }, { ok: say("inbox_more.transferred") })) {
      set({ dialog: null });
      moveOn(id, next);
    }
  },
  snooze: async (until) => {
    const id = state.selected;
    const next = nextAfter(id);
    if (await act("snooze", "post", "/snooze", { until }, { ok: say(until ? "inbox_more.snoozed" : "inbox_more.woken") })) {
      set({ dialog: null });
      if (until) moveOn(id, next);
    }
  },
  close: async (outcome) => {
    const id = state.selected;
    if (!outcome && (await closingRules()).required) return set({ dialog: { kind: "close" } });
    if (state.selected !== id || !state.detail) return;
    const next = nextAfter(id);
    const body = { status: "closed", expected: state.detail.status, ...(outcome ? { outcome } : {}) };
    if (!(await act("close", "patch", "/status", body))) return;
    set({ dialog: null });
    tell(say("inbox_more.closed"), "success", { action: { label: say("common.undo"), onClick: () => acts.reopenId(id) }, duration: 10000 });
    moveOn(id, next);
  },
  closeMarked: async () => ((await closingRules()).required ? set({ dialog: { kind: "close", bulk: true } }) : lists.bulk("close")),
  archive: () => act("archive", "patch", "/status", { status: "archived" }, { ok: say("inbox_more.archived") }),
  reopen: () => act("reopen", "patch", "/status", { status: "open" }),
  reopenId: async (id) => {
    try {
      await api.patch(`${BASE}/${id}/status`, { status: "open" });
      await loadList();
      if (state.selected === id) loadThread(id, { quiet: true });
      else threads.select(id);
    } catch (error) {
      tell(wordsOf(error), "error");
    }
  },
  priority: (priority) => act("priority", "patch", "/priority", { priority }),
  unread: async () => {
    const id = state.selected;
    if (await act("unread", "patch", "/unread", {})) threads.select(null);
    return id;
  },
  tagTalk: (tag, on = true) => act("tags", "post", "/tags", on ? { add: [tag] } : { remove: [tag] }),

  // ---- the contact
  tag: (tag) => contactAct("post", `/tags/${encodeURIComponent(tag)}`),
  untag: (tag) => contactAct("delete", `/tags/${encodeURIComponent(tag)}`),
  contactEdit: (patch) => contactAct("patch", "", patch, say("inbox_more.contact_saved")),
  block: (on) => contactAct("post", on ? "/block" : "/unblock", {}, say(on ? "inbox_more.blocked" : "inbox_more.unblocked")),
  consent: (on) => contactAct("post", on ? "/opt-in" : "/opt-out", {}, say("inbox_more.contact_saved")),
  merge: async (otherId) => {
    await contactAct("post", "/merge", { contact_id: otherId, confirm: true }, say("inbox_more.merged"));
    set({ dialog: null });
    lists.reload();
  },
};
