/** Frames that are nearly right: Ethernet, IP and transport headers with payloads of text and noise, cut, and damaged. */

/** The same seed gives the same frames. Generator: mulberry32 (public domain). */
export function randomFrames(seed: number, count: number): Uint8Array[] {
  let state = seed >>> 0;
  const below = (n: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 2 ** 32) * n);
  };
  const texts = ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "SSH-2.0-x\r\n", "\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x00\x00\x01\x00\x01", ""];
  return Array.from({ length: count }, () => {
    const payload = below(2) === 0 ? Buffer.from(texts[below(texts.length)] ?? "", "latin1") : Buffer.from(Array.from({ length: below(400) }, () => below(256)));
    const frame = below(3) === 0 ? ipv6(payload, below) : ipv4(payload, below);
    // Three in four are left whole.
    for (let changes = below(4) === 0 ? 1 + below(6) : 0; changes > 0; changes--) frame[below(frame.length)] = below(256);
    return Uint8Array.from(below(6) === 0 ? frame.subarray(0, below(frame.length + 1)) : frame);
  });
}

function transport(payload: Buffer, proto: number, below: (n: number) => number): Buffer {
  const header = Buffer.alloc(proto === 6 ? 20 : 8);
  const ports = [53, 80, 443, 22, 40_000 + below(4)];
  header.writeUInt16BE(ports[below(5)] ?? 1, 0);
  header.writeUInt16BE(ports[below(5)] ?? 1, 2);
  if (proto === 6) {
    header.writeUInt32BE(below(2 ** 16), 4);
    header.set([0x50, below(64), 0xff, 0xff], 12);
  } else header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

function ipv4(payload: Buffer, below: (n: number) => number): Buffer {
  const proto = below(3) === 0 ? 17 : 6;
  const body = transport(payload, proto, below);
  const head = Buffer.alloc(34);
  head.set([8, 0, 0x45], 12);
  head.writeUInt16BE(20 + body.length, 16);
  head.set([below(8) === 0 ? 0x20 : 0, 0, 64, proto], 20);
  head.set([10, 0, 0, below(4), 10, 0, 0, below(4)], 26);
  return Buffer.concat([head, body]);
}

function ipv6(payload: Buffer, below: (n: number) => number): Buffer {
  const proto = below(3) === 0 ? 17 : 6;
  const body = transport(payload, proto, below);
  const head = Buffer.alloc(54);
  head.set([0x86, 0xdd, 0x60], 12);
  head.writeUInt16BE(body.length, 18);
  head.set([proto, 64, 0x20, 1, 0x0d, 0xb8], 20);
  head[37] = below(4);
  head.set([0x20, 1, 0x0d, 0xb8], 38);
  head[53] = below(4);
  return Buffer.concat([head, body]);
}
