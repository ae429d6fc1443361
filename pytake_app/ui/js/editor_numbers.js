// Fields that hold a number: what is none stays in this browser and is told, until it is put right.
import { createElement as h } from "react";
import { say } from "$/public/pt_editor.js";
import { draftOf, keepDraft } from "$/public/pt_editor_drafts.js";
import { form } from "$/public/pt_editor_form.js";
import { numberIssue } from "$/public/pt_editor_inspect.js";
import { described, useText } from "$/public/pt_editor_inputs.js";

const parsed = (text) => {
  const clean = text.trim().replace(/\s/g, "").replace(",", ".");
  return clean === "" ? null : Number(clean);
};

/** A number; what is none stays in this browser and is told, until it is put right. */
export const useNumber = (item, scale = 1) => {
  const draft = draftOf(item.key);
  const value = typeof item.value === "number" ? item.value : null;
  const given = draft ? draft.text : value === null ? (item.text ?? "") : String(Math.round((value / scale) * 100) / 100);
  return useText(given, (text) => {
    const number = parsed(text);
    const issue = number === null ? (item.required ? say("inspector.needs_number") : "") : numberIssue(item, Number.isFinite(number) ? number * scale : text);
    if (issue) {
      keepDraft(item.key, { text, issue });
      return text;
    }
    keepDraft(item.key, null);
    form.type(item.node, item.path, number === null ? null : number * scale);
    return text;
  });
};

/** A box for a number. */
export const NumberBox = ({ item }) => {
  const [text, change] = useNumber(item);
  return h("input", { ...described(item), className: "input tn", type: "text", inputMode: "decimal", value: text, placeholder: item.placeholder, onChange: (event) => change(event.target.value) });
};
