// What a template says, from what the platform told of it: filled texts, header, footer, buttons.
import { S, sayOr } from "$/public/pt_editor.js";

const PLACE = /\{\{\s*(\w+)\s*\}\}/g;

/** The placeholders of a text in order: `1`, `2`, or names. */
export const placeholders = (text) => [...new Set([...String(text ?? "").matchAll(PLACE)].map((found) => found[1]))];

/** A part that is a text, or has one. */
export const textOf = (part) => (typeof part === "string" ? part : (part?.text ?? ""));

/** A text with its placeholders filled, in order or by `named`; what has no value stays as it is. */
export const filled = (text, values, named = {}) => {
  const names = placeholders(text);
  return String(text ?? "").replace(PLACE, (all, name) => named[name] || values[names.indexOf(name)] || all);
};

/** The placeholders of the body that want a value. */
export const slotsOf = (template) => {
  if (template.variable_names?.length) return template.variable_names;
  const found = placeholders(textOf(template.body));
  return found.length ? found : Array.from({ length: Number(Array.isArray(template.variables) ? template.variables.length : template.variables) || 0 }, (_, i) => String(i + 1));
};

const isReply = (button) => /quick/i.test(button.type ?? button.kind ?? "quick_reply");
/** The buttons that a contact answers with: `{title, place}`, the place among all of the template's buttons. */
export const repliesOf = (template) => (template.buttons ?? []).map((button, place) => ({ button, title: textOf(button.text ?? button.title ?? button), place })).filter(({ button }) => isReply(button)).map(({ title, place }) => ({ title, place }));

const named = (names) => names.filter((name) => !/^\d+$/.test(name));
/** What a block keeps of the template so that each value finds its place: names of placeholders, place of the variable link. */
export const partsOf = (template) => {
  const link = (template.buttons ?? []).findIndex((button) => !isReply(button) && button.variables > 0);
  return { body_names: named(slotsOf(template)), header_name: named(placeholders(textOf(template.header)))[0] ?? "", url_place: link < 0 ? null : link };
};

/** `none`, `text` (one that wants a value), or the kind of file that stands on top. */
export const headerOf = (template) => {
  const kind = String(template.header?.format ?? "NONE").toLowerCase();
  if (kind === "text") return placeholders(textOf(template.header)).length ? "text" : "none";
  return ["image", "video", "document"].includes(kind) ? kind : "none";
};

/** Reply buttons for a block: ids of those of the same title stay, then those of the same place. One that `sends` knows
 * their places too. */
export const buttonsFor = (template, kept, sends = true) => {
  const replies = repliesOf(template);
  const titles = replies.map(({ title }) => title);
  const ids = titles.map((title) => kept.find((button) => button?.title === title)?.id);
  titles.forEach((_, i) => {
    if (!ids[i] && kept[i]?.id && !ids.includes(kept[i].id)) ids[i] = kept[i].id;
  });
  for (let i = 0, n = 1; i < titles.length; i += 1) {
    while (!ids[i]) {
      if (!ids.includes(`button_${n}`)) ids[i] = `button_${n}`;
      n += 1;
    }
  }
  return replies.map(({ title, place }, i) => ({ id: ids[i], title, ...(sends ? { place } : {}) }));
};

/** Does a block have other reply buttons than the template? */
export const buttonsDiffer = (template, buttons) => repliesOf(template).map(({ title }) => title).join("\n") !== buttons.map((button) => button?.title ?? "").join("\n");

/** Does a block (`config`) send its values to other places than the template has? */
export const partsDiffer = (template, config) => {
  const parts = partsOf(template);
  const kept = config.buttons ?? [];
  return [...parts.body_names].sort().join() !== [...(config.body_names ?? [])].sort().join() || parts.header_name !== (config.header_name ?? "")
    || repliesOf(template).some(({ place }, i) => kept[i] && (kept[i].place ?? i) !== place)
    || (parts.url_place !== null && Boolean(config.url_suffix) && (config.url_place ?? kept.length) !== parts.url_place);
};

/** A known template by name, in this language where there is one. */
export const templateNamed = (name, language) => {
  const all = (S.refs?.flowId === S.flowId ? S.refs.data.templates : []).filter((template) => template.name === name);
  return all.find((template) => template.language === language) ?? (language === undefined ? all[0] : undefined);
};

const ICONS = { URL: "external-link", PHONE_NUMBER: "phone", COPY_CODE: "copy", OTP: "copy" };

/** A sent template as a whole message: `{header, image, icon, text, footer, buttons}`; null when it isn't known here.
 * Buttons that nothing comes back from are `inert`. */
export const sentLook = (content) => {
  const template = templateNamed(content.name, content.language);
  if (!template) return null;
  const file = String(template.header?.format ?? "").toUpperCase();
  const given = content.header && content.header.type !== "text" ? content.header.filename || content.header.url : "";
  const answers = (content.buttons ?? []).filter((button) => button.kind === "quick_reply");
  let next = 0;
  return {
    header: file === "TEXT" || textOf(template.header) ? filled(textOf(template.header), content.header?.text ? [content.header.text] : []) : "",
    image: file && file !== "TEXT" ? given || sayOr(`editor.kind_${file.toLowerCase()}`, file) : "",
    icon: { VIDEO: "film", DOCUMENT: "file-text", LOCATION: "map-pin" }[file] ?? "image",
    text: filled(textOf(template.body), content.body ?? [], content.named_body ?? {}),
    footer: textOf(template.footer),
    buttons: (template.buttons ?? []).map((button) => {
      const title = textOf(button.text ?? button.title ?? button);
      if (!isReply(button)) return { id: "", title, inert: true, icon: ICONS[String(button.type).toUpperCase()] ?? "external-link" };
      const answer = answers[next];
      next += 1;
      return { id: answer?.value ?? "", title, inert: !answer, icon: "" };
    }),
  };
};
