/** FNV-1a of a name's UTF-8 bytes: flow bits and the like are kept by it, so that they outlive the rules that set them. */
export function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
