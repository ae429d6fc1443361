// A small store for a page: raw state in, slices of plain values out. A component renders again only when its slice changed.
import { createElement as h, useEffect, useRef, useSyncExternalStore } from "react";

/** `next`, with every part that equals its counterpart in `old` replaced by that counterpart. */
const share = (next, old) => {
  if (Object.is(next, old)) return old;
  if (!next || !old || typeof next !== "object" || typeof old !== "object" || Array.isArray(next) !== Array.isArray(old)) return next;
  const keys = Object.keys(next);
  const out = Array.isArray(next) ? [] : {};
  let equal = keys.length === Object.keys(old).length;
  for (const key of keys) {
    out[key] = share(next[key], old[key]);
    equal = equal && key in old && out[key] === old[key];
  }
  return equal ? old : out;
};

/** `state` is changed through `set(patch)` only; `compute(state)` makes the slices, each an object of plain values. */
export const makeStore = (state, compute) => {
  const listeners = new Set();
  let slices = compute(state);
  const first = slices; // what the prepared page shows: a part of it may wake up after the first answer has come
  const subscribe = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const get = (name) => () => slices[name];
  return {
    state,
    set: (patch) => {
      Object.assign(state, patch);
      slices = share(compute(state), slices);
      listeners.forEach((listener) => listener());
    },
    use: (name) => useSyncExternalStore(subscribe, get(name), () => first[name]),
  };
};

/** A component that renders `view` with `item` = the slice. */
export const sliceOf = (store) => ({ slice, view: View }) => h(View, { item: store.use(slice) });

/** A text box bound to `state.form[name]`: `write(name, value)` on each change, `submit()` on Enter. */
export const fieldOf = (store, write, submit) => ({ name, label, placeholder, secret, mono, first, limit }) => {
  const form = store.use("form");
  const box = useRef(null);
  useEffect(() => {
    if (!first) return undefined;
    const wait = requestAnimationFrame(() => box.current?.focus());
    return () => cancelAnimationFrame(wait);
  }, []);
  return h("input", {
    ref: box,
    className: mono ? "input mono" : "input",
    type: secret ? "password" : "text",
    autoComplete: secret ? "new-password" : "off",
    spellCheck: false,
    maxLength: limit,
    value: form.values[name] ?? "",
    placeholder,
    "aria-label": label,
    "aria-invalid": form.errors[name] ? "true" : undefined,
    "data-testid": `field-${name}`,
    onChange: (event) => write(name, event.target.value),
    onKeyDown: (event) => {
      if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
      event.preventDefault();
      submit();
    },
  });
};

/** Puts `text` on the clipboard, also where the modern way is missing (plain http); says whether it worked. */
export const copyText = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = Object.assign(document.createElement("textarea"), { value: text });
    (document.querySelector('[role="dialog"]') ?? document.body).append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }
};

/** Calls `fn` every `ms` while the tab is looked at, and when it is looked at again. Returns the function that stops it. */
export const whileVisible = (ms, fn) => {
  const seen = () => document.visibilityState === "visible" && fn();
  const timer = setInterval(seen, ms);
  document.addEventListener("visibilitychange", seen);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", seen);
  };
};
