// One's own security: password, second factor, sign-ins; for administrators what the organization asks for.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { KeyRound, Laptop, LogOut, RefreshCw, ShieldCheck, ShieldOff, Smartphone, Terminal } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { RecoveryCodes, SetupSteps } from "$/public/pt_account_factor.js";
import { NewPassword } from "$/public/pt_account_guest.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { Btn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Field, Select, Switch } from "$/public/pt_queue_fields.js";
import { ADMINS, Failed, Foot, SettingsPage, Waiting } from "$/public/pt_settings_kit.js";

const AUTH = "/api/v1/auth";
const PHONES = ["iPhone", "iPad", "Android"];
const wordsOf = (error) => sayOf(`auth.error.${error?.code ?? "unknown"}`, "account.problem.unknown");
const ago = (time) => fmt.relative(getLang(), time);

const Typed = ({ label, value, onChange, error, kind = "password", test, autoComplete = "current-password", autoFocus, hint }) =>
  h(Field, { label, error, hint }, h("input", { className: "input", type: kind, value, required: true, autoFocus, autoComplete, maxLength: 1024, "aria-invalid": error ? "true" : undefined, onChange: (event) => onChange(event.target.value), "data-testid": test }));

// ---- password
const Password = ({ state, email }) => {
  const [open, setOpen] = useState(false);
  const [present, setPresent] = useState("");
  const [wanted, setWanted] = useState("");
  const [problem, setProblem] = useState({});
  const [busy, setBusy] = useState(false);
  const close = () => {
    setOpen(false);
    setPresent("");
    setWanted("");
    setProblem({});
  };
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem({});
    try {
      await api.post(`${AUTH}/password/change`, { password: present, new_password: wanted });
      close();
      tell(say("account.password_saved"), "success");
    } catch (error) {
      setProblem(error.code === "password_wrong" ? { present: wordsOf(error) } : { wanted: wordsOf(error) });
    } finally {
      setBusy(false);
    }
  };
  return h("section", { className: "sg-card" },
    h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("h3", null, say("auth.password")), h("p", { className: "muted dense" }, state.password_changed_at ? say("account.password_since", { when: ago(state.password_changed_at) }) : say("account.password_lead"))), !open && h(Btn, { icon: KeyRound, onClick: () => setOpen(true), test: "password-open" }, say("account.password_change"))),
    open && h("form", { className: "col g16", onSubmit: save },
      h("input", { type: "email", className: "sr", value: email, readOnly: true, autoComplete: "username", tabIndex: -1, "aria-hidden": true }),
      h(Typed, { label: say("account.password_present"), value: present, onChange: setPresent, error: problem.present, autoFocus: true, test: "password-present" }),
      h(NewPassword, { label: say("auth.new_password"), value: wanted, onChange: setWanted, about: () => ({ email }), lg: false, test: "password-new" }),
      problem.wanted && h("span", { className: "err", role: "alert" }, problem.wanted),
      h("div", { className: "foot row g8 wrap" }, h("span", { className: "meta muted grow" }, say("account.password_others")), h(Btn, { kind: "ghost", onClick: close }, say("common.cancel")), h("button", { type: "submit", className: "btn solid", "data-busy": busy ? "true" : undefined, "data-testid": "password-save" }, say("account.password_change")))));
};

// ---- second factor
const Asked = ({ title, detail, code, verb, danger, onClose, onDone }) => {
  const [password, setPassword] = useState("");
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState({});
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem({});
    try {
      await onDone({ password, ...(code ? { code: typed } : {}) });
    } catch (error) {
      setProblem({ [error.code === "code_invalid" ? "code" : "password"]: wordsOf(error) });
      setBusy(false);
    }
  };
  return h(Modal, { title, detail, onClose, test: "factor-dialog" }, h("form", { className: "col g16", onSubmit: send },
    h(Typed, { label: say("account.password_present"), value: password, onChange: setPassword, error: problem.password, autoFocus: true, test: "factor-password" }),
    code && h(Typed, { label: say("auth.code"), hint: say("auth.code_hint"), value: typed, onChange: setTyped, error: problem.code, kind: "text", autoComplete: "one-time-code", test: "factor-code" }),
    h(Foot, { verb, busy, danger, onClose, test: "factor-go" })));
};
const Factor = ({ state, onChanged }) => {
  const [step, setStep] = useState("");
  const [setup, setSetup] = useState(null);
  const [codes, setCodes] = useState(null);
  const close = () => {
    setStep("");
    setSetup(null);
    setCodes(null);
  };
  const begin = async (body) => {
    setSetup(await api.post(`${AUTH}/totp/setup`, body));
    setStep("scan");
  };
  const confirm = async (code) => {
    setCodes((await api.post(`${AUTH}/totp/confirm`, { code })).recovery_codes);
    setStep("codes");
    onChanged();
  };
  const renew = async (body) => {
    setCodes((await api.post(`${AUTH}/totp/recovery-codes`, body)).recovery_codes);
    setStep("codes");
    onChanged();
  };
  const turnOff = async (body) => {
    await api.post(`${AUTH}/totp/disable`, body);
    close();
    tell(say("account.totp_off_done"), "success");
    onChanged();
  };
  const on = state.second_factor;
  return h("section", { className: "sg-card" },
    h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("h3", null, say("account.totp_title"), " ", h("span", { className: on ? "bdg jade" : "bdg", "data-testid": "totp-state" }, say(on ? "account.totp_on" : "account.totp_off"))), h("p", { className: "muted dense" }, say(on ? "account.totp_lead_on" : "account.totp_lead"))),
      !on && h(Btn, { kind: "solid", icon: ShieldCheck, onClick: () => setStep("begin"), test: "totp-begin" }, say("account.totp_set_up"))),
    state.second_factor_required && !on && h("div", { className: "notice amber" }, h(Sign, { of: ShieldCheck, size: "" }), h("div", { className: "grow" }, say("account.totp_required"))),
    on && h("div", { className: "row g8 wrap" }, h("span", { className: state.recovery_codes_left < 3 ? "dense grow t-amber" : "dense grow muted" }, say("account.codes_left", { count: state.recovery_codes_left })), h(Btn, { icon: RefreshCw, onClick: () => setStep("renew"), test: "codes-renew" }, say("account.codes_renew")), h(Btn, { kind: "dang", icon: ShieldOff, onClick: () => setStep("off"), test: "totp-off" }, say("account.totp_turn_off"))),
    step === "begin" && h(Asked, { title: say("account.totp_title"), detail: say("account.totp_password"), verb: say("account.go_on"), onClose: close, onDone: begin }),
    step === "renew" && h(Asked, { title: say("account.codes_renew"), detail: say("account.codes_renew_detail"), code: true, verb: say("account.codes_renew"), onClose: close, onDone: renew }),
    step === "off" && h(Asked, { title: say("account.totp_title"), detail: say("account.totp_off_detail"), code: true, danger: true, verb: say("account.totp_turn_off"), onClose: close, onDone: turnOff }),
    step === "scan" && h(Modal, { title: say("account.totp_title"), onClose: close, test: "totp-dialog" }, h(SetupSteps, { setup, onCode: confirm, wordsOf })),
    step === "codes" && h(Modal, { title: say("account.codes_title"), detail: say("account.codes_detail"), onClose: close, test: "codes-dialog", foot: h(Btn, { kind: "solid", onClick: close, test: "codes-done" }, say("account.codes_done")) }, h(RecoveryCodes, { codes })));
};

// ---- sign-ins
const SignIns = ({ rows, state, onChanged, onState }) => {
  const act = async (work, done) => {
    try {
      await work();
      tell(say(done), "success");
    } catch (error) {
      tell(wordsOf(error), "error");
    }
    onChanged();
  };
  const notices = async (value) => {
    try {
      onState(await api.patch(`${AUTH}/security`, { tell_new_device: value }));
    } catch (error) {
      tell(wordsOf(error), "error");
    }
  };
  return h("section", { className: "sg-card" },
    h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("h3", null, say("account.sign_ins")), h("p", { className: "muted dense" }, say("account.sign_ins_lead"))), rows.length > 1 && h(Btn, { icon: LogOut, onClick: () => act(() => api.post(`${AUTH}/sessions/revoke-others`), "account.others_out"), test: "sessions-others" }, say("account.sign_out_others"))),
    h("ul", { className: "sg-rows", "data-testid": "sessions" }, rows.map((row) => {
      const name = row.browser ? (row.system ? say("account.device", { browser: row.browser, system: row.system }) : row.browser) : say("account.device_unknown");
      return h("li", { key: row.id, "data-testid": "session", "data-current": row.is_current },
        h("span", { className: "tile" }, h(Sign, { of: row.kind === "api" ? Terminal : PHONES.includes(row.system) ? Smartphone : Laptop, size: "" })),
        h("div", { className: "col grow" }, h("span", { className: "dense med ell" }, name, row.is_current && h("span", { className: "bdg jade sg-here" }, say("account.this_device"))), h("span", { className: "meta muted ell", title: fmt.exact(getLang(), row.last_used_at) }, [row.address, say(row.kind === "api" ? "account.by_api" : "account.by_web"), say("account.last_used", { when: ago(row.last_used_at) })].filter(Boolean).join(" · "))),
        !row.is_current && h(Btn, { small: true, onClick: () => act(() => api.delete(`${AUTH}/sessions/${row.id}`), "account.device_out"), test: "session-end" }, say("common.sign_out")));
    })),
    h(Switch, { on: state.tell_new_device, onChange: notices, label: say("account.tell_new_device"), hint: say("account.tell_new_device_hint"), test: "tell-new-device" }));
};

const Demand = () => {
  const [value, setValue] = useState(null);
  useEffect(() => {
    api.get("/api/v1/settings").then((found) => setValue(found.security.second_factor), () => {});
  }, []);
  const save = async (wanted) => {
    const before = value;
    setValue(wanted);
    try {
      await api.patch("/api/v1/settings", { security: { second_factor: wanted } });
      tell(say("account.demand_saved"), "success");
    } catch (error) {
      setValue(before);
      tell(wordsOf(error), "error");
    }
  };
  if (value === null) return null;
  return h("section", { className: "sg-card" }, h("h3", null, say("account.demand_title")), h("p", { className: "muted dense" }, say("account.demand_lead")),
    h(Field, { label: say("account.demand_label") }, h(Select, { value, options: ["nobody", "admins", "everyone"].map((name) => [name, say(`account.demand_${name}`)]), onChange: save, test: "demand" })));
};

const Security = ({ me }) => {
  const [state, setState] = useState(null);
  const [rows, setRows] = useState([]);
  const [email, setEmail] = useState("");
  const [failed, setFailed] = useState(null);
  const load = async () => {
    setFailed(null);
    try {
      const [found, list, own] = await Promise.all([api.get(`${AUTH}/security`), api.get(`${AUTH}/sessions`), api.get(`${AUTH}/me`)]);
      setState(found);
      setRows(list.items);
      setEmail(own.user.email);
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => {
    load();
  }, []);
  if (failed && !state) return h(Failed, { error: failed, onRetry: load });
  if (!state) return h(Fragment, null, h(Waiting, { rows: 2 }), h(Waiting, { rows: 2 }), h(Waiting, { rows: 4 }));
  return h(Fragment, null, h(Password, { state, email }), h(Factor, { state, onChanged: load }), h(SignIns, { rows, state, onChanged: load, onState: setState }), ADMINS.includes(me?.role) && h(Demand));
};

/** The page; `me` is `{id, role}` of who is signed in. */
export const SecurityRoot = ({ me }) => h(SettingsPage, { of: Security, me });
