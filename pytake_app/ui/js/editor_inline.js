// Texts that are edited where they stand: a block's title, a note, a frame's name. Begun by a double click or F2.
import { createElement as h, useEffect, useRef, useState } from "react";
import { NodeResizer } from "@xyflow/react";
import { AudioLines, FileText, Film, Image, Sticker } from "lucide-react";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { editor, emit, readOnly, say, S, useStore } from "$/public/pt_editor.js";
import { actions } from "$/public/pt_editor_actions.js";

/** A text box in place of a text; Enter keeps (in notes Ctrl/⌘ Enter), Escape puts back. */
const Box = ({ value, max, lines, label, onKeep }) => {
  const [text, setText] = useState(value);
  const box = useRef(null);
  const over = useRef(false);
  useEffect(() => {
    let frame = 0;
    let left = 30; // a new card can't take the keyboard before React Flow has measured it
    const take = () => {
      box.current?.focus({ preventScroll: true });
      if (document.activeElement === box.current) box.current.select();
      else if ((left -= 1) > 0) frame = requestAnimationFrame(take);
    };
    take();
    return () => cancelAnimationFrame(frame);
  }, []);
  const finish = (keep) => {
    if (over.current) return;
    over.current = true;
    emit({ editing: null });
    if (keep && text !== value) onKeep(text);
    actions.focus();
  };
  return h(lines ? "textarea" : "input", { ref: box, value: text, maxLength: max, rows: lines ? Math.min(14, Math.max(3, text.split("\n").length + 1)) : undefined, "aria-label": label, className: `inl nodrag nopan${lines ? " nowheel" : ""}`, "data-testid": "inline-edit",
    onChange: (event) => setText(event.target.value), onBlur: () => finish(true), onDoubleClick: (event) => event.stopPropagation(),
    onKeyDown: (event) => {
      event.stopPropagation();
      if (event.key === "Escape") finish(false);
      else if (event.key === "Enter" && (!lines || event.ctrlKey || event.metaKey)) finish(true);
      else return;
      event.preventDefault();
    } });
};

const useEditing = (id) => useStore((s) => s.editing === id);

/** A card's title. */
export const CardTitle = ({ node, text }) => {
  const on = useEditing(node);
  if (!on) return h("span", { className: "ell ti" }, text);
  return h(Box, { value: nodeOf(S.doc, node)?.title ?? "", max: 200, label: say("editor.block_title"), onKeep: (title) => editor.edit([{ op: "set_title", id: node, title: title.trim() }]) });
};

const keepText = (node) => (text) => editor.edit([{ op: "update_config", id: node, patch: { text } }]);

/** A note's text; `children` is the text as it reads. */
export const NoteText = ({ node, children }) => {
  const on = useEditing(node);
  return on ? h(Box, { value: nodeOf(S.doc, node)?.config.text ?? "", max: 2000, lines: true, label: say("canvas.note_text"), onKeep: keepText(node) }) : h("div", { className: "ntx" }, children);
};

/** A frame's title bar, by which it is dragged, and the handles that change its size. */
export const FrameParts = ({ node, text, selected }) => {
  const on = useEditing(node);
  const locked = useStore(() => readOnly());
  return h("div", { className: "gparts" },
    selected && !locked && h(NodeResizer, { nodeId: node, minWidth: 160, minHeight: 96, isVisible: true, handleClassName: "gdot", lineClassName: "gline", onResizeEnd: (_event, rect) => actions.resized(node, rect) }),
    h("div", { className: "gname" }, on ? h(Box, { value: nodeOf(S.doc, node)?.config.text ?? "", max: 200, label: say("canvas.frame_name"), onKeep: keepText(node) }) : h("span", { className: "ell" }, text || say("canvas.frame"))));
};

const KINDS = { image: Image, video: Film, audio: AudioLines, document: FileText, sticker: Sticker };
const UPLOADED = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

/** A file: an uploaded picture itself, anything else by the sign of its kind. */
export const Thumbnail = ({ kind, media, className, children }) => {
  const [broken, setBroken] = useState("");
  if (["image", "sticker"].includes(kind) && UPLOADED.test(media) && broken !== media) return h("img", { className: `${className} thumb`, src: `/api/v1/media/${media}`, alt: "", loading: "lazy", draggable: false, onError: () => setBroken(media) });
  return h("div", { className }, h(KINDS[kind] ?? FileText, { className: "i-l", "aria-hidden": true }), children);
};
