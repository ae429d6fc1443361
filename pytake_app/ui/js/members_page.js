// The organization's people: who is there, in which role and departments, who is invited.
import { createElement as h, Fragment, useEffect, useMemo, useState } from "react";
import { Copy, Ellipsis, KeyRound, Lock, LogOut, MailPlus, RefreshCw, Search, ShieldOff, Trash2, UserCheck, UserPen, UserX } from "lucide-react";
import { Link } from "react-router";
import { api } from "$/public/pt_api.js";
import { Failed, initialsOf, Waiting } from "$/public/pt_account_profile.js";
import { fmt, getLang, useLang } from "$/public/pt_i18n.js";
import { Btn, Face, fold, IconBtn, Menu, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { hueOf } from "$/public/pt_inbox_model.js";
import { copyText } from "$/public/pt_page_store.js";
import { Field, Select, Text } from "$/public/pt_queue_fields.js";

const USERS = "/api/v1/users";
const ROLES = ["org_admin", "agent", "viewer"];
const RANK = { super_admin: 3, org_admin: 2, agent: 1, viewer: 0 };
const wordsOf = (error) => sayOf(`members.problem.${error?.code ?? "unknown"}`, "members.problem.unknown");
const roleName = (role) => say(`members.role_${role}`);
const rolesFor = (me) => (me.role === "super_admin" ? ["super_admin", ...ROLES] : ROLES);

/** Departments to tick. */
const Departments = ({ all, chosen, onChange }) => all.length > 0 && h("fieldset", { className: "mb-deps" }, h("legend", { className: "lbl" }, say("members.departments")),
  all.map((one) => h("label", { key: one.id, className: "row g8 dense" }, h("input", { type: "checkbox", checked: chosen.includes(one.id), onChange: (event) => onChange(event.target.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id)), "data-testid": "member-department" }), h("span", { className: "ell" }, one.name))));
const RoleField = ({ me, role, onChange, off }) => h(Field, { label: say("members.role"), hint: say(`members.role_${role}_hint`) }, h(Select, { value: role, options: [...new Set([role, ...rolesFor(me)])].map((name) => [name, roleName(name)]), onChange, off, test: "member-role" }));

const LinkDialog = ({ title, detail, link, onClose }) => h(Modal, { title, detail, onClose, test: "link-dialog", foot: h(Btn, { kind: "solid", onClick: onClose }, say("common.close")) },
  h("div", { className: "row g8" }, h("input", { className: "input mono grow", value: link, readOnly: true, "aria-label": title, onFocus: (event) => event.target.select(), "data-testid": "link" }), h(Btn, { icon: Copy, onClick: async () => (await copyText(link)) && tell(say("common.copied"), "success"), test: "link-copy" }, say("common.copy"))));
/** The link as it opens in this browser's own address: the server may know itself by another name. */
const here = (link) => window.location.origin + new URL(link).pathname;

const InviteDialog = ({ me, departments, onClose, onDone }) => {
  const [draft, setDraft] = useState({ email: "", role: "agent", departments: [] });
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      onDone(await api.post(`${USERS}/invitations`, draft));
    } catch (error) {
      setProblem(error.code === "invalid" ? say("auth.error.email_invalid") : wordsOf(error));
      setBusy(false);
    }
  };
  return h(Modal, { title: say("members.invite_title"), detail: say("members.invite_detail"), onClose, test: "invite-dialog" }, h("form", { className: "col g16", onSubmit: send },
    h(Field, { label: say("auth.email"), error: problem }, h("input", { className: "input", type: "email", required: true, autoFocus: true, maxLength: 320, value: draft.email, "aria-invalid": problem ? "true" : undefined, onChange: (event) => setDraft({ ...draft, email: event.target.value }), "data-testid": "invite-email" })),
    h(RoleField, { me, role: draft.role, onChange: (role) => setDraft({ ...draft, role }) }),
    h(Departments, { all: departments, chosen: draft.departments, onChange: (chosen) => setDraft({ ...draft, departments: chosen }) }),
    h("div", { className: "foot" }, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h("button", { type: "submit", className: "btn solid", "data-busy": busy ? "true" : undefined, "data-testid": "invite-send" }, say("members.invite_send")))));
};

const EditDialog = ({ me, person, departments, onClose, onDone }) => {
  const [draft, setDraft] = useState({ full_name: person.full_name, role: person.role, departments: person.departments });
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await api.patch(`${USERS}/${person.id}`, draft);
      onDone(say("members.saved", { name: draft.full_name }));
    } catch (error) {
      setProblem(wordsOf(error));
      setBusy(false);
    }
  };
  return h(Modal, { title: say("members.edit_title"), detail: person.email, onClose, test: "member-dialog" }, h("form", { className: "col g16", onSubmit: save },
    h(Field, { label: say("members.name") }, h(Text, { value: draft.full_name, required: true, onChange: (full_name) => setDraft({ ...draft, full_name }), test: "member-name" })),
    h(RoleField, { me, role: draft.role, onChange: (role) => setDraft({ ...draft, role }) }),
    h(Departments, { all: departments, chosen: draft.departments, onChange: (chosen) => setDraft({ ...draft, departments: chosen }) }),
    problem && h("span", { className: "err", role: "alert" }, problem),
    h("div", { className: "foot" }, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h("button", { type: "submit", className: "btn solid", "data-busy": busy ? "true" : undefined, "data-testid": "member-save" }, say("common.save")))));
};

const Confirm = ({ title, detail, verb, onClose, onDone }) => {
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    await onDone();
  };
  return h(Modal, { title, detail, onClose, test: "confirm-dialog", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h(Btn, { kind: "danger", busy, onClick: go, test: "confirm" }, verb)) });
};

const Person = ({ me, person, departments, act, open }) => {
  const mine = person.id === me.id;
  const below = RANK[person.role] <= RANK[me.role];
  const names = person.departments.map((id) => departments.find((one) => one.id === id)?.name).filter(Boolean);
  const first = person.full_name.split(" ")[0];
  const items = [
    { key: "edit", label: say("members.edit"), icon: UserPen, run: () => open({ kind: "edit", person }), test: "member-edit" },
    ...(person.is_active && !mine ? [
      { key: "reset", label: say("members.send_reset"), icon: KeyRound, run: () => act(async () => {
        const found = await api.post(`${USERS}/${person.id}/password-reset`);
        if (found.link) open({ kind: "link", title: say("members.reset_link"), detail: say("members.reset_link_detail", { name: first }), link: here(found.link) });
        return found.link ? "" : say("members.reset_sent", { name: first });
      }), test: "member-reset" },
      { key: "out", label: say("members.sign_out"), icon: LogOut, run: () => act(async () => {
        await api.delete(`${USERS}/${person.id}/sessions`);
        return say("members.signed_out", { name: first });
      }) },
      ...(person.second_factor ? [{ key: "factor", label: say("members.end_factor"), icon: ShieldOff, run: () => open({ kind: "factor", person }) }] : []),
    ] : []),
    ...(mine ? [] : ["line", person.is_active ? { key: "off", label: say("members.deactivate"), icon: UserX, run: () => open({ kind: "deactivate", person }), test: "member-deactivate" } : { key: "on", label: say("members.activate"), icon: UserCheck, run: () => act(async () => {
      await api.patch(`${USERS}/${person.id}`, { is_active: true });
      return say("members.activated", { name: first });
    }) }, { key: "remove", label: say("members.remove"), icon: Trash2, danger: true, run: () => open({ kind: "remove", person }), test: "member-remove" }]),
  ];
  return h("tr", { "data-testid": "member", "data-email": person.email, "data-active": undefined, className: person.is_active ? "" : "mb-off" },
    h("td", { className: "c-who" }, h("div", { className: "row g10 mb-who" }, h(Face, { initials: initialsOf(person.full_name), hue: hueOf(person.id), picture: person.avatar_url }), h("div", { className: "col grow" }, h("span", { className: "med ell" }, person.full_name, mine && h("span", { className: "muted" }, ` · ${say("members.you")}`)), h("span", { className: "meta muted ell" }, person.email)))),
    h("td", { className: "c-role" }, person.is_active ? h("span", { className: person.role.endsWith("admin") ? "bdg jade" : "bdg" }, roleName(person.role)) : h("span", { className: "bdg amber" }, say("members.inactive"))),
    h("td", { className: "c-deps" }, h("span", { className: "ell dense" }, names.join(", ") || h("span", { className: "muted" }, "–"))),
    h("td", { className: "c-factor" }, person.second_factor ? h("span", { className: "bdg jade" }, say("account.totp_on")) : h("span", { className: "muted dense" }, say("account.totp_off"))),
    h("td", { className: "c-last muted dense", title: person.last_login_at ? fmt.exact(getLang(), person.last_login_at) : undefined }, person.last_login_at ? fmt.relative(getLang(), person.last_login_at) : say("members.never")),
    h("td", { className: "c-acts r" }, below && h(Menu, { trigger: h(IconBtn, { icon: Ellipsis, label: say("members.acts_of", { name: person.full_name }), test: "member-menu" }), items, label: say("members.acts_of", { name: person.full_name }) })));
};

const Invitations = ({ rows, act, open }) => h("section", { className: "sg-card" }, h("h3", null, say("members.invitations")),
  h("ul", { className: "sg-rows" }, rows.map((row) => h("li", { key: row.id, "data-testid": "invitation", "data-email": row.email },
    h("span", { className: "tile" }, h(Sign, { of: MailPlus, size: "" })),
    h("div", { className: "col grow" }, h("span", { className: "dense med ell" }, row.email), h("span", { className: "meta muted ell" }, [roleName(row.role), row.state === "expired" ? say("members.expired") : say("members.good_until", { date: fmt.date(getLang(), row.expires_at) }), row.invited_by && say("members.by", { name: row.invited_by })].filter(Boolean).join(" · "))),
    h(Btn, { small: true, icon: RefreshCw, onClick: () => act(async () => {
      const sent = await api.post(`${USERS}/invitations/${row.id}/resend`);
      if (sent.link) open({ kind: "link", title: say("members.invite_link"), detail: say("members.invite_link_detail", { email: sent.email }), link: here(sent.link) });
      return sent.link ? "" : say("members.invited", { email: sent.email });
    }), test: "invitation-resend" }, say("members.resend")),
    h(IconBtn, { icon: Trash2, label: say("members.revoke_of", { email: row.email }), onClick: () => act(async () => {
      await api.delete(`${USERS}/invitations/${row.id}`);
      return say("members.revoked", { email: row.email });
    }), test: "invitation-revoke" })))));

const Members = ({ me }) => {
  const [people, setPeople] = useState(null);
  const [invitations, setInvitations] = useState([]);
  const [departments, setDepartments] = useState([]);
  const [failed, setFailed] = useState(null);
  const [query, setQuery] = useState("");
  const [dialog, setDialog] = useState(null);
  const load = async () => {
    setFailed(null);
    try {
      const [all, asked, groups] = await Promise.all([api.get(USERS), api.get(`${USERS}/invitations`), api.get("/api/v1/departments")]);
      setPeople(all.items);
      setInvitations(asked.items);
      setDepartments(groups.items);
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => {
    load();
  }, []);
  const close = () => setDialog(null);
  const act = async (work) => {
    try {
      const done = await work();
      if (done) tell(done, "success");
    } catch (error) {
      tell(wordsOf(error), "error");
    }
    load();
  };
  const change = (work) => async () => {
    await act(work);
    close();
  };
  const shown = useMemo(() => (people ?? []).filter((one) => fold(`${one.full_name} ${one.email}`).includes(fold(query.trim()))), [people, query]);
  if (failed?.status === 403) return h("div", { className: "state", role: "alert" }, h("div", { className: "pic" }, h(Sign, { of: Lock, size: "l" })), h("div", { className: "str" }, say("common.no_permission")), h("div", { className: "txt dense" }, say("common.no_permission_detail")));
  if (failed && !people) return h(Failed, { error: failed, onRetry: load });
  if (!people) return h(Waiting, { rows: 6 });
  const invited = (made) => {
    load();
    if (made.link) setDialog({ kind: "link", title: say("members.invite_link"), detail: say("members.invite_link_detail", { email: made.email }), link: here(made.link) });
    else {
      close();
      tell(say("members.invited", { email: made.email }), "success");
    }
  };
  const person = dialog?.person;
  return h(Fragment, null,
    h("div", { className: "row g8 wrap" }, h("label", { className: "field mb-find" }, h(Sign, { of: Search }), h("input", { type: "search", value: query, placeholder: say("members.find"), "aria-label": say("members.find"), onChange: (event) => setQuery(event.target.value), "data-testid": "member-find" })), h("span", { className: "grow" }), h(Link, { className: "link dense", to: "/team" }, say("members.to_team")), h(Btn, { kind: "solid", icon: MailPlus, onClick: () => setDialog({ kind: "invite" }), test: "invite" }, say("members.invite"))),
    invitations.length > 0 && h(Invitations, { rows: invitations, act, open: setDialog }),
    h("div", { className: "card tbl-wrap" }, h("table", { className: "tbl mb-tbl", "aria-label": say("members.users_title") },
      h("thead", null, h("tr", null, ["who", "role", "deps", "factor", "last"].map((name) => h("th", { key: name, scope: "col", className: `c-${name}` }, say(`members.col_${name}`))), h("th", { className: "c-acts" }, h("span", { className: "sr" }, say("common.more"))))),
      h("tbody", null, shown.map((one) => h(Person, { key: one.id, me, person: one, departments, act, open: setDialog }))))),
    shown.length === 0 && h("p", { className: "muted dense" }, say("members.none_found")),
    dialog?.kind === "invite" && h(InviteDialog, { me, departments, onClose: close, onDone: invited }),
    dialog?.kind === "link" && h(LinkDialog, { ...dialog, onClose: close }),
    dialog?.kind === "edit" && h(EditDialog, { me, person, departments, onClose: close, onDone: (done) => {
      close();
      tell(done, "success");
      load();
    } }),
    dialog?.kind === "deactivate" && h(Confirm, { title: say("members.deactivate_title", { name: person.full_name }), detail: say("members.deactivate_detail"), verb: say("members.deactivate"), onClose: close, onDone: change(async () => {
      await api.patch(`${USERS}/${person.id}`, { is_active: false });
      return say("members.deactivated", { name: person.full_name });
    }) }),
    dialog?.kind === "remove" && h(Confirm, { title: say("members.remove_title", { name: person.full_name }), detail: say("members.remove_detail"), verb: say("members.remove"), onClose: close, onDone: change(async () => {
      await api.delete(`${USERS}/${person.id}`);
      return say("members.removed", { name: person.full_name });
    }) }),
    dialog?.kind === "factor" && h(Confirm, { title: say("members.factor_title", { name: person.full_name }), detail: say("members.factor_detail"), verb: say("members.end_factor"), onClose: close, onDone: change(async () => {
      await api.delete(`${USERS}/${person.id}/second-factor`);
      return say("members.factor_ended", { name: person.full_name });
    }) }));
};

/** The page; `me` is `{id, role}` of who is signed in. */
export const UsersRoot = ({ me }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => setReady(true), []);
  return h("div", { className: "sg-body" }, ready && me?.id && h(Members, { key: lang, me }));
};
