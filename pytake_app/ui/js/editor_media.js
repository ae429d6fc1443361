// A file of a message: upload (type and size told at once, checked again by the server), library, or a link.
import { createElement as h, useEffect, useRef, useState } from "react";
import { FileText, FileUp, Film, FolderOpen, Image, Link2, Music, Trash2, X } from "lucide-react";
import { toast } from "sonner";
import { api } from "$/public/pt_api.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { emit, say, sayOr, S, tell, useStore } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { form } from "$/public/pt_editor_form.js";
import { Rich } from "$/public/pt_editor_text.js";
import { useCalm } from "$/public/pt_editor_inputs.js";

const MB = 1024 * 1024;
/** What WhatsApp takes, by kind: media types and bytes (Cloud API, Media). */
const TAKES = {
  image: { types: ["image/jpeg", "image/png"], max: 5 * MB },
  video: { types: ["video/mp4", "video/3gpp"], max: 16 * MB },
  audio: { types: ["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/x-m4a"], max: 16 * MB },
  sticker: { types: ["image/webp"], max: 0.5 * MB },
  document: { types: [".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".txt", ".csv"], max: 100 * MB },
};
const PICTURES = { image: Image, video: Film, audio: Music, document: FileText, sticker: Image };

/** A size in bytes, in words. */
export const bytes = (size) => new Intl.NumberFormat(getLang(), size >= MB ? { style: "unit", unit: "megabyte", maximumFractionDigits: 1 } : { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 }).format(size >= MB ? size / MB : Math.max(1, size / 1024));

const fits = (file, takes) => takes.types.some((type) => (type.startsWith(".") ? file.name.toLowerCase().endsWith(type) : file.type === type)) || !file.type;

/** Upload with progress, which fetch can't tell. `stop.now` ends it. */
const send = (file, onProgress, stop) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file);
    request.open("POST", "/api/v1/media");
    request.setRequestHeader("X-PyTake-CSRF", "1");
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => (request.status === 201 ? resolve(request.response) : reject(new Error(request.response?.code ?? (request.status === 413 ? "media_too_large" : "unknown"))));
    request.onerror = () => reject(new Error("offline"));
    request.onabort = () => reject(new Error("stopped"));
    stop.now = () => request.abort();
    request.send(body);
  });

const TELL = 200; // ms between two words about an upload's progress
const stops = new Map();
const uploading = (key, part) => emit({ uploads: { ...S.uploads, [key]: part } });

/** Upload for a field, `take(file)` when it is there; it goes on while another block is looked at. Answers what went wrong. */
const bring = async (key, file, kind, take) => {
  const flow = S.flowId;
  const here = () => S.flowId === flow;
  const stop = {};
  let told = 0;
  stops.set(key, stop);
  uploading(key, { name: file.name, part: 0 });
  const progress = (part) => {
    if (!here() || performance.now() - told < TELL) return;
    told = performance.now();
    uploading(key, { name: file.name, part });
  };
  try {
    const kept = await send(file, progress, stop);
    if (kept.kind !== kind && kind !== "document") return say("inspector.wrong_content", { name: file.name });
    return here() && !take(kept) ? say("inspector.upload_unplaced") : "";
  } catch (error) {
    return error.message === "stopped" ? "" : sayOr(`inspector.upload_${error.message}`, say("inspector.upload_failed"));
  } finally {
    stops.delete(key);
    if (here()) uploading(key, null);
  }
};

const Shown = ({ kind, url, name }) => {
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [url]);
  const Icon = PICTURES[kind] ?? FileText;
  if (!failed && (kind === "image" || kind === "sticker")) return h("img", { className: "mdpic", src: url, alt: name || say("inspector.picture"), onError: () => setFailed(true), referrerPolicy: "no-referrer" });
  if (!failed && kind === "video") return h("video", { className: "mdpic", src: url, controls: true, preload: "metadata", onError: () => setFailed(true) });
  if (!failed && kind === "audio") return h("audio", { className: "mdsnd", src: url, controls: true, preload: "metadata", onError: () => setFailed(true) });
  return h("div", { className: "mdfile" }, h(Icon, { className: "i-l", "aria-hidden": true }), failed ? h("span", { className: "micro muted" }, say("inspector.no_picture")) : null);
};

const Library = ({ kind, onPick, onClose }) => {
  const [query, setQuery] = useState("");
  const [page, setPage] = useState(null); // {items, next, failed}
  const asked = useCalm(query, 250);
  const address = (cursor) => `/api/v1/media?limit=24&kind=${kind}&q=${encodeURIComponent(asked)}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
  useEffect(() => {
    const stop = new AbortController();
    api.get(address(""), { signal: stop.signal }).then((found) => setPage({ items: found.items, next: found.next_cursor })).catch((error) => error.name !== "AbortError" && setPage({ items: [], next: null, failed: true }));
    return () => stop.abort();
  }, [asked, kind]);
  const more = async () => {
    try {
      const found = await api.get(address(page.next));
      setPage({ items: [...page.items, ...found.items], next: found.next_cursor });
    } catch {
      tell("inspector.library_failed", "error");
    }
  };
  const Icon = PICTURES[kind] ?? FileText;
  return h("div", { className: "mdlib", "data-testid": "media-library", onKeyDown: (event) => event.key === "Escape" && (event.stopPropagation(), onClose()) },
    h("div", { className: "row g6" }, h("input", { className: "input", type: "search", autoFocus: true, value: query, placeholder: say("inspector.find_file"), "aria-label": say("inspector.find_file"), onChange: (event) => setQuery(event.target.value) }), h("button", { type: "button", className: "ib sm", "aria-label": say("common.close"), onClick: onClose }, h(X, { className: "i-s", "aria-hidden": true }))),
    !page ? h("div", { className: "skel", "aria-busy": true }) : page.failed ? h("div", { className: "err" }, say("inspector.library_failed")) : page.items.length === 0 ? h("div", { className: "meta muted none" }, say("inspector.library_empty")) :
      h("div", { className: "mdgrid" }, page.items.map((file) => h("button", { key: file.id, type: "button", title: file.filename, onClick: () => onPick(file) },
        kind === "image" || kind === "sticker" ? h("img", { src: file.url, alt: "", loading: "lazy" }) : h("span", { className: "mdfile s" }, h(Icon, { className: "i-s", "aria-hidden": true })),
        h("span", { className: "micro ell" }, file.filename || file.mime_type), h("span", { className: "micro muted tn" }, bytes(file.size))))),
    page?.next ? h("button", { type: "button", className: "btn ghost sm full", onClick: more }, say("inspector.more_files")) : null);
};

/** The file of `item.path` (an uploaded file's id); the link beside it is `…url`. */
export const Media = ({ item }) => {
  const node = useStore((s) => nodeOf(s.doc, item.node)?.config) ?? {};
  const urlPath = item.path === "media_id" ? "url" : "header_url";
  const kind = item.path === "media_id" ? (node.kind ?? "image") : (node.header_type ?? "image");
  const takes = TAKES[kind] ?? TAKES.document;
  const [how, setHow] = useState(() => (item.text ? "file" : node[urlPath] ? "link" : "file"));
  const busy = useStore((s) => s.uploads?.[item.key] ?? null); // {name, part}
  const [wrong, setWrong] = useState("");
  const [library, setLibrary] = useState(false);
  const [about, setAbout] = useState(null);
  const [over, setOver] = useState(false);
  const input = useRef(null);
  const shown = useRef(true);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  const take = (file) => {
    setAbout(file);
    setWrong("");
    setLibrary(false);
    return form.patch(item.node, { [item.path]: file.id, [urlPath]: "", ...(kind === "document" && item.path === "media_id" && !node.filename && file.filename ? { filename: file.filename } : {}) });
  };
  const upload = async (file) => {
    if (!file) return;
    setWrong("");
    if (!fits(file, takes)) return setWrong(say("inspector.wrong_type", { name: file.name, kind: sayOr(`node.msg_media.kind.option.${kind}`, kind) }));
    if (file.size > takes.max) return setWrong(say("inspector.too_large", { name: file.name, size: bytes(file.size), max: bytes(takes.max) }));
    const problem = await bring(item.key, file, kind, take);
    if (problem && shown.current) setWrong(problem);
    else if (problem) toast.error(problem, { description: file.name });
  };
  const link = { ...item, key: `${item.node}/${urlPath}`, path: urlPath, widget: "text", text: String(node[urlPath] ?? ""), label: say("inspector.link_to_file"), placeholder: "https://…", variables: true, max: 0, limits: [], issue: item.text ? "" : item.issue };
  const tab = (name, Icon, label) => h("button", { type: "button", role: "tab", "aria-selected": how === name, onClick: () => setHow(name) }, h(Icon, { className: "i-s", "aria-hidden": true }), label);
  return h("div", { className: "col g6" },
    !item.disabled && h("div", { className: "seg full", role: "tablist", "aria-label": item.label }, tab("file", FileUp, say("inspector.by_file")), tab("link", Link2, say("inspector.by_link"))),
    how === "link" ? h("div", { className: "col g6" }, h(Rich, { item: link, area: false }), item.text ? h("div", { className: "micro t-amber" }, say("inspector.file_wins")) : null)
      : item.text ? h("div", { className: "mdbox" },
        h(Shown, { kind, url: `/api/v1/media/${item.text}`, name: about?.filename }),
        h("div", { className: "row g6" }, h("span", { className: "dense ell grow" }, about?.id === item.text ? about.filename : say("editor.uploaded")), about?.id === item.text ? h("span", { className: "meta muted tn" }, bytes(about.size)) : null,
          !item.disabled && h("button", { type: "button", className: "ib sm", "aria-label": say("inspector.remove_file"), title: say("inspector.remove_file"), "data-testid": "remove-file", onClick: () => form.set(item.node, item.path, null) }, h(Trash2, { className: "i-s", "aria-hidden": true }))))
        : busy ? h("div", { className: "mdbusy", role: "status" }, h("div", { className: "row g6" }, h("span", { className: "dense ell grow" }, busy.name), h("span", { className: "meta tn" }, fmt.number(getLang(), busy.part, { style: "percent" })), h("button", { type: "button", className: "ib sm", "aria-label": say("common.cancel"), onClick: () => stops.get(item.key)?.now?.() }, h(X, { className: "i-s", "aria-hidden": true }))), h("progress", { value: busy.part, max: 1 }))
          : library ? h(Library, { kind, onPick: take, onClose: () => setLibrary(false) })
            : h("div", { className: "mddrop", "data-over": over, "data-bad": Boolean(item.issue || wrong), onDragOver: (event) => { event.preventDefault(); setOver(true); }, onDragLeave: () => setOver(false), onDrop: (event) => { event.preventDefault(); setOver(false); upload(event.dataTransfer.files[0]); } },
              h("input", { ref: input, type: "file", className: "sr", tabIndex: -1, accept: takes.types.join(","), "aria-label": item.label, "data-testid": "media-input", onChange: (event) => { upload(event.target.files[0]); event.target.value = ""; } }),
              h(FileUp, { className: "i-l muted", "aria-hidden": true }), h("div", { className: "dense" }, say("inspector.drop_file")), h("div", { className: "micro muted" }, say("inspector.file_limit", { types: sayOr(`inspector.types_${kind}`, ""), max: bytes(takes.max) })),
              h("div", { className: "row g6" }, h("button", { type: "button", className: "btn line sm", disabled: item.disabled, "data-field": item.path, onClick: () => input.current.click() }, say("inspector.choose_file")), h("button", { type: "button", className: "btn ghost sm", disabled: item.disabled, "data-testid": "open-library", onClick: () => setLibrary(true) }, h(FolderOpen, { className: "i-s", "aria-hidden": true }), say("inspector.library")))),
    wrong && h("div", { className: "err", role: "alert" }, wrong),
    how === "file" && node[urlPath] && !item.text ? h("div", { className: "micro muted ell" }, say("inspector.link_used", { link: node[urlPath] })) : null);
};
