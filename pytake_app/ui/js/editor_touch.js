// A long press of a finger: what the right button is for a mouse.
import { useMemo } from "react";

const HOLD = 550; // ms
const STILL = 10; // px a finger may tremble

/** Handlers for an element; `onPress(point, target)` is called once the finger has rested. The tap that ends it is swallowed. */
export const useLongPress = (onPress) =>
  useMemo(() => {
    let timer = 0;
    let start = null;
    let fired = false;
    const stop = () => {
      clearTimeout(timer);
      timer = 0;
    };
    return {
      onPointerDownCapture: (event) => {
        fired = false;
        stop();
        if (event.pointerType !== "touch" || !event.isPrimary || event.target.closest("button, input, textarea, [role=menu], .react-flow__handle")) return;
        start = { x: event.clientX, y: event.clientY };
        const { target } = event;
        timer = setTimeout(() => {
          timer = 0;
          fired = true;
          navigator.vibrate?.(10);
          onPress(start, target);
        }, HOLD);
      },
      onPointerMoveCapture: (event) => timer && Math.hypot(event.clientX - start.x, event.clientY - start.y) > STILL && stop(),
      onPointerUpCapture: stop,
      onPointerCancelCapture: stop,
      onTouchStartCapture: (event) => event.touches.length > 1 && stop(),
      onClickCapture: (event) => {
        if (!fired) return;
        fired = false;
        event.preventDefault();
        event.stopPropagation();
      },
    };
  }, []);
