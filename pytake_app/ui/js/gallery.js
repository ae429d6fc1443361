// The gallery's store: starters by REST, searched and filtered in the browser; "use this flow" makes one and opens it.
import { createElement as h, useEffect } from "react";
import { useNavigate } from "react-router";
import { keepSteps } from "$/public/pt_adapt_steps.js";
import { api } from "$/public/pt_api.js";
import { drawingOf } from "$/public/pt_flow_picture.js";
import { getLang, tr, useLang } from "$/public/pt_i18n.js";
import { makeStore, sliceOf } from "$/public/pt_page_store.js";
import { isTyping } from "$/public/pt_shell.js";
import { may as grants } from "$/public/pt_rights.js";

const CATEGORIES = ["service", "sales", "notices", "team"];
const SAMPLE = 3; // bubbles on a card
const say = (key, params) => tr(getLang(), key, params);
const localeOf = (lang) => lang.replace("-", "_");
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const shortened = (text) => (text.length > 90 ? `${text.slice(0, 89).trimEnd()}…` : text);


const matches = (item, query) => !query || plain([item.name, item.description, ...item.words].join(" ")).includes(plain(query));
const cardOf = ({ key, name, description, icon, category, node_count: blocks, drawing, conversation }) => ({
  key, name, description, icon, category, blocks, drawing,
  sample: conversation.slice(0, SAMPLE).map((bubble) => ({ ...bubble, text: shortened(bubble.text) })),
});

function compute(now) {
  const query = now.query.trim();
  const found = now.items.filter((item) => (!now.category || item.category === now.category) && matches(item, query));
  const one = now.items.find((item) => item.key === now.open);
  return {
    tools: { query: now.query, category: now.category, locale: now.locale, all: now.items.length, counts: Object.fromEntries(CATEGORIES.map((name) => [name, now.items.filter((item) => item.category === name).length])) },
    list: { phase: now.phase === "ready" && found.length === 0 ? "none" : now.phase, items: found.map(cardOf), count: found.length },
    keys: { open: now.keys },
    detail: {
      open: Boolean(one), ...(one ? cardOf(one) : { key: "", name: "", description: "", icon: "", category: "", blocks: 0, drawing: null, sample: [] }),
      bubbles: one?.conversation ?? [], needs: one?.needs ?? [], adapt: one?.adapt ?? [],
      locale: now.locale, translations: now.translations, busy: now.busy, problem: now.problem, edit: !now.me || may(),
    },
  };
}

const page = makeStore({ me: null, phase: "loading", items: [], query: "", category: "", locale: "", open: "", translations: true, busy: false, problem: "", keys: false, navigate: null }, (state) => compute(state));
const { state, set } = page;
const may = () => grants(state.me, "flows:edit");

let turn = 0;
const load = async () => {
  const mine = (turn += 1);
  const locale = state.locale;
  try {
    const { items } = await api.get(`/api/v1/flow-templates?locale=${locale}`);
    if (mine !== turn) return;
    const words = (document) => document.nodes.flatMap((node) => (node.type === "trigger_keyword" ? node.config.words : []));
    set({ phase: "ready", items: items.map((item) => ({ ...item, words: words(item.document), drawing: drawingOf(item.document) })) });
  } catch (error) {
    if (mine === turn) set({ phase: "error" });
  }
};

/** What the page's buttons call. */
export const gallery = {
  load: () => {
    set({ phase: "loading" });
    load();
  },
  category: (category) => set({ category }),
  clear: () => set({ query: "", category: "" }),
  search: (query) => set({ query }),
  open: (key) => set({ open: key, problem: "", busy: false }),
  close: () => set({ open: "" }),
  keys: (on) => set({ keys: on }),
  locale: (locale) => {
    set({ locale });
    load();
  },
  translations: () => set({ translations: !state.translations }),
  /** Make a flow from the open starter and go to it, with the list of what to adapt. */
  use: async () => {
    const one = state.items.find((item) => item.key === state.open);
    if (!one || state.busy || !may()) return;
    set({ busy: true, problem: "" });
    try {
      const flow = await api.post("/api/v1/flows/from-template", { starter: one.key, locale: state.locale, translations: state.translations });
      keepSteps(flow.id, one.adapt);
      set({ busy: false, open: "" });
      state.navigate?.(`/flows/${flow.id}`);
    } catch (error) {
      set({ busy: false, problem: error.code });
    }
  },
};

export const GallerySlice = sliceOf(page);
export { FlowPicture } from "$/public/pt_flow_picture.js";

/** The search box. */
export const GallerySearch = ({ placeholder }) => {
  const { query } = page.use("tools");
  return h("input", { id: "gallery-search", type: "search", value: query, placeholder, "aria-label": placeholder, "data-testid": "gallery-search", onChange: (event) => gallery.search(event.target.value) });
};

/** A message of a sample: *bold* and line breaks as WhatsApp shows them. */
export const SampleText = ({ text }) => text.split(/\*(\S(?:[^*\n]*\S)?)\*/).map((part, at) => (at % 2 ? h("b", { key: at }, part) : part));

/** The language of the flows that are shown. */
export const GalleryLanguage = ({ label, names }) => {
  const { locale } = page.use("tools");
  return h("select", { className: "input ga-lang", "aria-label": label, value: locale, "data-testid": "gallery-language", onChange: (event) => gallery.locale(event.target.value) },
    Object.entries(names).map(([value, key]) => h("option", { key: value, value }, say(key))));
};

/** Opens the page; `me` is `{id, role}` of who is signed in. */
export const GalleryRoot = ({ me, children }) => {
  const navigate = useNavigate();
  const lang = useLang();
  useEffect(() => set({ navigate }), [navigate]);
  useEffect(() => {
    if (me?.id) set({ me });
  }, [me?.id, me?.role]);
  useEffect(() => {
    set({ locale: localeOf(lang), open: "", keys: false, busy: false });
    load();
  }, [lang]);
  useEffect(() => {
    const keys = (event) => {
      if (!["/", "?"].includes(event.key) || event.defaultPrevented || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector('[role="dialog"][data-state="open"], [role="menu"][data-state="open"], .cp-scrim')) return;
      event.preventDefault();
      if (event.key === "?") gallery.keys(true);
      else document.getElementById("gallery-search")?.focus();
    };
    window.addEventListener("keydown", keys);
    return () => window.removeEventListener("keydown", keys);
  }, []);
  return children;
};
