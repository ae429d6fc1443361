// WhatsApp numbers: what is connected, connecting, checking, pausing. Secrets are written, never read back.
import { createElement as h, useEffect } from "react";
import { toast } from "sonner";
import { api } from "$/public/pt_api.js";
import { getLang, tr, trKey } from "$/public/pt_i18n.js";
import { onPoke } from "$/public/pt_live.js";
import { copyText, fieldOf, makeStore, sliceOf, whileVisible } from "$/public/pt_page_store.js";
import { may as grants } from "$/public/pt_rights.js";

const BASE = "/api/v1/channel-accounts";
const SECRETS = ["access_token", "app_secret", "verify_token"];
const say = (key, params) => tr(getLang(), key, params);

const EMPTY = { name: "", phone_number_id: "", business_account_id: "", access_token: "", app_secret: "", verify_token: "" };
const CLOSED = { kind: "", id: "", open: false, values: EMPTY, errors: {} };
const page = makeStore(
  // `tokens`: verify tokens written in this tab, the only ones that can still be shown. `checks`: id → "running" or an answer.
  { me: null, phase: "loading", accounts: [], dialog: CLOSED, busy: false, tokens: {}, checks: {} },
  (state) => compute(state),
);
const { state, set } = page;
const admin = (me) => grants(me, "channels:manage");

// ---- what the page shows
function phoneText(phone) {
  const digits = String(phone || "").replace(/\D/g, "");
  const brazil = digits.match(/^55(\d{2})(\d{4,5})(\d{4})$/);
  return brazil ? `+55 ${brazil[1]} ${brazil[2]}-${brazil[3]}` : digits && `+${digits}`;
}
function addressOf(account) {
  return account.webhook_url || (typeof window === "undefined" ? "" : window.location.origin) + account.webhook_path;
}
/** Whether Meta can deliver to an address: https, and not a name of this machine or of a private network. */
function reachable(address) {
  const url = URL.canParse(address) ? new URL(address) : null;
  return url?.protocol === "https:" && !/^(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|\[)/.test(url.hostname) && url.hostname.includes(".");
}
function checkOf(account, check) {
  if (check === "running") return { check: "running", check_code: "", check_name: "", check_phone: "", quality: "", subscribed: "" };
  return {
    check: check ? (check.ok ? "ok" : "bad") : "",
    check_code: check?.code ?? "",
    check_name: check?.verified_name ?? account.name,
    check_phone: phoneText(check?.display_phone_number) || phoneText(account.phone),
    quality: String(check?.quality_rating ?? "").toLowerCase(),
    subscribed: check?.webhook_subscribed === true ? "yes" : check?.webhook_subscribed === false ? "no" : "",
  };
}
/** The one word about a number: what a person decided or has to do comes before what a check said. */
function signOf(account) {
  if (account.status !== "active") return account.status;
  if (account.sandbox) return "working";
  if (!(account.has_access_token && account.has_app_secret && account.has_verify_token)) return "incomplete";
  if (!account.last_check_at) return "unchecked";
  return account.last_check_code ? "doubtful" : "working";
}
function cardOf(account, now) {
  return {
    id: account.id,
    name: account.name,
    phone: phoneText(account.phone),
    status: account.status,
    sandbox: account.sandbox,
    phone_number_id: account.phone_number_id,
    business_account_id: account.business_account_id,
    has_access_token: account.has_access_token,
    has_app_secret: account.has_app_secret,
    has_verify_token: account.has_verify_token,
    sign: signOf(account),
    checked: account.last_check_at ?? "",
    last_code: account.last_check_code,
    templates: account.templates_synced_at ?? "",
    templates_code: account.templates_sync_code,
    ...checkOf(account, now.checks[account.id]),
  };
}
function compute(now) {
  const account = now.accounts.find((item) => item.id === now.dialog.id);
  const open = (kind) => now.dialog.open && now.dialog.kind === kind;
  const address = account ? addressOf(account) : "";
  const phase = now.me && !admin(now.me) ? "forbidden" : now.me ? now.phase : "loading";
  return {
    tools: { show: phase === "ready", real: now.accounts.some((item) => !item.sandbox) },
    list: { phase: phase === "ready" && now.accounts.length === 0 ? "empty" : phase, items: now.accounts.map((item) => cardOf(item, now)), real: now.accounts.some((item) => !item.sandbox) },
    form: { values: now.dialog.values, errors: now.dialog.errors },
    edit: {
      open: open("form"),
      busy: now.busy,
      fresh: !now.dialog.id,
      phone_number_id: account?.phone_number_id ?? "",
      has_access_token: Boolean(account?.has_access_token),
      has_app_secret: Boolean(account?.has_app_secret),
      has_verify_token: Boolean(account?.has_verify_token),
      error_name: now.dialog.errors.name ?? "",
      error_phone_number_id: now.dialog.errors.phone_number_id ?? "",
      error_business_account_id: now.dialog.errors.business_account_id ?? "",
      error_access_token: now.dialog.errors.access_token ?? "",
      error_app_secret: now.dialog.errors.app_secret ?? "",
      error_verify_token: now.dialog.errors.verify_token ?? "",
    },
    meta: { open: open("meta"), busy: now.busy, name: account?.name ?? "", address, reachable: reachable(address), token: now.tokens[now.dialog.id] ?? "", has_verify_token: Boolean(account?.has_verify_token) },
    remove: { open: open("remove"), busy: now.busy, name: account?.name ?? now.dialog.values.name },
  };
}

// ---- reading
let run = 0;
const refresh = async () => {
  const mine = ++run;
  try {
    const body = await api.get(`${BASE}?channel=whatsapp`);
    if (mine === run) set({ accounts: body.items, phase: "ready" });
  } catch (error) {
    if (mine === run && state.phase !== "ready" && error.status !== 401) set({ phase: error.status === 403 ? "forbidden" : error.status === 0 ? "offline" : "error" });
  }
};

// ---- changing
const find = (id) => state.accounts.find((account) => account.id === id);
const put = (account) => {
  run += 1; // an answer under way is older than this
  const known = state.accounts.some((item) => item.id === account.id);
  const real = state.accounts.filter((item) => !item.sandbox);
  const sandbox = state.accounts.filter((item) => item.sandbox);
  set({ accounts: known ? state.accounts.map((item) => (item.id === account.id ? account : item)) : [...real, account, ...sandbox] });
};
const wordFor = (error) => say(error.status === 0 ? "channels.error.offline" : trKey(`channels.error.${error.code}`, "channels.error.other"));
const dialog = (patch) => set({ dialog: { ...state.dialog, ...patch } });
const close = () => dialog({ open: false, values: EMPTY, errors: {} });
const working = async (job) => {
  if (state.busy) return;
  set({ busy: true });
  try {
    await job();
  } catch (error) {
    if (!Number.isInteger(error.status)) throw error;
    toast.error(wordFor(error));
  } finally {
    set({ busy: false });
  }
};
/** 32 letters and digits from the browser's secure source. */
const newToken = () => Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => "abcdefghjkmnpqrstuvwxyz23456789"[byte % 31]).join("");

const wrong = (values, fresh) => {
  const errors = {};
  if (!values.name.trim()) errors.name = "missing";
  if (fresh && !values.phone_number_id.trim()) errors.phone_number_id = "missing";
  else if (fresh && !/^\d{5,20}$/.test(values.phone_number_id.trim())) errors.phone_number_id = "not_an_id";
  if (values.business_account_id.trim() && !/^\d{5,20}$/.test(values.business_account_id.trim())) errors.business_account_id = "not_an_id";
  return errors;
};
const refused = (error) => Object.fromEntries(error.errors.map(({ pointer, code }) => [pointer.split("/")[1], code === "number_connected" ? code : "invalid"]));

const submit = () => {
  const { id, values } = state.dialog;
  const errors = wrong(values, !id);
  if (Object.keys(errors).length > 0) {
    dialog({ errors });
    document.querySelector(`[data-testid="field-${Object.keys(errors)[0]}"]`)?.focus();
    return undefined;
  }
  const body = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()]));
  if (id) delete body.phone_number_id;
  // An empty secret would remove the stored one: only what was written is sent.
  for (const name of SECRETS) if (!body[name]) delete body[name];
  return working(async () => {
    try {
      const account = id ? await api.patch(`${BASE}/${id}`, body) : await api.post(BASE, body);
      put(account);
      if (body.verify_token) set({ tokens: { ...state.tokens, [account.id]: body.verify_token } });
      close();
      toast.success(say(id ? "channels.saved" : "channels.added", { name: account.name }));
      if (!id) dialog({ kind: "meta", id: account.id, open: true });
    } catch (error) {
      if (!error.errors?.length) throw error;
      dialog({ errors: refused(error) });
    }
  });
};

const test = async (id) => {
  if (state.checks[id] === "running") return;
  set({ checks: { ...state.checks, [id]: "running" } });
  try {
    const check = await api.post(`${BASE}/${id}/test`);
    set({ checks: { ...state.checks, [id]: check } });
    await refresh();
  } catch (error) {
    set({ checks: { ...state.checks, [id]: undefined } });
    toast.error(wordFor(error));
  }
};

const turn = async (id, status) => {
  const before = find(id);
  if (!before) return;
  put({ ...before, status });
  try {
    put(await api.patch(`${BASE}/${id}`, { status }));
    toast.success(say(status === "paused" ? "channels.paused" : "channels.resumed", { name: before.name }));
  } catch (error) {
    put(before);
    toast.error(wordFor(error));
  }
};

/** What the page's buttons and menus call. */
export const channels = {
  retry: () => {
    set({ phase: "loading" });
    refresh();
  },
  add: () => set({ busy: false, dialog: { ...CLOSED, kind: "form", open: true, values: { ...EMPTY, verify_token: newToken() } } }),
  edit: (id) => {
    const account = find(id);
    if (account) set({ busy: false, dialog: { ...CLOSED, kind: "form", id, open: true, values: { ...EMPTY, name: account.name, business_account_id: account.business_account_id } } });
  },
  meta: (id) => set({ busy: false, dialog: { ...CLOSED, kind: "meta", id, open: true } }),
  remove: (id) => set({ busy: false, dialog: { ...CLOSED, kind: "remove", id, open: true } }),
  renew: () =>
    working(async () => {
      const { id } = state.dialog;
      const token = newToken();
      put(await api.patch(`${BASE}/${id}`, { verify_token: token }));
      set({ tokens: { ...state.tokens, [id]: token } });
    }),
  confirm: () =>
    working(async () => {
      const { id } = state.dialog;
      const name = find(id)?.name ?? "";
      await api.delete(`${BASE}/${id}`);
      run += 1;
      set({ accounts: state.accounts.filter((account) => account.id !== id), dialog: { ...state.dialog, open: false, values: { ...EMPTY, name } } });
      toast.success(say("channels.removed", { name }));
    }),
  copy: async (text) => ((await copyText(text)) ? toast.success(say("common.copied")) : toast.error(say("channels.copy_failed"))),
  pause: (id) => turn(id, "paused"),
  resume: (id) => turn(id, "active"),
  submit,
  close,
  test,
};

// ---- React pieces
export const ChannelsSlice = sliceOf(page);
export const ChannelsField = fieldOf(page, (name, value) => dialog({ values: { ...state.dialog.values, [name]: value }, errors: { ...state.dialog.errors, [name]: undefined } }), submit);

/** Opens the page. `me` is `{id, role}`. */
export const ChannelsRoot = ({ me, children }) => {
  useEffect(() => {
    if (me?.id) set({ me });
  }, [me?.id, me?.role]);
  useEffect(() => {
    // Tokens and answers are of this visit: nothing secret stays in the tab.
    set({ dialog: CLOSED, busy: false, tokens: {}, checks: {} });
    refresh();
    const stops = [whileVisible(30000, refresh), onPoke("live:", refresh)];
    return () => stops.forEach((stop) => stop());
  }, []);
  return h("div", { className: "ch", "data-testid": "channels" }, children);
};

/** The cards, each drawn by `view`. */
export const ChannelCards = ({ view: View }) => {
  const { items } = page.use("list");
  return h("div", { className: "ch-cards" }, items.map((item) => h("section", { key: item.id, className: "card ch-card", "data-testid": "channel", "data-status": item.status, "data-id": item.id, "aria-label": item.name }, h(View, { item }))));
};
