// Dialogs of who runs the installation: a new organization, suspending one, deleting one.
import { createElement as h, useState } from "react";
import { api } from "$/public/pt_api.js";
import { getLang } from "$/public/pt_i18n.js";
import { Btn, Modal, say, sayOf, tell } from "$/public/pt_inbox_kit.js";
import { problem } from "$/public/pt_organization_page.js";
import { day, planName, PLANS } from "$/public/pt_plan_kit.js";
import { Field, Select, Text } from "$/public/pt_queue_fields.js";
import { Foot, here, languages, LinkDialog, useSend } from "$/public/pt_settings_kit.js";
import { getZone } from "$/public/pt_zone.js";

const LOCALES = { "pt-BR": "pt_BR", en: "en", es: "es" };
const Cancel = ({ onClose }) => h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel"));

/** What is wrong with a field, in words, or "". */
const wrong = (errors, name) => {
  const found = errors.find((one) => one.pointer.replace("admin_", "").endsWith(`/${name}`));
  return found ? sayOf(`auth.error.${found.code}`, `auth.error.${name}_invalid`) : "";
};

export const CreateDialog = ({ onClose, onMade }) => {
  const [draft, setDraft] = useState({ name: "", admin_email: "", locale: LOCALES[getLang()], time_zone: getZone(), plan: null });
  const [errors, setErrors] = useState([]);
  const [busy, setBusy] = useState(false);
  const put = (name) => (value) => setDraft((now) => ({ ...now, [name]: value }));
  const ready = ["name", "admin_email"].every((name) => draft[name].trim());
  const save = async () => {
    setBusy(true);
    setErrors([]);
    try {
      const made = await api.post("/api/v1/organizations", draft);
      tell(say("plans.made", { name: made.name }), "success");
      onMade(made, made.invitation);
    } catch (error) {
      const found = error.errors ?? [];
      setErrors(found.map((one) => (error.code === "email_taken" ? { ...one, code: "email_taken" } : one)));
      if (!found.length) tell(problem(error), "error");
      setBusy(false);
    }
  };
  return h(Modal, { title: say("plans.new_title"), detail: say("plans.new_lead"), onClose, wide: true, test: "organization-dialog", foot: [h(Cancel, { key: "cancel", onClose }), h(Btn, { key: "save", kind: "solid", busy, disabled: !ready, onClick: save, test: "organization-create" }, say("plans.create"))] },
    h("div", { className: "sg-grid" },
      h(Field, { label: say("plans.f_name"), error: wrong(errors, "name") && say("auth.error.organization_name_invalid") }, h(Text, { value: draft.name, onChange: put("name"), limit: 120, autoFocus: true, test: "new-name" })),
      h(Field, { label: say("plans.plan") }, h(Select, { value: draft.plan, options: [[null, say("plans.with_trial")], ...PLANS.map((name) => [name, planName(name)])], onChange: put("plan"), test: "new-plan" })),
      h(Field, { label: say("plans.f_admin_email"), hint: say("plans.f_admin_email_hint"), error: wrong(errors, "email") }, h(Text, { value: draft.admin_email, onChange: put("admin_email"), limit: 320, type: "email", autoComplete: "off", error: wrong(errors, "email"), test: "new-email" })),
      h(Field, { label: say("plans.f_locale") }, h(Select, { value: draft.locale, options: languages(), onChange: put("locale"), test: "new-locale" }))));
};

/** Asks somebody to administer an organization that is there; `onAsked` gets the invitation. */
export const AdministratorDialog = ({ row, onClose, onAsked }) => {
  const [email, setEmail] = useState("");
  const { busy, problem: words, send } = useSend((error) => (error.code === "invalid" ? say("auth.error.email_invalid") : problem(error)));
  const ask = send(async () => onAsked(await api.post(`/api/v1/organizations/${row.id}/administrators`, { email: email.trim(), locale: row.locale })));
  return h(Modal, { title: say("plans.ask_title"), detail: say("plans.ask_lead", { name: row.name }), onClose, test: "administrator-dialog" }, h("form", { className: "col g16", onSubmit: ask },
    h(Field, { label: say("plans.f_admin_email"), error: words }, h(Text, { value: email, onChange: setEmail, limit: 320, type: "email", required: true, autoFocus: true, autoComplete: "off", error: words, test: "administrator-email" })),
    h(Foot, { verb: say("members.invite_send"), busy, onClose, test: "administrator-send" })));
};

/** The link of an invitation, where no mail is sent. */
export const InvitationDialog = ({ made, onClose }) => h(LinkDialog, { title: say("members.invite_link"), detail: say("members.invite_link_detail", { email: made.email }), links: [{ link: here(made.link) }], onClose });

/** Runs `work` and tells how it ended. */
const useAct = (onClose) => {
  const [busy, setBusy] = useState(false);
  const act = async (work) => {
    setBusy(true);
    try {
      await work();
      onClose();
    } catch (error) {
      tell(problem(error), "error");
      setBusy(false);
    }
  };
  return [busy, act];
};

export const SuspendDialog = ({ row, onClose, onRow }) => {
  const [reason, setReason] = useState("");
  const [busy, act] = useAct(onClose);
  const go = () => act(async () => onRow(await api.patch(`/api/v1/organizations/${row.id}`, { status: "suspended", suspension_reason: reason.trim() })));
  return h(Modal, { title: say("plans.suspend_title", { name: row.name }), detail: say("plans.suspend_lead"), onClose, test: "suspend-dialog", foot: [h(Cancel, { key: "cancel", onClose }), h(Btn, { key: "go", kind: "danger", busy, onClick: go, test: "suspend-go" }, say("plans.suspend"))] },
    h(Field, { label: say("plans.reason"), hint: say("plans.reason_hint"), optional: true }, h("textarea", { className: "input", rows: 3, value: reason, maxLength: 500, autoFocus: true, onChange: (event) => setReason(event.target.value), "data-testid": "suspend-reason" })));
};

export const DeleteDialog = ({ row, onClose, onRow }) => {
  const [typed, setTyped] = useState("");
  const [busy, act] = useAct(onClose);
  const go = () => act(async () => {
    const gone = await api.delete(`/api/v1/organizations/${row.id}`);
    onRow(gone);
    tell(say("plans.deleted", { name: row.name, date: day(gone.delete_after) }));
  });
  return h(Modal, { title: say("plans.delete_title", { name: row.name }), detail: say("plans.delete_lead"), onClose, test: "delete-dialog", foot: [h(Cancel, { key: "cancel", onClose }), h(Btn, { key: "go", kind: "danger", busy, disabled: typed.trim() !== row.name.trim(), onClick: go, test: "delete-go" }, say("common.delete"))] },
    h(Field, { label: say("plans.type_name", { name: row.name }) }, h(Text, { value: typed, onChange: setTyped, autoFocus: true, autoComplete: "off", test: "delete-name" })));
};
