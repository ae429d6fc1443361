// A clock of its own: browsers slow the timers of tabs that nobody looks at, workers' they leave alone.
setInterval(() => postMessage("beat"), 25000);
