// Rows that can be sorted by mouse, pen, finger and keyboard; rows of a list in sections also from one section to another.
import { createElement as h, useRef, useState } from "react";
import { GripVertical } from "lucide-react";
import { useLang } from "$/public/pt_i18n.js";
import { say } from "$/public/pt_editor.js";
import { form } from "$/public/pt_editor_form.js";

const EDGE = 48; // how near to the panel's edge (in pixels) a held row makes it scroll
const STEP = 14; // pixels a movement scrolls

let held = null; // the row that is being dragged: {lists, from, to: {list, at}, y, scrolled}

const rowsIn = (box) => [...box.children].filter((child) => child.classList.contains("rw"));
const pathOf = (box) => rowsIn(box)[0]?.dataset.row.replace(/\/\d+$/, "") ?? box.dataset.path;

/** The lists that a row may go to: its own, or those of all sections. */
const listsAround = (row, path) => {
  const own = row.closest(".rws");
  const boxes = /^sections\/\d+\/rows$/.test(path) ? [...own.closest('[data-list="sections"]').querySelectorAll(".rws.inner")] : [own];
  return boxes.map((box) => ({ box, path: pathOf(box), rows: rowsIn(box) }));
};

const clear = (lists) => {
  for (const { box, rows } of lists) {
    delete box.dataset.over;
    for (const row of rows) delete row.dataset.over;
  }
};

const place = (lists, y) => {
  const near = (list) => {
    const { top, bottom } = list.box.getBoundingClientRect();
    return y < top ? top - y : y > bottom ? y - bottom : 0;
  };
  const list = lists.reduce((best, one) => (near(one) < near(best) ? one : best));
  const at = list.rows.findIndex((row) => {
    const { top, height } = row.getBoundingClientRect();
    return y < top + height / 2;
  });
  return { list, at: at < 0 ? list.rows.length : at };
};

const stays = ({ from, to }) => to.list.path === from.path && (to.at === from.index || to.at === from.index + 1);

const mark = () => {
  clear(held.lists);
  const { list, at } = held.to;
  if (stays(held)) return;
  if (list.rows.length === 0) list.box.dataset.over = "inside";
  else if (at < list.rows.length) list.rows[at].dataset.over = "before";
  else list.rows[at - 1].dataset.over = "after";
};

const focusGrip = (path, index) => requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector(`.ins [data-row="${CSS.escape(`${path}/${index}`)}"] > .grip`)?.focus()));

/** A row that can be dragged by its grip, or moved with Alt+↑ and Alt+↓. */
export const SortableRow = ({ node, path, index, disabled, className = "", children }) => {
  useLang();
  const row = useRef(null);
  const [lifted, setLifted] = useState(false);
  const [told, setTold] = useState("");
  const start = (event) => {
    if (disabled || event.button > 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const lists = listsAround(row.current, path);
    held = { lists, from: { path, index }, to: { list: lists.find((list) => list.path === path), at: index }, y: event.clientY, panel: row.current.closest(".ibody"), scrolled: 0 };
    setLifted(true);
  };
  const move = (event) => {
    if (!held) return;
    const { panel } = held;
    if (panel) {
      const { top, bottom } = panel.getBoundingClientRect();
      const before = panel.scrollTop;
      panel.scrollTop += event.clientY > bottom - EDGE ? STEP : event.clientY < top + EDGE ? -STEP : 0;
      held.scrolled += panel.scrollTop - before;
    }
    held.to = place(held.lists, event.clientY);
    row.current.style.translate = `0 ${event.clientY - held.y + held.scrolled}px`;
    mark();
  };
  const stop = (event) => {
    if (!held) return;
    const { from, to, lists } = held;
    const still = stays(held);
    held = null;
    clear(lists);
    row.current.style.translate = "";
    setLifted(false);
    if (event.type !== "pointerup" || still) return;
    if (to.list.path === from.path) form.moveRow(node, path, from.index, to.at > from.index ? to.at - 1 : to.at);
    else form.moveAcross(node, from.path, from.index, to.list.path, to.at);
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape" && held) {
      event.stopPropagation();
      stop(event);
      return;
    }
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !event.altKey) return;
    event.preventDefault();
    const lists = listsAround(row.current, path);
    const here = lists.findIndex((list) => list.path === path);
    const total = lists[here].rows.length;
    const to = index + step;
    if (to >= 0 && to < total) {
      form.moveRow(node, path, index, to);
      setTold(say("inspector.moved_to", { n: to + 1, total }));
      focusGrip(path, to);
      return;
    }
    const next = lists[here + step]; // past the end of a section: into the next one
    if (!next) return;
    const at = step > 0 ? 0 : next.rows.length;
    form.moveAcross(node, path, index, next.path, at);
    focusGrip(next.path, at);
  };
  const section = path.match(/^sections\/(\d+)\/rows$/);
  const label = section ? say("rows.move_in_section", { n: index + 1, section: Number(section[1]) + 1 }) : say("editor.move_row", { n: index + 1 });
  const grip = h("button", { type: "button", className: "grip", disabled, "aria-label": label, title: say("editor.move_row_hint"), onPointerDown: start, onPointerMove: move, onPointerUp: stop, onPointerCancel: stop, onKeyDown }, h(GripVertical, { className: "i-s", "aria-hidden": true }), h("span", { className: "sr", "aria-live": "polite" }, told));
  return h("div", { className: `rw ${className} ${lifted ? "lifted" : ""}`, ref: row, "data-row": `${path}/${index}` }, grip, children);
};
