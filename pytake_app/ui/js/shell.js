// Client-only pieces of the shell: sidebar, drawer, keys, command palette, connection banner. Nothing here talks to the
// server per keystroke. Written with createElement: these modules are served as they are and bundled by the build.
import { createElement as h, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Command } from "cmdk";
import { useNavigate, useLocation } from "react-router";
import { EventLoopContext, ColorModeContext } from "$/utils/context";
import { Inbox, Workflow, Smartphone, Radio, Rocket, Sun, Moon, Monitor, Languages, LogOut, MessageSquare, House, LayoutGrid, Send, Settings, Rows3, Users } from "lucide-react";
import { fmt, useLang, tr, setLang } from "$/public/pt_i18n.js";
import { api } from "$/public/pt_api.js";

const ICONS = { house: House, inbox: Inbox, workflow: Workflow, "layout-grid": LayoutGrid, smartphone: Smartphone, radio: Radio, send: Send, rocket: Rocket, "rows-3": Rows3, users: Users, settings: Settings };

const store = { palette: false, drawer: false };
const listeners = new Set();
const change = (part) => {
  Object.assign(store, part);
  listeners.forEach((fn) => fn());
};
const subscribe = (fn) => {
  listeners.add(fn);
  return () => listeners.delete(fn);
};
const useFlag = (name) => useSyncExternalStore(subscribe, () => store[name], () => false);

let opener = null; // where the keyboard was: it returns there
const showPalette = (palette) => {
  if (palette) opener = document.activeElement;
  change({ palette });
};
export const openPalette = () => showPalette(true);
export const openDrawer = () => change({ drawer: true });
export const closeDrawer = () => change({ drawer: false });

/** Fold the sidebar to icons or unfold it; on pages that hide it, show it for a while. Remembered in this browser. */
export const toggleSide = () => {
  const root = document.documentElement;
  if (document.querySelector(".app.no-side")) {
    root.dataset.sidePeek = root.dataset.sidePeek === "true" ? "false" : "true";
    return;
  }
  const next = root.dataset.side === "rail" ? "full" : "rail";
  root.dataset.side = next;
  if (window.innerWidth < 1100) return; // a look, not a wish
  try {
    localStorage.setItem("pytake_side", next);
  } catch {
    // storage is blocked: the choice lasts for this page
  }
};

// Keys of an input method (Japanese, Chinese, Korean, dead keys…) belong to it until the text is settled: no shortcut, no
// list and no Enter of ours hears them. 229 is what browsers give for the key that settles it, when they call it over already.
const OF_INPUT_METHOD = 229;
if (typeof window !== "undefined") {
  window.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === OF_INPUT_METHOD) event.stopImmediatePropagation();
  }, true);
}

/** Whether keys pressed here are text for a field. */
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));

/** `mod+k`, `shift+?`, `[`: the combination of a keyboard event, `mod` being Ctrl or ⌘. */
export const comboOf = (event) => {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && event.key.length > 1) parts.push("shift");
  parts.push(event.key.length === 1 ? event.key.toLowerCase() : event.key);
  return parts.join("+");
};

/** Calls `onCombo(combo)` for the combinations in `combos`; others never leave the browser. */
export const HotKeys = ({ combos, onCombo, inFields = [] }) => {
  const latest = useRef(onCombo);
  latest.current = onCombo;
  const wanted = combos.join(" ");
  useEffect(() => {
    const set = new Set(wanted.split(" "));
    const listen = (event) => {
      if (event.defaultPrevented || event.isComposing) return;
      const combo = comboOf(event);
      if (!set.has(combo) || (isTyping(event.target) && !inFields.includes(combo))) return;
      if (document.querySelector('[role="dialog"][data-state="open"], .cp-scrim') && !inFields.includes(combo)) return;
      event.preventDefault();
      latest.current?.(combo);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [wanted]);
  return null;
};

/** The shell's own keys and the drawer's closing on navigation. */
export const ShellKeys = () => {
  const { pathname } = useLocation();
  useEffect(closeDrawer, [pathname]);
  useEffect(() => {
    document.documentElement.dataset.sidePeek = "false";
  }, [pathname]);
  return h(HotKeys, {
    combos: ["mod+k", "["],
    inFields: ["mod+k"],
    onCombo: (combo) => (combo === "[" ? toggleSide() : showPalette(!store.palette)),
  });
};

export const Drawer = ({ children, label }) => {
  const open = useFlag("drawer");
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const before = document.activeElement;
    box.current?.querySelector("a, button")?.focus();
    const keys = (event) => {
      if (event.key === "Escape") closeDrawer();
      if (event.key !== "Tab") return;
      const stops = [...box.current.querySelectorAll("a, button")];
      const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
      if (document.activeElement === edge) {
        event.preventDefault();
        (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
      }
    };
    window.addEventListener("keydown", keys);
    return () => {
      window.removeEventListener("keydown", keys);
      before?.focus?.();
    };
  }, [open]);
  if (!open) return null;
  return h("div", null,
    h("div", { className: "drawer-scrim", onClick: closeDrawer }),
    h("nav", { className: "side drawer", ref: box, role: "dialog", "aria-modal": true, "aria-label": label }, children));
};

/** End the session: a real form post, so that the next page load carries no cookie. `all` ends every device's. */
export const signOut = (all = false) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/auth/web/logout";
  if (all) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "everywhere", value: "true" }));
  document.body.append(form);
  form.submit();
};

/** Ctrl/⌘ K: pages, language, theme, and flows or conversations found by REST (debounced, after two letters). */
export const CommandPalette = ({ pages }) => {
  const open = useFlag("palette");
  const lang = useLang();
  const navigate = useNavigate();
  const { setColorMode } = useContext(ColorModeContext);
  const [query, setQuery] = useState("");
  const [found, setFound] = useState([]);
  const close = useCallback(() => change({ palette: false }), []);
  useEffect(() => {
    if (!open) return undefined;
    return () => {
      setQuery("");
      setFound([]);
      opener?.focus?.();
    };
  }, [open]);
  useEffect(() => {
    const q = query.trim();
    if (!open || q.length < 2) {
      setFound([]);
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      const ask = (url) => api.get(url, { signal: abort.signal }).then((body) => body.items ?? [], () => []);
      const [flows, talks] = await Promise.all([
        ask(`/api/v1/flows?limit=5&q=${encodeURIComponent(q)}`),
        ask(`/api/v1/conversations?limit=5&q=${encodeURIComponent(q)}`),
      ]);
      if (abort.signal.aborted) return;
      setFound([
        ...flows.map((flow) => ({ kind: "flow", id: flow.id, label: flow.name, href: `/flows/${flow.id}`, icon: Workflow })),
        ...talks.map((talk) => ({ kind: "talk", id: talk.id, label: talk.contact?.name || talk.contact?.phone || talk.id, href: `/inbox?c=${talk.id}`, icon: MessageSquare })),
      ]);
    }, 180);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [query, open]);
  if (!open) return null;
  const say = (key) => tr(lang, key);
  const run = (fn) => () => {
    close();
    fn();
  };
  const item = (key, Icon, label, fn, sub, forced) =>
    h(Command.Item, { key, value: `${key} ${label}`, keywords: sub ? [sub] : undefined, onSelect: run(fn), forceMount: forced },
      h(Icon, { "aria-hidden": true }), h("span", { className: "ell" }, label), sub && h("span", { className: "sub" }, sub));
  return h("div", { className: "cp-scrim", role: "dialog", "aria-modal": true, "aria-label": say("common.palette"), onMouseDown: (event) => event.target === event.currentTarget && close() },
    h(Command, { className: "cp", label: say("common.palette"), loop: true, onKeyDown: (event) => {
      if (event.key === "Escape") close();
      if (event.key === "Tab") event.preventDefault(); // the arrows walk; focus stays in the dialog
    } },
      h(Command.Input, { value: query, onValueChange: setQuery, placeholder: say("common.palette_hint"), autoFocus: true }),
      h(Command.List, null,
        found.length === 0 && h(Command.Empty, null, say("common.palette_none")),
        found.length > 0 && h(Command.Group, { heading: say("common.palette_found"), forceMount: true },
          found.map((hit) => item(`${hit.kind}-${hit.id}`, hit.icon, hit.label, () => navigate(hit.href), say(`common.palette_${hit.kind}`), true))),
        h(Command.Group, { heading: say("common.palette_go") },
          pages.map((page) => item(page.href, ICONS[page.icon] ?? Rocket, say(page.label), () => navigate(page.href)))),
        h(Command.Group, { heading: say("common.palette_theme") },
          item("theme-light", Sun, say("common.theme_light"), () => setColorMode("light")),
          item("theme-dark", Moon, say("common.theme_dark"), () => setColorMode("dark")),
          item("theme-system", Monitor, say("common.theme_system"), () => setColorMode("system"))),
        h(Command.Group, { heading: say("common.language") },
          ["pt-BR", "en", "es"].map((tag) => item(`lang-${tag}`, Languages, say(`common.language_${tag.slice(0, 2)}`), () => setLang(tag)))),
        h(Command.Group, { heading: say("common.account") }, item("logout", LogOut, say("common.sign_out"), () => signOut())))));
};

/** Quiet banner after the socket has been away for a moment; disappears by itself. */
export const ConnectionBanner = () => {
  const [, connectErrors] = useContext(EventLoopContext);
  const lang = useLang();
  const lost = connectErrors.length > 0;
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!lost) {
      setShown(false);
      return undefined;
    }
    const timer = setTimeout(() => setShown(true), 1200);
    return () => clearTimeout(timer);
  }, [lost]);
  useEffect(() => {
    document.documentElement.dataset.offline = String(shown);
  }, [shown]);
  return h("div", { role: "status", "aria-live": "polite" },
    shown && h("div", { className: "banner" }, h("span", { className: "dot amber" }), tr(lang, "common.connection_lost")));
};

/** A time such as "há 4 min" that keeps itself right; the exact one on hover and for readers. */
export const RelativeTime = ({ value, className }) => {
  const lang = useLang();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 30000);
    return () => clearInterval(timer);
  }, []);
  if (!value) return h("span", { className }, "–");
  return h("time", { dateTime: value, title: fmt.exact(lang, value), className, suppressHydrationWarning: true }, fmt.relative(lang, value));
};
