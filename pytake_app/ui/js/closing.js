// How a conversation ended: the organization's closing reasons, or common words and one's own where it keeps none.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { api } from "$/public/pt_api.js";
import { say } from "$/public/pt_inbox_kit.js";

const FRESH_MS = 60000;
const typing = () => window.matchMedia("(hover: hover)").matches; // a phone's keyboard would hide what there is to choose
const COMMON = ["solved", "sold", "no_answer", "wrong", "spam"];
const ANY = { reasons: [], required: false };
let known = { at: 0, promise: null };

/** The organization's rules: `{reasons, required}`. When they can't be read anything goes, and the server judges. */
export const closingRules = () => {
  if (!known.promise || Date.now() - known.at > FRESH_MS) {
    const promise = api.get("/api/v1/settings").then(({ inbox }) => ({ reasons: inbox?.closing_reasons ?? [], required: inbox?.closing_reason_required ?? false }));
    known = { at: Date.now(), promise };
    promise.catch(() => (known = { at: 0, promise: null }));
  }
  return known.promise.catch(() => ANY);
};
/** They have changed: the server refused a reason, or asks for one. */
export const isAboutReason = (error) => {
  const about = ["outcome_required", "outcome_unknown"].includes(error?.code);
  if (about) known = { at: 0, promise: null };
  return about;
};

/** They were changed here: read them anew. */
export const forgetClosing = () => {
  known = { at: 0, promise: null };
};

/** What is chosen, whether that is enough, and what to choose from (null while it is read); read anew when `again` changes. */
export const useOutcome = (again = 0) => {
  const [rules, setRules] = useState(null);
  const [typed, setOutcome] = useState("");
  useEffect(() => {
    let here = true;
    closingRules().then((found) => here && setRules(found));
    return () => {
      here = false;
    };
  }, [again]);
  const gone = rules?.reasons.length > 0 && !rules.reasons.includes(typed); // taken off the list meanwhile
  const outcome = gone ? "" : typed.trim();
  return { rules, outcome, typed, setOutcome, ready: rules !== null && (!rules.required || outcome !== "") };
};

/** The fields of a dialog that closes; `of` is `useOutcome()`, `onEnter` closes. */
export const OutcomeFields = ({ of: { rules, typed, outcome, setOutcome, ready }, onEnter }) => {
  if (!rules) return h("span", { className: "sk l" });
  const choice = (words, test) => h("button", { key: words, type: "button", className: "btn sm line", "aria-pressed": outcome === words, onClick: () => setOutcome(outcome === words ? "" : words), "data-testid": test }, words);
  const label = h("span", { className: "lbl", id: "outcome-label" }, say("inbox_more.outcome"), !rules.required && h("span", { className: "muted" }, ` · ${say("common.optional")}`));
  const choices = (items) => h("div", { className: "row wrap g6 ix-outcomes", role: "group", "aria-labelledby": "outcome-label" }, items);
  if (rules.reasons.length) return h("div", { className: "ff" }, label, choices(rules.reasons.map((reason) => choice(reason, "outcome-reason"))));
  return h(Fragment, null,
    choices(COMMON.map((name) => choice(say(`inbox_more.outcome_${name}`), `outcome-${name}`))),
    h("div", { className: "ff" }, label, h("input", { className: "input", autoFocus: typing(), value: typed, maxLength: 120, "aria-labelledby": "outcome-label", "aria-required": rules.required, onChange: (event) => setOutcome(event.target.value), onKeyDown: (event) => event.key === "Enter" && ready && onEnter(), "data-testid": "outcome" })));
};
