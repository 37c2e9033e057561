/** LEB128, unsigned. */
function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? byte + 128 : byte);
  } while (rest > 0);
  return bytes;
}

/** A copy of a wasm binary with a custom section appended. */
export function withCustomSection(wasm: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  const title = new TextEncoder().encode(name);
  const head = [...leb128(title.byteLength), ...title];
  const section = [0, ...leb128(head.length + content.byteLength), ...head];
  const out = new Uint8Array(wasm.byteLength + section.length + content.byteLength);
  out.set(wasm);
  out.set(section, wasm.byteLength);
  out.set(content, wasm.byteLength + section.length);
  return out;
}
