// Pickers of things of the organization: queues, people, departments, tags, fields, flows, numbers, variables, secrets.
import { createElement as h, useEffect, useState } from "react";
import { ExternalLink, X } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { say, sayOr, S, tell } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { form } from "$/public/pt_editor_form.js";
import { writtenVariables } from "$/public/pt_editor_inspect.js";
import { Combo, described, matching, Options, useAway } from "$/public/pt_editor_inputs.js";
import { refs, useRefs } from "$/public/pt_editor_refs.js";
import { nodeName } from "$/public/pt_editor_model.js";
import { useId, useMemo, useRef } from "react";

const put = (item) => (value) => form.set(item.node, item.path, value);
const FIELDS = ["name", "email", "language", "lifecycle_stage", "lead_score", "opted_in"];

/** A queue by its id; where none are known its name is written. */
export const QueuePicker = ({ item }) => {
  const { queues } = useRefs();
  const node = nodeOf(S.doc, item.node);
  const byName = item.path === "queue_id";
  const value = item.text || (byName ? (node?.config.queue_name ?? "") : "");
  const known = queues.find((queue) => queue.id === value || queue.name === value);
  const pick = (key) => {
    const queue = queues.find((one) => one.id === key);
    if (!byName) form.set(item.node, item.path, key);
    else form.patch(item.node, queue ? { queue_id: queue.id, queue_name: queue.name } : { queue_id: "", queue_name: key });
  };
  return h(Combo, { item, free: true, value: known?.id ?? value, onPick: pick, choices: queues.map((queue) => ({ key: queue.id, label: queue.name, mono: false })), placeholder: say(queues.length ? "inspector.choose_queue" : "inspector.write_queue"), empty: say("inspector.no_queues") });
};

/** A person by e-mail; an expression may stand for one. */
export const AgentPicker = ({ item }) => {
  const { agents } = useRefs();
  const known = agents.find((agent) => agent.id === item.text || agent.email === item.text);
  return h(Combo, { item, free: true, value: known ? (known.email ?? known.id) : item.text, onPick: put(item), choices: agents.map((agent) => ({ key: agent.email ?? agent.id, label: agent.name || agent.email, about: agent.name ? (agent.email ?? "") : "", mono: false })), placeholder: say("inspector.choose_agent") });
};

const DepartmentPicker = ({ item }) => {
  const { departments } = useRefs();
  const known = departments.find((one) => one.id === item.text || one.name === item.text);
  return h(Combo, { item, free: true, value: known?.name ?? item.text, onPick: put(item), choices: departments.map((one) => ({ key: one.name, label: one.name, mono: false })), placeholder: say("inspector.choose_department") });
};

/** Whom a notification goes to: a person or a department, as the block says. */
export const AudiencePicker = ({ item }) => (nodeOf(S.doc, item.node)?.config.audience === "department" ? h(DepartmentPicker, { item }) : h(AgentPicker, { item }));

/** A tag; a new name makes a new one. */
export const TagPicker = ({ item }) => {
  const { tags } = useRefs();
  return h(Combo, { item, free: true, value: item.text, onPick: put(item), create: async (name) => name, createLabel: (name) => say("inspector.create_tag", { name }), choices: tags.map((tag) => ({ key: tag, label: tag, mono: false })), placeholder: say("inspector.choose_tag") });
};

/** Several tags as chips. */
export const TagsPicker = ({ item }) => {
  const { tags } = useRefs();
  const [typed, setTyped] = useState(null);
  const [on, setOn] = useState(0);
  const box = useRef(null);
  const id = useId();
  const left = useMemo(() => tags.filter((tag) => !item.words.includes(tag)).map((tag) => ({ key: tag, label: tag, mono: false })), [tags, item.words]);
  const shown = typed === null ? [] : matching(left, typed);
  const add = (tag) => {
    const clean = tag.trim();
    if (clean) form.words(item.node, item.path, [...item.words, clean]);
    setTyped("");
    setOn(0);
  };
  useAway(box, typed !== null, () => {
    if (typed?.trim()) add(typed);
    setTyped(null);
  });
  const fresh = typed?.trim() && !tags.includes(typed.trim()) && !item.words.includes(typed.trim());
  const onKeyDown = (event) => {
    if (event.key === "Backspace" && !typed && item.words.length) form.words(item.node, item.path, item.words.slice(0, -1));
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setTyped(typed ?? "");
      setOn((n) => Math.min(Math.max(0, n + (event.key === "ArrowDown" ? 1 : -1)), Math.max(0, shown.length - 1)));
    } else if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      if (typed?.trim() || shown[on]) add(shown[on] && !(fresh && on === 0 && shown.length === 0) && (on > 0 || !typed?.trim() || shown[on].key.toLowerCase() === typed.trim().toLowerCase()) ? shown[on].key : typed);
    } else if (event.key === "Escape" && typed !== null) {
      event.stopPropagation();
      setTyped(null);
    }
  };
  return h("div", { className: "combo", ref: box },
    h("div", { className: "words input", "data-bad": Boolean(item.issue && !item.mild), onClick: (event) => event.currentTarget.querySelector("input")?.focus() },
      item.words.map((word, i) => h("span", { key: `${i}-${word}`, className: "bdg jade" }, word,
        !item.disabled && h("button", { type: "button", "aria-label": say("editor.remove_word", { word }), onClick: () => form.words(item.node, item.path, item.words.filter((_, n) => n !== i)) }, h(X, { className: "i-xs", "aria-hidden": true })))),
      h("input", { ...described(item), role: "combobox", "aria-expanded": typed !== null, "aria-controls": id, value: typed ?? "", placeholder: item.words.length ? "" : say("inspector.choose_tags"), autoComplete: "off", onFocus: () => setTyped(typed ?? ""), onChange: (event) => setTyped(event.target.value), onKeyDown, onBlur: () => { if (typed?.trim()) add(typed); setTyped(null); } })),
    typed !== null && (shown.length > 0 || fresh) && h(Options, { id, shown, on, setOn, onPick: (choice) => add(choice.key), label: item.label, empty: "" },
      fresh ? h("button", { type: "button", className: "mk", tabIndex: -1, onMouseDown: (event) => event.preventDefault(), onClick: () => add(typed) }, say("inspector.create_tag", { name: typed.trim() })) : null));
};

/** A field of the contact: the standing ones and the organization's own. */
export const ContactFieldPicker = ({ item }) => {
  const { fields } = useRefs();
  const standing = FIELDS.map((name) => ({ key: name, label: sayOr(`inspector.field_${name}`, name), about: name, group: "standing", mono: false }));
  const own = fields.filter((field) => !FIELDS.includes(field.key)).map((field) => ({ key: field.key, label: field.label || field.key, about: field.type ?? field.key, group: "contact", mono: false }));
  return h(Combo, { item, free: true, value: item.text, onPick: (value) => put(item)(value.trim()), choices: [...standing, ...own], placeholder: say("inspector.choose_field") });
};

/** The name of a variable that the block writes; known ones are offered. */
export const VariableName = ({ item }) => {
  const known = writtenVariables();
  const clean = (value) => value.trim().replace(/^\{\{\s*(session\.)?|\s*\}\}$/g, "").replace(/\s+/g, "_").slice(0, 64);
  const choices = known.filter(({ node }) => node.id !== item.node).map(({ name, node }) => ({ key: name, label: name, about: nodeName(node) }));
  return h(Combo, { item, free: true, own: true, value: item.text, onPick: (value) => put(item)(clean(value)), choices, placeholder: item.placeholder || say("inspector.variable_name"), empty: say("inspector.new_variable") });
};

/** A number of the organization; empty: any. */
export const ChannelPicker = ({ item }) => {
  const { channels } = useRefs();
  const choices = channels.filter((channel) => channel.id).map((channel) => ({ key: channel.id, label: channel.name || channel.channel, about: channel.phone ?? channel.channel, mono: false }));
  return h(Combo, { item, value: item.text, onPick: put(item), choices, placeholder: say("inspector.any_number"), free: choices.length === 0 });
};

/** A flow of the organization; its slug is kept, so that a renamed flow is still found. */
export const FlowPicker = ({ item }) => {
  const { flows } = useRefs();
  const others = flows.filter((flow) => flow.id !== S.flow?.id);
  const known = others.find((flow) => flow.slug === item.text || flow.id === item.text);
  const choices = others.map((flow) => ({ key: flow.slug, label: flow.name, mono: false, about: "", badge: flow.live ? { text: say("editor.live_short"), tone: "jade" } : { text: say("inspector.not_live"), tone: "amber" } }));
  const create = async (name) => {
    try {
      const made = await api.post("/api/v1/flows", { name });
      await refs.load(true);
      return made.slug;
    } catch {
      tell("inspector.create_failed", "error");
      return null;
    }
  };
  const link = (slug) => {
    const flow = others.find((one) => one.slug === slug);
    return flow ? h("a", { className: "ib sm go", href: `/flows/${flow.id}`, target: "_blank", rel: "noopener", title: say("inspector.open_flow"), "aria-label": say("inspector.open_flow") }, h(ExternalLink, { className: "i-s", "aria-hidden": true })) : null;
  };
  return h("div", { className: "col g4" },
    h(Combo, { item, value: known?.slug ?? item.text, onPick: put(item), choices, create, createLabel: (name) => say("inspector.create_flow", { name }), open: link, placeholder: say("editor.choose_flow"), empty: say("inspector.no_flows") }),
    known && !known.live ? h("div", { className: "micro t-amber" }, say("inspector.flow_not_live")) : null);
};

const SECRET = /^\{\{\s*secret\.([A-Za-z_]\w{0,63})\s*\}\}$/;
const named = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/\W+/g, "_").replace(/^(\d)/, "_$1").toLowerCase().slice(0, 64);

/** A value that is best kept as a secret: choose one, or make one here. What is typed is sent once and never shown again. */
export const SecretPicker = ({ item, children }) => {
  const { secrets } = useRefs();
  const [making, setMaking] = useState(null); // {name, value, busy, error}
  const chosen = item.text.match(SECRET)?.[1] ?? "";
  useEffect(() => setMaking(null), [item.key]);
  const save = async () => {
    setMaking({ ...making, busy: true, error: "" });
    try {
      await api.post("/api/v1/secrets", { name: making.name, value: making.value });
      refs.add("secrets", making.name);
      form.set(item.node, item.path, `{{ secret.${making.name} }}`);
      setMaking(null);
    } catch (error) {
      setMaking({ ...making, busy: false, error: error.status === 403 ? say("inspector.secret_forbidden") : say("inspector.secret_failed") });
    }
  };
  if (making) {
    return h("div", { className: "mkbox col g6", onKeyDown: (event) => event.key === "Escape" && (event.stopPropagation(), setMaking(null)) },
      h("input", { className: "input mono", value: making.name, autoFocus: true, placeholder: say("inspector.secret_name"), "aria-label": say("inspector.secret_name"), autoComplete: "off", onChange: (event) => setMaking({ ...making, name: named(event.target.value) }) }),
      h("input", { className: "input", type: "password", value: making.value, placeholder: say("inspector.secret_value"), "aria-label": say("inspector.secret_value"), autoComplete: "new-password", onChange: (event) => setMaking({ ...making, value: event.target.value }) }),
      making.error && h("div", { className: "err", role: "alert" }, making.error),
      h("div", { className: "row g6" },
        h("button", { type: "button", className: "btn solid sm", disabled: !making.name || !making.value || making.busy, onClick: save, "data-testid": "save-secret" }, say("inspector.keep_secret")),
        h("button", { type: "button", className: "btn ghost sm", onClick: () => setMaking(null) }, say("common.cancel"))),
      h("div", { className: "micro muted" }, say("inspector.secret_hint")));
  }
  const plain = item.text && !chosen && !item.text.includes("{{");
  return h("div", { className: "col g4" },
    children,
    !item.disabled && h("div", { className: "row g6 wrap" },
      secrets.length > 0 && h("select", { className: "input sm grow", value: secrets.includes(chosen) ? chosen : "", "aria-label": say("inspector.choose_secret"), onChange: (event) => event.target.value && form.set(item.node, item.path, `{{ secret.${event.target.value} }}`) },
        h("option", { value: "" }, say("inspector.choose_secret")), secrets.map((name) => h("option", { key: name, value: name }, name))),
      h("button", { type: "button", className: "btn line sm", "data-testid": "new-secret", onClick: () => setMaking({ name: named(chosen || item.name), value: plain ? item.text : "", busy: false, error: "" }) }, say(plain ? "inspector.make_secret" : "inspector.new_secret"))),
    plain ? h("div", { className: "micro t-amber" }, say("inspector.plain_secret")) : null);
};
