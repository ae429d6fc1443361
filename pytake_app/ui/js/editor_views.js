// Small pieces that the Python-made views are put together from.
import { createElement as h, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useLang } from "$/public/pt_i18n.js";
import { editor, say, useStore } from "$/public/pt_editor.js";
import { sliceOf } from "$/public/pt_editor_model.js";
import { actions } from "$/public/pt_editor_actions.js";

/** Renders `view` with `item` = the slice of the store, when there is one. */
export const EditorSlice = ({ slice, view: View }) => {
  const lang = useLang();
  const item = useStore(() => sliceOf(slice));
  return item ? h(View, { item, lang }) : null;
};

const DRAG = "application/x-pytake-block";

/** An entry of the palette: drag it onto the canvas, or press it. */
export const PaletteItem = ({ type, disabled, label, about, children, className }) =>
  h("button", { type: "button", className, draggable: !disabled, disabled, title: about || label, "data-testid": `palette-${type}`,
    onClick: () => {
      actions.addHere(type);
      actions.focus(); // Enter now opens the new block's form instead of adding another
    },
    onDragStart: (event) => {
      event.dataTransfer.setData(DRAG, type);
      event.dataTransfer.effectAllowed = "copy";
    },
    onDragEnd: () => actions.hover(-1, -1) }, children);

/** Arrow keys go from the search box through the blocks of a palette and back; Escape leaves by `leave`. */
const useArrows = (box, pane, leave) => {
  useEffect(() => {
    const root = box.current?.closest(pane);
    if (!root) return undefined;
    const keys = (event) => {
      const stops = [box.current, ...root.querySelectorAll(".pi:not(:disabled)")];
      const at = stops.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, End: at > 0 ? stops.length - 1 : undefined, Home: at > 0 ? 1 : undefined }[event.key];
      if (at >= 0 && to !== undefined) {
        const stop = stops[Math.min(stops.length - 1, Math.max(0, to))];
        stop.focus();
        stop.scrollIntoView({ block: "nearest" });
      } else if (event.key === "Escape") leave();
      else if (at > 0 && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
        box.current.focus(); // typing goes on searching
        return;
      } else return;
      event.preventDefault();
      event.stopPropagation();
    };
    root.addEventListener("keydown", keys);
    return () => root.removeEventListener("keydown", keys);
  }, []);
};

/** The palette's search box; Enter adds the first match, the arrows go through the blocks, Escape leaves. */
export const PaletteSearch = ({ placeholder }) => {
  const query = useStore((s) => s.query);
  const box = useRef(null);
  useArrows(box, ".pal", () => {
    editor.search("");
    actions.focus();
  });
  return h("input", { ref: box, type: "search", value: query, placeholder, "aria-label": placeholder, "data-palette-search": true, "data-testid": "palette-search",
    onChange: (event) => editor.search(event.target.value),
    onKeyDown: (event) => {
      const first = event.key === "Enter" && !event.nativeEvent.isComposing && document.querySelector(".pal .pi:not(:disabled)");
      if (!first) return;
      event.preventDefault();
      first.click();
      editor.search("");
      actions.focus();
    } });
};

/** The search box of the palette that opened on the canvas. */
export const QuickSearch = ({ placeholder }) => {
  const query = useStore((s) => s.quick?.query ?? "");
  const box = useRef(null);
  useEffect(() => box.current?.focus(), []);
  useArrows(box, ".quick", () => actions.closeQuick());
  return h("input", { ref: box, type: "search", value: query, placeholder, "aria-label": placeholder, "data-testid": "quick-search",
    onChange: (event) => actions.quickSearch(event.target.value),
    onKeyDown: (event) => {
      if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
      event.preventDefault();
      actions.quickFirst();
    } });
};

const INLINE = /(\{\{[^}]*\}\})|\*(?=\S)([^*\n]+?)(?<=\S)\*|(?<![\w])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w])|~(?=\S)([^~\n]+?)(?<=\S)~/g;

/** Liquid's tags (`{% if %}`…) say nothing to a reader; what stands between them is kept. */
const readable = (text) => text.replace(/\{%-?[\s\S]*?-?%\}/g, "");

const inline = (text, key = "") => {
  const out = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > at) out.push(text.slice(at, found.index));
    const [all, variable, bold, italic, strike] = found;
    const id = `${key}${found.index}`;
    if (variable) out.push(h("span", { key: id, className: "var", title: variable }, shortName(variable)));
    else if (bold) out.push(h("b", { key: id }, inline(bold, id)));
    else if (italic) out.push(h("i", { key: id }, inline(italic, id)));
    else out.push(h("s", { key: id }, inline(strike, id)));
    at = found.index + all.length;
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
};

const shortName = (expression) => expression.slice(2, -2).split("|")[0].trim().split(".").pop() || "…";

/** A message as the contact will read it: WhatsApp's marks applied, variables as chips. */
export const RichText = ({ text, limit = 0 }) => {
  text = readable(text);
  const shown = limit && text.length > limit ? text.slice(0, limit).trimEnd() + "…" : text;
  return useMemo(() => shown.split("\n").flatMap((line, i) => (i ? [h("br", { key: `b${i}` }), ...inline(line, `${i}-`)] : inline(line, "0-"))), [shown]);
};

/** The flow's name in the top bar; Enter keeps it, Escape puts it back. */
export const FlowName = ({ name, disabled }) => {
  const [text, setText] = useState(name);
  const left = useRef(false);
  useEffect(() => setText(name), [name]);
  return h("span", { className: "fname" }, h("span", { className: "ghost", "aria-hidden": true }, text || " "),
    h("input", { value: text, disabled, maxLength: 200, "aria-label": say("editor.flow_name"), "data-testid": "flow-name", onChange: (event) => setText(event.target.value),
      onKeyDown: (event) => {
        if (event.key === "Enter") event.target.blur();
        if (event.key === "Escape") {
          left.current = true;
          setText(name);
          event.target.blur();
        }
      },
      onBlur: () => {
        if (!left.current) {
          if (text.trim()) editor.rename(text);
          else setText(name);
        }
        left.current = false;
      } }));
};

/** The note of a publication. */
export const PublishNote = ({ value, placeholder, id }) =>
  h("textarea", { className: "input", id, rows: 2, maxLength: 500, value, placeholder, onChange: (event) => editor.note(event.target.value) });

const subscribeMedia = (fn) => {
  const media = window.matchMedia("(max-width: 767px)");
  media.addEventListener("change", fn);
  return () => media.removeEventListener("change", fn);
};

/** Children in a dialog over the page; focus goes in, stays in, and goes back. */
export const Overlay = ({ open, label, onClose, children, className }) => {
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const before = document.activeElement;
    box.current?.querySelector("[data-autofocus], textarea, input, button:not(.x)")?.focus();
    const keys = (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }
      if (event.key !== "Tab" || !box.current) return;
      const stops = [...box.current.querySelectorAll("button:not(:disabled), input, textarea, a[href], select")];
      const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
      if (document.activeElement === edge || !box.current.contains(document.activeElement)) {
        event.preventDefault();
        (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
      }
    };
    window.addEventListener("keydown", keys, true);
    return () => {
      window.removeEventListener("keydown", keys, true);
      before?.focus?.();
    };
  }, [open]);
  if (!open) return null;
  return h("div", { className: "ov-scrim", onMouseDown: (event) => event.target === event.currentTarget && onClose() },
    h("div", { ref: box, className: `ov ${className ?? ""}`, role: "dialog", "aria-modal": true, "aria-label": label, "data-state": "open" }, children));
};

/** Whether the page is as narrow as a phone. */
export const usePhone = () => useSyncExternalStore(subscribeMedia, () => window.matchMedia("(max-width: 767px)").matches, () => false);

/** The frame of panes; on a phone the inspector is a sheet over the canvas. */
export const EditorPanes = ({ children, ...rest }) => {
  const sheet = useStore((s) => s.sheet);
  const phase = useStore((s) => s.phase);
  const hasDoc = useStore((s) => Boolean(s.doc));
  const overlay = useStore((s) => s.overlay ?? "");
  return h("div", { ...rest, className: "panes", "data-overlay": overlay, "data-sheet": sheet, "data-phase": phase, "data-ready": hasDoc }, children);
};
