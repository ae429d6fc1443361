// What floats over several selected blocks: align, spread, arrange, frame, duplicate, delete.
import { createElement as h } from "react";
import { NodeToolbar, Position } from "@xyflow/react";
import {
  AlignCenterHorizontal, AlignCenterVertical, AlignEndHorizontal, AlignEndVertical, AlignHorizontalSpaceBetween, AlignStartHorizontal,
  AlignStartVertical, AlignVerticalSpaceBetween, Copy, Frame, LayoutGrid, Trash2
} from "lucide-react";
import { readOnly, say, S, useStore } from "$/public/pt_editor.js";
import { actions } from "$/public/pt_editor_actions.js";
import { hint } from "$/public/pt_editor_shortcuts.js";

const TOOLS = [
  ["left", AlignStartVertical], ["center", AlignCenterVertical], ["right", AlignEndVertical], null,
  ["top", AlignStartHorizontal], ["middle", AlignCenterHorizontal], ["bottom", AlignEndHorizontal], null,
  ["across", AlignHorizontalSpaceBetween], ["down", AlignVerticalSpaceBetween], null,
];
const MORE = [["arrange", "editor.arrange", LayoutGrid, () => actions.arrange()], ["frame", "canvas.frame_these", Frame, () => actions.frameSelection()], ["duplicate", "editor.duplicate", Copy, () => actions.duplicate()], ["remove", "common.delete", Trash2, () => actions.remove()]];

const button = (id, label, Icon, run, keys) => h("button", { key: id, type: "button", className: "ib sm", title: keys ? `${label} (${keys})` : label, "aria-label": label, onClick: run, "data-testid": `tool-${id}` }, h(Icon, { className: "i-s", "aria-hidden": true }));
const line = (i) => h("span", { key: `line${i}`, className: "vr" });

/** The toolbar; it goes where the selection goes. */
export const SelectionTools = () => {
  const ids = useStore((s) => (s.selected.length > 1 && !s.dragging && !s.ctx && !s.quick ? s.selected : null));
  const locked = useStore(() => readOnly());
  if (!ids || locked) return null;
  return h(NodeToolbar, { nodeId: ids, isVisible: true, position: Position.Top, offset: 16, className: "seltools", role: "toolbar", "aria-label": say("editor.selected", { count: ids.length }), "data-testid": "selection-tools" },
    TOOLS.map((tool, i) => (tool ? button(tool[0], say(`canvas.k_align_${tool[0]}`), tool[1], () => actions.align(tool[0]), hint(`align_${tool[0]}`)) : line(i))),
    MORE.map(([id, label, Icon, run]) => button(id, say(label), Icon, run, hint(id))));
};
