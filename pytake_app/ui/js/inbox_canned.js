// The team's canned replies: add, change, delete.
import { createElement as h, Fragment, useState } from "react";
import { ArrowLeft, Plus, Trash2, Zap } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { inbox } from "$/public/pt_inbox.js";
import { Btn, IconBtn, Modal, say, Sign, tell, wordsOf } from "$/public/pt_inbox_kit.js";
import { canned, forget, useList } from "$/public/pt_inbox_refs.js";

const BASE = "/api/v1/canned-responses";
const NAMES = ["{{contact.first_name}}", "{{contact.name}}", "{{agent.first_name}}", "{{org.name}}"];
const close = () => inbox.closeDialog();

/** A new canned reply, or another wording of `old`; `onClose` leaves it, `onDone` follows when it is kept. With `departments` it may be one of theirs. */
export const CannedForm = ({ old, onClose, onDone, onBack, departments }) => {
  const [one, setOne] = useState({ shortcut: old?.shortcut ?? "", title: old?.title ?? "", text: old?.text ?? "", scope: old?.scope ?? "all", department_id: old?.department_id ?? null });
  const [busy, setBusy] = useState(false);
  const put = (name) => (event) => setOne({ ...one, [name]: event.target.value });
  const bad = !/^[\p{L}\p{N}_.-]{1,40}$/u.test(one.shortcut) || (!one.text.trim() && !old?.media_ids?.length);
  const save = async () => {
    setBusy(true);
    try {
      const body = { shortcut: one.shortcut, title: one.title.trim() || one.shortcut, text: one.text.trim(), scope: one.scope, media_ids: old?.media_ids ?? [], ...(one.scope === "department" ? { department_id: one.department_id } : {}) };
      await (old ? api.patch(`${BASE}/${old.id}`, body) : api.post(BASE, body));
      forget("canned");
      onDone();
    } catch (error) {
      setBusy(false);
      tell(wordsOf(error), "error");
    }
  };
  return h(Modal, { title: say(old ? "inbox_more.canned_edit" : "inbox_more.canned_new"), onClose, test: "canned-form", foot: h(Fragment, null, onBack ? h(Btn, { kind: "ghost", icon: ArrowLeft, onClick: onBack }, say("inbox_more.back")) : h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h("span", { className: "grow" }), h(Btn, { kind: "solid", disabled: bad, busy, onClick: save, test: "canned-save" }, say("common.save"))) },
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_more.canned_shortcut")), h("span", { className: "field" }, h("span", { className: "muted" }, "/"), h("input", { autoFocus: true, value: one.shortcut, maxLength: 40, onChange: (event) => setOne({ ...one, shortcut: event.target.value.replace(/[\s/]/g, "-").toLowerCase() }), "data-testid": "canned-shortcut" }))),
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_more.canned_title")), h("input", { className: "input", value: one.title, maxLength: 80, onChange: put("title"), "data-testid": "canned-title" })),
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_more.canned_text")), h("textarea", { className: "input", rows: 5, value: one.text, maxLength: 4096, onChange: put("text"), "data-testid": "canned-text" }), h("span", { className: "hint" }, say("inbox_more.canned_names"))),
    h("div", { className: "row wrap g6" }, NAMES.map((name) => h("button", { key: name, type: "button", className: "var", onClick: () => setOne({ ...one, text: `${one.text}${name}` }) }, name))),
    departments?.length ? h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_settings.canned_for")), h("select", { className: "input", value: one.scope === "department" ? one.department_id : one.scope, onChange: ({ target: { value } }) => setOne({ ...one, ...(["all", "person"].includes(value) ? { scope: value, department_id: null } : { scope: "department", department_id: value }) }), "data-testid": "canned-scope" }, [["all", say("inbox_settings.canned_all")], ["person", say("inbox_settings.canned_mine")], ...departments.map((team) => [team.id, team.name])].map(([id, words]) => h("option", { key: id, value: id }, words))))
      : h("label", { className: "row g8 dense" }, h("input", { type: "checkbox", checked: one.scope !== "person", disabled: one.scope === "department", onChange: (event) => setOne({ ...one, scope: event.target.checked ? "all" : "person" }) }), say("inbox_more.canned_shared")));
};

export const CannedDialog = () => {
  const [turn, setTurn] = useState(0);
  const [editing, setEditing] = useState(null);
  const [asked, setAsked] = useState("");
  const all = useList(canned, turn);
  const listed = () => (setEditing(null), setTurn(turn + 1));
  if (editing) return h(CannedForm, { old: editing === "new" ? null : editing, onClose: close, onDone: listed, onBack: listed });
  const drop = async (one) => {
    if (asked !== one.id) return setAsked(one.id);
    try {
      await api.delete(`${BASE}/${one.id}`);
      forget("canned");
      setTurn(turn + 1);
    } catch (error) {
      tell(wordsOf(error), "error");
    }
    return setAsked("");
  };
  return h(Modal, { title: say("inbox_more.canned"), detail: say("inbox_more.canned_detail"), onClose: close, wide: true, test: "canned-dialog", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: close }, say("common.close")), h(Btn, { kind: "solid", icon: Plus, onClick: () => setEditing("new"), test: "canned-add" }, say("inbox_more.canned_new"))) },
    h("div", { className: "ix-picks tall" }, !all ? h("span", { className: "sk l" }) : !all.length ? h("div", { className: "state" }, h("div", { className: "pic" }, h(Sign, { of: Zap, size: "" })), h("div", { className: "str" }, say("inbox_more.canned_empty")), h("div", { className: "txt dense" }, say("inbox_more.canned_empty_detail")))
      : all.map((one) => h("div", { key: one.id, className: "row g6" }, h("button", { type: "button", className: "ix-pick lines grow", disabled: one.mine === false, onClick: () => setEditing(one) }, h("span", { className: "col grow" }, h("span", { className: "row g8" }, h("span", { className: "dense med ell" }, one.title), h("span", { className: "meta t-accent nw" }, `/${one.shortcut}`)), h("span", { className: "meta muted ell" }, one.text))),
        one.mine === false ? null : asked === one.id ? h(Btn, { kind: "danger", small: true, onClick: () => drop(one) }, say("common.delete")) : h(IconBtn, { icon: Trash2, small: true, label: say("inbox_more.canned_drop", { name: one.title }), onClick: () => drop(one) })))));
};
