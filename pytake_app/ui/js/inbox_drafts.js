// What one has begun to write, for each conversation: kept in this browser, the same in all its tabs, and taken along to one's
// other devices. A reply that another device has sent, or gone on with, isn't left standing here to be sent again.
import { api } from "$/public/pt_api.js";
import { keep, kept } from "$/public/pt_inbox_kit.js";
import { onShout, shout } from "$/public/pt_inbox_news.js";
import { BASE, emit, state } from "$/public/pt_inbox_store.js";
import { live } from "$/public/pt_inbox_threads.js";
import { may as grants } from "$/public/pt_rights.js";

const SAVE_MS = 1500;
const NOTE = "_note";
export const box = () => document.getElementById("composer");
// Of the person, too: colleagues may share a browser.
const prefix = () => `pytake_draft_${state.me?.id ?? ""}_`;
const nameOf = (id, mode) => `${prefix()}${id}${mode === "note" ? NOTE : ""}`;
/** `{text, synced}`; `synced`: the server has this very text. */
const own = (id, mode) => kept(nameOf(id, mode), null);

const mark = (id) => {
  const has = Boolean(own(id, "reply") || own(id, "note"));
  if (state.drafts.has(id) === has) return;
  if (has) state.drafts.add(id);
  else state.drafts.delete(id);
  emit();
};
const put = (id, mode, text, synced = false) => {
  keep(nameOf(id, mode), text ? { text, synced } : null);
  mark(id);
};

let timer = null;
let saving = Promise.resolve();
const save = async (id) => {
  const text = own(id, "reply")?.text ?? "";
  try {
    await api.put(`${BASE}/${id}/draft`, { text });
    if (text && own(id, "reply")?.text === text) put(id, "reply", text, true);
  } catch {
    // kept here in any case; the next change, or the next visit, tells the server
  }
};
const saveLater = (id) => {
  clearTimeout(timer);
  timer = setTimeout(() => (saving = save(id)), SAVE_MS);
};

/** Once what is on its way to the server has arrived: a draft that overtook its message would come back. */
export const settled = () => saving;
export const drafts = {
  draft: () => own(state.selected, state.mode)?.text ?? "",
  keepDraft: (text) => {
    const { selected: id, mode } = state;
    put(id, mode, text);
    shout({ draft: { id, mode, text } });
    if (mode === "reply") saveLater(id);
  },
};
/** It was sent: the server forgets its copy when the message comes; one that doesn't come is still there after a crash. */
export const forgetDraft = () => {
  const { selected: id, mode } = state;
  clearTimeout(timer);
  put(id, mode, "");
  shout({ draft: { id, mode, text: "" } });
};
/** Which conversations have something begun, as this browser knows. */
export const markDrafts = () => {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(prefix()));
    state.drafts = new Set(names.map((name) => name.slice(prefix().length).replace(NOTE, "")));
  } catch {
    // storage is blocked: nothing is kept
  }
};

// Another tab keeps it already; here it only shows, unless somebody writes here.
onShout(({ draft }) => {
  if (!draft) return;
  mark(draft.id);
  const area = box();
  if (draft.id === state.selected && draft.mode === state.mode && area && document.activeElement !== area && area.value !== draft.text) area.value = draft.text;
});
const compare = async (id) => {
  const there = await api.get(`${BASE}/${id}/draft`).catch(() => null); // the one of this browser stays
  if (!there || state.selected !== id) return;
  const here = own(id, "reply");
  if (here && !here.synced) return saveLater(id);
  if (there.text === (here?.text ?? "")) return;
  const area = box();
  const shown = state.mode === "reply" && area;
  if (shown && area.value !== (here?.text ?? "")) return; // something is being written this very moment
  put(id, "reply", there.text, true);
  if (shown) area.value = there.text;
};
live.draft = (poke) => poke.conversation_id === state.selected && compare(poke.conversation_id);
live.loaded = (id) => grants(state.me, "conversations:handle") && compare(id);
