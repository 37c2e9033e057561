import fc from "fast-check";
import { buildFrame, tcpSession } from "@secuxflow/testkit";
import type { SessionSpec, Turn } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { engines, imageOf } from "./drive.fixture.js";
import type { Engine, Found } from "./drive.fixture.js";

const make = engines();

const client = { ip: "10.0.0.1", port: 40_000 };
const server = { ip: "192.0.2.80", port: 80 };
const session = (turns: readonly Turn[], more: Partial<SessionSpec> = {}): Uint8Array[] =>
  [...tcpSession({ client, server, turns, ...more })].map(({ frame }) => frame);
const datagram = (payload: string | Uint8Array, srcPort = 5000, dstPort = 6000, src = "10.0.0.1"): Uint8Array =>
  buildFrame({ ipv4: { src, dst: "192.0.2.1" }, udp: { srcPort, dstPort }, payload: Buffer.from(payload) });
const sids = (found: readonly Found[]): number[] => found.filter(({ dropped }) => !dropped).map(({ sid }) => sid).sort((a, b) => a - b);
const all = (engine: Engine, frames: readonly Uint8Array[]): number[] => sids([...engine.inspect(frames), ...engine.flush()]);

const GET = "GET /evil/path?x=1 HTTP/1.1\r\nHost: bad.example.com\r\nUser-Agent: Sneaky/1.0\r\nCookie: id=7\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 12\r\n\r\nsecret-bytes";
const exchange = session([{ from: "client", data: GET }, { from: "server", data: OK }]);

describe("datagrams", () => {
  it("are matched by content, ports, addresses and direction", () => {
    const engine = make(`
      alert udp any any -> any 6000 (content:"EVIL"; sid:1;)
      alert udp any any -> any 7000 (content:"EVIL"; sid:2;)
      alert udp 10.0.0.0/8 any -> any any (content:"EVIL"; dsize:>3; sid:3;)
      alert udp !10.0.0.0/8 any -> any any (content:"EVIL"; sid:4;)
      alert udp any any -> any any (content:"EVIL"; flow:to_client; sid:5;)
      alert ip 10.0.0.1 any -> any any (sid:6;)
      alert udp any any <> any 5000 (content:"EVIL"; sid:7;)`);
    expect(all(engine, [datagram("xxEVILxx")])).toEqual([1, 3, 6, 7]);
  });

  it("count for rules on addresses once for a flow and direction", () => {
    expect(all(make("alert ip any any -> any any (sid:1;)"), [datagram("a"), datagram("b"), datagram("c", 5001)])).toEqual([1, 1]);
  });
});

describe("streams", () => {
  it("are matched across segments, once", () => {
    const engine = make('alert tcp any any -> any any (content:"HELLO-WORLD"; content:"END"; distance:0; sid:1;)');
    const data = "xxHELLO-WORLDyy" + "z".repeat(50) + "END";
    expect(all(engine, session([{ from: "client", data, splitAt: [6, 20, 66] }]))).toEqual([1]);
  });

  it("are matched wherever they are cut (property)", () => {
    const rules = 'alert tcp any any -> any any (content:"needle-in-hay"; sid:1;)\nalert tcp any any -> any any (content:"absent"; sid:2;)';
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.uniqueArray(fc.integer({ min: 1, max: 380 }), { maxLength: 12 }), fc.boolean(), (at, cuts, inline) => {
        const data = "x".repeat(at) + "needle-in-hay" + "y".repeat(400 - at);
        const frames = session([{ from: "client", data, splitAt: cuts.sort((a, b) => a - b) }]);
        expect(all(make(rules, inline ? "inline=1" : ""), frames)).toEqual([1]);
      }),
      { numRuns: 40 },
    );
  });

  it("need a handshake for established", () => {
    const rules = 'alert tcp any any -> any any (flow:established,to_server; content:"abc"; sid:1;)';
    expect(all(make(rules), session([{ from: "client", data: "abc" }]))).toEqual([1]);
    expect(all(make(rules, "midstream=0"), session([{ from: "client", data: "abc" }], { handshake: false, end: "none" }))).toEqual([]);
  });
});

describe("HTTP", () => {
  it.each([
    ['http.uri; content:"/evil/";', true],
    ['http.uri; content:"/good/";', false],
    ['http.method; content:"GET"; http.host; content:"bad.example.com";', true],
    ['http.host; dotprefix; content:".example.com"; endswith;', true],
    ['http.host; content:"example.com"; startswith; endswith;', false],
    ['http.user_agent; content:"sneaky"; nocase; http.cookie; content:"id=7";', true],
    ['flow:to_client; http.stat_code; content:"200"; file.data; content:"secret";', true],
    ['flow:to_client; file.data; content:"nothing";', false],
    ['flow:to_client; http.server; content:"nginx"; bsize:5;', true],
    ['http.uri; pcre:"/ev[il]+\\/path/";', true],
    ['http.uri; content:"/evil/"; http.referer; content:"x";', false],
    ['content:"Sneaky"; http.uri; content:"/evil/";', true],
    ['content:"Absent"; http.uri; content:"/evil/";', false],
    ['urilen:>5; http.method; content:"GET";', true],
  ])("%s", (options, expected) => {
    expect(all(make(`alert http any any -> any any (${options} sid:1;)`), exchange)).toEqual(expected ? [1] : []);
  });

  it("tells the transaction", () => {
    const [found] = [...make('alert http any any -> any any (http.uri; content:"/evil/"; sid:1;)').inspect(exchange)];
    expect(found?.eve).toMatchObject({
      app_proto: "http", tx_id: 0, src_ip: "10.0.0.1", dest_port: 80, http: { hostname: "bad.example.com", http_method: "GET" },
    });
  });
});

describe("both directions of a transaction", () => {
  const rule = (header: string, status: string): string =>
    `alert http ${header} (http.uri; content:"/evil/"; http.stat_code; content:"${status}"; fast_pattern; http.server; content:"nginx"; sid:1;)`;

  it("are looked at together by =>, with the request's addresses", () => {
    expect(all(make(rule("any any => any 80", "200")), exchange)).toEqual([1]);
    expect(all(make(rule("any any => any 80", "404")), exchange)).toEqual([]);
    expect(all(make(rule("any 80 => any any", "200")), exchange)).toEqual([]);
  });

  it("may be named where a buffer exists in both", () => {
    const both = (ts: string, tc: string): string =>
      `alert http any any => any any (http.header: to_server; content:"${ts}"; http.header: to_client; content:"${tc}"; sid:1;)`;
    expect(all(make(both("Sneaky", "nginx")), exchange)).toEqual([1]);
    expect(all(make(both("nginx", "Sneaky")), exchange)).toEqual([]);
  });
});

describe("settings", () => {
  const rules = 'alert tcp any any -> any any (content:"needle"; sid:1;)';

  it("inline-window finds again what is near a packet with data", () => {
    const turns = [{ from: "client", data: "needle" }, { from: "client", data: "more" }] as const;
    expect(all(make(rules, "inline=1"), session(turns))).toEqual([1]);
    expect(all(make(rules, "inline=1\ninline-window=2560"), session(turns))).toEqual([1, 1]);
  });

  it("raw-chunk lets few bytes wait for the end", () => {
    const frames = session([{ from: "client", data: "needle" }, { from: "client", data: "x".repeat(100) }], { end: "none" });
    expect(sids(make(rules, "raw-chunk=2560").inspect(frames))).toEqual([]);
    expect(all(make(rules, "raw-chunk=2560"), frames)).toEqual([1]);
  });

  it("os-policy names systems and networks, and nothing else", () => {
    for (const good of ["linux 10.0.0.0/8 2001:db8::/32", "windows 0.0.0.0/0", "bsd ::1"]) make(rules, `os-policy=${good}`);
    for (const bad of ["plan9 10.0.0.0/8", "linux 10.0.0/8", "linux 10.0.0.0/33", "linux 1::2::3", "linux 300.1.1.1"]) {
      expect(() => make(rules, `os-policy=${bad}`)).toThrow();
    }
  });

  it("a conversation that begins with an answer is turned round", () => {
    const answer = session([{ from: "server", data: OK }], { handshake: false, end: "none" });
    const [found] = make('alert http any 80 -> any any (flow:to_client; http.server; content:"nginx"; sid:1;)').inspect(answer);
    expect(found?.eve).toMatchObject({ direction: "to_client", src_port: 80 });
  });
});

describe("what rules leave behind", () => {
  it("flow bits reach later rules of the flow, and only of the flow", () => {
    const engine = make(`
      alert udp any any -> any any (content:"one"; flowbits:set,seen; flowbits:noalert; sid:1;)
      alert udp any any -> any any (content:"two"; flowbits:isset,seen; sid:2;)
      alert udp any any -> any any (content:"two"; flowbits:isnotset,seen; sid:3;)`);
    expect(all(engine, [datagram("one"), datagram("two"), datagram("two", 5001)])).toEqual([2, 3]);
  });

  it("host bits reach other flows of the host", () => {
    const engine = make(`
      alert udp any any -> any any (content:"one"; xbits:set,seen,track ip_src,expire 10; sid:1;)
      alert udp any any -> any any (content:"two"; xbits:isset,seen,track ip_src; sid:2;)`);
    expect(all(engine, [datagram("one"), datagram("two", 5001), datagram("two", 5001, 6000, "10.0.0.2")])).toEqual([1, 2]);
  });

  it.each([
    ["threshold:type limit, track by_src, count 2, seconds 60;", 2],
    ["threshold:type threshold, track by_src, count 2, seconds 60;", 2],
    ["threshold:type both, track by_src, count 3, seconds 60;", 1],
    ["detection_filter:track by_src, count 3, seconds 60;", 2],
  ])("%s", (options, expected) => {
    const engine = make(`alert udp any any -> any any (content:"x"; ${options} sid:1;)`);
    expect(engine.inspect(Array.from({ length: 5 }, () => datagram("x")))).toHaveLength(expected);
    // The window over, it starts anew.
    engine.inspect([datagram("y")], 120_000);
    expect(engine.inspect([datagram("x"), datagram("x"), datagram("x")]).length).toBeGreaterThanOrEqual(options.includes("detection") ? 0 : 1);
  });
});

describe("actions", () => {
  it("pass comes before the others", () => {
    const engine = make('alert udp any any -> any any (content:"x"; sid:1;)\npass udp any any -> any any (content:"ok"; sid:2;)');
    expect(sids(engine.inspect([datagram("x ok")]))).toEqual([]);
    expect(sids(engine.inspect([datagram("x", 5001)]))).toEqual([1]);
  });

  it("drop drops inline what follows in the flow, and only alerts otherwise", () => {
    const rules = 'drop http any any -> any any (http.uri; content:"/evil/"; sid:1;)';
    expect(make(rules).inspect(exchange).filter(({ dropped }) => dropped)).toEqual([]);
    const found = make(rules, "inline=1").inspect(exchange);
    expect(sids(found)).toEqual([1]);
    expect(found.filter(({ dropped }) => dropped).map(({ record }) => record)).toEqual(
      exchange.map((_, i) => i).filter((i) => i >= (found[0]?.record ?? 0)),
    );
  });
});

describe("images", () => {
  it("are swapped between batches, and flows stay", () => {
    const engine = make('alert http any any -> any any (http.uri; content:"/evil/"; sid:1;)');
    engine.inspect(exchange.slice(0, 3));
    expect(engine.load(imageOf('alert http any any -> any any (http.uri; content:"/evil/"; sid:2;)'))).toBe(true);
    expect(sids([...engine.inspect(exchange.slice(3)), ...engine.flush()])).toEqual([2]);
  });

  it("that are damaged are refused, and the old one stays (property)", () => {
    const image = imageOf('alert udp any any -> any any (content:"x"; sid:1;)');
    const engine = make('alert udp any any -> any any (content:"x"; sid:1;)');
    fc.assert(
      fc.property(fc.nat(image.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = image.slice();
        damaged[at] = (damaged[at] ?? 0) ^ change;
        expect(engine.load(damaged)).toBe(false);
      }),
      { numRuns: 30 },
    );
    expect(sids(engine.inspect([datagram("x")]))).toEqual([1]);
  });
});
