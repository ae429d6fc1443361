// The small forms around the preview phone: an answer from outside, a form's answers, values, clock, contact, saving.
import { createElement as h, useEffect, useState } from "react";
import { useLang } from "$/public/pt_i18n.js";
import { S, say, useStore, useStoreRef } from "$/public/pt_editor.js";
import { zoneNow } from "$/public/pt_editor_clock.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { nodeName, sliceOf } from "$/public/pt_editor_model.js";
import { CHANNELS, channelName, valueText } from "$/public/pt_editor_preview_view.js";
import { preview, state } from "$/public/pt_editor_preview.js";
import { tests } from "$/public/pt_editor_tests.js";
import { may as grants } from "$/public/pt_rights.js";
import { fromWall, toWall } from "$/public/pt_zone.js";

const field = (label, control, hint = "") => h("label", { className: "ff", key: label }, h("span", { className: "lbl" }, label), control, hint && h("span", { className: "meta muted" }, hint));
const button = (kind, label, onClick, rest = {}) => h("button", { type: "button", className: `btn ${kind} sm`, onClick, ...rest }, label);
const input = (value, set, rest = {}) => h("input", { className: "input", value, onChange: (event) => set(event.target.value), ...rest });

/** `name: value` lines as an object; numbers, yes/no and JSON keep their kind. */
export const readLines = (text) =>
  Object.fromEntries(
    text.split("\n").flatMap((row) => {
      const at = row.indexOf(":");
      const name = row.slice(0, at).trim();
      return at > 0 && name ? [[name, readValue(row.slice(at + 1).trim())]] : [];
    }),
  );
export const readValue = (text) => {
  if (/^(true|false|null|-?\d{1,15}(\.\d{1,10})?|[[{].*)$/s.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      return text; // looks like JSON and is none: a text
    }
  }
  return text;
};
const writeLines = (values) => Object.entries(values ?? {}).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join("\n");

/** An answer that has what the block reads of it, empty: `$.order.status` makes `{"order": {"status": ""}}`. */
const sampleOf = (node) => {
  const answer = {};
  for (const { path } of node?.config.mapping ?? []) {
    const names = /^\$((\.[A-Za-z_]\w*)+)$/.exec(path ?? "")?.[1].slice(1).split(".");
    if (!names) continue;
    let place = answer;
    for (const name of names.slice(0, -1)) place = place[name] = typeof place[name] === "object" ? place[name] : {};
    place[names.at(-1)] ??= "";
  }
  return JSON.stringify(answer, null, 2);
};

/** What the outside answers to the call that waits. */
export const PreviewPending = () => {
  useLang();
  const pending = useStoreRef((s) => s.preview?.result?.pending);
  const busy = useStore((s) => Boolean(s.preview?.busy));
  const [status, setStatus] = useState("200");
  const [body, setBody] = useState("");
  const [remember, setRemember] = useState(false);
  useEffect(() => {
    setStatus("200");
    setBody(pending?.kind === "http" ? sampleOf(pending && nodeOf(S.doc, pending.node_id)) : "");
  }, [pending?.node_id]);
  if (!pending) return null;
  const http = pending.kind === "http";
  const node = nodeOf(S.doc, pending.node_id);
  const admin = grants(S.me, "flows:edit");
  const about = http ? `${pending.request.method} ${pending.request.url}` : (pending.request.messages?.at(-1)?.text ?? "");
  const give = () => preview.answer(http ? { status: Math.min(599, Math.max(100, Number(status) || 200)), body } : { text: body }, remember);
  return h("div", { className: "pvask", role: "group", "aria-label": say("preview.ask_title"), "data-testid": "preview-pending" },
    h("div", { className: "med dense" }, say(http ? "preview.ask_http" : "preview.ask_ai", { name: node ? nodeName(node) : "" })),
    h("div", { className: "mono micro muted clamp2", title: about }, about),
    h("div", { className: "row g6" },
      http && input(status, setStatus, { className: "input status", inputMode: "numeric", maxLength: 3, "aria-label": say("preview.status") }),
      h("textarea", { className: "input mono", rows: http ? Math.min(8, Math.max(3, body.split("\n").length)) : 2, value: body, maxLength: http ? 100000 : 10000, "aria-label": say("preview.answer_body"), placeholder: http ? '{"status": "ok"}' : say("preview.answer_text"), onChange: (event) => setBody(event.target.value), "data-testid": "preview-answer" })),
    h("label", { className: "row g6 meta" }, h("input", { type: "checkbox", checked: remember, onChange: (event) => setRemember(event.target.checked), "data-testid": "preview-remember" }), say("preview.remember")),
    h("div", { className: "row g6 wrap" },
      button("solid", say("preview.answer"), give, { disabled: busy, "data-testid": "preview-give-answer" }),
      button("line", say("preview.fail"), () => preview.answer({ error: "timeout" }, remember), { disabled: busy, "data-testid": "preview-fail" }),
      admin && button("line", say(http ? "preview.call_http" : "preview.call_ai"), () => preview.call(remember), { disabled: busy, "data-testid": "preview-call" })));
};

/** The answers of a form: the names that the flow reads are there already. */
const namesRead = (nodeId) => {
  const variable = nodeOf(S.doc, nodeId)?.config.variable || "form";
  const text = JSON.stringify(S.doc.nodes.map((node) => node.config));
  return [...new Set([...text.matchAll(new RegExp(`\\b${variable.replace(/\W/g, "")}\\.(\\w+)`, "g"))].map((found) => found[1]))];
};
export const PreviewForm = () => {
  useLang();
  const sheet = useStoreRef((s) => s.preview?.sheet);
  const [text, setText] = useState("");
  useEffect(() => {
    if (sheet?.form) setText(namesRead(sheet.node).map((name) => `${name}: `).join("\n"));
  }, [sheet?.key]);
  if (!sheet?.form) return null;
  return h("div", { className: "col g8 pad" },
    field(say("preview.form_answers"), h("textarea", { className: "input", rows: 5, value: text, maxLength: 10000, onChange: (event) => setText(event.target.value), "data-testid": "preview-form-text" }), say("preview.lines_hint")),
    button("solid", say("preview.form_submit"), () => preview.form(readLines(text)), { "data-testid": "preview-form-submit" }));
};

const Value = ({ scope, name, value }) => {
  const [text, setText] = useState(null);
  const keep = () => {
    if (text !== null && text !== valueText(value)) preview.write(scope, name, typeof value === "string" ? text : readValue(text));
    setText(null);
  };
  return h("div", { className: "row g6 meta pvval" },
    h("span", { className: "var ell", title: name }, name),
    text === null
      ? h("button", { type: "button", className: "ell grow val", title: `${valueText(value)} · ${say("preview.edit_value")}`, onClick: () => setText(value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value)), "data-testid": "preview-value" }, valueText(value))
      : h("input", { className: "input", value: text, autoFocus: true, "aria-label": name, onChange: (event) => setText(event.target.value), onBlur: keep, "data-testid": "preview-value-input",
          onKeyDown: (event) => {
            if (event.key === "Enter") event.target.blur();
            if (event.key === "Escape") {
              event.stopPropagation();
              setText(null);
            }
          } }));
};

/** Values of the session and the contact; press one to change it. */
export const PreviewValues = () => {
  useLang();
  const session = useStoreRef((s) => s.preview?.result?.session?.variables);
  const contact = useStoreRef((s) => s.preview?.result?.contact);
  const [name, setName] = useState("");
  if (!contact) return null;
  const { fields, id: _id, tags, ...rest } = contact;
  const own = Object.entries({ ...rest, ...fields }).filter(([key, value]) => (value !== "" && value !== null && value !== 0) || ["name", "email"].includes(key));
  const add = (event) => {
    event.preventDefault();
    const clean = name.trim().replace(/\W+/g, "_");
    if (clean) preview.write("session", clean, "");
    setName("");
  };
  return h("div", { className: "col g6" },
    Object.keys(session ?? {}).length === 0 && h("span", { className: "meta muted" }, say("editor.no_values")),
    Object.entries(session ?? {}).map(([key, value]) => h(Value, { key, scope: "session", name: key, value })),
    h("form", { className: "row g6", onSubmit: add }, input(name, setName, { placeholder: say("preview.new_variable"), "aria-label": say("preview.new_variable"), maxLength: 60, className: "input sm" }), h("button", { type: "submit", className: "btn line sm", disabled: !name.trim() }, say("preview.add"))),
    h("div", { className: "h-sec" }, say("preview.of_contact")),
    own.map(([key, value]) => h(Value, { key: `c-${key}`, scope: "contact", name: key, value })),
    h(Value, { key: "c-tags", scope: "contact", name: "tags", value: tags ?? [] }));
};

/** Let time pass, or set it. */
const Clock = () => {
  const now = state().result?.now;
  const zone = useStore(() => zoneNow());
  const local = now ? toWall(new Date(now), zone) : "";
  const [to, setTo] = useState(local);
  useEffect(() => setTo(local), [local]);
  const valid = to && fromWall(to, zone);
  const started = state().script.inputs.length > 0;
  const go = () => (started ? preview.until(fromWall(to, zone).toISOString()) : preview.clock(fromWall(to, zone).toISOString()));
  return h("div", { className: "col g8" },
    h("div", { className: "row g6 wrap" }, [[60, "preview.in_1h"], [1440, "preview.in_24h"], [4320, "preview.in_3d"], [10080, "preview.in_7d"]].map(([minutes, key]) => button("line", say(key), () => preview.later(minutes), { key, "data-testid": `preview-later-${minutes}` }))),
    h("div", { className: "row g6" }, h("input", { type: "datetime-local", className: "input grow", value: to, "aria-label": say("preview.exact_time"), onChange: (event) => setTo(event.target.value) }), button("line", say(started ? "preview.go_to" : "preview.begin_at"), go, { disabled: !valid, "data-testid": "preview-go-to" })));
};

const Channel = () => {
  const attached = useStoreRef((s) => s.attached) ?? ["whatsapp"];
  const now = state().script.channel;
  const row = (kind) => h("button", { type: "button", key: kind, role: "radio", "aria-checked": now === kind, className: "pvch", onClick: () => preview.channel(kind), "data-testid": `preview-channel-${kind}` }, h("span", { className: "grow" }, channelName(kind)), attached.includes(kind) && h("span", { className: "bdg jade" }, say("preview.attached")));
  return h("div", { className: "pvchs", role: "radiogroup", "aria-label": say("preview.channel") }, [...CHANNELS.filter((kind) => attached.includes(kind)), ...CHANNELS.filter((kind) => !attached.includes(kind))].map(row));
};

const Contact = () => {
  const { contact } = state().script;
  const [form, setForm] = useState({ name: "Maria", phone: "5511987654321", email: "", language: "", ...contact, tags: (contact.tags ?? []).join(", "), fields: writeLines(contact.fields) });
  const set = (name) => (value) => setForm({ ...form, [name]: value });
  const use = () => {
    const { tags, fields, ...rest } = form;
    preview.contact({ ...rest, lead_score: Number(rest.lead_score) || 0, tags: tags.split(",").map((tag) => tag.trim()).filter(Boolean), fields: readLines(fields) });
    preview.pane("");
  };
  const languages = [["", say("preview.language_none")], ["pt_BR", "Português"], ["en", "English"], ["es", "Español"]];
  return h("form", { className: "col g8", onSubmit: (event) => { event.preventDefault(); use(); } },
    h("div", { className: "two" },
      field(say("preview.contact_name"), input(form.name, set("name"), { maxLength: 200, "data-testid": "preview-contact-name" })),
      field(say("preview.contact_phone"), input(form.phone, set("phone"), { maxLength: 30, inputMode: "tel" })),
      field(say("preview.contact_email"), input(form.email, set("email"), { maxLength: 200 })),
      field(say("preview.contact_language"), h("select", { className: "input", value: form.language, onChange: (event) => set("language")(event.target.value) }, languages.map(([value, label]) => h("option", { key: value, value }, label)))),
      field(say("preview.contact_tags"), input(form.tags, set("tags"), { maxLength: 500, placeholder: "vip, atacado" })),
      field(say("preview.contact_score"), input(String(form.lead_score ?? ""), set("lead_score"), { inputMode: "numeric", maxLength: 7 }))),
    field(say("preview.contact_fields"), h("textarea", { className: "input", rows: 2, value: form.fields, onChange: (event) => set("fields")(event.target.value) }), say("preview.lines_hint")),
    h("button", { type: "submit", className: "btn solid sm", "data-testid": "preview-contact-use" }, say("preview.contact_use")));
};

const Mocks = () => {
  const responses = useStoreRef((s) => s.preview?.script.responses) ?? {};
  return h("div", { className: "col g6" },
    h("div", { className: "meta muted" }, say("preview.mocks_about")),
    Object.entries(responses).map(([id, response]) => {
      const node = nodeOf(S.doc, id);
      return h("div", { key: id, className: "row g6 dense" }, h("span", { className: "ell grow" }, node ? nodeName(node) : id), h("span", { className: "mono micro muted ell" }, response.error ? say("preview.fails") : response.text || `${response.status ?? 200}`), button("ghost", say("preview.forget"), () => preview.forget(id)));
    }));
};

const Save = () => {
  const [name, setName] = useState("");
  const busy = useStore((s) => Boolean(s.tests?.busy));
  const problem = useStore((s) => s.tests?.problem ?? "");
  const save = async (event) => {
    event.preventDefault();
    if (await tests.save(name, state().script)) preview.pane("");
  };
  return h("form", { className: "col g8", onSubmit: save },
    field(say("preview.test_name"), input(name, setName, { maxLength: 120, autoFocus: true, placeholder: say("preview.test_example"), "data-testid": "preview-test-name" }), say("preview.test_about")),
    problem && h("div", { className: "notice red", role: "alert" }, problem),
    h("button", { type: "submit", className: "btn solid sm", disabled: busy || !name.trim(), "data-testid": "preview-test-save" }, say("preview.test_save")));
};

const PANES = { clock: Clock, channel: Channel, contact: Contact, mocks: Mocks, save: Save };

/** What is open under the bar. */
export const PreviewPane = () => {
  useLang();
  const pane = useStore((s) => s.preview?.pane ?? "");
  const View = PANES[pane];
  return View ? h("div", { className: "pvpane", role: "group", "data-testid": `preview-pane-${pane}` }, h(View)) : null;
};

/** Runs the test cases when the publish dialog opens, and shows them. */
export const PublishTests = ({ view: View }) => {
  useLang();
  const open = useStore((s) => Boolean(s.publish));
  const refused = useStore((s) => s.publish?.error ?? "");
  const item = useStore(() => sliceOf("tests"));
  useEffect(() => {
    if (!open) return;
    tests.override(false);
    tests.refresh();
  }, [open]);
  useEffect(() => {
    if (open && refused) tests.run();
  }, [refused]);
  return open && item.items.length ? h(View, { item }) : null;
};
