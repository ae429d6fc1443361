// The monitor's frame: queues and figures, agents, three columns, dragging between them, the wall display.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { DndContext, DragOverlay, MouseSensor, pointerWithin, rectIntersection, TouchSensor, useDroppable, useSensor, useSensors } from "@dnd-kit/core";
import { ArrowDownRight, ArrowUpRight, Check, ChevronDown, CircleCheck, Coffee, Hand, Headset, ListPlus, Lock, Minimize, Monitor, RotateCw, Settings2, TriangleAlert, Users } from "lucide-react";
import { Link, useNavigate } from "react-router";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { Btn, Menu, say, Sign } from "$/public/pt_inbox_kit.js";
import { phoneText } from "$/public/pt_inbox_model.js";
import { acts, mayOn } from "$/public/pt_monitor_acts.js";
import { Agents } from "$/public/pt_monitor_agents.js";
import { HeldCard, PRIORITIES, PRIORITY_HUE, RecentRow, ServiceCard, WaitingCard } from "$/public/pt_monitor_cards.js";
import { Dialogs } from "$/public/pt_monitor_dialogs.js";
import { PERIODS, secondsSince, SERVICE_SORTS, spanText, useTick, WAITING_SORTS, weekAgo } from "$/public/pt_monitor_model.js";
import { open, useMonitor, view } from "$/public/pt_monitor_store.js";
import { HotKeys } from "$/public/pt_shell.js";

// ---- queues, and what one may do with the page
const Live = () => {
  const { live, phase } = useMonitor("page");
  if (phase !== "ready") return null;
  return h("span", { className: live ? "qm-live t-jade" : "qm-live t-amber", role: "status", "data-testid": "live" }, h("span", { className: live ? "dot jade" : "dot amber" }), h("span", { className: "qm-live-t" }, say(live ? "monitor.live" : "monitor.not_live")));
};
const Bar = () => {
  const { items, all, queue } = useMonitor("tabs");
  const { manage, wall } = useMonitor("page");
  const tab = (id, name, count) => h("button", { key: id, type: "button", onClick: () => view.queue(id), "aria-pressed": queue === id, "data-testid": id ? "queue-tab" : "queue-all", "data-id": id }, h("span", { className: "ell" }, name), h("span", { className: "n tn" }, fmt.number(getLang(), count)));
  return h("div", { className: "qm-bar" },
    h("div", { className: "seg qm-tabs", role: "group", "aria-label": say("monitor.tabs") }, tab("", say("monitor.all"), all), items.map((one) => tab(one.id, one.name, one.waiting))),
    h(Live), h("span", { className: "grow" }),
    !wall && h("span", { className: "row g8 qm-tools" },
      h(Link, { className: "btn line", to: "/team", "data-testid": "to-team" }, h(Sign, { of: Users }), h("span", null, say("monitor.team"))),
      h(Btn, { icon: Monitor, onClick: () => view.wall(true), test: "wall", "aria-label": say("monitor.wall") }, h("span", null, say("monitor.wall"))),
      h(Link, { className: "btn line", to: queue ? `/queues/settings?queue=${queue}` : "/queues/settings", "data-testid": "rules" }, h(Sign, { of: Settings2 }), h("span", null, say(manage ? "monitor.rules" : "monitor.rules_see")))),
    wall && h(Btn, { kind: "ghost", icon: Minimize, onClick: () => view.wall(false), className: "qm-unwall", test: "unwall" }, say("monitor.leave_wall")));
};

// ---- figures
/** A change since the same day a week ago; `good`: which way is the good one. */
const Change = ({ value, good, unit = "" }) => {
  if (value === null || value === undefined) return h("span", { className: "muted" }, say("monitor.no_comparison"));
  if (value === 0) return h("span", { className: "muted" }, say("monitor.same", { when: weekAgo() }));
  const tone = Math.sign(value) === good ? "t-jade" : unit ? "t-red" : "t-amber";
  return h(Fragment, null, h("span", { className: `qm-change tn ${tone}` }, h(Sign, { of: value > 0 ? ArrowUpRight : ArrowDownRight, size: "xs" }), `${fmt.number(getLang(), Math.abs(value))}${unit}`, h("span", { className: "sr" }, say(value > 0 ? "monitor.more" : "monitor.less"))), h("span", { className: "muted qm-versus" }, ` ${say("monitor.versus", { when: weekAgo() })}`));
};
const Figure = ({ label, value, small, below, tone = "", test }) =>
  h("div", { className: "qm-fig", "data-testid": test }, h("div", { className: "meta muted ell" }, label), h("div", { className: `qm-v ${tone}` }, h("span", { className: "qm-vv" }, value), small && h("small", null, small)), h("div", { className: "meta ell qm-below" }, below));
const Longest = ({ figures }) => {
  useTick();
  const seconds = figures.longest_wait_since ? secondsSince(figures.longest_wait_since) : figures.longest_wait_seconds;
  const any = figures.waiting > 0 && seconds !== null && seconds !== undefined;
  const contact = figures.longest_wait_contact;
  const tone = any ? { late: "t-red", soon: "t-amber" }[figures.longest_wait_sla_state] ?? "" : "";
  return h(Figure, { label: say("monitor.longest"), value: any ? spanText(seconds) : "–", tone, below: h("span", { className: "muted" }, any ? (/^\d{8,}$/.test(contact) ? phoneText(contact) : contact) : say("monitor.nobody_waits")), test: "fig-longest" });
};
/** How full the places of who is at work are; what others hold, or is put off, takes none. */
const places = ({ in_service: served, taken, slots }) => (slots === 0 ? "" : taken === served ? say("monitor.of_slots", { count: slots }) : say("monitor.places_taken", { taken, count: slots }));
const Figures = () => {
  const figures = useMonitor("figures");
  if (!figures) return h("div", { className: "qm-figs", "aria-hidden": true }, [0, 1, 2, 3, 4, 5].map((n) => h("div", { key: n, className: "qm-fig" }, h("span", { className: "sk qm-sk1" }), h("span", { className: "sk l qm-sk2" }), h("span", { className: "sk qm-sk1" }))));
  const lang = getLang();
  const number = (value, options) => fmt.number(lang, value, options);
  const percent = (value) => `${number(Math.round(value))} %`;
  const free = figures.free_agents ?? 0;
  const sla = figures.sla_percent;
  const target = figures.sla_target_percent;
  return h("div", { className: "qm-figs", role: "group", "aria-label": say("monitor.figures") },
    h(Figure, { label: say("monitor.waiting"), value: number(figures.waiting), below: h(Change, { value: figures.waiting_change, good: -1 }), test: "fig-waiting" }),
    h(Longest, { figures }),
    h(Figure, { label: say("monitor.in_service"), value: number(figures.in_service), small: places(figures), below: figures.in_service_absent > 0 ? h("span", { className: "t-amber" }, say("monitor.in_service_absent", { count: figures.in_service_absent })) : h("span", { className: "muted" }, free ? say("monitor.free_agents", { count: free }) : say("monitor.free_none")), test: "fig-service" }),
    h(Figure, { label: say("monitor.sla_today"), value: sla === null || sla === undefined ? "–" : percent(sla), small: target ? say("monitor.target", { percent: percent(target) }) : "", tone: "", below: sla === null || sla === undefined ? h("span", { className: "muted" }, say("monitor.sla_none")) : h(Change, { value: figures.sla_change, good: 1, unit: ` ${say("monitor.points")}` }), test: "fig-sla" }),
    h(Figure, { label: say("monitor.abandoned_today"), value: number(figures.abandoned_today), small: say("monitor.of_n", { count: figures.entered_today }), below: h(Change, { value: figures.abandoned_change, good: -1 }), test: "fig-abandoned" }),
    h(Figure, { label: say("monitor.csat"), value: figures.csat_average === null || figures.csat_average === undefined ? "–" : number(figures.csat_average, { minimumFractionDigits: 1, maximumFractionDigits: 1 }), small: figures.csat_average ? say("monitor.of_five") : "", below: h("span", { className: "muted" }, figures.csat_count ? say("monitor.answers_today", { count: figures.csat_count }) : say("monitor.answers_none")), test: "fig-csat" }));
};

// ---- columns
const Sort = ({ value, options, area, onPick, test }) =>
  h(Menu, { trigger: h("button", { type: "button", className: "btn ghost sm qm-sort", "data-testid": test }, say(`monitor.${area}.${value}`), h(Sign, { of: ChevronDown, size: "xs" })), items: options.map((name) => ({ key: name, label: say(`monitor.${area}.${name}`), icon: name === value ? Check : undefined, run: () => onPick(name), test: `${test}-${name}` })), label: say("monitor.sort") });
const Nothing = ({ icon, title, detail }) => h("div", { className: "state qm-none", role: "status" }, h("div", { className: "pic" }, h(Sign, { of: icon, size: "l" })), h("div", { className: "str dense" }, title), detail && h("div", { className: "txt meta" }, detail));
const Skeletons = ({ rows }) => h("ul", { className: "qm-list", "aria-busy": true, "aria-label": say("common.loading") }, rows.map((n) => h("li", { key: n, className: "qm-card" }, h("div", { className: "qm-top" }, h("span", { className: "sk c qm-skface" }), h("div", { className: "grow col g6" }, h("span", { className: "sk qm-sk2" }), h("span", { className: "sk qm-sk1" }))))));
const Column = ({ name, title, total, sort, children, zone, lanes }) => {
  const { column } = useMonitor("page");
  return h("section", { className: "qm-col", "data-column": name, "data-shown": column === name, "aria-label": title },
    h("div", { className: "qm-ch" }, h("h2", null, title), total !== null && h("span", { className: "cnt gray", "data-testid": `count-${name}` }, fmt.number(getLang(), total)), h("span", { className: "grow" }), sort),
    h("div", { className: "qm-bd" }, lanes, zone, children));
};
/** Where a card may be let go over a column: words over the whole of it. */
const Over = ({ id, data, icon: Icon, text }) => {
  const { setNodeRef, isOver } = useDroppable({ id, data });
  return h("div", { ref: setNodeRef, className: "qm-over", "data-over": isOver, "data-testid": id }, h(Sign, { of: Icon, size: "l" }), text);
};
const Lane = ({ name, now }) => {
  const { setNodeRef, isOver } = useDroppable({ id: `priority:${name}`, data: { priority: name } });
  return h("div", { ref: setNodeRef, className: "qm-lane", "data-over": isOver, "data-now": now, "data-testid": `lane-${name}` }, h("span", { className: `dot ${PRIORITY_HUE[name]}` }), say(`monitor.priority.${name}`));
};
const Rest = ({ shown, total }) => {
  const { more, growing, wall } = useMonitor("page");
  if (total <= shown) return null;
  return h("li", { className: "qm-rest meta muted" }, more && !wall ? h(Btn, { kind: "ghost", small: true, busy: growing, onClick: view.more, test: "more" }, say("monitor.more_show", { count: total - shown })) : say("monitor.more_below", { count: total - shown }));
};

const Columns = ({ held }) => {
  const waiting = useMonitor("waiting");
  const service = useMonitor("service");
  const recent = useMonitor("recent");
  const { wall } = useMonitor("page");
  const may = held ? mayOn(held) : {};
  const waits = held && held.status !== "in_service";
  const next = waiting && !wall ? acts.nextQueue() : "";
  const take = next && h(Btn, { kind: "soft", small: true, icon: Hand, onClick: () => acts.next(next), title: say("monitor.take_next_hint"), test: "take-next" }, say("monitor.take_next"));
  const sort = (column, area, options, value) => !wall && h(Sort, { value, options, area, onPick: (order) => view.order(column, order), test: `sort-${column}` });
  return h("div", { className: "qm-cols" },
    h(Column, { name: "waiting", title: say("monitor.waiting"), total: waiting?.total ?? null, sort: waiting && h(Fragment, null, take, sort("waiting", "sort_waiting", WAITING_SORTS, waiting.order)),
      lanes: waits && may.act && h("div", { className: "qm-lanes", role: "presentation" }, PRIORITIES.map((name) => h(Lane, { key: name, name, now: held.priority === name }))),
      zone: held && !waits && may.act && held.queue && h(Over, { id: "drop-waiting", data: { column: "waiting" }, icon: ListPlus, text: say("monitor.drop_waiting") }) },
    waiting === null ? h(Skeletons, { rows: [0, 1, 2, 3] }) : waiting.items.length === 0 ? h(Nothing, { icon: Coffee, title: say("monitor.empty_waiting"), detail: say("monitor.empty_waiting_detail") })
      : h("ul", { className: "qm-list" }, waiting.items.map((item, i) => h(WaitingCard, { key: item.conversation_id, item, place: waiting.order === "served" ? i + 1 : item.position })), h(Rest, { shown: waiting.items.length, total: waiting.total }))),
    h(Column, { name: "service", title: say("monitor.in_service"), total: service?.total ?? null, sort: service && sort("service", "sort_service", SERVICE_SORTS, service.order),
      zone: waits && (may.take || may.admin) && h(Over, { id: "drop-service", data: { column: "service" }, icon: Headset, text: say(may.admin ? "monitor.drop_service" : "monitor.drop_me") }) },
    service === null ? h(Skeletons, { rows: [0, 1, 2, 3] }) : service.items.length === 0 ? h(Nothing, { icon: Headset, title: say("monitor.empty_service"), detail: say("monitor.empty_service_detail") })
      : h("ul", { className: "qm-list" }, service.items.map((item) => h(ServiceCard, { key: item.conversation_id, item })), h(Rest, { shown: service.items.length, total: service.total }))),
    h(Column, { name: "recent", title: say("monitor.recent"), total: recent?.total ?? null, sort: recent && !wall && h(Sort, { value: recent.period, options: PERIODS, area: "period", onPick: view.period, test: "sort-recent" }),
      zone: held && may.act && h(Over, { id: "drop-recent", data: { column: "recent" }, icon: CircleCheck, text: say(waits ? "monitor.drop_out" : "monitor.drop_done") }) },
    recent === null ? h(Skeletons, { rows: [0, 1, 2, 3] }) : recent.items.length === 0 ? h(Nothing, { icon: CircleCheck, title: say("monitor.empty_recent"), detail: say("monitor.empty_recent_detail") })
      : h("ul", { className: "qm-list flat", "aria-busy": recent.busy }, recent.items.map((item) => h(RecentRow, { key: item.id, item })), h(Rest, { shown: recent.items.length, total: recent.total }))));
};

// ---- on a phone the columns are tabs
const ColumnTabs = () => {
  const { column } = useMonitor("page");
  const totals = { waiting: useMonitor("waiting")?.total, service: useMonitor("service")?.total, recent: useMonitor("recent")?.total };
  const words = { waiting: say("monitor.waiting"), service: say("monitor.in_service"), recent: say("monitor.recent") };
  return h("div", { className: "tabs qm-coltabs", role: "group", "aria-label": say("monitor.columns") }, Object.keys(words).map((name) => h("button", { key: name, type: "button", className: column === name ? "on" : "", "aria-pressed": column === name, onClick: () => view.column(name), "data-testid": `column-${name}` }, words[name], totals[name] !== undefined && h("span", { className: "cnt gray" }, fmt.number(getLang(), totals[name])))));
};

// ---- dragging
const collide = (args) => {
  const found = pointerWithin(args);
  return found.length ? found : rectIntersection(args);
};
/** What is held is small and hangs beside the pointer: nothing that it may go to is hidden by it. */
const beside = ({ activatorEvent, draggingNodeRect, transform }) => {
  const at = activatorEvent?.touches?.[0] ?? activatorEvent;
  if (!draggingNodeRect || at?.clientX === undefined) return transform;
  return { ...transform, x: transform.x + at.clientX - draggingNodeRect.left + 12, y: transform.y + at.clientY - draggingNodeRect.top + 14 };
};
const dropped = ({ active, over }, me) => {
  const to = over?.data.current;
  const { talk, kind } = active.data.current ?? {};
  if (!to || !talk) return;
  if (to.agent) acts.assign(talk, to.agent);
  else if (to.priority) acts.priority(talk, to.priority);
  else if (to.column === "waiting") acts.putBack(talk);
  else if (to.column === "service") {
    const item = acts.find(talk);
    if (item && !mayOn(item).admin) acts.assign(talk, me);
    else view.dialog("give", { talk });
  } else if (to.column === "recent") view.dialog(kind === "waiting" ? "abandon" : "complete", { talk });
};
const Board = () => {
  const { me } = useMonitor("page");
  const [held, setHeld] = useState(null);
  const sensors = useSensors(useSensor(MouseSensor, { activationConstraint: { distance: 6 } }), useSensor(TouchSensor, { activationConstraint: { delay: 220, tolerance: 8 } }));
  const spoken = { onDragStart: () => undefined, onDragOver: () => undefined, onDragEnd: () => undefined, onDragCancel: () => undefined }; // what comes of it is said by the acts
  return h(DndContext, { sensors, collisionDetection: collide, autoScroll: { threshold: { x: 0.1, y: 0.15 } }, accessibility: { announcements: spoken, screenReaderInstructions: { draggable: say("monitor.drag_help") } },
    onDragStart: ({ active }) => setHeld(acts.find(active.data.current.talk) ?? null),
    onDragCancel: () => setHeld(null),
    onDragEnd: (event) => {
      setHeld(null);
      dropped(event, me);
    } },
  h(Agents, { held }), h(ColumnTabs), h(Columns, { held }),
  h(DragOverlay, { dropAnimation: null, zIndex: 50, modifiers: [beside] }, held && h(HeldCard, { item: held })));
};

// ---- the page
const KEYS = ["j", "k", "a", "m", "n", "w", "?", "Escape", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const step = (by) => {
  const cards = [...document.querySelectorAll(".qm-col .qm-name")].filter((one) => one.checkVisibility());
  const at = cards.indexOf(document.activeElement?.closest(".qm-item, .qm-recent")?.querySelector(".qm-name"));
  cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(cards.length - 1, Math.max(0, at + by))]?.focus();
};
const here = () => document.activeElement?.closest(".qm-item")?.dataset.talk;
const combo = (tabs) => (key) => {
  const wall = document.documentElement.dataset.wall === "true";
  if (wall && ["a", "m", "n"].includes(key)) return; // on the wall nothing is done
  const item = here() ? acts.find(here()) : null;
  if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (key === "a" && item && (mayOn(item).take || mayOn(item).give || mayOn(item).admin)) view.dialog("give", { talk: item.conversation_id });
  else if (key === "m" && item) document.activeElement.closest(".qm-item").querySelector(".qm-more")?.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, key: "ArrowDown" })); // opened by a key, its first item has the focus
  else if (key === "n") acts.nextQueue() && acts.next(acts.nextQueue());
  else if (key === "w") view.wall(!wall);
  else if (key === "Escape") view.wall(false);
  else if (key === "?") view.dialog("keys");
  else if (/^[1-9]$/.test(key)) {
    const wanted = Number(key) === 1 ? "" : tabs[Number(key) - 2]?.id;
    if (wanted !== undefined) view.queue(wanted);
  }
};
const State = ({ icon, title, detail, bad, act }) => h("div", { className: bad ? "state bad qm-state" : "state qm-state", role: bad ? "alert" : "status" }, h("div", { className: "pic" }, h(Sign, { of: icon, size: "l" })), h("div", { className: "str" }, title), h("div", { className: "txt dense" }, detail), act && h("div", { className: "act" }, act));
const News = () => h("span", { className: "sr", role: "status", "aria-live": "polite" }, useMonitor("news").text);
const Page = () => {
  const { phase, queues, manage } = useMonitor("page");
  const { items } = useMonitor("tabs");
  useEffect(() => {
    const left = () => !document.fullscreenElement && view.wall(false);
    document.addEventListener("fullscreenchange", left);
    return () => {
      document.removeEventListener("fullscreenchange", left);
      view.wall(false);
      delete document.documentElement.dataset.wall;
    };
  }, []);
  const retry = h(Btn, { icon: RotateCw, onClick: view.retry, test: "retry" }, say("common.retry"));
  if (phase === "forbidden") return h(State, { icon: Lock, title: say("common.no_permission"), detail: say("common.no_permission_detail") });
  if (phase === "error" || phase === "offline") return h(State, { icon: TriangleAlert, bad: true, title: say("monitor.load_failed"), detail: say(phase === "offline" ? "monitor.offline" : "common.failed_detail"), act: retry });
  if (phase === "ready" && queues === 0) return h(State, { icon: ListPlus, title: say("monitor.no_queues"), detail: say("monitor.no_queues_detail"), act: manage && h(Link, { className: "btn solid", to: "/queues/settings?new=1" }, say("monitor.make_queue")) });
  return h(Fragment, null, h(Bar), h(Figures), h(Board), h(Dialogs), h(News), h(HotKeys, { combos: KEYS, onCombo: combo(items) }));
};

/** The page; `me` is `{id, role}` of who is signed in. */
export const MonitorRoot = ({ me, ...rest_ }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  const { wall } = useMonitor("page");
  const navigate = useNavigate();
  useEffect(() => setReady(true), []);
  useEffect(() => {
    view.go = navigate;
  }, [navigate]);
  useEffect(() => (me?.id ? open(me) : undefined), [me?.id, me?.role]);
  return h("div", { ...rest_, className: "qm", "data-wall": wall }, ready && h(Fragment, { key: lang }, h(Page)));
};
