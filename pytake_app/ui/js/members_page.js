// The organization's people: who is there, in which role and departments, who is invited.
import { createElement as h, Fragment, useEffect, useRef, useState } from "react";
import { Ellipsis, KeyRound, LogOut, MailPlus, RefreshCw, Search, ShieldOff, Trash2, UserCheck, UserPen, UserX } from "lucide-react";
import { Link } from "react-router";
import { api } from "$/public/pt_api.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { Btn, Face, IconBtn, Menu, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Field, Select, Text } from "$/public/pt_queue_fields.js";
import { Confirm, faceOf, Failed, Foot, Forbidden, here, LinkDialog, SettingsPage, Ticks, useRead, useSend, Waiting } from "$/public/pt_settings_kit.js";

const USERS = "/api/v1/users";
const ROLES = ["org_admin", "agent", "viewer"];
const RANK = { super_admin: 3, org_admin: 2, agent: 1, viewer: 0 };
const wordsOf = (error) => sayOf(`members.problem.${error?.code ?? "unknown"}`, "members.problem.unknown");
const roleName = (role) => say(`members.role_${role}`);
const rolesFor = (me) => ["super_admin", ...ROLES].filter((role) => RANK[role] <= RANK[me.role]);

const Departments = ({ all, chosen, onChange }) => h(Ticks, { legend: say("members.departments"), items: all, chosen, onChange, test: "member-department" });
const RoleField = ({ me, role, onChange, off }) => h(Field, { label: say("members.role"), hint: say(`members.role_${role}_hint`) }, h(Select, { value: role, options: [...new Set([role, ...rolesFor(me)])].map((name) => [name, roleName(name)]), onChange, off, test: "member-role" }));

const SHOWN = 50;
const MOST_SHOWN = 200;
const TYPING_MS = 250;
const MOST = 30;
const SAME_FOR_ALL = [0, 401, 403, 429]; // what the others would meet too
/** The addresses in a text, each once. */
const addressesOf = (text) => [...new Set(text.split(/[\s,;]+/).map((one) => one.replace(/^<|>$/g, "").toLowerCase()).filter(Boolean))];

/** Asks one person or several, each by a request of their own; who couldn't be asked stays in the field, with the reason. */
const InviteDialog = ({ me, departments, onClose, onMade }) => {
  const [draft, setDraft] = useState({ emails: "", role: "agent", departments: [] });
  const [problem, setProblem] = useState("");
  const [progress, setProgress] = useState(null);
  const [links, setLinks] = useState([]); // to hand over, where no mail is sent
  const asked = addressesOf(draft.emails);
  const send = async (event) => {
    event.preventDefault();
    const wrong = asked.find((one) => !/^[^@]+@[^@]+\.[^@]+$/.test(one));
    if (wrong || asked.length > MOST) return setProblem(wrong ? say("members.invite_wrong", { email: wrong }) : say("members.invite_most", { count: MOST }));
    setProblem("");
    const { role } = draft;
    const made = [];
    const refused = [];
    for (const email of asked) {
      setProgress({ done: made.length + refused.length, all: asked.length });
      try {
        made.push(await api.post(`${USERS}/invitations`, { email, role, departments: draft.departments }));
      } catch (error) {
        refused.push({ email, words: error.code === "invalid" ? say("auth.error.email_invalid") : wordsOf(error) });
        if (SAME_FOR_ALL.includes(error.status)) {
          refused.push(...asked.slice(made.length + refused.length).map((other) => ({ email: other })));
          break;
        }
      }
    }
    setProgress(null);
    setDraft((now) => ({ ...now, emails: refused.map((one) => one.email).join("\n") }));
    setProblem(refused.filter((one) => one.words).map((one) => (asked.length > 1 ? `${one.email}: ${one.words}` : one.words)).join(" "));
    const handed = made.filter((one) => one.link).map((one) => ({ label: one.email, link: here(one.link) }));
    setLinks(handed);
    onMade(made);
    return !refused.length && !handed.length && onClose();
  };
  if (links.length) return h(LinkDialog, { title: say("members.invite_link"), detail: links.length === 1 ? say("members.invite_link_detail", { email: links[0].label }) : say("members.invite_links_detail"), links, onClose: () => (draft.emails ? setLinks([]) : onClose()) });
  return h(Modal, { title: say("members.invite_title"), detail: say("members.invite_detail"), onClose, test: "invite-dialog" }, h("form", { className: "col g16", onSubmit: send },
    h(Field, { label: say("members.invite_emails"), error: problem, hint: say("members.invite_emails_hint") }, h("textarea", { className: "input", rows: Math.min(6, Math.max(2, asked.length + 1)), inputMode: "email", autoCapitalize: "none", spellCheck: false, required: true, autoFocus: true, maxLength: 4000, value: draft.emails, "aria-invalid": problem ? "true" : undefined, onChange: (event) => setDraft({ ...draft, emails: event.target.value }), onKeyDown: (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.target.form.requestSubmit();
    }, "data-testid": "invite-email" })),
    h(RoleField, { me, role: draft.role, onChange: (role) => setDraft({ ...draft, role }) }),
    h(Departments, { all: departments, chosen: draft.departments, onChange: (chosen) => setDraft({ ...draft, departments: chosen }) }),
    progress?.all > 1 && h("span", { className: "meta muted tn", role: "status" }, say("members.invite_progress", progress)),
    h(Foot, { verb: asked.length > 1 ? say("members.invite_count", { count: asked.length }) : say("members.invite_send"), busy: progress !== null, onClose, test: "invite-send" })));
};

const EditDialog = ({ me, person, departments, onClose, onDone }) => {
  const [draft, setDraft] = useState({ full_name: person.full_name, role: person.role, departments: person.departments });
  const { busy, problem, send } = useSend(wordsOf);
  const save = send(async () => {
    await api.patch(`${USERS}/${person.id}`, draft);
    onDone(say("members.saved", { name: draft.full_name }));
  });
  return h(Modal, { title: say("members.edit_title"), detail: person.email, onClose, test: "member-dialog" }, h("form", { className: "col g16", onSubmit: save },
    h(Field, { label: say("members.name") }, h(Text, { value: draft.full_name, required: true, onChange: (full_name) => setDraft({ ...draft, full_name }), test: "member-name" })),
    h(RoleField, { me, role: draft.role, onChange: (role) => setDraft({ ...draft, role }) }),
    h(Departments, { all: departments, chosen: draft.departments, onChange: (chosen) => setDraft({ ...draft, departments: chosen }) }),
    problem && h("span", { className: "err", role: "alert" }, problem),
    h(Foot, { verb: say("common.save"), busy, onClose, test: "member-save" })));
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
        if (found.link) open({ kind: "link", title: say("members.reset_link"), detail: say("members.reset_link_detail", { name: first }), links: [{ link: here(found.link) }] });
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
  return h("tr", { "data-testid": "member", "data-email": person.email, className: person.is_active ? "" : "mb-off" },
    h("td", { className: "c-who" }, h("div", { className: "row g10 mb-who" }, h(Face, faceOf(person)), h("div", { className: "col grow" }, h("span", { className: "med ell" }, person.full_name, mine && h("span", { className: "muted" }, ` · ${say("members.you")}`)), h("span", { className: "meta muted ell" }, person.email)))),
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
      if (sent.link) open({ kind: "link", title: say("members.invite_link"), detail: say("members.invite_link_detail", { email: sent.email }), links: [{ link: here(sent.link) }] });
      return sent.link ? "" : say("members.invited", { email: sent.email });
    }), test: "invitation-resend" }, say("members.resend")),
    h(IconBtn, { icon: Trash2, label: say("members.revoke_of", { email: row.email }), onClick: () => act(async () => {
      await api.delete(`${USERS}/invitations/${row.id}`);
      return say("members.revoked", { email: row.email });
    }), test: "invitation-revoke" })))));

const Members = ({ me }) => {
  const [query, setQuery] = useState("");
  const [people, setPeople] = useState(null);
  const [next, setNext] = useState(null);
  const [broken, setBroken] = useState(null);
  const asked = useRef(0);
  const [found, failed, loadRest] = useRead(() => Promise.all([api.get(`${USERS}/invitations`), api.get("/api/v1/departments")]));
  const [invitations, departments] = found?.map((page) => page.items) ?? [[], []];
  /** A page of people; as many as stood there already when something was changed. */
  const loadPeople = async ({ cursor = "", limit = SHOWN } = {}) => {
    const turn = (asked.current += 1);
    const search = new URLSearchParams(Object.entries({ q: query.trim(), cursor, limit: String(limit) }).filter(([, value]) => value));
    try {
      const page = await api.get(`${USERS}?${search}`);
      if (turn !== asked.current) return; // meanwhile something else is looked for
      setPeople((now) => (cursor ? [...now, ...page.items] : page.items));
      setNext(page.next_cursor);
      setBroken(null);
    } catch (error) {
      if (turn === asked.current) setBroken(error);
    }
  };
  useEffect(() => {
    const timer = setTimeout(loadPeople, query && people ? TYPING_MS : 0);
    return () => clearTimeout(timer);
  }, [query]);
  const load = () => {
    loadPeople({ limit: Math.min(MOST_SHOWN, Math.max(SHOWN, people?.length ?? 0)) });
    loadRest();
  };
  const [dialog, setDialog] = useState(null);
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
  if (failed?.status === 403) return h(Forbidden);
  if ((failed && !found) || (broken && !people)) return h(Failed, { error: failed ?? broken, onRetry: load });
  if (!people || !found) return h(Waiting, { rows: 6 });
  const invited = (made) => {
    if (!made.length) return;
    load();
    if (made[0].mailed) tell(made.length === 1 ? say("members.invited", { email: made[0].email }) : say("members.invited_count", { count: made.length }), "success");
  };
  const person = dialog?.person;
  return h(Fragment, null,
    h("div", { className: "row g8 wrap" }, h("label", { className: "field mb-find" }, h(Sign, { of: Search }), h("input", { type: "search", value: query, placeholder: say("members.find"), "aria-label": say("members.find"), onChange: (event) => setQuery(event.target.value), "data-testid": "member-find" })), h("span", { className: "grow" }), h(Link, { className: "link dense", to: "/team" }, say("members.to_team")), h(Btn, { kind: "solid", icon: MailPlus, onClick: () => setDialog({ kind: "invite" }), test: "invite" }, say("members.invite"))),
    invitations.length > 0 && h(Invitations, { rows: invitations, act, open: setDialog }),
    h("div", { className: "card tbl-wrap" }, h("table", { className: "tbl mb-tbl", "aria-label": say("members.users_title") },
      h("thead", null, h("tr", null, ["who", "role", "deps", "factor", "last"].map((name) => h("th", { key: name, scope: "col", className: `c-${name}` }, say(`members.col_${name}`))), h("th", { className: "c-acts" }, h("span", { className: "sr" }, say("common.more"))))),
      h("tbody", null, people.map((one) => h(Person, { key: one.id, me, person: one, departments, act, open: setDialog }))))),
    people.length === 0 && h("p", { className: "muted dense" }, say("members.none_found")),
    next && h("div", null, h(Btn, { onClick: () => loadPeople({ cursor: next }), test: "members-more" }, say("members.more"))),
    dialog?.kind === "invite" && h(InviteDialog, { me, departments, onClose: close, onMade: invited }),
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
export const UsersRoot = ({ me }) => h(SettingsPage, { of: Members, given: Boolean(me?.id), me });
