// Departments: groups of people that queues, notices and flows name.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { Network, Pencil, Plus, Trash2 } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { Failed, initialsOf, Waiting } from "$/public/pt_account_profile.js";
import { useLang } from "$/public/pt_i18n.js";
import { Btn, Face, IconBtn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { hueOf } from "$/public/pt_inbox_model.js";
import { Field, Text } from "$/public/pt_queue_fields.js";

const BASE = "/api/v1/departments";
const ADMINS = ["org_admin", "super_admin"];
const SHOWN = 5;
const wordsOf = (error) => sayOf(`members.problem.${error?.code ?? "unknown"}`, "members.problem.unknown");

const Edit = ({ department, people, onClose, onDone }) => {
  const [draft, setDraft] = useState({ name: department?.name ?? "", description: department?.description ?? "", members: department?.members ?? [] });
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      const { members, ...fields } = draft;
      if (department) {
        await api.patch(`${BASE}/${department.id}`, fields);
        await api.put(`${BASE}/${department.id}/members`, { members });
      } else await api.post(BASE, draft);
      onDone(say("members.department_saved", { name: draft.name }));
    } catch (error) {
      setProblem(wordsOf(error));
      setBusy(false);
    }
  };
  const tick = (id) => (event) => setDraft({ ...draft, members: event.target.checked ? [...draft.members, id] : draft.members.filter((one) => one !== id) });
  return h(Modal, { title: say(department ? "members.department_edit" : "members.department_new"), onClose, test: "department-dialog" }, h("form", { className: "col g16", onSubmit: save },
    h(Field, { label: say("members.department_name"), error: problem }, h(Text, { value: draft.name, required: true, autoFocus: true, error: problem, onChange: (name) => setDraft({ ...draft, name }), test: "department-name" })),
    h(Field, { label: say("members.department_description"), optional: true }, h(Text, { value: draft.description, limit: 300, onChange: (description) => setDraft({ ...draft, description }), test: "department-description" })),
    h("fieldset", { className: "mb-deps" }, h("legend", { className: "lbl" }, say("members.department_people")), people.map((one) => h("label", { key: one.id, className: "row g8 dense" }, h("input", { type: "checkbox", checked: draft.members.includes(one.id), onChange: tick(one.id), "data-testid": "department-member" }), h(Face, { initials: initialsOf(one.full_name), hue: hueOf(one.id), size: "s", picture: one.avatar_url }), h("span", { className: "ell" }, one.full_name)))),
    h("div", { className: "foot" }, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h("button", { type: "submit", className: "btn solid", "data-busy": busy ? "true" : undefined, "data-testid": "department-save" }, say("common.save")))));
};

const Departments = ({ me }) => {
  const [rows, setRows] = useState(null);
  const [people, setPeople] = useState([]);
  const [failed, setFailed] = useState(null);
  const [dialog, setDialog] = useState(null);
  const manage = ADMINS.includes(me.role);
  const load = async () => {
    setFailed(null);
    try {
      const [found, all] = await Promise.all([api.get(BASE), api.get("/api/v1/users")]);
      setRows(found.items);
      setPeople(all.items);
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => {
    load();
  }, []);
  const close = () => setDialog(null);
  const done = (words) => {
    close();
    tell(words, "success");
    load();
  };
  const remove = async () => {
    try {
      await api.delete(`${BASE}/${dialog.department.id}`);
      done(say("members.department_deleted", { name: dialog.department.name }));
    } catch (error) {
      close();
      tell(wordsOf(error), "error");
    }
  };
  if (failed && !rows) return h(Failed, { error: failed, onRetry: load });
  if (!rows) return h(Waiting, { rows: 4 });
  const add = manage && h(Btn, { kind: "solid", icon: Plus, onClick: () => setDialog({ kind: "edit" }), test: "department-add" }, say("members.department_new"));
  return h(Fragment, null,
    rows.length === 0
      ? h("div", { className: "state", role: "status" }, h("div", { className: "pic" }, h(Sign, { of: Network, size: "l" })), h("div", { className: "str" }, say("members.departments_none")), h("div", { className: "txt dense" }, say("members.departments_lead")), h("div", { className: "act" }, add))
      : h(Fragment, null, h("div", { className: "row" }, h("span", { className: "grow muted dense" }, say("members.departments_count", { count: rows.length })), add),
        h("div", { className: "sg-card mb-card" }, h("ul", { className: "sg-rows" }, rows.map((row) => {
          const inside = people.filter((one) => row.members.includes(one.id));
          return h("li", { key: row.id, "data-testid": "department" },
            h("div", { className: "col grow" }, h("span", { className: "med ell" }, row.name), h("span", { className: "meta muted ell" }, [row.description, inside.length ? say("members.people_count", { count: inside.length }) : say("members.people_none")].filter(Boolean).join(" · "))),
            h("span", { className: "qs-faces", "aria-hidden": true }, inside.slice(0, SHOWN).map((one) => h(Face, { key: one.id, initials: initialsOf(one.full_name), hue: hueOf(one.id), size: "s", picture: one.avatar_url }))),
            manage && h(IconBtn, { icon: Pencil, label: say("members.department_edit_of", { name: row.name }), onClick: () => setDialog({ kind: "edit", department: row }), test: "department-edit" }),
            manage && h(IconBtn, { icon: Trash2, label: say("members.department_delete_of", { name: row.name }), onClick: () => setDialog({ kind: "delete", department: row }), test: "department-delete" }));
        })))),
    dialog?.kind === "edit" && h(Edit, { department: dialog.department, people: people.filter((one) => one.is_active), onClose: close, onDone: done }),
    dialog?.kind === "delete" && h(Modal, { title: say("members.department_delete_title", { name: dialog.department.name }), detail: say("members.department_delete_detail"), onClose: close, test: "confirm-dialog", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: close }, say("common.cancel")), h(Btn, { kind: "danger", onClick: remove, test: "confirm" }, say("common.delete"))) }));
};

/** The page; `me` is `{id, role}` of who is signed in. */
export const DepartmentsRoot = ({ me }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => setReady(true), []);
  return h("div", { className: "sg-body" }, ready && me?.id && h(Departments, { key: lang, me }));
};
