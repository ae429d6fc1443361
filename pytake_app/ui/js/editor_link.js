// Connecting by keyboard: choose an exit of the selected block, then what it leads to. The arrows show each target on the
// canvas; Enter connects. Opened by `C`.
import { createElement as h, useEffect, useRef } from "react";
import { edgeAt, nodeOf, portsOf } from "$/public/pt_editor_doc.js";
import { editor, emit, readOnly, say, specOf, S, useStore, useStoreRef } from "$/public/pt_editor.js";
import { actions, CLOSED } from "$/public/pt_editor_actions.js";
import { kindName, nodeName, portLabel } from "$/public/pt_editor_model.js";
import { besideCard, inReadingOrder, placed, reveal } from "$/public/pt_editor_stage.js";
import { goTo } from "$/public/pt_editor_walk.js";

const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

/** Begin: with the selected block's exits, or at once with its only one. */
export const openLink = (id = S.selected.length === 1 ? S.selected[0] : null, port = null) => {
  const node = id && nodeOf(S.doc, id);
  if (!node || readOnly()) return;
  const ports = portsOf(specOf(node.type), node.config);
  if (ports.length === 0) return;
  reveal(node, 0);
  const point = besideCard(node);
  const only = port ?? (ports.filter((item) => item.id !== "error").length === 1 ? ports.find((item) => item.id !== "error").id : null);
  emit({ ...CLOSED, link: { source: id, port: only, query: "", at: 0, ...placed(point.x, point.y, 264, 320) } });
};

const close = (back = true) => {
  const source = S.link && nodeOf(S.doc, S.link.source);
  emit({ link: null, aim: null });
  if (back && source) goTo(source);
};

const portItems = (node) =>
  portsOf(specOf(node.type), node.config).map((port) => {
    const edge = edgeAt(S.doc, node.id, port.id);
    return { id: port.id, label: portLabel(node, port.id), about: edge ? `→ ${nodeName(nodeOf(S.doc, edge.target))}` : say("canvas.free_exit"), wired: Boolean(edge) };
  });

const targetItems = (node, query) => {
  const fits = inReadingOrder(S.doc.nodes).filter((item) => item.id !== node.id && specOf(item.type)?.target);
  const after = fits.filter((item) => item.position.x > node.position.x);
  const before = fits.filter((item) => item.position.x <= node.position.x);
  const all = [...after, ...before].map((item) => ({ id: item.id, label: nodeName(item), about: item.title ? kindName(item.type) : "" }));
  const wanted = fold(query.trim());
  const found = wanted ? all.filter((item) => fold(`${item.label} ${item.about} ${item.id}`).includes(wanted)) : all;
  return [...found.slice(0, 200), { id: "", label: say("canvas.new_block"), about: "" }];
};

const itemsOf = (link, node) => (link.port === null ? portItems(node) : targetItems(node, link.query));

const pick = (item) => {
  const { source, port } = S.link;
  if (port === null) {
    emit({ link: { ...S.link, port: item.id, query: "", at: 0 } });
    return;
  }
  if (item.id === "") {
    close(false);
    actions.offerNext(source, port);
    return;
  }
  emit({ link: null, aim: null });
  actions.connect(source, port, item.id);
  editor.select([source]);
  actions.focus();
};

/** The panel beside the block. */
export const LinkPanel = () => {
  const link = useStore((s) => s.link ?? null);
  const doc = useStoreRef((s) => s.doc);
  const input = useRef(null);
  const node = link && doc ? nodeOf(doc, link.source) : null;
  const items = node ? itemsOf(link, node) : [];
  const at = Math.min(link?.at ?? 0, items.length - 1);
  const chosen = items[at];
  const aim = link && link.port !== null ? chosen?.id || null : null;
  const open = Boolean(node);
  useEffect(() => {
    if (link && !node) close(false);
    else if (open) input.current?.focus();
  }, [open, link?.port]);
  useEffect(() => {
    if (!open) return;
    emit({ aim });
    const target = aim && nodeOf(S.doc, aim);
    if (target) reveal(target, 160);
    document.getElementById(`link-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [aim, at, open]);
  if (!node) return null;
  const choosing = link.port === null;
  const title = choosing ? say("canvas.choose_exit", { name: nodeName(node) }) : say("canvas.choose_target", { port: portLabel(node, link.port) });
  const keys = (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) emit({ link: { ...link, at: (at + move + items.length) % items.length } });
    else if (event.key === "Enter") {
      if (chosen) pick(chosen);
    } else if (event.key === "Escape") close();
    else if (event.key === "Delete" && choosing && chosen?.wired && !link.query) editor.edit([{ op: "disconnect", source: link.source, port: chosen.id }]);
    else if (event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return h("div", { className: "lkp", style: { left: link.left, top: link.top }, role: "dialog", "aria-label": title, "data-testid": "link-panel" },
    h("div", { className: "h-sec" }, title),
    h("input", { ref: input, className: "input", role: "combobox", "aria-expanded": true, "aria-controls": "link-list", "aria-activedescendant": chosen ? `link-${at}` : undefined, "aria-label": title, readOnly: choosing, value: choosing ? (chosen?.label ?? "") : link.query, placeholder: say("canvas.find_target"), "data-testid": "link-search",
      onChange: (event) => emit({ link: { ...link, query: event.target.value, at: 0 } }), onKeyDown: keys }),
    h("ul", { id: "link-list", role: "listbox", className: "lkl", "aria-label": title },
      items.map((item, i) => h("li", { key: item.id || "new", id: `link-${i}`, role: "option", "aria-selected": i === at, className: i === at ? "on" : "", onPointerDown: (event) => event.preventDefault(), onClick: () => pick(item) },
        h("span", { className: "ell" }, item.label), item.about && h("span", { className: "meta muted ell" }, item.about)))));
};
