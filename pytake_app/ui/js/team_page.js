// The team: everybody's status, places, skills and queues; one opens at the right with the history of their statuses.
import { createElement as h, Fragment, memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ArrowLeft, ChevronDown, Lock, RotateCw, Search, SearchX, TriangleAlert, UsersRound } from "lucide-react";
import { Link, useNavigate } from "react-router";
import { api } from "$/public/pt_api.js";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { Btn, Face, fold, Menu, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { onPoke } from "$/public/pt_live.js";
import { agentOrder, atWork, dotOf, faceOf, roughText, secondsSince, STATUS_HUE, useTick } from "$/public/pt_monitor_model.js";
import { Field, Numeric, Switch, Words } from "$/public/pt_queue_fields.js";
import { whileVisible } from "$/public/pt_page_store.js";
import { may as grants } from "$/public/pt_rights.js";
import { dayOf, inZone } from "$/public/pt_zone.js";

const STATUSES = ["online", "busy", "break", "away", "offline"];
const REST_MS = 800;
const problem = (error) => sayOf(`monitor.problem.${error?.code ?? "unknown"}`, error?.status === 403 ? "monitor.problem.forbidden" : "monitor.problem.unknown");
const State = ({ icon, title, detail, bad, act }) => h("div", { className: bad ? "state bad qm-state" : "state qm-state", role: bad ? "alert" : "status" }, h("div", { className: "pic" }, h(Sign, { of: icon, size: "l" })), h("div", { className: "str" }, title), detail && h("div", { className: "txt dense" }, detail), act && h("div", { className: "act" }, act));
const reasonOf = (agent) => (agent.status_reason === "connection_lost" ? say("monitor.reason_lost") : agent.status_reason);

const Status = ({ agent }) => {
  useTick();
  const words = say(`monitor.status.${agent.status}`);
  return h("span", { className: "tm-status" }, h("span", { className: `dot ${STATUS_HUE[agent.status]}` }), h("span", { className: "col" }, h("span", { className: "dense" }, words), h("span", { className: "meta muted tn ell" }, [reasonOf(agent), agent.status === "offline" ? "" : roughText(secondsSince(agent.status_since))].filter(Boolean).join(" · "))));
};
const Load = ({ agent }) => h("span", { className: "tm-load" }, h("span", { className: `qm-load${agent.load >= agent.capacity ? " full" : ""}${agent.capacity > 8 ? " one" : ""}` }, agent.capacity > 8 ? h("u", { className: "f", style: { width: `${Math.min(100, (agent.load / agent.capacity) * 100)}%` } }) : Array.from({ length: Math.max(1, agent.capacity) }, (_, i) => h("u", { key: i, className: i < agent.load ? "f" : "" }))), h("span", { className: "meta muted tn nw" }, `${agent.load}/${agent.capacity}`));
const Queues = ({ queues }) => (queues.length === 0 ? h("span", { className: "muted meta" }, say("monitor.no_queues_given")) : h("span", { className: "tm-tags" }, queues.slice(0, 3).map((queue) => h("span", { key: queue.id, className: "tm-q meta" }, h("span", { className: `dot ${dotOf(queue)}` }), h("span", { className: "ell" }, queue.name))), queues.length > 3 && h("span", { className: "meta muted" }, `+${queues.length - 3}`)));

const Row = memo(({ agent, on, onOpen }) =>
  h("tr", { className: on ? "click on" : "click", onClick: () => onOpen(agent.id), "data-testid": "team-row", "data-id": agent.id, "data-status": agent.status },
    h("td", { className: "c-who" }, h("div", { className: "row g8" }, h(Face, faceOf(agent)), h("div", { className: "col grow" }, h("button", { type: "button", className: "tm-name str ell", onClick: (event) => (event.stopPropagation(), onOpen(agent.id)), "aria-expanded": on }, agent.name), h("span", { className: "meta muted ell" }, agent.email)))),
    h("td", { className: "c-status" }, h(Status, { agent })), h("td", { className: "c-load" }, h(Load, { agent })), h("td", { className: "c-queues" }, h(Queues, { queues: agent.queues })),
    h("td", { className: "c-skills" }, h("span", { className: "tm-tags" }, agent.skills.slice(0, 3).map((skill) => h("span", { key: skill, className: "bdg violet" }, skill)), agent.skills.length > 3 && h("span", { className: "meta muted" }, `+${agent.skills.length - 3}`))),
    h("td", { className: "c-today tn" }, agent.online_today_seconds ? roughText(agent.online_today_seconds) : h("span", { className: "muted" }, "–"))));

const History = ({ id, since }) => {
  const [rows, setRows] = useState(null);
  useEffect(() => {
    let here = true;
    const week = new Date(Date.now() - 7 * 86400000).toISOString();
    api.get(`/api/v1/agents/${id}/history?from=${encodeURIComponent(week)}`).then((page) => here && setRows(page.items), () => here && setRows([]));
    return () => {
      here = false;
    };
  }, [id, since]);
  useTick();
  if (rows === null) return h("span", { className: "sk l", "aria-busy": true });
  if (rows.length === 0) return h("p", { className: "meta muted" }, say("monitor.history_none"));
  const days = [];
  for (const row of rows.slice(0, 60)) {
    const day = dayOf(row.from_at);
    if (days.at(-1)?.day !== day) days.push({ day, rows: [] });
    days.at(-1).rows.push(row);
  }
  return days.map(({ day, rows: shown }) => h("div", { key: day, className: "tm-day" }, h("div", { className: "meta med" }, inZone(getLang(), shown[0].from_at, { weekday: "long", day: "numeric", month: "short" })), h("ul", { className: "tm-hist" }, shown.map((row, i) => h("li", { key: `${row.from_at}${i}` }, h("span", { className: `dot ${STATUS_HUE[row.status]}` }), h("time", { className: "meta muted tn", dateTime: row.from_at, title: fmt.exact(getLang(), row.from_at) }, fmt.time(getLang(), row.from_at)), h("span", { className: "dense grow ell" }, [say(`monitor.status.${row.status}`), row.reason === "connection_lost" ? say("monitor.reason_lost") : row.reason].filter(Boolean).join(" · ")), h("span", { className: "meta muted tn nw", title: row.by_name ? say("monitor.set_by", { name: row.by_name }) : say("monitor.set_by_itself") }, roughText(row.until_at ? (new Date(row.until_at) - new Date(row.from_at)) / 1000 : secondsSince(row.from_at))))))));
};

/** One agent: what is changed here is kept when it is saved, a status at once. */
const Detail = ({ agent, queues, me, onChanged, onClose }) => {
  const manage = grants(me, "queues:manage");
  const mine = agent.id === me.id;
  const may = manage || mine;
  const given = () => Object.fromEntries(agent.queues.filter((one) => one.given).map((one) => [one.id, one.level]));
  const start = () => ({ capacity: agent.capacity, skills: agent.skills, auto_away: agent.auto_away, queues: given() });
  const [draft, setDraft] = useState(start);
  const [busy, setBusy] = useState(false);
  const shown = JSON.stringify(start());
  useEffect(() => setDraft(start()), [agent.id, shown]);
  const dirty = JSON.stringify(draft) !== shown;
  const put = (name) => (value) => setDraft((now) => ({ ...now, [name]: value }));
  const status = async (next) => {
    try {
      await api.put(`/api/v1/agents/${agent.id}/status`, { status: next });
      tell(say("monitor.done.status", { agent: agent.name.split(" ")[0], status: say(`monitor.status_low.${next}`) }), "success");
      onChanged();
    } catch (error) {
      tell(problem(error), "error");
    }
  };
  const save = async () => {
    setBusy(true);
    try {
      const { capacity, skills, auto_away } = draft;
      await api.put(`/api/v1/agents/${agent.id}/capacity`, { capacity, skills, auto_away });
      if (manage && JSON.stringify(draft.queues) !== JSON.stringify(given())) await api.put(`/api/v1/agents/${agent.id}/queues`, { queues: Object.entries(draft.queues).map(([queue_id, level]) => ({ queue_id, level })) });
      tell(say("monitor.agent_saved", { agent: agent.name.split(" ")[0] }), "success");
      onChanged();
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  const setLevel = (id, level) => setDraft((now) => {
    const next = { ...now.queues };
    if (level === null) delete next[id];
    else next[id] = level;
    return { ...now, queues: next };
  });
  const free = Object.keys(draft.queues).length === 0;
  return h("aside", { className: "tm-panel", "aria-label": agent.name, "data-testid": "team-panel" },
    h("div", { className: "tm-ph" }, h("button", { type: "button", className: "ib", "aria-label": say("common.back"), onClick: onClose }, h(Sign, { of: ArrowLeft, size: "" })), h(Face, { ...faceOf(agent), size: "l" }), h("div", { className: "col grow" }, h("h2", { className: "str ell" }, agent.name), h("span", { className: "meta muted ell" }, `${say(`monitor.role.${agent.role}`)} · ${agent.email}`))),
    h("div", { className: "tm-body" },
      h("section", null, h("h3", { className: "h-sec" }, say("monitor.status_title")),
        h("div", { className: "row g8" }, h(Status, { agent }), h("span", { className: "grow" }), may && h(Menu, { trigger: h("button", { type: "button", className: "btn line sm", "data-testid": "team-status" }, say("monitor.change_status"), h(Sign, { of: ChevronDown, size: "xs" })), items: STATUSES.map((name) => ({ key: name, label: say(`monitor.status.${name}`), dot: STATUS_HUE[name], hint: name === agent.status ? "✓" : "", run: () => status(name), test: `team-status-${name}` })), label: say("monitor.change_status") })),
        h("dl", { className: "tm-facts" }, h("dt", null, say("monitor.today_online")), h("dd", { className: "tn" }, agent.online_today_seconds ? roughText(agent.online_today_seconds) : "–"), h("dt", null, say("monitor.talks_now")), h("dd", { className: "tn" }, h(Link, { className: "link", to: `/inbox?agent=${agent.id}` }, say("monitor.load_of", { count: agent.load, capacity: agent.capacity }))))),
      h("section", null, h("h3", { className: "h-sec" }, say("monitor.places_skills")),
        h(Field, { label: say("monitor.f.capacity"), hint: say("monitor.f.capacity_hint") }, h(Numeric, { value: draft.capacity, onChange: put("capacity"), off: !may, max: 100, empty: false, unit: say("monitor.unit.at_once"), test: "f-capacity" })),
        h("div", { className: "ff" }, h("span", { className: "lbl" }, say("monitor.f.agent_skills")), h(Words, { values: draft.skills, onChange: put("skills"), label: say("monitor.f.agent_skills"), placeholder: say("monitor.f.skills_placeholder"), off: !may, limit: 50, test: "f-agent-skills" }), h("span", { className: "hint" }, say("monitor.f.agent_skills_hint"))),
        h(Switch, { on: draft.auto_away, onChange: put("auto_away"), label: say("monitor.f.auto_away"), hint: say("monitor.f.auto_away_hint"), off: !may, test: "f-auto-away" })),
      h("section", null, h("h3", { className: "h-sec" }, say("monitor.queues_answered")), h("p", { className: "meta muted" }, say(free ? "monitor.queues_free" : "monitor.queues_given")),
        h("ul", { className: "tm-qs" }, queues.map((queue) => {
          const level = draft.queues[queue.id];
          const by = agent.queues.find((one) => one.id === queue.id);
          return h("li", { key: queue.id }, h("label", { className: "row g8 grow dense" }, h("input", { type: "checkbox", checked: level !== undefined, disabled: !manage, onChange: (event) => setLevel(queue.id, event.target.checked ? 0 : null), "data-testid": "team-queue" }), h("span", { className: `dot ${dotOf(queue)}` }), h("span", { className: "ell" }, queue.name), free && by && h("span", { className: "meta muted nw" }, say("monitor.answers_anyway"))), level !== undefined && h("select", { className: "input tm-level", value: level, disabled: !manage, "aria-label": say("monitor.level_of", { queue: queue.name }), onChange: (event) => setLevel(queue.id, Number(event.target.value)) }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => h("option", { key: n, value: n }, say("monitor.level", { level: n })))));
        }))),
      h("section", null, h("h3", { className: "h-sec" }, say("monitor.history")), h(History, { id: agent.id, since: agent.status_since }))),
    may && dirty && h("div", { className: "qs-foot" }, h("span", { className: "meta muted qs-unsaved grow" }, say("monitor.unsaved")), h(Btn, { kind: "ghost", onClick: () => setDraft(start()) }, say("monitor.discard")), h(Btn, { kind: "solid", busy, onClick: save, test: "team-save" }, say("common.save"))));
};

const Team = ({ me }) => {
  const navigate = useNavigate();
  const [phase, setPhase] = useState("loading");
  const [agents, setAgents] = useState([]);
  const [queues, setQueues] = useState([]);
  const [query, setQuery] = useState("");
  const [filter, setFilter] = useState("all");
  const [open, setOpen] = useState(() => new URLSearchParams(window.location.search).get("agent"));
  const timer = useRef(null);
  const load = useCallback(async () => {
    try {
      const [team, lines] = await Promise.all([api.get("/api/v1/agents"), api.get("/api/v1/queues?limit=200")]);
      setAgents([...team.items].sort(agentOrder));
      setQueues(lines.items);
      setPhase("ready");
    } catch (error) {
      setPhase((now) => (now === "ready" ? now : error.status === 403 ? "forbidden" : error.status === 0 ? "offline" : "error"));
    }
  }, []);
  useEffect(() => {
    load();
    const soon = () => {
      timer.current ??= setTimeout(() => {
        timer.current = null;
        load();
      }, REST_MS);
    };
    const stops = [onPoke("", (pokes) => pokes.some(({ topic }) => topic === "live:reconnected" || topic.endsWith(":queues")) && soon()), whileVisible(60000, soon)];
    return () => {
      clearTimeout(timer.current);
      stops.forEach((stop) => stop());
    };
  }, []);
  const show = useCallback((id) => {
    setOpen(id);
    navigate(id ? `/team?agent=${id}` : "/team", { replace: true });
  }, []);
  const counts = useMemo(() => ({ all: agents.length, working: agents.filter(atWork).length, resting: agents.filter((one) => ["break", "away"].includes(one.status)).length, offline: agents.filter((one) => one.status === "offline").length }), [agents]);
  const fits = { all: () => true, working: atWork, resting: (one) => ["break", "away"].includes(one.status), offline: (one) => one.status === "offline" };
  const shown = agents.filter((one) => fits[filter](one) && fold(`${one.name} ${one.email} ${one.skills.join(" ")} ${one.queues.map((queue) => queue.name).join(" ")}`).includes(fold(query.trim())));
  const chosen = agents.find((one) => one.id === open);
  if (phase === "forbidden") return h(State, { icon: Lock, title: say("common.no_permission"), detail: say("common.no_permission_detail") });
  if (phase === "error" || phase === "offline") return h(State, { icon: TriangleAlert, bad: true, title: say("monitor.load_failed"), detail: say(phase === "offline" ? "monitor.offline" : "common.failed_detail"), act: h(Btn, { icon: RotateCw, onClick: load }, say("common.retry")) });
  const head = h("thead", null, h("tr", null, ["who", "status", "load", "queues", "skills", "today"].map((name) => h("th", { key: name, scope: "col", className: `c-${name}` }, say(`monitor.col.${name}`)))));
  const skeleton = [0, 1, 2, 3].map((n) => h("tr", { key: n, "aria-hidden": true }, h("td", { className: "c-who" }, h("div", { className: "row g8" }, h("span", { className: "sk c qm-skface" }), h("span", { className: "sk qm-sk2" }))), h("td", { className: "c-status" }, h("span", { className: "sk qm-sk1" })), h("td", { className: "c-load" }, h("span", { className: "sk" })), h("td", { className: "c-queues" }, h("span", { className: "sk qm-sk1" })), h("td", { className: "c-skills" }), h("td", { className: "c-today" })));
  return h("div", { className: "tm", "data-open": Boolean(chosen) },
    h("div", { className: "tm-main" },
      h("div", { className: "tm-tools" }, h("div", { className: "seg", role: "group", "aria-label": say("monitor.filter") }, Object.keys(counts).map((name) => h("button", { key: name, type: "button", "aria-pressed": filter === name, onClick: () => setFilter(name), "data-testid": `team-${name}` }, say(`monitor.team_filter.${name}`), h("span", { className: "n" }, counts[name])))), h("span", { className: "grow" }), h("label", { className: "field tm-find" }, h(Sign, { of: Search }), h("input", { type: "search", value: query, placeholder: say("monitor.find_agent"), "aria-label": say("monitor.find_agent"), "data-search": "true", onChange: (event) => setQuery(event.target.value), "data-testid": "team-search" }))),
      h("div", { className: "tm-scroll" }, phase === "ready" && shown.length === 0
        ? h(State, { icon: query || filter !== "all" ? SearchX : UsersRound, title: say(query || filter !== "all" ? "monitor.no_agent_found" : "monitor.team_empty"), act: (query || filter !== "all") && h(Btn, { onClick: () => (setQuery(""), setFilter("all")) }, say("monitor.show_all")) })
        : h("div", { className: "card" }, h("table", { className: "tbl tm-tbl", "aria-label": say("monitor.team_title"), "aria-busy": phase === "loading" }, head, h("tbody", null, phase === "loading" ? skeleton : shown.map((agent) => h(Row, { key: agent.id, agent, on: agent.id === open, onOpen: show }))))))),
    chosen && h(Detail, { key: chosen.id, agent: chosen, queues, me, onChanged: load, onClose: () => show(null) }));
};

/** The page; `me` is `{id, role}` of who is signed in. */
export const TeamRoot = ({ me, ...rest }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => setReady(true), []);
  return h("div", { ...rest, className: "qm" }, ready && me?.id && h(Fragment, { key: lang }, h(Team, { me })));
};
