// What leaves the composer: shown at once, sent, and kept with a way to try again when it could not be.
import { api } from "$/public/pt_api.js";
import { box, drafts, forgetDraft, markDrafts, settled } from "$/public/pt_inbox_drafts.js";
import { say, tell, wordsOf } from "$/public/pt_inbox_kit.js";
import { bytes } from "$/public/pt_inbox_media.js";
import { BASE, emit, newClientId, set, state, touchThread } from "$/public/pt_inbox_store.js";
import { loadScheduled, loadThread, patchMessage, putMessages, threads } from "$/public/pt_inbox_threads.js";
import { mentionedIn, nameOf } from "$/public/pt_inbox_model.js";
import { stream } from "$/public/pt_inbox_stream.js";
import { allUnsent, dropUnsent, putUnsent, unsentIn, unsentOf } from "$/public/pt_inbox_unsent.js";

const MB = 1024 * 1024;
/** What WhatsApp takes, by kind: media types and bytes (Cloud API, Media). */
const TAKES = [
  { kind: "image", types: ["image/jpeg", "image/png"], max: 5 * MB },
  { kind: "sticker", types: ["image/webp"], max: 0.5 * MB },
  { kind: "video", types: ["video/mp4", "video/3gpp"], max: 16 * MB },
  { kind: "audio", types: ["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/x-m4a"], max: 16 * MB },
];
const ANY = { kind: "document", max: 100 * MB };
const MOST = 10;

/** Upload with progress, which fetch can't tell; answers the kept file. */
const upload = (id, file, voice, onPart) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, file.name);
    request.open("POST", `${BASE}/${id}/uploads${voice ? "?voice=true" : ""}`);
    request.setRequestHeader("X-PyTake-CSRF", "1");
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && onPart(event.loaded / event.total);
    request.onload = () => (request.status === 201 ? resolve(request.response) : reject(Object.assign(new Error("upload"), { status: request.status, code: request.status === 413 ? "media_too_large" : (request.response?.code ?? "unknown") })));
    request.onerror = () => reject(Object.assign(new Error("upload"), { status: 0, code: "offline" }));
    request.send(body);
  });

const local = (fields) => {
  const id = newClientId();
  return { id, client_id: id, text: "", type: "text", direction: "out", author: state.me?.id, author_kind: "agent", author_name: state.me?.name, created_at: new Date().toISOString(), status: "sending", errors: [], content: {}, ...fields };
};
/** Messages of one conversation leave in the order they were written. */
const lines = new Map();
const inLine = (id, job) => {
  const next = (lines.get(id) ?? Promise.resolve()).then(job);
  lines.set(id, next);
  return next;
};
const RESUMED_MS = 10 * 60000; // what is older may not be meant any more: whoever wrote it sends it again themselves
const becomes = (id, message, patch) => {
  Object.assign(message, patch);
  if (patch.status && unsentIn(id).includes(message)) putUnsent(id, message);
  if (state.selected === id) patchMessage(message.client_id, patch);
};
const deliver = (id, message) =>
  inLine(id, async () => {
    try {
      if (message.upload && !message.body.message.media_id) {
        const file = await upload(id, message.upload, message.body.message.voice, (part) => becomes(id, message, { part }));
        message.body.message = { ...message.body.message, media_id: file.id };
      }
      await settled();
      const saved = await api.post(`${BASE}/${id}/${message.direction === "note" ? "notes" : "messages"}`, { ...message.body, client_id: message.client_id });
      dropUnsent(id, message.client_id);
      if (state.selected !== id) return;
      if (message.body.send_at) {
        state.messages.delete(message.client_id);
        touchThread();
        emit();
        await loadScheduled(id);
      } else putMessages([saved]);
      emit();
    } catch (error) {
      const said = error.code === "not_renderable" ? error.errors?.[0]?.text : "";
      becomes(id, message, { status: "unsent", problem: error.code, said, part: null });
      if (state.selected !== id) tell(say("inbox_more.unsent_to", { name: message.to }), "error", { action: { label: say("inbox_more.unsent_see"), onClick: () => threads.select(id) }, duration: 15000 });
      else if (error.code === "conversation_closed" || error.code === "window_closed") loadThread(id, { quiet: true });
    }
  });
const show = (message, id = state.selected) => {
  if (state.newer) threads.toEnd(); // what one sends is seen at the end
  message.to = nameOf(state.detail?.contact);
  putUnsent(id, message);
  state.messages.set(message.client_id, message);
  touchThread();
  set({ error: "", replyTo: "" });
  return deliver(id, message);
};
const again = (id, message, body) => {
  // Another object than the one that is shown, which would look unchanged.
  const next = { ...message, body: body ?? message.body, status: "sending", problem: "", said: "" };
  putUnsent(id, next);
  if (state.selected === id) {
    state.messages.set(next.client_id, next);
    touchThread();
    emit();
  }
  return deliver(id, next);
};
/** The line is back: what only that kept from leaving leaves now. */
const resume = () => {
  for (const [id, message] of allUnsent()) if (message.status === "unsent" && message.problem === "offline" && Date.now() - new Date(message.created_at) < RESUMED_MS) again(id, message);
};
stream.up = resume;
if (typeof window !== "undefined") {
  window.addEventListener("online", resume);
  window.addEventListener("beforeunload", (event) => allUnsent().some(([, message]) => message.upload && message.status === "sending") && event.preventDefault()); // a file that is on its way would be lost
}
const reply = () => {
  const of = state.replyTo ? state.messages.get(state.replyTo) : null;
  return of ? { reply_to: of.id } : {};
};
const quoting = () => ({ context_external_id: state.messages.get(state.replyTo)?.external_id ?? null });

const write = (text) => {
  const area = box();
  if (!area) return;
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
};

export const sending = {
  mode: (mode) => {
    set({ mode });
    requestAnimationFrame(() => box()?.focus());
  },
  ...drafts,
  reply: (key) => {
    set({ replyTo: key, mode: "reply" });
    requestAnimationFrame(() => box()?.focus());
  },
  unreply: () => {
    set({ replyTo: "" });
    box()?.focus();
  },
  quoteInNote: (text) => {
    sending.mode("note");
    requestAnimationFrame(() => write(`${text.split("\n").map((line) => `> ${line}`).join("\n")}\n`));
  },
  insert: (text) => {
    const area = box();
    if (!area) return;
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  },
  /** Put signs around what is selected: *bold*. */
  wrap: (sign) => {
    const area = box();
    if (!area) return;
    const [from, to] = [area.selectionStart, area.selectionEnd];
    const inner = area.value.slice(from, to);
    area.setRangeText(`${sign}${inner}${sign}`, from, to, "end");
    if (from === to) area.selectionStart = area.selectionEnd = from + sign.length;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  },
  write,

  attach: (list) => {
    const found = [];
    for (const file of list) {
      const rule = TAKES.find((one) => one.types.includes(file.type)) ?? ANY;
      if (state.files.length + found.length >= MOST) {
        tell(say("inbox_more.files_most", { count: MOST }), "warning");
        break;
      }
      if (!file.size) tell(say("inbox_more.file_empty", { name: file.name }), "error");
      else if (file.size > rule.max) tell(say("inbox_more.file_large", { name: file.name, size: bytes(file.size), max: bytes(rule.max) }), "error");
      else found.push({ key: newClientId(), file, kind: rule.kind, name: file.name, size: file.size, url: URL.createObjectURL(file) });
    }
    if (found.length) set({ files: [...state.files, ...found], mode: "reply" });
    requestAnimationFrame(() => box()?.focus());
  },
  /** The files of a canned reply: they are on the server already. */
  attachKept: (reply) => set({ files: [...state.files, ...reply.media_ids.map((id) => ({ key: newClientId(), media_id: id, kind: "document", name: reply.title || `/${reply.shortcut}`, size: 0, url: `/api/v1/media/${id}` }))].slice(0, MOST) }),
  detach: (key) => set({ files: state.files.filter((file) => file.key !== key) }),

  /** Send what the composer holds; `at`: later. */
  send: (at = "") => {
    const text = box()?.value.trim() ?? "";
    const id = state.selected;
    if (!id || (!text && !state.files.length)) return;
    const later = at ? { send_at: at } : {};
    if (state.mode === "note") {
      if (!text) return;
      const mentions = mentionedIn(text, state.people ?? []);
      show(local({ direction: "note", text, body: { text, ...(mentions.length ? { mentions } : {}) } }));
    } else {
      const quote = { ...reply() };
      const context = quoting();
      const { files } = state;
      set({ files: [] });
      // The words go with a single file as its caption; sound and stickers carry none.
      const captioned = files.length === 1 && ["image", "video", "document"].includes(files[0].kind) && text.length <= 1024;
      files.forEach((one, i) => {
        const caption = captioned && i === 0 ? text : "";
        show(local({ ...context, type: one.kind, text: caption, upload: one.file, local_file: { url: one.url, name: one.name, size: one.size, blob: one.file }, content: { type: "media", kind: one.kind, filename: one.name, voice: Boolean(one.voice) }, body: { ...quote, ...later, message: { type: "media", ...(one.media_id ? { media_id: one.media_id } : {}), ...(caption ? { caption } : {}), ...(one.kind === "document" && one.file ? { filename: one.name } : {}), ...(one.voice ? { voice: true } : {}) } } }), id);
      });
      if (text && !captioned) show(local({ ...context, text, body: later.send_at || quote.reply_to ? { ...quote, ...later, message: { type: "text", text } } : { text } }), id);
    }
    write("");
    forgetDraft();
  },
  /** Send a message of another kind: template, options, place, card. */
  sendContent: (message, shown, at = "") => {
    const quote = reply();
    show(local({ ...quoting(), ...shown, content: { ...shown.content }, body: { ...quote, ...(at ? { send_at: at } : {}), message } }));
    set({ dialog: null });
  },
  sendVoice: (file) => {
    const url = URL.createObjectURL(file);
    show(local({ ...quoting(), type: "audio", upload: file, local_file: { url, name: "", size: file.size, blob: file }, content: { type: "media", kind: "audio", voice: true }, body: { ...reply(), message: { type: "media", voice: true } } }));
  },
  react: async (key, emoji) => {
    const target = state.messages.get(key);
    if (!target) return;
    try {
      const saved = await api.post(`${BASE}/${state.selected}/messages`, { client_id: newClientId(), message: { type: "reaction", message_id: target.id, emoji } });
      putMessages([saved]);
      emit();
    } catch (error) {
      tell(wordsOf(error), "error");
    }
  },
  retry: async (key) => {
    const late = state.scheduled.find((one) => (one.client_id || one.id) === key);
    if (late) return sending.sendNow(late);
    const message = state.messages.get(key);
    if (!message) return undefined;
    if (message.status === "unsent") {
      // A colleague was writing: whoever presses again means it.
      return again(state.selected, message, message.problem === "someone_writing" ? { ...message.body, anyway: true } : message.body);
    }
    patchMessage(key, { status: "queued", errors: [] });
    try {
      putMessages([await api.post(`${BASE}/${state.selected}/messages/${message.id}/retry`)]);
      emit();
    } catch (error) {
      patchMessage(key, { status: "failed", errors: message.errors });
      tell(wordsOf(error), "error");
    }
    return undefined;
  },
  /** One that was to go out later and couldn't goes now. */
  sendNow: async (late) => {
    const id = state.selected;
    try {
      await api.post(`${BASE}/${id}/messages`, { message: late.message, client_id: `again:${late.id}`, ...(late.reply_to ? { reply_to: late.reply_to } : {}) });
      await api.delete(`${BASE}/${id}/scheduled/${late.id}`);
      loadThread(id, { quiet: true });
    } catch (error) {
      tell(wordsOf(error), "error");
    }
  },
  discard: (key) => {
    const late = state.scheduled.find((one) => (one.client_id || one.id) === key);
    if (late) return sending.unschedule(late.id);
    dropUnsent(state.selected, key);
    state.messages.delete(key);
    touchThread();
    emit();
    return undefined;
  },
  /** Another time for one that goes out later. */
  reschedule: async (messageId, at) => {
    const id = state.selected;
    try {
      await api.patch(`${BASE}/${id}/scheduled/${messageId}`, { send_at: at });
      await loadScheduled(id);
      tell(say("inbox_more.rescheduled"), "success");
    } catch (error) {
      tell(wordsOf(error), "error");
    }
  },
  unschedule: async (messageId) => {
    try {
      await api.delete(`${BASE}/${state.selected}/scheduled/${messageId}`);
      touchThread();
      set({ scheduled: state.scheduled.filter((one) => one.id !== messageId) });
      tell(say("inbox_more.unscheduled"), "success");
    } catch (error) {
      tell(wordsOf(error), "error");
    }
  },
};

/** Who is signed in: what their earlier page couldn't send comes back. */
export const begin = () => {
  unsentOf(state.me?.id);
  markDrafts();
};
