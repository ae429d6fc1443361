// One's own account: picture, name, language, time zone, looks.
import { createElement as h, Fragment, useContext, useEffect, useMemo, useRef, useState } from "react";
import { ImageUp, RotateCw, Trash2, TriangleAlert } from "lucide-react";
import { ColorModeContext } from "$/utils/context";
import { api } from "$/public/pt_api.js";
import { setLang, useLang } from "$/public/pt_i18n.js";
import { Btn, Face, say, sayOf, Sign, tell } from "$/public/pt_inbox_kit.js";
import { Field, Select, Text } from "$/public/pt_queue_fields.js";

const LANGUAGES = [["pt_BR", "common.language_pt"], ["en", "common.language_en"], ["es", "common.language_es"]];
const THEMES = ["light", "dark", "system"];
const PICTURES = "image/jpeg,image/png,image/webp,image/gif";
const problem = (error) => sayOf(`account.problem.${error?.code ?? "unknown"}`, "account.problem.unknown");
export const initialsOf = (name) => {
  const words = String(name ?? "").split(/\s+/).filter(Boolean);
  return (words.length < 2 ? words : [words[0], words.at(-1)]).map((word) => [...word][0]).join("").toUpperCase();
};
const zones = () => {
  try {
    return Intl.supportedValuesOf("timeZone");
  } catch {
    return [];
  }
};

/** A state that takes the place of the page's content: loading failed. */
export const Failed = ({ error, onRetry }) => h("div", { className: "state bad", role: "alert" }, h("div", { className: "pic" }, h(Sign, { of: TriangleAlert, size: "l" })), h("div", { className: "str" }, say("account.load_failed")), h("div", { className: "txt dense" }, say(error?.status === 0 ? "monitor.offline" : "common.failed_detail")), h("div", { className: "act" }, h(Btn, { icon: RotateCw, onClick: onRetry }, say("common.retry"))));
/** Placeholders in the shape of a card. */
export const Waiting = ({ rows = 3 }) => h("div", { className: "sg-card", "aria-busy": true }, Array.from({ length: rows }, (_, i) => h("span", { key: i, className: "sk l" })));

const Picture = ({ user, onUser }) => {
  const field = useRef(null);
  const [busy, setBusy] = useState(false);
  const act = async (work, done) => {
    setBusy(true);
    try {
      onUser(await work());
      tell(say(done), "success");
    } catch (error) {
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  const send = (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    const form = new FormData();
    form.append("file", file);
    act(() => api.put("/api/v1/auth/me/avatar", form), "account.picture_saved");
  };
  return h("div", { className: "row g16 wrap" },
    h(Face, { initials: initialsOf(user.full_name), hue: "jade", size: "xl", picture: user.avatar_url }),
    h("div", { className: "col g6 grow" },
      h("div", { className: "row g8 wrap" },
        h(Btn, { icon: ImageUp, busy, onClick: () => field.current.click(), test: "avatar-choose" }, say(user.avatar_url ? "account.picture_change" : "account.picture_choose")),
        user.avatar_url && h(Btn, { kind: "ghost", icon: Trash2, disabled: busy, onClick: () => act(() => api.delete("/api/v1/auth/me/avatar"), "account.picture_removed"), test: "avatar-remove" }, say("account.picture_remove"))),
      h("span", { className: "meta muted" }, say("account.picture_hint"))),
    h("input", { ref: field, type: "file", accept: PICTURES, className: "sr", tabIndex: -1, "aria-label": say("account.picture_choose"), onChange: send, "data-testid": "avatar-file" }));
};

const Looks = () => {
  const { rawColorMode, setColorMode } = useContext(ColorModeContext);
  return h("div", { className: "ff" }, h("span", { className: "lbl" }, say("common.theme")), h("div", { className: "seg", role: "group", "aria-label": say("common.theme") }, THEMES.map((name) => h("button", { key: name, type: "button", "aria-pressed": rawColorMode === name, onClick: () => setColorMode(name), "data-testid": `theme-${name}` }, say(`account.theme_${name}`)))), h("span", { className: "hint" }, say("account.theme_hint")));
};

const Profile = ({ onChanged }) => {
  const [me, setMe] = useState(null);
  const [failed, setFailed] = useState(null);
  const [draft, setDraft] = useState(null);
  const [errors, setErrors] = useState([]);
  const [busy, setBusy] = useState(false);
  const known = useMemo(zones, []);
  const take = (user) => {
    setMe((now) => ({ ...now, user }));
    onChanged?.();
  };
  const load = async () => {
    setFailed(null);
    try {
      const found = await api.get("/api/v1/auth/me");
      setMe(found);
      setDraft({ full_name: found.user.full_name, locale: found.user.locale, time_zone: found.user.time_zone });
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => {
    load();
  }, []);
  if (failed) return h(Failed, { error: failed, onRetry: load });
  if (!draft) return h(Waiting, { rows: 5 });
  const { user } = me;
  const put = (name) => (value) => setDraft((now) => ({ ...now, [name]: value ?? "" }));
  const dirty = ["full_name", "locale", "time_zone"].some((name) => draft[name].trim() !== user[name]);
  const save = async (event) => {
    event?.preventDefault();
    setBusy(true);
    setErrors([]);
    try {
      const saved = await api.patch("/api/v1/auth/me", draft);
      setDraft({ full_name: saved.full_name, locale: saved.locale, time_zone: saved.time_zone });
      take(saved);
      if (saved.locale !== user.locale) setLang(saved.locale.replace("_", "-"));
      tell(say("account.saved"), "success");
    } catch (error) {
      setErrors(error.errors ?? []);
      tell(problem(error), "error");
    } finally {
      setBusy(false);
    }
  };
  const zoneNames = [...new Set([draft.time_zone, ...known])].filter(Boolean);
  const bad = (name) => errors.some((one) => one.pointer.endsWith(`/${name}`));
  return h(Fragment, null,
    h("section", { className: "sg-card", "aria-label": say("account.picture") }, h(Picture, { user, onUser: take })),
    h("form", { className: "sg-card", onSubmit: save, "data-testid": "profile" },
      h("div", { className: "sg-grid" },
        h(Field, { label: say("auth.full_name"), error: bad("full_name") ? say("auth.error.full_name_invalid") : "" }, h(Text, { value: draft.full_name, onChange: put("full_name"), limit: 120, error: bad("full_name"), autoComplete: "name", required: true, test: "profile-name" })),
        h(Field, { label: say("auth.email"), hint: say("account.email_hint") }, h(Text, { value: user.email, onChange: () => {}, off: true, limit: 320, test: "profile-email" })),
        h(Field, { label: say("common.language"), hint: say("account.language_hint") }, h(Select, { value: draft.locale, options: LANGUAGES.map(([value, key]) => [value, say(key)]), onChange: put("locale"), test: "profile-locale" })),
        h(Field, { label: say("account.time_zone") }, h(Select, { value: draft.time_zone, options: [[null, say("account.time_zone_organization", { zone: me.organization.time_zone.replaceAll("_", " ") })], ...zoneNames.map((zone) => [zone, zone.replaceAll("_", " ")])], onChange: put("time_zone"), test: "profile-zone" }))),
      h("div", { className: "foot" }, h("button", { type: "submit", className: "btn solid", disabled: !dirty, "data-busy": busy ? "true" : undefined, "data-testid": "profile-save" }, say("common.save")))),
    h("section", { className: "sg-card", "aria-label": say("account.looks") }, h("h3", null, say("account.looks")), h(Looks)));
};

/** The page; `onChanged` tells the shell that name or picture are others now. */
export const ProfileRoot = ({ onChanged }) => {
  const lang = useLang();
  const [ready, setReady] = useState(false); // the prepared page is in one language: texts come once the browser's is known
  useEffect(() => setReady(true), []);
  return h("div", { className: "sg-body" }, ready && h(Profile, { key: lang, onChanged }));
};
