// The monitor's dialogs: give to somebody, move to a queue, settle, take out, shortcuts.
import { createElement as h, Fragment, useState } from "react";
import { OutcomeFields, useOutcome } from "$/public/pt_closing.js";
import { Btn, Face, Modal, say, Sign } from "$/public/pt_inbox_kit.js";
import { Search, Check } from "lucide-react";
import { fold } from "$/public/pt_inbox_kit.js";
import { acts, mayGive } from "$/public/pt_monitor_acts.js";
import { contactName, dotOf, faceOf, hasRoom, STATUS_HUE } from "$/public/pt_monitor_model.js";
import { useMonitor, view } from "$/public/pt_monitor_store.js";

const Cancel = () => h(Btn, { kind: "ghost", onClick: view.close }, say("common.cancel"));

/** A list to search in and walk with the arrows; Enter picks. */
const Picks = ({ items, label, empty, onPick }) => {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const found = items.filter((one) => fold(`${one.label} ${one.detail ?? ""}`).includes(fold(query.trim())));
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((now) => Math.min(found.length - 1, Math.max(0, now + step)));
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      onPick(found[at].id);
    }
  };
  return h("div", { className: "col g8" },
    h("label", { className: "field" }, h(Sign, { of: Search }), h("input", { autoFocus: true, value: query, placeholder: label, "aria-label": label, onChange: (event) => (setQuery(event.target.value), setAt(0)), onKeyDown: keys, "data-testid": "pick-search" })),
    h("div", { className: "ix-picks", role: "listbox", "aria-label": label }, found.length === 0 ? h("div", { className: "dense muted ix-none" }, empty)
      : found.map((one, i) => h("button", { key: one.id, type: "button", role: "option", "aria-selected": i === at, "data-at": i === at, className: "ix-pick", tabIndex: -1, onMouseEnter: () => setAt(i), onClick: () => onPick(one.id), "data-testid": "pick", "data-id": one.id },
        one.person ? h(Face, { ...faceOf(one.person), size: "s" }, h("span", { className: `dot ${STATUS_HUE[one.person.status]}` })) : h("span", { className: `dot ${one.dot}` }),
        h("span", { className: "grow ell dense" }, one.label), one.detail && h("span", { className: "meta muted nw tn" }, one.detail), one.picked && h(Sign, { of: Check })))));
};

const Give = ({ talk }) => {
  const agents = useMonitor("agents");
  const item = acts.find(talk);
  if (!item) return null;
  const answers = (agent) => agent.queues.some((queue) => queue.id === item.queue?.id);
  const rank = (agent) => (agent.status === "online" ? 0 : 2) + (hasRoom(agent) ? 0 : 1) + (answers(agent) ? 0 : 0.5);
  const found = agents.filter((agent) => mayGive(item, agent.id) && agent.id !== item.agent?.id).sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  const items = found.map((agent) => ({ id: agent.id, label: agent.name, person: agent, detail: [answers(agent) ? "" : say("monitor.other_queue"), agent.status === "online" ? "" : say(`monitor.status_low.${agent.status}`), `${agent.load}/${agent.capacity}`].filter(Boolean).join(" · ") }));
  return h(Modal, { title: say("monitor.give_title", { name: contactName(item) }), onClose: view.close, test: "give-dialog" }, h(Picks, { items, label: say("monitor.find_agent"), empty: say("monitor.no_agent_found"), onPick: (agentId) => {
    view.close();
    acts.assign(talk, agentId);
  } }));
};
const Move = ({ talk }) => {
  const { items: queues } = useMonitor("tabs");
  const item = acts.find(talk);
  if (!item) return null;
  const items = queues.filter((queue) => queue.id !== item.queue?.id).map((queue) => ({ id: queue.id, label: queue.name, dot: dotOf(queue), detail: say("monitor.waiting_n", { count: queue.waiting }) }));
  return h(Modal, { title: say("monitor.move_title", { name: contactName(item) }), onClose: view.close, test: "move-dialog" }, h(Picks, { items, label: say("monitor.find_queue"), empty: say("monitor.no_queue_found"), onPick: (queueId) => acts.toQueue(talk, queueId) }));
};
const Complete = ({ talk }) => {
  const chosen = useOutcome();
  const item = acts.find(talk);
  if (!item) return null;
  const done = () => acts.complete(talk, chosen.outcome);
  return h(Modal, { title: say("monitor.complete_title", { name: contactName(item) }), detail: say("monitor.complete_detail"), onClose: view.close, test: "complete-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "solid", disabled: !chosen.ready, onClick: done, test: "complete-confirm" }, say("monitor.complete"))) },
    h(OutcomeFields, { of: chosen, onEnter: done }));
};
const Abandon = ({ talk }) => {
  const [reason, setReason] = useState("");
  const item = acts.find(talk);
  if (!item) return null;
  const done = () => acts.abandon(talk, reason.trim());
  return h(Modal, { title: say("monitor.abandon_title", { name: contactName(item) }), detail: say("monitor.abandon_detail"), onClose: view.close, test: "abandon-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "danger", onClick: done, test: "abandon-confirm" }, say("monitor.take_out"))) },
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("monitor.abandon_reason"), h("span", { className: "muted" }, ` · ${say("common.optional")}`)), h("input", { className: "input", autoFocus: true, value: reason, maxLength: 120, onChange: (event) => setReason(event.target.value), onKeyDown: (event) => event.key === "Enter" && done(), "data-testid": "reason" })));
};
const KEYS = [["key_step", ["J", "K"]], ["key_open", ["Enter"]], ["key_give", ["A"]], ["key_menu", ["M"]], ["key_next", ["N"]], ["key_queue", ["1", "–", "9"]], ["key_wall", ["W"]], ["key_sheet", ["?"]]];
const Keys = () => h(Modal, { title: say("monitor.keys"), onClose: view.close, test: "keys-dialog", foot: h(Btn, { kind: "ghost", onClick: view.close }, say("common.close")) }, h("div", { className: "ix-keys" }, KEYS.map(([name, keys]) => h("div", { key: name, className: "row dense" }, h("span", { className: "grow" }, say(`monitor.${name}`)), keys.map((key) => h("span", { key, className: "kbd" }, key))))));

const ALL = { give: Give, move: Move, complete: Complete, abandon: Abandon, keys: Keys };
/** The dialog that is open, if any. */
export const Dialogs = () => {
  const dialog = useMonitor("dialog");
  const Shown = dialog && ALL[dialog.kind];
  return Shown ? h(Shown, dialog) : null;
};
