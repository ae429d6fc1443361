// What is left to adapt in a flow made from the gallery, kept in this browser.
const keyOf = (flowId) => `pytake_adapt_${flowId}`;
/** The steps kept for a flow, or null. */
export const readSteps = (flowId) => {
  try {
    const kept = JSON.parse(localStorage.getItem(keyOf(flowId)) ?? "null");
    return Array.isArray(kept) ? kept : null;
  } catch {
    return null; // blocked or broken storage: there is no list
  }
};
/** Keep the steps `[{node_id, text, done}]` of a flow; null forgets them. */
export const writeSteps = (flowId, steps) => {
  try {
    if (steps) localStorage.setItem(keyOf(flowId), JSON.stringify(steps));
    else localStorage.removeItem(keyOf(flowId));
  } catch {
    // the list lives as long as this page
  }
};

/** Remember the steps `[{node_id, text}]` for a flow that was just made. */
export const keepSteps = (flowId, steps) => writeSteps(flowId, steps.length ? steps.map((step) => ({ ...step, done: false })) : null);
