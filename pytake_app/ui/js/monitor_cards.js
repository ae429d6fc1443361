// The monitor's cards: who waits, who is served, what was settled lately.
import { createElement as h, memo } from "react";
import { useDraggable } from "@dnd-kit/core";
import { ArrowLeftRight, ArrowRightToLine, ArrowUpDown, Check, CircleCheck, CircleX, Clock, EllipsisVertical, ExternalLink, Flag, Info, LogOut, MessageSquareText, Star, TimerOff, Undo2, UserPlus, UserRoundPlus } from "lucide-react";
import { Link } from "react-router";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { Btn, IconBtn, Letters, Menu, say, Sign } from "$/public/pt_inbox_kit.js";
import { ChannelMark } from "$/public/pt_inbox_list.js";
import { acts, mayGive, mayOn } from "$/public/pt_monitor_acts.js";
import { clockTime, contactName, dotOf, faceOf, firstName, outcomeOf, roughText, scoreHue, secondsSince, secondsTo, slaNow, spanText, useTick, whyText } from "$/public/pt_monitor_model.js";
import { useMonitor, view } from "$/public/pt_monitor_store.js";
import { daysAway, inZone } from "$/public/pt_zone.js";

export const PRIORITY_HUE = { urgent: "red", high: "amber", medium: "", low: "" };
export const PRIORITIES = ["urgent", "high", "medium", "low"];
const WAIT_HUE = { late: "t-red", soon: "t-amber", ok: "t-jade", "": "" };
const BAR_HUE = { late: "red", soon: "amber", ok: "jade" };

export const Face = ({ person, channel, size = "m", children }) => {
  const { initials, hue, picture } = faceOf(person);
  return h("span", { className: `av qm-av ${size} a-${hue}`, "aria-hidden": true }, picture ? h("img", { src: picture, alt: "", className: "av-pic" }) : h(Letters, { of: initials }), channel && h(ChannelMark, { channel }), children);
};
export const QueueTag = ({ item: { queue, queue_name: former } }) => (queue ? h("span", { className: "qm-queue" }, h("span", { className: `dot ${dotOf(queue)}` }), h("span", { className: "ell" }, queue.name)) : h("span", { className: "qm-queue" }, former ? say("monitor.queue_gone", { queue: former }) : say("monitor.no_queue")));
const Open = ({ item }) => h(Link, { className: "qm-name ell", to: `/inbox?c=${item.conversation_id}`, title: say("monitor.open_conversation"), draggable: false }, contactName(item));

// ---- what can be done with a card, for those who don't drag
const menuOf = (item) => {
  const may = mayOn(item);
  const waits = item.status !== "in_service";
  const items = [{ key: "open", label: say("monitor.open_conversation"), icon: ExternalLink, run: () => view.go(`/inbox?c=${item.conversation_id}`), test: "card-open" }];
  if (may.take || may.give || may.admin) items.push({ key: "give", label: say(waits ? "monitor.give" : "monitor.reassign"), icon: UserPlus, run: () => view.dialog("give", { talk: item.conversation_id }), test: "card-give" });
  if (may.act) {
    if (!waits && item.queue) items.push({ key: "back", label: say("monitor.put_back"), icon: Undo2, run: () => acts.putBack(item.conversation_id), test: "card-back" });
    items.push({ key: "move", label: say("monitor.move"), icon: ArrowRightToLine, run: () => view.dialog("move", { talk: item.conversation_id }), test: "card-move" });
    if (waits) {
      items.push("line", { title: say("monitor.priority_title") });
      for (const name of PRIORITIES) items.push({ key: name, label: say(`monitor.priority.${name}`), icon: item.priority === name ? Check : Flag, run: () => acts.priority(item.conversation_id, name), test: `card-${name}` });
    }
    items.push("line", waits ? { key: "out", label: say("monitor.take_out"), icon: LogOut, danger: true, run: () => view.dialog("abandon", { talk: item.conversation_id }), test: "card-abandon" } : { key: "done", label: say("monitor.complete"), icon: CircleCheck, run: () => view.dialog("complete", { talk: item.conversation_id }), test: "card-complete" });
  }
  return items;
};
const still = (event) => event.stopPropagation(); // what happens in the menu drags no card
const CardMenu = ({ item }) =>
  h("span", { className: "qm-more-at", onMouseDown: still, onTouchStart: still },
    h(Menu, { trigger: h(IconBtn, { icon: EllipsisVertical, small: true, label: say("monitor.card_menu", { name: contactName(item) }), className: "qm-more", test: "card-menu" }), items: menuOf(item), label: say("monitor.card_menu", { name: contactName(item) }) }));

// ---- who waits
const Wait = ({ item }) => {
  useTick();
  const { state } = slaNow(item);
  return h("span", { className: `qm-wait tn ${WAIT_HUE[state]}`, role: "timer", "data-sla": state, "data-testid": "wait" }, h(Sign, { of: Clock }), spanText(secondsSince(item.entered_at)));
};
const Promise_ = ({ item }) => {
  useTick();
  const { state } = slaNow(item);
  if (state === "late" && item.sla_seconds) return h("span", { className: "qm-right tn" }, say("monitor.sla_broken", { span: spanText(item.sla_seconds) }));
  if (item.predicted_wait_seconds === null || item.predicted_wait_seconds === undefined) return null;
  return h("span", { className: "qm-right tn" }, say("monitor.predicted", { span: roughText(Math.max(60, item.predicted_wait_seconds)) }));
};
const SlaBar = ({ item }) => {
  useTick();
  const { state, share } = slaNow(item);
  return h("div", { className: "qm-sla", "data-sla": state }, state && h("u", { className: BAR_HUE[state], style: { width: `${Math.max(2, share * 100)}%` } }));
};
const Why = ({ item }) => {
  useTick();
  const [what, rest] = whyText(item);
  if (!what && !rest) return null;
  return h("div", { className: "qm-why", "data-testid": "why" }, h(Sign, { of: Info }), h("span", null, what && h("b", null, what), what && rest ? " " : "", rest));
};
const Suggestions = ({ item }) => {
  const agents = useMonitor("agents");
  const { may } = useMonitor("page");
  if (!may || item.status === "offered") return null;
  const buttons = (item.suggestions ?? []).map((one) => {
    const agent = agents.find((other) => other.id === one.agent_id);
    if (!agent) return null;
    if (one.action === "assign") return mayGive(item, agent.id) && h(Btn, { key: `a${agent.id}`, kind: "soft", small: true, icon: UserRoundPlus, onClick: () => acts.assign(item.conversation_id, agent.id), test: "suggest-assign" }, say("monitor.give_to", { agent: firstName(agent.name), load: `${one.load}/${one.capacity}` }));
    return mayOn(item).admin && h(Btn, { key: `c${agent.id}`, kind: "gray", small: true, title: say("monitor.raise_title", { agent: firstName(agent.name), count: one.capacity + 1 }), onClick: () => acts.capacity(agent.id, one.capacity + 1), test: "suggest-raise" }, say("monitor.raise", { agent: firstName(agent.name) }));
  }).filter(Boolean);
  return buttons.length ? h("div", { className: "qm-do" }, buttons) : null;
};
const WaitingFace = ({ item, place }) =>
  h("div", { className: "qm-card" },
    h("div", { className: "qm-top" }, h("span", { className: "qm-pos tn" }, place ?? ""), h(Face, { person: item.contact, channel: item.channel }),
      h("div", { className: "grow" },
        h("div", { className: "qm-line" }, h(Open, { item }), PRIORITY_HUE[item.priority] && h("span", { className: `bdg ${PRIORITY_HUE[item.priority]}` }, say(`monitor.priority.${item.priority}`)), h(Wait, { item })),
        h("div", { className: "qm-line meta muted" }, h(QueueTag, { item }), h(Promise_, { item })))),
    h(SlaBar, { item }), h(Why, { item }), h(Suggestions, { item }));

/** What hangs at the pointer while a card is dragged. */
export const HeldCard = ({ item }) =>
  h("div", { className: "qm-card qm-lifted" }, h("div", { className: "qm-top" }, h(Face, { person: item.contact, channel: item.channel }), h("div", { className: "grow col" }, h("span", { className: "str ell" }, contactName(item)), h("span", { className: "meta muted" }, h(QueueTag, { item })))));

const Held = ({ item, kind, label, children, test }) => {
  const { may, wall } = useMonitor("page");
  const off = wall || !may || !(mayOn(item).act || mayOn(item).take);
  const { setNodeRef, listeners, isDragging } = useDraggable({ id: `${kind}:${item.conversation_id}`, data: { kind, talk: item.conversation_id }, disabled: off });
  return h("li", { ref: setNodeRef, className: "qm-item", "data-dragging": isDragging, "data-held": !off, "data-testid": test, "data-id": item.id, "data-talk": item.conversation_id, "data-status": item.status, "data-priority": item.priority, "aria-label": label, ...(off ? {} : listeners) }, children, !wall && may && h(CardMenu, { item }));
};
export const WaitingCard = memo(({ item, place }) =>
  h(Held, { item, kind: "waiting", test: "waiting-card", label: say("monitor.waiting_label", { name: contactName(item), queue: item.queue?.name ?? "" }) }, h(WaitingFace, { item, place })));

// ---- who is served
const Since = ({ value }) => {
  useTick();
  return h("span", { className: "qm-right meta muted tn", title: value ? fmt.exact(getLang(), value) : "" }, value ? roughText(secondsSince(value)) : "");
};
const LastWord = ({ item: { last_word: word, snoozed_until: until } }) => {
  useTick();
  if (until && secondsTo(until) > 0) return h("span", { className: "qm-word meta muted", title: fmt.exact(getLang(), until) }, say("monitor.put_off", { time: clockTime(until) }));
  if (!word?.by) return null;
  const ago = word.at ? secondsSince(word.at) : null;
  const when = ago === null ? "" : ago < 45 ? say("monitor.just_now") : say("monitor.ago", { span: roughText(ago) });
  return h("span", { className: "qm-word meta" }, h("span", { className: word.by === "contact" ? "t-amber med" : "muted" }, say(`monitor.last_word.${word.by}`)), when && h("span", { className: "muted tn" }, ` · ${when}`));
};
const ServiceFace = ({ item }) =>
  h("div", { className: "qm-card" },
    h("div", { className: "qm-top" }, h(Face, { person: item.contact, channel: item.channel }),
      h("div", { className: "grow" }, h("div", { className: "qm-line" }, h(Open, { item }), PRIORITY_HUE[item.priority] && h("span", { className: `bdg ${PRIORITY_HUE[item.priority]}` }, say(`monitor.priority.${item.priority}`)), h(Since, { value: item.assigned_at })), h("div", { className: "qm-line meta muted" }, h(QueueTag, { item })))),
    h("div", { className: "qm-served" }, h(Face, { person: item.agent, size: "s" }), h("span", { className: "meta ell" }, item.agent?.name ?? say("monitor.nobody")), h(LastWord, { item })));
export const ServiceCard = memo(({ item }) =>
  h(Held, { item, kind: "service", test: "service-card", label: say("monitor.service_label", { name: contactName(item), agent: item.agent?.name ?? "" }) }, h(ServiceFace, { item })));

// ---- what was settled
const SIGNS = { completed: CircleCheck, transferred: ArrowLeftRight, abandoned: CircleX, timeout: TimerOff, overflow: ArrowUpDown };
export const RecentRow = memo(({ item }) => {
  const { words, hue } = outcomeOf(item);
  const parts = [words, item.agent ? firstName(item.agent.name) : "", item.waited_seconds !== null && item.status !== "transferred" ? say("monitor.waited", { span: spanText(item.waited_seconds) }) : "", item.handled_seconds !== null && item.handled_seconds !== undefined ? roughText(item.handled_seconds) : item.queue?.name].filter(Boolean);
  const day = item.ended_at && daysAway(item.ended_at) !== 0;
  return h("li", { className: "qm-recent", "data-testid": "recent-row", "data-id": item.id, "data-status": item.status },
    h("span", { className: `t-${hue}` }, h(Sign, { of: SIGNS[item.status] ?? MessageSquareText, size: "" })),
    h("div", { className: "grow col" }, h(Open, { item }), h("span", { className: "meta muted ell", title: parts.join(" · ") }, parts.join(" · ")), item.csat_comment && h("q", { className: "meta ell qm-said", title: item.csat_comment, "data-testid": "csat-comment" }, item.csat_comment)),
    h("div", { className: "qm-end" }, h("time", { className: "meta muted tn", dateTime: item.ended_at, title: item.ended_at ? fmt.exact(getLang(), item.ended_at) : "" }, item.ended_at ? `${day ? `${inZone(getLang(), item.ended_at, { day: "numeric", month: "short" })} ` : ""}${fmt.time(getLang(), item.ended_at)}` : ""),
      item.csat_score ? h("span", { className: `qm-score tn t-${scoreHue(item.csat_score)}`, title: say("monitor.score", { score: item.csat_score }) }, item.csat_score, h(Star, { className: "i-xs", "aria-hidden": true })) : h("span", { className: "muted meta", title: say("monitor.no_score") }, "–")));
});
