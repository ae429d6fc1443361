// Keys and the clipboard. Nothing here touches keys meant for a text field, an open dialog or a menu.
import { useEffect } from "react";
import { isTyping } from "$/public/pt_shell.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { editor, emit, S } from "$/public/pt_editor.js";
import { actions } from "$/public/pt_editor_actions.js";
import { closeFind, openFind } from "$/public/pt_editor_find.js";
import { openLink } from "$/public/pt_editor_link.js";
import { menuByKey } from "$/public/pt_editor_menu.js";
import { comboFrom, commandFor } from "$/public/pt_editor_shortcuts.js";
import { step, walk } from "$/public/pt_editor_walk.js";

const busy = () => Boolean(document.querySelector('[role="dialog"][data-state="open"], [role="alertdialog"][data-state="open"], .cp-scrim, [role="menu"][data-state="open"]'));

const onCanvas = () => {
  const active = document.activeElement;
  return !active || active === document.body || Boolean(active.closest(".cv"));
};
/** The canvas itself or a card has the keyboard, not a button on it. */
const onCards = () => Boolean(document.activeElement?.matches(".cv, .cv .react-flow__node"));

const selectable = () => S.phase === "ready" && S.doc;

const focusPalette = () => {
  const field = document.querySelector(".pal [data-palette-search]");
  if (field?.offsetParent) field.focus();
  else actions.offerNext();
};

const RUN = {
  undo: () => editor.undo(),
  redo: () => editor.redo(),
  rename: () => actions.rename(),
  duplicate: () => actions.duplicate(),
  remove: () => actions.remove(),
  join: () => actions.join(),
  frame: () => actions.frameSelection(),
  note: () => actions.addNote(),
  all: () => actions.selectAll(),
  after: () => actions.selectAfter(null, true),
  before: () => actions.selectAfter(null, false),
  walk_right: () => walk("right"),
  walk_left: () => walk("left"),
  walk_down: () => walk("down"),
  walk_up: () => walk("up"),
  add: focusPalette,
  add_next: () => actions.offerNext(),
  connect: () => openLink(),
  find: openFind,
  menu: menuByKey,
  arrange: () => actions.arrange(),
  fit: () => actions.fit(),
  fit_selection: () => actions.fitSelection(),
  zoom_in: () => actions.zoom(1.25),
  zoom_out: () => actions.zoom(0.8),
  zoom_reset: () => actions.zoomReset(),
  align_left: () => actions.align("left"),
  align_center: () => actions.align("center"),
  align_right: () => actions.align("right"),
  align_top: () => actions.align("top"),
  align_middle: () => actions.align("middle"),
  align_bottom: () => actions.align("bottom"),
  align_across: () => actions.align("across"),
  align_down: () => actions.align("down"),
  test: () => editor.tab("preview"),
  save: () => editor.flush(),
  publish: () => editor.openPublish(),
  keys: () => editor.keys(true),
};

const escape = () => {
  if (S.keysSheet) editor.keys(false);
  else if (S.quick) actions.closeQuick();
  else if (S.find) closeFind();
  else if (S.picking) emit({ picking: false });
  else if (S.selected.length || S.edge) editor.select([]);
  else return false;
  return true;
};

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Keys that can't be changed; true when one was used. */
const fixed = (event) => {
  const bare = !event.ctrlKey && !event.metaKey && !event.altKey;
  const arrow = ARROWS[event.key];
  if (arrow && bare) {
    if (!onCanvas() || document.activeElement?.closest(".zoom, .seltools, .quick")) return false;
    if (S.selected.length) actions.nudge(arrow[0] * (event.shiftKey ? 4 : 1), arrow[1] * (event.shiftKey ? 4 : 1));
    else if (onCards()) step(1);
    else return false;
    return true;
  }
  if (event.key === "Tab" && bare) return onCards() && (S.selected.length > 0 || !event.shiftKey) && step(event.shiftKey ? -1 : 1);
  if (event.key === "Enter" && bare && onCanvas() && S.selected.length === 1 && !document.activeElement?.matches("button")) {
    const plain = ["note", "group"].includes(nodeOf(S.doc, S.selected[0])?.type);
    plain ? actions.rename() : actions.focusField();
    return true;
  }
  return false;
};

const keydown = (event) => {
  if (event.defaultPrevented || event.isComposing || !selectable()) return;
  if (busy()) return;
  if (event.key === "Escape" && event.target.closest?.(".ins")) {
    actions.focus(); // out of the panel, back to the block
    event.preventDefault();
    return;
  }
  if (isTyping(event.target)) return;
  if (S.editing) {
    if (document.querySelector(".inl")) return; // its text box is about to take the keyboard
    emit({ editing: null });
  }
  if ((event.key === "Escape" && escape()) || fixed(event)) {
    event.preventDefault();
    return;
  }
  const run = RUN[commandFor(comboFrom(event))];
  if (!run) return;
  event.preventDefault();
  run();
};

const clipboard = (event) => {
  if (isTyping(event.target) || busy() || !selectable() || String(window.getSelection() ?? "") !== "") return;
  if (event.type === "paste") {
    const text = event.clipboardData.getData("text/plain");
    if (text) {
      event.preventDefault();
      actions.paste(text);
    }
    return;
  }
  const data = actions.copied();
  if (!data) return;
  event.preventDefault();
  event.clipboardData.setData("text/plain", data);
  if (event.type === "cut") actions.remove();
};

/** Listen while the editor is open. */
export const useEditorKeys = () => {
  useEffect(() => {
    window.addEventListener("keydown", keydown);
    for (const type of ["copy", "cut", "paste"]) document.addEventListener(type, clipboard);
    return () => {
      window.removeEventListener("keydown", keydown);
      for (const type of ["copy", "cut", "paste"]) document.removeEventListener(type, clipboard);
    };
  }, []);
};
