// Files becoming flows: read here, translated by the server, reported thing by thing.
import { toast } from "sonner";
import { api } from "$/public/pt_api.js";
import { trKey } from "$/public/pt_i18n.js";
import { BASE, refresh, say, set, state, wordFor } from "$/public/pt_flows_store.js";

const MAX_FILE = 10000000; // bytes; the server's own limit of a file
const MAX_BODY = 2000000; // bytes of a file that is sent as JSON; larger ones and archives are uploaded
const MAX_FILES = 20;
const SHOWN = 300; // lines of a report that are drawn

const dialog = (patch) => set({ dialog: { ...state.dialog, ...patch } });

const fault = (code) => [{ pointer: "", code, message: "", node: "" }];

const sentence = (text) => (text ? text[0].toLocaleUpperCase() + text.slice(1).replace(/[.\s]+$/, "") + "." : "");

/** Why a thing isn't as it was, in the language in use. */
const noteOf = (line) =>
  (line.notes ?? [])
    .map((note) => {
      const key = trKey(`import.note.${note.code}`, "");
      return key ? sentence(say(key, note.params)) : "";
    })
    .filter(Boolean)
    .join(" ") || sentence(line.note);

/** The report of one file as the page shows it: flows, counts, and what wasn't taken over as it was. */
const reportOf = (file, { report, flows, id, name }) => {
  const made = flows?.length ? flows : [{ id, name }];
  const homes = new Map(made.map((flow) => [flow.name, flow.id]));
  const told = report.lines.filter((line) => line.outcome !== "translated");
  return {
    file, kind: say(trKey(`flows.kind_${report.kind}`, "flows.kind_pytake")), version: report.version, flows: made.map((flow) => ({ id: flow.id, name: flow.name, href: `/flows/${flow.id}` })),
    translated: report.translated, approximated: report.approximated, left_out: report.left_out, hidden: Math.max(0, told.length - SHOWN),
    lines: told.slice(0, SHOWN).map((line, index) => ({
      key: `${index}`, outcome: line.outcome, title: line.title || line.source_id, type: line.source_type, flow: made.length > 1 ? line.flow : "", note: noteOf(line),
      href: line.node_id ? `/flows/${homes.get(line.flow) ?? made[0].id}?node=${encodeURIComponent(line.node_id)}` : "",
    })),
  };
};

const asFault = ({ pointer, code, message, node_id }) => ({ pointer: pointer.replace(/^\/document/, ""), code: code ?? "", message, node: node_id ?? "" });
const faultsOf = (error) => (error.errors?.length ? error.errors.map(asFault) : [{ pointer: "", code: "", message: wordFor(error), node: "" }]);

const isZip = (name) => /\.zip$/i.test(name);
/** An archive, or one large file: each file in it has a result of its own. */
const uploaded = async (file) => {
  const body = new FormData();
  body.append("file", file);
  try {
    const { files } = await api.post("/api/v1/flow-archive", body);
    return files.map((one) => (one.report ? { file: one.file, report: reportOf(one.file, one) } : { file: one.file, errors: one.errors.map(asFault).map((found) => (found.code === "not_json" && isZip(one.file) ? fault("invalid_archive")[0] : found)) }));
  } catch (error) {
    return [{ file: file.name, errors: faultsOf(error) }];
  }
};

const readOne = async (file) => {
  if (file.size > MAX_FILE) return [{ file: file.name, errors: fault("too_large") }];
  if (file.size > MAX_BODY || isZip(file.name) || file.type === "application/zip") return uploaded(file);
  let document;
  try {
    document = JSON.parse(await file.text());
  } catch {
    return [{ file: file.name, errors: fault("not_json") }];
  }
  try {
    return [{ file: file.name, report: reportOf(file.name, await api.post(`${BASE}/import`, { document })) }];
  } catch (error) {
    return [{ file: file.name, errors: faultsOf(error) }];
  }
};

/** Import files one after the other; the dialog then shows what became of each. */
export const importFiles = async (files) => {
  if (state.busy || !files.length) return;
  set({ busy: true });
  dialog({ errors: [], reports: [], problem: "" });
  const errors = [];
  const reports = [];
  const wrong = new Set();
  try {
    for (const file of files.slice(0, MAX_FILES)) {
      dialog({ file: file.name });
      for (const result of await readOne(file)) {
        if (result.report) reports.push(result.report);
        else {
          errors.push(...result.errors.map((error) => ({ ...error, file: result.file })));
          wrong.add(result.file);
        }
      }
    }
    if (wrong.size) dialog({ file: [...wrong].join(", ") });
    // Of several files it must be said which one a sentence is about.
    dialog({ errors: wrong.size > 1 ? errors.map((error) => ({ ...error, pointer: `${error.file} ${error.pointer}`.trim() })) : errors, reports });
    if (reports.length) {
      refresh();
      const count = reports.reduce((sum, report) => sum + report.flows.length, 0);
      toast.success(count === 1 ? say("flows.imported", { name: reports[0].flows[0].name }) : say("flows.imported_many", { count }));
      // Nothing to read about: the file came in as it was.
      if (!errors.length && reports.every((report) => !report.lines.length && report.kind === say("flows.kind_pytake"))) dialog({ open: false });
    }
  } finally {
    set({ busy: false });
  }
};
