// The middle pane: who it is and what can be done, the messages, and the sign of new ones.
import { createElement as h, Fragment, useEffect, useRef, useState } from "react";
import { Virtuoso } from "react-virtuoso";
import { Archive, ArrowDown, ArrowLeft, ArrowRightLeft, BellOff, Bot, Check, ChevronDown, CircleAlert, Clock, Ellipsis, Flag, Hand, Info, Keyboard, MailOpen, MessagesSquare, PanelRight, RotateCcw, RotateCw, SearchX, Tag, UserRound, UserRoundX, Volume2 } from "lucide-react";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { inbox, useInbox } from "$/public/pt_inbox.js";
import { ThreadItem } from "$/public/pt_inbox_bubbles.js";
import { ChannelMark } from "$/public/pt_inbox_list.js";
import { Btn, Face, IconBtn, Menu, say, Sign } from "$/public/pt_inbox_kit.js";
import { newsSince, hueOf, initials } from "$/public/pt_inbox_model.js";
import { people, useList } from "$/public/pt_inbox_refs.js";

const PRIORITIES = ["urgent", "high", "medium", "low"];

const Owner = ({ head }) => {
  const team = useList(people) ?? [];
  const others = team.filter((person) => person.id !== head.me);
  const line = (person) => ({ key: person.id, label: person.name, dot: { online: "jade", busy: "red", away: "amber", break: "amber" }[person.status] ?? "", hint: person.capacity ? `${person.load ?? 0}/${person.capacity}` : undefined, run: () => inbox.assign(person.id), disabled: person.id === head.assignee_id });
  const items = [
    ...(head.mine ? [] : [{ label: say("inbox_more.assign_me"), icon: Hand, run: () => inbox.takeOver(), hint: "A", test: "assign-me" }]),
    ...(head.assignee_id ? [{ label: say("inbox_more.assign_nobody"), icon: UserRoundX, run: () => inbox.assign(null), test: "assign-nobody" }] : []),
    ...(others.length ? ["line", { title: say("inbox_more.people") }] : []),
    ...others.map(line),
  ];
  const face = team.find((person) => person.id === head.assignee_id)?.picture;
  const trigger = h("button", { type: "button", className: "btn line ix-owner", "data-testid": "owner", "aria-label": say("inbox_more.owner", { name: head.mine ? say("inbox.you") : head.assignee || say("inbox_more.nobody") }) },
    head.assignee ? h(Face, { initials: initials(head.assignee), hue: hueOf(head.assignee_id), size: "s", picture: face }) : h(Sign, { of: head.handling === "bot" ? Bot : UserRound }),
    h("span", { className: "ell" }, head.mine ? say("inbox_more.owner_you", { name: head.assignee.split(" ")[0] }) : head.assignee ? head.assignee.split(" ").slice(0, 2).join(" ") : say(head.handling === "bot" ? "inbox.robot" : "inbox_more.nobody")), h(Sign, { of: ChevronDown, size: "xs" }));
  return h(Menu, { trigger, items, label: say("inbox_more.assign") });
};

const More = ({ head }) => {
  const prefs = useInbox("prefs");
  const bot = head.handling === "bot";
  const items = [
    ...(head.may_write && !head.finished ? [
      ...(bot ? [] : [{ label: say("inbox.give_back"), icon: Bot, run: () => inbox.giveBack(), test: "give-back-menu" }]),
      { label: say("inbox_more.restart_flow"), icon: RotateCw, run: () => inbox.dialog("flow"), test: "restart-flow" },
      { label: say("inbox_more.assign"), icon: UserRound, hint: "A", run: () => inbox.dialog("assign"), test: "assign-menu" },
      { label: say("inbox_more.snooze"), icon: Clock, hint: "S", run: () => inbox.dialog("snooze") },
      { label: say("inbox_more.transfer"), icon: ArrowRightLeft, hint: "T", run: () => inbox.dialog("transfer") },
      { label: say("inbox_more.close_with"), icon: Check, run: () => inbox.dialog("close"), test: "close-with" },
      { label: say("inbox_more.mark_unread"), icon: MailOpen, run: () => inbox.unread(), test: "mark-unread" },
      "line", { title: say("inbox_more.priority") },
      ...PRIORITIES.map((name) => ({ key: name, label: say(`inbox_more.priority_${name}`), icon: head.priority === name ? Check : Flag, run: () => inbox.priority(name), test: `priority-${name}` })),
      "line",
    ] : []),
    ...(head.may_write && head.status === "closed" ? [{ label: say("inbox_more.archive"), icon: Archive, run: () => inbox.archive(), test: "archive" }] : []),
    ...(head.may_write ? [{ label: say("inbox_more.talk_tags"), icon: Tag, run: () => inbox.dialog("tags") }, "line"] : []),
    { label: say("inbox_more.pref_sound"), icon: prefs.sound ? Volume2 : BellOff, hint: say(prefs.sound ? "inbox_more.on" : "inbox_more.off"), run: () => inbox.prefer("sound"), test: "pref-sound" },
    { label: say("inbox_more.pref_desktop"), icon: Info, hint: say(prefs.desktop ? "inbox_more.on" : "inbox_more.off"), run: () => inbox.prefer("desktop"), test: "pref-desktop" },
    { label: say("inbox_more.keys"), icon: Keyboard, hint: "?", run: () => inbox.dialog("keys") },
  ];
  return h(Menu, { trigger: h("button", { type: "button", className: "ib", "aria-label": say("inbox_more.more"), title: say("inbox_more.more"), "data-testid": "head-more" }, h(Sign, { of: Ellipsis, size: "" })), items, label: say("inbox_more.more") });
};

const State = ({ head }) => {
  if (head.finished) return h("span", { className: "bdg" }, h("span", { className: "ell" }, say("inbox.closed")));
  if (head.snoozed) return h("span", { className: "bdg amber" }, h(Sign, { of: Clock, size: "xs" }), h("span", { className: "ell" }, say("inbox_more.back_at", { time: fmt.exact(getLang(), head.snoozed) })));
  if (head.handling === "bot") return h("span", { className: "bdg jade" }, h(Sign, { of: Bot, size: "xs" }), h("span", { className: "ell" }, say("inbox.robot_answers")));
  if (head.handling === "waiting") return h("span", { className: "bdg amber" }, h(Sign, { of: Clock, size: "xs" }), h("span", { className: "ell" }, say("inbox.waiting_person")));
  return h("span", { className: "bdg jade" }, h("span", { className: "ell" }, say("inbox_more.open")));
};

export const ThreadHead = () => {
  const head = useInbox("head");
  if (!head) return null;
  const acting = head.may_write && !head.finished;
  const take = acting && !(head.handling === "person" && head.mine);
  return h(Fragment, null,
    h(IconBtn, { icon: ArrowLeft, label: say("inbox.back"), className: "ix-back", onClick: inbox.back }),
    h(Face, { initials: head.initials, hue: head.hue, size: "l" }, h(ChannelMark, { channel: head.channel })),
    h("div", { className: "grow ix-names" },
      h("div", { className: "row g6 who" }, h("h2", { className: "str ell" }, head.name), h("span", { className: "only-wide ix-state" }, h(State, { head })), ["high", "urgent"].includes(head.priority) && h("span", { className: `bdg ${head.priority === "urgent" ? "red" : "amber"} only-wide` }, h(Sign, { of: Flag, size: "xs" }), say(`inbox_more.priority_${head.priority}`))),
      h("div", { className: "meta muted ell tn" }, h("span", { className: "only-wide" }, [head.phone, head.account].filter(Boolean).join(" · ")), h("span", { className: "ix-phone" }, [head.queue.name, head.window.bound && head.window.open ? say("inbox.window_closes_in", { span: head.window.left }) : head.phone].filter(Boolean).join(" · ")))),
    head.may_write && h("span", { className: "only-wide" }, h(Owner, { head })),
    take && h(Btn, { kind: "solid", icon: Hand, busy: head.busy === "take_over", onClick: () => inbox.takeOver(), test: "take-over" }, say("inbox.take_over")),
    acting && head.handling === "person" && h(IconBtn, { icon: Bot, label: say("inbox.give_back"), className: "only-wide", onClick: () => inbox.giveBack(), test: "give-back" }),
    acting && h(IconBtn, { icon: Clock, label: say("inbox_more.snooze_key"), className: "only-wide", onClick: () => inbox.dialog("snooze"), test: "snooze" }),
    acting && h(IconBtn, { icon: ArrowRightLeft, label: say("inbox_more.transfer_key"), className: "only-wide", onClick: () => inbox.dialog("transfer"), test: "transfer" }),
    acting && h(Btn, { kind: "soft", busy: head.busy === "close", onClick: () => inbox.close(), test: "close", className: take ? "only-wide" : "" }, h("span", { className: "only-wide" }, h(Sign, { of: Check })), say("inbox.close")),
    head.may_write && head.finished && h(Btn, { kind: "soft", icon: RotateCcw, busy: head.busy === "reopen", onClick: () => inbox.reopen(), test: "reopen" }, say("inbox.reopen")),
    h(IconBtn, { icon: PanelRight, label: say("inbox.contact_panel"), className: "ix-info", onClick: inbox.panel, test: "panel-open" }),
    h(More, { head }));
};

// ---- messages
const Bare = ({ icon, title, detail, retry, bad }) =>
  h("div", { className: "ix-msgs", style: { display: "grid" } }, h("div", { className: `state${bad ? " bad" : ""}`, role: bad ? "alert" : "status" }, h("div", { className: "pic" }, h(Sign, { of: icon, size: "" })), h("div", { className: "str" }, title), h("div", { className: "txt dense" }, detail), retry && h("div", { className: "act" }, h(Btn, { icon: RotateCw, onClick: retry }, say("common.retry")))));
const Skeletons = () =>
  h("div", { className: "ix-msgs", "aria-busy": true }, [["in", "46%"], ["out", "38%"], ["in", "30%"], ["out", "44%"]].map(([side, width], i) => h("div", { key: i, className: "ix-item" }, h("div", { className: `bub ${side}`, style: { width } }, h("span", { className: "sk l" }), h("span", { className: "sk", style: { width: "60%" } })))));

const Footer = () => {
  const { typing } = useInbox("people");
  return h("div", { className: "ix-end" }, typing && h("div", { className: "ix-item" }, h("div", { className: "bub in ix-dots", role: "status", "aria-label": say("inbox_more.contact_types") }, h("i"), h("i"), h("i"))));
};
const COMPONENTS = { Footer };
const CALM_FRAMES = 10;
const MOST_FRAMES = 120;
const SEEN_MS = 600;

export const ThreadMessages = () => {
  const { items, id, first, older, newer, part, phase, found, query } = useInbox("thread");
  const list = useRef(null);
  const [bottom, setBottom] = useState(true);
  const [missed, setMissed] = useState(0);
  const stick = useRef(true); // at the end until the person scrolls away: pictures that load later don't push the end out of sight
  const seen = useRef(new Set());
  useEffect(() => {
    // All that came, not only the last: a flow's answer may be drawn in the same frame as what it answers.
    const { keys, come } = newsSince(items, seen.current);
    if (come) setMissed((n) => n + come);
    seen.current = keys;
  }, [items]);
  useEffect(() => {
    if (!bottom || !missed) return undefined;
    // That one has left the end is told some frames late: what comes in between isn't seen.
    const timer = setTimeout(() => setMissed(0), SEEN_MS);
    return () => clearTimeout(timer);
  }, [bottom, missed]);
  useEffect(() => {
    setMissed(0);
    stick.current = !newer && !found;
  }, [id, part]);
  const scroller = useRef(null);
  const waiting = useRef(0);
  // Rows are measured and drawn over several frames: the end is gone to until it stays where it is.
  const stay = () => {
    cancelAnimationFrame(waiting.current);
    let calm = 0;
    let left = MOST_FRAMES;
    const look = () => {
      const box = stick.current && scroller.current?.querySelector("[data-virtuoso-scroller]");
      if (!box) return;
      const far = box.scrollHeight - box.clientHeight - box.scrollTop > 1;
      if (far) box.scrollTop = box.scrollHeight;
      calm = far ? 0 : calm + 1;
      left -= 1;
      if (calm < CALM_FRAMES && left > 0) waiting.current = requestAnimationFrame(look);
    };
    waiting.current = requestAnimationFrame(look);
  };
  useEffect(() => {
    const box = scroller.current;
    if (!box || phase !== "ready") return undefined;
    const watch = new ResizeObserver(stay); // the composer grew or shrank
    watch.observe(box);
    return () => watch.disconnect();
  }, [id, phase, part]);
  useEffect(() => {
    if (!found) return undefined;
    const at = items.findIndex((item) => item.key === found);
    stick.current = false;
    if (at >= 0) list.current?.scrollToIndex({ index: at, align: "center" });
    const timer = setTimeout(inbox.landed, 2600);
    return () => clearTimeout(timer);
  }, [found, part]);
  if (phase === "idle") return h(Bare, { icon: MessagesSquare, title: say("inbox.choose"), detail: say("inbox.choose_detail") });
  if (phase === "loading") return h(Skeletons);
  if (phase === "missing") return h(Bare, { icon: SearchX, title: say("inbox.missing"), detail: say("inbox.missing_detail") });
  if (phase === "error") return h(Bare, { icon: CircleAlert, bad: true, title: say("inbox.thread_error"), detail: say("inbox.try_again_detail"), retry: inbox.reloadThread });
  const down = () => newer ? inbox.toEnd() : list.current?.scrollToIndex({ index: "LAST", align: "end", behavior: "smooth" });
  const last = items[items.length - 1];
  const aim = found ? items.findIndex((item) => item.key === found) : -1;
  return h("div", { ref: scroller, className: "ix-msgs", role: "log", "aria-label": say("inbox.messages"), "aria-live": "polite", "aria-relevant": "additions" },
    h(Virtuoso, {
      ref: list,
      key: `${id}-${part}`,
      data: items,
      firstItemIndex: first,
      initialTopMostItemIndex: aim >= 0 ? { index: aim, align: "center" } : { index: "LAST", align: "end" },
      alignToBottom: true,
      // One stays where one reads; only what one sends oneself, and news at the end, move the view.
      followOutput: (atBottom) => ((atBottom && !newer) || last?.status === "sending" ? "auto" : false),
      atBottomThreshold: 80,
      atBottomStateChange: (now) => {
        setBottom(now);
        if (now && !newer) stick.current = true;
      },
      totalListHeightChanged: () => !newer && stay(),
      onWheel: (event) => event.deltaY < 0 && (stick.current = false),
      onTouchMove: () => (stick.current = false),
      onPointerDown: (event) => event.target === event.currentTarget && (stick.current = false), // the scroll bar
      onKeyDown: (event) => ["ArrowUp", "PageUp", "Home"].includes(event.key) && (stick.current = false),
      endReached: newer ? inbox.newer : undefined,
      startReached: older ? inbox.older : undefined,
      computeItemKey: (_, item) => item.key,
      itemContent: (_, item) => h("div", { className: "ix-item", "data-found": item.key === found || undefined }, h(ThreadItem, { item, marked: item.key === found ? query : "", found: item.key === found })),
      components: COMPONENTS,
      increaseViewportBy: 400,
      style: { height: "100%" },
      tabIndex: 0,
    }),
    (newer || (!bottom && items.length > 8)) && missed === 0 && h("button", { className: "ix-new icon", type: "button", onClick: down, "aria-label": say("inbox_more.to_end"), title: say("inbox_more.to_end") }, h(Sign, { of: ArrowDown })),
    missed > 0 && !bottom && h("button", { className: "ix-new", type: "button", onClick: down, "data-testid": "new-pill" }, h(Sign, { of: ArrowDown, size: "xs" }), say("inbox.new_messages", { count: missed })));
};
