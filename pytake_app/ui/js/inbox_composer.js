// Where one writes: reply or note, canned replies by "/", colleagues by "@", emoji, files, voice, templates; or why one can't write now.
import { createElement as h, Fragment, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Ban, BellOff, Bot, CalendarClock, Check, CircleAlert, Contact, Eye, FileText, Hand, Hourglass, LayoutList, Lock, MapPin, Mic, Paperclip, Plus, Reply, Send, Smile, Square, StickyNote, Trash2, X, Zap } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { EmojiPicker } from "$/public/pt_editor_emoji.js";
import { inbox, useInbox } from "$/public/pt_inbox.js";
import { Btn, Face, IconBtn, Key, Menu, Pop, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { bytes, clock } from "$/public/pt_inbox_media.js";
import { canned, narrowed, people, useList } from "$/public/pt_inbox_refs.js";
import { box } from "$/public/pt_inbox_drafts.js";
import { state } from "$/public/pt_inbox_store.js";
import { startVoice } from "$/public/pt_inbox_voice.js";

const MOST_LETTERS = 4096;

/** A canned reply with this conversation's names in place of its variables; unknown ones are left to see. */
export const filled = (text) => {
  const contact = { ...(state.contact?.fields ?? {}), ...(state.contact ?? {}), ...(state.detail?.contact ?? {}) };
  const first = (name) => String(name ?? "").split(" ")[0];
  const known = { "contact.name": contact.name, "contact.first_name": first(contact.name), "contact.phone": contact.phone, "contact.email": contact.email, "agent.name": state.me?.name, "agent.first_name": first(state.me?.name), "org.name": state.me?.organization };
  return String(text).replace(/\{\{\s*([\w.]+)\s*\}\}/g, (whole, name) => known[name] ?? (name.startsWith("contact.") ? (contact[name.slice(8)] ?? whole) : whole));
};

// ---- the popups over the text
const Canned = ({ query, at, onPick, onHover }) => {
  const all = useList(canned);
  const found = all ? narrowed(all, query, (one) => `${one.shortcut} ${one.title} ${one.text}`).slice(0, 8) : null;
  useEffect(() => {
    onHover.found.current = found ?? [];
  });
  return h("div", { className: "ix-canned", "data-testid": "canned" },
    h("div", { className: "row micro muted ix-canned-h" }, say("inbox_more.canned"), h("span", { className: "grow" }), h(Key, null, "↑"), h(Key, null, "↓"), say("inbox_more.choose"), h(Key, null, "Enter")),
    h("div", { role: "listbox", id: "ix-popup", "aria-label": say("inbox_more.canned") },
      found === null ? h("span", { className: "sk", style: { margin: "var(--d-8)" } }) : found.length === 0 ? h("div", { className: "dense muted ix-none" }, say(all.length ? "inbox_more.canned_none" : "inbox_more.canned_empty"))
        : found.map((one, i) => h("button", { key: one.id, id: `ix-popup-${i}`, type: "button", role: "option", "aria-selected": i === at, tabIndex: -1, className: "po", onMouseDown: (event) => event.preventDefault(), onMouseEnter: () => onHover.set(i), onClick: () => onPick(one) },
          h("span", { className: "row dense g8" }, h("span", { className: i === at ? "str ell" : "med ell" }, one.title || one.shortcut), h("span", { className: i === at ? "meta med t-accent nw" : "meta muted nw" }, `/${one.shortcut}`)), h("span", { className: "meta muted ell" }, filled(one.text))))),
    h("div", { className: "row meta ix-canned-f" }, h("button", { type: "button", className: "link", onMouseDown: (event) => event.preventDefault(), onClick: () => inbox.dialog("canned") }, say("inbox_more.canned_manage"))));
};
const Mentions = ({ query, at, onPick, onHover }) => {
  const all = useList(people);
  const found = all ? narrowed(all, query, (one) => one.name).slice(0, 8) : [];
  useEffect(() => {
    onHover.found.current = found;
  });
  if (!found.length) return null;
  return h("div", { className: "ix-canned slim", role: "listbox", id: "ix-popup", "aria-label": say("inbox_more.people"), "data-testid": "mentions" },
    found.map((one, i) => h("button", { key: one.id, id: `ix-popup-${i}`, type: "button", role: "option", "aria-selected": i === at, tabIndex: -1, className: "po row g8", onMouseDown: (event) => event.preventDefault(), onMouseEnter: () => onHover.set(i), onClick: () => onPick(one) }, h(Face, { initials: one.initials, hue: one.hue, size: "s", picture: one.picture }), h("span", { className: "dense ell" }, one.name))));
};

// What stands before the cursor: "/word" at the beginning of a line or after a space, "@word" in notes.
const tokenAt = (area, note) => {
  const before = area.value.slice(0, area.selectionStart);
  const found = /(^|\s)([/@])([^\s/@]*)$/u.exec(before);
  if (!found || (found[2] === "@") !== note) return null;
  return { kind: found[2], query: found[3], from: before.length - found[3].length - 1, to: before.length };
};

const TextBox = ({ composer, popup, setPopup }) => {
  const area = useRef(null);
  const found = useRef([]);
  const note = composer.mode === "note";
  useLayoutEffect(() => {
    area.current.value = inbox.draft();
    setPopup(null);
  }, [composer.id, composer.mode]);
  const look = () => {
    const token = tokenAt(area.current, note);
    setPopup((old) => (token ? { ...token, at: old?.query === token.query ? old.at : 0 } : null));
  };
  const put = (text) => {
    const token = tokenAt(area.current, note) ?? { from: area.current.selectionStart, to: area.current.selectionEnd };
    area.current.setRangeText(text, token.from, token.to, "end");
    area.current.dispatchEvent(new Event("input", { bubbles: true }));
    area.current.focus();
    setPopup(null);
  };
  const pick = (one) => {
    if (note) return put(`@${one.handle} `);
    if (one.media_ids?.length) inbox.attachKept(one);
    api.post(`/api/v1/canned-responses/${one.id}/used`).catch(() => undefined); // a count for the order of the list, nothing else
    return put(filled(one.text));
  };
  const keys = (event) => {
    if (event.nativeEvent.isComposing) return;
    if (popup && found.current.length) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        return setPopup({ ...popup, at: (popup.at + step + found.current.length) % found.current.length });
      }
      if (event.key === "Enter" || event.key === "Tab") {
        event.preventDefault();
        return pick(found.current[popup.at] ?? found.current[0]);
      }
    }
    if (event.key === "Escape") {
      if (popup) {
        event.preventDefault();
        event.stopPropagation();
        return setPopup(null);
      }
      return event.target.blur();
    }
    const mod = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && (mod || (composer.enter && !event.shiftKey))) {
      event.preventDefault();
      return inbox.send();
    }
    const sign = mod && !event.altKey && { b: "*", i: "_" }[event.key.toLowerCase()];
    if (sign) {
      event.preventDefault();
      inbox.wrap(sign);
    }
    return undefined;
  };
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || note) return;
    event.preventDefault();
    inbox.attach(files.map((file) => (file.name ? file : new File([file], `imagem.${file.type.split("/")[1]}`, { type: file.type }))));
  };
  const hover = { found, set: (i) => setPopup((old) => old && { ...old, at: i }) };
  const words = note ? say("inbox.note_placeholder") : say("inbox.placeholder", { name: composer.name });
  return h(Fragment, null,
    popup?.kind === "/" && h(Canned, { query: popup.query, at: popup.at, onPick: pick, onHover: hover }), popup?.kind === "@" && h(Mentions, { query: popup.query, at: popup.at, onPick: pick, onHover: hover }),
    h("textarea", { ref: area, id: "composer", rows: 1, maxLength: note ? 10000 : MOST_LETTERS, placeholder: words, "aria-label": words, "aria-autocomplete": "list", "aria-controls": popup ? "ix-popup" : undefined, "aria-activedescendant": popup ? `ix-popup-${popup.at}` : undefined, "data-testid": "composer", onInput: (event) => {
      inbox.keepDraft(event.target.value);
      inbox.writing(event.target.value);
      look();
    }, onKeyDown: keys, onClick: look, onBlur: () => setTimeout(() => document.activeElement !== area.current && setPopup(null), 150), onPaste: paste }));
};

// ---- files and voice
const Files = () => {
  const { list } = useInbox("files");
  if (!list.length) return null;
  return h("div", { className: "ix-files", "data-testid": "files" }, list.map((file) => h("div", { key: file.key, className: "ix-file" },
    file.kind === "image" || file.kind === "sticker" ? h("img", { src: file.url, alt: "" }) : h("span", { className: "tile g-message l" }, h(Sign, { of: FileText })),
    h("span", { className: "col grow" }, h("span", { className: "meta med ell" }, file.name), file.size > 0 && h("span", { className: "micro muted tn" }, bytes(file.size))), h(IconBtn, { icon: X, small: true, label: say("inbox_more.remove_file", { name: file.name }), onClick: () => inbox.detach(file.key) }))));
};
const Voice = ({ onDone }) => {
  const [seconds, setSeconds] = useState(0);
  const [levels, setLevels] = useState([]);
  const voice = useRef(null);
  useEffect(() => {
    let gone = false;
    startVoice((at, level) => {
      setSeconds(at);
      setLevels((old) => [...old.slice(-47), level]);
    }).then((started) => (gone ? started.cancel() : (voice.current = started)), (error) => {
      tell(say(error.name === "NotAllowedError" ? "inbox_more.mic_denied" : "inbox_more.mic_failed"), "error");
      onDone();
    });
    return () => {
      gone = true;
      voice.current?.cancel();
    };
  }, []);
  const keep = async () => {
    const file = await voice.current?.stop().catch(() => null);
    voice.current = null;
    onDone();
    if (file) inbox.sendVoice(file);
    else tell(say("inbox_more.mic_failed"), "error");
  };
  return h("div", { className: "ix-rec", role: "group", "aria-label": say("inbox_more.recording"), "data-testid": "recorder" }, h(IconBtn, { icon: Trash2, label: say("inbox_more.voice_drop"), onClick: onDone, test: "voice-drop" }), h("span", { className: "dot red" }), h("span", { className: "meta tn" }, clock(seconds)),
    h("span", { className: "ix-wave live", "aria-hidden": true }, levels.map((level, i) => h("i", { key: i, style: { height: `${Math.round(10 + level * 90)}%` } }))), h(Btn, { kind: "solid", icon: Send, onClick: keep, test: "voice-send" }, say("inbox.send")));
};

// ---- the bar
const Bar = ({ composer, onVoice, onSlash }) => {
  const [emoji, setEmoji] = useState(false);
  const input = useRef(null);
  const note = composer.mode === "note";
  const { list } = useInbox("files");
  const more = [
    { label: say("inbox_more.send_options"), icon: LayoutList, run: () => inbox.dialog("options"), test: "more-options" },
    { label: say("inbox_more.send_place"), icon: MapPin, run: () => inbox.dialog("place"), test: "more-place" },
    { label: say("inbox_more.send_card"), icon: Contact, run: () => inbox.dialog("card"), test: "more-card" },
    "line",
    { label: say("inbox_more.schedule"), icon: CalendarClock, run: () => (box()?.value.trim() || list.length ? inbox.dialog("schedule") : tell(say("inbox_more.write_first"))), test: "more-schedule" },
    { label: say("inbox_more.enter_sends"), icon: composer.enter ? Check : Square, run: () => inbox.prefer("enter") },
  ];
  const picker = h(Pop, { open: emoji, onOpenChange: setEmoji, side: "top", className: "bare", label: say("inbox.emoji"), trigger: h("button", { type: "button", className: "ib", "aria-label": say("inbox.emoji"), title: say("inbox.emoji"), "data-testid": "emoji" }, h(Sign, { of: Smile, size: "" })) }, h(EmojiPicker, { onPick: (sign) => (setEmoji(false), requestAnimationFrame(() => inbox.insert(sign))), onClose: () => setEmoji(false) }));
  return h("div", { className: "bar2" }, picker,
    !note && h(Fragment, null,
      h("input", { ref: input, type: "file", multiple: true, hidden: true, "data-testid": "file-input", onChange: (event) => {
        inbox.attach([...event.target.files]);
        event.target.value = "";
      } }),
      h(IconBtn, { icon: Paperclip, label: say("inbox_more.attach"), onClick: () => input.current.click() }), h(IconBtn, { icon: Mic, label: say("inbox_more.record"), onClick: onVoice, test: "record" }), h(IconBtn, { icon: Zap, label: say("inbox_more.canned"), onClick: onSlash, test: "canned-open" }), h(IconBtn, { icon: FileText, label: say("inbox_more.templates"), onClick: () => inbox.dialog("template"), test: "template-open" }),
      h(Menu, { trigger: h("button", { type: "button", className: "ib", "aria-label": say("inbox_more.send_more"), title: say("inbox_more.send_more"), "data-testid": "send-more" }, h(Sign, { of: Plus, size: "" })), items: more, align: "start", side: "top" })),
    note ? h("span", { className: "hint" }, h(Sign, { of: Lock, size: "xs" }), h("span", { className: "ell" }, say("inbox.note_hint"))) : composer.bound && h("span", { className: composer.soon ? "hint t-amber" : "hint", "data-testid": "window" }, h(Sign, { of: Hourglass, size: "xs" }), h("span", { className: "ell" }, say("inbox_more.window_closes", { span: composer.left }))),
    !note && !composer.bound && h("span", { className: "grow" }),
    composer.enter && h("span", { className: "only-wide micro muted row g4 ix-enter" }, h(Key, null, "Enter"), say("inbox_more.sends")),
    h(Btn, { kind: "solid", icon: note ? StickyNote : Send, onClick: () => inbox.send(), test: "send", "aria-label": say(note ? "inbox.save_note" : "inbox.send") }, h("span", { className: "only-wide" }, say(note ? "inbox.save_note" : "inbox.send"))));
};

const Others = () => {
  const { others } = useInbox("people");
  if (!others.length) return null;
  const writing = others.filter((one) => one.writing);
  const shown = writing[0] ?? others[0];
  const key = writing.length ? "inbox_more.also_writes" : others.length > 1 ? "inbox_more.also_here_many" : "inbox_more.also_here";
  return h("span", { className: writing.length ? "ix-others t-amber" : "ix-others", role: "status", "data-testid": "others" }, h(Face, { initials: shown.initials, hue: shown.hue, size: "s", picture: shown.picture }), h("span", { className: "ell" }, say(key, { name: shown.name.split(" ")[0], count: others.length - 1 })));
};

const OFF = {
  bot: [Bot, "inbox.off_bot"],
  window_closed: [Hourglass, "inbox.off_window"],
  conversation_closed: [Check, "inbox.off_closed"],
  contact_blocked: [Ban, "inbox.off_blocked"],
  contact_opted_out: [BellOff, "inbox.off_opted_out"],
  viewer: [Eye, "inbox.off_viewer"],
};
const Off = ({ composer }) => {
  const [icon, words] = OFF[composer.off] ?? [CircleAlert, "inbox.problem.unknown"];
  const act = {
    bot: () => h(Btn, { kind: "soft", icon: Hand, busy: composer.busy === "take_over", onClick: () => inbox.takeOver(), test: "off-take-over" }, say("inbox.take_over")),
    window_closed: () => h(Btn, { kind: "solid", icon: FileText, onClick: () => inbox.dialog("template"), test: "off-template" }, say("inbox_more.choose_template")),
    conversation_closed: () => h(Btn, { kind: "soft", busy: composer.busy === "reopen", onClick: () => inbox.reopen() }, say("inbox.reopen")),
  }[composer.off];
  return h("div", { className: "comp-off", role: "status", "data-testid": "composer-off", "data-reason": composer.off }, h(Sign, { of: icon, size: "" }), h("div", { className: "txt" }, say(words), h(Others)), composer.off !== "viewer" && h(Btn, { icon: StickyNote, onClick: () => inbox.mode("note") }, say("inbox.note")), act?.());
};

/** Where one writes, or the reason why one can't now with its remedy. */
export const Composer = () => {
  const composer = useInbox("composer");
  const [popup, setPopup] = useState(null);
  const [voice, setVoice] = useState(false);
  useEffect(() => setVoice(false), [composer?.id]);
  if (!composer) return null;
  if (composer.off) return h(Off, { composer });
  const mode = (name, key) => h("button", { type: "button", className: composer.mode === name ? "btn sm gray" : "btn sm ghost", onClick: () => inbox.mode(name), "aria-pressed": composer.mode === name, "data-testid": `mode-${name}` }, say(name === "note" ? "inbox.note" : "inbox.reply"), composer.mode !== name && h(Key, null, key));
  const slash = () => {
    const area = box();
    if (!area) return;
    area.focus();
    inbox.insert(area.value && !/\s$/.test(area.value.slice(0, area.selectionStart)) ? " /" : "/");
  };
  return h("div", { className: "comp", "data-mode": composer.mode },
    h("div", { className: "modes" }, mode("reply", "R"), mode("note", "N"), h("span", { className: "grow" }), h(Others)),
    composer.reply && h("div", { className: "ix-replying" }, h(Sign, { of: Reply }), h("span", { className: "meta ell grow" }, composer.reply.text || sayOf(`inbox.kind.${composer.reply.type}`, "inbox.kind.unsupported")), h(IconBtn, { icon: X, small: true, label: say("inbox_more.reply_drop"), onClick: inbox.unreply })),
    composer.mode !== "note" && h(Files),
    voice ? h(Voice, { onDone: () => setVoice(false) }) : h(TextBox, { composer, popup, setPopup }),
    composer.error && h("div", { className: "row g6 meta t-red ix-cerr", role: "alert" }, h(Sign, { of: CircleAlert }), sayOf(`inbox.problem.${composer.error}`, "inbox.problem.unknown")),
    !voice && h(Bar, { composer, onVoice: () => setVoice(true), onSlash: slash }));
};
