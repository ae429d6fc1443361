// Files in a thread: pictures and films with a viewer, sound with its waveform, documents, places on a plain drawn map.
import { createElement as h, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { createPortal } from "react-dom";
import { ChevronLeft, ChevronRight, Copy, Download, ExternalLink, FileText, Image, MapPin, Pause, Play, RotateCw, X, ZoomIn, ZoomOut } from "lucide-react";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { copyText } from "$/public/pt_page_store.js";
import { IconBtn, say, Sign, tell } from "$/public/pt_inbox_kit.js";

const MB = 1024 * 1024;
export const bytes = (size) => new Intl.NumberFormat(getLang(), size >= MB ? { style: "unit", unit: "megabyte", maximumFractionDigits: 1 } : { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 }).format(size >= MB ? size / MB : Math.max(1, size / 1024));
export const clock = (seconds) => (Number.isFinite(seconds) ? `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}` : "–:––");

// ---- the viewer: one for the page, told what to show
let shown = null; // {items: [{url, kind, name, caption}], at}
const watchers = new Set();
const show = (next) => {
  shown = next;
  watchers.forEach((fn) => fn());
};
const watch = (fn) => {
  watchers.add(fn);
  return () => watchers.delete(fn);
};
/** Show `items` large, beginning with the one whose address is `url`. */
export const openViewer = (items, url) => show({ items, at: Math.max(0, items.findIndex((item) => item.url === url)), back: document.activeElement });

export const Viewer = () => {
  const view = useSyncExternalStore(watch, () => shown, () => null);
  const [zoom, setZoom] = useState(1);
  const box = useRef(null);
  const item = view?.items[view.at];
  useEffect(() => setZoom(1), [item?.url]);
  useEffect(() => {
    if (view) box.current?.focus();
  }, [Boolean(view)]);
  if (!view || !item) return null;
  const close = () => {
    show(null);
    view.back?.focus?.();
  };
  const go = (step) => view.at + step >= 0 && view.at + step < view.items.length && show({ ...view, at: view.at + step });
  const scale = (by) => setZoom((now) => Math.min(6, Math.max(1, now * by)));
  const keys = (event) => {
    const act = { Escape: close, ArrowLeft: () => go(-1), ArrowRight: () => go(1), "+": () => scale(1.5), "=": () => scale(1.5), "-": () => scale(1 / 1.5), "0": () => setZoom(1) }[event.key];
    if (event.key === "Tab") {
      const stops = [...box.current.querySelectorAll("button, a, video")];
      const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
      if (document.activeElement !== edge && document.activeElement !== box.current) return;
      event.preventDefault();
      (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
      return;
    }
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  return createPortal(h("div", { ref: box, className: "ix-view dark radix-themes", role: "dialog", "aria-modal": true, "data-state": "open", "aria-label": say("inbox_more.viewer"), tabIndex: -1, onKeyDown: keys, "data-testid": "viewer" },
    h("div", { className: "ix-view-bar" },
      h("span", { className: "dense ell grow" }, item.name || item.caption || say(`inbox.kind.${item.kind === "video" ? "video" : "image"}`)),
      view.items.length > 1 && h("span", { className: "meta muted tn" }, say("inbox_more.viewer_of", { at: view.at + 1, count: view.items.length })),
      item.kind !== "video" && h(IconBtn, { icon: ZoomOut, label: say("inbox_more.zoom_out"), onClick: () => scale(1 / 1.5) }),
      item.kind !== "video" && h(IconBtn, { icon: ZoomIn, label: say("inbox_more.zoom_in"), onClick: () => scale(1.5) }),
      h("a", { className: "ib", href: `${item.url}${item.url.includes("?") ? "&" : "?"}download=true`, "aria-label": say("inbox_more.download"), title: say("inbox_more.download"), download: item.name || true }, h(Sign, { of: Download, size: "" })),
      h(IconBtn, { icon: X, label: say("common.close"), onClick: close, test: "viewer-close" })),
    h("div", { className: "ix-view-body", onClick: (event) => event.target === event.currentTarget && close() },
      view.at > 0 && h(IconBtn, { icon: ChevronLeft, label: say("inbox_more.viewer_before"), className: "ix-view-go left", onClick: () => go(-1) }),
      item.kind === "video" ? h("video", { key: item.url, src: item.url, controls: true, autoPlay: true }) : h("img", { key: item.url, src: item.url, alt: item.caption || item.name || say("inbox.kind.image"), style: { transform: `scale(${zoom})` }, "data-zoomed": zoom > 1, onDoubleClick: () => setZoom(zoom > 1 ? 1 : 2.5) }),
      view.at < view.items.length - 1 && h(IconBtn, { icon: ChevronRight, label: say("inbox_more.viewer_after"), className: "ix-view-go right", onClick: () => go(1) })),
    item.caption && h("div", { className: "ix-view-cap dense" }, item.caption)), document.body);
};

// ---- a picture that may still be on its way from the platform
const TRIES = 12;
export const Picture = ({ file, caption, onOpen }) => {
  const [tries, setTries] = useState(0);
  const [state, setState] = useState("loading");
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    setTries(0);
    setState("loading");
  }, [file.url]);
  const failed = () => {
    if (tries >= TRIES) return setState("failed");
    timer.current = setTimeout(() => setTries(tries + 1), Math.min(8000, 800 * 1.4 ** tries));
    return setState("waiting");
  };
  const address = tries && !file.url.startsWith("blob:") ? `${file.url}${file.url.includes("?") ? "&" : "?"}again=${tries}` : file.url;
  const again = () => {
    setTries(1);
    setState("loading");
  };
  const video = file.kind === "video";
  const seen = video
    ? h("video", { key: address, src: `${address}#t=0.1`, preload: "metadata", muted: true, playsInline: true, onLoadedMetadata: () => setState("ready"), onError: failed, tabIndex: -1 })
    : h("img", { key: address, src: address, alt: caption || say(`inbox.kind.${file.kind}`), loading: "lazy", onLoad: () => setState("ready"), onError: failed });
  if (state === "failed") return h("div", { className: "ix-nopic" }, h(Sign, { of: Image, size: "l" }), h("span", { className: "meta" }, say("inbox_more.no_file")), h("button", { type: "button", className: "link meta", onClick: again }, h(Sign, { of: RotateCw, size: "xs" }), say("common.retry")));
  return h("button", { type: "button", className: `ix-pic ${file.kind}`, "data-state": state, onClick: () => onOpen(address), "aria-label": say("inbox_more.open_file", { kind: say(`inbox.kind.${file.kind}`) }), "data-testid": "picture" },
    seen, state === "waiting" && h("span", { className: "ix-wait meta" }, say("inbox_more.file_coming")), video && state === "ready" && h("span", { className: "ix-play" }, h(Sign, { of: Play, size: "l" })));
};

// ---- sound
const BARS = 40;
const waves = new Map(); // address → promise of {peaks, seconds}
let decoder = null;
const fetched = async (url) => {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
};
const read = async ({ url, blob }) => {
  decoder ??= new OfflineAudioContext(1, 1, 44100);
  const sound = await decoder.decodeAudioData(await (blob ?? (await fetched(url))).arrayBuffer()); // what was just recorded is here
  const samples = sound.getChannelData(0);
  const each = Math.max(1, Math.floor(samples.length / BARS));
  const step = Math.max(1, Math.floor(each / 400)); // a part of the samples is enough for a picture
  const peaks = Array.from({ length: BARS }, (_, bar) => {
    let most = 0;
    for (let i = bar * each; i < (bar + 1) * each && i < samples.length; i += step) most = Math.max(most, Math.abs(samples[i]));
    return most;
  });
  const top = Math.max(...peaks, 0.01);
  return { peaks: peaks.map((peak) => peak / top), seconds: sound.duration };
};
const waveOf = (file) => {
  const { url } = file;
  if (!waves.has(url)) {
    if (waves.size > 200) waves.delete(waves.keys().next().value);
    waves.set(url, read(file).catch((error) => {
      waves.delete(url); // it may come later
      throw error;
    }));
  }
  return waves.get(url);
};
const SPEEDS = [1, 1.5, 2];
let playing = null; // one sound at a time

export const Sound = ({ file, time }) => {
  const [wave, setWave] = useState(null);
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(NaN);
  const [on, setOn] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [state, setState] = useState("ready"); // ready | waiting | failed
  const [turn, setTurn] = useState(0);
  const player = useRef(null);
  useEffect(() => {
    let gone = false;
    let timer = null;
    const look = (tries) =>
      waveOf(file)
        .then((found) => {
          if (gone) return;
          setWave(found.peaks);
          setLength(found.seconds);
          setState("ready");
          setTurn((now) => (tries ? now + 1 : now));
        })
        .catch((error) => {
          if (gone) return;
          if (error.message === "404" && tries < TRIES) {
            setState("waiting");
            timer = setTimeout(() => look(tries + 1), Math.min(8000, 800 * 1.4 ** tries));
          } else if (/^\d+$/.test(error.message)) setState("failed");
          else setState("ready"); // a sound this browser can't draw may still play
        });
    look(0);
    return () => {
      gone = true;
      clearTimeout(timer);
      if (playing === player.current) playing = null;
    };
  }, [file.url]);
  const bars = wave ?? Array.from({ length: BARS }, () => 0.25);
  const part = Number.isFinite(length) && length > 0 ? at / length : 0;
  const toggle = () => {
    const one = player.current;
    if (!one) return;
    if (!one.paused) return one.pause();
    playing?.pause();
    playing = one;
    one.playbackRate = speed;
    return one.play().catch(() => setState("failed"));
  };
  const seek = (to) => {
    if (!player.current || !Number.isFinite(length)) return;
    player.current.currentTime = Math.min(length, Math.max(0, to));
    setAt(player.current.currentTime);
  };
  const faster = () => {
    const next = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
    setSpeed(next);
    if (player.current) player.current.playbackRate = next;
  };
  const keys = (event) => {
    const step = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    seek(at + step);
  };
  return h("div", { className: "ix-sound", "data-testid": "sound", "data-wave": Boolean(wave) },
    h("audio", { key: turn, ref: player, src: file.url, preload: "metadata", onPlay: () => setOn(true), onPause: () => setOn(false), onEnded: () => (setOn(false), setAt(0)), onTimeUpdate: (event) => setAt(event.target.currentTime), onLoadedMetadata: (event) => Number.isFinite(event.target.duration) && setLength((now) => (Number.isFinite(now) ? now : event.target.duration)) }),
    h("button", { type: "button", className: "ix-soundgo", onClick: toggle, disabled: state !== "ready", "aria-label": say(on ? "inbox_more.pause" : "inbox_more.play") }, h(Sign, { of: on ? Pause : Play })),
    state === "failed" ? h("span", { className: "meta muted grow" }, say("inbox_more.no_file"))
      : h("div", { className: "ix-wave", role: "slider", tabIndex: 0, "aria-label": say("inbox_more.sound_position"), "aria-valuemin": 0, "aria-valuemax": Math.round(Number.isFinite(length) ? length : 0), "aria-valuenow": Math.round(at), "aria-valuetext": clock(at), onKeyDown: keys,
        onClick: (event) => {
          const box = event.currentTarget.getBoundingClientRect();
          seek(((event.clientX - box.left) / box.width) * length);
        } }, bars.map((peak, i) => h("i", { key: i, "data-past": i / BARS < part, style: { height: `${Math.round(12 + peak * 88)}%` } }))),
    h("span", { className: "meta tn muted nw" }, state === "waiting" ? say("inbox_more.file_coming") : clock(on || at > 0 ? at : length)),
    h("button", { type: "button", className: "bdg line tn", onClick: faster, "aria-label": say("inbox_more.speed", { speed: fmt.number(getLang(), speed) }) }, `${fmt.number(getLang(), speed)}×`), time);
};

export const Document = ({ file }) =>
  h("a", { className: "file", href: file.url.startsWith("blob:") ? file.url : `${file.url}${file.url.includes("?") ? "&" : "?"}download=true`, download: file.name || true, "data-testid": "document" },
    h("span", { className: "tile g-message" }, h(Sign, { of: FileText })), h("span", { className: "col grow" }, h("span", { className: "dense med ell" }, file.name || say("inbox.kind.document")), h("span", { className: "micro muted ell" }, [file.name.includes(".") ? file.name.split(".").pop().toUpperCase() : "", file.size ? bytes(file.size) : ""].filter(Boolean).join(" · "))), h(Sign, { of: Download }));

// ---- places: a drawn grid of coordinates around the pin, asked of nobody
const angle = (value, plus, minus) => {
  const whole = Math.abs(value);
  const minutes = Math.floor((whole % 1) * 60);
  const seconds = ((((whole % 1) * 60) % 1) * 60).toFixed(0).padStart(2, "0");
  return `${Math.floor(whole)}° ${String(minutes).padStart(2, "0")}′ ${seconds}″ ${value >= 0 ? plus : minus}`;
};
export const Place = ({ place }) => {
  const lines = useMemo(() => {
    // A line every 0.005°; where they fall depends on the place, so that two near places look near.
    const offset = (value) => (((value / 0.005) % 1) + 1) % 1;
    return { x: offset(place.longitude), y: 1 - offset(place.latitude) };
  }, [place.latitude, place.longitude]);
  const name = place.name || place.address;
  const words = `${angle(place.latitude, "N", "S")}  ${angle(place.longitude, say("inbox_more.east"), say("inbox_more.west"))}`;
  const copy = async () => {
    if (await copyText(`${place.latitude}, ${place.longitude}`)) tell(say("inbox_more.copied"), "success");
  };
  const steps = [-2, -1, 0, 1, 2, 3];
  return h("div", { className: "ix-place", "data-testid": "place" },
    h("div", { className: "ix-map", role: "img", "aria-label": say("inbox_more.map_of", { place: name || words }) },
      h("svg", { viewBox: "0 0 240 110", "aria-hidden": true, preserveAspectRatio: "xMidYMid slice" },
        steps.map((i) => h("line", { key: `x${i}`, x1: 120 + (i - lines.x) * 60, x2: 120 + (i - lines.x) * 60, y1: 0, y2: 110, className: i % 2 ? "minor" : "" })),
        steps.map((i) => h("line", { key: `y${i}`, y1: 60 + (i - lines.y) * 60, y2: 60 + (i - lines.y) * 60, x1: 0, x2: 240, className: i % 2 ? "minor" : "" })),
        h("circle", { cx: 120, cy: 60, r: 30, className: "near" })),
      h("span", { className: "pin" }, h(Sign, { of: MapPin, size: "l" })), h("span", { className: "scale micro" }, "500 m")),
    h("div", { className: "ix-placetext" },
      h("div", { className: "grow" }, place.name && h("div", { className: "dense med break" }, place.name), place.address && h("div", { className: "meta muted break" }, place.address), h("div", { className: "micro muted tn" }, words)),
      h(IconBtn, { icon: Copy, small: true, label: say("inbox_more.copy_place"), onClick: copy }),
      h("a", { className: "ib sm", href: `https://www.openstreetmap.org/?mlat=${place.latitude}&mlon=${place.longitude}#map=16/${place.latitude}/${place.longitude}`, target: "_blank", rel: "noopener noreferrer", title: say("inbox_more.open_map"), "aria-label": say("inbox_more.open_map") }, h(Sign, { of: ExternalLink }))));
};
