// Pokes from the server (ui/push.py) for whoever listens in this tab. A poke says what changed; listeners re-read it by REST.
import { useContext, useEffect, useRef } from "react";
import { EventLoopContext } from "$/utils/context";

const listeners = new Set();
let lastFrame = 0;

const tell = (pokes) => {
  const gap = pokes.some((poke) => poke.topic === "live:reconnected");
  for (const { prefix, fn } of [...listeners]) {
    const mine = gap ? [{ topic: "live:reconnected" }] : pokes.filter((poke) => poke.topic.startsWith(prefix));
    if (mine.length > 0) fn(mine);
  }
};

/** Call `fn(pokes)` for topics that start with `prefix`, and with `[{topic: "live:reconnected"}]` after a gap: reload then.
 * Returns the function that stops it. */
export const onPoke = (prefix, fn) => {
  const entry = { prefix, fn };
  listeners.add(entry);
  return () => listeners.delete(entry);
};

/** Receives the state variable that the server writes, and notices when the socket came back. */
export const LiveBridge = ({ pokes }) => {
  const [, connectErrors] = useContext(EventLoopContext);
  const lost = connectErrors.length > 0;
  const wasLost = useRef(false);
  useEffect(() => {
    const frame = pokes?.[0]?.frame ?? 0;
    if (frame && frame !== lastFrame) {
      lastFrame = frame;
      tell(pokes);
    }
  }, [pokes]);
  useEffect(() => {
    if (wasLost.current && !lost) tell([{ topic: "live:reconnected" }]);
    wasLost.current = lost;
  }, [lost]);
  return null;
};

export const OnPoke = ({ prefix, onPoke: handler }) => {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => onPoke(prefix, (pokes) => latest.current?.([...new Set(pokes.map((poke) => poke.topic))])), [prefix]);
  return null;
};
