// What is kept of unsent messages over pages of one browser: `bun unsent.js <folder>`. Each import is a page of its own.
import { storage } from "./storage.js";
const folder = process.argv[2];
const page = (n) => import(`${folder}/pt_inbox_unsent.js?page=${n}`);
globalThis.localStorage = storage();

const one = await page(1);
one.unsentOf("ana");
const text = { client_id: "a", text: "Oi", status: "sending", created_at: new Date().toISOString(), body: { text: "Oi" } };
const old = { ...text, client_id: "old", created_at: new Date(Date.now() - 2 * 86400000).toISOString() };
one.putUnsent("c1", text);
one.putUnsent("c1", { ...text, client_id: "b", status: "unsent", problem: "offline" });
one.putUnsent("c1", { ...text, client_id: "file", upload: {} });
one.putUnsent("c2", old);
one.putUnsent("c2", { ...text, client_id: "arrived" });
one.dropUnsent("c2", "arrived");
one.dropUnsent("c2", "unknown");

const two = await page(2);
const before = two.allUnsent().length;
two.unsentOf("ana");
const three = await page(3);
three.unsentOf("juliana");
const brief = (id, all) => all.unsentIn(id).map(({ client_id: name, status, problem }) => [name, status, problem]);
console.log(JSON.stringify({ here: brief("c1", one), before, after: brief("c1", two), old: brief("c2", two), other: three.allUnsent().length, order: one.allUnsent().map(([id, message]) => `${id}:${message.client_id}`) }));
two.dropUnsent("c1", "a");
two.dropUnsent("c1", "b");
console.log(JSON.stringify({ left: Object.keys(globalThis.localStorage.all()) }));
