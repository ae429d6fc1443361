// Settings on a phone: the sections as one native list.
import { createElement as h, useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { tr, useLang } from "$/public/pt_i18n.js";

/** `sections` are `{key, href, label, group, roles, permission}` with text keys; `role` and `permissions` are the reader's. */
export const SettingsPick = ({ sections, role, permissions, active }) => {
  const lang = useLang();
  const navigate = useNavigate();
  const [ready, setReady] = useState(false); // the prepared page is in one language
  useEffect(() => setReady(true), []);
  const shown = sections.filter((one) => one.key === active || (one.roles.split(" ").includes(role) && (!one.permission || permissions.includes(one.permission))));
  const groups = [...new Set(shown.map((one) => one.group))];
  const go = (event) => navigate(sections.find((one) => one.key === event.target.value).href);
  return h("label", { className: "sg-pick" }, h("span", { className: "sr" }, ready && tr(lang, "account.settings")),
    h("select", { className: "input lg", value: active, onChange: go, "data-testid": "settings-pick" },
      ready && groups.map((group) => h("optgroup", { key: group, label: tr(lang, group) }, shown.filter((one) => one.group === group).map((one) => h("option", { key: one.key, value: one.key }, tr(lang, one.label)))))));
};
