// Every organization of the installation, for who runs it: list with usage, one in detail, the plans' limits.
import { createElement as h, Fragment, useCallback, useEffect, useRef, useState } from "react";
import { Building2, Plus, RotateCw, Search, SearchX, TriangleAlert } from "lucide-react";
import { useNavigate } from "react-router";
import { api } from "$/public/pt_api.js";
import { Btn, say, Sign, tell } from "$/public/pt_inbox_kit.js";
import { CreateDialog, InvitationDialog } from "$/public/pt_admin_dialogs.js";
import { Detail } from "$/public/pt_admin_organization.js";
import { problem } from "$/public/pt_organization_page.js";
import { Bar, count, day, hueOf, PlanBadge, planName, PLANS, RESOURCES } from "$/public/pt_plan_kit.js";
import { Numeric } from "$/public/pt_queue_fields.js";
import { Forbidden, SettingsPage } from "$/public/pt_settings_kit.js";

const ADDRESS = "/admin/organizations";
const STATUSES = ["active", "suspended", "deleting"];
const STATUS_HUE = { active: "jade", suspended: "amber", deleting: "red" };
const TYPING_MS = 250;
const State = ({ icon, title, detail, bad, act }) => h("div", { className: bad ? "state bad" : "state", role: bad ? "alert" : "status" }, h("div", { className: "pic" }, h(Sign, { of: icon, size: "l" })), h("div", { className: "str" }, title), detail && h("div", { className: "txt dense" }, detail), act && h("div", { className: "act" }, act));

export const StatusBadge = ({ row }) => h("span", { className: `bdg ${STATUS_HUE[row.status]}` }, say(`plans.status_${row.status}`));
const Meters = ({ usage }) => h("span", { className: "pl-meters" }, usage.resources.map((one) => h("span", { key: one.resource, title: `${say(`plans.r_${one.resource}`)}: ${one.limit === null ? count(one.used) : say("plans.used_of", { used: count(one.used), limit: count(one.limit) })}`, "data-hue": hueOf(one.percent) }, h("span", { className: "micro muted" }, say(`plans.short_${one.resource}`)), h(Bar, { used: one.used, percent: one.percent, label: say(`plans.r_${one.resource}`) }), h("span", { className: "micro tn" }, count(one.used)))));

const Row = ({ row, onOpen }) =>
  h("tr", { className: "click", onClick: () => onOpen(row.id), "data-testid": "organization-row", "data-id": row.id, "data-status": row.status },
    h("td", { className: "c-name" }, h("button", { type: "button", className: "pl-name str ell", onClick: (event) => (event.stopPropagation(), onOpen(row.id)) }, row.name), h("span", { className: "meta muted ell" }, row.slug)),
    h("td", { className: "c-plan" }, h(PlanBadge, { usage: row.usage })),
    h("td", { className: "c-usage" }, h(Meters, { usage: row.usage })),
    h("td", { className: "c-status" }, h(StatusBadge, { row }), row.status === "deleting" && h("span", { className: "meta muted nw" }, say("plans.erased_on", { date: day(row.delete_after) }))));

const Filters = ({ query, onQuery, status, onStatus, plan, onPlan }) =>
  h("div", { className: "pl-tools" },
    h("label", { className: "field pl-find" }, h(Sign, { of: Search }), h("input", { type: "search", value: query, placeholder: say("plans.find"), "aria-label": say("plans.find"), "data-search": "true", onChange: (event) => onQuery(event.target.value), "data-testid": "organization-search" })),
    h("select", { className: "input", value: status, "aria-label": say("plans.status"), onChange: (event) => onStatus(event.target.value), "data-testid": "organization-status" }, h("option", { value: "" }, say("plans.any_status")), STATUSES.map((name) => h("option", { key: name, value: name }, say(`plans.status_${name}`)))),
    h("select", { className: "input", value: plan, "aria-label": say("plans.plan"), onChange: (event) => onPlan(event.target.value), "data-testid": "organization-plan" }, h("option", { value: "" }, say("plans.any_plan")), PLANS.map((name) => h("option", { key: name, value: name }, planName(name)))));

const List = ({ onOpen }) => {
  const [query, setQuery] = useState("");
  const [status, setStatus] = useState("");
  const [plan, setPlan] = useState("");
  const [found, setFound] = useState({ phase: "loading", items: [], cursor: null });
  const asked = useRef(0);
  const load = useCallback(async (cursor = null) => {
    const turn = (asked.current += 1);
    const search = new URLSearchParams(Object.entries({ q: query.trim(), status, plan, cursor, limit: "50" }).filter(([, value]) => value));
    try {
      const page = await api.get(`/api/v1/organizations?${search}`);
      if (turn === asked.current) setFound((now) => ({ phase: "ready", items: cursor ? [...now.items, ...page.items] : page.items, cursor: page.next_cursor }));
    } catch (error) {
      if (turn === asked.current) setFound((now) => ({ ...now, phase: error.status === 403 ? "forbidden" : "failed" }));
    }
  }, [query, status, plan]);
  useEffect(() => {
    const timer = setTimeout(load, query ? TYPING_MS : 0);
    return () => clearTimeout(timer);
  }, [load]);
  if (found.phase === "forbidden") return h(Forbidden);
  if (found.phase === "failed") return h(State, { icon: TriangleAlert, bad: true, title: say("plans.load_failed"), detail: say("common.failed_detail"), act: h(Btn, { icon: RotateCw, onClick: () => load() }, say("common.retry")) });
  const narrowed = query || status || plan;
  const clear = () => {
    setQuery("");
    setStatus("");
    setPlan("");
  };
  return h(Fragment, null,
    h(Filters, { query, onQuery: setQuery, status, onStatus: setStatus, plan, onPlan: setPlan }),
    found.phase === "ready" && found.items.length === 0
      ? h(State, { icon: narrowed ? SearchX : Building2, title: say(narrowed ? "plans.none_found" : "plans.none"), act: narrowed && h(Btn, { onClick: clear }, say("plans.show_all")) })
      : h("div", { className: "card pl-card" }, h("table", { className: "tbl pl-list", "aria-label": say("plans.organizations"), "aria-busy": found.phase === "loading" },
        h("thead", null, h("tr", null, ["name", "plan", "usage", "status"].map((name) => h("th", { key: name, scope: "col", className: `c-${name}` }, say(`plans.col_${name}`))))),
        h("tbody", null, found.phase === "loading" && found.items.length === 0 ? [0, 1, 2].map((n) => h("tr", { key: n, "aria-hidden": true }, h("td", { colSpan: 4 }, h("span", { className: "sk l" })))) : found.items.map((row) => h(Row, { key: row.id, row, onOpen }))))),
    found.cursor && h("div", null, h(Btn, { onClick: () => load(found.cursor), test: "organizations-more" }, say("plans.more"))));
};

const PlanLimits = ({ plan, onSaved }) => {
  const [draft, setDraft] = useState(plan.limits);
  const [busy, setBusy] = useState(false);
  const dirty = RESOURCES.some((name) => draft[name] !== plan.limits[name]);
  const save = async () => {
    setBusy(true);
    try {
      onSaved(await api.patch(`/api/v1/plans/${plan.name}`, draft));
      tell(say("plans.plan_saved", { plan: planName(plan.name) }), "success");
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  return h("section", { className: "sg-card", "aria-label": planName(plan.name), "data-testid": `plan-${plan.name}` }, h("h3", null, planName(plan.name)),
    h("div", { className: "pl-fields" }, RESOURCES.map((name) => h("label", { key: name, className: "ff" }, h("span", { className: "lbl" }, say(`plans.r_${name}`)), h(Numeric, { value: draft[name], placeholder: say("plans.unlimited"), onChange: (value) => setDraft((now) => ({ ...now, [name]: value })), test: `limit-${name}` })))),
    h("div", { className: "foot" }, h("span", { className: "meta muted grow" }, say("plans.empty_unlimited")), h(Btn, { kind: "solid", busy, disabled: !dirty, onClick: save, test: "plan-save" }, say("common.save"))));
};
const Plans = () => {
  const [plans, setPlans] = useState(null);
  const load = () => api.get("/api/v1/plans").then((found) => setPlans(found.items)).catch((error) => tell(problem(error), "error"));
  useEffect(() => {
    load();
  }, []);
  if (!plans) return h("div", { className: "sg-card", "aria-busy": true }, [0, 1, 2].map((n) => h("span", { key: n, className: "sk l" })));
  return h(Fragment, null, plans.map((plan) => h(PlanLimits, { key: `${plan.name}${JSON.stringify(plan.limits)}`, plan, onSaved: (saved) => setPlans((now) => now.map((one) => (one.name === saved.name ? saved : one))) })));
};

const Page = () => {
  const navigate = useNavigate();
  const [tab, setTab] = useState("organizations");
  const [open, setOpen] = useState(() => new URLSearchParams(window.location.search).get("id"));
  const [making, setMaking] = useState(false);
  const [asked, setAsked] = useState(null); // who is to get a link by hand
  const show = (id) => {
    setOpen(id);
    navigate(id ? `${ADDRESS}?id=${id}` : ADDRESS, { replace: true });
  };
  const link = asked && h(InvitationDialog, { made: asked, onClose: () => setAsked(null) });
  if (open) return h(Fragment, null, h(Detail, { key: open, id: open, onBack: () => show(null) }), link);
  return h(Fragment, null,
    h("div", { className: "row g8 wrap" }, h("div", { className: "seg", role: "group", "aria-label": say("plans.organizations") }, ["organizations", "plans"].map((name) => h("button", { key: name, type: "button", "aria-pressed": tab === name, onClick: () => setTab(name), "data-testid": `tab-${name}` }, say(`plans.tab_${name}`)))), h("span", { className: "grow" }), tab === "organizations" && h(Btn, { kind: "solid", icon: Plus, onClick: () => setMaking(true), test: "organization-new" }, say("plans.new"))),
    tab === "organizations" ? h(List, { onOpen: show }) : h(Plans),
    making && h(CreateDialog, { onClose: () => setMaking(false), onMade: (row, invitation) => {
      setMaking(false);
      if (invitation?.link) setAsked(invitation);
      show(row.id);
    } }));
};

/** The page. */
export const AdminOrganizations = () => h(SettingsPage, { of: Page });
