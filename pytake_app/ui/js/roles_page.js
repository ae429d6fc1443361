// What each role may do: permissions in rows, roles in columns; on a phone one role at a time.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { ChevronDown, Eye, RotateCcw, Shield, UserRound, Users, WandSparkles } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { may, rights } from "$/public/pt_rights.js";
import { Btn, Menu, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { ADMINS, Failed, SettingsPage, useRead, Waiting } from "$/public/pt_settings_kit.js";

const ICONS = { org_admin: Shield, agent: UserRound, viewer: Eye };
const GROUPS = [
  ["service", rights("conversations:see_all conversations:handle contacts:edit contacts:delete")],
  ["automation", rights("flows:edit flows:publish templates:manage campaigns:send pipeline:manage")],
  ["figures", rights("analytics:read data:export audit:read")],
  ["organization", rights("queues:manage channels:manage users:manage settings:manage api_keys:manage")],
];
/** Sets that fit a kind of work; what a role can't be given stays out. */
const PRESETS = {
  agent: {
    supervisor: rights("conversations:see_all conversations:handle contacts:edit pipeline:manage analytics:read data:export queues:manage"),
    own: rights("conversations:handle contacts:edit"),
    designer: rights("conversations:see_all conversations:handle contacts:edit pipeline:manage analytics:read flows:edit flows:publish templates:manage"),
  },
  viewer: { auditor: rights("conversations:see_all analytics:read audit:read data:export"), figures: rights("analytics:read") },
  org_admin: { careful: rights("conversations:see_all conversations:handle contacts:edit flows:edit flows:publish templates:manage campaigns:send pipeline:manage analytics:read audit:read queues:manage channels:manage users:manage settings:manage") },
};
const same = (a, b) => a.length === b.length && a.every((one) => b.includes(one));
const word = (permission) => permission.replace(".", "_");

const Roles = ({ me }) => {
  const [rows, failed, load, setRows] = useRead(async () => (await api.get("/api/v1/roles")).items);
  const [drafts, setDrafts] = useState({});
  const [shown, setShown] = useState("agent"); // on a phone
  const [busy, setBusy] = useState(false);
  const manage = ADMINS.includes(me.role) && may(me, "users:manage");
  const wanted = (row) => drafts[row.role] ?? row.permissions;
  const changed = (rows ?? []).filter((row) => !same(wanted(row), row.permissions));
  useEffect(() => {
    const leaving = (event) => changed.length > 0 && event.preventDefault();
    window.addEventListener("beforeunload", leaving);
    return () => window.removeEventListener("beforeunload", leaving);
  }, [changed.length]);
  if (failed) return h(Failed, { error: failed, onRetry: load });
  if (!rows) return h(Waiting, { rows: 8 });
  const put = (row, list) => setDrafts((now) => ({ ...now, [row.role]: row.grantable.filter((one) => list.includes(one) || row.fixed.includes(one)) }));
  const flip = (row, permission) => put(row, wanted(row).includes(permission) ? wanted(row).filter((one) => one !== permission) : [...wanted(row), permission]);
  const save = async () => {
    setBusy(true);
    try {
      let now = rows;
      for (const row of changed) {
        const kept = same(wanted(row), row.defaults) ? await api.delete(`/api/v1/roles/${row.role}`) : await api.put(`/api/v1/roles/${row.role}`, { permissions: wanted(row) });
        now = now.map((one) => (one.role === kept.role ? kept : one));
        setRows(now);
      }
      setDrafts({});
      tell(say("roles.saved"), "success");
    } catch (error) {
      tell(sayOf(`roles.problem.${error.code}`, "roles.problem.unknown"), "error");
    } finally {
      setBusy(false);
    }
  };
  const why = (row, permission) => {
    if (row.fixed.includes(permission)) return say("roles.fixed");
    if (!row.grantable.includes(permission)) return say("roles.not_grantable");
    return manage ? "" : say("roles.not_yours");
  };
  const Cell = ({ row, permission }) => {
    const reason = why(row, permission);
    const on = wanted(row).includes(permission);
    return h("td", { className: "rl-cell", "data-role": row.role, "data-shown": row.role === shown, "data-changed": on !== row.permissions.includes(permission) || undefined, title: reason || undefined },
      h("button", { type: "button", role: "switch", className: "sw", "aria-checked": on, disabled: Boolean(reason), "aria-label": `${say(`roles.name.${row.role}`)}: ${say(`roles.perm.${word(permission)}`)}${reason ? `. ${reason}` : ""}`, onClick: () => flip(row, permission), "data-testid": `perm-${row.role}-${permission}` }));
  };
  const Head = ({ row }) => {
    const items = [
      { key: "reset", label: say("roles.reset"), icon: RotateCcw, run: () => put(row, row.defaults), test: `reset-${row.role}` },
      "line",
      { title: say("roles.presets") },
      ...Object.entries(PRESETS[row.role]).map(([name, list]) => ({ key: name, label: say(`roles.preset.${name}`), icon: WandSparkles, run: () => put(row, list), test: `preset-${row.role}-${name}` })),
    ];
    return h("th", { scope: "col", className: "rl-role", "data-shown": row.role === shown },
      h("span", { className: "row g6" }, h(Sign, { of: ICONS[row.role] }), h("span", { className: "str" }, say(`roles.name.${row.role}`))),
      h("span", { className: "meta muted row g4" }, h(Sign, { of: Users, size: "xs" }), say("roles.people", { count: row.people })),
      manage && h(Menu, { items, label: say("roles.presets"), trigger: h("button", { type: "button", className: "btn ghost sm", "aria-label": `${say(`roles.name.${row.role}`)}: ${say("roles.presets")}`, "data-testid": `presets-${row.role}` }, say(same(wanted(row), row.defaults) ? "roles.is_default" : "roles.is_own"), h(Sign, { of: ChevronDown, size: "xs" })) }));
  };
  return h(Fragment, null,
    h("div", { className: "seg rl-pick", role: "group", "aria-label": say("roles.role") }, rows.map((row) => h("button", { key: row.role, type: "button", "aria-pressed": row.role === shown, onClick: () => setShown(row.role) }, say(`roles.name.${row.role}`)))),
    h("div", { className: "sg-card rl-card" },
      h("table", { className: "rl", "data-testid": "roles" },
        h("caption", { className: "sr" }, say("roles.title")),
        h("thead", null, h("tr", null, h("th", { scope: "col", className: "meta muted" }, say("roles.permission")), rows.map((row) => h(Head, { key: row.role, row })))),
        GROUPS.map(([group, permissions]) => h("tbody", { key: group },
          h("tr", { className: "rl-group" }, h("th", { colSpan: rows.length + 1, scope: "rowgroup" }, say(`roles.group.${group}`))),
          permissions.map((permission) => h("tr", { key: permission },
            h("th", { scope: "row", className: "rl-perm" }, h("span", { className: "med dense" }, say(`roles.perm.${word(permission)}`)), h("span", { className: "meta muted" }, say(`roles.about.${word(permission)}`))),
            rows.map((row) => Cell({ row, permission })))))))),
    manage && changed.length > 0 && h("div", { className: "rl-bar", role: "status" },
      h("span", { className: "grow dense" }, say("roles.unsaved", { roles: changed.map((row) => say(`roles.name.${row.role}`)).join(", ") })),
      h(Btn, { kind: "ghost", onClick: () => setDrafts({}), test: "roles-discard" }, say("common.cancel")),
      h(Btn, { kind: "solid", busy, onClick: save, test: "roles-save" }, say("common.save"))),
    h("p", { className: "meta muted" }, say("roles.super_admin", { number: fmt.number(getLang(), rows.length) })));
};

/** The page; `me` is `{id, role, permissions}` of who is signed in. */
export const RolesRoot = ({ me }) => h(SettingsPage, { of: Roles, given: Boolean(me?.id), me });
