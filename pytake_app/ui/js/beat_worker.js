// A clock of its own: browsers slow the timers of tabs that nobody looks at, workers' they leave alone.
// `?every=` milliseconds.
setInterval(() => postMessage("beat"), Number(new URL(self.location.href).searchParams.get("every")) || 25000);
