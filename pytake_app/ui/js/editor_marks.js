// What versions and runs put on cards and edges of the canvas, and the pieces of their panels that need a browser.
import { createElement as h, useEffect } from "react";
import { useLang } from "$/public/pt_i18n.js";
import { say, useStore } from "$/public/pt_editor.js";
import { edgeMark, followVersions, nodeMark, versions } from "$/public/pt_editor_versions.js";
import { edgeFigures, followRuns, nodeFigures, runs } from "$/public/pt_editor_runs.js";

/** At a card's foot: its figures in the runs tab, what became of it in a comparison. */
export const CardMark = ({ id }) => {
  useLang();
  const figures = useStore(() => nodeFigures(id));
  const mark = useStore(() => nodeMark(id));
  if (figures) return h("div", { className: "rfoot", "data-heat": figures.heat, "data-testid": `figures-${id}` }, h("span", { className: "str tn" }, figures.count), h("span", { className: figures.bold ? "med" : "" }, figures.text));
  if (mark) return h("div", { className: "dmark", "data-kind": mark, "data-testid": `mark-${id}` }, mark === "same" ? null : h("span", { className: "dword" }, say(`versions.kind_${mark}`)));
  return null;
};

/** What an edge shows instead of its name in the runs tab, and how it is drawn; null elsewhere. */
export const useEdgeLook = (id, source, port) => {
  const figures = useStore(() => edgeFigures(source, port));
  const mark = useStore(() => edgeMark(id));
  if (figures) return { className: "flowing", style: { strokeWidth: figures.width }, label: figures.count ? [h("b", { key: "c" }, figures.count), figures.share && h("span", { key: "s" }, figures.share)] : null };
  return mark ? { className: `diff-${mark}`, style: undefined, label: undefined } : null;
};

/** The legend of the runs tab, over the canvas. */
export const RunLegend = () => {
  useLang();
  const on = useStore((s) => s.overlay === "runs" && Boolean(s.runs?.stats?.started) && !s.runs.run);
  if (!on) return null;
  const key = (heat, word) => h("span", { className: "row g6" }, h("i", { className: "sw8", "data-heat": heat }), say(word));
  return h("div", { className: "rlegend dense", "data-testid": "run-legend" }, h("span", { className: "muted" }, say("runs.legend")), key("", "runs.legend_low"), key("amber", "runs.legend_some"), key("red", "runs.legend_many"));
};

/** Keeps the store's versions and runs in step with the page. */
export const useMarks = () => {
  useEffect(() => {
    const ends = [followVersions(), followRuns()];
    return () => ends.forEach((end) => end());
  }, []);
};

const select = (props, choices) => h("select", { ...props, className: "input" }, choices.map((one) => h("option", { key: one.value, value: one.value }, one.label)));

/** A choice of the runs tab: `days`, `version` or `channel`. */
export const RunFilter = ({ name, value, choices, label }) => select({ value, "aria-label": label, "data-testid": `runs-${name}`, onChange: (event) => runs.filter(name, event.target.value) }, choices);

/** A side of a comparison: `base` or `target`. */
export const CompareSide = ({ side, value, choices, label }) => select({ value, "aria-label": label, "data-testid": `compare-${side}`, onChange: (event) => versions.side(side, event.target.value) }, choices);

/** What becomes of those who wait at a block. */
export const ParkedChoice = ({ node, value, choices, label }) => select({ value, "aria-label": label, "data-testid": `parked-${node}`, onChange: (event) => versions.choose(node, event.target.value) }, choices);

/** The time of a publication for later, by the organization's clock. */
export const PublishTime = ({ value, label }) => h("input", { type: "datetime-local", className: "input", value, required: true, "aria-label": label, "data-testid": "publish-at", onChange: (event) => versions.at(event.target.value) });
