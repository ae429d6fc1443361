// Edits that the server hasn't got yet, kept in this browser: they outlive a reload, a crash and a lost sign-in.
// Each tab keeps its own; what a tab that is gone left behind is taken up by the next one of the same person.

const OLD = (flow) => `pytake_edits_${flow}`; // one list a flow, without a tab
const keyOf = (flow, tab) => `pytake_edits_${flow}~${tab}`;
const lockOf = (tab) => `pytake_tab_${tab}`;
const SILENT = 180000; // ms without a sign of life after which a tab counts as gone, where tabs can't be asked

const LET_GO = 3000; // ms that a reloaded page waits for the one before it; a duplicated tab's original never lets go

/** Whether this page replaces an earlier one of the same tab. */
const again = () => performance.getEntriesByType?.("navigation")[0]?.type !== "navigate";

const freshTab = () => crypto.randomUUID?.().slice(0, 8) ?? Math.random().toString(36).slice(2, 10);

const read = (key) => {
  try {
    const value = JSON.parse(localStorage.getItem(key) ?? "null");
    return Array.isArray(value) ? { edits: value, clashes: [] } : value;
  } catch {
    return null;
  }
};

let tab = "";

/** This tab's name, the same after a reload. A duplicated tab gets one of its own. */
export const tabName = async () => {
  if (tab) return tab;
  let wanted = "";
  try {
    wanted = sessionStorage.getItem("pytake_tab") ?? "";
  } catch {
    // storage is blocked: the tab has a new name after a reload
  }
  tab = wanted || freshTab();
  if (navigator.locks) {
    const hold = (name) =>
      new Promise((resolve) => {
        // The page that this one replaces may not have let go yet: its work would be taken for another tab's and stay.
        const options = again() ? { signal: AbortSignal.timeout(LET_GO) } : { ifAvailable: true };
        navigator.locks
          .request(lockOf(name), options, (lock) => {
            resolve(Boolean(lock));
            return lock ? new Promise(() => {}) : undefined; // held as long as the tab lives
          })
          .catch((error) => resolve(error.name !== "TimeoutError"));
      });
    if (!(await hold(tab))) {
      tab = freshTab();
      await hold(tab);
    }
  }
  try {
    sessionStorage.setItem("pytake_tab", tab);
  } catch {
    // as above
  }
  return tab;
};

const alive = async () => {
  if (!navigator.locks) return null;
  try {
    const { held } = await navigator.locks.query();
    return new Set(held.map((lock) => lock.name));
  } catch {
    return null;
  }
};

/** What `user` left unsent in this flow: `{edits, clashes}`; taken out of the storage of tabs that are gone. */
export const takeUp = async (flow, user) => {
  const mine = keyOf(flow, await tabName());
  const living = await alive();
  const found = { edits: [], clashes: [] };
  let keys = [];
  try {
    keys = Object.keys(localStorage).filter((key) => key === OLD(flow) || key.startsWith(keyOf(flow, "")));
  } catch {
    return found;
  }
  for (const key of keys) {
    const kept = read(key);
    if (!kept || (kept.user && kept.user !== user)) continue;
    const owner = key.slice(keyOf(flow, "").length);
    const gone = living ? !living.has(lockOf(owner)) : Date.now() - (kept.beat ?? 0) > SILENT;
    if (key !== mine && key !== OLD(flow) && !gone) continue;
    found.edits.push(...(kept.edits ?? []));
    found.clashes.push(...(kept.clashes ?? []));
    localStorage.removeItem(key);
  }
  return found;
};

/** Keep what waits; says whether the browser could. */
export const keepEdits = (flow, user, edits, clashes) => {
  if (!tab) return true;
  try {
    if (edits.length || clashes.length) localStorage.setItem(keyOf(flow, tab), JSON.stringify({ user, beat: Date.now(), edits, clashes }));
    else {
      localStorage.removeItem(keyOf(flow, tab));
      localStorage.removeItem(OLD(flow));
    }
    return true;
  } catch {
    return false; // full or blocked: they live as long as this tab
  }
};
