// The other people in this flow: who is here and what they have selected; following somebody's view; telling them ours.
import { S, emit } from "$/public/pt_editor.js";
import { tabName } from "$/public/pt_editor_keep.js";

const HUES = ["violet", "cyan", "plum", "blue", "amber", "jade"];
const BEAT = 10000; // ms between two signs of life
const STAYS = 25000; // ms after which somebody who said nothing more is gone (core/presence.py)
const PAUSE = 400; // ms a selection or a view has to last before it is told

/** The colour that stands for a person, everywhere the same. */
export const hueOf = (id) => HUES[[...String(id)].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973, 7) % HUES.length];

const here = (list) => list.filter((peer) => peer.until > Date.now());
const peerOf = ({ tab, user_id, name, nodes, follow }) => ({ tab, id: user_id, name, nodes: nodes ?? [], follow: follow ?? "", hue: hueOf(user_id), until: Date.now() + STAYS });

/** Who has this node selected: `{name, hue, more}`, or null. */
export const peerAt = (node) => {
  const found = here(S.peers).filter((peer) => peer.nodes.includes(node));
  return found.length ? { name: found[0].name, hue: found[0].hue, more: found.length - 1 } : null;
};

let timer = 0;
let view = [];
let away = ""; // the flow that this tab has said it left
let fading = 0;

/** Once the first of the others has fallen silent for too long: without them. */
const fade = () => {
  clearTimeout(fading);
  if (!S.peers.length) return;
  const first = Math.min(...S.peers.map((peer) => peer.until));
  fading = setTimeout(() => {
    const peers = here(S.peers);
    if (peers.length < S.peers.length) emit({ peers, ...(S.following && !peers.some((peer) => peer.tab === S.following) ? { following: "" } : {}) });
    fade();
  }, Math.max(0, first - Date.now()) + 20);
};

/** Call `told` every BEAT, also while the tab is hidden: browsers slow a page's own timers down to one a minute then, but not
 * a worker's. Gives what ends it. */
const beats = (told) => {
  const worker = new Worker(`/pt_beat_worker.js?every=${BEAT}`);
  worker.onmessage = () => told();
  return () => worker.terminate();
};

export const people = {
  /** Whose page this is, once it is known: work kept in the browser belongs to a person. */
  me: () =>
    new Promise((resolve) => {
      const end = Date.now() + 10000;
      const look = () => (S.me.id || Date.now() > end ? resolve(S.me.id) : setTimeout(look, 30));
      look();
    }),
  /** Go on saying that this tab is here, until what this gives is called. */
  beat() {
    const shown = () => document.visibilityState === "visible" && people.here({ join: true }); // it may have been frozen
    const end = beats(() => people.here());
    document.addEventListener("visibilitychange", shown);
    return () => {
      end();
      document.removeEventListener("visibilitychange", shown);
    };
  },
  /** Say that this tab is here, with what it has selected. */
  async here({ join = false } = {}) {
    const flow = S.flowId;
    S.tabId ||= await tabName();
    if (!flow || S.flowId !== flow || !S.bridge || S.sync?.halted) return;
    S.bridge.here({ flow_id: flow, tab: S.tabId, nodes: S.version === null ? S.selected.slice(0, 20) : [], join, follow: S.following, view });
  },
  /** This tab closes. By REST: a socket's last frame is lost when its page goes, this request outlives it. */
  leave() {
    if (!S.flowId || !S.tabId) return;
    away = S.flowId;
    const init = { method: "POST", keepalive: true, credentials: "same-origin", headers: { "Content-Type": "application/json", "X-PyTake-CSRF": "1" }, body: JSON.stringify({ tab: S.tabId }) };
    fetch(`/api/v1/flows/${S.flowId}/leave`, init).catch(() => {}); // offline: the others forget this tab by themselves
  },
  /** The page is back at a flow that it had left. */
  back() {
    if (away === S.flowId) people.here({ join: true });
    away = "";
  },
  /** Say it soon; several changes are told once. */
  soon() {
    if (!S.peers.length) return;
    clearTimeout(timer);
    timer = setTimeout(() => people.here(), PAUSE);
  },

  /** Everybody who was here when this tab joined. */
  roster(list) {
    emit({ peers: list.filter((item) => item.tab !== S.tabId).map(peerOf) });
    fade();
  },
  /** Somebody came, went, or selected something else. */
  heard(poke) {
    if (poke.tab === S.tabId) return;
    const others = here(S.peers).filter((item) => item.tab !== poke.tab);
    if (poke.gone) {
      emit({ peers: others, ...(S.following === poke.tab ? { following: "" } : {}) });
      return;
    }
    const before = S.peers.find((item) => item.tab === poke.tab);
    const peer = peerOf(poke);
    emit({ peers: [...others, peer].sort((a, b) => (a.tab < b.tab ? -1 : 1)) });
    fade();
    if (S.following === poke.tab) people.lookAt(peer, before, poke.view);
    if (peer.follow === S.tabId && before?.follow !== S.tabId) people.here();
  },

  /** Follow somebody's view, or nobody's. */
  follow(tab) {
    const following = S.following === tab ? "" : tab;
    emit({ following });
    const peer = S.peers.find((item) => item.tab === following);
    if (peer) people.lookAt(peer, null, []);
    people.here();
  },
  lookAt(peer, before, at) {
    const n = (S.focus?.n ?? 0) + 1;
    if (at?.length === 3) emit({ focus: { at, n } });
    else if (peer.nodes.length && peer.nodes[0] !== before?.nodes[0]) emit({ focus: { id: peer.nodes[0], n } });
  },
  /** This tab's view: `byHand` when the person moved it, which ends following. */
  seen(center, byHand) {
    view = center.map((value) => Math.round(value * 100) / 100);
    if (byHand && S.following) {
      emit({ following: "" });
      people.here();
    } else if (S.peers.some((peer) => peer.follow === S.tabId)) people.soon();
  },
};
