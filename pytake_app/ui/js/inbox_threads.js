// The open conversation's side of the store: messages, the panel, what is new, and the pokes that tell of it.
import { api } from "$/public/pt_api.js";
import { onPoke } from "$/public/pt_live.js";
import { dropRow, loadCounts, loadList, putRow } from "$/public/pt_inbox_lists.js";
import { ring } from "$/public/pt_inbox_news.js";
import { BASE, currentItems, emit, set, state, touchThread } from "$/public/pt_inbox_store.js";
import { rowAfter } from "$/public/pt_inbox_model.js";
import { stream, streaming } from "$/public/pt_inbox_stream.js";
import { hearOf, reading, told } from "$/public/pt_inbox_told.js";
import { dropUnsent, unsentIn } from "$/public/pt_inbox_unsent.js";
import { may as grants } from "$/public/pt_rights.js";

const PAGE = 50;
const keyOf = (message) => message.client_id || message.id;
/** Take messages in; one that was on its way under its own id gives its place to the server's. */
export const putMessages = (messages) => {
  for (const message of messages) {
    if (message.client_id && state.messages.has(message.id)) state.messages.delete(message.id);
    if (message.client_id) dropUnsent(message.conversation_id, message.client_id); // it arrived, whatever this tab was told of it
    const local = state.messages.get(keyOf(message));
    // A picture that was just sent stays the one from this device: it needn't be loaded again.
    state.messages.set(keyOf(message), local?.local_file ? { ...message, local_file: local.local_file } : message);
  }
  touchThread();
};
export const patchMessage = (key, patch) => {
  const message = state.messages.get(key);
  if (!message) return;
  state.messages.set(key, { ...message, ...patch });
  touchThread();
  emit();
};

const messagesUrl = (id, cursor) => `${BASE}/${id}/messages?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
let run = 0;
const fresh = { messages: new Map(), log: [], contact: null, previous: null, item: null, scheduled: [], older: null, newer: null, first: 100000, error: "", found: "", others: [], typing: false, replyTo: "", files: [] };

export const loadThread = async (id, { quiet = false } = {}) => {
  const mine = quiet ? run : ++run;
  if (!quiet) {
    touchThread();
    set({ ...fresh, messages: new Map(unsentIn(id).map((message) => [message.client_id, message])), thread: "loading" });
  }
  try {
    const [detail, page, log] = await reading(() => Promise.all([api.get(`${BASE}/${id}`), api.get(messagesUrl(id)), api.get(`${BASE}/${id}/automation-log?limit=100`)]));
    if (mine !== run || state.selected !== id) return;
    const known = quiet && !state.newer ? state.messages.size : 0;
    // Away from the end only what is shown is renewed: what lies between comes when one scrolls there.
    putMessages(state.newer ? page.items.filter((message) => state.messages.has(keyOf(message))) : page.items);
    // More came than one page while nobody listened: what lies between isn't known, so begin anew.
    if (quiet && known && page.next_cursor && page.items.every((message) => !state.older || message.created_at > state.newest)) {
      state.messages = new Map([...unsentIn(id), ...page.items].map((message) => [keyOf(message), message]));
      state.older = page.next_cursor;
    }
    state.newest = page.items[0]?.created_at ?? "";
    putRow(detail);
    set({ detail, item: detail.queue_item ?? null, thread: "ready", log: log.items, older: quiet ? state.older : page.next_cursor });
    if (!quiet) live.loaded?.(id);
    if (!quiet) loadPanel(detail);
    else if (state.contact) loadContact(detail.contact.id);
    loadScheduled(id);
    markRead(detail);
  } catch (error) {
    const gone = error.status === 404 || error.status === 422; // or it isn't one's own any more, and one sees no others
    if (mine !== run || state.selected !== id || (quiet && !gone)) return;
    if (gone && dirty.has(id)) return; // it was told of while this answer was on its way: the next one says what is
    if (gone) dropRow(id);
    set(gone ? { thread: "missing", detail: null, item: null } : { thread: "error" });
  }
};
const loadContact = async (contactId) => {
  const contact = await api.get(`/api/v1/contacts/${contactId}`).catch(() => null); // the panel then shows what the conversation says
  if (contact && state.detail?.contact.id === contactId) set({ contact });
};
const loadPanel = async (detail) => {
  const id = detail.id;
  loadContact(detail.contact.id);
  const page = await api.get(`${BASE}?contact_id=${detail.contact.id}&limit=20`).catch(() => ({ items: [] }));
  if (state.selected === id) set({ previous: page.items.filter((row) => row.id !== id) });
};
export const loadScheduled = async (id) => {
  const page = await api.get(`${BASE}/${id}/scheduled`).catch(() => ({ items: [] }));
  if (state.selected !== id || (page.items.length === 0 && state.scheduled.length === 0)) return;
  touchThread();
  set({ scheduled: page.items.map((one) => ({ ...one, kept: true, status: one.status === "failed" ? "unsent" : "scheduled", problem: one.reason, errors: [], direction: "out", author_kind: "agent", created_at: one.send_at })) });
};
let loadingOlder = false;
export const loadOlder = async () => {
  const { selected: id, older } = state;
  if (!older || loadingOlder) return false;
  loadingOlder = true;
  try {
    const page = await api.get(messagesUrl(id, older));
    if (state.selected !== id) return false;
    const before = currentItems().length;
    putMessages(page.items);
    state.older = page.next_cursor;
    set({ first: state.first - (currentItems().length - before) });
    return true;
  } catch (error) {
    if (error.status !== 0) set({ error: error.code });
    return false;
  } finally {
    loadingOlder = false;
  }
};
let loadingNewer = false;
/** The page after the last one shown, while the end of the thread isn't. */
export const loadNewer = async () => {
  const { selected: id, newer } = state;
  if (!newer || loadingNewer) return;
  loadingNewer = true;
  try {
    const page = await api.get(`${BASE}/${id}/messages?limit=${PAGE}&newer=${encodeURIComponent(newer)}`);
    if (state.selected !== id || state.newer !== newer) return;
    putMessages(page.items);
    set({ newer: page.newer_cursor });
  } catch (error) {
    if (error.status !== 0) set({ error: error.code });
  } finally {
    loadingNewer = false;
  }
};
/** The part of the thread around a message, in place of what is shown; without one, its end. */
const loadPart = async (around) => {
  const id = state.selected;
  try {
    const page = await api.get(`${BASE}/${id}/messages?limit=${PAGE}${around ? `&around=${around}` : ""}`);
    if (state.selected !== id) return;
    state.messages = new Map(unsentIn(id).map((message) => [keyOf(message), message]));
    putMessages(page.items);
    const found = around ? (currentItems().find((item) => item.key === around || item.id === around)?.key ?? "") : "";
    set({ older: page.next_cursor, newer: page.newer_cursor ?? null, first: 100000, part: state.part + 1, found });
  } catch (error) {
    if (error.status !== 0) set({ error: error.code });
  }
};
const markRead = (detail) => {
  if (detail.unread_count > 0 && document.visibilityState === "visible" && grants(state.me, "conversations:handle"))
    api.patch(`${BASE}/${detail.id}/read`, {}).catch((error) => error.status !== 0 && set({ error: error.code }));
};

const TOGETHER = 100;
/** Read rows of the list again, many at once; what is told of them meanwhile counts more. */
const refreshRows = async (ids) => {
  const all = new Map();
  for (let at = 0; at < ids.length; at += TOGETHER) {
    const part = ids.slice(at, at + TOGETHER);
    const page = await reading(() => api.get(`${BASE}?limit=${TOGETHER}&${part.map((id) => `ids=${id}`).join("&")}`)).catch(() => null); // the next poke asks again
    if (!page) return null;
    const found = new Map(page.items.map((row) => [row.id, row]));
    found.forEach((row, id) => all.set(id, row));
    for (const id of part) {
      const row = found.get(id);
      const old = state.rows.get(id);
      if (!row) dropRow(id);
      else if (!old?.last_message?.at || new Date(row.last_message?.at ?? row.created_at) >= new Date(old.last_message.at)) {
        putRow(row);
        const last = row.last_message ?? {};
        if (last.direction === "in" && row.unread_count > 0 && last.id !== old?.last_message?.id && id !== state.selected) ring(row);
      }
    }
  }
  return all;
};
// Changes are told at most once: what was told to nobody (a server that died, a conversation that one no longer sees) shows
// all the same, a minute later at the latest.
const HEAL_MS = 60000;
const HEAL_SOON_MS = 1500;
let healed = Date.now();
let healing = null;
const heal = async () => {
  healing = null;
  if (state.list !== "ready" || document.visibilityState !== "visible" || !window.location.pathname.startsWith("/inbox")) return;
  healed = Date.now();
  const id = state.thread === "ready" ? state.selected : null;
  const [found] = await Promise.all([refreshRows([...new Set([...(id ? [id] : []), ...state.order])].slice(0, TOGETHER)), loadCounts()]);
  emit();
  if (!found || !id || id !== state.selected || !state.detail) return;
  const row = found.get(id);
  const shown = [...state.messages.values()].find((message) => message.id === row?.last_message?.id);
  if (row?.updated_at !== state.detail.updated_at || (shown && row.last_message?.status && shown.status !== row.last_message.status)) loadThread(id, { quiet: true });
};
const healSoon = () => {
  healing ??= setTimeout(heal, HEAL_SOON_MS);
};
/** Read the conversation again, wherever it is shown. */
export const refreshOne = (id) => (id === state.selected ? loadThread(id, { quiet: true }) : refreshRows([id]));

// ---- live
const BY_SOCKET = new Set(["message_received", "message_sent", "message_status_updated", "conversation_updated"]);
const dirty = new Set();
let timer = null;
// At once after a calm moment; while much is going on the list is read about once a second, whatever the number of pokes.
const CALM_MS = 120;
const BUSY_MS = 1000;
let refreshed = 0;
let quick = false;
const refresh = async () => {
  timer = null;
  quick = false;
  refreshed = Date.now();
  const ids = [...dirty];
  dirty.clear();
  const newest = state.newest;
  await Promise.all([ids.includes(state.selected) && loadThread(state.selected, { quiet: true }), refreshRows(ids.filter((id) => id !== state.selected))]);
  emit();
  if (ids.includes(state.selected) && state.newest !== newest) {
    const last = [...state.messages.values()].reduce((a, b) => (a && a.created_at > b.created_at ? a : b), null);
    if (last?.direction === "in" && state.detail) ring(state.detail, { open: true }); // without it, it was taken away meanwhile
  }
  loadCounts();
};
/** Read what is dirty again: soon after a calm moment or when it is `urgent`, else about once a second. */
const refreshLater = (urgent) => {
  if (!dirty.size || (timer && (quick || !urgent))) return;
  clearTimeout(timer);
  quick = urgent || Date.now() - refreshed > 2 * BUSY_MS;
  timer = setTimeout(refresh, quick ? CALM_MS : BUSY_MS);
};
const stale = (id) => {
  dirty.add(id);
  hearOf(id);
};
told.again = (ids) => {
  ids.forEach((id) => dirty.add(id));
  refreshLater(false);
};

// ---- what the socket tells is shown in the next frame; what only the server knows (who answers, the window) is read again later
let drawing = false;
const drawSoon = () => {
  if (drawing) return;
  drawing = true;
  const draw = () => {
    drawing = false;
    emit();
  };
  if (document.visibilityState === "visible") requestAnimationFrame(draw);
  else setTimeout(draw, 50); // nobody paints a hidden page
};
const hearMessage = (message) => {
  const id = message.conversation_id;
  const open = id === state.selected && state.thread === "ready";
  if (open && (!state.newer || state.messages.has(keyOf(message)))) putMessages([message]);
  const row = state.rows.get(id);
  const next = row && rowAfter(row, message, open && document.visibilityState === "visible");
  if (next && next !== row) {
    putRow(next);
    if (message.direction === "in" && !open && next.last_message.id !== row.last_message?.id) ring(next);
  }
  stale(id);
  drawSoon();
  refreshLater(false);
};
stream.event = (event) => {
  if (event.message) hearMessage(event.message);
  else if (event.type === "draft_updated") live.draft?.(event);
  else if (event.conversation) {
    const { conversation } = event;
    const last = state.rows.get(conversation.id)?.last_message;
    if (!last?.at || !conversation.last_message?.at || new Date(conversation.last_message.at) >= new Date(last.at)) putRow(conversation);
    if (conversation.id === state.selected && state.thread === "ready") Object.assign(state, { detail: conversation, item: conversation.queue_item ?? null });
    stale(conversation.id);
    drawSoon();
    refreshLater(conversation.id === state.selected);
  }
};
stream.gap = () => {
  loadList();
  if (state.selected) loadThread(state.selected, { quiet: true });
};

let typingTimer = null;
const onTyping = (poke) => {
  if (poke.conversation_id !== state.selected || (poke.user_id && poke.user_id === state.me?.id)) return;
  clearTimeout(typingTimer);
  if (!poke.user_id) {
    set({ typing: poke.event === "typing_start" });
    typingTimer = setTimeout(() => set({ typing: false }), 25000);
    return;
  }
  live.presence?.(poke);
};
/** What other modules hang in: presence looks at typing pokes. */
export const live = {};

const onPokes = (pokes) => {
  for (const poke of pokes) {
    if (poke.topic === "live:reconnected") stream.gap();
    else if (poke.event === "typing_start" || poke.event === "typing_stop") onTyping(poke);
    else if (poke.event?.startsWith("presence")) live.presence?.(poke);
    // Who sees only their own isn't told of what has become another's: their line's change is all they hear.
    else if (poke.event === "queue_updated" && !grants(state.me, "conversations:see_all")) healSoon();
    else if (poke.conversation_id && !(BY_SOCKET.has(poke.event) && streaming())) stale(poke.conversation_id);
  }
  // The open conversation is not kept waiting by a slow turn that stands already.
  refreshLater(dirty.has(state.selected));
};

const named = () => new URLSearchParams(window.location.search).get("c");
export const threads = {
  select: (id, push = true) => {
    if (push) window.history.pushState(null, "", id ? `/inbox?c=${id}` : "/inbox");
    if (id === state.selected && state.thread === "ready") return set({ panel: false });
    set({ selected: id, detail: id ? (state.rows.get(id) ?? null) : null, mode: "reply", panel: false, thread: id ? "loading" : "idle" });
    if (id) loadThread(id);
    live.opened?.(id);
    return undefined;
  },
  step: (delta) => {
    const at = state.order.indexOf(state.selected);
    const id = state.order[Math.max(0, Math.min(state.order.length - 1, at + delta))];
    if (id && id !== state.selected) threads.select(id);
  },
  back: () => threads.select(null),
  older: loadOlder,
  reloadThread: () => state.selected && loadThread(state.selected),
  panel: () => set({ panel: !state.panel }),
  newer: loadNewer,
  toEnd: () => loadPart(),
  /** Show the message with this key, or this id: what isn't loaded is read around it. */
  jump: async (key) => {
    const at = () => currentItems().find((item) => item.key === key || item.id === key);
    if (!at() && (state.older || state.newer)) return loadPart(key);
    const item = at();
    if (item) set({ found: "" });
    if (item) set({ found: item.key });
    return undefined;
  },
  /** Open a conversation at one of its messages. */
  openAt: async (id, messageId) => {
    if (id !== state.selected) threads.select(id);
    const until = Date.now() + 10000;
    while (state.selected === id && state.thread !== "ready" && Date.now() < until) await new Promise((go) => setTimeout(go, 50));
    if (state.selected === id && messageId) threads.jump(messageId);
  },
  landed: () => state.found && set({ found: "" }),
  /** Pictures and films of the thread, for the viewer. */
  pictures: () => currentItems().filter((item) => item.file && ["image", "video", "sticker"].includes(item.file.kind) && !item.deleted).map((item) => ({ url: item.file.url, kind: item.file.kind, name: item.file.name, caption: item.text })),
};

if (typeof window !== "undefined") {
  onPoke("org:", onPokes);
  window.addEventListener("popstate", () => window.location.pathname.startsWith("/inbox") && threads.select(named(), false));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    if (state.detail && state.thread === "ready") markRead(state.detail);
    if (Date.now() - healed > HEAL_MS) healSoon();
  });
  setInterval(heal, HEAL_MS * (1 + Math.random() / 5)); // not everybody's at once
  // Waits and windows go on by the clock.
  setInterval(() => document.visibilityState === "visible" && state.list === "ready" && set({ now: Date.now() }), 15000);
}
