// One's own status in the top bar, what rings at one, and how many wait; on every page. Read by REST when a poke says so.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { Check, ChevronDown, CircleDot, LogOut, MessageSquareText, PhoneIncoming, ShieldOff, UserRound } from "lucide-react";
import { useNavigate } from "react-router";
import { api } from "$/public/pt_api.js";
import { chime, first } from "$/public/pt_chime.js";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { Btn, Face, Menu, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { hueOf, initials, nameOf } from "$/public/pt_inbox_model.js";
import { onPoke } from "$/public/pt_live.js";
import { secondsSince, secondsTo, spanText, STATUS_HUE, useTick } from "$/public/pt_monitor_model.js";
import { makeStore, whileVisible } from "$/public/pt_page_store.js";
import { signOut } from "$/public/pt_shell.js";
import { may as grants } from "$/public/pt_rights.js";

const COUNT_MS = 5000; // between two looks at how many wait
const EVERY_MS = 60000; // a look without any poke
const STATUSES = ["online", "busy", "break", "away", "offline"];
const problem = (error) => sayOf(`monitor.problem.${error?.code ?? "unknown"}`, "monitor.problem.unknown");

const store = makeStore({ me: null, agent: null, offers: [], waiting: null, dialog: false, busy: "" }, (state) => ({
  own: { works: grants(state.me, "conversations:handle"), status: state.agent?.status ?? "offline", reason: state.agent?.status_reason ?? "", since: state.agent?.status_since ?? "", load: state.agent?.load ?? 0, capacity: state.agent?.capacity ?? 0, known: Boolean(state.agent), dialog: state.dialog },
  offers: { items: state.offers, busy: state.busy },
  waiting: { count: state.waiting },
}));
const { state, set } = store;

// ---- reading
let turn = 0;
const loadDesk = async () => {
  if (!grants(state.me, "conversations:handle")) return;
  const mine = (turn += 1);
  try {
    const desk = await api.get("/api/v1/agents/me/desk");
    if (mine === turn) set({ agent: desk.agent, offers: desk.offers });
  } catch {
    // what was read before stays; the next poke or minute asks again
  }
};
let counting = null;
let counted = 0;
const loadCount = async () => {
  counting = null;
  counted = Date.now();
  try {
    set({ waiting: (await api.get("/api/v1/queues/waiting")).waiting });
  } catch {
    // the number that was read before stays
  }
};
const countSoon = () => {
  counting ??= setTimeout(loadCount, Math.max(150, counted + COUNT_MS - Date.now()));
};
/** Being heard of: agents at work who aren't are away. */
const beat = async () => {
  if (!state.agent || state.agent.status === "offline") return;
  try {
    const told = await api.post("/api/v1/agents/me/heartbeat");
    if (told.status !== state.agent?.status || told.status_reason !== state.agent?.status_reason) loadDesk();
  } catch {
    // offline: the server will see it, and that we are back
  }
};
let heart = null;
const startHeart = () => {
  try {
    heart ??= new Worker("/pt_beat_worker.js");
    heart.onmessage = beat;
    heart.onerror = () => {
      heart.onerror = null;
      setInterval(beat, 25000); // no workers here: the page's own timer, which may be slowed
    };
  } catch {
    heart = {};
    setInterval(beat, 25000);
  }
};

// ---- doing
const setStatus = async (status, reason = "") => {
  const before = state.agent;
  set({ agent: { ...(before ?? { load: 0, capacity: 0 }), status, status_reason: reason, status_since: new Date().toISOString() }, dialog: false });
  try {
    const agent = await api.put("/api/v1/agents/me/status", { status, reason });
    set({ agent });
    if (status === "offline" && agent.load > 0) tell(say("monitor.left_with", { count: agent.load }), "message", { duration: 8000 });
  } catch (error) {
    set({ agent: before });
    tell(problem(error), "error");
  }
};
const answer = async (item, word) => {
  set({ busy: item.id });
  try {
    await api.post(`/api/v1/queues/${item.queue?.id}/items/${item.id}/${word}`);
    set({ offers: state.offers.filter((one) => one.id !== item.id) });
    return true;
  } catch (error) {
    tell(problem(error), "error");
    return false;
  } finally {
    set({ busy: "" });
    loadDesk();
  }
};
const showTalk = (id, navigate) => {
  const address = `/inbox?c=${id}`;
  if (!window.location.pathname.startsWith("/inbox")) return navigate(address);
  window.history.pushState(null, "", address);
  return window.dispatchEvent(new PopStateEvent("popstate")); // the inbox reads its address then
};

// ---- what rings
const Left = ({ until }) => {
  useTick();
  const left = secondsTo(until);
  return h("span", { className: `ag-left tn${left < 6 ? " t-red" : ""}`, role: "timer", "aria-label": say("monitor.ring_left", { span: spanText(left) }) }, spanText(left));
};
const Ring = ({ item, busy }) => {
  const navigate = useNavigate();
  useEffect(() => {
    let here = true;
    const ring = () => here && secondsTo(item.offered_until) > 0 && chime();
    first(`offer:${item.id}:${item.offered_until}`).then((mine) => mine && ring());
    const timer = setInterval(() => document.visibilityState === "visible" && ring(), 4000);
    const gone = setTimeout(loadDesk, secondsTo(item.offered_until) * 1000 + 1200); // it rang out: ask whose it is now
    return () => {
      here = false;
      clearInterval(timer);
      clearTimeout(gone);
    };
  }, [item.id, item.offered_until]);
  const name = nameOf(item.contact);
  const parts = [item.queue?.name, say("monitor.waited", { span: spanText(secondsSince(item.entered_at)) })].filter(Boolean);
  return h("div", { className: "ag-ring", role: "alertdialog", "aria-label": say("monitor.ring_title", { name }), "data-testid": "offer", "data-id": item.id },
    h("div", { className: "ag-ring-h meta" }, h(Sign, { of: PhoneIncoming }), h("span", { className: "grow med" }, say("monitor.ring")), h(Left, { until: item.offered_until })),
    h("div", { className: "row g12" }, h(Face, { initials: initials(name), hue: hueOf(item.contact.id), size: "l" }), h("div", { className: "grow col" }, h("span", { className: "str ell" }, name), h("span", { className: "meta muted ell" }, parts.join(" · ")), item.note && h("span", { className: "meta ell" }, item.note))),
    h("div", { className: "row g8 ag-ring-b" },
      h(Btn, { kind: "gray", disabled: busy, onClick: () => answer(item, "decline"), test: "offer-decline" }, say("monitor.decline")),
      h(Btn, { kind: "solid", icon: MessageSquareText, busy, onClick: async () => (await answer(item, "accept")) && showTalk(item.conversation_id, navigate), test: "offer-accept" }, say("monitor.accept"))),
    h("u", { key: item.offered_until, className: "ag-ring-t", style: { animationDuration: `${secondsTo(item.offered_until)}s` } }));
};
const Rings = () => {
  const { items, busy } = store.use("offers");
  if (items.length === 0) return null;
  return createPortal(h("div", { className: "ag-rings" }, items.map((item) => h(Ring, { key: item.id, item, busy: busy === item.id }))), document.querySelector(".radix-themes") ?? document.body);
};

// ---- status with a reason
const ReasonDialog = () => {
  const own = store.use("own");
  const [status, setNext] = useState(["break", "away", "busy"].includes(own.status) ? own.status : "break");
  const [reason, setReason] = useState("");
  const done = () => setStatus(status, reason.trim());
  const ideas = ["lunch", "coffee", "meeting", "training", "back_office"].map((name) => say(`monitor.reason_${name}`));
  return h(Modal, { title: say("monitor.reason_title"), detail: say("monitor.reason_detail"), onClose: () => set({ dialog: false }), test: "reason-dialog", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: () => set({ dialog: false }) }, say("common.cancel")), h(Btn, { kind: "solid", onClick: done, test: "reason-save" }, say("monitor.reason_save"))) },
    h("div", { className: "seg", role: "group", "aria-label": say("monitor.status_title") }, ["break", "away", "busy"].map((name) => h("button", { key: name, type: "button", "aria-pressed": status === name, onClick: () => setNext(name) }, h("span", { className: `dot ${STATUS_HUE[name]}` }), say(`monitor.status.${name}`)))),
    h("div", { className: "row wrap g6" }, ideas.map((words) => h("button", { key: words, type: "button", className: "btn sm line", "aria-pressed": reason === words, onClick: () => setReason(words) }, words))),
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("monitor.reason")), h("input", { className: "input", value: reason, maxLength: 120, autoFocus: true, onChange: (event) => setReason(event.target.value), onKeyDown: (event) => event.key === "Enter" && done(), "data-testid": "reason-text" })));
};

/** Account and own status. `me` is `{id, role, name, email, initials, avatar}`; `onWatch` asks for pokes. */
export const AgentMenu = ({ me, onWatch }) => {
  useLang();
  const navigate = useNavigate();
  const own = store.use("own");
  useEffect(() => {
    if (!me?.id) return undefined;
    set({ me });
    onWatch?.();
    loadDesk();
    countSoon();
    const heard = (pokes) => {
      const gap = pokes.some(({ topic }) => topic === "live:reconnected");
      const queues = pokes.filter(({ topic }) => topic.endsWith(":queues"));
      if (gap || queues.some((poke) => poke.agent_id === me.id)) loadDesk();
      if (gap || queues.some((poke) => poke.queue_id !== undefined)) countSoon();
    };
    if (grants(me, "conversations:handle")) startHeart();
    const stops = [onPoke("", heard), whileVisible(EVERY_MS, () => {
      loadDesk();
      countSoon();
    })];
    return () => stops.forEach((stop) => stop());
  }, [me?.id, me?.role]);
  const statusWords = say(`monitor.status.${own.status}`);
  const lost = own.reason === "connection_lost";
  const shown = own.works ? (own.reason && !lost ? own.reason : statusWords) : me?.name;
  const dot = own.works && h("span", { className: `stat ${STATUS_HUE[own.status]}` });
  const head = h(Fragment, null, h("span", { className: "col ag-head" }, h("span", { className: "str dense ell" }, me?.name), h("span", { className: "meta muted ell" }, me?.email)));
  const items = [
    { title: head },
    "line",
    ...(own.works ? [
      ...STATUSES.map((name) => ({ key: name, label: say(`monitor.status.${name}`), dot: `big ${STATUS_HUE[name]}`, hint: own.known && own.status === name ? h(Sign, { of: Check }) : "", run: () => setStatus(name), test: `status-${name}` })),
      { key: "reason", label: say("monitor.status_reason"), icon: CircleDot, run: () => set({ dialog: true }), test: "status-reason" },
      "line",
    ] : []),
    { key: "profile", label: say("account.nav_profile"), icon: UserRound, run: () => navigate("/settings/profile"), test: "me-profile" },
    { key: "out", label: say("common.sign_out"), icon: LogOut, run: () => signOut() },
    { key: "all", label: say("common.sign_out_everywhere"), icon: ShieldOff, run: () => signOut(true) },
  ];
  const label = own.works ? `${say("common.account")}, ${statusWords}${lost ? `, ${say("monitor.reason_lost")}` : ""}` : say("common.account");
  const trigger = h("button", { type: "button", className: "me", "aria-label": label, title: own.works && own.known ? `${statusWords}${own.reason && !lost ? ` · ${own.reason}` : ""} · ${say("monitor.load_of", { count: own.load, capacity: own.capacity })}` : undefined, "data-testid": "me", "data-status": own.works ? own.status : "" },
    h(Face, { initials: me?.initials, hue: "jade", size: "s", picture: me?.avatar }, dot), h("span", { className: "me-name ell" }, shown), h(Sign, { of: ChevronDown, size: "xs" }));
  return h(Fragment, null, h(Menu, { trigger, items, label: say("common.account") }), h("span", { className: "sr", role: "status" }, lost ? say("monitor.reason_lost") : ""), h(Rings), own.dialog && h(ReasonDialog));
};

/** How many wait for a person; nothing when nobody does. */
export const WaitingCount = () => {
  useLang();
  const { count } = store.use("waiting");
  return count ? h("span", { className: "n", "data-testid": "nav-waiting", "aria-label": say("monitor.waiting_n", { count }) }, fmt.number(getLang(), count)) : null;
};
