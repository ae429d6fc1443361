// One's own account: picture, name, language, time zone, looks.
import { createElement as h, Fragment, useContext, useMemo, useRef, useState } from "react";
import { ImageUp, Trash2 } from "lucide-react";
import { ColorModeContext } from "$/utils/context";
import { api } from "$/public/pt_api.js";
import { setLang } from "$/public/pt_i18n.js";
import { Btn, Face, say, sayOf, tell } from "$/public/pt_inbox_kit.js";
import { EmailField } from "$/public/pt_email_confirmation.js";
import { Field, Select, Text } from "$/public/pt_queue_fields.js";
import { faceOf, Failed, known, languages, SettingsPage, useRead, Waiting, zoneName } from "$/public/pt_settings_kit.js";

const THEMES = ["light", "dark", "system"];
const PICTURES = "image/jpeg,image/png,image/webp,image/gif";
const problem = (error) => sayOf(`account.problem.${error?.code ?? "unknown"}`, "account.problem.unknown");
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
    h(Face, { ...faceOf(user), hue: "jade", size: "xl" }),
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
  const [me, failed, load, setMe] = useRead(() => api.get("/api/v1/auth/me"));
  const [changed, setChanged] = useState({});
  const [errors, setErrors] = useState([]);
  const [busy, setBusy] = useState(false);
  const zones = useMemo(() => known("timeZone"), []);
  if (failed) return h(Failed, { error: failed, onRetry: load });
  if (!me) return h(Waiting, { rows: 5 });
  const { user } = me;
  const draft = { full_name: user.full_name, locale: user.locale, time_zone: user.time_zone, ...changed };
  const take = (saved) => {
    setMe((now) => ({ ...now, user: saved }));
    onChanged?.();
  };
  const put = (name) => (value) => setChanged((now) => ({ ...now, [name]: value ?? "" }));
  const dirty = ["full_name", "locale", "time_zone"].some((name) => draft[name].trim() !== user[name]);
  const save = async (event) => {
    event?.preventDefault();
    setBusy(true);
    setErrors([]);
    try {
      const saved = await api.patch("/api/v1/auth/me", draft);
      setChanged({});
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
  const zoneNames = [...new Set([draft.time_zone, ...zones])].filter(Boolean);
  const bad = (name) => errors.some((one) => one.pointer.endsWith(`/${name}`));
  return h(Fragment, null,
    h("section", { className: "sg-card", "aria-label": say("account.picture") }, h(Picture, { user, onUser: take })),
    h("form", { className: "sg-card", onSubmit: save, "data-testid": "profile" },
      h("div", { className: "sg-grid" },
        h(Field, { label: say("auth.full_name"), error: bad("full_name") ? say("auth.error.full_name_invalid") : "" }, h(Text, { value: draft.full_name, onChange: put("full_name"), limit: 120, error: bad("full_name"), autoComplete: "name", required: true, test: "profile-name" })),
        h(EmailField, { email: user.email, onEmail: (email) => take({ ...user, email }) }),
        h(Field, { label: say("common.language"), hint: say("account.language_hint") }, h(Select, { value: draft.locale, options: languages(), onChange: put("locale"), test: "profile-locale" })),
        h(Field, { label: say("account.time_zone") }, h(Select, { value: draft.time_zone, options: [[null, say("account.time_zone_organization", { zone: zoneName(me.organization.time_zone) })], ...zoneNames.map((zone) => [zone, zoneName(zone)])], onChange: put("time_zone"), test: "profile-zone" }))),
      h("div", { className: "foot" }, h("button", { type: "submit", className: "btn solid", disabled: !dirty, "data-busy": busy ? "true" : undefined, "data-testid": "profile-save" }, say("common.save")))),
    h("section", { className: "sg-card", "aria-label": say("account.looks") }, h("h3", null, say("account.looks")), h(Looks)));
};

/** The page; `onChanged` tells the shell that name, picture or time zone are others now. */
export const ProfileRoot = ({ onChanged }) => h(SettingsPage, { of: Profile, onChanged });
