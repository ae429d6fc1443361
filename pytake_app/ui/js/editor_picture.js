// The whole flow as a picture: what the cards and edges look like, drawn again as plain SVG (no HTML inside, so that every
// program opens it), with the font in it; as PNG through a canvas. Light or dark as the page is.
import { useEffect } from "react";
import { S, editor, emit, say, tell, useStore } from "$/public/pt_editor.js";
import { stage } from "$/public/pt_editor_stage.js";

const MARGIN = 48; // around the flow, in canvas pixels
const MAX_SIDE = 12000; // pixels of a PNG; browsers refuse much larger ones
const MAX_AREA = 60e6;
const FONTS = ["/fonts/inter-latin-wght-normal.woff2", "/fonts/inter-latin-ext-wght-normal.woff2"];
const SVG = "http://www.w3.org/2000/svg";

// What XML has no place for (control characters, halves of characters) would make the whole picture unreadable.
const UNFIT = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
const escape = (text) => text.replace(UNFIT, "").replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
const round = (value) => Math.round(value * 100) / 100;
const clear = (color) => !color || color === "transparent" || color === "none" || /rgba\(.*,\s*0\)$/.test(color) || /\/\s*0\)$/.test(color);

let probe = null;
/** Any CSS colour as one that old programs know. */
const plainColor = (color) => {
  if (/^(rgb|#)/.test(color) && !/\/|none/.test(color)) return color;
  probe ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = color;
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
  // Written from the pixel that the browser painted, not chosen here.
  return `${"rgba"}(${[r, g, b, round(a / 255)].join()})`;
};

const frames = (count) => new Promise((resolve) => {
  const next = (left) => (left ? requestAnimationFrame(() => next(left - 1)) : resolve());
  next(count);
});

const base64 = async (url) => {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  let out = "";
  for (let i = 0; i < bytes.length; i += 8192) out += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(out);
};
const fontFaces = async () => (await Promise.all(FONTS.map(base64))).map((data) => `@font-face{font-family:"Inter Variable";font-weight:100 900;src:url(data:font/woff2;base64,${data}) format("woff2")}`).join("");

/** Shadows that are rings or hairlines: `[{color, spread, inset}]`. */
const rings = (shadow) => {
  if (!shadow || shadow === "none") return [];
  return shadow.split(/,(?![^(]*\))/).map((part) => {
    const color = part.match(/(?:rgba?|color|oklch|lab|hsl)\([^)]*\)|#\w+/)?.[0] ?? "";
    const [x, y, blur, spread] = (part.replace(color, "").match(/-?[\d.]+px/g) ?? []).map(parseFloat);
    return { color, spread: spread ?? 0, inset: part.includes("inset"), ring: x === 0 && y === 0 && !blur && spread > 0 };
  }).filter((item) => item.ring && !clear(item.color));
};

/** Whether a line of an element's text shows: a card hides what found no room in its row below the row. */
const windowOf = (element) => {
  let [top, bottom] = [-Infinity, Infinity];
  for (let frame = element; frame; frame = frame.classList.contains("nd") ? null : frame.parentElement) {
    if (!/hidden|clip/.test(getComputedStyle(frame).overflowY)) continue;
    const box = frame.getBoundingClientRect();
    [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
  }
  return (rect) => rect.top + rect.height / 2 >= top && rect.top + rect.height / 2 <= bottom;
};

/** Draws elements of the page at their places on the canvas: `out` is the drawing, `layers` the same with texts apart. */
class Pen {
  constructor(origin, zoom, corner) {
    Object.assign(this, { origin, zoom, corner, out: [], layers: [], alpha: 1 });
    this.layer();
  }
  /** What comes from here on lies above everything before it, texts too. */
  layer() {
    this.layers.push({ shapes: [], texts: [] });
  }
  put(shape) {
    this.out.push(shape);
    this.layers[this.layers.length - 1].shapes.push(shape);
  }
  box(rect) {
    return { x: round((rect.left - this.origin.left) / this.zoom - this.corner.x), y: round((rect.top - this.origin.top) / this.zoom - this.corner.y), w: round(rect.width / this.zoom), h: round(rect.height / this.zoom) };
  }
  rect({ x, y, w, h }, radius, attributes) {
    const r = Math.max(0, Math.min(radius, w / 2, h / 2));
    this.put(`<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" rx="${round(r)}" ${attributes}/>`);
  }
  element(node) {
    const style = getComputedStyle(node);
    if (style.display === "none" || style.visibility === "hidden" || Number(style.opacity) === 0) return;
    if (node instanceof SVGElement) {
      this.icon(node, style);
      return;
    }
    const place = this.box(node.getBoundingClientRect());
    const faded = Number(style.opacity) < 1;
    const alpha = this.alpha;
    this.alpha *= Number(style.opacity);
    if (faded) this.put(`<g opacity="${style.opacity}">`);
    if (place.w && place.h) this.surface(place, style);
    if (node instanceof HTMLImageElement && node.complete) this.image(node, place);
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) this.text(child, style);
      else if (child.nodeType === Node.ELEMENT_NODE) this.element(child);
    }
    if (faded) this.put("</g>");
    this.alpha = alpha;
  }
  surface(place, style) {
    const radius = parseFloat(style.borderTopRightRadius) || 0;
    const percent = style.borderTopRightRadius.endsWith("%") ? (place.w * radius) / 100 : radius;
    for (const ring of rings(style.boxShadow).filter((item) => !item.inset).reverse()) {
      const by = ring.spread;
      this.rect({ x: place.x - by, y: place.y - by, w: place.w + 2 * by, h: place.h + 2 * by }, percent + by, `fill="${plainColor(ring.color)}"`);
    }
    if (!clear(style.backgroundColor)) this.rect(place, percent, `fill="${plainColor(style.backgroundColor)}"`);
    for (const ring of rings(style.boxShadow).filter((item) => item.inset)) {
      const half = ring.spread / 2;
      this.rect({ x: place.x + half, y: place.y + half, w: place.w - ring.spread, h: place.h - ring.spread }, percent - half, `fill="none" stroke="${plainColor(ring.color)}" stroke-width="${ring.spread}"`);
    }
    const sides = ["Top", "Right", "Bottom", "Left"].map((side) => (clear(style[`border${side}Color`]) || style[`border${side}Style`] === "none" ? 0 : parseFloat(style[`border${side}Width`]) || 0));
    if (sides.every((width) => width > 0)) {
      const half = sides[0] / 2;
      const dash = style.borderTopStyle === "dashed" ? ' stroke-dasharray="4 3"' : "";
      this.rect({ x: place.x + half, y: place.y + half, w: place.w - sides[0], h: place.h - sides[0] }, percent - half, `fill="none" stroke="${plainColor(style.borderTopColor)}" stroke-width="${sides[0]}"${dash}`);
    } else {
      const line = (x, y, w, h, color) => this.put(`<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" fill="${plainColor(color)}"/>`);
      if (sides[0]) line(place.x, place.y, place.w, sides[0], style.borderTopColor);
      if (sides[1]) line(place.x + place.w - sides[1], place.y, sides[1], place.h, style.borderRightColor);
      if (sides[2]) line(place.x, place.y + place.h - sides[2], place.w, sides[2], style.borderBottomColor);
      if (sides[3]) line(place.x, place.y, sides[3], place.h, style.borderLeftColor);
    }
  }
  image(node, place) {
    try {
      const canvas = Object.assign(document.createElement("canvas"), { width: node.naturalWidth, height: node.naturalHeight });
      canvas.getContext("2d").drawImage(node, 0, 0);
      this.put(`<image x="${place.x}" y="${place.y}" width="${place.w}" height="${place.h}" preserveAspectRatio="xMidYMid slice" href="${canvas.toDataURL("image/png")}"/>`);
    } catch {
      // another site's picture may not be read: its frame stays empty
    }
  }
  /** A text node, line by line as the browser broke it. */
  text(node, style) {
    const whole = node.textContent;
    if (!whole.trim()) return;
    const clip = style.textOverflow === "ellipsis" ? node.parentElement.getBoundingClientRect().right + 1 : Infinity;
    const seen = windowOf(node.parentElement);
    const range = document.createRange();
    const lines = [];
    for (let i = 0; i < whole.length; ) {
      const step = whole.codePointAt(i) > 0xffff ? 2 : 1;
      range.setStart(node, i);
      range.setEnd(node, i + step);
      const rect = range.getClientRects()[0];
      const char = whole.slice(i, i + step);
      i += step;
      if (!rect || (!rect.width && (!rect.height || !char.trim()))) continue; // the space at which a line was broken too
      if (!seen(rect)) continue;
      const last = lines[lines.length - 1];
      if (last && Math.abs(last.top - rect.top) < 2 && rect.left >= last.right - 4) {
        if (last.cut) continue;
        if (rect.right > clip) {
          last.text = `${last.text.slice(0, -1)}…`;
          last.cut = true;
          continue;
        }
        last.text += char;
        last.right = rect.right;
      } else lines.push({ text: char, left: rect.left, top: rect.top, right: rect.right, height: rect.height, cut: false });
    }
    const size = parseFloat(style.fontSize);
    for (const line of lines) {
      const text = line.text.replace(/\s+/g, " ");
      if (!text.trim()) continue;
      const place = this.box({ left: line.left, top: line.top, width: line.right - line.left, height: line.height });
      const [italic, marks] = [style.fontStyle === "italic", style.textDecorationLine.match(/line-through|underline/g) ?? []];
      const extra = `${/^ | $/.test(text) ? ' xml:space="preserve"' : ""}${italic ? ' font-style="italic"' : ""}${marks.length ? ` text-decoration="${marks.join(" ")}"` : ""}`;
      const family = /mono/i.test(style.fontFamily) ? "ui-monospace, monospace" : "Inter Variable, Inter, sans-serif";
      const length = line.cut ? "" : ` textLength="${place.w}" lengthAdjust="spacing"`;
      const [y, color] = [round(place.y + place.h / 2 + size * 0.36), plainColor(style.color)];
      this.out.push(`<text x="${place.x}" y="${y}" font-family="${family}" font-size="${size}" font-weight="${style.fontWeight}" fill="${color}"${length}${extra}>${escape(text)}</text>`);
      this.layers[this.layers.length - 1].texts.push({
        text, x: place.x, y, width: line.cut ? 0 : place.w, size, color, marks, alpha: this.alpha, font: `${italic ? "italic " : ""}${style.fontWeight} ${size}px ${style.fontFamily}`,
      });
    }
  }
  /** An icon, or an edge's drawing. */
  icon(node, style) {
    const place = this.box(node.getBoundingClientRect());
    if (!place.w || !place.h) return;
    const copy = node.cloneNode(true);
    copy.setAttribute("xmlns", SVG);
    for (const name of ["class", "style", "aria-hidden", "data-testid"]) copy.removeAttribute(name);
    for (const [name, value] of Object.entries({ x: place.x, y: place.y, width: place.w, height: place.h, color: plainColor(style.color), stroke: clear(style.stroke) ? "none" : plainColor(style.stroke), fill: clear(style.fill) ? "none" : plainColor(style.fill), "stroke-width": style.strokeWidth.replace("px", "") })) copy.setAttribute(name, value);
    this.put(new XMLSerializer().serializeToString(copy));
  }
  edge(path) {
    const style = getComputedStyle(path);
    this.put(`<path d="${path.getAttribute("d")}" transform="translate(${-this.corner.x} ${-this.corner.y})" fill="none" stroke="${plainColor(style.stroke)}" stroke-width="${style.strokeWidth.replace("px", "")}" stroke-linecap="round"/>`);
  }
}

/** The whole flow as a drawing: `{svg, layers, width, height}`, `svg` a function. Every card is drawn on the page meanwhile, at its own size. */
const draw = async () => {
  const { flow, box } = stage;
  const before = flow.getViewport();
  const selected = S.selected;
  emit({ whole: true, selected: [], edge: null });
  try {
    flow.setViewport({ x: 0, y: 0, zoom: 1 });
    await document.fonts.ready;
    await frames(4);
    const nodes = flow.getNodes();
    const bounds = flow.getNodesBounds(nodes);
    const corner = { x: bounds.x - MARGIN, y: bounds.y - MARGIN };
    const width = Math.ceil(bounds.width + 2 * MARGIN);
    const height = Math.ceil(bounds.height + 2 * MARGIN);
    const pane = box.querySelector(".react-flow__viewport").getBoundingClientRect();
    const pen = new Pen({ left: pane.left, top: pane.top }, flow.getZoom(), corner);
    const groups = [...box.querySelectorAll(".react-flow__node-group")];
    groups.forEach((node) => pen.element(node));
    box.querySelectorAll(".react-flow__edge-path").forEach((path) => pen.edge(path));
    box.querySelectorAll(".react-flow__node:not(.react-flow__node-group)").forEach((node) => pen.element(node));
    pen.layer();
    box.querySelectorAll(".react-flow__edgelabel-renderer > *").forEach((label) => pen.element(label));
    const ground = plainColor(getComputedStyle(box.querySelector(".react-flow")).backgroundColor);
    const opening = `<svg xmlns="${SVG}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
    const paper = `<rect width="100%" height="100%" fill="${ground}"/>`;
    const svg = async () => `${opening}<title>${escape(S.doc.name)}</title><style>${await fontFaces()}</style>${paper}${pen.out.join("")}</svg>`;
    const layers = pen.layers.map(({ shapes, texts }, i) => ({ svg: `${opening}${i ? "" : paper}${shapes.join("")}</svg>`, texts }));
    return { svg, layers, width, height };
  } finally {
    flow.setViewport(before);
    emit({ whole: false, selected });
  }
};

const write = (pen, { text, x, y, width, size, color, marks, alpha, font }) => {
  Object.assign(pen, { font, fillStyle: color, globalAlpha: alpha, letterSpacing: "0em" });
  const own = pen.measureText(text).width;
  if (width) pen.letterSpacing = `${(width - own) / [...text].length}px`; // as wide as on the page, as the drawing has it
  pen.fillText(text, x, y);
  for (const mark of marks) pen.fillRect(x, mark === "underline" ? y + size * 0.12 : y - size * 0.3, width || own, Math.max(1, size / 14));
  pen.globalAlpha = 1;
};
const shapesOf = async (svg) => {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(image.src);
  }
};
/** The picture. Browsers leave out texts in a font that an SVG image brings along: they are written with the page's fonts. */
const toPng = async ({ layers, width, height }) => {
  const scale = Math.min(2, MAX_SIDE / Math.max(width, height), Math.sqrt(MAX_AREA / (width * height)));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(width * scale), height: Math.round(height * scale) });
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  for (const { svg, texts } of layers) {
    pen.drawImage(await shapesOf(svg), 0, 0, width, height);
    texts.forEach((text) => write(pen, text));
  }
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("empty"))), "image/png"));
};

export const picture = {
  /** Save the flow as a picture: `svg` or `png`. */
  async save(kind) {
    if (!S.doc || !stage.flow || S.doc.nodes.length === 0) return;
    try {
      const drawn = await draw();
      const blob = kind === "svg" ? new Blob([await drawn.svg()], { type: "image/svg+xml" }) : await toPng(drawn);
      const url = URL.createObjectURL(blob);
      Object.assign(document.createElement("a"), { href: url, download: `${S.flow?.slug ?? "flow"}.${kind}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 5000);
      tell("together.picture_saved", "success");
    } catch {
      tell("together.picture_failed", "error", { description: say("common.failed_detail") });
    }
  },
  /** The draft as a file. */
  file() {
    const value = { format: "pytake.flow", spec_version: S.doc.spec_version, name: S.doc.name, slug: S.flow?.slug ?? "", document: S.doc };
    const url = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: url, download: `${S.flow?.slug ?? "flow"}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 5000);
  },
};

/** What the page's address asks for once the flow is there: `?node=` shows a block, `?picture=png|svg` saves a picture. */
export const Arrival = () => {
  const ready = useStore((s) => s.phase === "ready" && Boolean(s.doc));
  useEffect(() => {
    if (!ready) return undefined;
    const asked = new URLSearchParams(window.location.search);
    const [node, kind] = [asked.get("node"), asked.get("picture")];
    if (!node && !kind) return undefined;
    window.history.replaceState(window.history.state, "", window.location.pathname);
    const wait = setTimeout(() => {
      if (node) editor.jump(node);
      if (kind === "png" || kind === "svg") picture.save(kind);
    }, 900);
    return () => clearTimeout(wait);
  }, [ready]);
  return null;
};
