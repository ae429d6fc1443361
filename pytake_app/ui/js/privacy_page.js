// How the organization treats people's data: times of keeping with what they would delete, phones for viewers, who was forgotten.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { Clock, EyeOff, Trash2, TriangleAlert, UserX } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { Btn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Field, Select, Switch } from "$/public/pt_queue_fields.js";
import { Failed, SettingsPage, useRead, Waiting } from "$/public/pt_settings_kit.js";

const MESSAGES = [30, 90, 180, 365, 730, 1825];
const PEOPLE = [90, 180, 365, 730, 1825];
const problem = (error) => sayOf(`account.problem.${error?.code ?? "unknown"}`, "account.problem.unknown");
const spanOf = (days) => (days % 365 === 0 ? say("privacy.years", { count: days / 365 }) : days % 30 === 0 && days >= 60 ? say("privacy.months", { count: days / 30 }) : say("privacy.days", { count: days }));
const choices = (known, own) => [[null, say("privacy.for_ever")], ...[...new Set([...known, ...(own ? [own] : [])])].sort((a, b) => a - b).map((days) => [String(days), spanOf(days)])];
const shorter = (now, before) => now !== null && (before === null || now < before);
const counted = (count, most) => (count >= most ? `${fmt.number(getLang(), most)}+` : fmt.number(getLang(), count));

const Confirm = ({ found, onDone, onClose }) =>
  h(Modal, { title: say("privacy.confirm_title"), detail: say("privacy.confirm_detail"), onClose, test: "privacy-confirm",
    foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h(Btn, { kind: "danger", icon: Trash2, onClick: onDone, test: "privacy-confirm-yes" }, say("privacy.confirm_yes"))) },
  h("div", { className: "notice amber" }, h(Sign, { of: TriangleAlert }), h("div", { className: "grow" }, found === null ? h("span", { className: "sk l" }) : say("privacy.would_go", { messages: counted(found.messages, found.most), contacts: counted(found.contacts, found.most) }))));

const Times = ({ settings, onSaved }) => {
  const [draft, setDraft] = useState(settings);
  const [asked, setAsked] = useState(null);
  const [busy, setBusy] = useState(false);
  const names = ["keep_messages_days", "keep_contacts_days"];
  const dirty = names.some((name) => draft[name] !== settings[name]);
  const put = (name) => (value) => setDraft((now) => ({ ...now, [name]: value === null ? null : Number(value) }));
  const save = async () => {
    setAsked(null);
    setBusy(true);
    try {
      onSaved(await api.patch("/api/v1/privacy", Object.fromEntries(names.map((name) => [name, draft[name]]))));
      tell(say("privacy.saved"), "success");
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  const submit = async (event) => {
    event.preventDefault();
    if (!names.some((name) => shorter(draft[name], settings[name]))) return save();
    setAsked({ found: null });
    try {
      const query = new URLSearchParams(names.filter((name) => draft[name] !== null).map((name) => [name, draft[name]]));
      const found = await api.get(`/api/v1/privacy/preview?${query}`);
      setAsked((now) => now && { found });
    } catch (error) {
      setAsked(null);
      tell(problem(error), "error");
    }
    return undefined;
  };
  return h("form", { className: "sg-card", onSubmit: submit, "data-testid": "privacy-times" },
    h("div", { className: "sg-card-h" }, h(Sign, { of: Clock, size: "" }), h("div", { className: "col" }, h("h3", null, say("privacy.times")), h("p", { className: "dense muted" }, say("privacy.times_lead")))),
    h("div", { className: "sg-grid" },
      h(Field, { label: say("privacy.keep_messages"), hint: say("privacy.keep_messages_hint") }, h(Select, { value: draft.keep_messages_days === null ? null : String(draft.keep_messages_days), options: choices(MESSAGES, settings.keep_messages_days), onChange: put("keep_messages_days"), test: "keep-messages" })),
      h(Field, { label: say("privacy.keep_contacts"), hint: say("privacy.keep_contacts_hint") }, h(Select, { value: draft.keep_contacts_days === null ? null : String(draft.keep_contacts_days), options: choices(PEOPLE, settings.keep_contacts_days), onChange: put("keep_contacts_days"), test: "keep-contacts" }))),
    h("div", { className: "foot" }, h("button", { type: "submit", className: "btn solid", disabled: !dirty, "data-busy": busy ? "true" : undefined, "data-testid": "privacy-save" }, say("common.save"))),
    asked && h(Confirm, { found: asked.found, onDone: save, onClose: () => setAsked(null) }));
};

const Phones = ({ settings, onSaved }) => {
  const put = async (on) => {
    onSaved({ ...settings, mask_phones: on });
    try {
      onSaved(await api.patch("/api/v1/privacy", { mask_phones: on }));
    } catch (error) {
      onSaved(settings);
      tell(problem(error), "error");
    }
  };
  return h("section", { className: "sg-card", "aria-label": say("privacy.phones") },
    h("div", { className: "sg-card-h" }, h(Sign, { of: EyeOff, size: "" }), h("div", { className: "col" }, h("h3", null, say("privacy.phones")), h("p", { className: "dense muted" }, say("privacy.phones_lead")))),
    h(Switch, { on: settings.mask_phones, onChange: put, label: say("privacy.mask"), hint: say("privacy.mask_hint"), test: "mask-phones" }));
};

const Erasures = () => {
  const [page, setPage] = useState(null);
  const [failed, setFailed] = useState(null);
  const load = async (cursor) => {
    setFailed(null);
    try {
      const found = await api.get(`/api/v1/privacy/erasures?limit=20${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      setPage((now) => ({ ...found, items: cursor ? [...now.items, ...found.items] : found.items }));
    } catch (error) {
      if (error.status === 403) setPage({ hidden: true, items: [] });
      else setFailed(error);
    }
  };
  useEffect(() => {
    load();
  }, []);
  if (failed) return h(Failed, { error: failed, onRetry: () => load() });
  if (!page) return h(Waiting, { rows: 3 });
  if (page.hidden) return null;
  const line = (one) => h("li", { key: one.id, "data-testid": "erasure" }, h(Sign, { of: UserX, size: "" }),
    h("div", { className: "col grow" }, h("span", { className: "dense med" }, say(`privacy.reason_${one.reason}`, { name: one.requested_by_name || say("privacy.somebody") })), h("span", { className: "meta muted" }, say("privacy.went", { messages: fmt.number(getLang(), one.counts.messages ?? 0), files: fmt.number(getLang(), one.counts.files ?? 0) }))),
    h("time", { className: "meta muted tn", dateTime: one.at, title: fmt.exact(getLang(), one.at) }, fmt.date(getLang(), one.at)));
  return h("section", { className: "sg-card", "aria-label": say("privacy.erasures") },
    h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("h3", null, say("privacy.erasures")), h("p", { className: "dense muted" }, say("privacy.erasures_lead")))),
    page.items.length === 0 ? h("p", { className: "dense muted" }, say("privacy.erasures_none")) : h("ul", { className: "sg-rows" }, page.items.map(line)),
    page.next_cursor && h("div", { className: "foot" }, h(Btn, { onClick: () => load(page.next_cursor) }, say("privacy.more"))));
};

const Privacy = () => {
  const [settings, failed, load, setSettings] = useRead(() => api.get("/api/v1/privacy"));
  if (failed) return h(Failed, { error: failed, onRetry: load });
  if (!settings) return h(Waiting, { rows: 4 });
  return h(Fragment, null, h(Times, { key: `${settings.keep_messages_days}:${settings.keep_contacts_days}`, settings, onSaved: setSettings }), h(Phones, { settings, onSaved: setSettings }), h(Erasures));
};

/** The page. */
export const PrivacyRoot = () => h(SettingsPage, { of: Privacy });
