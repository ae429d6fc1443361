// Short lists that menus and pickers need, read once when first asked for: people, queues, departments, flows, canned replies, templates.
import { useEffect, useState } from "react";
import { api } from "$/public/pt_api.js";
import { fold } from "$/public/pt_inbox_kit.js";
import { hueOf, initials } from "$/public/pt_inbox_model.js";
import { state } from "$/public/pt_inbox_store.js";

const FRESH_MS = 60000;
const cache = new Map(); // name → {at, promise}
const all = async (url) => {
  const items = [];
  let cursor = null;
  do {
    const page = await api.get(`${url}${url.includes("?") ? "&" : "?"}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < 2000);
  return items;
};
const once = (name, read) => {
  const old = cache.get(name);
  if (old && Date.now() - old.at < FRESH_MS) return old.promise;
  const promise = read();
  cache.set(name, { at: Date.now(), promise });
  promise.catch(() => cache.delete(name)); // asked again the next time
  return promise;
};
/** Read it anew the next time: it was changed here. */
export const forget = (name) => cache.delete(name);

export const people = () =>
  once("people", async () => {
    const [users, agents] = await Promise.all([api.all("/api/v1/users"), api.get("/api/v1/agents").then((page) => page.items).catch(() => [])]);
    const working = new Map(agents.map((agent) => [agent.id, agent]));
    const found = users.filter((user) => user.is_active !== false && user.role !== "viewer").map((user) => {
      const name = user.full_name || user.email;
      const agent = working.get(user.id);
      return { id: user.id, name, handle: name.split(/\s+/)[0], initials: initials(name), hue: hueOf(user.id), picture: user.avatar_url ?? "", status: agent?.status ?? "", load: agent?.load ?? null, capacity: agent?.capacity ?? null };
    });
    const handles = new Map();
    for (const person of found) handles.set(person.handle, (handles.get(person.handle) ?? 0) + 1);
    for (const person of found) if (handles.get(person.handle) > 1) person.handle = person.name.split(/\s+/).slice(0, 2).join(".");
    state.people = found;
    return found;
  });
export const queues = () => once("queues", () => all("/api/v1/queues"));
export const departments = () => once("departments", () => all("/api/v1/departments"));
export const flows = () => once("flows", () => all("/api/v1/flows?status=active"));
export const canned = () => once("canned", () => all("/api/v1/canned-responses"));
export const channels = () => once("channels", () => all("/api/v1/channel-accounts"));
export const templates = () => once("templates", () => api.get("/api/v1/whatsapp/templates?status=APPROVED").then((page) => page.items));

/** A list for a view: null while it is read, [] when it can't be. */
export const useList = (read, ...keys) => {
  const [items, setItems] = useState(null);
  useEffect(() => {
    let here = true;
    read().then((found) => here && setItems(found), () => here && setItems([]));
    return () => {
      here = false;
    };
  }, keys);
  return items;
};
/** Those of `items` whose `text` holds every word of the query, accents and case aside. */
export const narrowed = (items, query, text) => {
  const words = fold(query).split(/\s+/).filter(Boolean);
  return words.length ? items.filter((item) => words.every((word) => fold(text(item)).includes(word))) : items;
};
