// What is sent besides words: an approved template with its values, options to press, a place, a contact's card.
import { createElement as h, Fragment, useEffect, useMemo, useRef, useState } from "react";
import { ArrowLeft, ExternalLink, FileText, List, MapPin, Paperclip, Phone, Plus, Reply, Search, Trash2 } from "lucide-react";
import { api } from "$/public/pt_api.js";
import { inbox, useInbox } from "$/public/pt_inbox.js";
import { Btn, Face, IconBtn, keep, kept, Modal, say, sayOf, Sign, tell, wordsOf } from "$/public/pt_inbox_kit.js";
import { Place } from "$/public/pt_inbox_media.js";
import { hueOf, initials, nameOf, phoneText } from "$/public/pt_inbox_model.js";
import { narrowed, templates, useList } from "$/public/pt_inbox_refs.js";
import { BASE, newClientId } from "$/public/pt_inbox_store.js";

const close = () => inbox.closeDialog();
const Cancel = () => h(Btn, { kind: "ghost", onClick: close }, say("common.cancel"));
const Field = ({ label, hint, error, children }) => h("label", { className: "ff" }, h("span", { className: "lbl" }, label), children, hint && h("span", { className: "hint" }, hint), error && h("span", { className: "err", role: "alert" }, error));
const fill = (text, names, values) => String(text).replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name) => values[names.indexOf(name)] || whole);

// ---- templates
const Looks = ({ template, values, header, buttons }) =>
  h("div", { className: "ix-look" },
    h("div", { className: "bub out", "data-testid": "template-preview" },
      template.header && (template.header.format === "TEXT" ? h("div", { className: "hdr" }, template.header.text.replace(/\{\{\s*\w+\s*\}\}/, (whole) => header || whole)) : h("div", { className: "file" }, h(Sign, { of: FileText }), sayOf(`inbox.kind.${template.header.format.toLowerCase()}`, "inbox.kind.document"))),
      h("span", { className: "body" }, fill(template.body, template.variable_names, values)), template.footer && h("div", { className: "foot" }, template.footer)),
    template.buttons.length > 0 && h("div", { className: "opts" }, template.buttons.map((button, i) => h("span", { key: i }, h(Sign, { of: { URL: ExternalLink, PHONE_NUMBER: Phone }[button.type] ?? Reply }), h("span", { className: "ell" }, button.text), buttons[i] ? h("span", { className: "meta muted ell" }, buttons[i]) : null))));

const MEDIA = { IMAGE: "image", VIDEO: "video", DOCUMENT: "document" };
const Values = ({ template, onBack }) => {
  const panel = useInbox("panel");
  const guess = (name) => (/^(1|name|nome|first_name|nombre)$/i.test(name) && panel ? panel.name.split(" ")[0] : "");
  const [values, setValues] = useState(() => template.variable_names.map(guess));
  const [header, setHeader] = useState("");
  const [file, setFile] = useState(null); // {id, name} of the header's own file, without an id while it is on its way
  const input = useRef(null);
  const head = useInbox("head");
  const [buttons, setButtons] = useState(() => template.buttons.map(() => ""));
  const media = template.header ? MEDIA[template.header.format] : null;
  const wants = template.header?.variables > 0 || Boolean(media);
  const missing = values.some((value) => !value.trim()) || (wants && !file?.id && !header.trim()) || template.buttons.some((button, i) => button.variables > 0 && !buttons[i].trim());
  const send = () => {
    const named = template.parameter_format === "NAMED";
    const message = { type: "template", name: template.name, language: template.language,
      ...(values.length ? (named ? { named_body: Object.fromEntries(template.variable_names.map((name, i) => [name, values[i].trim()])) } : { body: values.map((value) => value.trim()) }) : {}),
      ...(wants ? { header: file?.id ? { type: media, media_id: file.id, ...(media === "document" ? { filename: file.name } : {}) } : media ? { type: media, url: header.trim() } : { type: "text", text: header.trim() } } : {}),
      ...(template.buttons.some((button) => button.variables > 0) ? { buttons: template.buttons.flatMap((button, i) => (button.variables > 0 ? [{ index: i, kind: button.type === "COPY_CODE" ? "copy_code" : "url", value: buttons[i].trim() }] : [])) } : {}) };
    inbox.sendContent(message, { type: "template", text: fill(template.body, template.variable_names, values), content: { type: "template", name: template.name, language: template.language, body: values } });
  };
  const put = (list, setList) => (i) => (event) => setList(list.map((old, at) => (at === i ? event.target.value : old)));
  const choose = async ({ target }) => {
    const [chosen] = target.files;
    target.value = "";
    if (!chosen) return;
    setFile({ name: chosen.name });
    try {
      const form = new FormData();
      form.append("file", chosen, chosen.name);
      const kept = await api.post(`${BASE}/${head.id}/uploads`, form);
      setFile({ id: kept.id, name: chosen.name });
    } catch (error) {
      setFile(null);
      tell(wordsOf(error), "error");
    }
  };
  const link = h("input", { className: "input", value: header, onChange: (event) => setHeader(event.target.value), placeholder: media ? "https://" : "", "data-testid": "template-header" });
  const own = () => h("div", { className: "ff" }, h("span", { className: "lbl" }, say(`inbox.kind.${media}`)),
    h("input", { ref: input, type: "file", hidden: true, accept: { image: "image/jpeg,image/png", video: "video/mp4,video/3gpp" }[media], onChange: choose, "data-testid": "template-file" }),
    file ? h("div", { className: "row g6" }, h("span", { className: "tile g-message s" }, h(Sign, { of: FileText })), h("span", { className: "grow ell dense" }, file.name), file.id ? h(IconBtn, { icon: Trash2, small: true, label: say("inbox_more.remove_file", { name: file.name }), onClick: () => setFile(null) }) : h("span", { className: "meta muted" }, say("inbox_more.uploading")))
      : h(Fragment, null, h("div", null, h(Btn, { icon: Paperclip, onClick: () => input.current.click(), test: "template-choose" }, say("inbox_more.template_file"))), h("label", { className: "ff" }, h("span", { className: "hint" }, say("inbox_more.template_or_link")), link)));
  return h(Modal, { title: template.name, onClose: close, wide: true, test: "template-values", foot: h(Fragment, null, h(Btn, { kind: "ghost", icon: ArrowLeft, onClick: onBack }, say("inbox_more.back")), h("span", { className: "grow" }), h(Cancel), h(Btn, { kind: "solid", disabled: missing, onClick: send, test: "template-send" }, say("inbox.send"))) },
    h("div", { className: "ix-two" },
      h("div", { className: "col g12" },
        wants && (media ? own() : h(Field, { label: say("inbox_more.template_header") }, link)),
        template.variable_names.map((name, i) => h(Field, { key: name, label: /^\d+$/.test(name) ? say("inbox_more.template_value", { n: name }) : name }, h("input", { className: "input", autoFocus: i === 0, maxLength: 1024, value: values[i], onChange: put(values, setValues)(i), "data-testid": `value-${name}` }))),
        template.buttons.map((button, i) => button.variables > 0 && h(Field, { key: i, label: say("inbox_more.template_button", { text: button.text }) }, h("input", { className: "input", maxLength: 2000, value: buttons[i], onChange: put(buttons, setButtons)(i) }))),
        !wants && !values.length && h("div", { className: "dense muted" }, say("inbox_more.template_plain"))),
      h(Looks, { template, values, header, buttons })));
};
export const TemplateDialog = () => {
  const all = useList(templates);
  const [query, setQuery] = useState("");
  const [picked, setPicked] = useState(null);
  if (picked) return h(Values, { template: picked, onBack: () => setPicked(null) });
  const found = all ? narrowed(all, query, (one) => `${one.name} ${one.body}`) : [];
  return h(Modal, { title: say("inbox_more.templates"), detail: say("inbox_more.templates_detail"), onClose: close, wide: true, test: "template-dialog", foot: h(Cancel) },
    h("label", { className: "field" }, h(Sign, { of: Search }), h("input", { autoFocus: true, value: query, placeholder: say("inbox_more.find_template"), "aria-label": say("inbox_more.find_template"), onChange: (event) => setQuery(event.target.value), onKeyDown: (event) => event.key === "Enter" && found[0] && setPicked(found[0]), "data-testid": "template-search" })),
    h("div", { className: "ix-picks tall" }, !all ? h("span", { className: "sk l" }) : !found.length ? h("div", { className: "state" }, h("div", { className: "pic" }, h(Sign, { of: FileText, size: "" })), h("div", { className: "str" }, say(all.length ? "inbox.nothing_found" : "inbox_more.no_templates")), h("div", { className: "txt dense" }, say("inbox_more.no_templates_detail")))
      : found.map((one) => h("button", { key: one.id, type: "button", className: "ix-pick lines", onClick: () => setPicked(one), "data-testid": "template" }, h("span", { className: "tile g-message" }, h(Sign, { of: FileText })), h("span", { className: "col grow" }, h("span", { className: "row g6" }, h("span", { className: "dense med ell" }, one.name), h("span", { className: "bdg" }, sayOf(`inbox_more.category.${one.category.toLowerCase()}`, "inbox_more.category.utility")), h("span", { className: "meta muted" }, one.language)), h("span", { className: "meta muted ix-two-lines" }, one.body))))));
};

// ---- options
const LIMITS = { title: 20, row: 24, detail: 72, button: 20, body: 1024, footer: 60 };
const blank = () => ({ id: newClientId().slice(0, 8), title: "", description: "" });
export const OptionsDialog = () => {
  const [kind, setKind] = useState("buttons");
  const [form, setForm] = useState({ header: "", body: "", footer: "", button: say("inbox_more.options_see"), url: "", text: "" });
  const [rows, setRows] = useState([blank(), blank()]);
  const most = kind === "buttons" ? 3 : 10;
  const shown = rows.slice(0, most);
  const named = shown.filter((row) => row.title.trim());
  const limit = kind === "buttons" ? LIMITS.title : LIMITS.row;
  const twice = new Set(named.map((row) => row.title.trim())).size < named.length;
  const bad = !form.body.trim() || (kind === "link" ? !/^https?:\/\/\S+$/.test(form.url.trim()) || !form.text.trim() : !named.length || twice || (kind === "list" && !form.button.trim()));
  const put = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  const putRow = (i, name) => (event) => setRows(rows.map((row, at) => (at === i ? { ...row, [name]: event.target.value } : row)));
  const content = useMemo(() => {
    const base = { body: form.body.trim(), ...(form.footer.trim() ? { footer: form.footer.trim() } : {}), ...(form.header.trim() ? { header: { type: "text", text: form.header.trim() } } : {}) };
    if (kind === "link") return { type: "cta_url", ...base, display_text: form.text.trim(), url: form.url.trim() };
    if (kind === "buttons") return { type: "buttons", ...base, buttons: named.map((row) => ({ id: row.id, title: row.title.trim() })) };
    return { type: "list", ...base, button: form.button.trim(), sections: [{ rows: named.map((row) => ({ id: row.id, title: row.title.trim(), ...(row.description.trim() ? { description: row.description.trim() } : {}) })) }] };
  }, [kind, form, rows]);
  const tab = (name, words) => h("button", { type: "button", role: "tab", "aria-selected": kind === name, onClick: () => setKind(name), "data-testid": `options-${name}` }, words);
  const { type: _, ...parts } = content;
  const message = kind === "link" ? content : { type: "interactive", ...parts };
  const send = () => inbox.sendContent(message, { type: "interactive", text: content.body, content });
  return h(Modal, { title: say("inbox_more.send_options"), onClose: close, wide: true, test: "options-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "solid", disabled: bad, onClick: send, test: "options-send" }, say("inbox.send"))) },
    h("div", { className: "seg", role: "tablist", "aria-label": say("inbox_more.send_options") }, tab("buttons", say("inbox_more.options_buttons")), tab("list", say("inbox_more.options_list")), tab("link", say("inbox_more.options_link"))),
    h("div", { className: "ix-two" },
      h("div", { className: "col g12" },
        h(Field, { label: say("inbox_more.options_body") }, h("textarea", { className: "input", autoFocus: true, rows: 3, maxLength: LIMITS.body, value: form.body, onChange: put("body"), "data-testid": "options-body" })),
        kind === "link" ? h(Fragment, null, h(Field, { label: say("inbox_more.options_link_text") }, h("input", { className: "input", maxLength: LIMITS.title, value: form.text, onChange: put("text") })), h(Field, { label: say("inbox_more.options_link_url") }, h("input", { className: "input", type: "url", value: form.url, placeholder: "https://", onChange: put("url") })))
          : h("div", { className: "col g6" }, h("span", { className: "lbl" }, say(kind === "buttons" ? "inbox_more.options_buttons" : "inbox_more.options_rows")),
            shown.map((row, i) => h("div", { key: row.id, className: "row g6" }, h("input", { className: "input", maxLength: limit, value: row.title, placeholder: say("inbox_more.option_n", { n: i + 1 }), "aria-label": say("inbox_more.option_n", { n: i + 1 }), onChange: putRow(i, "title"), "data-testid": `option-${i}` }), kind === "list" && h("input", { className: "input", maxLength: LIMITS.detail, value: row.description, placeholder: say("inbox_more.option_detail"), "aria-label": say("inbox_more.option_detail"), onChange: putRow(i, "description") }), h(IconBtn, { icon: Trash2, small: true, label: say("inbox_more.option_drop"), disabled: shown.length < 2, onClick: () => setRows(rows.filter((_, at) => at !== i)) }))),
            twice && h("span", { className: "meta t-red", role: "alert" }, say("inbox_more.options_twice")),
            shown.length < most && h("button", { type: "button", className: "link meta row g4", onClick: () => setRows([...shown, blank()]) }, h(Sign, { of: Plus, size: "xs" }), say("inbox_more.option_add"))),
        kind === "list" && h(Field, { label: say("inbox_more.options_open") }, h("input", { className: "input", maxLength: LIMITS.button, value: form.button, onChange: put("button") })),
        h(Field, { label: say("inbox_more.options_footer") }, h("input", { className: "input", maxLength: LIMITS.footer, value: form.footer, onChange: put("footer") }))),
      h("div", { className: "ix-look" }, h("div", { className: "bub out" }, h("span", { className: "body" }, form.body || say("inbox_more.options_body")), form.footer && h("div", { className: "foot" }, form.footer)),
        kind === "list" && h("div", { className: "ix-listbtn meta med" }, h(Sign, { of: List, size: "xs" }), form.button),
        h("div", { className: "opts" }, kind === "link" ? h("span", null, h(Sign, { of: ExternalLink }), form.text || "–") : named.map((row) => h("span", { key: row.id }, row.title))))));
};

// ---- a place
const PLACES = "pytake_inbox_places";
/** Coordinates in what people paste: "-25.43, -49.27", a map's address, geo:. */
export const coordinatesIn = (text) => {
  const found = /[?&](?:q|query|ll|center|destination)=(-?\d{1,2}\.\d+)(?:,|%2C)\s*(-?\d{1,3}\.\d+)/i.exec(text) ?? /@(-?\d{1,2}\.\d+),(-?\d{1,3}\.\d+)/.exec(text) ?? /mlat=(-?\d{1,2}\.\d+)&mlon=(-?\d{1,3}\.\d+)/.exec(text) ?? /(?:^|geo:|\s)(-?\d{1,2}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)(?:\s|$|\?)/.exec(text);
  if (!found) return null;
  const [latitude, longitude] = [Number(found[1]), Number(found[2])];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : null;
};
export const PlaceDialog = () => {
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const [address, setAddress] = useState("");
  const used = kept(PLACES, []);
  const at = coordinatesIn(text);
  const place = at && { ...at, name: name.trim(), address: address.trim() };
  const send = (one) => {
    keep(PLACES, [one, ...used.filter((other) => other.latitude !== one.latitude || other.longitude !== one.longitude)].slice(0, 6));
    const lean = Object.fromEntries(Object.entries(one).filter(([, value]) => value !== ""));
    inbox.sendContent({ type: "location", ...lean }, { type: "location", text: one.name || one.address, location: lean, content: { type: "location", ...lean } });
  };
  return h(Modal, { title: say("inbox_more.send_place"), onClose: close, test: "place-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "solid", disabled: !place, onClick: () => send(place), test: "place-send" }, say("inbox.send"))) },
    used.length > 0 && h("div", { className: "ix-picks" }, used.map((one) => h("button", { key: `${one.latitude},${one.longitude}`, type: "button", className: "ix-pick", onClick: () => send(one), "data-testid": "pick" }, h("span", { className: "tile s" }, h(Sign, { of: MapPin })), h("span", { className: "grow ell dense" }, one.name || one.address || `${one.latitude}, ${one.longitude}`), h("span", { className: "meta muted" }, say("inbox_more.used_before"))))),
    h(Field, { label: say("inbox_more.place_where"), hint: say("inbox_more.place_where_hint"), error: text.trim() && !at ? say("inbox_more.place_unknown") : "" }, h("input", { className: "input", autoFocus: true, value: text, placeholder: "-25.4284, -49.2733", onChange: (event) => setText(event.target.value), "data-testid": "place-where" })),
    h(Field, { label: say("inbox_more.place_name") }, h("input", { className: "input", maxLength: 200, value: name, onChange: (event) => setName(event.target.value), "data-testid": "place-name" })),
    h(Field, { label: say("inbox_more.place_address") }, h("input", { className: "input", maxLength: 300, value: address, onChange: (event) => setAddress(event.target.value) })),
    place && h("div", { className: "bub out ix-lookplace" }, h(Place, { place })));
};

// ---- a contact's card
export const CardDialog = () => {
  const [name, setName] = useState("");
  const [phone, setPhone] = useState("");
  const [company, setCompany] = useState("");
  const [found, setFound] = useState([]);
  useEffect(() => {
    if (name.trim().length < 2) {
      setFound([]);
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => api.get(`/api/v1/contacts/search?q=${encodeURIComponent(name.trim())}&limit=4`, { signal: stop.signal }).then((page) => setFound(page.items.filter((one) => one.phone)), (error) => error.name !== "AbortError" && setFound([])), 200);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [name]);
  const digits = phone.replace(/[^\d+]/g, "");
  const bad = !name.trim() || digits.replace("+", "").length < 8;
  const send = () => {
    const card = { formatted_name: name.trim(), phones: [{ phone: digits.startsWith("+") ? digits : `+${digits}` }], ...(company.trim() ? { organization: company.trim() } : {}) };
    inbox.sendContent({ type: "contacts", contacts: [card] }, { type: "contacts", text: name.trim(), content: { type: "contacts", contacts: [card] } });
  };
  return h(Modal, { title: say("inbox_more.send_card"), onClose: close, test: "card-dialog", foot: h(Fragment, null, h(Cancel), h(Btn, { kind: "solid", disabled: bad, onClick: send, test: "card-send" }, say("inbox.send"))) },
    h(Field, { label: say("inbox_more.card_name") }, h("input", { className: "input", autoFocus: true, maxLength: 120, value: name, onChange: (event) => setName(event.target.value), "data-testid": "card-name" })),
    found.length > 0 && !found.some((one) => one.name === name) && h("div", { className: "ix-picks" }, found.map((one) => h("button", { key: one.id, type: "button", className: "ix-pick", onClick: () => (setName(nameOf(one)), setPhone(`+${one.phone}`)) }, h(Face, { initials: initials(one.name), hue: hueOf(one.id), size: "s" }), h("span", { className: "grow ell dense" }, nameOf(one)), h("span", { className: "meta muted tn" }, phoneText(one.phone))))),
    h(Field, { label: say("inbox_more.card_phone"), hint: say("inbox_more.card_phone_hint") }, h("input", { className: "input", type: "tel", maxLength: 24, value: phone, placeholder: "+55 41 99999-0000", onChange: (event) => setPhone(event.target.value), "data-testid": "card-phone" })),
    h(Field, { label: say("inbox_more.card_company") }, h("input", { className: "input", maxLength: 120, value: company, onChange: (event) => setCompany(event.target.value) })));
};
