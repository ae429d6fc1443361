// The place in its queue of the conversation that is open. What rings at one is told by the frame of every page (`agent_status.js`).
import { api } from "$/public/pt_api.js";
import { onPoke } from "$/public/pt_live.js";
import { BASE, set, state } from "$/public/pt_inbox_store.js";

// While somebody waits, whoever comes or goes in their queue may move them: read again, but not for every single one.
const PAUSE_MS = 1500;
let timer = null;
const read = async () => {
  timer = null;
  const id = state.selected;
  if (!id) return;
  const detail = await api.get(`${BASE}/${id}`).catch(() => null); // the panel keeps what it knows
  if (detail && state.selected === id) set({ item: detail.queue_item ?? null });
};
const hear = (poke) => {
  if (timer || !state.selected || !poke.item_id || !poke.queue_id) return;
  const { item, detail } = state;
  const near = item ? poke.item_id === item.id || (item.status !== "in_service" && poke.queue_id === item.queue?.id) : ["waiting", "person"].includes(detail?.handling) && poke.queue_id === detail.queue_id;
  if (near) timer = setTimeout(read, PAUSE_MS);
};
if (typeof window !== "undefined") onPoke("org:", (pokes) => pokes.forEach(hear));
