// The sandbox phone: shows the Cloud API's own JSON as a person would see it, and answers through the sandbox's REST,
// which turns every act into a signed webhook.
import { Fragment, createElement as h, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { api } from "$/public/pt_api.js";
import { onPoke } from "$/public/pt_live.js";
import { clockTime } from "$/public/pt_inbox_model.js";
import { useLang } from "$/public/pt_i18n.js";

const BASE = "/api/v1/sandbox";
const listeners = new Set();
const state = { account: null, phase: "loading", phone: "", name: "", messages: [], sheet: null, problem: "", busy: false, accounts: [] };
let shown = { ...state, items: [] };

const emit = () => {
  shown = { ...state, items: itemsOf(state.messages) };
  listeners.forEach((listener) => listener());
};
const set = (patch) => {
  Object.assign(state, patch);
  emit();
};
const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const first = shown; // as of the prepared page, whose parts may wake up after the first answer
export const usePhone = () => useSyncExternalStore(subscribe, () => shown, () => first);

const textOf = (body) => {
  const kind = body.type;
  if (kind === "text") return body.text?.body ?? "";
  if (kind === "template") return body.template?.name ?? "";
  if (kind === "interactive") return body.interactive?.body?.text ?? body.interactive?.button_reply?.title ?? body.interactive?.list_reply?.title ?? "";
  if (kind === "button") return body.button?.text ?? "";
  if (kind === "location") return body.location?.name || `${body.location?.latitude}, ${body.location?.longitude}`;
  if (kind === "reaction") return body.reaction?.emoji ?? "";
  return body[kind]?.caption ?? "";
};
const itemOf = (message, picked) => {
  const body = message.body ?? {};
  const mine = message.direction === "from_phone";
  const interactive = mine ? {} : (body.interactive ?? {});
  const action = interactive.action ?? {};
  return {
    key: message.id,
    external_id: message.external_id,
    mine,
    type: body.type ?? "",
    text: textOf(body),
    header: interactive.header?.text ?? "",
    footer: interactive.footer?.text ?? "",
    image: body.image?.link ?? body.sticker?.link ?? interactive.header?.image?.link ?? "",
    link: body.document?.link ?? body.audio?.link ?? body.video?.link ?? "",
    link_name: body.document?.filename ?? body.type ?? "",
    buttons: (action.buttons ?? []).map((button) => ({ id: button.reply?.id ?? "", title: button.reply?.title ?? "", on: picked.get(message.external_id) === button.reply?.id })),
    list: interactive.type === "list" ? (action.button ?? "") : "",
    sections: (action.sections ?? []).map((section) => ({ title: section.title ?? "", rows: section.rows ?? [] })),
    url: interactive.type === "cta_url" ? (action.parameters?.url ?? "") : "",
    url_text: action.parameters?.display_text ?? "",
    at: message.created_at,
    status: message.status,
  };
};
const itemsOf = (messages) => {
  const picked = new Map();
  for (const { body } of messages) {
    const reply = body?.interactive?.button_reply ?? body?.interactive?.list_reply;
    if (reply && body.context?.id) picked.set(body.context.id, reply.id);
  }
  return messages.map((message) => itemOf(message, picked));
};

let run = 0;
const load = async () => {
  const mine = ++run;
  try {
    const query = new URLSearchParams(state.phone ? { phone: state.phone } : {});
    const page = await api.get(`${BASE}/${state.account}/messages?${query}`);
    if (mine !== run) return;
    set({ messages: page.items, phase: "ready" });
    if (document.visibilityState === "visible" && page.items.some((message) => message.direction === "to_phone" && message.status !== "read"))
      await api.post(`${BASE}/${state.account}/read`, { phone: state.phone });
  } catch (error) {
    if (mine === run) set(state.phase === "loading" ? { phase: "error" } : { problem: error.code });
  }
};
const start = async (accountId) => {
  if (state.account) return void load();
  try {
    const answer = await api.get(BASE);
    const account = answer.items.find((one) => one.id === accountId) ?? answer.items[0];
    if (!account) return set({ phase: "none" });
    set({ accounts: answer.items, account: account.id, name: account.organization_name ?? account.name, phone: account.phone_number ?? "" });
    await load();
  } catch {
    set({ phase: "error" });
  }
};
const say = async (message) => {
  set({ busy: true, problem: "", sheet: null });
  try {
    await api.post(`${BASE}/${state.account}/messages`, { phone: state.phone, ...message });
    await load();
  } catch (error) {
    set({ problem: error.code });
  } finally {
    set({ busy: false });
  }
};

export const phone = {
  text: (text) => text.trim() && say({ type: "text", text: text.trim() }),
  press: (item, button) => say({ type: "button_reply", selection_id: button.id, text: button.title, context_id: item.external_id }),
  pick: (item, row) => say({ type: "list_reply", selection_id: row.id, text: row.title, context_id: item.external_id }),
  location: () => say({ type: "location", latitude: -23.5614, longitude: -46.6559, text: "MASP, Av. Paulista, São Paulo" }),
  sheet: (item) => set({ sheet: item }),
  close: () => set({ sheet: null }),
  reload: () => {
    set({ phase: "loading" });
    state.account ? load() : start();
  },
  reset: async () => {
    set({ busy: true, problem: "" });
    try {
      const persona = await api.post(`${BASE}/${state.account}/reset`, {});
      set({ phone: persona.phone, messages: [] });
      await load();
    } catch (error) {
      set({ problem: error.code });
    } finally {
      set({ busy: false });
    }
  },
};

if (typeof window !== "undefined") {
  onPoke("org:", (pokes) => state.account && pokes.some((poke) => !poke.topic.startsWith("org:") || poke.topic.endsWith(":sandbox")) && load());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && state.account && load());
}

/** The device: `item` renders a message, `sheet` a list, `head` the top; `empty` stands before the first message. */
export const PhoneScreen = ({ account, view: Item, sheet: Sheet, head: Head, children }) => {
  const { items, phase, sheet, name } = usePhone();
  const box = useRef(null);
  const lang = useLang();
  useEffect(() => {
    start(account);
  }, [account]);
  useEffect(() => {
    const frame = requestAnimationFrame(() => box.current?.scrollTo({ top: box.current.scrollHeight }));
    return () => cancelAnimationFrame(frame);
  }, [items.length]);
  return h(
    Fragment,
    null,
    h("div", { className: "isl" }),
    h(Head, { item: { name } }),
    h(
      "div",
      { className: "ms", ref: box, role: "log", "aria-live": "polite", "data-testid": "phone-messages" },
      (phase !== "ready" || items.length === 0) && children,
      items.map((item) => h(Item, { key: item.key, item: { ...item, time: clockTime(lang, item.at) } })),
    ),
    sheet && h(Sheet, { item: sheet }),
  );
};

/** Shows `children` while the phone is in `phase`. */
export const PhonePhase = ({ phase, children }) => {
  const now = usePhone();
  return (now.phase === "ready" && now.items.length === 0 ? "empty" : now.phase) === phase ? children : null;
};

export const PhoneProblem = ({ view: View }) => {
  const { problem } = usePhone();
  return problem ? h(View, { item: { problem } }) : null;
};

export const PhoneInput = ({ placeholder, label, children }) => {
  const [text, setText] = useState("");
  const { phase, busy } = usePhone();
  const send = (event) => {
    event.preventDefault();
    phone.text(text);
    setText("");
  };
  return h(
    "form",
    { className: "pc", onSubmit: send },
    h("label", { className: "field" }, h("input", { value: text, placeholder, "aria-label": placeholder, maxLength: 4096, autoComplete: "off", disabled: phase !== "ready", "data-testid": "phone-input", onChange: (event) => setText(event.target.value) })),
    h("button", { className: "btn solid go", type: "submit", "aria-label": label, disabled: phase !== "ready" || busy || !text.trim(), "data-testid": "phone-send" }, children),
  );
};

/** The wire: what went each way, newest first, as JSON. */
export const WireLog = ({ view: Head }) => {
  const { messages } = usePhone();
  return h(
    "div",
    { className: "wire" },
    [...messages].reverse().map((message) =>
      h("details", { key: message.id }, h("summary", null, h(Head, { item: { out: message.direction === "to_phone", type: message.body?.type ?? "", at: message.created_at, status: message.status } })), h("pre", null, JSON.stringify(message.body, null, 2))),
    ),
  );
};

/** How many messages came each way, for the first-run guide: renders `view` with `{received, pressed}`. */
export const PhoneProgress = ({ view: View }) => {
  const { items } = usePhone();
  const received = items.some((item) => !item.mine);
  const pressed = items.some((item) => item.mine && item.type === "interactive");
  return h(View, { item: { sent: items.some((item) => item.mine), received, pressed } });
};
