// Findings put together for reading: the words of a trigger that something else answers to, by what that is.
import { S, say } from "$/public/pt_editor.js";
import { nodeOf } from "$/public/pt_editor_doc.js";
import { findingText } from "$/public/pt_editor_model.js";

const CONFLICTS = { keyword_in_flow: "rows.words_in_flow", keyword_in_rule: "rows.words_in_rule" };
const SHOWN = 8; // words written out

/** The findings with those about words of one trigger and one other flow (or auto-reply) as one; that one has `words`.
 * `index` is a finding's place in the list. */
export const grouped = (findings) => {
  const groups = new Map();
  const result = [];
  findings.forEach((finding, index) => {
    if (!(finding.code in CONFLICTS)) {
      result.push({ ...finding, index });
      return;
    }
    const key = [finding.code, finding.node_id, finding.params?.owner].join("\u0000");
    const found = groups.get(key);
    if (found) found.words.push(String(finding.params?.word ?? ""));
    else {
      const first = { ...finding, index, words: [String(finding.params?.word ?? "")] };
      groups.set(key, first);
      result.push(first);
    }
  });
  return result;
};

/** A finding, or several as one, as a sentence. */
export const groupText = (finding) => {
  if (!finding.words || finding.words.length < 2) return findingText(finding);
  const shown = finding.words.slice(0, SHOWN).map((word) => `“${word}”`).join(", ");
  return say(CONFLICTS[finding.code], { count: finding.words.length, owner: finding.params?.owner ?? "", words: finding.words.length > SHOWN ? `${shown}…` : shown });
};

/** The trigger's words without those of a group. */
export const wordsLeft = (finding) => {
  const gone = new Set(finding.words);
  const words = nodeOf(S.doc, finding.node_id)?.config.words;
  return (Array.isArray(words) ? words : []).filter((word) => !gone.has(String(word).slice(0, 80)));
};

/** Is it about a text in another language? */
export const ofTranslation = (finding) => finding.code.startsWith("translation_");
