// What was written and hasn't reached the server yet, by conversation: it stays while others are looked at. Texts stay over a
// reload or a crash too (sending one twice sends it once); files can't be kept by a browser.
import { keep, kept } from "$/public/pt_inbox_kit.js";

const byTalk = new Map(); // conversation → Map(client id → message)
const DAY = 86400000;
let owner = "";
const name = () => `pytake_unsent_${owner}`;

const store = () => {
  if (!owner) return;
  const found = {};
  for (const [id, messages] of byTalk) {
    const texts = [...messages.values()].filter((message) => !message.upload && !message.local_file);
    if (texts.length) found[id] = texts;
  }
  keep(name(), Object.keys(found).length ? found : null);
};

/** Whose it is; what an earlier page of theirs left behind comes back, to be sent or thrown away. */
export const unsentOf = (userId) => {
  if (!userId || owner === userId) return;
  owner = userId;
  for (const [id, messages] of Object.entries(kept(name(), {})))
    for (const message of messages)
      if (Date.now() - new Date(message.created_at) < DAY) putUnsent(id, { ...message, status: "unsent", problem: message.problem || "interrupted" });
};
/** Keep a message that is on its way, or what has become of it. */
export const putUnsent = (id, message) => {
  if (!byTalk.has(id)) byTalk.set(id, new Map());
  byTalk.get(id).set(message.client_id, message);
  store();
};
/** It arrived, or was thrown away. */
export const dropUnsent = (id, clientId) => {
  const messages = byTalk.get(id);
  if (!messages?.delete(clientId)) return;
  if (!messages.size) byTalk.delete(id);
  store();
};
/** Those of a conversation, in the order they were written. */
export const unsentIn = (id) => [...(byTalk.get(id)?.values() ?? [])];
/** All of them as `[conversation, message]`. */
export const allUnsent = () => [...byTalk].flatMap(([id, messages]) => [...messages.values()].map((message) => [id, message]));
