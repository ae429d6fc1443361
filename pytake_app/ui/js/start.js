// The first-run guide's store: starters, the chosen flow, and its way to the live version.
import { createElement as h, useEffect, useSyncExternalStore } from "react";
import { api } from "$/public/pt_api.js";

const listeners = new Set();
let shown = { phase: "loading", starters: [], more: 0, chosen: "", flow: "", word: "", busy: "", problem: "" };
const set = (patch) => {
  shown = { ...shown, ...patch };
  listeners.forEach((listener) => listener());
};
const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const first = shown; // as of the prepared page, whose parts may wake up after the first answer
export const useStart = () => useSyncExternalStore(subscribe, () => shown, () => first);

// The word that leads to a starter: its first keyword; a flow for any message is reached by a greeting.
const wordOf = (document) => {
  const nodes = document?.nodes ?? [];
  const words = nodes.find((node) => node.type === "trigger_keyword")?.config?.words ?? [];
  return (Array.isArray(words) ? words : String(words).split(","))[0]?.trim() || "oi";
};
// The guide shows a handful; the gallery has them all.
const FIRST = ["main_menu", "smart_support", "restaurant", "appointment", "faq", "lead_capture"];
const load = async () => {
  try {
    const [starters, flows] = await Promise.all([api.get("/api/v1/flow-templates"), api.get("/api/v1/flows?limit=200")]);
    const known = new Map(flows.items.flatMap((flow) => [[flow.name, flow.id], [flow.slug, flow.id]]));
    const tiles = starters.items.map((one) => ({ key: one.key, name: one.name, detail: one.description, icon: one.icon, category: one.category, count: one.node_count, word: wordOf(one.document), flow: known.get(one.key) ?? known.get(one.name) ?? "" }));
    const chosen = tiles.find((one) => one.key === (shown.chosen || "main_menu") && one.flow);
    const first = tiles.filter((one) => FIRST.includes(one.key) || one.key === chosen?.key);
    set({ phase: "ready", starters: first, more: tiles.length - first.length, chosen: chosen?.key ?? "", flow: chosen?.flow ?? "", word: chosen?.word ?? "" });
  } catch (error) {
    set({ phase: "error", problem: error.code });
  }
};

export const start = {
  load,
  /** Take a starter: use its flow if the organization has it, else make and publish it. */
  choose: async (one) => {
    set({ busy: one.key, problem: "" });
    try {
      if (!one.flow) {
        const flow = await api.post("/api/v1/flows/from-template", { starter: one.key });
        await api.post(`/api/v1/flows/${flow.id}/publish`, {});
      }
      set({ chosen: one.key, busy: "" });
      await load();
    } catch (error) {
      set({ busy: "", problem: error.code });
    }
  },
};

/** Renders `view` with the store as `item`. */
export const StartSlice = ({ view: View }) => {
  const item = useStart();
  useEffect(() => {
    load();
  }, []);
  return h(View, { item });
};
