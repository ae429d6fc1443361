// Which keys do what: the commands with their usual keys, and what a person changed in this browser. Nothing here runs them.
import { comboOf } from "$/public/pt_shell.js";
import { keep, S } from "$/public/pt_editor.js";

/** Commands by group: id → usual combinations. `mod` is Ctrl, on a Mac ⌘. Keys that can't be changed are in `FIXED`. */
export const GROUPS = [
  ["edit", { undo: ["mod+z"], redo: ["mod+y", "mod+shift+z"], rename: ["F2"], duplicate: ["mod+d"], remove: ["Delete", "Backspace"], join: ["j"], frame: ["mod+g"], note: ["n"] }],
  ["select", { all: ["mod+a"], after: ["alt+shift+ArrowRight"], before: ["alt+shift+ArrowLeft"], walk_right: ["alt+ArrowRight"], walk_left: ["alt+ArrowLeft"], walk_down: ["alt+ArrowDown"], walk_up: ["alt+ArrowUp"] }],
  ["build", { add: ["/"], add_next: ["a"], connect: ["c"], find: ["mod+f"], menu: ["shift+F10", "ContextMenu"], arrange: ["mod+shift+l"] }],
  ["view", { fit: ["f"], fit_selection: ["s"], zoom_in: ["+", "="], zoom_out: ["-"], zoom_reset: ["0"] }],
  ["align", { align_left: [], align_center: [], align_right: [], align_top: [], align_middle: [], align_bottom: [], align_across: [], align_down: [] }],
  ["flow", { test: ["t"], save: ["mod+s"], publish: ["mod+Enter"], keys: ["?"] }],
];

/** Keys that stay as they are, for the sheet: label key → combinations. */
export const FIXED = { k_move: ["ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"], k_tab: ["Tab"], k_fields: ["Enter"], k_copy: ["mod+c"], k_cut: ["mod+x"], k_paste: ["mod+v"], k_escape: ["Escape"], k_box: ["shift"], k_alt: ["alt"] };

const USUAL = Object.fromEntries(GROUPS.flatMap(([, commands]) => Object.entries(commands)));
const TAKEN = new Set([...Object.values(FIXED).flat(), "shift+Tab", "mod+k", "[", "shift+ArrowLeft", "shift+ArrowRight", "shift+ArrowUp", "shift+ArrowDown"]);
const BROWSERS = new Set(["mod+n", "mod+t", "mod+w", "mod+shift+n", "mod+shift+t", "mod+shift+w", "mod+q", "mod+Tab", "mod+l", "mod+r", "F5", "F11", "F12"]);

const storeKey = () => `pytake_shortcuts_${S.me.id}`;
let owner = null;
let mine = {};
let byCombo = null;

const sound = (value) => Object.fromEntries(Object.entries(value ?? {}).filter(([id, combos]) => USUAL[id] && Array.isArray(combos) && combos.every((combo) => typeof combo === "string" && combo.length < 40)));

const own = () => {
  if (owner !== S.me.id) {
    owner = S.me.id;
    byCombo = null;
    try {
      mine = sound(JSON.parse(localStorage.getItem(storeKey()) ?? "{}"));
    } catch {
      mine = {};
    }
  }
  return mine;
};

const change = (next) => {
  mine = next;
  byCombo = null;
  keep(storeKey(), mine);
};

/** The combinations of a command as they are now. */
export const combosOf = (id) => own()[id] ?? USUAL[id] ?? [];
/** Did the person change this command's keys? */
export const changed = (id) => id in own();
export const anyChanged = () => Object.keys(own()).length > 0;

/** The command that a combination runs, or undefined. */
export const commandFor = (combo) => {
  own();
  byCombo ??= new Map(Object.keys(USUAL).flatMap((id) => combosOf(id).map((item) => [item, id])));
  return byCombo.get(combo);
};

/** Why a combination can't be given to a command: `taken` by PyTake itself, `browser`, or another command's id; else null. */
export const conflictOf = (combo, id) => {
  if (TAKEN.has(combo)) return { kind: "taken" };
  if (BROWSERS.has(combo)) return { kind: "browser" };
  const other = commandFor(combo);
  return other && other !== id ? { kind: "command", id: other } : null;
};

/** Give a command a combination in place of its own; another command loses it. */
export const setCombo = (id, combo) => {
  const next = { ...own(), [id]: [combo] };
  const other = commandFor(combo);
  if (other && other !== id) next[other] = combosOf(other).filter((item) => item !== combo);
  change(next);
};

/** Back to the usual keys: of one command, or of all. One command's usual keys are taken back from whoever has them. */
export const resetCombos = (id = null) => {
  if (id === null) {
    change({});
    return;
  }
  const next = { ...own() };
  delete next[id];
  for (const [other, combos] of Object.entries(next)) next[other] = combos.filter((combo) => !USUAL[id].includes(combo));
  change(next);
};

/** The combination of an event, with Shift named also for letters. */
export const comboFrom = (event) => {
  const combo = comboOf(event);
  return event.shiftKey && /^[a-z]$/i.test(event.key) ? combo.replace(/([^+]+)$/, "shift+$1") : combo;
};

const MAC = typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.platform ?? "");
const NAMES = { mod: MAC ? "⌘" : "Ctrl", alt: MAC ? "⌥" : "Alt", shift: MAC ? "⇧" : "Shift", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del", Backspace: "⌫", Escape: "Esc", ContextMenu: "☰", " ": "␣", "-": "−" };

/** A combination as people read it. */
export const shown = (combo) => (combo === "+" ? ["+"] : combo.split("+").filter(Boolean)).map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join(" ");
/** The first combination of a command as people read it; empty without one. */
export const hint = (id) => (combosOf(id)[0] ? shown(combosOf(id)[0]) : "");
