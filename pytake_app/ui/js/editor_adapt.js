// What to adapt in a flow made from the gallery: a list over the canvas, kept in this browser until it is done or put away.
import { createElement as h, useEffect, useState } from "react";
import { editor, say, useStore } from "$/public/pt_editor.js";
import { useLang } from "$/public/pt_i18n.js";
import { readSteps, writeSteps } from "$/public/pt_adapt_steps.js";

/** The list. Pressing a step goes to its block; ticking it strikes it through. */
export const AdaptList = ({ children }) => {
  useLang();
  const flowId = useStore((s) => s.flowId);
  const ready = useStore((s) => Boolean(s.doc) && s.phase === "ready");
  const [steps, setSteps] = useState(null);
  const [open, setOpen] = useState(() => window.matchMedia("(min-width: 768px)").matches);
  useEffect(() => setSteps(flowId ? readSteps(flowId) : null), [flowId]);
  if (!steps || !ready) return null;
  const change = (next) => {
    setSteps(next);
    writeSteps(flowId, next);
  };
  const done = steps.filter((step) => step.done).length;
  return h("section", { className: "adapt", "aria-label": say("gallery.adapt_title"), "data-testid": "adapt" },
    h("div", { className: "row" },
      h("button", { type: "button", className: "row grow str dense", "aria-expanded": open, onClick: () => setOpen(!open) }, h("span", { className: "t-accent", "aria-hidden": true }, children), h("span", { className: "grow" }, say("gallery.adapt_title")), h("span", { className: "meta muted tn" }, `${done}/${steps.length}`)),
      h("button", { type: "button", className: "link meta", "data-testid": "adapt-close", onClick: () => change(null) }, say(done === steps.length ? "gallery.adapt_finish" : "gallery.adapt_dismiss"))),
    open && h("ul", null, steps.map((step, at) =>
      h("li", { key: `${step.node_id}-${at}`, "data-done": step.done },
        h("input", { type: "checkbox", checked: step.done, "aria-label": step.text, onChange: () => change(steps.map((item, i) => (i === at ? { ...item, done: !item.done } : item))) }),
        h("button", { type: "button", className: "dense", onClick: () => editor.jump(step.node_id) }, step.text)))));
};
