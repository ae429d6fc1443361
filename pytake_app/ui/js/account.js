// The person's language lives in their account: a browser where nobody chose takes it from there, a choice goes there.
import { useEffect, useRef } from "react";
import { api } from "$/public/pt_api.js";
import { adoptLang, chosenLang, useLang } from "$/public/pt_i18n.js";
import { adoptZone } from "$/public/pt_zone.js";

const LOCALES = { "pt-BR": "pt_BR", en: "en", es: "es" };

/** `zone`: the person's time zone, in which pages show moments. */
export const AccountLanguage = ({ locale, zone }) => {
  const lang = useLang();
  useEffect(() => adoptZone(zone), [zone]);
  const saved = useRef("");
  useEffect(() => {
    if (!locale) return; // not known yet
    saved.current = locale;
    adoptLang(locale.replace("_", "-"));
  }, [locale]);
  useEffect(() => {
    const wanted = LOCALES[lang];
    if (!locale || chosenLang() !== lang || wanted === saved.current) return;
    saved.current = wanted;
    api.patch("/api/v1/auth/me", { locale: wanted }).catch(() => {
      saved.current = ""; // away for the moment: the next page or choice tries again
    });
  }, [lang, locale]);
  return null;
};
