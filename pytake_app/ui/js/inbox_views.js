// The inbox's frame: three panes, dialogs, the viewer, keys, files dropped anywhere on a thread, and what is said aloud.
import { createElement as h, Fragment, useEffect, useRef, useState } from "react";
import { FileUp } from "lucide-react";
import { useLang } from "$/public/pt_i18n.js";
import { inbox, KEYS, useInbox } from "$/public/pt_inbox.js";
import { Composer } from "$/public/pt_inbox_composer.js";
import { Dialogs } from "$/public/pt_inbox_dialogs.js";
import { say, Sign } from "$/public/pt_inbox_kit.js";
import { ListPane } from "$/public/pt_inbox_list.js";
import { Viewer } from "$/public/pt_inbox_media.js";
import { Panel } from "$/public/pt_inbox_panel.js";
import { HotKeys } from "$/public/pt_shell.js";
import { ThreadHead, ThreadMessages } from "$/public/pt_inbox_thread.js";

const Thread = () => {
  const composer = useInbox("composer");
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  const takes = composer && !composer.off;
  const held = (event) => takes && [...(event.dataTransfer?.types ?? [])].includes("Files");
  const step = (by) => (event) => {
    if (!held(event)) return;
    event.preventDefault();
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  const drop = (event) => {
    if (!held(event)) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    inbox.attach([...event.dataTransfer.files]);
  };
  return h("section", { className: "ix-thread", "aria-label": say("inbox.conversation"), onDragEnter: step(1), onDragLeave: step(-1), onDragOver: (event) => held(event) && event.preventDefault(), onDrop: drop },
    h("div", { className: "ix-head" }, h(ThreadHead)), h(ThreadMessages), h(Composer), over && h("div", { className: "ix-drop", "aria-hidden": true }, h(Sign, { of: FileUp, size: "l" }), say("inbox_more.drop_here")));
};
const News = () => h("span", { className: "sr", role: "status", "aria-live": "polite" }, useInbox("news").text);

/** The page; its data attributes let the style sheet choose panes on small screens. */
export const InboxRoot = ({ me, ...rest }) => {
  const lang = useLang();
  const layout = useInbox("layout");
  const [here, setHere] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => {
    setHere(true);
    const root = document.documentElement;
    const before = root.dataset.side;
    let wish = "";
    try {
      wish = localStorage.getItem("pytake_side") ?? "";
    } catch {
      wish = ""; // storage is blocked: as if nobody chose
    }
    if (!wish) root.dataset.side = "rail"; // three panes want the room
    return () => {
      root.dataset.side = before ?? "full";
    };
  }, []);
  useEffect(() => {
    if (!me?.id) return undefined;
    const asked = new URLSearchParams(window.location.search);
    inbox.open(me, asked.get("c"));
    if (asked.get("agent")) inbox.of(asked.get("agent"));
    return inbox.leave;
  }, [me?.id]);
  return h("div", { ...rest, className: "ix", "data-open": String(layout.open), "data-panel": String(layout.panel), "data-phase": layout.phase },
    here && h(Fragment, { key: lang },
      h("section", { className: "ix-list", "aria-label": say("inbox.title") }, h(ListPane)), h(Thread), h("aside", { className: "ix-panel", "aria-label": say("inbox.contact_panel") }, h(Panel)), h(Dialogs), h(Viewer), h(News)),
    h(HotKeys, { combos: KEYS, onCombo: inbox.combo }));
};
