// The sound of something new, once per person and not per tab.
import { keep, kept } from "$/public/pt_inbox_kit.js";

const RANG = "pytake_inbox_rang";
let audio = null;
/** Two short tones. */
export const chime = () => {
  try {
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume();
    const at = audio.currentTime;
    for (const [i, tone] of [[0, 660], [1, 880]]) {
      const [wave, loud] = [audio.createOscillator(), audio.createGain()];
      wave.frequency.value = tone;
      loud.gain.setValueAtTime(0.0001, at + i * 0.11);
      loud.gain.exponentialRampToValueAtTime(0.12, at + i * 0.11 + 0.015);
      loud.gain.exponentialRampToValueAtTime(0.0001, at + i * 0.11 + 0.22);
      wave.connect(loud).connect(audio.destination);
      wave.start(at + i * 0.11);
      wave.stop(at + i * 0.11 + 0.25);
    }
  } catch {
    audio = null; // no sound device: the other signs remain
  }
};

// Of several tabs one rings: the first that writes the message's id down. A visible tab goes first.
/** Whether this tab is the one that rings for `id`. */
export const first = async (id) => {
  await new Promise((go) => setTimeout(go, document.visibilityState === "visible" ? 0 : 40 + Math.random() * 160));
  if (kept(RANG, "") === id) return false;
  keep(RANG, id);
  return true;
};
