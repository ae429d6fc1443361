// The translation table: every text of the flow, a column for each language, edited in place. What is written here are
// edits like any other: saved as one types, undone with the rest, seen by others at once.
import { createElement as h, useEffect, useMemo, useRef, useState } from "react";
import { Check, Crosshair, Download, Languages, Plus, Search, Trash2, Upload, X } from "lucide-react";
import { toast } from "sonner";
import { api } from "$/public/pt_api.js";
import { useLang } from "$/public/pt_i18n.js";
import { fits } from "$/public/pt_editor_sync.js";
import { editor, emit, readOnly, S, say, sayOr, specOf, useStore, useStoreRef } from "$/public/pt_editor.js";
import { languageName, nodeName } from "$/public/pt_editor_model.js";
import { placeholders, progressOf, rowsOf } from "$/public/pt_editor_texts.js";
import { Overlay, RichText } from "$/public/pt_editor_views.js";

const OFFERED = ["pt_BR", "en", "es", "fr", "it", "de", "ja", "zh", "ar", "he", "ru", "uk", "pl", "nl", "gn", "ht"];
const STEP = 120; // rows drawn at once
const MAX_FILE = 2_000_000; // characters; the server's limit of a table
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const sign = (Icon, size = "s") => h(Icon, { className: `i-${size}`, "aria-hidden": true });

export const translate = {
  open: () => {
    S.sync?.flush();
    emit({ translate: true });
  },
  close: () => {
    S.sync?.flush();
    emit({ translate: false, translateAt: null });
  },
  /** Open the table at the text that a finding is about. */
  show({ code, node_id, language }) {
    S.sync?.flush();
    emit({ translate: true, translateAt: { code, node: node_id ?? null, locale: language } });
  },
};

const STATES = { translation_missing: (row, text) => row.wanted && text.state === "missing", translation_outdated: (_row, text) => text.state === "outdated" };
const differs = (row, text) => Boolean(text.text.trim()) && placeholders(row.text).sort().join() !== placeholders(text.text).sort().join();

/** The row that a finding means: of its block, in the state that it speaks of; else the first in this state. */
const meant = (rows, { code, node, locale }) => {
  const fits = rows.filter((row) => row.given[locale] && (STATES[code] ?? differs)(row, row.given[locale]));
  return fits.find((row) => row.node.id === node) ?? fits[0];
};

const write = (locale, row, text, source = row.text) =>
  editor.edit([{ op: "set_translations", locale, texts: { [row.node.id]: { [row.pointer]: text.trim() ? { text, source } : null } } }], `tr:${locale}:${row.key}`);

/** A translation: a box that grows, a counter against the channel's limit, and the variables that are still missing. */
const Cell = ({ row, locale, locked }) => {
  const { text, state } = row.given[locale];
  const [draft, setDraft] = useState(text);
  const [inside, setInside] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!inside) setDraft(text);
  }, [text, inside]);
  useEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [draft]);
  const change = (value) => {
    setDraft(value);
    write(locale, row, value);
  };
  const length = [...draft].length;
  const over = row.max !== null && length > row.max;
  const has = placeholders(draft);
  const lacking = draft.trim() ? placeholders(row.text).filter((name) => !has.includes(name)) : [];
  const extra = has.filter((name) => !placeholders(row.text).includes(name));
  const label = `${languageName(locale)}: ${row.text.slice(0, 80)}`;
  return h("td", { lang: locale.replace("_", "-"), "data-state": state },
    h("div", { className: "micro muted tr-lang", "aria-hidden": true }, languageName(locale)),
    h("textarea", { ref: box, className: "input", rows: 1, value: draft, disabled: locked, dir: "auto", placeholder: row.wanted ? say("translations.missing") : say("translations.same"), "aria-label": label, "aria-invalid": over || undefined, "data-testid": `tr-${locale}`, "data-node": row.node.id, "data-pointer": row.pointer,
      onFocus: () => setInside(true), onBlur: () => {
        setInside(false);
        editor.flush();
      }, onChange: (event) => change(event.target.value) }),
    h("div", { className: "row wrap g6 tr-foot" },
      state === "outdated" && h("button", { type: "button", className: "bdg amber", disabled: locked, title: say("translations.outdated_detail"), "data-testid": "tr-still", onClick: () => write(locale, row, draft) }, sign(Check, "xs"), say("translations.still_right")),
      lacking.map((name) => h("button", { key: name, type: "button", className: "var", disabled: locked, title: say("translations.insert", { name }), onClick: () => change(`${draft.trimEnd()} {{ ${name} }}`) }, `+ ${name.split(".").pop()}`)),
      extra.map((name) => h("span", { key: name, className: "bdg red", title: say("translations.extra", { name }) }, name.split(".").pop())),
      row.max !== null && (inside || over) && h("span", { className: over ? "micro tn t-red right" : "micro tn muted right" }, `${length}/${row.max}`)));
};

const Row = ({ row, shown, locked, first }) => {
  const spec = specOf(row.node.type);
  return h("tr", { "data-testid": "tr-row", "data-node": row.node.id },
    h("td", { className: "tr-own" },
      first && h("button", { type: "button", className: "row g6 tr-node", title: say("translations.show"), onClick: () => {
        translate.close();
        editor.jump(row.node.id);
      } }, h("span", { className: `tile s g-${spec?.group ?? "canvas"}` }, sign(Crosshair, "xs")), h("span", { className: "ell meta str" }, nodeName(row.node))),
      h("div", { className: "tr-text dense" }, h(RichText, { text: row.text })),
      h("div", { className: "micro muted" }, sayOr(row.label, row.pointer.split("/").pop()))),
    shown.map((locale) => h(Cell, { key: locale, row, locale, locked })));
};

const save = async () => {
  await editor.settled();
  const link = Object.assign(document.createElement("a"), { href: `/api/v1/flows/${S.flowId}/translations.csv`, download: `${S.flow?.slug ?? "flow"}-translations.csv` });
  link.click();
};

const load = async (file) => {
  if (!file) return;
  if (file.size > MAX_FILE) {
    toast.error(say("translations.too_large"));
    return;
  }
  try {
    await editor.settled();
    const csv = await file.text();
    const take = (dry_run) => api.post(`/api/v1/flows/${S.flowId}/translations/import`, { csv, dry_run });
    let answer = await take(true);
    // What is too much for one message is put in by the server, which tells it like anybody's edit.
    if (!fits(answer.operations)) answer = await take(false);
    else if (answer.operations.length) editor.edit(answer.operations);
    editor.flush();
    const skipped = answer.notices.filter((notice) => notice.reason === "unknown_text").length;
    toast.success(say("translations.imported", { count: answer.changed }), skipped ? { description: say("translations.skipped", { count: skipped }) } : undefined);
  } catch (error) {
    toast.error(say("translations.import_failed"), { description: error.code === "invalid_table" ? sayOr(`translations.refused_${error.errors[0]?.code}`, error.errors[0]?.message) : say("common.failed_detail") });
  }
};

const AddLanguage = ({ own, languages }) => {
  const [value, setValue] = useState("");
  const left = OFFERED.filter((locale) => locale !== own && !languages.includes(locale));
  return h("label", { className: "tr-add" }, h("span", { className: "sr" }, say("translations.add")),
    sign(Plus),
    h("select", { value, "data-testid": "tr-add", onChange: (event) => {
      const locale = event.target.value;
      setValue("");
      if (locale) editor.edit([{ op: "set_translations", locale, texts: {} }]);
    } },
      h("option", { value: "" }, say("translations.add")),
      left.map((locale) => h("option", { key: locale, value: locale }, languageName(locale)))));
};

const Content = () => {
  useLang();
  const doc = useStoreRef((s) => s.doc);
  const specs = useStoreRef((s) => s.specs);
  const locked = useStore(() => readOnly());
  const [filter, setFilter] = useState("all");
  const [query, setQuery] = useState("");
  const [hidden, setHidden] = useState([]);
  const [limit, setLimit] = useState(STEP);
  const rows = useMemo(() => rowsOf(doc, specs), [doc, specs]);
  const aim = useStore((s) => s.translateAt);
  const table = useRef(null);
  useEffect(() => {
    const row = aim && meant(rows, aim);
    if (!row) return;
    emit({ translateAt: null });
    setFilter("all");
    setQuery("");
    setHidden([]);
    setLimit((most) => Math.max(most, rows.indexOf(row) + 1));
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const cell = table.current?.querySelector(`[data-testid="tr-${CSS.escape(aim.locale)}"][data-node="${CSS.escape(row.node.id)}"][data-pointer="${CSS.escape(row.pointer)}"]`);
      cell?.focus();
      cell?.scrollIntoView({ block: "center" });
    }));
  }, [aim]);
  const own = doc.settings.locale;
  const languages = Object.keys(doc.translations ?? {}).filter((locale) => locale !== own).sort();
  const shown = languages.filter((locale) => !hidden.includes(locale));
  const wanted = plain(query.trim());
  // A row stays while it is worked on, although it no longer fits the filter: what fits is decided when the filter is chosen.
  const fits = (row) => (filter === "all" || shown.some((locale) => row.given[locale].state === filter && (row.wanted || filter === "outdated"))) && (!wanted || plain([row.text, nodeName(row.node), ...shown.map((locale) => row.given[locale].text)].join(" ")).includes(wanted));
  const kept = useMemo(() => new Set(rows.filter(fits).map((row) => row.key)), [filter, query, shown.join(), rows.length]);
  const found = rows.filter((row) => kept.has(row.key));
  const count = (state) => rows.filter((row) => shown.some((locale) => row.given[locale].state === state && (row.wanted || state === "outdated"))).length;
  const choice = (name, number) => h("button", { type: "button", "aria-pressed": filter === name, "data-testid": `tr-${name}`, onClick: () => {
    setFilter(name);
    setLimit(STEP);
  } }, say(`translations.filter_${name}`), h("span", { className: "n" }, number));
  const column = (locale) => {
    const { done, wanted: all, outdated } = progressOf(rows, locale);
    return h("th", { key: locale, scope: "col" },
      h("div", { className: "row g8" },
        h("span", { className: "str" }, languageName(locale)),
        h("span", { className: outdated ? "meta t-amber tn" : "meta muted tn" }, `${done}/${all}`),
        h("span", { className: "bar grow", "aria-hidden": true }, h("span", { style: { width: `${all ? (100 * done) / all : 100}%` } })),
        !locked && h("button", { type: "button", className: "ib sm", title: say("translations.remove", { language: languageName(locale) }), "aria-label": say("translations.remove", { language: languageName(locale) }), onClick: () => {
          editor.edit([{ op: "remove_language", locale }]);
          toast(say("translations.removed", { language: languageName(locale) }), { action: { label: say("editor.undo"), onClick: () => editor.undo() } });
        } }, sign(Trash2))));
  };
  const empty = h("div", { className: "state" }, h("div", { className: "pic" }, sign(Languages, "l")), h("div", { className: "str" }, say("translations.empty")), h("div", { className: "txt dense" }, say("translations.empty_detail")), !locked && h("div", { className: "act" }, h(AddLanguage, { own, languages })));
  const none = h("div", { className: "state" }, h("div", { className: "str" }, say(filter === "all" ? "translations.nothing_found" : `translations.nothing_${filter}`)));
  return h("div", { className: "tr" },
    h("header", { className: "row wrap tr-head" },
      h("h2", { className: "title" }, say("translations.title")),
      h("span", { className: "meta muted grow ell" }, say("translations.own", { language: languageName(own) })),
      languages.length > 1 && h("div", { className: "seg", role: "group", "aria-label": say("translations.languages") }, languages.map((locale) => h("button", { key: locale, type: "button", "aria-pressed": !hidden.includes(locale), onClick: () => setHidden(hidden.includes(locale) ? hidden.filter((item) => item !== locale) : shown.length > 1 ? [...hidden, locale] : hidden) }, languageName(locale)))),
      !locked && languages.length > 0 && h(AddLanguage, { own, languages }),
      h("button", { type: "button", className: "ib x", "aria-label": say("common.close"), title: say("common.close"), onClick: translate.close }, sign(X, "l"))),
    languages.length > 0 && h("div", { className: "row wrap tr-tools" },
      h("label", { className: "field" }, sign(Search), h("input", { type: "search", value: query, placeholder: say("translations.search"), "aria-label": say("translations.search"), "data-testid": "tr-search", onChange: (event) => setQuery(event.target.value) })),
      h("div", { className: "seg", role: "group", "aria-label": say("translations.filter") }, choice("all", rows.length), choice("missing", count("missing")), choice("outdated", count("outdated"))),
      h("span", { className: "grow" }),
      h("button", { type: "button", className: "btn line", "data-testid": "tr-export", onClick: save }, sign(Download), say("translations.export")),
      !locked && h("label", { className: "btn line tr-file" }, sign(Upload), say("translations.import"), h("input", { type: "file", className: "sr", accept: ".csv,text/csv", "aria-label": say("translations.import"), "data-testid": "tr-import", onChange: (event) => {
        load(event.target.files[0]);
        event.target.value = "";
      } }))),
    languages.length === 0 ? empty : found.length === 0 ? none : h("div", { className: "tr-scroll", ref: table, tabIndex: 0, role: "region", "aria-label": say("translations.title") },
      h("table", { className: "tr-tbl" },
        h("thead", null, h("tr", null, h("th", { scope: "col", className: "str" }, languageName(own)), shown.map(column))),
        h("tbody", null, found.slice(0, limit).map((row, at) => h(Row, { key: row.key, row, shown, locked, first: at === 0 || found[at - 1].node.id !== row.node.id })))),
      found.length > limit && h("button", { type: "button", className: "btn gray tr-more", onClick: () => setLimit(limit + STEP) }, say("translations.more"))));
};

/** The table, over the page. */
export const TranslateSheet = () => {
  const open = useStore((s) => Boolean(s.translate) && Boolean(s.doc));
  return h(Overlay, { open, label: say("translations.title"), onClose: translate.close, className: "translate" }, open && h(Content));
};
