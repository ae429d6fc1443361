// Find in the flow: titles, texts, variables, ids. Hits are marked on the canvas; Enter goes from one to the next.
import { createElement as h, useEffect, useRef } from "react";
import { ChevronDown, ChevronUp, Search, X } from "lucide-react";
import { getLang } from "$/public/pt_i18n.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { emit, say, S, useStore, useStoreRef } from "$/public/pt_editor.js";
import { actions, CLOSED } from "$/public/pt_editor_actions.js";
import { kindName } from "$/public/pt_editor_model.js";
import { inReadingOrder, rectOf, stage } from "$/public/pt_editor_stage.js";

const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
const known = new WeakMap();

const stringsIn = (value) => {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  return value && typeof value === "object" ? Object.values(value).flatMap(stringsIn) : [];
};

const textOf = (node) => {
  const lang = getLang();
  const old = known.get(node);
  if (old?.lang === lang) return old.text;
  const text = fold([node.title, kindName(node.type), node.type, node.id, ...stringsIn(node.config)].join("\n"));
  known.set(node, { lang, text });
  return text;
};

/** Ids of the nodes in which something is found, in reading order. */
export const hitsIn = (doc, query) => {
  const wanted = fold(query.trim());
  return wanted ? inReadingOrder(doc.nodes.filter((node) => textOf(node).includes(wanted))).map((node) => node.id) : [];
};

const look = (id) => {
  const node = nodeOf(S.doc, id);
  if (!node) return;
  const { x, y, width, height } = rectOf(node);
  stage.flow.setCenter(x + width / 2, y + Math.min(height, 400) / 2, { zoom: Math.max(stage.flow.getZoom(), 0.75), duration: 200 });
};

const found = (query, at = 0) => {
  const hits = hitsIn(S.doc, query);
  const place = hits.length ? (at + hits.length) % hits.length : 0;
  emit({ find: { query, hits, at: place, n: S.find?.n ?? 0 } });
  if (hits[place]) look(hits[place]);
};

/** Open the search, or put the caret into it. */
export const openFind = () => emit({ ...CLOSED, find: { query: S.find?.query ?? "", hits: S.find?.hits ?? [], at: S.find?.at ?? 0, n: (S.find?.n ?? 0) + 1 } });

/** Close it; the block that was looked at is selected. */
export const closeFind = () => {
  const id = S.find?.hits[S.find.at];
  emit({ find: null, ...(id && nodeOf(S.doc, id) ? { selected: [id], edge: null } : {}) });
  actions.focus();
};

/** The bar over the canvas. */
export const FindBar = () => {
  const find = useStore((s) => s.find ?? null);
  const doc = useStoreRef((s) => s.doc);
  const input = useRef(null);
  useEffect(() => {
    if (find) input.current?.select();
  }, [find?.n]);
  useEffect(() => {
    if (!find?.query || !doc) return;
    const hits = hitsIn(doc, find.query);
    if (hits.join() !== find.hits.join()) emit({ find: { ...find, hits, at: Math.min(find.at, Math.max(0, hits.length - 1)) } });
  }, [doc]);
  if (!find) return null;
  const go = (by) => found(find.query, find.at + by);
  const count = !find.query.trim() ? "" : find.hits.length ? say("canvas.find_count", { n: find.at + 1, count: find.hits.length }) : say("canvas.find_none");
  const button = (Icon, label, onClick, disabled) => h("button", { type: "button", className: "ib sm", title: label, "aria-label": label, onClick, disabled }, h(Icon, { className: "i-s", "aria-hidden": true }));
  return h("div", { className: "findbar", role: "search", "data-testid": "find" },
    h(Search, { className: "i-s muted", "aria-hidden": true }),
    h("input", { ref: input, type: "text", value: find.query, placeholder: say("canvas.find_hint"), "aria-label": say("canvas.find"), "data-testid": "find-input", autoFocus: true, spellCheck: false,
      onChange: (event) => found(event.target.value),
      onKeyDown: (event) => {
        if (event.key === "Enter" || event.key === "ArrowDown" || event.key === "ArrowUp") go(event.key === "ArrowUp" || event.shiftKey ? -1 : 1);
        else if (event.key === "Escape") closeFind();
        else return;
        event.preventDefault();
        event.stopPropagation();
      } }),
    h("span", { className: "meta muted tn nw", role: "status", "data-testid": "find-count" }, count),
    button(ChevronUp, say("canvas.find_previous"), () => go(-1), find.hits.length < 2),
    button(ChevronDown, say("canvas.find_next"), () => go(1), find.hits.length < 2),
    button(X, say("common.close"), closeFind, false));
};
