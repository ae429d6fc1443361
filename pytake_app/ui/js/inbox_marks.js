// What has become of what one sent: sent, delivered, read, failed. Changes are told at most once: a process that dies between
// writing one down and telling of it tells nobody. So while a mark of the open thread may still change, the thread asks itself:
// soon after the last change, then less and less often.
import { api } from "$/public/pt_api.js";
import { BASE, state } from "$/public/pt_inbox_store.js";
import { stream } from "$/public/pt_inbox_stream.js";
import { reading } from "$/public/pt_inbox_told.js";

const LOOK_MS = 1000;
const FIRST_MS = 3000;
const LAST_MS = 15000;
const CALM_MS = 600000; // after so long without a change…
const CALM_EVERY_MS = 60000; // …the contact's phone is off, or doesn't tell
const OPEN = new Set(["queued", "sent", "delivered"]);
const YOUNG_MS = 86400000;
const MOST = 50;
const keyOf = (message) => message.client_id || message.id;

/** Messages of the open thread whose marks may still change, with those behind them. */
const unsettled = () => {
  if (state.thread !== "ready" || state.newer) return [];
  const from = new Date(Date.now() - YOUNG_MS).toISOString();
  const young = [...state.messages.values()].filter((message) => message.created_at > from).sort((a, b) => a.created_at.localeCompare(b.created_at));
  const first = young.findIndex((message) => message.direction === "out" && OPEN.has(message.status));
  return first < 0 ? [] : young.slice(first).slice(-MOST);
};

let known = ""; // thread and marks as they were when the wait began
let since = 0;
let wait = FIRST_MS;
let due = 0;
let asking = false;
/** Look whether it is time to ask; once a second. */
export const look = async () => {
  if (asking || document.visibilityState !== "visible") return;
  const messages = unsettled();
  if (!messages.length) {
    known = "";
    return;
  }
  const now = Date.now();
  const marks = `${state.selected} ${messages.map((message) => `${keyOf(message)}:${message.status}`).join()}`;
  if (marks !== known) [known, since, wait, due] = [marks, now, FIRST_MS, now + FIRST_MS];
  if (now < due) return;
  wait = now - since > CALM_MS ? CALM_EVERY_MS : Math.min(LAST_MS, wait * 2);
  due = now + wait;
  asking = true;
  const id = state.selected;
  const page = await reading(() => api.get(`${BASE}/${id}/messages?limit=${messages.length}`)).catch(() => null); // the next look asks again
  asking = false;
  if (!page || state.selected !== id) return;
  for (const message of page.items) {
    const shown = state.messages.get(keyOf(message));
    if (shown && shown.status !== message.status && OPEN.has(shown.status)) stream.event({ message }); // as if it had just been told
  }
};
/** Begin to look after marks. */
export const watchMarks = () => setInterval(look, LOOK_MS);
