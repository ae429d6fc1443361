// Settings of the inbox: how conversations are closed and reopened, the team's canned replies, and one's own sounds and notices.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { ArrowDown, ArrowUp, Pencil, Plus, Search, Trash2, Volume2, Zap } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { Failed, Waiting } from "$/public/pt_settings_kit.js";
import { CannedForm } from "$/public/pt_inbox_canned.js";
import { chime } from "$/public/pt_chime.js";
import { forgetClosing } from "$/public/pt_closing.js";
import { useLang } from "$/public/pt_i18n.js";
import { Btn, IconBtn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { prefs } from "$/public/pt_inbox_news.js";
import { canned, departments, forget, narrowed, useList } from "$/public/pt_inbox_refs.js";
import { useInbox } from "$/public/pt_inbox_store.js";
import { Select, Switch, Text } from "$/public/pt_queue_fields.js";
import { may as grants } from "$/public/pt_rights.js";

const HOURS = [0, 1, 6, 12, 24, 48, 72, 168, 336, 720];
const MOST_REASONS = 50;
const MOST_CHARACTERS = 120;
const problem = (error) => sayOf(`inbox_settings.problem.${error?.code ?? "unknown"}`, "inbox_settings.problem.unknown");
const hoursText = (hours) => (hours === 0 ? say("inbox_settings.reopen_never") : hours % 24 === 0 && hours > 24 ? say("inbox_settings.reopen_days", { count: hours / 24 }) : say("inbox_settings.reopen_hours", { count: hours }));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const twice = (words) => new Set(words.map((word) => word.trim().toLowerCase())).size !== words.length;

const Reasons = ({ values, onChange, off }) => {
  const [text, setText] = useState("");
  const put = (at, word) => onChange(values.map((one, i) => (i === at ? word : one)));
  const move = (at, by) => {
    const next = [...values];
    [next[at], next[at + by]] = [next[at + by], next[at]];
    onChange(next);
  };
  const add = () => {
    const word = text.trim();
    if (!word) return;
    setText("");
    if (!values.some((one) => one.toLowerCase() === word.toLowerCase())) onChange([...values, word]);
  };
  return h(Fragment, null,
    values.length > 0 && h("ul", { className: "sg-rows is-reasons" }, values.map((word, at) => h("li", { key: at },
      h("span", { className: "grow" }, h(Text, { value: word, onChange: (next) => put(at, next), limit: MOST_CHARACTERS, off, "aria-label": say("inbox_settings.reason_n", { n: at + 1 }), test: "closing-reason" })),
      !off && h("span", { className: "row g2" },
        h(IconBtn, { icon: ArrowUp, small: true, label: say("inbox_settings.reason_up", { reason: word }), disabled: at === 0, onClick: () => move(at, -1) }),
        h(IconBtn, { icon: ArrowDown, small: true, label: say("inbox_settings.reason_down", { reason: word }), disabled: at === values.length - 1, onClick: () => move(at, 1) }),
        h(IconBtn, { icon: Trash2, small: true, label: say("inbox_settings.reason_drop", { reason: word }), onClick: () => onChange(values.filter((_, i) => i !== at)), test: "closing-drop" }))))),
    !off && values.length < MOST_REASONS && h("div", { className: "row g8" },
      h("input", { className: "input grow", value: text, maxLength: MOST_CHARACTERS, placeholder: say("inbox_settings.reason_new"), "aria-label": say("inbox_settings.reason_new"), onChange: (event) => setText(event.target.value), onKeyDown: (event) => {
        if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
        event.preventDefault();
        add();
      }, "data-testid": "closing-new" }),
      h(Btn, { icon: Plus, disabled: !text.trim(), onClick: add, test: "closing-add" }, say("inbox_settings.reason_add"))));
};

const Rules = ({ manage }) => {
  const [kept, setKept] = useState(null);
  const [draft, setDraft] = useState(null);
  const [failed, setFailed] = useState(null);
  const [busy, setBusy] = useState(false);
  const take = ({ inbox }) => {
    setKept(inbox);
    setDraft(inbox);
  };
  const load = () => {
    setFailed(null);
    api.get("/api/v1/settings").then(take, setFailed);
  };
  useEffect(load, []);
  useEffect(() => {
    const leaving = (event) => kept && !same(kept, draft) && event.preventDefault();
    window.addEventListener("beforeunload", leaving);
    return () => window.removeEventListener("beforeunload", leaving);
  }, [kept, draft]);
  if (failed) return h(Failed, { error: failed, onRetry: load });
  if (!draft) return h(Waiting, { rows: 4 });
  const put = (name) => (value) => setDraft({ ...draft, [name]: value });
  const reasons = draft.closing_reasons.map((word) => word.trim()).filter(Boolean);
  const doubled = twice(reasons);
  const save = async () => {
    setBusy(true);
    try {
      take(await api.patch("/api/v1/settings", { inbox: { ...draft, closing_reasons: reasons } }));
      forgetClosing();
      tell(say("inbox_settings.saved"), "success");
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  const offered = [...new Set([...HOURS, draft.reopen_hours])].sort((a, b) => a - b);
  return h("section", { className: "sg-card", "aria-label": say("inbox_settings.closing"), "data-testid": "closing-rules" },
    h("h3", null, say("inbox_settings.closing")), h("p", { className: "muted dense" }, say("inbox_settings.closing_lead")),
    h("div", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_settings.reasons")), h(Reasons, { values: draft.closing_reasons, onChange: put("closing_reasons"), off: !manage }),
      doubled ? h("span", { className: "err", role: "alert" }, say("inbox_settings.reason_twice")) : h("span", { className: "hint" }, say(draft.closing_reasons.length ? "inbox_settings.reasons_hint" : "inbox_settings.reasons_none"))),
    h(Switch, { on: draft.closing_reason_required, onChange: put("closing_reason_required"), off: !manage, label: say("inbox_settings.required"), hint: say("inbox_settings.required_hint"), test: "closing-required" }),
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("inbox_settings.reopen")), h(Select, { value: String(draft.reopen_hours), options: offered.map((hours) => [String(hours), hoursText(hours)]), onChange: (value) => put("reopen_hours")(Number(value)), off: !manage, test: "reopen-hours" }), h("span", { className: "hint" }, say(draft.reopen_hours ? "inbox_settings.reopen_hint" : "inbox_settings.reopen_hint_never"))),
    manage ? h("div", { className: "foot" }, h(Btn, { kind: "ghost", disabled: same(kept, draft), onClick: () => setDraft(kept) }, say("inbox_settings.discard")), h(Btn, { kind: "solid", busy, disabled: same(kept, draft) || doubled, onClick: save, test: "closing-save" }, say("common.save"))) : h("p", { className: "meta muted" }, say("inbox_settings.admins_only")));
};

const Own = () => {
  const own = useInbox("prefs");
  return h("section", { className: "sg-card", "aria-label": say("inbox_settings.own"), "data-testid": "own-signs" },
    h("h3", null, say("inbox_settings.own")), h("p", { className: "muted dense" }, say("inbox_settings.own_lead")),
    h("div", { className: "row g12" }, h("div", { className: "grow" }, h(Switch, { on: own.sound, onChange: () => prefs.toggle("sound"), label: say("inbox_more.pref_sound"), hint: say("inbox_settings.sound_hint"), test: "own-sound" })), h(Btn, { kind: "ghost", small: true, icon: Volume2, onClick: () => chime() }, say("inbox_settings.listen"))),
    h(Switch, { on: own.desktop, onChange: () => prefs.toggle("desktop"), label: say("inbox_more.pref_desktop"), hint: say("inbox_settings.desktop_hint"), test: "own-desktop" }),
    h(Switch, { on: own.enter, onChange: () => prefs.toggle("enter"), label: say("inbox_settings.enter"), hint: say("inbox_settings.enter_hint"), test: "own-enter" }));
};

const Canned = () => {
  const [turn, setTurn] = useState(0);
  const [query, setQuery] = useState("");
  const [editing, setEditing] = useState(null); // "new" or a reply
  const [gone, setGone] = useState(null);
  const [busy, setBusy] = useState(false);
  const all = useList(canned, turn);
  const teams = useList(departments, turn);
  const done = () => {
    setEditing(null);
    setGone(null);
    setTurn(turn + 1);
  };
  const drop = async () => {
    setBusy(true);
    try {
      await api.delete(`/api/v1/canned-responses/${gone.id}`);
      forget("canned");
      done();
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  const scopeOf = (one) => (one.scope === "person" ? say("inbox_settings.canned_mine") : one.scope === "department" ? (teams?.find((team) => team.id === one.department_id)?.name ?? "") : say("inbox_settings.canned_all"));
  const found = narrowed(all ?? [], query, (one) => `${one.shortcut} ${one.title} ${one.text}`);
  return h("section", { className: "sg-card", "aria-label": say("inbox_more.canned"), "data-testid": "canned-list" },
    h("div", { className: "sg-card-h" }, h("div", { className: "col" }, h("h3", null, say("inbox_more.canned")), h("p", { className: "muted dense" }, say("inbox_more.canned_detail"))), h(Btn, { icon: Plus, onClick: () => setEditing("new"), test: "canned-add" }, say("inbox_more.canned_new"))),
    all?.length > 5 && h("label", { className: "field" }, h(Sign, { of: Search }), h("input", { value: query, placeholder: say("inbox_settings.canned_find"), "aria-label": say("inbox_settings.canned_find"), onChange: (event) => setQuery(event.target.value), "data-testid": "canned-find" })),
    all === null ? h("span", { className: "sk l" }) : all.length === 0 ? h("div", { className: "state" }, h("div", { className: "pic" }, h(Sign, { of: Zap, size: "" })), h("div", { className: "str" }, say("inbox_more.canned_empty")), h("div", { className: "txt dense" }, say("inbox_more.canned_empty_detail")))
      : found.length === 0 ? h("p", { className: "muted dense" }, say("inbox_more.canned_none"))
        : h("ul", { className: "sg-rows" }, found.map((one) => h("li", { key: one.id, "data-testid": "canned-row" },
          h("div", { className: "col grow is-canned" }, h("span", { className: "row g8" }, h("span", { className: "dense med ell" }, one.title), h("span", { className: "meta t-accent nw" }, `/${one.shortcut}`)), h("span", { className: "meta muted ell" }, one.text)),
          h("span", { className: "bdg nw only-wide" }, scopeOf(one)),
          one.mine && h("span", { className: "row g2" }, h(IconBtn, { icon: Pencil, small: true, label: say("inbox_settings.canned_change", { name: one.title }), onClick: () => setEditing(one), test: "canned-change" }), h(IconBtn, { icon: Trash2, small: true, label: say("inbox_more.canned_drop", { name: one.title }), onClick: () => setGone(one), test: "canned-drop" }))))),
    editing && h(CannedForm, { old: editing === "new" ? null : editing, departments: teams ?? [], onClose: () => setEditing(null), onDone: done }),
    gone && h(Modal, { title: say("inbox_settings.canned_gone", { name: gone.title }), detail: say("inbox_settings.canned_gone_detail"), onClose: () => setGone(null), test: "canned-gone", foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: () => setGone(null) }, say("common.cancel")), h(Btn, { kind: "danger", busy, onClick: drop, test: "canned-gone-confirm" }, say("common.delete"))) }));
};

/** The page; `me` is `{id, role, permissions}` of who is signed in. */
export const InboxSettingsRoot = ({ me, ...rest }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => setReady(true), []);
  return h("div", { ...rest, className: "sg-body" }, ready && me?.id && h(Fragment, { key: lang }, h(Rules, { manage: grants(me, "settings:manage") }), grants(me, "conversations:handle") && h(Canned), h(Own)));
};
