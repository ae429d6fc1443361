// What settings pages share: the page once its language is known, what stands there meanwhile or instead of it, common dialogs.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { Check, Copy, Lock, RotateCw, TriangleAlert } from "lucide-react";
import { useLang } from "$/public/pt_i18n.js";
import { Btn, IconBtn, Modal, say, Sign, tell } from "$/public/pt_inbox_kit.js";
import { hueOf, initials } from "$/public/pt_inbox_model.js";
import { copyText } from "$/public/pt_page_store.js";

export const ADMINS = ["org_admin", "super_admin"];
const LANGUAGES = [["pt_BR", "common.language_pt"], ["en", "common.language_en"], ["es", "common.language_es"]];
/** The interface's languages, as choices. */
export const languages = () => LANGUAGES.map(([value, key]) => [value, say(key)]);
/** What the browser knows of a kind: `timeZone`, `currency`. */
export const known = (kind) => {
  try {
    return Intl.supportedValuesOf(kind);
  } catch {
    return []; // an older browser: what is set already stays
  }
};
export const zoneName = (zone) => zone.replaceAll("_", " ");
/** A member's face. */
export const faceOf = (person) => ({ initials: initials(person.full_name), hue: hueOf(person.id), picture: person.avatar_url });

/** Whether texts may be shown: the prepared page is in one language, and the browser's is known only afterwards. */
export const useReady = () => {
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  return ready;
};
/** A settings page: `of` in the browser's language, begun anew when that changes; nothing until `given` is there. */
export const SettingsPage = ({ of, given = true, className = "sg-body", ...rest }) => {
  const lang = useLang();
  const ready = useReady();
  return h("div", { className }, ready && given && h(of, { key: lang, ...rest }));
};

/** What is read by `read` when the page begins: `[found, failed, load, setFound]`; what was read stays while it is read again. */
export const useRead = (read, deps = []) => {
  const [found, setFound] = useState(null);
  const [failed, setFailed] = useState(null);
  const load = async () => {
    setFailed(null);
    try {
      setFound(await read());
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => {
    load();
  }, deps);
  return [found, failed, load, setFound];
};
/** Sending a form: `send(work)` answers its submit; `busy` meanwhile, `problem` in words when it was refused. */
export const useSend = (wordsOf) => {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const send = (work) => async (event) => {
    event?.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await work();
    } catch (error) {
      setProblem(wordsOf(error));
      setBusy(false);
    }
  };
  return { busy, problem, send };
};

/** A state that takes the place of the page's content: loading failed. */
export const Failed = ({ error, onRetry }) => h("div", { className: "state bad", role: "alert" }, h("div", { className: "pic" }, h(Sign, { of: TriangleAlert, size: "l" })), h("div", { className: "str" }, say("account.load_failed")), h("div", { className: "txt dense" }, say(error?.status === 0 ? "monitor.offline" : "common.failed_detail")), h("div", { className: "act" }, h(Btn, { icon: RotateCw, onClick: onRetry }, say("common.retry"))));
/** The reader may not see this; `detail` says who may. */
export const Forbidden = ({ detail = say("common.no_permission_detail") }) => h("div", { className: "state", role: "alert" }, h("div", { className: "pic" }, h(Sign, { of: Lock, size: "l" })), h("div", { className: "str" }, say("common.no_permission")), h("div", { className: "txt dense" }, detail));
/** Placeholders in the shape of a card. */
export const Waiting = ({ rows = 3 }) => h("div", { className: "sg-card", "aria-busy": true }, Array.from({ length: rows }, (_, i) => h("span", { key: i, className: "sk l" })));
/** The buttons under a form in a dialog. */
export const Foot = ({ verb, busy, onClose, test, danger, disabled }) => h("div", { className: "foot" }, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h("button", { type: "submit", className: danger ? "btn danger" : "btn solid", disabled, "data-busy": busy ? "true" : undefined, "data-testid": test }, verb));

/** Asks before something is done that hurts; `onDone` does it. */
export const Confirm = ({ title, detail, verb, onClose, onDone, test = "confirm" }) => {
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    await onDone();
  };
  return h(Modal, { title, detail, onClose, test: `${test}-dialog`, foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h(Btn, { kind: "danger", busy, onClick: go, test }, verb)) });
};

/** A link as it opens in this browser's own address: the server may know itself by another name. */
export const here = (link) => window.location.origin + new URL(link).pathname;
const LinkRow = ({ link, label, title }) => {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(link))) return;
    setCopied(true);
    tell(say("common.copied"), "success");
  };
  const words = label ? `${title}: ${label}` : title;
  return h("div", { className: "col g4" }, label && h("span", { className: "dense med ell" }, label),
    h("div", { className: "row g8" }, h("input", { className: "input mono grow", value: link, readOnly: true, "aria-label": words, onFocus: (event) => event.target.select(), "data-testid": "link" }),
      label ? h(IconBtn, { icon: copied ? Check : Copy, label: say("common.copy"), onClick: copy, test: "link-copy" }) : h(Btn, { icon: copied ? Check : Copy, onClick: copy, test: "link-copy" }, say("common.copy"))));
};
/** Links to hand over; `links` are `{label, link}`, the label only where there are several. */
export const LinkDialog = ({ title, detail, links, onClose }) => h(Modal, { title, detail, onClose, test: "link-dialog", foot: h(Btn, { kind: "solid", onClick: onClose, test: "link-done" }, say("common.close")) },
  h("div", { className: "col g12" }, links.map(({ label, link }) => h(LinkRow, { key: link, link, title, label: links.length > 1 ? label : "" }))));

/** People or groups to tick. */
export const Ticks = ({ legend, items, chosen, onChange, test }) => items.length > 0 && h("fieldset", { className: "mb-deps" }, h("legend", { className: "lbl" }, legend),
  items.map(({ id, name, face }) => h("label", { key: id, className: "row g8 dense" }, h("input", { type: "checkbox", checked: chosen.includes(id), onChange: (event) => onChange(event.target.checked ? [...chosen, id] : chosen.filter((one) => one !== id)), "data-testid": test }), face, h("span", { className: "ell" }, name))));
