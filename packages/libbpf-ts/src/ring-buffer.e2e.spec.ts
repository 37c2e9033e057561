import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, it } from "vitest";
import { ArgumentError, BpfMap, BpfObject, type BpfProgram, ClosedError, recordSize, RingBuffer, walkRecords } from "./index.js";
import { compileFixture, KERNEL, kernelReady, until } from "./testing/fixtures.js";

const packet = Buffer.alloc(64);
const addon = fileURLToPath(new URL("../build/Release/addon.node", import.meta.url));

describe.skipIf(!kernelReady)(`RingBuffer (${KERNEL})`, () => {
  let file = "";
  beforeAll(() => { file = compileFixture("ring"); });

  function producer(settings: { size?: number; discardEvery?: number } = {}): { object: BpfObject; program: BpfProgram; ring: RingBuffer } {
    const object = BpfObject.open(file).setGlobal("discard_every", settings.discardEvery ?? 0);
    if (settings.size !== undefined) object.setMapMaxEntries("ring", settings.size);
    object.load();
    return { object, program: object.program("produce"), ring: new RingBuffer(object.map("ring")) };
  }

  const run = (program: BpfProgram, repeat: number): void => { program.testRun({ data: packet, repeat, dataOutSize: 0 }); };

  /** The model: what the program writes under a number. */
  const lengthOf = (number: number): number => 8 + (number & 127);

  it("delivers 100,000 records in order, none lost, discarded ones left out", async () => {
    const { object, program, ring } = producer({ discardEvery: 3, size: 1 << 18 });
    const buffer = Buffer.alloc(8192); // much less than the ring: batches end in the middle of it
    let next = 0;
    let wrong = 0;
    let callbacks = 0;
    const listener = ring.onReadable(() => {
      callbacks++;
      let result;
      do {
        result = ring.consumeInto(buffer);
        const records = walkRecords(buffer, result.bytes, (offset, length) => {
          if (Number(buffer.readBigUInt64LE(offset)) !== next || length !== lengthOf(next)) wrong++;
          next++;
        });
        if (records !== result.records || result.oversized !== 0) wrong++;
      } while (result.more);
    });
    // Few large runs: each test run of an XDP program costs the kernel some ten milliseconds to set up.
    for (let sent = 2000; sent <= 100_000; sent += 2000) {
      run(program, 2000);
      await until(() => next === sent, `record ${sent}`);
    }
    listener.close();
    expect(wrong).toBe(0);
    expect(next).toBe(100_000);
    expect(callbacks).toBeGreaterThan(0);
    expect(object.getGlobalInteger("sent")).toBe(100_000n);
    expect(object.getGlobalInteger("lost")).toBe(0n);
    expect(ring.pendingBytes()).toBe(0);
    ring.close();
    object.close();
  });

  it("keeps what fits when nobody consumes; the program counts the rest", () => {
    const { object, program, ring } = producer({ size: 4096 });
    run(program, 1000);
    const sent = object.getGlobalInteger("sent");
    const lost = object.getGlobalInteger("lost");
    expect(sent + lost).toBe(1000n);
    expect(lost).toBeGreaterThan(0n);
    expect(ring.size).toBe(4096);
    expect(ring.pendingBytes()).toBeLessThanOrEqual(4096);
    const buffer = Buffer.alloc(8192);
    const result = { ...ring.consumeInto(buffer) };
    expect(BigInt(result.records)).toBe(sent);
    expect(result.more).toBe(false);
    expect(ring.pendingBytes()).toBe(0);
    expect(ring.consumeInto(buffer)).toEqual({ bytes: 0, records: 0, more: false, oversized: 0 });
    // There is room again, and the positions have wrapped around.
    run(program, 5);
    expect(ring.consumeInto(buffer).records).toBe(5);
    ring.close();
    object.close();
  });

  it("fills buffers exactly, never splits a record, and passes over what cannot fit at all", () => {
    const { object, program, ring } = producer();
    run(program, 40); // lengths 8 to 47
    const exact = recordSize(8) + recordSize(9);
    const buffer = Buffer.alloc(exact);
    expect(ring.consumeInto(buffer)).toEqual({ bytes: exact, records: 2, more: true, oversized: 0 });
    const tiny = Buffer.alloc(recordSize(16)); // 24 bytes: numbers 2 to 8 fit one by one
    let records = 0;
    let oversized = 0;
    let rounds = 0;
    let result;
    do {
      result = ring.consumeInto(tiny);
      records += result.records;
      oversized += result.oversized;
      rounds++;
    } while (result.more && rounds < 100);
    expect(records).toBe(7);
    expect(oversized).toBe(31);
    expect(rounds).toBe(7);
    expect(ring.pendingBytes()).toBe(0);
    run(program, 3);
    expect(ring.consumeInto(Buffer.alloc(0))).toEqual({ bytes: 0, records: 0, more: false, oversized: 3 });
    ring.close();
    object.close();
  });

  it("calls again while records are left (level-triggered), and not after close", async () => {
    const { object, program, ring } = producer();
    const small = Buffer.alloc(128);
    let records = 0;
    const listener = ring.onReadable(() => { records += ring.consumeInto(small).records; });
    expect(() => ring.onReadable(() => undefined)).toThrow(/EEXIST/);
    run(program, 100);
    await until(() => records === 100, "all records, some at each callback");
    listener.close();
    listener.close();
    let again = 0;
    const second = ring.onReadable(() => {
      again += ring.consumeInto(Buffer.alloc(65536)).records;
      ring.close(); // inside its own callback
    });
    run(program, 10);
    await until(() => again === 10, "the second listener");
    second.unref().ref();
    second.close();
    expect(records).toBe(100);
    expect(() => ring.consumeInto(small)).toThrow(ClosedError);
    expect(() => ring.pendingBytes()).toThrow(ClosedError);
    expect(() => ring.onReadable(() => undefined)).toThrow(ClosedError);
    ring.close();
    object.close();
  });

  it("goes on after its map and object are closed", () => {
    const { object, program, ring } = producer();
    run(program, 3);
    object.close();
    expect(ring.consumeInto(Buffer.alloc(1024)).records).toBe(3);
    ring.close();
  });

  it("refuses other maps and other buffers", () => {
    const map = BpfMap.create({ type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
    expect(() => new RingBuffer(map)).toThrow(ArgumentError);
    map.close();
    const { object, ring } = producer();
    expect(() => ring.consumeInto(new Uint16Array(8) as unknown as Uint8Array)).toThrow(TypeError);
    expect(() => ring.onReadable("no" as unknown as () => void)).toThrow(ArgumentError);
    ring.close();
    object.close();
  });

  /** Runs in a thread or process of its own: listens to the ring of a map id and reports the first batch. */
  const listening = (id: number, report: string, then = ""): string => `
    const n = require(${JSON.stringify(addon)});
    const ring = n.ringOpen(n.fdFromId("map", ${id}));
    const stats = new Uint32Array(3);
    const code = n.ringListen(ring, () => { n.ringConsume(ring, Buffer.alloc(65536), stats); ${report} });
    if (code !== 0) throw new Error("listen " + code);
    ${then}`;

  it("survives the end of worker threads that listen", async () => {
    const { object, program, ring } = producer();
    const { id } = object.map("ring");
    for (const ending of ["terminate", "exit", "throw"]) {
      const act = ending === "exit" ? "process.exit(0)" : ending === "throw" ? "throw new Error('in callback')" : "";
      const report = `require("worker_threads").parentPort.postMessage(stats[0]); ${act}`;
      const worker = new Worker(listening(id, report, `require("worker_threads").parentPort.postMessage("ready");`), { eval: true });
      const messages: unknown[] = [];
      let ended = false;
      let failure = "";
      worker.on("message", (message) => messages.push(message));
      worker.on("error", (error) => { failure = error.message; });
      worker.on("exit", () => { ended = true; });
      await until(() => messages.length === 1, "the worker is ready");
      run(program, 4);
      await until(() => messages.length >= 2, "the worker's batch");
      expect(messages[1]).toBeGreaterThan(0);
      if (ending === "terminate") await worker.terminate();
      await until(() => ended, `the worker's end by ${ending}`);
      expect(failure).toBe(ending === "throw" ? "in callback" : "");
      // What the worker had not taken is there for the next consumer.
      const left = ring.consumeInto(Buffer.alloc(65536)).records;
      expect(Number(messages[1]) + left).toBeLessThanOrEqual(4);
      run(program, 2);
      expect(ring.consumeInto(Buffer.alloc(65536)).records).toBe(2);
    }
    ring.close();
    object.close();
  });

  it("keeps a process alive, or not", async () => {
    const { object, program, ring } = producer();
    const { id } = object.map("ring");
    const execute = promisify(execFile);
    const unreferenced = await execute(process.execPath, ["-e", listening(id, "", "n.ringRef(ring, false)")], { timeout: 20_000 });
    expect(unreferenced.stderr).toBe("");
    const waiting = execute(process.execPath,
      ["-e", listening(id, "console.log(stats[0]); n.ringUnlisten(ring)")], { timeout: 20_000 });
    run(program, 6);
    expect((await waiting).stdout).toBe("6\n");
    const throwing = execute(process.execPath, ["-e", listening(id, "throw new Error('in callback')")], { timeout: 20_000 });
    run(program, 1);
    await expect(throwing).rejects.toThrow(/in callback/);
    ring.close();
    object.close();
  });
});
