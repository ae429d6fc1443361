// The canvas goes along when the preview's conversation enters another flow: that flow's version is drawn, to be looked at
// only. `S.overlay` is "called" and `S.called` says which flow; the draft comes back when the conversation does, when one
// asks for it, or with another panel.
import { api } from "$/public/pt_api.js";
import { emit, S } from "$/public/pt_editor.js";
import { stage } from "$/public/pt_editor_stage.js";

const documents = new Map(); // by flow and version, which never change; null: it can't be had
let before = null; // where the own flow stood on the screen
let stays = ""; // the place in a conversation at which one went back to one's own flow

/** Where a conversation stands: the flow of its last step, or of its session. Null when it is the own flow or over. */
export const standing = (turns, session, walks) => {
  const over = session && !["waiting", "active", "handed_off"].includes(session.status);
  if (!session || (over && !walks)) return null;
  const steps = turns.flatMap((turn) => turn.steps);
  const id = walks ? steps.at(-1)?.flow_id : session.flow_id;
  const version = steps.findLast((step) => step.flow_id === id)?.flow_version;
  return !id || id === S.flowId || !version ? null : { id, version, at: `${id}/${steps.length}` };
};

/** The flow that is played, whatever stands on the canvas. */
export const ownDoc = () => (S.overlay === "called" ? S.sync.doc : S.doc);

const fetched = async ({ id, version }) => {
  const key = `${id}/${version}`;
  if (!documents.has(key)) {
    try {
      documents.set(key, (await api.get(`/api/v1/flows/${id}/versions/${version}`)).document);
    } catch (error) {
      if (error.status !== 404 && error.status !== 403) return null; // asked for again at the next turn
      documents.set(key, null);
    }
  }
  return documents.get(key);
};

export const subflow = {
  /** The flow that is drawn: a called one, or the own. */
  shown: () => (S.overlay === "called" ? S.called.id : S.flowId),
  /** Draw the flow in which the conversation stands; `ready()` is called when another one came onto the canvas. */
  async follow(place, ready) {
    if (!place || stays === place.at) {
      if (S.overlay === "called") subflow.leave();
      return;
    }
    stays = "";
    if (S.overlay === "called" && S.called.id === place.id && S.called.version === place.version) return;
    if ((S.overlay && S.overlay !== "called") || S.version !== null) return;
    const asked = S.preview?.result;
    const doc = await fetched(place);
    if (!doc || S.tab !== "preview" || S.preview?.result !== asked || (S.overlay && S.overlay !== "called") || S.version !== null) return;
    if (S.overlay !== "called") before = stage.flow?.getViewport() ?? null;
    emit({ overlay: "called", called: place, doc, selected: [], edge: null, quick: null });
    // The cards are measured by then.
    requestAnimationFrame(() => requestAnimationFrame(ready));
  },
  /** The own flow again. */
  leave() {
    if (S.overlay !== "called") return;
    emit({ overlay: null, called: null, doc: S.sync?.doc ?? S.doc, selected: [], edge: null });
    const view = before;
    before = null;
    if (view) requestAnimationFrame(() => stage.flow?.setViewport(view));
  },
  /** Back to one's own flow although the conversation stands in another. */
  back(light) {
    stays = S.called?.at ?? "";
    subflow.leave();
    light();
  },
};
