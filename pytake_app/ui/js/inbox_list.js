// The left pane: tabs and saved views, search, filters, rows of three lines, what was found, and the bar for many at once.
import { createElement as h, Fragment, memo, useEffect, useRef, useState } from "react";
import { Virtuoso } from "react-virtuoso";
import { Archive, AtSign, Bell, Bot, Briefcase, Check, CheckCheck, CircleAlert, Clock, File, Film, Flag, Globe, Hash, Hourglass, Image, Inbox, List, Lock, Mail, MapPin, MessageCircle, MessageSquare, Mic, Pencil, Reply, RotateCcw, Search, SearchX, Send, SlidersHorizontal, Smartphone, Smile, Star, StickyNote, Tag, Trash2, User, Users, X } from "lucide-react";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { inbox, useInbox } from "$/public/pt_inbox.js";
import { Btn, Face, IconBtn, Letters, Menu, Pop, say, sayOf, Sign } from "$/public/pt_inbox_kit.js";
import "$/public/pt_inbox_offers.js";
import { hueOf, initials, nameOf, shortTime } from "$/public/pt_inbox_model.js";
import { richText } from "$/public/pt_inbox_messages.js";
import { channels, people, queues, useList } from "$/public/pt_inbox_refs.js";

const CHANNELS = { whatsapp: [MessageCircle, "jade"], instagram: [AtSign, "plum"], messenger: [MessageSquare, "blue"], telegram: [Send, "blue"], webchat: [Globe, "cyan"], sms: [Smartphone, "slate"], email: [Mail, "amber"], discord: [Hash, "violet"], slack: [Hash, "plum"], rcs: [MessageSquare, "cyan"], teams: [Users, "violet"], linkedin: [Briefcase, "blue"] };
/** The sign of a channel at the corner of a face. */
export const ChannelMark = ({ channel }) => {
  const [Icon, hue] = CHANNELS[channel] ?? [MessageCircle, "slate"];
  return h("span", { className: `ch c-${hue}` }, h(Sign, { of: Icon, size: "" }));
};
const channelName = (channel) => sayOf(`preview.channel_${channel}`, "preview.channel_whatsapp");
const KINDS = { image: Image, video: Film, audio: Mic, document: File, location: MapPin, contacts: User, sticker: Smile, interactive: List };
const TICKS = { sent: Check, delivered: CheckCheck, read: CheckCheck, failed: CircleAlert };

// ---- a row
/** A text without its signs for bold and the like. */
const plain = (text) => richText(text).map((part) => part.text).join("");
const Row = memo(({ item, marking, may }) => {
  const lang = getLang();
  const Kind = KINDS[item.kind];
  const words = plain(item.preview) || (item.kind ? sayOf(`inbox.kind.${item.kind}`, "inbox.kind.unsupported") : say("inbox.no_text"));
  const wait = { late: "t-red med", soon: "t-amber med" }[item.wait_state] ?? "";
  const { window } = item;
  const click = (event) => {
    if (may && event.shiftKey) inbox.markTo(item.id);
    else if (may && (event.ctrlKey || event.metaKey || marking)) inbox.mark(item.id);
    else inbox.select(item.id);
  };
  const face = h("span", { className: `av l a-${item.hue}`, "aria-hidden": true }, item.marked ? h(Sign, { of: Check, size: "" }) : h(Letters, { of: item.initials }), !item.marked && h(ChannelMark, { channel: item.channel }));
  return h("div", { className: "ix-row", "data-on": item.on, "data-marked": item.marked, "data-unread": item.unread > 0, "data-testid": "conversation", "data-id": item.id },
    may ? h("button", { type: "button", className: "ix-face", onClick: () => inbox.mark(item.id), "aria-pressed": item.marked, "aria-label": say("inbox_more.mark_row", { name: item.name }), title: say("inbox_more.mark_hint"), "data-testid": "mark" }, face)
      : h("span", { className: "ix-face" }, face),
    h("button", { type: "button", className: "ix-open", onClick: click, "aria-current": item.on ? "true" : undefined, "aria-label": [item.name, words, item.unread ? say("inbox_more.unread", { count: item.unread }) : "", item.waited ? say("inbox.waiting_for", { span: item.waited }) : ""].filter(Boolean).join(", ") },
      h("span", { className: "ln" }, h("span", { className: "nm ell" }, item.name), ["high", "urgent"].includes(item.priority) && h("span", { className: item.priority === "urgent" ? "t-red" : "t-amber", title: say(`inbox_more.priority_${item.priority}`) }, h(Sign, { of: Flag, size: "xs" })), h("span", { className: "tm" }, shortTime(lang, item.at))),
      h("span", { className: "ln" },
        item.draft ? h("span", { className: "tick t-amber" }, h(Sign, { of: Pencil, size: "xs" })) : item.note ? h("span", { className: "tick" }, h(Sign, { of: StickyNote })) : item.outgoing && h("span", { className: "tick", "data-status": item.status }, h(Sign, { of: TICKS[item.status] ?? Reply })),
        Kind && h("span", { className: "tick" }, h(Sign, { of: Kind })), h("span", { className: "ms ell" }, words), item.unread > 0 && h("span", { className: "cnt" }, item.unread > 99 ? "99+" : item.unread)),
      h("span", { className: "f" },
        item.waited && h("span", { className: wait }, h(Sign, { of: Clock, size: "xs" }), say("inbox.waiting_for", { span: item.waited })),
        item.handling === "bot" && h("span", null, h(Sign, { of: Bot, size: "xs" }), say("inbox.robot_answers")),
        item.handling === "closed" && h("span", null, h(Sign, { of: Check, size: "xs" }), say("inbox.closed")),
        item.queue.name && h("span", { className: "shrink" }, h("span", { className: `dot ${item.queue.color}` }), h("span", { className: "ell" }, item.queue.name)),
        item.snoozed ? h("span", { className: "t-amber" }, h(Sign, { of: Bell, size: "xs" }), say("inbox_more.back_at_short", { time: shortTime(lang, item.snoozed) }))
          : item.handling !== "closed" && window.bound && (window.open ? h("span", { className: window.soon ? "t-amber med" : "", title: say("inbox.window_title") }, h(Sign, { of: Hourglass, size: "xs" }), window.soon ? say("inbox.window_closes_in", { span: window.left }) : window.left) : h("span", { title: say("inbox.window_title"), className: "shrink" }, h(Sign, { of: Hourglass, size: "xs" }), h("span", { className: "ell" }, say("inbox.window_over")))),
        item.handling === "person" && item.assignee && !item.queue.name && h("span", { className: "shrink" }, h(Sign, { of: User, size: "xs" }), h("span", { className: "ell" }, item.assignee.split(" ")[0])))));
});

// ---- head: tabs, search, filters
const Views = () => {
  const { views, view } = useInbox("tabs");
  const items = [
    { title: say("inbox_more.views") },
    ...(views ?? []).map((one) => ({ key: one.id, label: one.name, icon: one.id === view ? Check : one.shared ? Users : Star, run: () => inbox.useView(one.id), test: "view" })),
    ...(views?.length ? [] : [{ key: "none", label: say("inbox_more.views_none"), disabled: true }]),
    "line",
    { label: say("inbox_more.save_filter"), icon: Star, run: () => inbox.dialog("view") },
    ...(view && views?.find((one) => one.id === view && one.mine !== false) ? [{ label: say("inbox_more.view_delete"), icon: Trash2, danger: true, run: () => inbox.dropView(view) }] : []),
  ];
  return h(Menu, { trigger: h("button", { type: "button", className: view ? "ib sm on ix-star" : "ib sm ix-star", "aria-label": say("inbox_more.views"), title: say("inbox_more.views"), "data-testid": "views" }, h(Sign, { of: Star })), items, label: say("inbox_more.views") });
};

const Tabs = () => {
  const tabs = useInbox("tabs");
  const keys = (event) => {
    const names = ["mine", "unassigned", "all"];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = names[(names.indexOf(tabs.tab) + step + names.length) % names.length];
    inbox.tab(next);
    document.querySelector(`[data-testid="tab-${next}"]`)?.focus();
  };
  const tab = (name) => h("button", { key: name, type: "button", role: "tab", "aria-selected": tabs.tab === name, tabIndex: tabs.tab === name ? 0 : -1, onClick: () => inbox.tab(name), onKeyDown: keys, "data-testid": `tab-${name}` }, say(`inbox.tab_${name}`), h("span", { className: tabs.tab === name ? "cnt" : "cnt gray" }, fmt.number(getLang(), tabs[name])));
  return h("div", { className: "ix-tabs" }, h("div", { className: "tabs", role: "tablist", "aria-label": say("inbox.tabs") }, ["mine", "unassigned", "all"].map(tab)), h(Views));
};

const Choice = ({ label, value, options, onChange, test }) =>
  h("label", { className: "ff" }, h("span", { className: "lbl" }, label), h("select", { className: "input", value, onChange: (event) => onChange(event.target.value), "data-testid": test }, options.map(([id, words]) => h("option", { key: id, value: id }, words))));

/** Any of some values; kept as one text with commas, empty for all. */
const Several = ({ label, value, options, onChange, test }) => {
  const chosen = value ? value.split(",") : [];
  const turn = (id) => onChange(options.map(([one]) => one).filter((one) => (one === id) !== chosen.includes(one)).join(","));
  return h("div", { className: "ff ix-several", role: "group", "aria-label": label, "data-testid": test }, h("span", { className: "lbl" }, label),
    h("div", { className: "row wrap g6" }, options.map(([id, words]) => h("button", { key: id, type: "button", className: chosen.includes(id) ? "bdg jade" : "bdg line", "aria-pressed": chosen.includes(id), onClick: () => turn(id), "data-testid": `${test}-${id}` }, words))));
};

const Filters = ({ filters }) => {
  const line = useList(queues) ?? [];
  const team = useList(people) ?? [];
  const used = useList(channels) ?? [];
  const [tag, setTag] = useState(filters.tag);
  const kinds = [...new Set(used.map((one) => one.channel ?? one.kind))].filter(Boolean);
  const any = say("inbox_more.any");
  const keepTag = () => {
    const wanted = tag.split(",").map((one) => one.trim()).filter(Boolean).slice(0, 20).join(",");
    if (wanted !== filters.tag) inbox.filter({ tag: wanted });
  };
  const pick = (name) => (value) => inbox.filter({ [name]: value });
  const option = (area, names) => names.map((name) => [name, name ? say(`inbox_more.${area}_${name}`) : any]);
  return h("div", { className: "ix-filters" },
    h("div", { className: "ix-fgrid" },
      h(Choice, { label: say("inbox_more.f_status"), value: filters.status, onChange: pick("status"), test: "f-status", options: [["open", say("inbox.filter_open")], ["closed", say("inbox.filter_closed")], ["", say("inbox.filter_any")]] }),
      h(Choice, { label: say("inbox_more.f_sort"), value: filters.sort, onChange: pick("sort"), test: "f-sort", options: [["", say("inbox_more.sort_newest")], ...["unread", "oldest", "waiting", "priority"].map((name) => [name, say(`inbox_more.sort_${name}`)])] }),
      h(Several, { label: say("inbox_more.f_handling"), value: filters.handling, onChange: pick("handling"), test: "f-handling", options: option("handling", ["bot", "waiting", "person"]) }),
      h(Choice, { label: say("inbox_more.f_queue"), value: filters.queue, onChange: pick("queue"), test: "f-queue", options: [["", any], ...line.map((one) => [one.id, one.name])] }),
      h(Choice, { label: say("inbox_more.f_agent"), value: filters.agent, onChange: pick("agent"), test: "f-agent", options: [["", any], ["me", say("inbox.you")], ["none", say("inbox_more.nobody")], ...team.map((one) => [one.id, one.name])] }),
      h(Several, { label: say("inbox_more.f_priority"), value: filters.priority, onChange: pick("priority"), test: "f-priority", options: option("priority", ["urgent", "high", "medium", "low"]) }),
      h(Choice, { label: say("inbox_more.f_period"), value: filters.period, onChange: pick("period"), test: "f-period", options: option("period", ["", "today", "7d", "30d"]) }),
      kinds.length > 1 && h(Choice, { label: say("inbox_more.f_channel"), value: filters.channel, onChange: pick("channel"), options: [["", any], ...kinds.map((one) => [one, channelName(one)])] }),
      used.length > 1 && h(Choice, { label: say("inbox_more.f_account"), value: filters.account, onChange: pick("account"), test: "f-account", options: [["", any], ...used.map((one) => [one.id, one.name])] }),
      h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_more.f_tag")), h("input", { className: "input", value: tag, maxLength: 60, onChange: (event) => setTag(event.target.value), onBlur: keepTag, onKeyDown: (event) => event.key === "Enter" && keepTag(), "data-testid": "f-tag" }))),
    h("div", { className: "col g8" },
      ["unread", "mentions_me", "snoozed"].map((name) => h("label", { key: name, className: "row g8 dense" }, h("input", { type: "checkbox", checked: filters[name], onChange: (event) => inbox.filter({ [name]: event.target.checked }), "data-testid": `f-${name}` }), say(`inbox_more.f_${name}`)))),
    h("div", { className: "row g8" }, h(Btn, { kind: "ghost", small: true, onClick: inbox.clear, test: "f-clear" }, say("inbox_more.clear_filters")), h("span", { className: "grow" }), h(Btn, { kind: "soft", small: true, icon: Star, onClick: () => inbox.dialog("view") }, say("inbox_more.save_filter"))));
};

const Find = () => {
  const filters = useInbox("filters");
  const [open, setOpen] = useState(false);
  const field = useRef(null);
  useEffect(() => {
    if (!filters.query && field.current && document.activeElement !== field.current) field.current.value = "";
  }, [filters.query]);
  return h("div", { className: "ix-find" },
    h("label", { className: "field" }, h(Sign, { of: Search }),
      h("input", { ref: field, type: "search", placeholder: say("inbox.search"), "aria-label": say("inbox.search"), "data-search": "true", "data-testid": "inbox-search", onChange: (event) => inbox.query(event.target.value), onKeyDown: (event) => {
        if (event.key === "Escape") {
          event.target.value = "";
          inbox.query("");
          event.target.blur();
        }
        if (event.key === "ArrowDown") document.querySelector(".ix-rows .ix-open, .ix-rows .ix-hit")?.focus();
      } })),
    h(Pop, { open, onOpenChange: setOpen, align: "end", className: "wide", label: say("inbox_more.filters"), test: "filters", trigger: h("button", { type: "button", className: "btn line", "aria-label": say("inbox_more.filters_count", { count: filters.count }), "data-testid": "filter-open" }, h(Sign, { of: SlidersHorizontal }), filters.count > 0 && h("span", { className: "tn" }, filters.count)) }, h(Filters, { filters, key: filters.view })));
};

const Chips = () => {
  const filters = useInbox("filters");
  const line = useList(filters.queue ? queues : () => Promise.resolve([]), filters.queue) ?? [];
  const team = useList(filters.agent ? people : () => Promise.resolve([]), filters.agent) ?? [];
  const accounts = useList(filters.account ? channels : () => Promise.resolve([]), filters.account) ?? [];
  if (filters.query) return null;
  const words = {
    status: () => say(filters.status === "open" ? "inbox.filter_open" : "inbox.filter_closed"),
    sort: () => say(`inbox_more.sort_${filters.sort}`),
    handling: () => filters.handling.split(",").map((name) => say(`inbox_more.handling_${name}`)).join(", "),
    priority: () => filters.priority.split(",").map((name) => say(`inbox_more.priority_${name}`)).join(", "),
    period: () => say(`inbox_more.period_${filters.period}`),
    queue: () => line.find((one) => one.id === filters.queue)?.name ?? say("inbox_more.f_queue"),
    agent: () => (filters.agent === "me" ? say("inbox.you") : filters.agent === "none" ? say("inbox_more.nobody") : (team.find((one) => one.id === filters.agent)?.name ?? say("inbox_more.f_agent"))),
    channel: () => channelName(filters.channel),
    account: () => accounts.find((one) => one.id === filters.account)?.name ?? say("inbox_more.f_account"),
    tag: () => filters.tag.replace(/,/g, ", "),
    unread: () => say("inbox_more.f_unread"),
    snoozed: () => say("inbox_more.f_snoozed"),
    mentions_me: () => say("inbox_more.f_mentions_me"),
  };
  const set = Object.keys(words).filter((name) => filters[name]);
  if (!set.length) return null;
  const empty = (name) => inbox.filter({ [name]: typeof filters[name] === "boolean" ? false : "" });
  return h("div", { className: "ix-chips" }, set.map((name) => h("button", { key: name, type: "button", className: "bdg", onClick: () => empty(name), "aria-label": say("inbox_more.drop_filter", { name: words[name]() }), "data-testid": "chip" }, h("span", { className: "ell" }, words[name]()), h(Sign, { of: X, size: "xs" }))),
    h("button", { type: "button", className: "link meta nw right", onClick: () => inbox.dialog("view"), "data-testid": "save-view" }, say("inbox_more.save_filter")));
};

// ---- what was found
/** "[[word]]" parts of a text marked. */
const Snippet = ({ text }) => String(text).split(/\[\[(.*?)\]\]/su).map((part, i) => (i % 2 ? h("mark", { key: i }, part) : h(Fragment, { key: i }, part)));
const Hits = ({ hits }) => {
  if (hits.phase === "loading") return h("div", { "aria-busy": true }, [0, 1, 2, 3].map((i) => h(Skeleton, { key: i })));
  if (hits.phase === "error" || hits.phase === "offline") return h(Empty, { icon: CircleAlert, bad: true, title: say(hits.phase === "offline" ? "inbox.offline" : "inbox_more.search_error"), detail: say("inbox.try_again_detail"), act: h(Btn, { onClick: inbox.searchAgain }, say("common.retry")) });
  if (!hits.items.length) return h(Empty, { icon: SearchX, title: say("inbox.nothing_found"), detail: say("inbox.nothing_found_detail") });
  const line = (hit, i) => {
    const talk = hit.conversation;
    return h("button", { key: `${talk.id}-${hit.message_id ?? i}`, type: "button", className: "ix-hit", "data-on": talk.id === hits.selected, onClick: () => inbox.openAt(talk.id, hit.message_id), "data-testid": "hit" },
      h("span", { className: `av l a-${hueOf(talk.contact?.id)}`, "aria-hidden": true }, h(Letters, { of: initials(talk.contact?.name) }), h(ChannelMark, { channel: talk.channel })),
      h("span", { className: "col grow" }, h("span", { className: "ln row g6" }, h("span", { className: "nm ell" }, hit.found_in === "name" ? h(Snippet, { text: hit.snippet }) : nameOf(talk.contact)), h("span", { className: "tm meta muted right nw" }, shortTime(getLang(), hit.at ?? talk.last_message?.at ?? talk.created_at))), h("span", { className: "dense muted ix-snip" }, h(Snippet, { text: hit.found_in === "name" ? (talk.last_message?.preview ?? "") : hit.snippet }))));
  };
  return h("div", { className: "ix-hits", role: "region", "aria-label": say("inbox_more.found") }, h("div", { className: "meta muted ix-foundn", role: "status" }, say("inbox_more.found_n", { count: hits.items.length })), hits.items.map(line),
    hits.cursor && h("div", { className: "ix-morehits" }, h(Btn, { small: true, busy: hits.more, disabled: hits.more, onClick: inbox.moreHits, test: "more-hits" }, say("inbox_more.found_more"))));
};

// ---- states
const Skeleton = () => h("div", { className: "ix-row sk-row" }, h("span", { className: "sk c", style: { width: "var(--d-36)", height: "var(--d-36)" } }), h("span", { className: "col g8" }, h("span", { className: "sk", style: { width: "60%" } }), h("span", { className: "sk", style: { width: "85%" } }), h("span", { className: "sk", style: { width: "40%" } })));
const Empty = ({ icon, title, detail, act, bad }) => h("div", { className: `state${bad ? " bad" : ""}`, role: bad ? "alert" : "status" }, h("div", { className: "pic" }, h(Sign, { of: icon, size: "" })), h("div", { className: "str" }, title), h("div", { className: "txt dense" }, detail), act && h("div", { className: "act" }, act));

const Bulk = () => {
  const marks = useInbox("marks");
  const filters = useInbox("filters");
  const line = useList(queues) ?? [];
  const team = useList(people) ?? [];
  if (!marks.count) return null;
  const assign = [{ label: say("inbox_more.assign_nobody"), run: () => inbox.bulk("assign", { user_id: null }) }, ...(team.length ? ["line"] : []), ...team.map((one) => ({ key: one.id, label: one.name, run: () => inbox.bulk("assign", { user_id: one.id }) })), ...(line.length ? ["line", { title: say("inbox_more.f_queue") }] : []), ...line.map((one) => ({ key: one.id, label: one.name, icon: List, run: () => inbox.bulk("transfer", { transfer: { queue_id: one.id } }) }))];
  const more = [
    { label: say("inbox_more.mark_read"), icon: CheckCheck, run: () => inbox.bulk("read"), test: "bulk-read" },
    { label: say("inbox_more.mark_unread"), icon: Mail, run: () => inbox.bulk("unread") },
    ...(filters.status === "open" ? [] : [{ label: say("inbox.reopen"), icon: RotateCcw, run: () => inbox.bulk("reopen"), test: "bulk-reopen" }, { label: say("inbox_more.archive"), icon: Archive, run: () => inbox.bulk("archive"), test: "bulk-archive" }]),
    { label: say("inbox_more.talk_tags"), icon: Tag, run: () => inbox.dialog("tags", { bulk: true }), test: "bulk-tag" },
    { label: say("inbox_more.snooze"), icon: Clock, run: () => inbox.dialog("snooze", { bulk: true }) },
    "line", { title: say("inbox_more.priority") },
    ...["urgent", "high", "medium", "low"].map((name) => ({ key: name, label: say(`inbox_more.priority_${name}`), icon: Flag, run: () => inbox.bulk("priority", { priority: name }) })),
  ];
  return h("div", { className: "ix-bulk", role: "toolbar", "aria-label": say("inbox_more.bulk"), "data-testid": "bulk" },
    h("input", { type: "checkbox", checked: marks.all, onChange: inbox.markAll, "aria-label": say("inbox_more.mark_all") }), h("span", { className: "dense med nw tn grow" }, say("inbox_more.marked", { count: marks.count })),
    h(Menu, { trigger: h("button", { type: "button", className: "ib sm", title: say("inbox_more.assign"), "aria-label": say("inbox_more.assign"), "data-testid": "bulk-assign" }, h(Sign, { of: User })), items: assign, align: "end" }),
    filters.status !== "closed" && h(IconBtn, { icon: Check, small: true, label: say("inbox.close"), onClick: () => inbox.closeMarked(), test: "bulk-close" }),
    h(Menu, { trigger: h("button", { type: "button", className: "ib sm", title: say("inbox_more.more"), "aria-label": say("inbox_more.more"), "data-testid": "bulk-more" }, h(Sign, { of: SlidersHorizontal })), items: more, align: "end" }),
    h(IconBtn, { icon: X, small: true, label: say("inbox_more.unmark"), onClick: inbox.unmark }));
};

const Rows = () => {
  const { rows, phase, query, filtered } = useInbox("list");
  const hits = useInbox("hits");
  const marks = useInbox("marks");
  const { may_write: may } = useInbox("rights");
  const list = useRef(null);
  const on = rows.findIndex((row) => row.on);
  useEffect(() => {
    if (on >= 0) list.current?.scrollIntoView({ index: on, behavior: "auto" });
  }, [rows[on]?.id]);
  if (hits) return h(Hits, { hits });
  if (phase === "loading") return h("div", { "aria-busy": true }, [0, 1, 2, 3, 4, 5, 6].map((i) => h(Skeleton, { key: i })));
  if (phase === "forbidden") return h(Empty, { icon: Lock, title: say("common.no_permission"), detail: say("common.no_permission_detail") });
  if (phase !== "ready") return h(Empty, { icon: CircleAlert, bad: true, title: say(phase === "offline" ? "inbox.offline" : "inbox.list_error"), detail: say(phase === "offline" ? "inbox.offline_detail" : "inbox.try_again_detail"), act: h(Btn, { onClick: inbox.reload }, say("common.retry")) });
  if (!rows.length && filtered) return h(Empty, { icon: SearchX, title: say("inbox_more.none_here"), detail: say("inbox_more.none_here_detail"), act: h(Btn, { onClick: inbox.clear }, say("inbox_more.clear_filters")) });
  if (!rows.length) return h(Empty, { icon: Inbox, title: say("inbox.empty"), detail: say("inbox.empty_detail"), act: h("a", { className: "btn line", href: "/sandbox" }, h(Sign, { of: Smartphone }), say("inbox.open_sandbox")) });
  return h(Virtuoso, { ref: list, key: query, data: rows, computeItemKey: (_, row) => row.id, itemContent: (_, row) => h(Row, { item: row, marking: marks.count > 0, may }), endReached: inbox.more, increaseViewportBy: 240, style: { height: "100%" }, tabIndex: -1 });
};

/** The left pane. */
export const ListPane = () => h(Fragment, null, h(Tabs), h(Find), h(Chips), h(Bulk), h("div", { className: "ix-rows", "aria-label": say("inbox.title"), role: "region" }, h(Rows)));
