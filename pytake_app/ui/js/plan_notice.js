// Tells administrators that a limit of the plan is near or reached, or that the trial ends; and whoever meets a limit, which.
import { createElement as h, useEffect, useState } from "react";
import { ArrowRight, Gauge, X } from "lucide-react";
import { Link, useLocation, useNavigate } from "react-router";
import { api } from "$/public/pt_api.js";
import { useLang } from "$/public/pt_i18n.js";
import { Btn, IconBtn, Modal, say, Sign } from "$/public/pt_inbox_kit.js";
import { count, nearest } from "$/public/pt_plan_kit.js";

const KEPT = "pytake.usage";
const CLOSED = "pytake.plan_notice";
const FRESH_MS = 120000;
const ENDS_SOON = 3;
const PAGE = "/settings/plan";
const read = (name) => {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null;
  }
};
const write = (name, value) => {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // storage is blocked: it is asked for on the next page again
  }
};

/** Says which limit was met, with the way to the plan; wherever the refusal came from. Above a dialog that may be open: a toast would lie behind it. */
export const PlanRefusals = () => {
  const navigate = useNavigate();
  const [refused, setRefused] = useState(null);
  useEffect(() => {
    const told = ({ detail }) => setRefused(detail);
    window.addEventListener("pytake:plan-limit", told);
    return () => window.removeEventListener("pytake:plan-limit", told);
  }, []);
  if (!refused) return null;
  const close = () => setRefused(null);
  const go = () => {
    close();
    navigate(PAGE);
  };
  return h(Modal, { title: say("plans.refused_title"), detail: say(`plans.refused_${refused.resource}`, { limit: count(refused.limit) }), onClose: close, test: "plan-refused", foot: [h(Btn, { key: "close", kind: "ghost", onClick: close }, say("common.close")), h(Btn, { key: "go", kind: "solid", onClick: go, test: "plan-refused-go" }, say("plans.see_plan"))] });
};

const messageOf = (usage) => {
  const near = nearest(usage);
  if (near) return { key: `${near.resource}:${near.percent >= 100}`, red: near.percent >= 100, text: say(near.percent >= 100 ? "plans.banner_full" : "plans.banner_near", { resource: say(`plans.resource_${near.resource}`), used: count(near.used), limit: count(near.limit) }) };
  if (usage.trial_days_left !== null && usage.trial_days_left <= ENDS_SOON) return { key: `trial:${usage.trial_days_left}`, text: say("plans.banner_trial", { count: usage.trial_days_left }) };
  return null;
};

/** One line above the page, for administrators; it stays away once it was closed, until something else is to be told. */
export const PlanBanner = ({ organization, role }) => {
  useLang();
  const { pathname } = useLocation();
  const [usage, setUsage] = useState(null);
  const [closed, setClosed] = useState(() => read(CLOSED));
  const admin = ["org_admin", "super_admin"].includes(role);
  useEffect(() => {
    if (!admin || !organization) return undefined;
    const held = read(KEPT);
    if (held?.organization === organization && Date.now() - held.at < FRESH_MS && pathname !== PAGE) {
      setUsage(held.usage);
      return undefined;
    }
    const stop = new AbortController();
    api.get(`/api/v1/organizations/${organization}/usage`, { signal: stop.signal }).then((found) => {
      write(KEPT, { organization, at: Date.now(), usage: found });
      setUsage(found);
    }).catch(() => {}); // away for the moment: the next page asks again
    return () => stop.abort();
  }, [organization, admin, pathname]);
  const told = admin && usage && messageOf(usage);
  if (!told || closed === told.key || pathname === PAGE) return null;
  const close = () => {
    write(CLOSED, told.key);
    setClosed(told.key);
  };
  return h("div", { className: `pl-banner ${told.red ? "red" : "amber"}`, role: "status", "data-testid": "plan-banner" }, h(Sign, { of: Gauge }), h("span", { className: "grow" }, told.text), h(Link, { to: PAGE, className: "str nw" }, say("plans.see_plan"), h(Sign, { of: ArrowRight, size: "xs" })), h(IconBtn, { icon: X, small: true, label: say("common.close"), onClick: close }));
};
