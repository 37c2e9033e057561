/**
 * The service that the lab protects: a small web shop on plain node:http. It answers attacks as naively as a real one
 * might (it echoes what it was asked), but does nothing with them.
 */
import { createServer } from "node:http";

const [host = "127.0.0.1", port = "8080"] = process.argv.slice(2);

const GOODS = ["lamp", "table", "O'Reilly book", "teapot"];
const BODY_LIMIT = 64 * 1024;
let served = 0;

const server = createServer((request, response) => {
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > BODY_LIMIT) request.destroy();
  });
  request.on("end", () => {
    served += 1;
    const url = new URL(request.url ?? "/", "http://shop");
    const wanted = url.searchParams.get("q") ?? "";
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ served, path: url.pathname, found: GOODS.filter((name) => name.includes(wanted)), bodyBytes: length }));
  });
});

server.listen(Number(port), host, () => {
  console.log(`shop listens on ${host}:${port}`);
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
