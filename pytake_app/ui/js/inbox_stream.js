// The inbox's own ear: the API's WebSocket (api/realtime.py) brings messages and conversations whole, so that nothing has to be
// read again before it is seen. While it is away, the pokes of ui/push.py do, as on every other page.
const SILENT_MS = 60000; // the server says something every 25 s
const FIRST_MS = 500;
const LAST_MS = 30000;
const OVERLAP_MS = 1500; // pokes of what was said before the socket stood may still be on their way

/** `event(event)` hears what happened; `gap()` that something was missed: load again; `up()` that the line stands. */
export const stream = { event: null, gap: null, up: null };

let socket = null;
let wanted = false;
let last = ""; // id of the newest event heard
let since = 0; // when the socket began to tell everything; 0: it doesn't
let heard = 0;
let delay = FIRST_MS;
let timer = null;
let watch = null;

/** Whether the socket tells everything, so that pokes of the same needn't be followed. */
export const streaming = () => since > 0 && Date.now() - since > OVERLAP_MS;

const mark = (live) => {
  since = live ? Date.now() : 0;
  document.documentElement.dataset.stream = live ? "live" : "away"; // for tools that wait for it
};
const dropped = () => {
  socket = null;
  mark(false);
  clearInterval(watch);
  clearTimeout(timer);
  if (!wanted) return;
  timer = setTimeout(connect, delay * (1 + Math.random() / 2));
  delay = Math.min(LAST_MS, delay * 2);
};

const take = (own, event) => {
  if (event.event_id) last = event.event_id;
  if (event.type === "connected") {
    delay = FIRST_MS;
    mark(true);
    stream.up?.();
    if (last && last !== event.last_event_id) own.send(JSON.stringify({ type: "resume", last_event_id: last }));
    else last = event.last_event_id;
  } else if (event.type === "reconnected") {
    last = event.last_event_id ?? last;
    stream.gap?.();
  } else if (event.type === "resumed") last = event.last_event_id;
  else if (event.type === "ping") own.send(JSON.stringify({ type: "pong" }));
  else stream.event?.(event);
};

function connect() {
  const own = new WebSocket(`${window.location.origin.replace(/^http/, "ws")}/api/v1/ws`);
  socket = own;
  heard = Date.now();
  own.onmessage = ({ data }) => {
    if (own !== socket) return;
    heard = Date.now();
    take(own, JSON.parse(data));
  };
  own.onclose = () => own === socket && dropped();
  clearInterval(watch);
  watch = setInterval(() => {
    if (own !== socket || Date.now() - heard < SILENT_MS) return;
    own.close(); // a line that fell silent without a word is only closed by its own end much later
    dropped();
  }, 5000);
}

/** Begin to listen; the inbox is on the screen. */
export const listen = () => {
  if (wanted) return;
  wanted = true;
  delay = FIRST_MS;
  connect();
};
/** The inbox was left: pokes are enough. */
export const hush = () => {
  wanted = false;
  const own = socket;
  last = "";
  dropped();
  own?.close();
};
