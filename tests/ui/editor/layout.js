// Lays documents out with the editor's own code, again and again; see test_layout.py.
const { arranged } = await import(process.argv[2]);
const { applyAll } = await import(process.argv[3]);
const size = (node) => (node.type === "group" ? { width: node.config.width, height: node.config.height } : { width: 256, height: 96 + 28 * (node.id.length % 4) });
const found = JSON.parse(await Bun.stdin.text()).map((doc) => {
  const once = applyAll(doc, arranged(doc, size));
  return { nodes: once.nodes, again: arranged(once, size) };
});
console.log(JSON.stringify(found));
