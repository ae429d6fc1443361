// The bell in the top bar: one's notifications by REST, read again when a poke says that there is something new.
import { createElement as h, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Bell, CheckCheck, CircleAlert, Info, TriangleAlert } from "lucide-react";
import { useNavigate } from "react-router";
import { api } from "$/public/pt_api.js";
import { fmt, getLang, tr, useLang } from "$/public/pt_i18n.js";
import { onPoke } from "$/public/pt_live.js";
import { whileVisible } from "$/public/pt_page_store.js";

const BASE = "/api/v1/notifications";
const PAGE = 20;
const EVERY = 60000; // ms between looks when no poke comes (the socket may be away)
const SIGNS = { info: Info, warning: TriangleAlert, urgent: CircleAlert };
const say = (key, params) => tr(getLang(), key, params);

const listeners = new Set();
let shown = { phase: "loading", items: [], unread: 0, cursor: null };
const set = (patch) => {
  shown = { ...shown, ...patch };
  listeners.forEach((listener) => listener());
};
const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const first = shown; // as of the prepared page, whose parts may wake up after the first answer
const useBell = () => useSyncExternalStore(subscribe, () => shown, () => first);

let turn = 0;
const load = async () => {
  const mine = (turn += 1);
  try {
    const page = await api.get(`${BASE}?limit=${PAGE}`);
    if (mine === turn) set({ phase: "ready", items: page.items, unread: page.unread, cursor: page.next_cursor });
  } catch {
    if (mine === turn && shown.phase !== "ready") set({ phase: "error" }); // what was read before stays
  }
};
const more = async () => {
  try {
    const page = await api.get(`${BASE}?limit=${PAGE}&cursor=${encodeURIComponent(shown.cursor)}`);
    const known = new Set(shown.items.map((item) => item.id));
    set({ items: [...shown.items, ...page.items.filter((item) => !known.has(item.id))], cursor: page.next_cursor });
  } catch {
    set({ phase: "error" });
  }
};
const read = async (item) => {
  if (item.read_at) return;
  set({ items: shown.items.map((other) => (other.id === item.id ? { ...other, read_at: new Date().toISOString() } : other)), unread: Math.max(0, shown.unread - 1) });
  try {
    await api.patch(`${BASE}/${item.id}/read`);
  } catch {
    load(); // as it really is
  }
};
const readAll = async () => {
  set({ items: shown.items.map((item) => ({ ...item, read_at: item.read_at ?? new Date().toISOString() })), unread: 0 });
  try {
    await api.post(`${BASE}/read-all`);
  } catch {
    load();
  }
};

const sign = (Icon, name = "s") => h(Icon, { className: `i-${name}`, "aria-hidden": true });

const Line = ({ item, go }) =>
  h("li", null, h("button", { type: "button", className: item.read_at ? "bl" : "bl new", "data-testid": "notification", onClick: () => go(item) },
    h("span", { className: `bl-i ${item.level}` }, sign(SIGNS[item.level] ?? Info)),
    h("span", { className: "col g2 grow" },
      h("span", { className: item.read_at ? "dense" : "dense str" }, item.title),
      item.body && h("span", { className: "meta muted bl-b" }, item.body),
      h("time", { className: "micro muted", dateTime: item.created_at, title: fmt.exact(getLang(), item.created_at) }, fmt.relative(getLang(), item.created_at))),
    !item.read_at && h("span", { className: "dot jade", role: "img", "aria-label": say("bell.unread_one") })));

const PAGES = { plan: "/settings/plan", team: "/settings/users" }; // where a notice without a conversation leads

const Panel = ({ close }) => {
  const { phase, items, unread, cursor } = useBell();
  const navigate = useNavigate();
  const box = useRef(null);
  useEffect(() => box.current?.focus(), []);
  const go = (item) => {
    read(item);
    if (item.conversation_id) {
      close();
      const address = `/inbox?c=${item.conversation_id}`;
      if (window.location.pathname.startsWith("/inbox")) {
        window.history.pushState(null, "", address);
        window.dispatchEvent(new PopStateEvent("popstate")); // the inbox reads its address then
      } else navigate(address);
    } else if (PAGES[item.kind]) {
      close();
      navigate(PAGES[item.kind]);
    }
  };
  const body = {
    loading: h("div", { className: "bl-wait", "aria-busy": true }, [0, 1, 2].map((n) => h("span", { key: n, className: "sk l" }))),
    error: h("div", { className: "state bad", role: "alert" }, h("div", { className: "str" }, say("bell.failed")), h("button", { type: "button", className: "btn line sm", onClick: load }, say("common.retry"))),
    ready: items.length
      ? h("ul", { className: "bl-list" }, items.map((item) => h(Line, { key: item.id, item, go })), cursor && h("li", null, h("button", { type: "button", className: "btn ghost full", onClick: more }, say("bell.more"))))
      : h("div", { className: "state", role: "status" }, h("div", { className: "pic" }, sign(Bell, "l")), h("div", { className: "str dense" }, say("bell.empty")), h("div", { className: "txt meta muted" }, say("bell.empty_detail"))),
  }[phase];
  return h("div", { ref: box, className: "bell-panel", role: "dialog", "aria-label": say("bell.title"), tabIndex: -1, "data-testid": "bell-panel" },
    h("div", { className: "row bell-head" }, h("h2", { className: "str grow" }, say("bell.title")), unread > 0 && h("button", { type: "button", className: "btn ghost sm", "data-testid": "bell-read-all", onClick: readAll }, sign(CheckCheck), say("bell.read_all"))),
    body);
};

/** The bell with its count, and the panel it opens. `me` is the person's id, `onWatch` asks for pokes. */
export const TopBell = ({ me, onWatch }) => {
  useLang();
  const { unread } = useBell();
  const [open, setOpen] = useState(false);
  const root = useRef(null);
  const button = useRef(null);
  useEffect(() => {
    if (!me) return undefined;
    onWatch?.();
    load();
    const mine = ({ topic, user_id: user }) => topic === "live:reconnected" || (topic.endsWith(":notifications") && user === me);
    const stops = [onPoke("", (pokes) => pokes.some(mine) && load()), whileVisible(EVERY, load)];
    return () => stops.forEach((stop) => stop());
  }, [me]);
  const close = (back = true) => {
    setOpen(false);
    if (back) button.current?.focus();
  };
  useEffect(() => {
    if (!open) return undefined;
    const outside = (event) => !root.current?.contains(event.target) && close(false);
    const keys = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", keys, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", keys, true);
    };
  }, [open]);
  const label = unread ? say("bell.title_unread", { count: unread }) : say("bell.title");
  return h("span", { className: "bell", ref: root },
    h("button", { type: "button", ref: button, className: open ? "ib on" : "ib", "aria-label": label, title: label, "aria-haspopup": "dialog", "aria-expanded": open, "data-testid": "bell", onClick: () => setOpen(!open) },
      sign(Bell, ""), unread > 0 && h("span", { className: "cnt bell-n", "aria-hidden": true, "data-testid": "bell-count" }, unread > 99 ? "99+" : unread)),
    h("span", { className: "sr", role: "status" }, unread ? label : ""),
    open && h(Panel, { close: () => close(false) }));
};
