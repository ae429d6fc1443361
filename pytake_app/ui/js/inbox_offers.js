// What a queue offers this agent: it rings here until it is taken, declined, or goes on to the next one. And the place in its queue of
// the conversation that is open.
import { createElement as h, useEffect } from "react";
import { Check, PhoneIncoming, X } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { onPoke } from "$/public/pt_live.js";
import { Btn, Face, IconBtn, say, Sign, tell, useNow, wordsOf } from "$/public/pt_inbox_kit.js";
import { hueOf, initials, nameOf, queueOf } from "$/public/pt_inbox_model.js";
import { chimeNow } from "$/public/pt_inbox_news.js";
import { queues } from "$/public/pt_inbox_refs.js";
import { announce, set, state, useInbox } from "$/public/pt_inbox_store.js";
import { live, threads } from "$/public/pt_inbox_threads.js";

const mine = (item) => item.status === "offered" && item.offered_to?.id === state.me?.id && item.offered_until && new Date(item.offered_until) > new Date();
const take = (items) => {
  const known = new Set(state.offers.map((one) => one.id));
  const offers = items.filter(mine);
  if (offers.some((one) => !known.has(one.id))) {
    if (state.prefs.sound) chimeNow();
    announce(say("inbox_more.offer_news", { name: nameOf(offers[0].contact) }));
  }
  set({ offers });
};
/** What rings already when the page opens; somebody who is no agent has nothing. */
const look = async () => {
  const own = await api.get("/api/v1/agents/me/queues").catch(() => null);
  const ids = (own?.items ?? own?.queues ?? []).map((one) => one.queue_id ?? one.id).slice(0, 20);
  const pages = await Promise.all(ids.map((id) => api.get(`/api/v1/queues/${id}/items?status=offered&limit=50`).catch(() => ({ items: [] }))));
  take(pages.flatMap((page) => page.items));
};
const hear = async (poke) => {
  if (!poke.item_id || !poke.queue_id) return;
  const item = await api.get(`/api/v1/queues/${poke.queue_id}/items/${poke.item_id}`).catch(() => null);
  const rest = state.offers.filter((one) => one.id !== poke.item_id);
  if (item && mine(item)) take([...rest, item]);
  else if (rest.length !== state.offers.length) set({ offers: rest });
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

const answer = async (offer, verb) => {
  set({ offers: state.offers.filter((one) => one.id !== offer.id) });
  try {
    await api.post(`/api/v1/queues/${offer.queue.id}/items/${offer.id}/${verb}`);
    if (verb === "accept") threads.select(offer.conversation_id);
  } catch (error) {
    tell(wordsOf(error), "error");
  }
};
/** The offers over the list. */
export const Offers = () => {
  const { list } = useInbox("offers");
  const now = useNow(1000);
  useEffect(() => {
    look();
  }, []);
  const open = list.filter((one) => new Date(one.offered_until) > now);
  if (!open.length) return null;
  return h("div", { className: "ix-offers", role: "alert" }, open.map((one) => h("div", { key: one.id, className: "ix-offer", "data-testid": "offer" },
    h(Face, { initials: initials(one.contact.name), hue: hueOf(one.contact.id) }),
    h("div", { className: "grow" }, h("div", { className: "dense str ell" }, nameOf(one.contact)), h("div", { className: "meta muted ell tn row g4" }, h(Sign, { of: PhoneIncoming, size: "xs" }), say("inbox_more.offer_left", { queue: one.queue.name, seconds: Math.max(0, Math.ceil((new Date(one.offered_until) - now) / 1000)) }))),
    h(IconBtn, { icon: X, label: say("inbox_more.decline"), onClick: () => answer(one, "decline"), test: "decline" }), h(Btn, { kind: "solid", icon: Check, onClick: () => answer(one, "accept"), test: "accept" }, say("inbox_more.accept")))));
};

live.ready = findItem;
if (typeof window !== "undefined") onPoke("org:", (pokes) => pokes.forEach((poke) => (poke.topic === "live:reconnected" ? state.me && look() : hear(poke))));
