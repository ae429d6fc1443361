// Small React parts of the inbox: icons, buttons, menus, dialogs in the product's looks. Menus and dialogs are Radix', as in the rest of the shell.
import { createElement as h, useEffect, useState } from "react";
import { Dialog, DropdownMenu, Popover } from "@radix-ui/themes";
import { UserRound } from "lucide-react";
import { toast } from "sonner";
import { getLang, tr, trKey } from "$/public/pt_i18n.js";

export const say = (key, params) => tr(getLang(), key, params);
/** The text of a key that the catalogue may not have, else the spare key's. */
export const sayOf = (key, spare, params) => tr(getLang(), trKey(key, spare), params);
/** Why something failed, in words. */
export const wordsOf = (error) => (error?.code === "not_renderable" && error.errors?.[0]?.text) || sayOf(`inbox.problem.${error?.code ?? "unknown"}`, "inbox.problem.unknown");
export const tell = (text, kind = "message", options = {}) => (kind === "message" ? toast(text, options) : toast[kind](text, options));

export const Sign = ({ of, size = "s", ...rest }) => h(of, { className: `i-${size}`, "aria-hidden": true, ...rest });
export const Key = ({ children }) => h("span", { className: "kbd", "aria-hidden": true }, children);

export const Btn = ({ kind = "line", small, busy, icon, children, className = "", test, ...rest }) =>
  h("button", { type: "button", className: `btn ${kind}${small ? " sm" : ""} ${className}`.trim(), "data-busy": busy ? "true" : undefined, "data-testid": test, ...rest }, icon && h(Sign, { of: icon }), children);
export const IconBtn = ({ icon, label, small, on, className = "", test, ref, ...rest }) =>
  h("button", { type: "button", ref, className: `ib${small ? " sm" : ""}${on ? " on" : ""} ${className}`.trim(), title: label, "aria-label": label, "data-testid": test, ...rest }, h(Sign, { of: icon, size: small ? "s" : "" }));

/** Initials, or a sign for who has no name. */
export const Letters = ({ of }) => of || h(Sign, { of: UserRound });
/** A face: the person's picture, else initials on a hue. */
export const Face = ({ initials, hue, size = "", picture, children }) => h("span", { className: `av ${size} a-${hue}`, "aria-hidden": true }, picture ? h("img", { src: picture, alt: "", className: "av-pic" }) : h(Letters, { of: initials }), children);

/** A menu behind `trigger`; `items` are {label, icon, run, on, danger, hint, test} or "line", or {title}. */
export const Menu = ({ trigger, items, align = "end", side, label, onOpenChange }) =>
  h(DropdownMenu.Root, { modal: false, onOpenChange },
    h(DropdownMenu.Trigger, null, trigger),
    h(DropdownMenu.Content, { align, side, variant: "soft", className: "ix-menu", "aria-label": label },
      items.map((item, i) => {
        if (item === "line") return h(DropdownMenu.Separator, { key: `line${i}` });
        if (item.title) return h(DropdownMenu.Label, { key: `title${i}`, className: "meta" }, item.title);
        return h(DropdownMenu.Item, { key: item.key ?? item.label, onSelect: item.run, disabled: item.disabled, color: item.danger ? "red" : undefined, "data-testid": item.test },
          item.icon ? h(Sign, { of: item.icon }) : item.dot ? h("span", { className: `dot ${item.dot}` }) : null,
          h("span", { className: "grow ell" }, item.label), item.hint && h("span", { className: item.hint.length === 1 ? "meta muted nw only-wide" : "meta muted nw" }, item.hint));
      })));

export const Pop = ({ trigger, children, align = "start", side = "bottom", open, onOpenChange, className = "", label, test }) =>
  h(Popover.Root, { open, onOpenChange },
    h(Popover.Trigger, null, trigger),
    h(Popover.Content, { align, side, className: `ix-pop ${className}`, "aria-label": label, "data-testid": test }, children));

/** A dialog that is open while it is mounted; its buttons go in `foot`. */
export const Modal = ({ title, detail, onClose, children, foot, wide, test }) =>
  h(Dialog.Root, { open: true, onOpenChange: (open) => !open && onClose() },
    h(Dialog.Content, { maxWidth: wide ? "var(--d-720)" : "var(--d-440)", className: "ix-dialog", "data-testid": test, ...(detail ? {} : { "aria-describedby": undefined }) },
      h(Dialog.Title, { className: "title", style: { margin: 0 } }, title),
      detail && h(Dialog.Description, { className: "muted dense" }, detail),
      h("div", { className: "pt-dialog", style: { marginTop: "var(--d-12)" } }, children, foot && h("div", { className: "foot" }, foot))));

/** Which clock time it is, again every `ms`; for countdowns. */
export const useNow = (ms = 15000) => {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
};

export const fold = (text) => String(text ?? "").normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

/** What is kept in this browser; nothing depends on it. */
export const kept = (name, spare) => {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? spare;
  } catch {
    return spare;
  }
};
export const keep = (name, value) => {
  try {
    if (value === null || value === undefined || value === "") localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // storage is blocked: it lasts as long as the page
  }
};
