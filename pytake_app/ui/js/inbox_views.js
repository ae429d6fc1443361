// React pieces that connect the inbox's store to components written in Python.
import { createElement as h, useEffect, useRef, useState } from "react";
import { Virtuoso } from "react-virtuoso";
import { api } from "$/public/pt_api.js";
import { inbox, useInbox } from "$/public/pt_inbox.js";
import { HotKeys } from "$/public/pt_shell.js";
import { tr, trKey, useLang } from "$/public/pt_i18n.js";

const KEYS = ["j", "k", "r", "n", "a", "e"];

/** The page's frame; its data attributes let the style sheet choose panes on small screens. */
export const InboxRoot = ({ me, children, ...rest }) => {
  const layout = useInbox("layout");
  useEffect(() => {
    if (me?.id) inbox.open(me, new URLSearchParams(window.location.search).get("c"));
  }, [me?.id]);
  return h("div", { ...rest, className: "ix", "data-open": String(layout.open), "data-panel": String(layout.panel), "data-phase": layout.phase }, children, h(HotKeys, { combos: KEYS, onCombo: inbox.combo }));
};

/** Renders `view` with `item` = the slice, when there is one. */
export const InboxSlice = ({ slice, view: View }) => {
  const item = useInbox(slice);
  return item ? h(View, { item }) : null;
};

export const ConversationList = ({ view: Row, label }) => {
  const { rows, query } = useInbox("list");
  return h(Virtuoso, {
    key: query,
    data: rows,
    computeItemKey: (_, row) => row.id,
    itemContent: (_, row) => h(Row, { item: row }),
    endReached: inbox.more,
    increaseViewportBy: 240,
    role: "listbox",
    "aria-label": label,
    style: { height: "100%" },
  });
};

const Footer = () => h("div", { className: "ix-end" });

export const ThreadList = ({ view: Item, pill: Pill, label }) => {
  const { items, id, first, older } = useInbox("thread");
  const list = useRef(null);
  const [bottom, setBottom] = useState(true);
  const [missed, setMissed] = useState(0);
  const count = useRef(items.length);
  useEffect(() => {
    const last = items[items.length - 1];
    if (items.length > count.current && !bottom && last?.kind === "message" && last.dir === "in") setMissed((n) => n + 1);
    count.current = items.length;
  }, [items]);
  useEffect(() => {
    if (bottom) setMissed(0);
  }, [bottom]);
  useEffect(() => setMissed(0), [id]);
  const down = () => list.current?.scrollToIndex({ index: "LAST", align: "end", behavior: "smooth" });
  return h(
    "div",
    { className: "ix-msgs", role: "log", "aria-label": label, "aria-live": "polite" },
    h(Virtuoso, {
      ref: list,
      key: id,
      data: items,
      firstItemIndex: first,
      initialTopMostItemIndex: { index: "LAST", align: "end" },
      alignToBottom: true,
      followOutput: (atBottom) => (atBottom || items[items.length - 1]?.status === "sending" ? "auto" : false),
      atBottomThreshold: 80,
      atBottomStateChange: setBottom,
      startReached: older ? inbox.older : undefined,
      computeItemKey: (_, item) => item.key,
      itemContent: (_, item) => h("div", { className: "ix-item" }, h(Item, { item })),
      components: { Footer },
      increaseViewportBy: 400,
      style: { height: "100%" },
    }),
    missed > 0 && h("button", { className: "ix-new", type: "button", onClick: down }, h(Pill, { item: { count: missed } })),
  );
};

/** The composer's text box: keeps a draft per conversation and sends on Enter. */
export const ComposerBox = ({ conversation, placeholder }) =>
  h("textarea", {
    key: conversation,
    id: "composer",
    rows: 1,
    maxLength: 4096,
    defaultValue: inbox.draft(),
    placeholder,
    "aria-label": placeholder,
    "data-testid": "composer",
    onChange: (event) => inbox.keepDraft(event.target.value),
    onKeyDown: inbox.composerKey,
  });

/** The list's search box. */
export const InboxSearch = ({ placeholder }) =>
  h("input", {
    type: "search",
    placeholder,
    "aria-label": placeholder,
    "data-search": "true",
    "data-testid": "inbox-search",
    onChange: (event) => inbox.query(event.target.value),
  });

/** Why the robot said a message: reads the session's step log when it is opened, then renders `view`. */
export const WhyBox = ({ session, node, message, view: View }) => {
  const lang = useLang();
  const [item, setItem] = useState({ phase: "loading", flow: "", node: "", why: "", port: "", values: [] });
  useEffect(() => {
    let gone = false;
    const wordOf = (key) => (trKey(key, "") ? tr(lang, key) : ""); // a reason nobody put into words is left out
    api
      .get(`/api/v1/flows/sessions/${session}`)
      .then((answer) => {
        const steps = answer.steps.filter((step) => step.node_id === node);
        const step = steps.find((one) => (one.message_ids ?? []).includes(message)) ?? steps[steps.length - 1] ?? {};
        const values = Object.entries(step.reads ?? {}).map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));
        if (!gone) setItem({ phase: "ready", flow: answer.flow_name ?? "", version: answer.version, node: step.node_title || wordOf(`node.${step.node_type}.name`) || node, why: wordOf(`editor.why_${(step.why ?? "").replace(/\W+/g, "_")}`), port: step.port ?? "", values });
      })
      .catch(() => gone || setItem((before) => ({ ...before, phase: "error" })));
    return () => {
      gone = true;
    };
  }, [session, node, message, lang]);
  return h(View, { item });
};
