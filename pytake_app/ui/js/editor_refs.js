// Things of the organization that blocks name (queues, people, tags, templates…), asked for once an open flow and again
// after something was made here.
import { useEffect } from "react";
import { api } from "$/public/pt_api.js";
import { emit, S, sayOr, useStore } from "$/public/pt_editor.js";

const EMPTY = { templates: [], queues: [], agents: [], departments: [], tags: [], fields: [], secrets: [], calendars: [], flows: [], channels: [] };
let asked = null;

const items = async (url, map) => {
  try {
    return (await api.all(url)).map(map);
  } catch {
    return []; // not allowed or not there: the field takes what is typed
  }
};

/** What can be had without the endpoint of all references. */
const gathered = async () => {
  const [flows, secrets, agents, channels] = await Promise.all([
    items("/api/v1/flows", ({ id, slug, name, live_version }) => ({ id, slug, name, live: live_version !== null })),
    items("/api/v1/secrets", ({ name }) => name),
    items("/api/v1/users", (user) => ({ id: user.id, name: user.full_name ?? user.name ?? user.email, email: user.email })),
    items("/api/v1/channel-accounts", ({ id, name, channel, display_phone_number }) => ({ id, name, channel, phone: display_phone_number ?? "" })),
  ]);
  return { ...EMPTY, flows, secrets, agents, channels };
};

export const refs = {
  /** Load unless that was done for this flow. */
  async load(again = false) {
    const flowId = S.flowId;
    if (!flowId || (asked === flowId && !again)) return;
    asked = flowId;
    let data;
    try {
      data = { ...EMPTY, ...(await api.get(`/api/v1/flows/${encodeURIComponent(flowId)}/references`)) };
      const agents = data.agents.every((agent) => agent.email) ? [] : await items("/api/v1/users", (user) => [user.id, user.email]);
      const mails = new Map(agents);
      data.agents = data.agents.map((agent) => ({ ...agent, email: agent.email ?? mails.get(agent.id) }));
    } catch (error) {
      if (error.status !== 404) asked = null;
      data = await gathered();
    }
    if (S.flowId !== flowId) return;
    emit({ refs: { flowId, data }, flows: data.flows.filter((flow) => flow.id !== S.flow?.id) });
  },
  /** Add something that was just made here. */
  add(kind, item) {
    const data = S.refs?.data ?? EMPTY;
    if (!data[kind].includes(item)) emit({ refs: { flowId: S.flowId, data: { ...data, [kind]: [...data[kind], item] } } });
  },
};

/** The references; loads them when first used. */
export const useRefs = () => {
  useEffect(() => {
    refs.load();
  }, []);
  return useStore((s) => (s.refs?.flowId === s.flowId ? s.refs.data : null)) ?? EMPTY;
};

/** Length of a text as a channel counts it: code points, UTF-16 units or bytes. */
export const lengthOf = (text, units = "code_points") => {
  if (units === "utf16") return text.length;
  if (units === "bytes") return new TextEncoder().encode(text).length;
  return [...text].length;
};

const TEXTS = ["body", "retry_message", "message", "fallback_message", "caption", "welcome"];

/** What each attached channel takes of this field, one a kind of channel: `[{name, length, max, over, units}]`.
 * `list`: the name of the list that the field is a column of. */
export const limitsFor = (field, value, list = "") => {
  if (typeof value !== "string") return [];
  const part = TEXTS.includes(field) ? "max_text" : list === "buttons" && field === "title" ? "max_button_title" : "";
  if (!part) return [];
  const kinds = new Map((S.refs?.data?.channels ?? []).map((channel) => [channel.channel, channel]));
  return [...kinds.values()].flatMap(({ channel, capabilities }) => {
    const max = capabilities?.[part];
    if (!max) return [];
    const units = part === "max_text" ? capabilities.units : "code_points"; // platforms count titles in characters
    const length = lengthOf(value, units);
    return [{ name: sayOr(`preview.channel_${channel}`, channel), channel, length, max, over: length - max, units }];
  });
};

/** Attached channels that show fewer buttons or rows than there are: `[{name, max}]`. */
export const fewerOn = (widget, count) => {
  const part = widget === "buttons" ? "max_buttons" : widget === "sections" ? "max_rows" : "";
  const kinds = new Map((part ? (S.refs?.data?.channels ?? []) : []).map((channel) => [channel.channel, channel]));
  return [...kinds.values()].filter(({ capabilities }) => capabilities && capabilities[part] > 0 && count > capabilities[part]).map(({ channel, capabilities }) => ({ name: sayOr(`preview.channel_${channel}`, channel), max: capabilities[part] }));
};
