// What one does with items of a queue: give to somebody, put back, prioritise, pass on, settle; each shown at once and undoable where it can be.
import { api } from "$/public/pt_api.js";
import { isAboutReason } from "$/public/pt_closing.js";
import { say, sayOf, tell } from "$/public/pt_inbox_kit.js";
import { contactName, firstName, now } from "$/public/pt_monitor_model.js";
import { load, patchItem, store, view } from "$/public/pt_monitor_store.js";
import { may as grants } from "$/public/pt_rights.js";

const UNDO_MS = 10000;
const BASE = "/api/v1/queues";
const { state, set } = store;
const TALKS = "/api/v1/conversations"; // items whose queue is gone are reached by their conversation

/** Why something failed, in words. */
export const wordsOf = (error) => sayOf(`monitor.problem.${error?.code ?? "unknown"}`, error?.status === 403 ? "monitor.problem.forbidden" : "monitor.problem.unknown");
const path = (item) => `${BASE}/${item.queue?.id}/items/${item.id}`;
const done = (text, undo) => {
  view.announce(text);
  tell(text, "success", undo ? { duration: UNDO_MS, action: { label: say("common.undo"), onClick: undo } } : {});
};
/** Show it as it will be, ask for it, read how it is. Answers what the server answered, or null. */
const act = async (ask, { shown, ok, undo } = {}) => {
  const before = state.data;
  shown?.();
  try {
    const answer = await ask();
    if (ok) done(ok, undo);
    await load();
    return answer ?? {};
  } catch (error) {
    set({ data: before });
    isAboutReason(error); // the next dialog reads the reasons anew
    tell(wordsOf(error), "error");
    await load();
    return null;
  }
};
/** The place that a conversation has now: a conversation has one at most, while the place's own id changes with each hand it goes through. */
const find = (talk) => [...(state.data?.waiting ?? []), ...(state.data?.in_service ?? [])].find((item) => item.conversation_id === talk);
const agentOf = (id) => state.data?.agents.find((agent) => agent.id === id);
const move = (item, from, to, change) => {
  if (!state.data) return;
  const data = { ...state.data, [from]: state.data[from].filter((one) => one.id !== item.id) };
  data[to] = [...data[to].filter((one) => one.id !== item.id), { ...item, ...change }];
  set({ data });
};
const served = (item) => item.status === "in_service";

export const acts = {
  find,
  // `talk` is always the id of the conversation
  /** Give an item to an agent: one that waits is assigned, one in service changes hands. */
  assign: (talk, agentId, quiet = false) => {
    const item = find(talk);
    const agent = agentOf(agentId);
    if (!item || !agent || (served(item) && item.agent?.id === agentId)) return null;
    const before = served(item) ? item.agent?.id : "";
    const ok = quiet ? say("monitor.undone") : say(served(item) ? "monitor.done.reassigned" : "monitor.done.assigned", { name: contactName(item), agent: firstName(agent.name) });
    return act(() => (item.queue ? api.post(`${BASE}/${item.queue.id}/assign`, { item_id: item.id, agent_id: agentId }) : api.post(`${TALKS}/${item.conversation_id}/assign`, { user_id: agentId })), {
      shown: () => move(item, served(item) ? "in_service" : "waiting", "in_service", { status: "in_service", agent: { id: agent.id, name: agent.name }, assigned_at: new Date(now()).toISOString() }),
      ok,
      undo: quiet || !item.queue ? null : () => (before ? acts.again(talk, before) : acts.putBack(talk, true)),
    });
  },
  /** Undo of a change of hands: back to who had it. */
  again: async (talk, agentId) => {
    await load();
    return acts.assign(talk, agentId, true);
  },
  /** An item in service waits again in its queue. */
  putBack: async (talk, quiet = false) => {
    const item = find(talk);
    if (!item?.queue) return null;
    const agent = item.agent?.id;
    return act(() => api.post(`${path(item)}/transfer`, { queue_id: item.queue.id }), {
      shown: () => move(item, "in_service", "waiting", { status: "waiting", agent: null, why: null, suggestions: [], position: null, entered_at: new Date(now()).toISOString(), sla_due_at: null }),
      ok: quiet ? say("monitor.undone") : say("monitor.done.put_back", { name: contactName(item) }),
      undo: quiet || !agent ? null : () => acts.again(talk, agent),
    });
  },
  priority: (talk, priority, quiet = false) => {
    const item = find(talk);
    if (!item || item.priority === priority) return null;
    const before = item.priority;
    return act(() => api.post(`${path(item)}/priority`, { priority }), {
      shown: () => patchItem(item.id, (one) => ({ ...one, priority })),
      ok: quiet ? say("monitor.undone") : say("monitor.done.priority", { name: contactName(item), priority: say(`monitor.priority.${priority}`) }),
      undo: quiet ? null : () => acts.priority(talk, before, true),
    });
  },
  toQueue: (talk, queueId, note = "", quiet = false) => {
    const item = find(talk);
    const queue = state.data?.queues.find((one) => one.id === queueId);
    if (!item || !queue) return null;
    const before = item.queue?.id;
    view.close();
    const to = { queue_id: queueId, ...(note ? { note } : {}) };
    return act(() => api.post(item.queue ? `${path(item)}/transfer` : `${TALKS}/${item.conversation_id}/transfer`, to), {
      shown: () => patchItem(item.id, () => null),
      ok: quiet ? say("monitor.undone") : say("monitor.done.moved", { name: contactName(item), queue: queue.name }),
      undo: quiet || !before || served(item) ? null : async () => {
        await load();
        acts.toQueue(talk, before, "", true);
      },
    });
  },
  complete: (talk, outcome) => {
    const item = find(talk);
    if (!item) return null;
    view.close();
    const undo = async () => {
      try {
        await api.patch(`${TALKS}/${item.conversation_id}/status`, { status: "open" });
        tell(say("monitor.undone"), "success");
      } catch (error) {
        tell(wordsOf(error), "error");
      }
      load();
    };
    return act(() => (item.queue ? api.post(`${path(item)}/complete`, outcome ? { outcome } : {}) : api.patch(`${TALKS}/${item.conversation_id}/status`, { status: "closed", ...(outcome ? { outcome } : {}) })), { shown: () => patchItem(item.id, () => null), ok: say("monitor.done.completed", { name: contactName(item) }), undo });
  },
  abandon: (talk, reason) => {
    const item = find(talk);
    if (!item) return null;
    view.close();
    return act(() => api.post(`${path(item)}/abandon`, reason ? { reason } : {}), { shown: () => patchItem(item.id, () => null), ok: say("monitor.done.abandoned", { name: contactName(item) }) });
  },
  /** An agent takes one more (or `by` more) conversations at a time. */
  capacity: (agentId, capacity, quiet = false) => {
    const agent = agentOf(agentId);
    if (!agent || capacity < 0) return null;
    const before = agent.capacity;
    return act(() => api.put(`/api/v1/agents/${agentId}/capacity`, { capacity }), {
      shown: () => set({ data: { ...state.data, agents: state.data.agents.map((one) => (one.id === agentId ? { ...one, capacity } : one)) } }),
      ok: quiet ? say("monitor.undone") : say("monitor.done.capacity", { agent: firstName(agent.name), count: capacity }),
      undo: quiet ? null : () => acts.capacity(agentId, before, true),
    });
  },
  status: (agentId, status) => {
    const agent = agentOf(agentId);
    if (!agent) return null;
    const before = { status: agent.status, reason: agent.status_reason };
    return act(() => api.put(`/api/v1/agents/${agentId}/status`, { status }), {
      shown: () => set({ data: { ...state.data, agents: state.data.agents.map((one) => (one.id === agentId ? { ...one, status } : one)) } }),
      ok: say("monitor.done.status", { agent: firstName(agent.name), status: say(`monitor.status_low.${status}`) }),
      undo: () => act(() => api.put(`/api/v1/agents/${agentId}/status`, before), { ok: say("monitor.undone") }),
    });
  },
  /** The queue of who is next of those that the caller may take; empty: nobody waits for them. */
  nextQueue: () => (state.data?.waiting ?? []).find((item) => item.queue && item.status === "waiting" && mayOn(item).take)?.queue.id ?? "",
  /** The caller takes who is next in a queue. */
  next: async (queueId) => {
    const answer = await act(() => api.post(`${BASE}/${queueId}/next`));
    if (answer?.conversation_id) view.go(`/inbox?c=${answer.conversation_id}`);
    else if (answer) tell(say("monitor.nobody_waits"));
  },
};
/** What may be done with an item by who is signed in; the server has the last word. */
export const mayOn = (item) => {
  const { me } = state;
  const admin = grants(me, "queues:manage");
  const own = item.agent?.id === me?.id || item.offered_to?.id === me?.id;
  const agent = admin || grants(me, "conversations:handle");
  const answers = state.data?.agents.find((one) => one.id === me?.id)?.queues.some((queue) => queue.id === item.queue?.id) ?? false;
  return { admin, act: admin || (agent && own), take: agent && item.status !== "in_service" && (admin || answers), give: admin || (own && item.status === "in_service") };
};
/** Whether an item may be given to this agent by who is signed in. */
export const mayGive = (item, agentId) => {
  const may = mayOn(item);
  return may.admin || may.give || (may.take && agentId === state.me?.id);
};

// One after the other: what is done next begins with how the last one left things, not with how it was shown meanwhile.
let last = Promise.resolve();
for (const name of ["assign", "putBack", "priority", "toQueue", "complete", "abandon"]) {
  const act_ = acts[name];
  acts[name] = (...given) => {
    last = last.then(() => act_(...given));
    return last;
  };
}
