// The organization's plan: what it allows, how much of it is used, what the others allow.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { api } from "$/public/pt_api.js";
import { getLang } from "$/public/pt_i18n.js";
import { say } from "$/public/pt_inbox_kit.js";
import { day, limitText, planName, RESOURCES, UsageList } from "$/public/pt_plan_kit.js";
import { whileVisible } from "$/public/pt_page_store.js";
import { Failed, SettingsPage, Waiting } from "$/public/pt_settings_kit.js";
import { inZone } from "$/public/pt_zone.js"; // the months of the count are UTC's

const Now = ({ usage }) =>
  h("section", { className: "sg-card", "aria-label": say("plans.your_plan"), "data-testid": "plan-now", "data-plan": usage.plan },
    h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("span", { className: "meta muted" }, say("plans.your_plan")), h("span", { className: "title" }, planName(usage.plan))),
      usage.trial_days_left !== null && h("span", { className: "bdg blue", "data-testid": "trial" }, say("plans.trial_left", { count: usage.trial_days_left }))),
    h("p", { className: "dense muted" }, usage.trial_ends_at ? say("plans.trial_explained", { date: day(usage.trial_ends_at) }) : say("plans.change_how")),
    usage.trial_ends_at && h("p", { className: "dense muted" }, say("plans.change_how")));

const Usage = ({ usage }) =>
  h("section", { className: "sg-card", "aria-label": say("plans.usage") }, h("h3", null, say("plans.usage")), h("p", { className: "dense muted" }, say("plans.usage_lead", { date: inZone(getLang(), usage.messages_reset_at, { day: "numeric", month: "long" }, "UTC") })), h(UsageList, { usage }));

const Compare = ({ plans, current }) =>
  h("section", { className: "sg-card", "aria-label": say("plans.compare") }, h("h3", null, say("plans.compare")),
    h("div", { className: "pl-scroll", tabIndex: 0, role: "region", "aria-label": say("plans.compare") },
      h("table", { className: "tbl pl-compare", "data-testid": "plans" },
        h("thead", null, h("tr", null, h("td", null), plans.map((plan) => h("th", { key: plan.name, scope: "col", className: plan.name === current ? "on" : "" }, planName(plan.name), plan.name === current && h("span", { className: "bdg jade" }, say("plans.current")))))),
        h("tbody", null, RESOURCES.map((resource) => h("tr", { key: resource }, h("th", { scope: "row" }, say(`plans.r_${resource}`)), plans.map((plan) => h("td", { key: plan.name, className: plan.name === current ? "on tn" : "tn" }, limitText(plan.limits[resource])))))))));

const Page = ({ organization }) => {
  const [found, setFound] = useState(null);
  const [failed, setFailed] = useState(null);
  const load = async () => {
    try {
      const [usage, plans] = await Promise.all([api.get(`/api/v1/organizations/${organization}/usage`), api.get("/api/v1/plans")]);
      setFound({ usage, plans: plans.items });
      setFailed(null);
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => {
    load();
    return whileVisible(30000, load);
  }, [organization]);
  if (!found) return failed ? h(Failed, { error: failed, onRetry: load }) : h(Fragment, null, h(Waiting, { rows: 2 }), h(Waiting, { rows: 5 }));
  return h(Fragment, null, h(Now, { usage: found.usage }), h(Usage, { usage: found.usage }), h(Compare, { plans: found.plans, current: found.usage.plan }));
};

/** The page; `organization` is the id of the reader's. */
export const PlanRoot = ({ organization }) => h(SettingsPage, { of: Page, given: Boolean(organization), organization });
