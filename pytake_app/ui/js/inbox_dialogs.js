// The dialogs about a conversation: assign, transfer, snooze, close, tags, saved view, flow, merge, schedule, keys.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { Building2, CalendarClock, Check, Clock, List, Plus, Search, UserRound, Workflow, X } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { OutcomeFields, useOutcome } from "$/public/pt_closing.js";
import { getLang } from "$/public/pt_i18n.js";
import { inbox, useInbox } from "$/public/pt_inbox.js";
import { Btn, Face, Modal, say, Sign } from "$/public/pt_inbox_kit.js";
import { ContactData } from "$/public/pt_privacy_contact.js";
import { hueOf, hueOfColor, initials, nameOf, phoneText } from "$/public/pt_inbox_model.js";
import { CannedDialog } from "$/public/pt_inbox_canned.js";
import { CardDialog, OptionsDialog, PlaceDialog, TemplateDialog } from "$/public/pt_inbox_pickers.js";
import { departments, flows, narrowed, people, queues, useList } from "$/public/pt_inbox_refs.js";
import { dayOf, fromWall, inZone, toWall } from "$/public/pt_zone.js";
import { may as grants } from "$/public/pt_rights.js";

const close = () => inbox.closeDialog();
const Cancel = () => h(Btn, { kind: "ghost", onClick: close }, say("common.cancel"));
const STATUS = { online: "jade", busy: "red", away: "amber", break: "amber" };

/** A list to search in and walk with the arrows; Enter picks. */
const Picks = ({ items, label, onPick, picked, empty, loading }) => {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const found = narrowed(items, query, (one) => `${one.label} ${one.detail ?? ""}`);
  useEffect(() => setAt(0), [query]);
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((now) => Math.min(found.length - 1, Math.max(0, now + step)));
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      onPick(found[at]);
    }
  };
  return h("div", { className: "col g8" },
    h("label", { className: "field" }, h(Sign, { of: Search }), h("input", { autoFocus: true, value: query, placeholder: label, "aria-label": label, onChange: (event) => setQuery(event.target.value), onKeyDown: keys, "data-testid": "pick-search" })),
    h("div", { className: "ix-picks", role: "listbox", "aria-label": label }, loading ? h("span", { className: "sk l" }) : found.length === 0 ? h("div", { className: "dense muted ix-none" }, empty)
      : found.map((one, i) => h("button", { key: one.id, type: "button", role: "option", "aria-selected": picked ? one.id === picked : i === at, "data-at": i === at, className: "ix-pick", tabIndex: -1, onMouseEnter: () => setAt(i), onClick: () => onPick(one), "data-testid": "pick" },
        one.face ? h(Face, { initials: initials(one.label), hue: hueOf(one.id), size: "s", picture: one.picture }, one.status && h("span", { className: `dot ${STATUS[one.status] ?? ""}` })) : h("span", { className: "tile s" }, one.dot ? h("span", { className: `dot ${one.dot}` }) : h(Sign, { of: one.icon ?? List })),
        h("span", { className: "grow ell dense" }, one.label), one.detail && h("span", { className: "meta muted nw tn" }, one.detail), picked === one.id && h(Sign, { of: Check })))));
};

const AssignDialog = () => {
  const head = useInbox("head");
  const team = useList(people);
  const items = [...(head?.assignee_id ? [{ id: "nobody", label: say("inbox_more.assign_nobody"), icon: X }] : []), ...(team ?? []).map((one) => ({ id: one.id, label: one.id === head?.me ? say("inbox_more.assign_me") : one.name, face: true, picture: one.picture, status: one.status, detail: one.capacity ? `${one.load ?? 0}/${one.capacity}` : "" }))];
  items.sort((a, b) => Number(b.id === head?.me) - Number(a.id === head?.me));
  return h(Modal, { title: say("inbox_more.assign"), onClose: close, test: "assign" }, h(Picks, { items, loading: !team, label: say("inbox_more.find_person"), empty: say("inbox.nothing_found"), picked: head?.assignee_id, onPick: (one) => {
    close();
    inbox.assign(one.id === "nobody" ? null : one.id);
  } }));
};

const TransferDialog = () => {
  const head = useInbox("head");
  const [to, setTo] = useState("agent");
  const [picked, setPicked] = useState(null);
  const [note, setNote] = useState("");
  const lists = { agent: useList(people), queue: useList(queues), department: useList(departments), flow: useList(flows) };
  const views = {
    agent: (one) => ({ id: one.id, label: one.name, face: true, picture: one.picture, status: one.status, detail: one.capacity ? `${one.load ?? 0}/${one.capacity}` : "" }),
    queue: (one) => ({ id: one.id, label: one.name, dot: hueOfColor(one.color, one.id), detail: one.waiting !== undefined ? say("inbox_more.waiting_n", { count: one.waiting }) : "" }),
    department: (one) => ({ id: one.id, label: one.name, icon: Building2 }),
    flow: (one) => ({ id: one.id, label: one.name, icon: Workflow }),
  };
  const tab = (name, Icon) => h("button", { key: name, type: "button", role: "tab", "aria-selected": to === name, onClick: () => (setTo(name), setPicked(null)), "data-testid": `to-${name}` }, h(Sign, { of: Icon }), say(`inbox_more.to_${name}`));
  const items = (lists[to] ?? []).filter((one) => to !== "agent" || (one.id !== head?.assignee_id && one.id !== head?.me)).map(views[to]);
  return h(Modal, { title: say("inbox_more.transfer_title", { name: head?.name ?? "" }), onClose: close, test: "transfer-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "solid", disabled: !picked, busy: head?.busy === "transfer", onClick: () => inbox.transfer({ [`${to}_id`]: picked.id }, note.trim()), test: "transfer-confirm" }, say("inbox_more.transfer"))) },
    h("div", { className: "seg ix-seg4", role: "tablist", "aria-label": say("inbox_more.transfer") }, tab("agent", UserRound), tab("queue", List), tab("department", Building2), tab("flow", Workflow)),
    h(Picks, { key: to, items, loading: lists[to] === null, picked: picked?.id, label: say(`inbox_more.find_${to}`), empty: say("inbox.nothing_found"), onPick: setPicked }),
    to !== "flow" && h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_more.transfer_note")), h("textarea", { className: "input", rows: 2, maxLength: 2000, value: note, placeholder: say("inbox_more.transfer_note_hint"), onChange: (event) => setNote(event.target.value), "data-testid": "transfer-note" })));
};

// ---- times
/** So many days from today, at a full hour, where the person is. */
const at = (days, hour) => {
  const day = new Date(Date.parse(dayOf(Date.now())) + days * 86400000).toISOString().slice(0, 10);
  return fromWall(`${day}T${String(hour).padStart(2, "0")}:00`);
};
const presets = () => {
  const now = new Date();
  const wall = new Date(`${toWall(now)}Z`);
  const monday = ((8 - wall.getUTCDay()) % 7) || 7;
  return [["in_1h", new Date(now.getTime() + 3600000)], ["in_3h", new Date(now.getTime() + 3 * 3600000)], ...(wall.getUTCHours() < 17 ? [["tonight", at(0, 18)]] : []), ["tomorrow", at(1, 9)], ...(monday > 1 ? [["monday", at(monday, 9)]] : []), ["in_week", at(7, 9)]];
};
const When = ({ onPick, confirm, names }) => {
  const [own, setOwn] = useState(toWall(at(1, 9)));
  const chosen = fromWall(own);
  const late = !chosen || chosen <= new Date();
  return h("div", { className: "col g8" },
    h("div", { className: "ix-picks" }, presets().map(([name, date]) => h("button", { key: name, type: "button", className: "ix-pick", onClick: () => onPick(date.toISOString()), "data-testid": `when-${name}` }, h("span", { className: "tile s" }, h(Sign, { of: Clock })), h("span", { className: "grow dense" }, say(`inbox_more.when_${name}`)), h("span", { className: "meta muted tn nw" }, inZone(getLang(), date, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }))))),
    h("div", { className: "row g8 ix-own" }, h("label", { className: "ff grow" }, h("span", { className: "lbl" }, say("inbox_more.when_own")), h("input", { className: "input", type: "datetime-local", value: own, min: toWall(new Date()), onChange: (event) => setOwn(event.target.value), "data-testid": "when-own" })), h(Btn, { kind: "solid", disabled: late, onClick: () => onPick(chosen.toISOString()), test: "when-confirm" }, confirm)),
    // The browser writes its fields in its own language and order: here it stands in the page's.
    chosen && h("div", { className: "meta muted", "data-testid": "when-words" }, inZone(getLang(), chosen, { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" })), names);
};
const SnoozeDialog = ({ bulk }) => {
  const head = useInbox("head");
  return h(Modal, { title: say("inbox_more.snooze_title"), detail: say("inbox_more.snooze_detail"), onClose: close, test: "snooze-dialog", foot: h(Fragment, null, head?.snoozed && !bulk && h(Btn, { kind: "ghost", onClick: () => inbox.snooze(null) }, say("inbox_more.wake")), h(Cancel)) }, h(When, { confirm: say("inbox_more.snooze"), onPick: (until) => (bulk ? inbox.bulk("snooze", { until }) : inbox.snooze(until)) }));
};
/** `of`: the scheduled message that is to go out at another time; without it, what stands in the composer. */
const ScheduleDialog = ({ of }) => {
  const composer = useInbox("composer");
  return h(Modal, { title: say("inbox_more.schedule_title"), detail: composer?.bound ? say("inbox_more.schedule_detail") : undefined, onClose: close, test: "schedule-dialog", foot: h(Cancel) }, h(When, { confirm: say("inbox_more.schedule"), onPick: (when) => {
    close();
    if (of) inbox.reschedule(of, when);
    else inbox.send(when);
  } }));
};

const CloseDialog = ({ bulk, again }) => {
  const head = useInbox("head");
  const chosen = useOutcome(again);
  const done = () => (bulk ? inbox.bulk("close", chosen.outcome ? { outcome: chosen.outcome } : {}) : inbox.close(chosen.outcome));
  const title = bulk ? say("inbox_more.close_marked") : say("inbox_more.close_title", { name: head?.name ?? "" });
  return h(Modal, { title, detail: say("inbox_more.close_detail"), onClose: close, test: "close-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "solid", disabled: !chosen.ready, busy: head?.busy === "close", onClick: done, test: "close-confirm" }, say("inbox.close"))) },
    h(OutcomeFields, { of: chosen, onEnter: done }));
};

const TagsDialog = ({ bulk }) => {
  const panel = useInbox("panel");
  const [text, setText] = useState("");
  const now = bulk ? [] : (panel?.talk_tags ?? []);
  const add = () => {
    const tag = text.trim();
    if (!tag) return;
    setText("");
    if (bulk) inbox.bulk("tag", { tags: [tag] });
    else inbox.tagTalk(tag);
  };
  return h(Modal, { title: say("inbox_more.talk_tags"), onClose: close, test: "tags-dialog", foot: h(Btn, { kind: "ghost", onClick: close }, say("common.close")) },
    now.length > 0 && h("div", { className: "row wrap g6" }, now.map((tag) => h("span", { key: tag, className: "bdg violet" }, tag, h("button", { type: "button", "aria-label": say("inbox_more.tag_drop", { tag }), onClick: () => inbox.tagTalk(tag, false) }, h(Sign, { of: X, size: "xs" }))))),
    h("div", { className: "row g8" }, h("input", { className: "input", autoFocus: true, value: text, maxLength: 60, placeholder: say("inbox_more.tag_new"), "aria-label": say("inbox_more.tag_new"), onChange: (event) => setText(event.target.value), onKeyDown: (event) => event.key === "Enter" && add(), "data-testid": "tag-text" }), h(Btn, { kind: "soft", icon: Plus, disabled: !text.trim(), onClick: add, test: "tag-add" }, say("inbox_more.add"))));
};

const ViewDialog = () => {
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const save = () => name.trim() && inbox.saveView(name.trim(), shared);
  return h(Modal, { title: say("inbox_more.view_title"), detail: say("inbox_more.view_detail"), onClose: close, test: "view-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "solid", disabled: !name.trim(), onClick: save, test: "view-save" }, say("common.save"))) },
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_more.view_name")), h("input", { className: "input", autoFocus: true, value: name, maxLength: 60, onChange: (event) => setName(event.target.value), onKeyDown: (event) => event.key === "Enter" && save(), "data-testid": "view-name" })),
    grants(inbox.me(), "settings:manage") && h("label", { className: "row g8 dense" }, h("input", { type: "checkbox", checked: shared, onChange: (event) => setShared(event.target.checked), "data-testid": "view-shared" }), say("inbox_more.view_shared")));
};

const FlowDialog = () => {
  const all = useList(flows);
  return h(Modal, { title: say("inbox_more.flow_title"), detail: say("inbox_more.flow_detail"), onClose: close, test: "flow-dialog" }, h(Picks, { items: (all ?? []).map((one) => ({ id: one.id, label: one.name, icon: Workflow })), loading: !all, label: say("inbox_more.find_flow"), empty: say("inbox_more.no_flows"), onPick: (one) => {
    close();
    inbox.giveBack(one.id);
  } }));
};

const MergeDialog = () => {
  const panel = useInbox("panel");
  const [query, setQuery] = useState("");
  const [found, setFound] = useState([]);
  const [other, setOther] = useState(null);
  useEffect(() => {
    if (query.trim().length < 2) {
      setFound([]);
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => api.get(`/api/v1/contacts/search?q=${encodeURIComponent(query.trim())}&limit=10`, { signal: stop.signal }).then((page) => setFound(page.items.filter((one) => one.id !== panel?.contact_id)), (error) => error.name !== "AbortError" && setFound([])), 200);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [query]);
  return h(Modal, { title: say("inbox_more.merge_title"), detail: say("inbox_more.merge_detail", { name: panel?.name ?? "" }), onClose: close, test: "merge-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "danger", disabled: !other, onClick: () => inbox.merge(other.id), test: "merge-confirm" }, say("inbox_more.merge"))) },
    h("label", { className: "field" }, h(Sign, { of: Search }), h("input", { autoFocus: true, value: query, placeholder: say("inbox_more.merge_find"), "aria-label": say("inbox_more.merge_find"), onChange: (event) => (setQuery(event.target.value), setOther(null)), "data-testid": "merge-search" })),
    h("div", { className: "ix-picks" }, found.map((one) => h("button", { key: one.id, type: "button", className: "ix-pick", "aria-pressed": other?.id === one.id, onClick: () => setOther(one), "data-testid": "pick" }, h(Face, { initials: initials(one.name), hue: hueOf(one.id), size: "s" }), h("span", { className: "grow ell dense" }, nameOf(one)), h("span", { className: "meta muted tn" }, phoneText(one.phone)), other?.id === one.id && h(Sign, { of: Check })))),
    other && h("div", { className: "notice amber" }, h(Sign, { of: CalendarClock }), h("div", { className: "grow" }, say("inbox_more.merge_warn", { other: nameOf(other), name: panel?.name ?? "" }))));
};

const DataDialog = () => {
  const panel = useInbox("panel");
  return panel && h(ContactData, { contactId: panel.contact_id, name: panel.name, me: inbox.me(), onClose: close, onErased: () => inbox.reloadThread() });
};

const KEYS = [["keys_step", ["J", "K"]], ["keys_reply", ["R"]], ["keys_note", ["N"]], ["keys_assign", ["A"]], ["keys_transfer", ["T"]], ["keys_snooze", ["S"]], ["keys_close", ["E"]], ["keys_panel", ["P"]], ["keys_mark", ["X"]], ["keys_search", ["/"]], ["keys_canned", ["/"]], ["keys_mention", ["@"]], ["keys_bold", ["Ctrl", "B"]], ["keys_send", ["Ctrl", "Enter"]], ["keys_sheet", ["?"]]];
const KeysDialog = () => h(Modal, { title: say("inbox_more.keys"), onClose: close, test: "keys-dialog", foot: h(Btn, { kind: "ghost", onClick: close }, say("common.close")) }, h("div", { className: "ix-keys" }, KEYS.map(([name, keys]) => h("div", { key: name, className: "row dense" }, h("span", { className: "grow" }, say(`inbox_more.${name}`)), keys.map((key) => h("span", { key, className: "kbd" }, key))))));

const ALL = { assign: AssignDialog, transfer: TransferDialog, snooze: SnoozeDialog, schedule: ScheduleDialog, close: CloseDialog, tags: TagsDialog, view: ViewDialog, flow: FlowDialog, merge: MergeDialog, data: DataDialog, keys: KeysDialog, template: TemplateDialog, options: OptionsDialog, place: PlaceDialog, card: CardDialog, canned: CannedDialog };
/** The dialog that is open, if any. */
export const Dialogs = () => {
  const dialog = useInbox("dialog");
  const Shown = dialog && ALL[dialog.kind];
  return Shown ? h(Shown, dialog) : null;
};
