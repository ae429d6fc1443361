// The menu of the canvas: right click, long press, or the menu key. What it offers depends on what is under it.
import { createElement as h, useEffect, useRef } from "react";
import { indexOf, nodeOf, portsOf } from "$/public/pt_editor_doc.js";
import { editor, emit, readOnly, say, specOf, S, useStore } from "$/public/pt_editor.js";
import { actions, CLOSED } from "$/public/pt_editor_actions.js";
import { openFind } from "$/public/pt_editor_find.js";
import { openLink } from "$/public/pt_editor_link.js";
import { besideCard, placed, stage } from "$/public/pt_editor_stage.js";
import { hint, shown } from "$/public/pt_editor_shortcuts.js";

const LINE = null;
const COLORS = ["yellow", "blue", "green", "pink", "gray"];
const WIDTH = 280;

const item = (key, run, command = null, more = {}) => ({ key, run, keys: command ? hint(command) : "", ...more });

const forPane = (ctx) => {
  const point = { x: ctx.clientX, y: ctx.clientY };
  const looking = [item("editor.k_all", actions.selectAll, "all"), item("editor.fit", actions.fit, "fit"), item("canvas.find", openFind, "find"), item("editor.keys", () => editor.keys(true), "keys")];
  if (readOnly()) return looking;
  return [
    item("editor.add_block", () => actions.openQuick(point.x, point.y), "add"),
    item("canvas.paste", actions.pasteNow, null, { keys: shown("mod+v") }),
    item("canvas.add_note", () => actions.addAt("note", point)),
    item("canvas.add_frame", () => actions.addAt("group", point)),
    LINE,
    item("editor.arrange", actions.arrange, "arrange"),
    ...looking,
  ];
};

const forNode = (ctx) => {
  const node = nodeOf(S.doc, ctx.id);
  if (!node) return [];
  const spec = specOf(node.type);
  const plain = spec?.group === "canvas";
  const reading = [
    ...(plain ? [] : [item("editor.select_after", () => actions.selectAfter(ctx.id, true), "after"), item("editor.select_before", () => actions.selectAfter(ctx.id, false), "before")]),
    ...(node.type === "group" ? [item("canvas.select_held", () => actions.selectHeld(ctx.id))] : []),
    ...(ctx.touch ? [item("canvas.select_more", () => emit({ picking: true }))] : []),
    item("canvas.k_copy", actions.copyNow, null, { keys: shown("mod+c") }),
  ];
  if (readOnly()) return reading;
  const ports = portsOf(spec, node.config);
  const { out, into } = indexOf(S.doc);
  return [
    ...(plain ? [] : [item("canvas.edit", () => actions.focusField(), null, { keys: "Enter" })]),
    item(node.type === "note" ? "canvas.edit_note" : "canvas.rename", () => actions.rename(ctx.id), "rename"),
    ...(ports.length ? [item("canvas.connect", () => openLink(ctx.id), "connect"), item("canvas.add_after", () => actions.offerNext(ctx.id), "add_next")] : []),
    ...(plain ? [{ colors: COLORS, id: ctx.id, current: node.config.color }] : []),
    LINE,
    ...reading,
    item("canvas.cut", async () => {
      await actions.copyNow();
      actions.remove();
    }, null, { keys: shown("mod+x") }),
    item("editor.duplicate", actions.duplicate, "duplicate"),
    ...(plain ? [] : [item("canvas.frame_these", actions.frameSelection, "frame")]),
    LINE,
    ...(out.get(node.id)?.length || into.get(node.id)?.length ? [item("canvas.unplug", () => actions.unplug(node.id))] : []),
    ...(node.type === "group" ? [item("canvas.delete_held", actions.removeWithHeld, null, { danger: true })] : []),
    item(node.type === "group" ? "canvas.delete_frame" : "common.delete", actions.remove, "remove", { danger: true }),
  ];
};

const forMany = () => {
  const reading = [item("canvas.k_copy", actions.copyNow, null, { keys: shown("mod+c") }), item("editor.select_after", () => actions.selectAfter(null, true), "after"), item("editor.select_before", () => actions.selectAfter(null, false), "before")];
  if (readOnly()) return reading;
  return [
    item("editor.duplicate", actions.duplicate, "duplicate"),
    item("canvas.cut", async () => {
      await actions.copyNow();
      actions.remove();
    }, null, { keys: shown("mod+x") }),
    ...reading,
    LINE,
    item("canvas.frame_these", actions.frameSelection, "frame"),
    item("editor.arrange", actions.arrange, "arrange"),
    item("canvas.fit_selection", actions.fitSelection, "fit_selection"),
    LINE,
    item("common.delete", actions.remove, "remove", { danger: true }),
  ];
};

const forEdge = (ctx) => {
  const edge = indexOf(S.doc).edges.get(ctx.id);
  if (!edge) return [];
  const ends = [item("canvas.go_source", () => editor.jump(edge.source)), item("canvas.go_target", () => editor.jump(edge.target))];
  if (readOnly()) return ends;
  return [item("canvas.insert_here", () => actions.openQuick(ctx.clientX, ctx.clientY, { edge: ctx.id })), ...ends, LINE, item("editor.disconnect", actions.remove, "remove", { danger: true })];
};

const KINDS = { pane: forPane, node: forNode, many: forMany, edge: forEdge };

const close = (back = true) => {
  emit({ ctx: null });
  if (back) actions.focus();
};

/** Open it at a point of the window: `kind` is pane, node, many or edge. What it is for becomes the selection. */
export const openMenu = (kind, clientX, clientY, id = null, touch = false) => {
  if (!S.doc || !stage.box) return;
  if (kind === "node" && S.selected.length > 1 && S.selected.includes(id)) kind = "many";
  else if (kind === "node") editor.select([id]);
  else if (kind === "edge") editor.select([], id);
  emit({ ...CLOSED, ctx: { kind, id, touch, clientX, clientY, ...placed(clientX, clientY, WIDTH, kind === "node" ? 420 : 320) } });
};

/** Open it from the keyboard, for what is selected. */
export const menuByKey = () => {
  const node = S.selected.length ? nodeOf(S.doc, S.selected[0]) : null;
  if (node) {
    const point = besideCard(node);
    openMenu(S.selected.length > 1 ? "many" : "node", point.x, point.y, node.id);
  } else {
    const rect = stage.box.getBoundingClientRect();
    openMenu(S.edge ? "edge" : "pane", rect.left + rect.width / 2, rect.top + rect.height / 3, S.edge);
  }
};

const entry = (one, i) => {
  if (one === LINE) return h("div", { key: `line${i}`, className: "cxl", role: "separator" });
  if (one.colors) {
    return h("div", { key: "colors", className: "cxc", role: "group", "aria-label": say("canvas.color") }, one.colors.map((color) =>
      h("button", { key: color, type: "button", role: "menuitemradio", "aria-checked": color === one.current, "aria-label": sayColor(color), title: sayColor(color), className: "cxd", "data-color": color, onClick: () => {
        close();
        actions.paint(one.id, color);
      } })));
  }
  const run = () => {
    close();
    one.run();
  };
  return h("button", { key: one.key, type: "button", role: "menuitem", className: `cxi${one.danger ? " danger" : ""}`, onClick: run, "data-testid": `menu-${one.key.split(".")[1]}` },
    h("span", { className: "ell grow" }, say(one.key)), one.keys && h("span", { className: "meta muted nw", "aria-hidden": true }, one.keys));
};

const sayColor = (color) => say(`canvas.color_${color}`);

const keys = (event) => {
  const stops = [...event.currentTarget.querySelectorAll("button")];
  const at = stops.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: stops.length - 1 }[event.key];
  if (to !== undefined) stops[(to + stops.length) % stops.length]?.focus();
  else if (event.key === "Escape" || event.key === "Tab") close();
  else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== " ") {
    const wanted = event.key.toLowerCase();
    [...stops.slice(at + 1), ...stops].find((stop) => stop.textContent.toLowerCase().startsWith(wanted))?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
};

/** The menu, when it is open. */
export const CanvasMenu = () => {
  const ctx = useStore((s) => s.ctx ?? null);
  const box = useRef(null);
  useEffect(() => {
    if (!ctx) return undefined;
    box.current?.querySelector("button")?.focus({ preventScroll: true });
    const outside = (event) => !box.current?.contains(event.target) && emit({ ctx: null });
    window.addEventListener("pointerdown", outside, true);
    window.addEventListener("blur", outside);
    return () => {
      window.removeEventListener("pointerdown", outside, true);
      window.removeEventListener("blur", outside);
    };
  }, [ctx]);
  if (!ctx) return null;
  const items = KINDS[ctx.kind](ctx);
  if (items.length === 0) return null;
  return h("div", { ref: box, className: "cxm", role: "menu", "data-state": "open", "data-testid": "canvas-menu", "aria-label": say("canvas.menu"), style: { left: ctx.left, top: ctx.top }, onKeyDown: keys, onContextMenu: (event) => event.preventDefault() }, items.map(entry));
};
