// Keys and the clipboard. Nothing here touches keys meant for a text field, an open dialog or a menu.
import { useEffect } from "react";
import { comboOf, isTyping } from "$/public/pt_shell.js";
import { editor, emit, S } from "$/public/pt_editor.js";
import { actions } from "$/public/pt_editor_actions.js";

const busy = () => Boolean(document.querySelector('[role="dialog"][data-state="open"], [role="alertdialog"][data-state="open"], .cp-scrim, [role="menu"][data-state="open"]'));

const onCanvas = () => {
  const active = document.activeElement;
  return !active || active === document.body || Boolean(active.closest(".cv"));
};

const selectable = () => S.phase === "ready" && S.doc;

const KEYS = {
  "mod+z": () => editor.undo(),
  "mod+shift+z": () => editor.redo(),
  "mod+y": () => editor.redo(),
  "mod+d": () => actions.duplicate(),
  "mod+a": () => actions.selectAll(),
  "mod+s": () => editor.flush(),
  "mod+shift+l": () => actions.arrange(),
  "mod+Enter": () => editor.openPublish(),
  Delete: () => actions.remove(),
  Backspace: () => actions.remove(),
  "?": () => editor.keys(true),
  "/": () => actions.focusPalette(),
  f: () => actions.fit(),
  "+": () => actions.zoom(1.25),
  "=": () => actions.zoom(1.25),
  "-": () => actions.zoom(0.8),
  t: () => editor.tab("preview"),
};

actions.focusPalette = () => {
  const field = document.querySelector(".pal [data-palette-search]");
  if (field?.offsetParent) field.focus();
  else {
    const rect = document.querySelector(".cv")?.getBoundingClientRect();
    if (rect) actions.openQuick(rect.left + rect.width / 2 - 110, rect.top + 80);
  }
};

const escape = () => {
  if (S.keysSheet) editor.keys(false);
  else if (S.quick) emit({ quick: null });
  else if (S.selected.length || S.edge) editor.select([]);
  else return false;
  return true;
};

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const shifted = (event) => {
  const combo = comboOf(event);
  return event.shiftKey && event.key.length === 1 && /[a-z]/i.test(event.key) ? combo.replace(/([^+]+)$/, "shift+$1") : combo;
};

const keydown = (event) => {
  if (event.defaultPrevented || event.isComposing || !selectable()) return;
  if (event.key === "Escape" && !isTyping(event.target) && !busy() && escape()) {
    event.preventDefault();
    return;
  }
  if (isTyping(event.target) || busy()) return;
  const arrow = ARROWS[event.key];
  if (arrow && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (!onCanvas() || S.selected.length === 0) return;
    event.preventDefault();
    actions.nudge(arrow[0] * (event.shiftKey ? 4 : 1), arrow[1] * (event.shiftKey ? 4 : 1));
    return;
  }
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
    if (onCanvas() && S.selected.length === 1) {
      event.preventDefault();
      actions.focusField();
    }
    return;
  }
  const run = KEYS[shifted(event)];
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
