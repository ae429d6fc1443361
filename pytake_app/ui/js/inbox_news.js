// What is heard and seen of new messages: a sound, a notice of the desktop, words for screen readers; once per person, not per tab.
import { chime, first } from "$/public/pt_chime.js";
import { getLang } from "$/public/pt_i18n.js";
import { keep, say, tell } from "$/public/pt_inbox_kit.js";
import { nameOf } from "$/public/pt_inbox_model.js";
import { announce, set, state } from "$/public/pt_inbox_store.js";

const PREFS = "pytake_inbox_prefs";
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("pytake_inbox");
const hooks = [];
/** Tell this person's other tabs. */
export const shout = (message) => channel?.postMessage(message);
/** Hear this person's other tabs. */
export const onShout = (fn) => hooks.push(fn);
if (channel) channel.onmessage = ({ data }) => hooks.forEach((fn) => fn(data));
onShout((message) => message.prefs && set({ prefs: { ...state.prefs, ...message.prefs } }));

/** A contact wrote in `row`; `open`: its thread is on this screen. */
export const ring = async (row, { open = false } = {}) => {
  // Gone meanwhile, the robot's or a colleague's.
  if (!row || row.handling === "bot" || (row.assignee && row.assignee.id !== state.me?.id)) return;
  const looking = open && document.visibilityState === "visible" && document.hasFocus();
  if (!looking && !open) announce(say("inbox_more.news_from", { name: nameOf(row.contact) }));
  if (looking || !(await first(row.last_message?.id ?? row.id))) return;
  if (state.prefs.sound) chime();
  if (!state.prefs.desktop || typeof Notification === "undefined" || Notification.permission !== "granted" || document.visibilityState === "visible") return;
  const sign = new Notification(nameOf(row.contact), { body: row.last_message?.preview ?? "", tag: row.id, lang: getLang() });
  sign.onclick = () => {
    window.focus();
    hooks.forEach((fn) => fn({ open: row.id }));
    sign.close();
  };
};

export const prefs = {
  toggle: async (name) => {
    let value = !state.prefs[name];
    if (name === "desktop" && value) {
      if (typeof Notification === "undefined" || (await Notification.requestPermission()) !== "granted") {
        value = false;
        tell(say("inbox_more.desktop_denied"), "warning");
      }
    }
    const next = { ...state.prefs, [name]: value };
    keep(PREFS, next);
    set({ prefs: next });
    shout({ prefs: next });
    if (name === "sound" && value) chime();
  },
};
