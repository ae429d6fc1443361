// The sheet of keys (`?`): what every key does, and changing them. Kept per person in this browser.
import { createElement as h, useEffect, useState } from "react";
import { RotateCcw, X } from "lucide-react";
import { useLang } from "$/public/pt_i18n.js";
import { editor, emit, say, useStore } from "$/public/pt_editor.js";
import { announce } from "$/public/pt_editor_voice.js";
import { Overlay } from "$/public/pt_editor_views.js";
import { anyChanged, changed, comboFrom, combosOf, conflictOf, FIXED, GROUPS, resetCombos, setCombo, shown } from "$/public/pt_editor_shortcuts.js";

const MODIFIERS = new Set(["Control", "Shift", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Process"]);
const name = (id) => say(`canvas.k_${id}`);
let capturing = false; // the next keys are an answer: Escape only ends the asking

const reason = ({ kind, id }) => (kind === "command" ? say("canvas.key_used", { name: name(id) }) : say(kind === "browser" ? "canvas.key_browser" : "canvas.key_taken"));

/** One line: what it does and its keys; press the keys to give it others. */
const Line = ({ id, asking, ask, done }) => {
  const combos = combosOf(id);
  const [problem, setProblem] = useState(null); // {combo, kind, id}
  useEffect(() => {
    setProblem(null);
    if (!asking) return undefined;
    capturing = true;
    const listen = (event) => {
      if (MODIFIERS.has(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Escape") {
        ask(null);
        return;
      }
      const combo = comboFrom(event);
      const conflict = conflictOf(combo, id);
      if (conflict) {
        setProblem({ combo, ...conflict });
        announce(reason(conflict));
        return;
      }
      setCombo(id, combo);
      done();
    };
    window.addEventListener("keydown", listen, true);
    return () => {
      capturing = false;
      window.removeEventListener("keydown", listen, true);
    };
  }, [asking]);
  const label = name(id);
  const keys = asking ? h("span", { className: "kbd asking" }, problem ? shown(problem.combo) : say("canvas.press_keys")) : combos.length ? combos.map((combo) => h("span", { key: combo, className: "kbd" }, shown(combo))) : h("span", { className: "meta muted" }, say("canvas.no_keys"));
  return h("div", { className: "kline" },
    h("div", { className: "row dense" },
      h("span", { className: "grow" }, label),
      changed(id) && !asking && h("button", { type: "button", className: "ib xs", "aria-label": say("canvas.key_reset", { name: label }), title: say("canvas.key_reset", { name: label }), "data-testid": `key-reset-${id}`, onClick: () => {
        resetCombos(id);
        done();
      } }, h(RotateCcw, { className: "i-xs", "aria-hidden": true })),
      h("button", { type: "button", className: "kbtn", "aria-label": say("canvas.key_change", { name: label, keys: combos.map(shown).join(", ") || say("canvas.no_keys") }), "aria-pressed": asking, "data-testid": `key-${id}`, onClick: () => ask(asking ? null : id) }, keys)),
    problem && h("div", { className: "row dense kprob", role: "alert" },
      h("span", { className: "grow" }, reason(problem)),
      problem.kind === "command" && h("button", { type: "button", className: "btn soft sm", "data-testid": "key-replace", onClick: () => {
        setCombo(id, problem.combo);
        done();
      } }, say("canvas.key_replace"))));
};

const Content = () => {
  useLang();
  const [asking, ask] = useState(null);
  const [, again] = useState(0);
  const done = () => {
    ask(null);
    again((turn) => turn + 1);
    emit(); // menus and toolbars show the keys anew
  };
  return h("div", { className: "ksheet" },
    h("div", { className: "row" },
      h("h2", { className: "title grow" }, say("editor.keys")),
      anyChanged() && h("button", { type: "button", className: "btn gray sm", "data-testid": "keys-reset", onClick: () => {
        resetCombos();
        done();
      } }, say("canvas.keys_reset")),
      h("button", { type: "button", className: "ib x", "aria-label": say("common.close"), title: say("common.close"), onClick: () => editor.keys(false) }, h(X, { className: "i", "aria-hidden": true }))),
    h("p", { className: "meta muted" }, say("canvas.keys_hint")),
    h("div", { className: "kgrid" },
      GROUPS.map(([group, commands]) => h("section", { key: group, className: "col g4" }, h("h3", { className: "h-sec" }, say(`canvas.keys_${group}`)), Object.keys(commands).map((id) => h(Line, { key: id, id, asking: asking === id, ask, done })))),
      h("section", { className: "col g4" }, h("h3", { className: "h-sec" }, say("canvas.keys_fixed")),
        Object.entries(FIXED).map(([label, combos]) => h("div", { key: label, className: "kline row dense" }, h("span", { className: "grow" }, say(`canvas.${label}`)), h("span", { className: "row g4" }, combos.map((combo) => h("span", { key: combo, className: "kbd" }, shown(combo)))))))));
};

/** The sheet, over the page. */
export const KeysSheet = () => {
  const open = useStore((s) => s.keysSheet);
  return h(Overlay, { open, label: say("editor.keys"), onClose: () => capturing || editor.keys(false), className: "keys" }, open && h(Content));
};
