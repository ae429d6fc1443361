// Who else is on the open conversation, and who writes: told to the server while one is here, asked when somebody's state changes.
import { api } from "$/public/pt_api.js";
import { hueOf, initials } from "$/public/pt_inbox_model.js";
import { BASE, newClientId, set, state } from "$/public/pt_inbox_store.js";
import { live } from "$/public/pt_inbox_threads.js";
import { may as grants } from "$/public/pt_rights.js";

const EVERY = 20000; // the server forgets a tab that is silent for longer than two of these
const RENEW = 5000; // while one types
const QUIET = 6000; // after the last key one isn't writing any more
const tab = newClientId();
let here = null; // the conversation that this tab told the server of
let timer = null;
let writing = false;
let told = 0;
let pause = null;

const take = (id, answer) => {
  if (id !== state.selected || !answer?.people) return;
  const others = answer.people.filter((one) => one.user_id !== state.me?.id).map((one) => ({ id: one.user_id, name: one.name, writing: Boolean(one.writing), initials: initials(one.name), hue: hueOf(one.user_id), picture: state.people?.find((person) => person.id === one.user_id)?.picture ?? "" }));
  set({ others });
};
// Presence is a courtesy: when it fails, the next beat tries again and nothing else stops.
const beat = async () => {
  const id = here;
  if (!id || document.visibilityState !== "visible") return;
  told = Date.now();
  const answer = await api.put(`${BASE}/${id}/presence`, { tab, writing }).catch(() => null);
  take(id, answer);
};
const leave = (id) => api.put(`${BASE}/${id}/presence`, { tab, writing: false, left: true }).catch(() => null);

const goTo = (id) => {
  if (here && here !== id) leave(here);
  writing = false;
  here = grants(state.me, "conversations:handle") ? id : null;
  clearInterval(timer);
  if (!here) return;
  beat();
  timer = setInterval(beat, EVERY);
};
const stop = () => {
  if (!writing) return;
  writing = false;
  beat();
};

export const presence = {
  /** The composer's text changed: colleagues, and on some channels the contact, see that one writes. */
  writing: (text) => {
    clearTimeout(pause);
    if (state.mode === "note") return;
    if (!text.trim()) return void stop();
    pause = setTimeout(stop, QUIET);
    if (writing && Date.now() - told < RENEW) return;
    writing = true;
    beat();
  },
  /** The message left: one isn't writing any more. */
  wrote: () => {
    clearTimeout(pause);
    writing = false;
  },
};

let asking = false;
live.presence = async (poke) => {
  const id = state.selected;
  if (poke.conversation_id !== id || asking) return;
  asking = true;
  take(id, await api.get(`${BASE}/${id}/presence`).catch(() => null));
  asking = false;
};
live.opened = goTo;
if (typeof window !== "undefined") {
  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? beat() : here && leave(here)));
  window.addEventListener("pagehide", () => {
    if (here) fetch(`${BASE}/${here}/presence`, { method: "PUT", keepalive: true, credentials: "same-origin", headers: { "Content-Type": "application/json", "X-PyTake-CSRF": "1" }, body: JSON.stringify({ tab, writing: false, left: true }) });
  });
}
