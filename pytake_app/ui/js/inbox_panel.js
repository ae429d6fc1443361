// The right pane: who the contact is, tags, fields, consent, the queue's promise, what the robot did, and what was before.
import { createElement as h, Fragment, useState } from "react";
import { Ban, Bell, BellOff, Ellipsis, Merge, Pencil, Plus, ShieldCheck, ShieldX, Undo2, X } from "lucide-react";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { inbox, useInbox } from "$/public/pt_inbox.js";
import { logWords } from "$/public/pt_inbox_bubbles.js";
import { Btn, Face, IconBtn, Menu, say, Sign, useNow } from "$/public/pt_inbox_kit.js";
import { hueOf, masked, promiseOf, shortTime } from "$/public/pt_inbox_model.js";
import { inZone } from "$/public/pt_zone.js";

const Pair = ({ label, children, muted }) => h(Fragment, null, h("dt", { className: "break" }, label), h("dd", { className: muted ? "muted break" : "break" }, children));
const span = (seconds) => (seconds < 60 ? `${Math.max(0, Math.round(seconds))} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min${seconds % 60 >= 1 && seconds < 600 ? ` ${Math.round(seconds % 60)} s` : ""}` : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)}`);

const Tags = ({ panel }) => {
  const [adding, setAdding] = useState(false);
  const put = (event) => {
    const tag = event.target.value.trim();
    setAdding(false);
    if (tag && !panel.tags.includes(tag)) inbox.tag(tag);
  };
  return h("div", { className: "row wrap g6" },
    panel.tags.map((tag) => h("span", { key: tag, className: `bdg ${hueOf(tag)}`, "data-testid": "tag" }, h("span", { className: "ell" }, tag), panel.may_write && h("button", { type: "button", className: "ix-x", "aria-label": say("inbox_more.tag_drop", { tag }), onClick: () => inbox.untag(tag) }, h(Sign, { of: X, size: "xs" })))),
    panel.may_write && panel.loaded && (adding ? h("input", { className: "input ix-tagin", autoFocus: true, maxLength: 60, "aria-label": say("inbox_more.tag_new"), "data-testid": "panel-tag", onBlur: put, onKeyDown: (event) => {
      if (event.key === "Enter") event.target.blur();
      if (event.key === "Escape") {
        event.target.value = "";
        event.target.blur();
      }
    } }) : h("button", { type: "button", className: "bdg line", onClick: () => setAdding(true), "data-testid": "panel-tag-add" }, h(Sign, { of: Plus, size: "xs" }), say("inbox_more.tag"))));
};

const Edit = ({ panel, onDone }) => {
  const [name, setName] = useState(panel.name);
  const [email, setEmail] = useState(panel.email);
  const [fields, setFields] = useState([...panel.fields, { name: "", value: "" }]);
  const put = (i, key) => (event) => {
    const next = fields.map((one, at) => (at === i ? { ...one, [key]: event.target.value } : one));
    setFields(next.at(-1).name ? [...next, { name: "", value: "" }] : next);
  };
  const save = (event) => {
    event.preventDefault();
    const now = Object.fromEntries(fields.filter((one) => one.name.trim()).map((one) => [one.name.trim(), one.value]));
    const gone = Object.fromEntries(panel.fields.filter((one) => !(one.name in now)).map((one) => [one.name, null]));
    inbox.contactEdit({ name: name.trim(), email: email.trim() || null, fields: { ...gone, ...now } });
    onDone();
  };
  return h("form", { className: "col g8", onSubmit: save },
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_more.name")), h("input", { className: "input", autoFocus: true, value: name, maxLength: 200, onChange: (event) => setName(event.target.value), "data-testid": "contact-name" })),
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox.email")), h("input", { className: "input", type: "email", value: email, maxLength: 320, onChange: (event) => setEmail(event.target.value) })),
    h("span", { className: "lbl" }, say("inbox_more.fields")),
    fields.map((one, i) => h("div", { key: i, className: "row g6" }, h("input", { className: "input", value: one.name, maxLength: 60, placeholder: say("inbox_more.field_name"), "aria-label": say("inbox_more.field_name"), onChange: put(i, "name") }), h("input", { className: "input", value: one.value, maxLength: 500, placeholder: say("inbox_more.field_value"), "aria-label": say("inbox_more.field_value"), onChange: put(i, "value") }))),
    h("div", { className: "row g8 end" }, h(Btn, { kind: "ghost", small: true, onClick: onDone }, say("common.cancel")), h(Btn, { kind: "solid", small: true, type: "submit", test: "contact-save" }, say("common.save"))));
};

const Consent = ({ panel }) => {
  if (panel.blocked) return h("span", { className: "row g4 t-red" }, h(Sign, { of: Ban }), say("inbox_more.is_blocked"));
  const when = panel.consent_at ? fmt.date(getLang(), panel.consent_at) : "";
  if (panel.consent === "opted_in") return h("span", { className: "row g4 t-jade" }, h(Sign, { of: ShieldCheck }), when ? say("inbox_more.opted_in_at", { when }) : say("inbox.consent.opted_in"));
  if (panel.consent === "opted_out") return h("span", { className: "row g4 t-red" }, h(Sign, { of: ShieldX }), when ? say("inbox_more.opted_out_at", { when }) : say("inbox.consent.opted_out"));
  return h("span", { className: "muted" }, say("inbox.consent.unknown"));
};

const Queue = ({ panel }) => {
  const now = useNow(5000);
  const item = panel.item;
  if (!panel.queue.name && !item) return null;
  const waiting = panel.handling === "waiting" && panel.waiting_since;
  const waited = item ? (new Date(item.assigned_at ?? now) - new Date(item.entered_at)) / 1000 : waiting ? (now - new Date(panel.waiting_since)) / 1000 : null;
  const state = promiseOf(item, now);
  const tone = { ok: "jade", soon: "amber", late: "red" }[state];
  return h("div", { className: "sec" }, h("div", { className: "row" }, h("div", { className: "h-sec grow" }, say("inbox.queue")), tone && h("span", { className: `bdg ${tone}` }, say(`inbox_more.sla_${state}`))),
    h("dl", { className: "kv tn" }, h(Pair, { label: say("inbox.queue") }, h("span", { className: "med" }, [panel.queue.name || item?.queue?.name || say("inbox_more.no_queue"), say(`inbox_more.priority_${panel.priority}`).toLowerCase()].join(" · "))),
      waited !== null && (waiting || panel.queue.name || item?.queue) && h(Pair, { label: say(waiting ? "inbox_more.waits" : "inbox_more.waited") }, span(waited), item?.sla_seconds ? h("span", { className: "muted" }, ` ${say("inbox_more.of", { span: span(item.sla_seconds) })}`) : null),
      item?.position && waiting && h(Pair, { label: say("inbox_more.position") }, fmt.number(getLang(), item.position)),
      item?.assigned_at && panel.assignee && h(Pair, { label: panel.mine ? say("inbox_more.with_you") : say("inbox_more.with", { name: panel.assignee.split(" ")[0] }) }, span((now - new Date(item.assigned_at)) / 1000))));
};

/** The contact's pane. */
export const Panel = () => {
  const panel = useInbox("panel");
  const history = useInbox("history");
  const [editing, setEditing] = useState("");
  const [whole, setWhole] = useState(false);
  if (!panel) return null;
  const { log, previous } = history;
  const items = [
    ...(panel.may_edit ? [{ label: say("inbox_more.contact_edit"), icon: Pencil, run: () => setEditing(panel.id), test: "contact-edit" },
    { label: say(panel.consent === "opted_out" ? "inbox_more.opt_in" : "inbox_more.opt_out"), icon: panel.consent === "opted_out" ? Bell : BellOff, run: () => inbox.consent(panel.consent === "opted_out") },
    { label: say("inbox_more.merge"), icon: Merge, run: () => inbox.dialog("merge"), test: "merge" }] : []),
    { label: say("privacy.data"), icon: ShieldCheck, run: () => inbox.dialog("data"), test: "contact-data-open" },
    ...(panel.may_edit ? ["line", { label: say(panel.blocked ? "inbox_more.unblock" : "inbox_more.block"), icon: panel.blocked ? Undo2 : Ban, danger: !panel.blocked, run: () => inbox.block(!panel.blocked), test: "block" }] : []),
  ];
  const shown = whole ? log : log.slice(0, 5);
  return h(Fragment, null,
    h("div", { className: "sec row" }, h(Face, { initials: panel.initials, hue: panel.hue, size: "xl" }), h("div", { className: "grow" }, h("h3", { className: "str lead ell" }, panel.name), h("div", { className: "meta muted ell" }, say("inbox_more.client_since", { when: inZone(getLang(), panel.since, { month: "short", year: "numeric" }) }))),
      panel.may_write && h(Menu, { trigger: h("button", { type: "button", className: "ib sm", "aria-label": say("inbox_more.contact_acts"), title: say("inbox_more.contact_acts"), "data-testid": "contact-more" }, h(Sign, { of: Ellipsis, size: "" })), items, label: say("inbox_more.contact_acts") }),
      h(IconBtn, { icon: X, label: say("common.close"), small: true, className: "ix-info", onClick: inbox.panel, test: "panel-close" })),
    (panel.tags.length > 0 || panel.may_write) && h("div", { className: "sec" }, h(Tags, { panel })),
    h("div", { className: "sec" }, editing === panel.id ? h(Edit, { panel, onDone: () => setEditing("") })
      : h("dl", { className: "kv", "data-testid": "fields" },
        panel.phone && h(Pair, { label: say("inbox.phone") }, h("span", { className: "tn" }, panel.phone)), panel.email && h(Pair, { label: say("inbox.email") }, h("a", { className: "link", href: `mailto:${panel.email}` }, panel.email)),
        panel.fields.map((one) => h(Pair, { key: one.name, label: one.name.charAt(0).toUpperCase() + one.name.slice(1).replace(/_/g, " ") }, masked(one.name, one.value))),
        h(Pair, { label: say("inbox.consent") }, h(Consent, { panel })), panel.talk_tags.length > 0 && h(Pair, { label: say("inbox_more.talk_tags") }, panel.talk_tags.join(", ")))),
    h(Queue, { panel }),
    h("div", { className: "sec" }, h("div", { className: "row" }, h("div", { className: "h-sec grow" }, say("inbox.what_robot_did")), log.length > 5 && h("button", { type: "button", className: "link meta", onClick: () => setWhole(!whole), "aria-expanded": whole, "data-testid": "log-all" }, say(whole ? "inbox_more.see_less" : "inbox_more.see_all"))),
      shown.length ? h("ul", { className: "logs", "data-testid": "panel-log" }, shown.map((entry) => h("li", { key: entry.key }, h("span", { className: "med" }, logWords(entry)), h("span", { className: "muted nw" }, ` · ${shortTime(getLang(), entry.at)}`)))) : h("div", { className: "dense muted" }, say("inbox.no_log"))),
    previous?.length > 0 && h("div", { className: "sec" }, h("div", { className: "row" }, h("div", { className: "h-sec grow" }, say("inbox.previous")), h("span", { className: "meta muted tn" }, previous.length)),
      h("div", { className: "col" }, previous.map((one) => h("button", { key: one.id, type: "button", className: "row dense ix-past", onClick: () => inbox.select(one.id), "data-testid": "past" }, h("span", { className: "ell grow" }, one.last_message?.preview || say("inbox.no_text")), h("span", { className: "meta muted nw" }, shortTime(getLang(), one.last_message?.at ?? one.created_at)))))));
};
