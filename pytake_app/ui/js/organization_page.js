// The organization's own settings: name, time zone, language, currency.
import { createElement as h, useMemo, useState } from "react";
import { api } from "$/public/pt_api.js";
import { getLang } from "$/public/pt_i18n.js";
import { say, sayOf, tell } from "$/public/pt_inbox_kit.js";
import { Field, Select, Text } from "$/public/pt_queue_fields.js";
import { Failed, known, languages, SettingsPage, useRead, Waiting, zoneName } from "$/public/pt_settings_kit.js";

const FIRST = ["BRL", "USD", "EUR", "ARS", "CLP", "COP", "MXN", "PEN", "UYU"];
const NAMES = ["name", "time_zone", "locale", "currency"];
export const problem = (error) => sayOf(`plans.problem.${error?.code ?? "unknown"}`, error?.status === 403 ? "common.no_permission" : "plans.problem.unknown");
const timeZones = () => known("timeZone").map((zone) => [zone, zoneName(zone)]);
const currencies = () => {
  const names = new Intl.DisplayNames([getLang()], { type: "currency" });
  return [...new Set([...FIRST, ...known("currency")])].map((code) => [code, `${code} · ${names.of(code)}`]);
};
const withOwn = (options, own) => (own && !options.some(([id]) => id === own) ? [[own, own], ...options] : options);

/** An organization's name, time zone, language and currency; `onChanged` gets it as it is then. */
export const OrganizationForm = ({ organization, onChanged }) => {
  const [row, failed, load, setRow] = useRead(() => api.get(`/api/v1/organizations/${organization}`), [organization]);
  const [changed, setChanged] = useState({});
  const [errors, setErrors] = useState([]);
  const [busy, setBusy] = useState(false);
  const zones = useMemo(timeZones, []);
  const money = useMemo(currencies, []);
  if (failed) return h(Failed, { error: failed, onRetry: load });
  if (!row) return h(Waiting, { rows: 4 });
  const draft = { ...Object.fromEntries(NAMES.map((name) => [name, row[name]])), ...changed };
  const put = (name) => (value) => setChanged((now) => ({ ...now, [name]: value ?? draft[name] }));
  const dirty = NAMES.some((name) => draft[name].trim() !== row[name]);
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setErrors([]);
    try {
      const saved = await api.patch(`/api/v1/organizations/${organization}`, draft);
      setRow(saved);
      setChanged({});
      onChanged?.(saved);
      tell(say("plans.organization_saved"), "success");
    } catch (error) {
      setErrors(error.errors ?? []);
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  const bad = (name) => errors.some((one) => one.pointer.endsWith(`/${name}`));
  return h("form", { className: "sg-card", onSubmit: save, "data-testid": "organization" },
    h("div", { className: "sg-grid" },
      h(Field, { label: say("plans.f_name"), hint: say("plans.f_name_hint"), error: bad("name") ? say("auth.error.organization_name_invalid") : "" }, h(Text, { value: draft.name, onChange: put("name"), limit: 120, required: true, error: bad("name"), test: "organization-name" })),
      h(Field, { label: say("plans.f_locale"), hint: say("plans.f_locale_hint") }, h(Select, { value: draft.locale, options: languages(), onChange: put("locale"), test: "organization-locale" })),
      h(Field, { label: say("plans.f_time_zone"), hint: say("plans.f_time_zone_hint"), error: bad("time_zone") ? say("plans.problem.unknown") : "" }, h(Select, { value: draft.time_zone, options: withOwn(zones, draft.time_zone), onChange: put("time_zone"), test: "organization-zone" })),
      h(Field, { label: say("plans.f_currency"), hint: say("plans.f_currency_hint") }, h(Select, { value: draft.currency, options: withOwn(money, draft.currency), onChange: put("currency"), test: "organization-currency" }))),
    h("div", { className: "foot" }, h("button", { type: "submit", className: "btn solid", disabled: !dirty || !draft.name.trim(), "data-busy": busy ? "true" : undefined, "data-testid": "organization-save" }, say("common.save"))));
};

/** The page; `onChanged` tells the shell that the name is another now. */
export const OrganizationRoot = ({ organization, onChanged }) => h(SettingsPage, { of: OrganizationForm, given: Boolean(organization), organization, onChanged: () => onChanged?.() });
