// API keys: made once, shown once, revoked at once.
import { createElement as h, Fragment, useState } from "react";
import { Check, Copy, KeyRound, Pencil, Plus, Trash2, TriangleAlert } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { may, rights } from "$/public/pt_rights.js";
import { Btn, IconBtn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Field, Select, Text } from "$/public/pt_queue_fields.js";
import { Confirm, Failed, Forbidden, SettingsPage, useRead, Waiting } from "$/public/pt_settings_kit.js";

const NEVER = rights("users:manage api_keys:manage");
const READ = rights("conversations:see_all analytics:read");
const PRESETS = { read: READ, talk: rights("conversations:see_all conversations:handle contacts:edit"), all: null };
const DAYS = ["30", "90", "365", "never"];
const DAY = 86400000;
const HUES = { active: "jade", expired: "amber", revoked: "", orphaned: "amber" };
const problem = (error) => sayOf(`keys.problem.${error?.code ?? "unknown"}`, "keys.problem.unknown");
const word = (permission) => permission.replace(".", "_");
const same = (a, b) => a.length === b.length && a.every((one) => b.includes(one));

const Create = ({ me, onClose, onMade }) => {
  const mine = me.permissions.filter((one) => !NEVER.includes(one));
  const sets = Object.fromEntries(Object.entries(PRESETS).map(([name, list]) => [name, (list ?? mine).filter((one) => mine.includes(one))]));
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState(sets.read);
  const [days, setDays] = useState("90");
  const [busy, setBusy] = useState(false);
  const [bad, setBad] = useState(false);
  const chosen = Object.keys(sets).find((one) => same(sets[one], scopes)) ?? "own";
  const make = async (event) => {
    event?.preventDefault();
    if (!name.trim()) {
      setBad(true);
      return;
    }
    setBusy(true);
    try {
      const expires_at = days === "never" ? null : new Date(Date.now() + Number(days) * DAY).toISOString();
      onMade(await api.post("/api/v1/api-keys", { name: name.trim(), scopes, expires_at }));
    } catch (error) {
      tell(problem(error), "error");
      setBusy(false);
    }
  };
  const flip = (one) => setScopes((now) => (now.includes(one) ? now.filter((other) => other !== one) : [...now, one]));
  return h(Modal, { wide: true, title: say("keys.new"), detail: say("keys.new_detail"), onClose, test: "key-create", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h(Btn, { kind: "solid", busy, onClick: make, test: "key-make" }, say("keys.make"))) },
    h("form", { className: "col g16", onSubmit: make },
      h("div", { className: "sg-grid" },
        h(Field, { label: say("keys.name"), hint: say("keys.name_hint"), error: bad && !name.trim() ? say("keys.name_missing") : "" }, h(Text, { value: name, onChange: setName, limit: 80, error: bad && !name.trim(), autoFocus: true, placeholder: say("keys.name_example"), test: "key-name" })),
        h(Field, { label: say("keys.expires"), hint: days === "never" ? say("keys.never_hint") : say("keys.expires_on", { date: fmt.date(getLang(), Date.now() + Number(days) * DAY) }) }, h(Select, { value: days, options: DAYS.map((one) => [one, say(`keys.days_${one}`)]), onChange: setDays, test: "key-days" }))),
      h("div", { className: "col g8" },
        h("span", { className: "lbl" }, say("keys.scopes")),
        h("div", { className: "seg ak-sets", role: "group", "aria-label": say("keys.scopes") }, [...Object.keys(sets), "own"].map((one) => h("button", { key: one, type: "button", "aria-pressed": chosen === one, disabled: one === "own" && chosen !== "own", onClick: () => sets[one] && setScopes(sets[one]), "data-testid": `key-set-${one}` }, say(`keys.set.${one}`)))),
        h("ul", { className: "ak-scopes" }, mine.map((one) => h("li", { key: one }, h("label", { className: "row g8" }, h("input", { type: "checkbox", checked: scopes.includes(one), onChange: () => flip(one), "data-testid": `scope-${one}` }), h("span", { className: "col" }, h("span", { className: "dense" }, say(`roles.perm.${word(one)}`)), h("code", { className: "meta muted" }, one))))))),
      h("button", { type: "submit", className: "sr", tabIndex: -1, "aria-hidden": true })));
};

/** The only time that the key is on a screen. */
const Told = ({ made, onClose }) => {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.key);
      setCopied(true);
    } catch {
      tell(say("keys.copy_failed"), "error"); // no clipboard without https: it can be marked by hand
    }
  };
  return h(Modal, { wide: true, title: say("keys.told"), detail: say("keys.told_detail"), onClose, test: "key-told", foot: h(Btn, { kind: "solid", onClick: onClose, test: "key-done" }, say("keys.done")) },
    h("div", { className: "ak-key" }, h("code", { "data-testid": "key-secret" }, made.key), h(Btn, { icon: copied ? Check : Copy, onClick: copy, test: "key-copy" }, say(copied ? "keys.copied" : "keys.copy"))),
    h("p", { className: "meta muted row g6" }, h(Sign, { of: TriangleAlert, size: "xs" }), say("keys.once")));
};

const Rename = ({ row, onClose, onDone }) => {
  const [name, setName] = useState(row.name);
  const [busy, setBusy] = useState(false);
  const save = async (event) => {
    event?.preventDefault();
    setBusy(true);
    try {
      onDone(await api.patch(`/api/v1/api-keys/${row.id}`, { name: name.trim() }));
    } catch (error) {
      tell(problem(error), "error");
      setBusy(false);
    }
  };
  return h(Modal, { title: say("keys.rename"), onClose, foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h(Btn, { kind: "solid", busy, disabled: !name.trim(), onClick: save, test: "key-rename-save" }, say("common.save"))) }, h("form", { onSubmit: save }, h(Field, { label: say("keys.name") }, h(Text, { value: name, onChange: setName, limit: 80, autoFocus: true, test: "key-rename" }))));
};

const Revoke = ({ row, onClose, onDone }) => {
  const end = async () => {
    try {
      await api.delete(`/api/v1/api-keys/${row.id}`);
      tell(say("keys.revoked", { name: row.name }), "success");
    } catch (error) {
      tell(problem(error), "error");
    }
    onDone();
  };
  return h(Confirm, { title: say("keys.revoke_title", { name: row.name }), detail: say("keys.revoke_detail"), verb: say("keys.revoke"), onClose, onDone: end, test: "key-revoke-confirm" });
};

const Row = ({ row, on }) => {
  const lang = getLang();
  const used = row.last_used_at ? say("keys.used", { when: fmt.relative(lang, row.last_used_at), address: row.last_used_address || "–" }) : say("keys.unused");
  const ends = row.state === "revoked" ? say("keys.revoked_on", { date: fmt.date(lang, row.revoked_at) }) : row.expires_at ? say(row.state === "expired" ? "keys.expired_on" : "keys.expires_on", { date: fmt.date(lang, row.expires_at) }) : say("keys.never");
  return h("li", { className: "ak-row", "data-state": row.state, "data-testid": "api-key" },
    h("span", { className: "av a-violet", "aria-hidden": true }, h(Sign, { of: KeyRound, size: "s" })),
    h("div", { className: "grow col g4" },
      h("div", { className: "row g8 wrap" }, h("span", { className: "med ell" }, row.name), h("code", { className: "meta muted" }, `pk_…${row.hint}`), h("span", { className: `bdg ${HUES[row.state]}`.trim() }, say(`keys.state.${row.state}`))),
      h("div", { className: "row g6 wrap" }, row.scopes.length === 0 ? h("span", { className: "bdg" }, say("keys.no_scopes")) : row.scopes.map((one) => h("span", { key: one, className: "bdg", title: one }, sayOf(`roles.perm.${word(one)}`, "keys.scope_gone")))),
      h("div", { className: "meta muted" }, [used, ends, say("keys.by", { name: row.created_by_name || "–", date: fmt.date(lang, row.created_at) })].join(" · "))),
    row.state !== "revoked" && h(Fragment, null, h(IconBtn, { icon: Pencil, small: true, label: say("keys.rename_of", { name: row.name }), onClick: () => on("rename", row), test: "key-edit" }), h(IconBtn, { icon: Trash2, small: true, label: say("keys.revoke_of", { name: row.name }), onClick: () => on("revoke", row), test: "key-revoke" })));
};

const Keys = ({ me }) => {
  const [found, failed, load] = useRead(() => api.get("/api/v1/api-keys"));
  const rows = found?.items;
  const [dialog, setDialog] = useState(null);
  if (!may(me, "api_keys:manage") || failed?.status === 403) return h(Forbidden, { detail: say("keys.no_permission") });
  if (failed) return h(Failed, { error: failed, onRetry: load });
  if (!rows) return h(Waiting, { rows: 3 });
  const close = () => setDialog(null);
  const done = () => {
    close();
    load();
  };
  const add = h(Btn, { kind: "solid", icon: Plus, onClick: () => setDialog({ kind: "create" }), test: "key-new" }, say("keys.new"));
  return h(Fragment, null,
    h("div", { className: "sg-card" },
      h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("h3", null, say("keys.list")), h("p", { className: "meta muted" }, say("keys.list_hint"))), rows.length > 0 && add),
      rows.length === 0 ? h("div", { className: "state" }, h("div", { className: "pic" }, h(Sign, { of: KeyRound, size: "l" })), h("div", { className: "str" }, say("keys.none")), h("div", { className: "txt dense" }, say("keys.none_detail")), h("div", { className: "act" }, add)) : h("ul", { className: "sg-rows", "data-testid": "api-keys" }, rows.map((row) => h(Row, { key: row.id, row, on: (kind, one) => setDialog({ kind, row: one }) })))),
    h("div", { className: "sg-card" }, h("h3", null, say("keys.how")), h("p", { className: "meta muted" }, say("keys.how_detail")), h("pre", { className: "ak-code" }, `curl -H "Authorization: Bearer pk_…" ${window.location.origin}/api/v1/conversations`), h("a", { className: "btn ghost sm", href: "/docs", target: "_blank", rel: "noreferrer" }, say("keys.docs"))),
    dialog?.kind === "create" && h(Create, { me, onClose: close, onMade: (made) => {
      setDialog({ kind: "told", made });
      load();
    } }),
    dialog?.kind === "told" && h(Told, { made: dialog.made, onClose: close }),
    dialog?.kind === "rename" && h(Rename, { row: dialog.row, onClose: close, onDone: done }),
    dialog?.kind === "revoke" && h(Revoke, { row: dialog.row, onClose: close, onDone: done }));
};

/** The page; `me` is `{id, role, permissions}` of who is signed in. */
export const ApiKeysRoot = ({ me }) => h(SettingsPage, { of: Keys, given: Boolean(me?.id), me });
