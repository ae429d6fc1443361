// The template picker: search, state and language, the bubble it will be, and a value for every placeholder.
import { createElement as h, useState } from "react";
import { Check, CircleAlert, ChevronsUpDown } from "lucide-react";
import { say, sayOr, S, useStore } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { form } from "$/public/pt_editor_form.js";
import { writtenVariables } from "$/public/pt_editor_inspect.js";
import { matching } from "$/public/pt_editor_inputs.js";
import { useRefs } from "$/public/pt_editor_refs.js";
import { Rich } from "$/public/pt_editor_text.js";
import { buttonsDiffer, buttonsFor, filled, headerOf, partsDiffer, partsOf, placeholders, slotsOf, textOf } from "$/public/pt_editor_template_look.js";
import { RichText } from "$/public/pt_editor_views.js";

const TONES = { APPROVED: "jade", PENDING: "amber", IN_APPEAL: "amber", PAUSED: "amber", REJECTED: "red", DISABLED: "red" };
const stateOf = (template) => String(template.status ?? "").toUpperCase();

const Bubble = ({ template, values, header = "" }) => h("div", { className: "tplook", "data-testid": "template-look" },
  h("div", { className: "bubble in" },
    textOf(template.header) ? h("div", { className: "hdr str" }, h(RichText, { text: filled(textOf(template.header), header ? [header] : []), limit: 0 })) : template.header?.format && template.header.format !== "TEXT" ? h("div", { className: "mdfile s" }, h("span", { className: "micro" }, sayOr(`node.msg_media.kind.option.${template.header.format.toLowerCase()}`, template.header.format))) : null,
    h(RichText, { text: filled(textOf(template.body), values), limit: 0 }),
    textOf(template.footer) ? h("div", { className: "foot micro muted" }, textOf(template.footer)) : null),
  (template.buttons ?? []).map((button, i) => h("div", { key: i, className: "tpbtn" }, textOf(button.text ?? button.title ?? button))));

const Badge = ({ template }) => h("span", { className: `bdg ${TONES[stateOf(template)] ?? ""}` }, sayOr(`inspector.template_${stateOf(template).toLowerCase()}`, stateOf(template)));

const KNOWN = { name: "contact.name", nome: "contact.name", nombre: "contact.name", first_name: "contact.first_name", primeiro_nome: "contact.first_name", email: "contact.email", phone: "contact.phone" };

/** A value for a placeholder that has a name: the contact's, or the variable that the flow keeps under it. */
const guess = (name) => {
  if (!name || /^\d+$/.test(name)) return "";
  if (KNOWN[name]) return `{{ ${KNOWN[name]} }}`;
  return writtenVariables().some((variable) => variable.name === name) ? `{{ session.${name} }}` : "";
};

/** Which template is sent (or answered), and with what. */
export const Template = ({ item }) => {
  const { templates } = useRefs();
  const config = useStore((s) => nodeOf(s.doc, item.node)?.config) ?? {};
  const sends = item.type === "msg_template";
  const [open, setOpen] = useState(false);
  const [query, setQuery] = useState("");
  const [state, setState] = useState("all");
  const [language, setLanguage] = useState("all");
  const chosen = templates.find((template) => template.name === item.text && (!sends || template.language === (config.language ?? "pt_BR"))) ?? (sends ? null : templates.find((template) => template.name === item.text));
  const languages = [...new Set(templates.map((template) => template.language))].sort();
  const body = Array.isArray(config.body) ? config.body.map(String) : [];
  const kept = Array.isArray(config.buttons) ? config.buttons : [];
  const pick = (template) => {
    setOpen(false);
    const buttons = buttonsFor(template, kept, sends);
    if (!sends) {
      form.patch(item.node, { template: template.name, buttons });
      return;
    }
    const same = template.name === config.name;
    const values = slotsOf(template).map((name, i) => (same && body[i]) || guess(name));
    form.patch(item.node, { name: template.name, language: template.language, body: values, ...partsOf(template), buttons, header_type: headerOf(template), header: headerOf(template) === "text" ? (same && config.header) || guess(placeholders(textOf(template.header))[0]) : null });
  };
  const manual = (path, label, text, extra = {}) => ({ ...item, key: `${item.node}/${path}`, path, name: path, label, text, widget: "text", variables: false, required: true, issue: "", help: "", max: 0, limits: [], ...extra });
  const names = chosen ? slotsOf(chosen) : body.map((_, i) => String(i + 1));
  const value = (i) => manual(`body/${i}`, say("inspector.placeholder", { name: names[i] ?? i + 1 }), body[i] ?? "", { variables: true, issue: (body[i] ?? "").trim() ? "" : say("inspector.placeholder_empty") });
  const headed = manual("header", say("rows.header_value"), String(config.header ?? ""), { variables: true, issue: String(config.header ?? "").trim() ? "" : say("inspector.placeholder_empty") });
  const shown = open ? matching(templates.filter((one) => (state === "all" || stateOf(one) === state) && (language === "all" || one.language === language)).map((one) => ({ ...one, key: `${one.name}:${one.language}`, label: one.name, about: textOf(one.body) })), query) : [];
  const select = (current, change, choices, label) => h("select", { className: "input sm", value: current, "aria-label": label, onChange: (event) => change(event.target.value) }, choices.map(([key, text]) => h("option", { key, value: key }, text)));
  return h("div", { className: "col g8" },
    templates.length > 0 ? h("button", { type: "button", className: "input tpsel", id: item.key, disabled: item.disabled, "aria-expanded": open, "aria-label": item.label, "data-field": item.path, onClick: () => setOpen(!open), ...(item.issue ? { "aria-invalid": true } : {}) },
      h("span", { className: item.text ? "mono ell" : "ell muted" }, item.text || say("editor.empty_template")), h("span", { className: "grow" }), chosen ? h(Badge, { template: chosen }) : null, h(ChevronsUpDown, { className: "i-s muted", "aria-hidden": true }))
      : h(Rich, { item: { ...item, variables: false, widget: "text", placeholder: say("inspector.template_name") }, area: false }),
    templates.length === 0 && sends && h("div", { className: "col g4" }, h("span", { className: "lbl" }, say("inspector.template_language")), h(Rich, { item: manual("language", say("inspector.template_language"), config.language ?? "pt_BR"), area: false })),
    open && h("div", { className: "tplist", onKeyDown: (event) => event.key === "Escape" && (event.stopPropagation(), setOpen(false)) },
      h("input", { className: "input", type: "search", autoFocus: true, value: query, placeholder: say("inspector.find_template"), "aria-label": say("inspector.find_template"), "data-testid": "find-template", onChange: (event) => setQuery(event.target.value) }),
      h("div", { className: "row g6" }, select(state, setState, [["all", say("inspector.any_state")], ...[...new Set(templates.map(stateOf))].map((name) => [name, sayOr(`inspector.template_${name.toLowerCase()}`, name)])], say("inspector.any_state")), select(language, setLanguage, [["all", say("inspector.any_language")], ...languages.map((name) => [name, name])], say("inspector.any_language"))),
      h("div", { className: "tprows", role: "listbox", "aria-label": item.label }, shown.length === 0 ? h("div", { className: "none meta muted" }, say("inspector.nothing_found")) : shown.map((one) => h("button", { key: one.key, type: "button", role: "option", "aria-selected": one.name === item.text && one.language === config.language, onClick: () => pick(one) },
        h("span", { className: "row g6" }, h("span", { className: "mono med ell grow" }, one.name), h("span", { className: "micro muted" }, one.language), h(Badge, { template: one })), h("span", { className: "meta muted ell2" }, textOf(one.body)))))),
    item.text && templates.length > 0 && !chosen ? h("div", { className: "notice amber" }, h(CircleAlert, { className: "i-s", "aria-hidden": true }), h("span", null, say("inspector.template_gone", { name: item.text }))) : null,
    chosen && stateOf(chosen) !== "APPROVED" ? h("div", { className: "notice amber", "data-testid": "template-warning" }, h(CircleAlert, { className: "i-s", "aria-hidden": true }), h("span", null, say("inspector.template_not_approved"))) : null,
    chosen ? h(Bubble, { template: chosen, values: sends ? body : [], header: sends ? String(config.header ?? "") : "" }) : null,
    chosen && !item.disabled && (buttonsDiffer(chosen, kept) || (sends && partsDiffer(chosen, config))) ? h("div", { className: "notice amber", "data-testid": "template-buttons" }, h(CircleAlert, { className: "i-s", "aria-hidden": true }), h("div", { className: "col g6" }, h("span", null, say(buttonsDiffer(chosen, kept) ? "rows.template_buttons" : "rows.template_parts")), h("div", null, h("button", { type: "button", className: "btn line sm", "data-testid": "take-buttons", onClick: () => form.patch(item.node, { buttons: buttonsFor(chosen, kept, sends), ...(sends ? partsOf(chosen) : {}) }) }, say(buttonsDiffer(chosen, kept) ? "rows.take_buttons" : "verify.mend.fit_template"))))) : null,
    sends && (chosen ? headerOf(chosen) : item.text ? config.header_type : "") === "text" ? h("div", { className: "col g4" }, h("span", { className: "lbl" }, say("rows.header_value")), h(Rich, { item: headed, area: false }), headed.issue ? h("div", { className: "err", role: "alert" }, headed.issue) : null) : null,
    sends && (chosen || item.text) ? h("div", { className: "col g6" },
      names.length > 0 && h("span", { className: "lbl" }, say("inspector.placeholders")),
      names.map((name, i) => h("div", { key: name, className: "row g6 tpval" }, h("span", { className: "var" }, `{{${name}}}`), h("div", { className: "grow col g4" }, h(Rich, { item: value(i), area: false }), value(i).issue ? h("div", { className: "err", role: "alert" }, value(i).issue) : null), !chosen && !item.disabled ? h("button", { type: "button", className: "ib sm", "aria-label": say("editor.remove_row"), onClick: () => form.set(item.node, "body", body.filter((_, n) => n !== i)) }, "×") : null)),
      chosen && names.length > 0 && names.every((_, i) => (body[i] ?? "").trim()) ? h("div", { className: "micro t-jade row g4" }, h(Check, { className: "i-xs", "aria-hidden": true }), say("inspector.placeholders_done")) : null,
      !chosen && !item.disabled && body.length < 30 ? h("button", { type: "button", className: "btn ghost sm add", onClick: () => form.set(item.node, "body", [...body, ""]) }, `+ ${say("inspector.add_placeholder")}`) : null) : null,
    sends && item.text && (!chosen || (chosen.buttons ?? []).some((button) => button.variables > 0)) ? h("div", { className: "col g4" }, h("span", { className: "lbl" }, sayOr("node.msg_template.url_suffix.label", "")), h(Rich, { item: manual("url_suffix", sayOr("node.msg_template.url_suffix.label", ""), String(config.url_suffix ?? ""), { variables: true, required: false, placeholder: "{{ session.order_id }}" }), area: false }), h("div", { className: "hint" }, sayOr("node.msg_template.url_suffix.help", ""))) : null,
    S.refs ? null : h("div", { className: "micro muted" }, say("common.loading")));
};
