// Taking a folder away, and bringing it back with what lay in it.
import { toast } from "sonner";
import { api } from "$/public/pt_api.js";
import { BASE, narrow, refresh, say, state, wordFor } from "$/public/pt_flows_store.js";

const UNDO = 10000; // ms in which it can be taken back
const FOLDERS = "/api/v1/flow-folders";
const AT_ONCE = 200; // flows of one page, and of one bulk request

/** Ids of the flows that lie in a folder itself, archived ones too. */
const lyingIn = async (id) => {
  const found = [];
  for (const archived of ["", "&archived=true"]) {
    let cursor = "";
    do {
      const page = await api.get(`${BASE}?folder=${id}&limit=${AT_ONCE}${archived}${cursor}`);
      found.push(...page.items.filter((flow) => flow.folder_id === id).map((flow) => flow.id));
      cursor = page.next_cursor ? `&cursor=${encodeURIComponent(page.next_cursor)}` : "";
    } while (cursor);
  }
  return found;
};

const bringBack = async ({ name, parent_id }, folders, flows) => {
  const again = await api.post(FOLDERS, { name, parent_id: parent_id ?? null });
  for (const child of folders) await api.patch(`${FOLDERS}/${child.id}`, { name: child.name, parent_id: again.id });
  for (let at = 0; at < flows.length; at += AT_ONCE) await api.post(`${BASE}/bulk`, { ids: flows.slice(at, at + AT_ONCE), action: "move", folder_id: again.id });
};

/** Delete a folder; what lies in it moves up. It can be taken back for ten seconds. */
export const removeFolder = async (id) => {
  const folder = state.library.folders.find((one) => one.id === id);
  if (!folder) return;
  const folders = state.library.folders.filter((one) => one.parent_id === id);
  const flows = await lyingIn(id);
  await api.delete(`${FOLDERS}/${id}`);
  if (state.filters.folder === id) narrow({ folder: "" });
  else refresh();
  const undo = () => bringBack(folder, folders, flows).then(refresh, (error) => toast.error(wordFor(error)));
  toast.success(say("flows.folder_deleted", { name: folder.name }), { duration: UNDO, action: { label: say("common.undo"), onClick: undo } });
};
