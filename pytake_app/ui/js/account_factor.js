// Setting a second factor up: the code to scan, the first code typed, the recovery codes shown once.
import { createElement as h, useState } from "react";
import { Copy, Download } from "lucide-react";
import { Btn, say, tell } from "$/public/pt_inbox_kit.js";
import { copyText } from "$/public/pt_page_store.js";

/** `setup` is `{secret, uri, picture}`; `onCode(code)` confirms, `wordsOf(error)` says why it didn't. */
export const SetupSteps = ({ setup, onCode, wordsOf }) => {
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await onCode(code);
    } catch (error) {
      setProblem(wordsOf(error));
      setBusy(false);
    }
  };
  const groups = setup.secret.match(/.{1,4}/g).join(" ");
  return h("form", { className: "col g16", onSubmit: send, "data-testid": "totp-setup" },
    h("ol", { className: "tf-steps dense" }, ["account.totp_step_app", "account.totp_step_scan", "account.totp_step_code"].map((key) => h("li", { key }, say(key)))),
    h("div", { className: "row g16 wrap tf-scan" },
      h("img", { className: "tf-qr", src: setup.picture, alt: say("account.totp_qr") }),
      h("div", { className: "col g6 grow" }, h("span", { className: "meta muted" }, say("account.totp_by_hand")), h("code", { className: "mono break", "data-testid": "totp-secret" }, groups),
        h("div", null, h(Btn, { small: true, icon: Copy, onClick: async () => (await copyText(setup.secret)) && tell(say("common.copied"), "success") }, say("common.copy"))))),
    h("label", { className: "ff" }, h("span", { className: "lbl" }, say("account.totp_code")), h("input", { className: "input lg tf-code", value: code, inputMode: "numeric", autoComplete: "one-time-code", pattern: "[0-9 ]*", maxLength: 7, required: true, "aria-invalid": problem ? "true" : undefined, onChange: (event) => setCode(event.target.value), "data-testid": "totp-code" }), h("span", { className: "err", role: "alert" }, problem)),
    h("button", { type: "submit", className: "btn solid lg full", "data-busy": busy ? "true" : undefined, "data-testid": "totp-confirm" }, say("account.totp_confirm")));
};

/** The recovery codes, to keep: copied or as a file. */
export const RecoveryCodes = ({ codes }) => {
  const text = codes.join("\n");
  const download = () => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([`${text}\n`], { type: "text/plain" })), download: "pytake-recovery-codes.txt" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  return h("div", { className: "col g12" },
    h("ul", { className: "tf-codes mono", "data-testid": "recovery-codes" }, codes.map((code) => h("li", { key: code }, code))),
    h("div", { className: "row g8 wrap" }, h(Btn, { icon: Copy, onClick: async () => (await copyText(text)) && tell(say("common.copied"), "success") }, say("common.copy")), h(Btn, { icon: Download, onClick: download }, say("account.codes_download"))));
};
