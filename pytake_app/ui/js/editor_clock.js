// Moments in the organization's time zone: `S.zone`, asked for once.
import { api } from "$/public/pt_api.js";
import { getLang } from "$/public/pt_i18n.js";
import { emit, S } from "$/public/pt_editor.js";
import { inZone as written } from "$/public/pt_zone.js";

let asked = false;

/** Learn the organization's time zone, once. */
export const loadZone = async () => {
  if (asked || S.zone) return;
  asked = true;
  try {
    const me = await api.get("/api/v1/auth/me");
    emit({ zone: me.organization?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone });
  } catch {
    asked = false; // the browser's own zone serves until the next time
  }
};

/** A moment in the organization's time zone, as people here say it. */
export const when = (value) => inZone(value, { dateStyle: "medium", timeStyle: "short" });

/** The zone that moments are shown in. */
export const zoneNow = () => S.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
/** A moment written with `options` of Intl, in the organization's zone. */
export const inZone = (value, options) => written(getLang(), value, options, zoneNow());
