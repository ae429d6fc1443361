// A long press of a finger: what the right button is for a mouse.
import { useMemo } from "react";

const HOLD = 500; // ms
const STILL = 12; // px a finger may tremble
const OWN = "button, input, textarea, [role=menu], .react-flow__handle"; // what has a long press of its own, or none

/**
 * Handlers for an element; `onPress(point, target)` is called once per finger that has rested. The tap that ends it is swallowed.
 *
 * How long a finger rested is read from its own events, not only from our timer: on a slow phone the timer comes after the finger has
 * gone. Browsers with a long press of their own (Chrome says `contextmenu`, perhaps before our timer) and those without (Safari) do the
 * same, and after it the finger moves nothing under the menu.
 */
export const useLongPress = (onPress) =>
  useMemo(() => {
    let timer = 0;
    let start = null; // the resting finger: {id, x, y, at, target}
    let fired = false;
    const stop = () => {
      clearTimeout(timer);
      timer = 0;
      start = null;
    };
    const fire = () => {
      const { x, y, target } = start;
      stop();
      fired = true;
      navigator.vibrate?.(10);
      onPress({ x, y }, target);
    };
    const away = (event) => Math.hypot(event.clientX - start.x, event.clientY - start.y) > STILL;
    const same = (event) => start && event.pointerId === start.id;
    return {
      onPointerDownCapture: (event) => {
        fired = false;
        stop();
        if (event.pointerType !== "touch" || !event.isPrimary || event.target.closest(OWN)) return;
        start = { id: event.pointerId, x: event.clientX, y: event.clientY, at: event.timeStamp, target: event.target };
        timer = setTimeout(fire, Math.max(0, HOLD - (performance.now() - event.timeStamp)));
      },
      onPointerMoveCapture: (event) => same(event) && away(event) && stop(),
      onPointerUpCapture: (event) => {
        if (!same(event)) return;
        if (event.timeStamp - start.at >= HOLD && !away(event)) fire();
        else stop();
      },
      onPointerCancelCapture: (event) => same(event) && stop(),
      onTouchStartCapture: (event) => event.touches.length > 1 && stop(),
      onTouchMoveCapture: (event) => fired && event.stopPropagation(),
      onContextMenuCapture: (event) => {
        if (event.nativeEvent.pointerType !== "touch" || event.target.closest(OWN)) return;
        event.preventDefault();
        event.stopPropagation();
        if (start) fire();
      },
      onClickCapture: (event) => {
        if (!fired || event.detail === 0) return; // a key's click is not the finger's
        fired = false;
        event.preventDefault();
        event.stopPropagation();
      },
    };
  }, []);
