import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitUrl } from "./http.js";
import { checkDevice } from "./links.js";
import { isAlive, parseStartTime, startTimeOf, thisOwner } from "../process/owner.js";
import { formatNamespace, parseNamespace } from "./namespace-name.js";
import { RecordReader } from "./records.js";
import { encodeFrames } from "./send.js";

describe("the owner in a namespace's name", () => {
  it("comes back as it was given", () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}$/);
    const owner = fc.record({ pid: fc.integer({ min: 1, max: 4_194_304 }), startTime: fc.nat().map(String) });
    fc.assert(
      fc.property(fc.record({ prefix: part, owner, lab: fc.nat(), name: part }), (id) => {
        expect(parseNamespace(formatNamespace(id))).toEqual(id);
      }),
    );
  });

  it("is not read into names of others", () => {
    for (const name of ["", "web", "sxf.web", "sxf.1-2.web", "sxf.x-2-3.web", "sxf.1-2-3.", "sxf.1-2-3.a.b", "cni-1234"]) {
      expect(parseNamespace(name)).toBeUndefined();
    }
  });

  it("is alive with the right start time only", () => {
    const me = thisOwner();
    expect(isAlive(me)).toBe(true);
    expect(isAlive({ ...me, startTime: "1" })).toBe(false);
    expect(startTimeOf(2 ** 30)).toBeUndefined();
  });

  it("reads the start time past any command name, and none of a zombie", () => {
    const rest = Array.from({ length: 49 }, (_, i) => String(i + 4)).join(" ");
    expect(parseStartTime(`77 (a) R (b c) S ${rest}`)).toBe("22");
    expect(parseStartTime(`77 (node) Z ${rest}`)).toBeUndefined();
  });
});

describe("device names", () => {
  it("are 1 to 15 plain characters", () => {
    for (const good of ["lo", "eth0.100", "a-b_c", "x".repeat(15)]) expect(checkDevice(good)).toBe(good);
    for (const bad of ["", "x".repeat(16), "a b", "a/b", "-h", ".", "..", "ä"])
      expect(() => checkDevice(bad)).toThrow("cannot name an interface");
  });
});

describe("splitUrl", () => {
  it("keeps the path byte for byte", () => {
    expect(splitUrl("http://10.0.0.1:8080/../a?b='%00//")).toEqual({ host: "10.0.0.1", port: 8080, path: "/../a?b='%00//" });
    expect(splitUrl("http://[fd00::1]/")).toEqual({ host: "fd00::1", port: 80, path: "/" });
    expect(splitUrl("http://name")).toEqual({ host: "name", port: 80, path: "/" });
    for (const bad of ["https://a/", "http://", "a", "http://a:x/", "http://fd00::1/"])
      expect(() => splitUrl(bad)).toThrow("is not http://");
  });
});

describe("frames to and from the helper", () => {
  const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 10 });

  it("are length-prefixed", () => {
    expect(encodeFrames([Buffer.from("abc"), Buffer.from("d")])).toEqual(Buffer.from("\x03\0\0\0abc\x01\0\0\0d", "latin1"));
    expect(() => encodeFrames([Buffer.from("a"), Buffer.alloc(0)])).toThrow("frame 1 has 0 bytes");
    expect(() => encodeFrames([Buffer.alloc(262_145)])).toThrow("frame 0 has 262145 bytes");
  });

  it("are read from pieces of any size", () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 50 }), (sent, piece) => {
        const stream = Buffer.concat([record(Buffer.alloc(0), 0), ...sent.map((data, i) => record(data, i))]);
        const reader = new RecordReader();
        expect(reader.ready).toBe(false);
        const read = [];
        for (let at = 0; at < stream.length; at += piece) read.push(...reader.push(stream.subarray(at, at + piece)));
        expect(reader.ready).toBe(true);
        expect(read).toEqual(
          sent.map((data, i) => ({
            data: Buffer.from(data),
            wireLength: data.length + 1,
            direction: i % 2 === 1 ? "out" : "in",
            checksumPending: i % 4 >= 2,
            timeNs: BigInt(i),
          })),
        );
      }),
    );
  });
});

/** `struct record` of native/frames.c; the flags are the lowest two bits of `number`. */
function record(data: Uint8Array, number: number): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(data.length, 0);
  head.writeUInt32LE(data.length === 0 ? 0 : data.length + 1, 4);
  head.writeUInt32LE(number & 3, 8);
  head.writeBigUInt64LE(BigInt(number), 16);
  return Buffer.concat([head, data]);
}
