// A contact's data, from the inbox: how consent came about, all that is known as a file, and forgetting.
import { createElement as h, Fragment, useEffect, useState } from "react";
import { Bot, Download, GitMerge, ShieldCheck, ShieldX, Trash2, TriangleAlert, UserRound } from "lucide-react";
import { api, ApiError } from "$/public/pt_api.js";
import { fmt, getLang } from "$/public/pt_i18n.js";
import { Btn, Modal, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { may } from "$/public/pt_rights.js";

const SOURCES = { automation: Bot, merge: GitMerge };
const wordsOf = (error) => sayOf(`privacy.problem.${error?.code ?? "unknown"}`, "privacy.problem.unknown");

const MOST_MS = 10 * 60000; // the file is made before its first byte comes; a line that fell silent is given up
const KEPT_MS = 60000;

/** Save all that is known of a contact as a file. Throws what the server, or the line, said instead. */
const download = async (contactId) => {
  const answer = await fetch(`/api/v1/contacts/${contactId}/export`, { credentials: "same-origin", signal: AbortSignal.timeout(MOST_MS) }).catch((error) => {
    throw new ApiError(0, { code: "offline", detail: error.message });
  });
  if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => null));
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = `contact-${contactId}.zip`;
  link.hidden = true;
  document.body.append(link); // some browsers save nothing for a link that stands nowhere
  link.click();
  setTimeout(() => {
    link.remove();
    URL.revokeObjectURL(address);
  }, KEPT_MS);
};

const Erase = ({ name, onErase, onClose, busy }) => {
  const [word, setWord] = useState("");
  const wanted = say("privacy.erase_word");
  const ready = word.trim().toLocaleLowerCase() === wanted.toLocaleLowerCase();
  return h(Modal, { title: say("privacy.erase_title", { name }), detail: say("privacy.erase_detail"), onClose, test: "erase-dialog",
    foot: h(Fragment, null, h(Btn, { kind: "ghost", onClick: onClose }, say("common.cancel")), h(Btn, { kind: "danger", icon: Trash2, busy, disabled: !ready, onClick: onErase, test: "erase-confirm" }, say("privacy.erase"))) },
  h("div", { className: "notice amber" }, h(Sign, { of: TriangleAlert }), h("div", { className: "grow" }, say("privacy.erase_warn"))),
  h("label", { className: "ff" }, h("span", { className: "lbl" }, say("privacy.erase_type", { word: wanted })), h("input", { className: "input", autoFocus: true, value: word, maxLength: 40, autoComplete: "off", onChange: (event) => setWord(event.target.value), "data-testid": "erase-word" })));
};

const History = ({ rows }) =>
  rows.length === 0 ? h("p", { className: "dense muted" }, say("privacy.consent_none"))
    : h("ul", { className: "sg-rows", "data-testid": "consent-history" }, rows.map((one, i) => h("li", { key: i },
      h(Sign, { of: one.consent === "opted_in" ? ShieldCheck : ShieldX, size: "" }),
      h("div", { className: "col grow" }, h("span", { className: "dense med" }, say(`inbox.consent.${one.consent}`)), h("span", { className: "meta muted row g4" }, h(Sign, { of: SOURCES[one.source] ?? UserRound }), say(`privacy.source_${one.source}`))),
      h("time", { className: "meta muted tn", dateTime: one.at }, fmt.moment(getLang(), one.at)))));

/** The dialog about a contact's data, with what `me` may do; `onErased` after the contact was forgotten. */
export const ContactData = ({ contactId, name, me, onClose, onErased }) => {
  const [rows, setRows] = useState(null);
  const [busy, setBusy] = useState("");
  const [erasing, setErasing] = useState(false);
  useEffect(() => {
    api.get(`/api/v1/contacts/${contactId}/consent`).then(setRows, (error) => {
      setRows([]);
      tell(wordsOf(error), "error");
    });
  }, [contactId]);
  const act = async (what, work) => {
    setBusy(what);
    try {
      await work();
    } catch (error) {
      tell(wordsOf(error), "error");
    } finally {
      setBusy("");
    }
  };
  const save = () => act("export", async () => {
    await download(contactId);
    tell(say("privacy.exported"), "success");
  });
  const erase = () => act("erase", async () => {
    await api.post(`/api/v1/contacts/${contactId}/erase`, { confirm: true });
    tell(say("privacy.erased"), "success");
    onClose();
    onErased?.();
  });
  if (erasing) return h(Erase, { name, busy: busy === "erase", onErase: erase, onClose: () => setErasing(false) });
  // Whole at once: buttons that move while their neighbours come are missed.
  return h(Modal, { title: say("privacy.data_title", { name }), onClose, test: "contact-data", foot: h(Btn, { kind: "ghost", onClick: onClose }, say("common.close")) },
    rows === null ? h("div", { className: "col g8", "aria-busy": true }, [0, 1, 2].map((i) => h("span", { key: i, className: "sk l" }))) : h(Fragment, null,
      h("section", { className: "col g8", "aria-label": say("privacy.consent") }, h("h3", { className: "h-sec" }, say("privacy.consent")), h(History, { rows })),
      may(me, "data:export") && h("section", { className: "col g8", "aria-label": say("privacy.export") }, h("h3", { className: "h-sec" }, say("privacy.export")), h("p", { className: "dense muted" }, say("privacy.export_lead")), h("div", null, h(Btn, { icon: Download, busy: busy === "export", disabled: Boolean(busy), onClick: save, test: "contact-export" }, say("privacy.export_act")))),
      may(me, "contacts:delete") && h("section", { className: "col g8", "aria-label": say("privacy.erase") }, h("h3", { className: "h-sec" }, say("privacy.erase")), h("p", { className: "dense muted" }, say("privacy.erase_lead")), h("div", null, h(Btn, { kind: "danger", icon: Trash2, disabled: Boolean(busy), onClick: () => setErasing(true), test: "contact-erase" }, say("privacy.erase_act"))))));
};
