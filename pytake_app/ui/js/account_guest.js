// The signed-out pages' own pieces: a password with its strength, an invitation, a new password, a confirmed address, a second factor to set up.
import { createElement as h, Fragment, useEffect, useId, useRef, useState } from "react";
import { CircleAlert, CircleCheck, Eye, EyeOff, MailX } from "lucide-react";
import { getLang, useLang } from "$/public/pt_i18n.js";
import { Btn, say, sayOf, Sign } from "$/public/pt_inbox_kit.js";
import { RecoveryCodes, SetupSteps } from "$/public/pt_account_factor.js";

const PAUSE_MS = 350;
const LOCALES = { "pt-BR": "pt_BR", en: "en", es: "es" };

/** REST for nobody in particular: a refusal is an answer here, not a way to the sign-in page. */
export const ask = async (url, body) => {
  const form = body instanceof URLSearchParams;
  let answer;
  try {
    answer = await fetch(url, { method: "POST", credentials: "same-origin", headers: form ? { Accept: "application/json" } : { Accept: "application/json", "Content-Type": "application/json", "X-PyTake-CSRF": "1" }, body: form ? body : JSON.stringify(body) });
  } catch {
    throw { status: 0, code: "offline" };
  }
  const text = await answer.text();
  let found = null;
  try {
    found = text ? JSON.parse(text) : null;
  } catch {
    found = null; // a proxy's page
  }
  if (!answer.ok) throw { status: answer.status, code: found?.code ?? "unknown", errors: found?.errors ?? [] };
  return found;
};
export const authProblem = (code) => sayOf(`auth.error.${code}`, "auth.error.unknown");

/** A new password: shown on demand, with how hard it is to guess, told by the server's own rule while it is typed.
 * `about` answers `{email, name}` as they stand in the form. */
export const NewPassword = ({ label, name = "password", value, onChange, about, lg = true, test = "password", autoFocus }) => {
  useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => setReady(true), []);
  const id = useId();
  const box = useRef(null);
  const [own, setOwn] = useState("");
  const [shown, setShown] = useState(false);
  const [found, setFound] = useState(null);
  const text = value ?? own;
  useEffect(() => {
    setFound(null);
    if (!text) return undefined;
    let here = true;
    const fields = box.current?.closest("form")?.elements;
    const known = about?.() ?? { email: fields?.email?.value ?? "", name: fields?.full_name?.value ?? "" };
    const timer = setTimeout(() => ask("/api/v1/auth/password/strength", { password: text, email: known.email ?? "", name: known.name ?? "" }).then((answer) => here && setFound(answer), () => {}), PAUSE_MS);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [text]);
  const score = found ? (found.code ? Math.min(found.score, 1) : Math.max(found.score, 2)) : 0;
  const words = found && (found.code ? authProblem(found.code) : say(`account.strength_${score}`));
  return h("div", { className: "ff" },
    h("label", { className: "lbl", htmlFor: id }, label),
    h("span", { className: "pw-box" },
      h("input", { id, ref: box, className: lg ? "input lg" : "input", type: shown ? "text" : "password", name, value: text, required: true, minLength: 10, maxLength: 200, autoFocus, autoComplete: "new-password", "aria-describedby": `${id}-s`, "data-testid": test, onChange: (event) => (onChange ? onChange(event.target.value) : setOwn(event.target.value)) }),
      h("button", { type: "button", className: "ib sm pw-eye", "aria-label": ready ? say(shown ? "account.password_hide" : "account.password_show") : undefined, "aria-pressed": shown, onClick: () => setShown(!shown) }, h(Sign, { of: shown ? EyeOff : Eye }))),
    h("span", { className: "pw-bars", "aria-hidden": true, "data-score": found ? score : "" }, [0, 1, 2, 3].map((n) => h("u", { key: n, className: found && n < Math.max(score, 1) ? "f" : "" }))),
    h("span", { className: found?.code ? "err" : "hint", id: `${id}-s`, role: "status", "data-testid": `${test}-strength` }, words || (ready && say("auth.password_hint"))));
};

/** `NewPassword` inside a page written in Python; `label` is a text key. */
export const PasswordField = ({ label }) => {
  useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language
  useEffect(() => setReady(true), []);
  return h(NewPassword, { label: ready ? say(label) : "" });
};

/** The browser's time zone, for an organization that begins with this form. */
export const ZoneField = () => {
  const [zone, setZone] = useState("");
  useEffect(() => setZone(Intl.DateTimeFormat().resolvedOptions().timeZone), []);
  return h("input", { type: "hidden", name: "time_zone", value: zone, readOnly: true });
};

const lastPart = () => decodeURIComponent(window.location.pathname.split("/").filter(Boolean).at(-1) ?? "");
const query = (name) => new URLSearchParams(window.location.search).get(name) ?? "";
const Problem = ({ code }) => code ? h("div", { role: "alert", "data-testid": "auth-error" }, h("div", { className: "notice red" }, h(Sign, { of: CircleAlert, size: "" }), h("div", { className: "grow" }, authProblem(code)))) : null;
const Submit = ({ children, busy }) => h("button", { type: "submit", className: "btn solid lg full", "data-busy": busy ? "true" : undefined, "data-testid": "submit" }, children);
const NoGood = ({ title, detail }) => h("div", { className: "col g16", "data-testid": "no-good" }, h("div", { className: "notice amber" }, h(Sign, { of: MailX, size: "" }), h("div", { className: "grow col g4" }, h("span", { className: "med" }, title), h("span", { className: "dense" }, detail))));
/** Texts come once the browser's language is known. */
const Ready = ({ of, ...rest }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  return h("div", { className: "col g16" }, ready && h(of, { key: lang, ...rest }));
};
const Head = ({ title, detail }) => h(Fragment, null, h("h1", { className: "title" }, title), detail && h("p", { className: "muted au-lead" }, detail));

// ---- an invitation
const TYPED_NAME = "pt_invite_name"; // for the next try, in this tab alone: an address stands in logs and histories
const Invite = () => {
  const [offer, setOffer] = useState(null);
  const [failed, setFailed] = useState("");
  const [name, setName] = useState(query("error") ? sessionStorage.getItem(TYPED_NAME) ?? "" : "");
  const [sent, setSent] = useState(false);
  const token = lastPart();
  useEffect(() => {
    ask("/api/v1/invitations/offer", { token }).then(setOffer, (error) => setFailed(error.code));
  }, []);
  if (failed) return h(Fragment, null, h(Head, { title: say("auth.invite_title_plain") }), failed === "invitation_invalid" ? h(NoGood, { title: say("auth.invite_gone"), detail: say("auth.invite_gone_detail") }) : h(Problem, { code: failed }));
  if (!offer) return h("div", { className: "col g16", "aria-busy": true }, h("span", { className: "sk l" }), h("span", { className: "sk l" }), h("span", { className: "sk l" }));
  return h(Fragment, null,
    h(Head, { title: say("auth.invite_title", { organization: offer.organization_name }), detail: offer.invited_by ? say("auth.invite_detail", { name: offer.invited_by }) : say("auth.invite_detail_plain") }),
    h(Problem, { code: query("error") }),
    h("form", { className: "col g16", method: "post", action: "/auth/web/invitation", onSubmit: () => { sessionStorage.setItem(TYPED_NAME, name); setSent(true); } },
      h("input", { type: "hidden", name: "token", value: token, readOnly: true }), h("input", { type: "hidden", name: "locale", value: LOCALES[getLang()], readOnly: true }),
      h("label", { className: "ff" }, h("span", { className: "lbl" }, say("auth.email")), h("input", { className: "input lg", name: "email", type: "email", value: offer.email, readOnly: true, autoComplete: "username", "data-testid": "email" })),
      h("label", { className: "ff" }, h("span", { className: "lbl" }, say("auth.full_name")), h("input", { className: "input lg", name: "full_name", value: name, onChange: (event) => setName(event.target.value), required: true, maxLength: 120, autoComplete: "name", autoFocus: true, "data-testid": "full_name" })),
      h(NewPassword, { label: say("auth.new_password"), about: () => ({ email: offer.email, name }) }),
      h(Submit, { busy: sent }, say("auth.invite_accept"))));
};
export const InviteRoot = () => h(Ready, { of: Invite });

// ---- a new password by a link
const Reset = () => {
  const [sent, setSent] = useState(false);
  return h(Fragment, null, h(Head, { title: say("auth.reset_title"), detail: say("auth.reset_detail") }), h(Problem, { code: query("error") }),
    h("form", { className: "col g16", method: "post", action: "/auth/web/reset", onSubmit: () => setSent(true) },
      h("input", { type: "hidden", name: "token", value: lastPart(), readOnly: true }),
      h(NewPassword, { label: say("auth.new_password"), autoFocus: true }), h(Submit, { busy: sent }, say("auth.reset_save"))));
};
export const ResetRoot = () => h(Ready, { of: Reset });

// ---- an e-mail address confirmed by a link
const Confirm = () => {
  const [step, setStep] = useState("");
  const [email, setEmail] = useState("");
  const [busy, setBusy] = useState(false);
  const go = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const found = await ask("/api/v1/auth/email/confirm", { token: lastPart() });
      setEmail(found.email);
      setStep("done");
    } catch (error) {
      setStep(error.code);
    }
    setBusy(false);
  };
  if (step === "done") return h(Fragment, null, h(Head, { title: say("confirmation.done_title") }), h("div", { className: "notice jade", role: "status", "data-testid": "confirmed" }, h(Sign, { of: CircleCheck, size: "" }), h("div", { className: "grow break" }, say("confirmation.done_detail", { email }))), h("a", { className: "btn solid lg full", href: "/inbox" }, say("confirmation.go_on")));
  if (step === "confirmation_invalid") return h(Fragment, null, h(Head, { title: say("confirmation.title") }), h(NoGood, { title: say("confirmation.gone"), detail: say("confirmation.gone_detail") }));
  // By a click: programs that look into mails open every link there is.
  return h(Fragment, null, h(Head, { title: say("confirmation.title"), detail: say("confirmation.detail") }), h(Problem, { code: step }),
    h("form", { className: "col", onSubmit: go }, h("button", { type: "submit", className: "btn solid lg full", autoFocus: true, "data-busy": busy ? "true" : undefined, "data-testid": "submit" }, say("confirmation.go"))));
};
export const ConfirmRoot = () => h(Ready, { of: Confirm });

// ---- a second factor that must be set up before the first step inside
const Enroll = () => {
  const [setup, setSetup] = useState(null);
  const [codes, setCodes] = useState(null);
  const [failed, setFailed] = useState("");
  const next = query("next");
  useEffect(() => {
    ask("/auth/web/enroll/begin", new URLSearchParams()).then(setSetup, (error) => setFailed(error.code));
  }, []);
  const confirm = async (code) => {
    const done = await ask("/auth/web/enroll", new URLSearchParams({ code }));
    setCodes(done.recovery_codes);
  };
  const onward = () => window.location.assign(/^\/(?![/\\])[^\\\x00-\x1f]*$/.test(next) ? next : "/inbox");
  if (failed) return h(Fragment, null, h(Head, { title: say("auth.setup_title") }), h(NoGood, { title: authProblem(failed), detail: say("auth.setup_again") }));
  if (codes) return h(Fragment, null, h(Head, { title: say("account.codes_title"), detail: say("account.codes_detail") }), h(RecoveryCodes, { codes }), h(Btn, { kind: "solid", className: "lg full", onClick: onward, test: "codes-done" }, say("account.codes_done")));
  return h(Fragment, null, h(Head, { title: say("auth.setup_title"), detail: say("auth.setup_detail") }), setup ? h(SetupSteps, { setup, onCode: confirm, wordsOf: (error) => authProblem(error.code) }) : h("div", { className: "col g16", "aria-busy": true }, h("span", { className: "sk l" }), h("span", { className: "sk l" })));
};
export const EnrollRoot = () => h(Ready, { of: Enroll });
