// Applies operations as the browser does. Reads [{document, operations}] from standard input, writes the documents.
const { applyAll } = await import(process.argv[2]);
const cases = JSON.parse(await new Response(Bun.stdin.stream()).text());
console.log(JSON.stringify(cases.map(({ document, operations }) => applyAll(document, operations))));
