// Two versions beside each other: the document with ghosts of what is gone, marks for the canvas, and lines to read.
import { say, sayOr, specOf } from "$/public/pt_editor.js";
import { duration, kindName, nodeName, plain, portLabel } from "$/public/pt_editor_model.js";

/** The side of a comparison that is no version. */
export const DRAFT = "draft";
/** What a side is called. */
export const sideName = (side) => (side === DRAFT ? say("versions.draft") : say("versions.number", { version: side }));

/** The newer document with what is gone put back as ghosts. */
export const together = ({ before, after, change }) => {
  const known = new Set(after.nodes.map((node) => node.id));
  const moved = new Set(change.edges.filter((edge) => edge.kind !== "added").map((edge) => `${edge.source}\u0000${edge.port}`));
  const ghosts = before.edges.filter((edge) => moved.has(`${edge.source}\u0000${edge.port}`)).map((edge) => ({ ...edge, id: `gone:${edge.id}` }));
  return { ...after, nodes: [...before.nodes.filter((node) => !known.has(node.id)), ...after.nodes], edges: [...after.edges, ...ghosts] };
};

/** What stands on a card or an edge of the canvas: node id → kind, edge id → kind. */
export const marksOf = ({ after, change }, doc) => {
  const nodes = Object.fromEntries(change.nodes.map((item) => [item.node_id, item.kind]));
  const edges = Object.fromEntries(doc.edges.filter((edge) => edge.id.startsWith("gone:")).map((edge) => [edge.id, "removed"]));
  const fresh = new Set(change.edges.filter((edge) => edge.kind !== "removed").map((edge) => `${edge.source}\u0000${edge.port}`));
  for (const edge of after.edges) if (fresh.has(`${edge.source}\u0000${edge.port}`)) edges[edge.id] = "added";
  return { nodes, edges };
};

const itemName = (value) => plain(value?.title ?? value?.label ?? value?.name ?? value?.value ?? value?.word ?? "") || "";

/** A value as people read it. */
const shown = (value, field) => {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value === "boolean") return say(value ? "versions.yes" : "versions.no");
  if (field?.widget === "duration") return duration(value);
  const option = field?.options?.find((one) => String(one.value) === String(value));
  if (option) return sayOr(option.label_key, String(value));
  if (Array.isArray(value)) return value.map((one) => shown(one)).join(", ");
  if (typeof value === "object") return itemName(value) || Object.values(value).filter((one) => typeof one !== "object").map(String).join(" · ");
  return plain(value);
};

/** What a changed value is called: the fields' labels, and list items by their own names. */
const labelOf = (type, keys, configs) => {
  if (keys[0] === "$title") return [say("versions.field_title"), null];
  if (keys[0] === "$type") return [say("versions.field_type"), null];
  let fields = specOf(type)?.fields ?? [];
  let places = configs;
  let field = null;
  const names = [];
  for (const key of keys) {
    const found = fields.find((one) => one.name === key);
    if (found) {
      field = found;
      names.push(sayOr(found.label_key, key));
      fields = found.fields;
      places = places.map((place) => place?.[key]);
    } else {
      places = places.map((place) => (Array.isArray(place) ? place.find((one) => one?.id === key) : place?.[key]));
      const name = places.map(itemName).find(Boolean);
      names.push(name ? `“${name}”` : Array.isArray(places) && /^\w{12,}$/.test(key) ? "" : key);
    }
  }
  return [names.filter(Boolean).join(" · "), field];
};

const fieldLine = (item, change, data) => {
  const configs = [data.before, data.after].map((doc) => doc.nodes.find((node) => node.id === item.node_id)?.config);
  const [label, field] = labelOf(item.type, change.path, configs);
  if (change.kind === "order") return { label, before: "", after: say("versions.reordered"), kind: "changed" };
  const kind = change.path[0] === "$type" ? kindName : (value) => shown(value, field);
  return { label, before: kind(change.before), after: kind(change.after), kind: change.kind };
};

const nodeLine = (item, data) => {
  const node = [data.after, data.before].map((doc) => doc.nodes.find((one) => one.id === item.node_id)).find(Boolean);
  const spec = specOf(item.type);
  return { key: `n ${item.node_id}`, node: item.node_id, kind: item.kind, title: nodeName(node), icon: spec?.icon ?? "circle", group: spec?.group ?? "canvas", fields: item.fields.map((change) => fieldLine(item, change, data)) };
};

const edgeLine = (edge, data) => {
  const nameOf = (id) => {
    const node = [data.after, data.before].map((doc) => doc.nodes.find((one) => one.id === id)).find(Boolean);
    return node ? nodeName(node) : "";
  };
  const source = [data.after, data.before].map((doc) => doc.nodes.find((one) => one.id === edge.source)).find(Boolean);
  const label = source ? portLabel(source, edge.port) : edge.port;
  const fields = [{ label: say("versions.leads_to"), before: edge.before ? nameOf(edge.before) : say("versions.nowhere"), after: edge.after ? nameOf(edge.after) : say("versions.nowhere"), kind: "changed" }];
  return { key: `e ${edge.source} ${edge.port}`, node: edge.source, kind: "edge", title: source ? `${nodeName(source)} · ${label}` : label, icon: "spline", group: "canvas", fields };
};

const SETTING_NAMES = { name: "versions.set_name", "settings.expiry_minutes": "editor.expiry", "settings.interrupt_keywords": "editor.interrupt", "settings.restart_keywords": "inspector.flow_restart_keywords" };
const settingLine = (change) => {
  const dotted = change.path.join(".");
  const label = SETTING_NAMES[dotted] ? say(SETTING_NAMES[dotted]) : change.path[0] === "translations" ? say("versions.set_translation", { language: change.path[1] ?? "" }) : say("versions.set_other");
  const duration_ = dotted === "settings.expiry_minutes" ? { widget: "duration" } : null;
  return { label, before: shown(change.before, duration_), after: shown(change.after, duration_), kind: change.kind };
};

/** A comparison as lines to read: blocks, exits, settings, and what was only moved last. */
export const lines = (data) => {
  const nodes = data.change.nodes.map((item) => nodeLine(item, data));
  const settings = data.change.settings.slice(0, 60).map(settingLine);
  return [
    ...nodes.filter((line) => line.kind !== "moved"),
    ...data.change.edges.filter((edge) => !edge.implied).map((edge) => edgeLine(edge, data)),
    ...(settings.length ? [{ key: "s", node: "", kind: "settings", title: say("versions.settings"), icon: "settings-2", group: "canvas", fields: settings }] : []),
    ...nodes.filter((line) => line.kind === "moved"),
  ];
};
