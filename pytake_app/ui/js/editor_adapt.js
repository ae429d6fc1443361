// What to adapt in a flow made from the gallery: a list over the canvas, kept in this browser until it is done or put away.
import { createElement as h, useEffect, useState } from "react";
import { editor, say, useStore } from "$/public/pt_editor.js";
import { useLang } from "$/public/pt_i18n.js";
import { usePhone } from "$/public/pt_editor_views.js";
import { readSteps, writeSteps } from "$/public/pt_adapt_steps.js";

/** The list. Pressing a step goes to its block; ticking it strikes it through. */
export const AdaptList = ({ children }) => {
  useLang();
  const flowId = useStore((s) => s.flowId);
  const ready = useStore((s) => Boolean(s.doc) && s.phase === "ready");
  const [steps, setSteps] = useState(null);
  const [open, setOpen] = useState(null);
  const phone = usePhone();
  useEffect(() => setSteps(flowId ? readSteps(flowId) : null), [flowId]);
  if (!steps || !ready) return null;
  const change = (next) => {
    setSteps(next);
    writeSteps(flowId, next);
  };
  const shown = open ?? !phone; // on a phone it would cover the canvas
  const done = steps.filter((step) => step.done).length;
  return h("section", { className: "adapt", "aria-label": say("gallery.adapt_title"), "data-testid": "adapt" },
    h("div", { className: "row" },
      h("button", { type: "button", className: "row grow str dense", "aria-expanded": shown, onClick: () => setOpen(!shown) }, h("span", { className: "t-accent", "aria-hidden": true }, children), h("span", { className: "grow" }, say("gallery.adapt_title")), h("span", { className: "meta muted tn" }, `${done}/${steps.length}`)),
      h("button", { type: "button", className: "link meta", "data-testid": "adapt-close", onClick: () => change(null) }, say(done === steps.length ? "gallery.adapt_finish" : "gallery.adapt_dismiss"))),
    shown && h("ul", null, steps.map((step, at) =>
      h("li", { key: `${step.node_id}-${at}`, "data-done": step.done },
        h("input", { type: "checkbox", checked: step.done, "aria-label": step.text, onChange: () => change(steps.map((item, i) => (i === at ? { ...item, done: !item.done } : item))) }),
        h("button", { type: "button", className: "dense", onClick: () => editor.jump(step.node_id) }, step.text)))));
};
