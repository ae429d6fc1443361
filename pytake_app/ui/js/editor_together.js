// What the page shows of working together: avatars, whose view is followed, choices between two versions of a field, and
// why nothing is sent any more.
import { createElement as h } from "react";
import { api } from "$/public/pt_api.js";
import { editor, emit, S, say, sayOr, specOf, tell } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { addSlice, duration, initials, languageName, nodeName, portLabel } from "$/public/pt_editor_model.js";
import { fieldWords } from "$/public/pt_editor_cards.js";
import { EditorSlice } from "$/public/pt_editor_views.js";
import { may as grants } from "$/public/pt_rights.js";

const SHOWN = 4;

const faces = () => {
  const byPerson = new Map();
  for (const peer of S.peers) if (peer.until > Date.now()) byPerson.set(peer.id, byPerson.get(peer.id)?.tab === S.following ? byPerson.get(peer.id) : peer);
  const all = [...byPerson.values()].map((peer) => {
    const me = peer.id === S.me.id;
    const node = peer.nodes.length && S.doc ? nodeOf(S.doc, peer.nodes[0]) : null;
    const name = me ? say("together.you_elsewhere") : peer.name;
    return { tab: peer.tab, name, initials: initials(peer.name), hue: peer.hue, on: S.following === peer.tab, title: node ? say("together.at", { name, block: nodeName(node) }) : name };
  });
  return { faces: all.slice(0, SHOWN), more: Math.max(0, all.length - SHOWN), rest: all.slice(SHOWN).map((face) => face.name).join(", "), any: all.length > 0 };
};

const followed = () => {
  const peer = S.peers.find((item) => item.tab === S.following);
  return { on: Boolean(peer), tab: peer?.tab ?? "", name: peer ? (peer.id === S.me.id ? say("together.you_elsewhere") : peer.name) : "", hue: peer?.hue ?? "violet" };
};

const shown = (value) => {
  if (value === null || value === undefined || value === "") return say("together.nothing");
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (typeof value === "boolean") return say(value ? "together.yes" : "together.no");
  if (Array.isArray(value)) return value.map((item) => (item && typeof item === "object" ? (item.title ?? item.name ?? item.label ?? item.value ?? item.id ?? "…") : item)).map(String).join(" · ") || say("together.nothing");
  return JSON.stringify(value).slice(0, 400);
};

/** A field's value as its card words it: an option's name instead of its code, rows as sentences. */
const worded = (type, name, value) => {
  const field = specOf(type)?.fields.find((one) => one.name === name);
  return (field && !["text", "textarea", "switch"].includes(field.widget) && fieldWords(field, value)) || shown(value);
};

const SETTINGS = { locale: true, undefined: true };
const settingWords = (name, value) => (name === "expiry_minutes" && duration(value)) || (SETTINGS[name] && sayOr(`inspector.choice_${value}`, "")) || shown(value);

const blockAt = (id) => {
  const node = id && nodeOf(S.doc, id);
  return node ? nodeName(node) : say("together.a_block");
};

const sideOf = {
  field: (item, node) => ({ where: sayOr(specOf(node?.type)?.fields.find((field) => field.name === item.field)?.label_key ?? "", item.field), theirs: worded(node?.type, item.field, node?.config[item.field]), mine: worded(node?.type, item.field, item.mine) }),
  title: (item, node) => ({ where: say("together.title"), theirs: shown(node?.title), mine: shown(item.mine) }),
  text: (item) => ({ where: say("together.translation", { language: languageName(item.locale) }), theirs: shown(S.doc.translations?.[item.locale]?.[item.node]?.[item.field]?.text), mine: shown(item.mine) }),
  name: (item) => ({ where: say("together.flow_name"), theirs: shown(S.doc.name), mine: shown(item.mine) }),
  setting: (item) => ({ where: sayOr(`inspector.flow_${item.field}`, say("together.setting")), theirs: settingWords(item.field, S.doc.settings?.[item.field]), mine: settingWords(item.field, item.mine) }),
  port: (item, node) => {
    const edge = S.doc.edges.find((other) => other.source === item.node && other.port === item.field);
    return { where: node ? say("together.exit", { port: portLabel(node, item.field) }) : item.field, theirs: edge ? say("together.leads_to", { block: blockAt(edge.target) }) : say("together.leads_nowhere"), mine: item.mine ? say("together.leads_to", { block: blockAt(item.mine) }) : say("together.leads_nowhere") };
  },
  delete: () => ({ where: say("together.whole_block"), theirs: say("together.changed_it"), mine: say("together.delete_it") }),
  gone: (item) => ({ where: say("together.whole_block"), theirs: say("together.deleted_it"), mine: say("together.bring_back", { block: sayOr(specOf(item.mine)?.name ?? "", shown(item.mine)) }) }),
  all: () => ({ where: say("together.whole_flow"), theirs: say("together.replaced_it"), mine: say("together.my_change") }),
};

const clash = () => {
  const list = S.sync?.clashes ?? [];
  const item = list[0];
  if (!item || !S.doc) return { open: false };
  const node = item.node ? nodeOf(S.doc, item.node) : null;
  const name = item.by || say("together.someone");
  return { open: true, id: item.id, name, block: node ? nodeName(node) : "", node: node ? item.node : "", count: list.length, ...(sideOf[item.kind] ?? sideOf.all)(item, node) };
};

const halted = () => {
  const why = S.gone ? "deleted" : (S.sync?.halted ?? "");
  return { why, waiting: S.sync?.waiting ?? 0, unkept: Boolean(S.sync && !S.sync.kept && S.sync.waiting > 0), may_restore: why === "deleted" && grants(S.me, "flows:edit") };
};

addSlice("people", faces);
addSlice("following", followed);
addSlice("clash", clash);
addSlice("halted", halted);

/** What the buttons of these views call. */
export const together = {
  choose: (id, own) => S.sync?.settle(id, own),
  show: (node) => node && editor.jump(node),
  /** To the sign-in page and back; at once when the person has signed in meanwhile, in another tab. */
  async signIn() {
    const answer = await fetch("/api/v1/auth/me", { credentials: "same-origin" }).catch(() => null);
    if (answer?.ok) window.location.reload();
    else window.location.assign(`/login?next=${encodeURIComponent(window.location.pathname)}`);
  },
  reload: () => window.location.reload(),
  async restore() {
    try {
      await api.post(`/api/v1/flows/${S.flow.id}/restore`, {});
      emit({ gone: false });
      S.sync.resume();
      editor.load();
      tell("together.restored", "success");
    } catch {
      tell("together.restore_failed", "error");
    }
  },
};

/** A slice of this module. */
export const TogetherSlice = (props) => h(EditorSlice, props);
