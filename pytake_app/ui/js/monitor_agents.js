// The strip of agents: status, load in segments, a target for cards, and a menu of what one may change.
import { createElement as h, memo } from "react";
import { useDroppable } from "@dnd-kit/core";
import { Inbox, Minus, Plus, UserCog } from "lucide-react";
import { Menu, say } from "$/public/pt_inbox_kit.js";
import { acts, mayGive } from "$/public/pt_monitor_acts.js";
import { Face } from "$/public/pt_monitor_cards.js";
import { atWork, hasRoom, roughText, secondsSince, STATUS_HUE, useTick } from "$/public/pt_monitor_model.js";
import { useMonitor, view } from "$/public/pt_monitor_store.js";

export const STATUSES = ["online", "busy", "break", "away", "offline"];
const MOST_SEGMENTS = 8; // more than these become one bar

const Load = ({ load, capacity }) => {
  const full = load >= capacity ? " full" : "";
  if (capacity > MOST_SEGMENTS) return h("span", { className: `qm-load one${full}` }, h("u", { style: { width: `${Math.min(100, (load / capacity) * 100)}%` }, className: "f" }));
  return h("span", { className: `qm-load${full}` }, Array.from({ length: Math.max(1, capacity) }, (_, i) => h("u", { key: i, className: i < load ? "f" : "" })));
};
const Resting = ({ agent }) => {
  useTick();
  const span = secondsSince(agent.status_since);
  const words = say(`monitor.status_low.${agent.status}`);
  return h("span", { className: "micro muted tn ell" }, agent.status_reason && agent.status_reason !== "connection_lost" ? `${words} · ${agent.status_reason}` : agent.status === "offline" ? words : `${words} ${roughText(span)}`);
};
const aboutOf = (agent) => {
  const words = [agent.name, say(`monitor.status.${agent.status}`), say("monitor.load_of", { count: agent.load, capacity: agent.capacity }), agent.status_reason && (agent.status_reason === "connection_lost" ? say("monitor.reason_lost") : agent.status_reason), agent.skills.length ? say("monitor.skills_of", { skills: agent.skills.join(", ") }) : "", agent.queues.map((queue) => queue.name).join(", ")];
  return words.filter(Boolean).join("\n");
};
const Agent = memo(({ agent, held, manage, mine, wall }) => {
  const takes = Boolean(held) && mayGive(held, agent.id) && held.agent?.id !== agent.id;
  const { setNodeRef, isOver } = useDroppable({ id: `agent:${agent.id}`, data: { agent: agent.id }, disabled: !takes });
  const here = atWork(agent);
  const body = h("span", { ref: setNodeRef, className: `qm-agent${here ? "" : " off"}`, "data-takes": takes && hasRoom(agent) && agent.status === "online", "data-over": isOver, "data-not": Boolean(held) && !takes, "data-testid": "agent", "data-id": agent.id, "data-status": agent.status, title: aboutOf(agent) },
    h(Face, { person: agent }, h("span", { className: `stat ${STATUS_HUE[agent.status]}` })),
    h("span", { className: "grow col qm-agent-t" }, h("span", { className: "med dense ell" }, agent.name),
      h("span", { className: "row g6 qm-agent-l" }, here ? h(Load, { load: agent.load, capacity: agent.capacity }) : h(Resting, { agent }),
        here && h("span", { className: "micro muted tn nw" }, agent.status === "busy" ? say("monitor.status_low.busy") : `${agent.load}/${agent.capacity}`), !here && agent.load > 0 && h("span", { className: "micro t-amber tn nw" }, `${agent.load}/${agent.capacity}`))));
  if (wall) return h("li", null, body);
  const items = [
    { title: agent.name },
    { key: "talks", label: say("monitor.agent_talks"), icon: Inbox, hint: String(agent.load), run: () => view.go(`/inbox?agent=${agent.id}`) },
    ...(manage || mine ? ["line", ...STATUSES.map((status) => ({ key: status, label: say(`monitor.status.${status}`), dot: STATUS_HUE[status], hint: status === agent.status ? "✓" : "", run: () => status !== agent.status && acts.status(agent.id, status), test: `agent-${status}` })), "line",
      { key: "more", label: say("monitor.more_places", { count: agent.capacity + 1 }), icon: Plus, run: () => acts.capacity(agent.id, agent.capacity + 1), test: "agent-more" },
      { key: "less", label: say("monitor.fewer_places", { count: agent.capacity - 1 }), icon: Minus, disabled: agent.capacity < 1, run: () => acts.capacity(agent.id, agent.capacity - 1), test: "agent-less" }] : []),
    ...(manage ? [{ key: "edit", label: say("monitor.agent_edit"), icon: UserCog, run: () => view.go(`/team?agent=${agent.id}`) }] : []),
  ];
  return h("li", null, h(Menu, { trigger: h("button", { type: "button", className: "qm-agent-b", "aria-label": aboutOf(agent).replaceAll("\n", ", ") }, body), items, align: "start", label: agent.name }));
});

/** `held` is the item that is being dragged, if any. */
export const Agents = ({ held }) => {
  const agents = useMonitor("agents");
  const { manage, me, wall, phase } = useMonitor("page");
  if (phase === "loading") return h("div", { className: "qm-agents", "aria-hidden": true }, [0, 1, 2, 3, 4].map((n) => h("span", { key: n, className: "qm-agent" }, h("span", { className: "sk c qm-skface" }), h("span", { className: "grow col g6" }, h("span", { className: "sk" }), h("span", { className: "sk" })))));
  if (agents.length === 0) return null;
  return h("ul", { className: "qm-agents", "aria-label": say("monitor.agents") }, agents.map((agent) => h(Agent, { key: agent.id, agent, held, manage, mine: agent.id === me, wall })));
};
