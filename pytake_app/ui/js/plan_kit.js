// What pages say about plans: names, numbers, bars that turn amber at 80 % and red at 100 %.
import { createElement as h } from "react";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { say } from "$/public/pt_inbox_kit.js";

export const RESOURCES = ["users", "numbers", "contacts", "messages", "flows"];
export const PLANS = ["free", "starter", "professional", "enterprise"];
export const WARN_AT = 80;

export const count = (number) => new Intl.NumberFormat(getLang()).format(number);
export const limitText = (limit) => (limit === null || limit === undefined ? say("plans.unlimited") : count(limit));
export const planName = (name) => say(`plans.name_${name}`);
export const day = (iso) => fmt.date(getLang(), iso);
export const hueOf = (percent) => (percent === null ? "none" : percent >= 100 ? "red" : percent >= WARN_AT ? "amber" : "jade");
/** The resource of a usage that is nearest to its limit, if any is near. */
export const nearest = (usage) => usage.resources.filter((one) => one.percent !== null && one.percent >= WARN_AT).sort((a, b) => b.percent - a.percent)[0];

/** A bar; without a limit it stays empty. */
export const Bar = ({ used, percent, label }) => h("span", { className: `bar pl-bar ${hueOf(percent)}`, role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.min(100, percent ?? 0), "aria-valuetext": percent === null ? say("plans.used_unlimited", { used: count(used) }) : `${percent}%` }, h("i", { style: { width: `${Math.min(100, percent ?? 0)}%` } }));

export const PlanBadge = ({ usage }) => h("span", { className: "pl-plan" }, h("span", { className: `bdg ${usage.plan === "free" ? "" : "jade"}` }, planName(usage.plan)), usage.trial_days_left !== null && h("span", { className: "bdg blue" }, say("plans.trial_left", { count: usage.trial_days_left })));

/** Every resource with its bar, as a list. */
export const UsageList = ({ usage }) =>
  h("ul", { className: "pl-usage", "data-testid": "usage" }, usage.resources.map((one) =>
    h("li", { key: one.resource, "data-resource": one.resource, "data-hue": hueOf(one.percent) },
      h("span", { className: "row g8" }, h("span", { className: "dense grow" }, say(`plans.r_${one.resource}`)), h("span", { className: "dense tn nw" }, one.limit === null ? say("plans.used_unlimited", { used: count(one.used) }) : say("plans.used_of", { used: count(one.used), limit: count(one.limit) }))),
      h(Bar, { used: one.used, percent: one.percent, label: say(`plans.r_${one.resource}`) }),
      one.percent !== null && one.percent >= WARN_AT && h("span", { className: `meta pl-note ${hueOf(one.percent)}` }, say(one.percent > 100 ? "plans.over" : one.percent === 100 ? "plans.full" : "plans.near", { percent: one.percent })))));
