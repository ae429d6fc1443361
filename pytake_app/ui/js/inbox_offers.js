// The place in its queue of the conversation that is open. What rings at one is told by the frame of every page (`agent_status.js`).
import { api } from "$/public/pt_api.js";
import { onPoke } from "$/public/pt_live.js";
import { queueOf } from "$/public/pt_inbox_model.js";
import { queues } from "$/public/pt_inbox_refs.js";
import { set, state } from "$/public/pt_inbox_store.js";
import { live } from "$/public/pt_inbox_threads.js";

/** Reads a place again that may be the open conversation's; others are none of this tab's business. */
const hear = async (poke) => {
  const near = state.item ? poke.item_id === state.item.id : state.detail?.handling === "waiting" || state.detail?.handling === "person";
  if (!state.selected || !poke.item_id || !poke.queue_id || !near) return;
  const item = await api.get(`/api/v1/queues/${poke.queue_id}/items/${poke.item_id}`).catch(() => null); // the panel does without
  if (item && item.conversation_id === state.selected) set({ item: ["waiting", "offered", "in_service"].includes(item.status) ? item : null });
};

/** The open conversation's place in its queue, for the panel. */
const findItem = async (id) => {
  const row = state.detail ?? state.rows.get(id);
  const name = row && queueOf(row).name;
  if (!name || !["waiting", "person"].includes(row.handling)) return;
  const queue = (await queues().catch(() => [])).find((one) => one.name === name);
  if (!queue) return;
  const page = await api.get(`/api/v1/queues/${queue.id}/items?limit=200`).catch(() => ({ items: [] })); // the panel does without
  if (state.selected === id) set({ item: page.items.find((one) => one.conversation_id === id) ?? null });
};

live.ready = findItem;
if (typeof window !== "undefined") onPoke("org:", (pokes) => pokes.forEach(hear));
