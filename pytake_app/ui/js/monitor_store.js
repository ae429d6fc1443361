// The monitor's state: one snapshot by REST, read again (coalesced) when a poke says that a queue or an agent changed.
import { api } from "$/public/pt_api.js";
import { keep, kept } from "$/public/pt_inbox_kit.js";
import { onPoke } from "$/public/pt_live.js";
import { agentOrder, setClock, sortService, sortWaiting } from "$/public/pt_monitor_model.js";
import { makeStore, whileVisible } from "$/public/pt_page_store.js";
import { may as grants } from "$/public/pt_rights.js";

const REST_MS = 400; // between two looks, however many pokes come
const TALK_MS = 3000; // the same for messages, which only change who spoke last
const SHOWN = 100; // cards of a column; more are asked for
const MOST = 500;
const EVERY_MS = 30000; // a look without any poke

const compute = (state) => {
  const { data, me } = state;
  const manage = grants(me, "queues:manage");
  const page = { phase: state.phase, live: state.live, wall: state.wall, column: state.column, queue: state.queue, manage, may: manage || grants(me, "conversations:handle"), me: me?.id ?? "", queues: data?.queues?.length ?? 0, more: state.shown < MOST, growing: state.reading === "more" };
  if (!data) return { page, tabs: { items: [], all: 0, queue: state.queue }, figures: null, agents: [], waiting: null, service: null, recent: null, dialog: state.dialog, news: { text: state.news } };
  const { waiting, in_service: service, recent, figures } = data;
  return {
    page,
    tabs: { items: data.queues, all: data.queues.reduce((sum, one) => sum + one.waiting, 0), queue: state.queue },
    figures: { ...figures, queue_name: data.queues.find((one) => one.id === state.queue)?.name ?? "", phase: state.phase },
    agents: [...data.agents].sort(agentOrder),
    waiting: { items: sortWaiting(waiting, state.orders.waiting), total: data.waiting_total ?? waiting.length, order: state.orders.waiting },
    service: { items: sortService(service, state.orders.service), total: data.in_service_total ?? service.length, order: state.orders.service },
    recent: { items: recent, total: data.recent_total ?? recent.length, period: state.period, busy: state.reading === "period" },
    dialog: state.dialog,
    news: { text: state.news },
  };
};
export const store = makeStore(
  { me: null, phase: "loading", live: true, wall: false, queue: "", column: "waiting", period: "today", orders: { waiting: "served", service: "agent", ...kept("pytake_monitor_orders", {}) }, data: null, dialog: null, news: "", reading: "", shown: SHOWN },
  compute,
);
export const useMonitor = store.use;
const { state, set } = store;

let busy = false;
let again = false;
let rest = null;
let turn = 0;
/** Read the snapshot; while one is under way the next one waits, and many wishes become one. */
export const load = async () => {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  const mine = (turn += 1);
  try {
    const query = new URLSearchParams({ period: state.period, shown: String(state.shown), ...(state.queue ? { queue: state.queue } : {}) });
    const data = await api.get(`/api/v1/queues/dashboard?${query}`);
    if (mine === turn) {
      setClock(data.at);
      set({ data, phase: "ready", live: true, reading: "" });
    }
  } catch (error) {
    if (mine === turn) failed(error);
  } finally {
    busy = false;
    if (again) {
      again = false;
      soon(REST_MS);
    }
  }
};
const failed = (error) => {
  if ([404, 422].includes(error.status) && state.queue) return choose(""); // no such queue, or no more
  if (error.status === 403) return set({ phase: "forbidden" });
  // What was read before stays; the page says that it isn't live.
  return set(state.data ? { live: false, reading: "" } : { phase: error.status === 0 ? "offline" : "error" });
};
/** Read it in `ms`, or sooner if somebody wishes so. */
export const soon = (ms = REST_MS) => {
  const due = Date.now() + ms;
  if (rest && rest.due <= due) return;
  clearTimeout(rest?.timer);
  rest = { due, timer: setTimeout(() => {
    rest = null;
    load();
  }, ms) };
};

const remember = () => {
  const url = new URL(window.location.href);
  if (state.queue) url.searchParams.set("queue", state.queue);
  else url.searchParams.delete("queue");
  window.history.replaceState(window.history.state, "", url);
};
/** Look at one queue, or at all with "". */
export const choose = (queue) => {
  turn += 1; // what is on its way is of another queue
  set({ queue, reading: "queue", shown: SHOWN });
  remember();
  busy = false;
  return load();
};

/** The snapshot with the item `id` changed by `change(item)`, or taken out of its column when that gives null. */
export const patchItem = (id, change) => {
  if (!state.data) return;
  const each = (items) => items.map((item) => (item.id === id ? change(item) : item)).filter(Boolean);
  set({ data: { ...state.data, waiting: each(state.data.waiting), in_service: each(state.data.in_service) } });
};

let users = 0;
let stops = [];
/** Called by the page with who is signed in; returns the function that ends it. */
export const open = (me) => {
  set({ me, queue: state.queue || (new URLSearchParams(window.location.search).get("queue") ?? "") });
  const heard = (pokes) => {
    if (pokes.some(({ topic }) => topic === "live:reconnected" || topic.endsWith(":queues"))) soon();
    else if (pokes.some(({ topic }) => topic.endsWith(":conversations"))) soon(TALK_MS);
  };
  const look = () => soon(0); // the browser says at once that it is cut off, or back
  const atWire = () => {
    ["offline", "online"].forEach((name) => window.addEventListener(name, look));
    return () => ["offline", "online"].forEach((name) => window.removeEventListener(name, look));
  };
  if ((users += 1) === 1) stops = [onPoke("", heard), whileVisible(EVERY_MS, () => soon()), atWire()];
  load();
  return () => {
    if ((users -= 1) === 0) stops.forEach((stop) => stop());
  };
};

export const view = {
  /** To another page of the product; the page's root puts the router here. */
  go: (address) => window.location.assign(address),
  queue: choose,
  retry: () => {
    set({ phase: state.data ? state.phase : "loading" });
    return load();
  },
  column: (column) => set({ column }),
  /** More cards of each column. */
  more: () => {
    turn += 1;
    busy = false;
    set({ shown: Math.min(MOST, state.shown + SHOWN), reading: "more" });
    return load();
  },
  order: (column, order) => {
    const orders = { ...state.orders, [column]: order };
    keep("pytake_monitor_orders", orders);
    set({ orders });
  },
  period: (period) => {
    turn += 1;
    busy = false;
    set({ period, reading: "period" });
    return load();
  },
  dialog: (kind, rest_ = {}) => set({ dialog: { kind, ...rest_ } }),
  /** What opened it, a menu that is gone, can't have the focus back: its card has it, so that keys go on from there. */
  close: () => {
    const talk = state.dialog?.talk;
    set({ dialog: null });
    if (talk) setTimeout(() => document.activeElement === document.body && document.querySelector(`.qm-item[data-talk="${talk}"] .qm-name`)?.focus(), 60);
  },
  wall: (wall) => {
    set({ wall });
    document.documentElement.dataset.wall = String(wall);
    if (wall && !document.fullscreenElement) document.documentElement.requestFullscreen?.().catch(() => {}); // refused: the wall fills the window
    if (!wall && document.fullscreenElement) document.exitFullscreen?.().catch(() => {});
  },
  announce: (text) => set({ news: text === state.news ? `${text}\u00a0` : text }),
};
