// One organization as who runs the installation sees it: what it is, its plan and limits, suspending and deleting.
import { createElement as h, Fragment, useState } from "react";
import { ArrowLeft, MailPlus, RefreshCw } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { DateField } from "$/public/pt_date_field.js";
import { Btn, Face, say, Sign, tell } from "$/public/pt_inbox_kit.js";
import { hueOf, initials } from "$/public/pt_inbox_model.js";
import { AdministratorDialog, DeleteDialog, InvitationDialog, SuspendDialog } from "$/public/pt_admin_dialogs.js";
import { OrganizationForm, problem } from "$/public/pt_organization_page.js";
import { count, day, planName, PLANS, RESOURCES, UsageList } from "$/public/pt_plan_kit.js";
import { Field, Numeric, Select } from "$/public/pt_queue_fields.js";
import { Failed, useRead, Waiting } from "$/public/pt_settings_kit.js";
import { dayOf, fromWall } from "$/public/pt_zone.js";

const HUES = { active: "jade", suspended: "amber", deleting: "red" };
const MODES = ["plan", "own", "unlimited"];
const Fact = ({ name, children }) => h(Fragment, null, h("dt", null, name), h("dd", null, children || "–"));

const modeOf = (own, name) => (!(name in own) ? "plan" : own[name] === null ? "unlimited" : "own");
const Limit = ({ name, own, ofPlan, onChange }) => {
  const mode = modeOf(own, name);
  const change = (next) => onChange(next === "plan" ? undefined : next === "unlimited" ? null : (ofPlan ?? 0));
  return h("div", { className: "pl-limit" }, h("span", { className: "dense grow" }, say(`plans.r_${name}`)),
    h("select", { className: "input", value: mode, "aria-label": say("plans.limit_of", { resource: say(`plans.r_${name}`) }), onChange: (event) => change(event.target.value), "data-testid": `mode-${name}` }, MODES.map((one) => h("option", { key: one, value: one }, say(`plans.mode_${one}`)))),
    mode === "own" ? h(Numeric, { value: own[name], empty: false, label: say("plans.limit_of", { resource: say(`plans.r_${name}`) }), onChange, test: `own-${name}` }) : h("span", { className: "dense muted tn pl-of" }, mode === "unlimited" || ofPlan === null || ofPlan === undefined ? say("plans.unlimited") : count(ofPlan)));
};

const PlanForm = ({ row, plans, onRow }) => {
  const start = () => ({ plan: row.plan, trial: row.trial_ends_at ? dayOf(row.trial_ends_at) : "", own: row.own_limits });
  const [draft, setDraft] = useState(start);
  const [busy, setBusy] = useState(false);
  const dirty = JSON.stringify(draft) !== JSON.stringify(start());
  const limits = plans.find((plan) => plan.name === draft.plan)?.limits ?? {};
  const setLimit = (name) => (value) => setDraft((now) => {
    const own = { ...now.own };
    if (value === undefined) delete own[name];
    else own[name] = value;
    return { ...now, own };
  });
  const save = async () => {
    setBusy(true);
    try {
      const trial = draft.trial ? fromWall(`${draft.trial}T23:59`).toISOString() : null;
      onRow(await api.put(`/api/v1/organizations/${row.id}/plan`, { plan: draft.plan, trial_ends_at: trial, reset_limits: true, limits: draft.own }));
      tell(say("plans.saved"), "success");
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  return h("section", { className: "sg-card", "aria-label": say("plans.plan_and_limits") }, h("h3", null, say("plans.plan_and_limits")),
    h("div", { className: "sg-grid" },
      h(Field, { label: say("plans.plan") }, h(Select, { value: draft.plan, options: PLANS.map((name) => [name, planName(name)]), onChange: (plan) => setDraft((now) => ({ ...now, plan, trial: "" })), test: "detail-plan" })),
      h(Field, { label: say("plans.trial_until"), hint: say("plans.trial_until_hint") }, h(DateField, { value: draft.trial, label: say("plans.trial_until"), placeholder: say("common.no_day"), optional: true, min: dayOf(Date.now()), onChange: (trial) => setDraft((now) => ({ ...now, trial })), test: "detail-trial" }))),
    h("div", { className: "col g6" }, h("span", { className: "lbl" }, say("plans.limits")), RESOURCES.map((name) => h(Limit, { key: name, name, own: draft.own, ofPlan: limits[name], onChange: setLimit(name) }))),
    h("div", { className: "foot" }, dirty && h(Btn, { kind: "ghost", onClick: () => setDraft(start()) }, say("monitor.discard")), h(Btn, { kind: "solid", busy, disabled: !dirty, onClick: save, test: "detail-save" }, say("common.save"))));
};

const Standing = ({ row }) => {
  if (row.status === "suspended") return h("div", { className: "notice amber", "data-testid": "standing" }, h("span", null, say("plans.suspended_told", { date: day(row.suspended_at), who: row.suspended_by || "–" }), row.suspension_reason && h("span", { className: "str" }, ` “${row.suspension_reason}”`)));
  if (row.status === "deleting") return h("div", { className: "notice red", "data-testid": "standing" }, say("plans.deleting_told", { date: day(row.deletion_requested_at), who: row.deletion_requested_by || "–", until: day(row.delete_after) }));
  return null;
};

/** Who administers it, and who is asked to. */
const Administrators = ({ row, load }) => {
  const [dialog, setDialog] = useState(null);
  const [busy, setBusy] = useState("");
  const close = () => setDialog(null);
  const asked = (made) => {
    if (made.link) setDialog({ made });
    else {
      close();
      tell(say("members.invited", { email: made.email }), "success");
    }
    load();
  };
  const again = async (email) => {
    setBusy(email);
    try {
      asked(await api.post(`/api/v1/organizations/${row.id}/administrators`, { email, locale: row.locale }));
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy("");
    }
  };
  return h("section", { className: "sg-card", "aria-label": say("plans.admins") },
    h("div", { className: "sg-card-h" }, h("h3", null, say("plans.admins")), row.status === "active" && h(Btn, { icon: MailPlus, onClick: () => setDialog({ asks: true }), test: "administrator-ask" }, say("members.invite"))),
    row.admins.length + row.invited.length === 0 ? h("p", { className: "dense muted" }, say("plans.admins_none")) : h("ul", { className: "sg-rows" },
      row.admins.map((one) => h("li", { key: one.id, "data-testid": "administrator" }, h(Face, { initials: initials(one.name), hue: hueOf(one.id) }), h("div", { className: "col grow" }, h("span", { className: "dense med ell" }, one.name), h("span", { className: "meta muted ell" }, one.email)))),
      row.invited.map((one) => h("li", { key: one.email, "data-testid": "administrator-invited" }, h("span", { className: "tile" }, h(Sign, { of: MailPlus, size: "" })), h("div", { className: "col grow" }, h("span", { className: "dense med ell" }, one.email), h("span", { className: "meta muted ell" }, one.state === "expired" ? say("members.expired") : say("members.good_until", { date: day(one.expires_at) }))), row.status === "active" && h(Btn, { small: true, icon: RefreshCw, busy: busy === one.email, onClick: () => again(one.email), test: "administrator-again" }, say("members.resend"))))),
    dialog?.asks && h(AdministratorDialog, { row, onClose: close, onAsked: asked }), dialog?.made && h(InvitationDialog, { made: dialog.made, onClose: close }));
};

const Acts = ({ row, onRow }) => {
  const [dialog, setDialog] = useState(null);
  const [busy, setBusy] = useState(false);
  const act = async (work) => {
    setBusy(true);
    try {
      onRow(await work());
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  const path = `/api/v1/organizations/${row.id}`;
  const close = () => setDialog(null);
  return h("section", { className: "sg-card", "aria-label": say("plans.access") }, h("h3", null, say("plans.access")),
    h("p", { className: "dense muted" }, say(row.is_own ? "plans.access_own" : "plans.access_lead")),
    !row.is_own && h("div", { className: "row g8 wrap" },
      row.status === "active" && h(Btn, { onClick: () => setDialog("suspend"), test: "suspend" }, say("plans.suspend")),
      row.status === "suspended" && h(Btn, { kind: "solid", busy, onClick: () => act(() => api.patch(path, { status: "active" })), test: "reactivate" }, say("plans.reactivate")),
      row.status === "deleting" ? h(Btn, { kind: "solid", busy, onClick: () => act(() => api.post(`${path}/restore`)), test: "restore" }, say("plans.restore")) : h(Btn, { kind: "danger", onClick: () => setDialog("delete"), test: "delete" }, say("plans.delete"))),
    dialog === "suspend" && h(SuspendDialog, { row, onClose: close, onRow }), dialog === "delete" && h(DeleteDialog, { row, onClose: close, onRow }));
};

export const Detail = ({ id, onBack }) => {
  const [found, failed, load, setFound] = useRead(() => Promise.all([api.get(`/api/v1/organizations/${id}`), api.get("/api/v1/plans")]), [id]);
  const setRow = (row) => setFound(([, plans]) => [row, plans]);
  const back = h("div", null, h(Btn, { kind: "ghost", icon: ArrowLeft, onClick: onBack, test: "back" }, say("plans.back")));
  if (failed) return h(Fragment, null, back, h(Failed, { error: failed, onRetry: load }));
  if (!found) return h(Fragment, null, back, h(Waiting, { rows: 4 }));
  const [row, { items: plans }] = found;
  return h(Fragment, null, back, h(Standing, { row }),
    h("section", { className: "sg-card", "aria-label": row.name, "data-testid": "organization-detail", "data-status": row.status },
      h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("h3", null, row.name), h("span", { className: "meta muted" }, row.slug)), h("span", { className: `bdg ${HUES[row.status]}` }, say(`plans.status_${row.status}`))),
      h("dl", { className: "pl-facts" },
        h(Fact, { name: say("plans.col_since") }, day(row.created_at)),
        h(Fact, { name: say("plans.id") }, h("span", { className: "mono" }, row.id)))),
    h(Administrators, { row, load }),
    h("section", { className: "sg-card", "aria-label": say("plans.usage") }, h("h3", null, say("plans.usage")), h(UsageList, { usage: row.usage })),
    h(OrganizationForm, { organization: row.id, onChanged: setRow }),
    h(PlanForm, { key: `${row.plan}${row.trial_ends_at}${JSON.stringify(row.own_limits)}`, row, plans, onRow: setRow }),
    h(Acts, { row, onRow: setRow }));
};
