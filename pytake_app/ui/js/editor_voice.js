// What screen readers hear about the canvas: one polite live region, and descriptions of blocks in words.
import { createElement as h } from "react";
import { indexOf, portsOf } from "$/public/pt_editor_doc.js";
import { emit, say, specOf, S, useStore } from "$/public/pt_editor.js";
import { kindName, nodeName } from "$/public/pt_editor_model.js";

/** Say something to people who don't see the canvas. */
export const announce = (text) => emit({ said: { text, n: (S.said?.n ?? 0) + 1 } });

/** A block in words: name, kind, exits, problems. */
export const described = (node) => {
  const name = nodeName(node);
  const kind = kindName(node.type);
  const parts = [name === kind ? name : `${name}, ${kind}`];
  const ports = portsOf(specOf(node.type), node.config).filter((port) => port.id !== "error");
  const used = new Set((indexOf(S.doc).out.get(node.id) ?? []).map((edge) => edge.port));
  const free = ports.filter((port) => !used.has(port.id)).length;
  if (ports.length) parts.push(say("canvas.exits", { count: ports.length }));
  if (free) parts.push(say("canvas.free_exits", { count: free }));
  const problems = S.problems.get(node.id);
  if (problems?.errors) parts.push(say("editor.errors", { count: problems.errors }));
  if (problems?.warnings) parts.push(say("editor.warnings", { count: problems.warnings }));
  return parts.join(", ");
};

/** The live region. A space at the end of every other sentence makes the same sentence heard twice. */
export const Voice = () => {
  const said = useStore((s) => s.said ?? null);
  return h("div", { className: "sr", role: "status", "aria-live": "polite", "data-testid": "canvas-said" }, said ? said.text + (said.n % 2 ? "\u00a0" : "") : "");
};
