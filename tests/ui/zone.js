// Answers questions about moments: one JSON object in, one out. `folder` holds the browser's modules.
const [folder] = process.argv.slice(2);
const { dayOf, daysAway, fromWall, inZone, toWall } = await import(`${folder}/pt_zone.js`);
const asked = JSON.parse(await Bun.stdin.text());
const answers = asked.map(([what, value, zone, more]) => {
  if (what === "day") return dayOf(value, zone);
  if (what === "away") return daysAway(value, more);
  if (what === "wall") return toWall(new Date(value), zone);
  if (what === "moment") return fromWall(value, zone)?.toISOString() ?? null;
  return inZone(more, value, { hour: "2-digit", minute: "2-digit" }, zone);
});
console.log(JSON.stringify(answers));
