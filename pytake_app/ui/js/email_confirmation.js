// Whose an e-mail address is: the line above pages until it is confirmed, and changing it in the profile.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { MailCheck, PencilLine } from "lucide-react";
import { Link } from "react-router";
import { api } from "$/public/pt_api.js";
import { useLang } from "$/public/pt_i18n.js";
import { Btn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Field, Text } from "$/public/pt_queue_fields.js";
import { Foot, useRead, useReady } from "$/public/pt_settings_kit.js";

const EMAIL = "/api/v1/auth/email";
const PROFILE = "/settings/profile";
const wordsOf = (error) => sayOf(`confirmation.problem.${error?.code ?? "unknown"}`, "confirmation.problem.unknown");

/** Mail the links once more; answers the address's state, null when that failed, which is told. */
const sendAgain = async () => {
  try {
    const state = await api.post(`${EMAIL}/send-again`);
    const to = [state.confirmation_wanted && state.email, state.pending_email].filter(Boolean).join(", ");
    tell(to ? say("confirmation.sent", { email: to }) : say("confirmation.done_already"), "success");
    return state;
  } catch (error) {
    tell(wordsOf(error), "error");
    return null;
  }
};

/** One quiet line above the page for as long as the mailed link wasn't used. */
export const EmailBanner = ({ wanted, email }) => {
  useLang();
  const ready = useReady();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  useEffect(() => setDone(false), [email]);
  if (!ready || !wanted || done) return null;
  const again = async () => {
    setBusy(true);
    const state = await sendAgain();
    setBusy(false);
    if (state && !state.confirmation_wanted) setDone(true); // confirmed meanwhile, in another tab
  };
  return h("div", { className: "pl-banner amber", role: "status", "data-testid": "email-banner" }, h(Sign, { of: MailCheck }), h("span", { className: "grow" }, say("confirmation.banner", { email })),
    h("button", { type: "button", className: "str nw", disabled: busy, onClick: again, "data-testid": "email-again" }, say("confirmation.again")), h(Link, { to: PROFILE, className: "str nw only-wide" }, say("confirmation.other_address")));
};

// ---- the profile's field
const Change = ({ state, onClose, onState }) => {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState({});
  const [busy, setBusy] = useState(false);
  const save = async (event) => {
    event.preventDefault();
    event.stopPropagation(); // React hands it on to the form around
    setBusy(true);
    setProblem({});
    try {
      const found = await api.post(`${EMAIL}/change`, { email, password });
      tell(found.pending_email ? say("confirmation.sent", { email: found.pending_email }) : say("confirmation.changed"), "success");
      onState(found);
      onClose();
    } catch (error) {
      setProblem({ [error.code === "password_wrong" ? "password" : "email"]: wordsOf(error) });
      setBusy(false);
    }
  };
  return h(Modal, { title: say("confirmation.change_title"), detail: say(state.mails ? "confirmation.change_detail" : "confirmation.change_detail_now"), onClose, test: "email-dialog" }, h("form", { className: "col g16", onSubmit: save },
    h(Field, { label: say("confirmation.new"), error: problem.email }, h(Text, { value: email, onChange: setEmail, limit: 320, type: "email", required: true, autoFocus: true, autoComplete: "email", error: problem.email, test: "email-new" })),
    h(Field, { label: say("account.password_present"), error: problem.password }, h(Text, { value: password, onChange: setPassword, limit: 1024, type: "password", required: true, autoComplete: "current-password", error: problem.password, test: "email-password" })),
    h(Foot, { verb: say(state.mails ? "confirmation.change_go" : "confirmation.change_now"), busy, onClose, test: "email-go" })));
};

/** The account's address with the ways to confirm and to change it; `onEmail` hears of another one. */
export const EmailField = ({ email, onEmail }) => {
  const [state, , , setState] = useRead(() => api.get(EMAIL));
  const [open, setOpen] = useState(false);
  const take = (found) => {
    if (!found) return;
    setState(found);
    if (found.email !== email) onEmail?.(found.email);
  };
  const waits = state && (state.pending_email ? say("confirmation.pending", { email: state.pending_email }) : state.confirmation_wanted ? say("confirmation.unconfirmed") : "");
  return h("div", { className: "ff" },
    h("label", { className: "lbl", htmlFor: "pt-email" }, say("auth.email")),
    h("div", { className: "row g8" }, h(Text, { value: state?.email ?? email, onChange: () => {}, readOnly: true, id: "pt-email", className: "input grow", "aria-describedby": "pt-email-hint", test: "profile-email" }), h(Btn, { icon: PencilLine, disabled: !state, onClick: () => setOpen(true), test: "email-change" }, say("confirmation.change"))),
    h("span", { className: waits ? "hint t-amber" : "hint", id: "pt-email-hint", "data-testid": "email-state" }, waits || say("account.email_hint"), waits && h(Fragment, null, " ", h("button", { type: "button", className: "link", onClick: async () => take(await sendAgain()) }, say("confirmation.again")))),
    open && h(Change, { state, onClose: () => setOpen(false), onState: take }));
};
