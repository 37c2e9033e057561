import { parseAddress } from "@secuxflow/contracts";

const MASK = (1n << 64n) - 1n;
const K1 = 0x9e3779b185ebca87n, K2 = 0xc2b2ae3d27d4eb4fn, K3 = 0x165667b19e3779f9n;

const words = (address: string): [hi: bigint, lo: bigint] => {
  const bytes = parseAddress(address);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return [view.getBigUint64(0), view.getBigUint64(8)];
};

/** `connection_hash` of bpf/include/maglev.h, step by step. `key` is the 16 bytes of the control map. */
export function connectionHash(key: Uint8Array, client: string, service: string, clientPort: number, servicePort: number, proto: number): bigint {
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const [clientHi, clientLo] = words(client), [serviceHi, serviceLo] = words(service);
  let h = ((clientLo ^ view.getBigUint64(0, true)) * K1) & MASK;
  h ^= h >> 32n;
  h = ((h + (clientHi ^ view.getBigUint64(8, true))) * K2) & MASK;
  h ^= h >> 29n;
  h = ((h + serviceLo) * K3) & MASK;
  h ^= h >> 32n;
  h = ((h + serviceHi) * K1) & MASK;
  h ^= h >> 29n;
  h = ((h + (BigInt(clientPort) | (BigInt(servicePort) << 16n) | (BigInt(proto) << 32n))) * K2) & MASK;
  h ^= h >> 32n;
  h = (h * K1) & MASK;
  return h ^ (h >> 29n);
}
