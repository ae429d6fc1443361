// The queues and what holds in each: list at the left, the chosen one at the right; on a phone one after the other.
import { createElement as h, Fragment, useCallback, useEffect, useRef, useState } from "react";
import { ArrowLeft, ListPlus, Lock, Plus, RotateCw, TriangleAlert } from "lucide-react";
import { Link, useNavigate } from "react-router";
import { api } from "$/public/pt_api.js";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { Btn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { dotOf } from "$/public/pt_monitor_model.js";
import { Field, Select } from "$/public/pt_queue_fields.js";
import { NEW_QUEUE, QueueForm, SECTIONS } from "$/public/pt_queue_form.js";
import { may as grants } from "$/public/pt_rights.js";

const readAll = async (url) => {
  const items = [];
  let cursor = null;
  do {
    const page = await api.get(`${url}?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
};
const State = ({ icon, title, detail, bad, act }) => h("div", { className: bad ? "state bad qm-state" : "state qm-state", role: bad ? "alert" : "status" }, h("div", { className: "pic" }, h(Sign, { of: icon, size: "l" })), h("div", { className: "str" }, title), h("div", { className: "txt dense" }, detail), act && h("div", { className: "act" }, act));

/** Who waits in a queue that is taken away goes on waiting in another one. */
const DeleteDialog = ({ queue, queues, waiting, onClose, onDone }) => {
  const others = queues.filter((one) => one.id !== queue.id && one.is_active);
  const [target, setTarget] = useState(others.find((one) => one.is_default)?.id ?? others[0]?.id ?? null);
  const [busy, setBusy] = useState(false);
  const [asks, setAsks] = useState(waiting > 0);
  const remove = async () => {
    setBusy(true);
    try {
      await api.delete(`/api/v1/queues/${queue.id}${asks && target ? `?move_to=${target}` : ""}`);
      tell(say("monitor.queue_deleted", { name: queue.name }), "success");
      onDone();
    } catch (error) {
      if (error.code === "people_waiting" && !asks) setAsks(true); // somebody came just now
      else tell(sayOf(`monitor.problem.${error.code}`, "monitor.problem.unknown"), "error");
    } finally {
      setBusy(false);
    }
  };
  return h(Modal, { title: say("monitor.delete_title", { name: queue.name }), detail: say("monitor.delete_detail"), onClose, test: "queue-delete-dialog", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h(Btn, { kind: "danger", busy, disabled: asks && !target, onClick: remove, test: "queue-delete-confirm" }, say("monitor.delete_queue"))) },
    asks && h(Field, { label: waiting ? say("monitor.delete_waiting", { count: waiting }) : say("monitor.delete_waiting_some") }, h(Select, { value: target, options: others.map((one) => [one.id, one.name]), onChange: setTarget, test: "queue-move-to" })));
};

const Settings = ({ me }) => {
  const navigate = useNavigate();
  const manage = grants(me, "queues:manage");
  const [phase, setPhase] = useState("loading");
  const [queues, setQueues] = useState([]);
  const [waiting, setWaiting] = useState({});
  const [lists, setLists] = useState({ departments: [], calendars: [], agents: [] });
  const [chosen, setChosen] = useState(() => {
    const query = new URLSearchParams(window.location.search);
    return query.get("new") ? "new" : query.get("queue");
  });
  const [gone, setGone] = useState(null);
  const dirty = useRef(false);
  const load = useCallback(async () => {
    try {
      const [found, counts, departments, calendars, agents] = await Promise.all([readAll("/api/v1/queues"), api.get("/api/v1/queues/waiting"), readAll("/api/v1/departments"), readAll("/api/v1/business-hours"), readAll("/api/v1/agents")]);
      setQueues(found);
      setWaiting(Object.fromEntries(counts.queues.map((one) => [one.id, one.waiting])));
      setLists({ departments, calendars, agents });
      setPhase("ready");
    } catch (error) {
      setPhase(error.status === 403 ? "forbidden" : error.status === 0 ? "offline" : "error");
    }
  }, []);
  useEffect(() => {
    load();
    const leaving = (event) => dirty.current && event.preventDefault();
    window.addEventListener("beforeunload", leaving);
    return () => window.removeEventListener("beforeunload", leaving);
  }, []);
  const choose = (id) => {
    if (dirty.current && !window.confirm(say("monitor.leave_unsaved"))) return;
    dirty.current = false;
    setChosen(id);
    navigate(id && id !== "new" ? `/queues/settings?queue=${id}` : "/queues/settings", { replace: true });
  };
  const wide = typeof window === "undefined" || window.innerWidth >= 768;
  const open = chosen === "new" ? { ...NEW_QUEUE, is_default: queues.length === 0 } : (queues.find((one) => one.id === chosen) ?? (wide ? queues[0] : null));
  const saved = async (queue) => {
    dirty.current = false;
    await load();
    if (queue) setChosen(queue.id);
    else setChosen(null);
  };
  if (phase === "forbidden") return h(State, { icon: Lock, title: say("common.no_permission"), detail: say("common.no_permission_detail") });
  if (phase === "error" || phase === "offline") return h(State, { icon: TriangleAlert, bad: true, title: say("monitor.load_failed"), detail: say(phase === "offline" ? "monitor.offline" : "common.failed_detail"), act: h(Btn, { icon: RotateCw, onClick: load }, say("common.retry")) });
  const rows = phase === "loading" ? [0, 1, 2].map((n) => h("li", { key: n, className: "qs-row", "aria-hidden": true }, h("span", { className: "sk" }))) : queues.map((queue) => h("li", { key: queue.id }, h("button", { type: "button", className: "qs-row", "aria-current": open?.id === queue.id ? "true" : undefined, onClick: () => choose(queue.id), "data-testid": "queue-row" },
    h("span", { className: `dot ${dotOf(queue)}` }), h("span", { className: "grow col" }, h("span", { className: "med dense ell" }, queue.name), h("span", { className: "meta muted ell" }, queue.is_active ? say(`monitor.distribution_short.${queue.distribution}`) : say("monitor.paused"))), queue.is_default && h("span", { className: "bdg jade" }, say("monitor.is_default")), waiting[queue.id] > 0 && h("span", { className: "cnt gray", title: say("monitor.waiting_n", { count: waiting[queue.id] }) }, fmt.number(getLang(), waiting[queue.id])))));
  return h("div", { className: "qs", "data-open": Boolean(open), "aria-busy": phase === "loading" },
    h("aside", { className: "qs-list", "aria-label": say("monitor.queues") },
      h("div", { className: "qs-lh" }, h(Link, { className: "btn ghost sm", to: "/queues" }, h(Sign, { of: ArrowLeft }), say("monitor.back_to_monitor")), h("span", { className: "grow" }), manage && h(Btn, { kind: "soft", small: true, icon: Plus, onClick: () => choose("new"), test: "queue-new" }, say("monitor.new_queue_button"))),
      h("ul", { className: "qs-rows" }, rows)),
    h("div", { className: "qs-main" }, phase === "loading" ? h("div", { className: "qs-form" }, [0, 1, 2].map((n) => h("div", { key: n, className: "qs-section" }, h("span", { className: "sk l" })))) : open ? h(Fragment, { key: open.id ?? "new" },
      h("div", { className: "qs-head" }, h("button", { type: "button", className: "ib qs-back", "aria-label": say("monitor.back_to_list"), onClick: () => choose(null) }, h(Sign, { of: ArrowLeft, size: "" })), h("span", { className: `dot ${dotOf(open)}` }), h("h2", { className: "title ell" }, open.name || say("monitor.new_queue")), open.is_default && open.id && h("span", { className: "bdg jade" }, say("monitor.is_default")), !manage && h("span", { className: "bdg" }, say("monitor.read_only"))),
      h("nav", { className: "qs-jump", "aria-label": say("monitor.sections") }, SECTIONS.map(([name]) => h("button", { key: name, type: "button", className: "btn ghost sm", onClick: () => document.getElementById(`qs-${name}`)?.scrollIntoView({ behavior: "smooth", block: "start" }) }, say(`monitor.section.${name}`)))),
      h(QueueForm, { queue: open, queues, lists, manage, hueOf: dotOf, onSaved: saved, onDelete: setGone, onDirty: (is) => {
        dirty.current = is;
      } })) : h(State, { icon: ListPlus, title: say(queues.length ? "monitor.choose_queue" : "monitor.no_queues"), detail: say(queues.length ? "monitor.choose_queue_detail" : "monitor.no_queues_detail"), act: manage && h(Btn, { kind: "solid", onClick: () => choose("new") }, say("monitor.make_queue")) })),
    gone && h(DeleteDialog, { queue: gone, queues, waiting: waiting[gone.id] ?? 0, onClose: () => setGone(null), onDone: () => {
      setGone(null);
      setChosen(null);
      load();
    } }));
};

/** The page; `me` is `{id, role}` of who is signed in. */
export const QueueSettingsRoot = ({ me, ...rest }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => setReady(true), []);
  return h("div", { ...rest, className: "qm" }, ready && me?.id && h(Fragment, { key: lang }, h(Settings, { me })));
};
