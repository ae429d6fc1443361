// Departments: groups of people that queues, notices and flows name.
import { createElement as h, Fragment, useState } from "react";
import { Network, Pencil, Plus, Trash2 } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { Btn, Face, IconBtn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Field, Text } from "$/public/pt_queue_fields.js";
import { may } from "$/public/pt_rights.js";
import { Confirm, faceOf, Failed, Foot, SettingsPage, Ticks, useRead, useSend, Waiting } from "$/public/pt_settings_kit.js";

const BASE = "/api/v1/departments";
const SHOWN = 5;
const wordsOf = (error) => sayOf(`members.problem.${error?.code ?? "unknown"}`, "members.problem.unknown");

const Edit = ({ department, people, onClose, onDone }) => {
  const [draft, setDraft] = useState({ name: department?.name ?? "", description: department?.description ?? "", members: department?.members ?? [] });
  const { busy, problem, send } = useSend(wordsOf);
  const save = send(async () => {
    const { members, ...fields } = draft;
    if (department) {
      await api.patch(`${BASE}/${department.id}`, fields);
      await api.put(`${BASE}/${department.id}/members`, { members });
    } else await api.post(BASE, draft);
    onDone(say("members.department_saved", { name: draft.name }));
  });
  const put = (name) => (value) => setDraft({ ...draft, [name]: value });
  return h(Modal, { title: say(department ? "members.department_edit" : "members.department_new"), onClose, test: "department-dialog" }, h("form", { className: "col g16", onSubmit: save },
    h(Field, { label: say("members.department_name"), error: problem }, h(Text, { value: draft.name, required: true, autoFocus: true, error: problem, onChange: put("name"), test: "department-name" })),
    h(Field, { label: say("members.department_description"), optional: true }, h(Text, { value: draft.description, limit: 300, onChange: put("description"), test: "department-description" })),
    h(Ticks, { legend: say("members.department_people"), items: people.map((one) => ({ id: one.id, name: one.full_name, face: h(Face, { ...faceOf(one), size: "s" }) })), chosen: draft.members, onChange: put("members"), test: "department-member" }),
    h(Foot, { verb: say("common.save"), busy, onClose, test: "department-save" })));
};

const Row = ({ row, people, manage, open }) => {
  const inside = people.filter((one) => row.members.includes(one.id));
  return h("li", { "data-testid": "department" },
    h("div", { className: "col grow" }, h("span", { className: "med ell" }, row.name), h("span", { className: "meta muted ell" }, [row.description, inside.length ? say("members.people_count", { count: inside.length }) : say("members.people_none")].filter(Boolean).join(" · "))),
    h("span", { className: "qs-faces", "aria-hidden": true }, inside.slice(0, SHOWN).map((one) => h(Face, { key: one.id, ...faceOf(one), size: "s" }))),
    manage && h(IconBtn, { icon: Pencil, label: say("members.department_edit_of", { name: row.name }), onClick: () => open({ kind: "edit", department: row }), test: "department-edit" }),
    manage && h(IconBtn, { icon: Trash2, label: say("members.department_delete_of", { name: row.name }), onClick: () => open({ kind: "delete", department: row }), test: "department-delete" }));
};

const Departments = ({ me }) => {
  const [found, failed, load] = useRead(() => Promise.all([api.all(BASE), api.all("/api/v1/users")]));
  const [dialog, setDialog] = useState(null);
  const manage = may(me, "users:manage");
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
  if (failed && !found) return h(Failed, { error: failed, onRetry: load });
  if (!found) return h(Waiting, { rows: 4 });
  const [rows, people] = found;
  const add = manage && h(Btn, { kind: "solid", icon: Plus, onClick: () => setDialog({ kind: "edit" }), test: "department-add" }, say("members.department_new"));
  return h(Fragment, null,
    rows.length === 0
      ? h("div", { className: "state", role: "status" }, h("div", { className: "pic" }, h(Sign, { of: Network, size: "l" })), h("div", { className: "str" }, say("members.departments_none")), h("div", { className: "txt dense" }, say("members.departments_lead")), h("div", { className: "act" }, add))
      : h(Fragment, null, h("div", { className: "row" }, h("span", { className: "grow muted dense" }, say("members.departments_count", { count: rows.length })), add),
        h("div", { className: "sg-card mb-card" }, h("ul", { className: "sg-rows" }, rows.map((row) => h(Row, { key: row.id, row, people, manage, open: setDialog }))))),
    dialog?.kind === "edit" && h(Edit, { department: dialog.department, people: people.filter((one) => one.is_active), onClose: close, onDone: done }),
    dialog?.kind === "delete" && h(Confirm, { title: say("members.department_delete_title", { name: dialog.department.name }), detail: say("members.department_delete_detail"), verb: say("common.delete"), onClose: close, onDone: remove }));
};

/** The page; `me` is `{id, role, permissions}` of who is signed in. */
export const DepartmentsRoot = ({ me }) => h(SettingsPage, { of: Departments, given: Boolean(me?.id), me });
