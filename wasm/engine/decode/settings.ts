// Settings of decoding.

/** Link types (pcap's numbers) that decode.ts knows. */
export const LINK_NULL: u32 = 0;
export const LINK_ETHERNET: u32 = 1;
export const LINK_PPP: u32 = 9;
export const LINK_RAW_BSD: u32 = 12;
export const LINK_RAW_OPENBSD: u32 = 14;
export const LINK_RAW: u32 = 101;
export const LINK_CHDLC: u32 = 104;
export const LINK_LOOP: u32 = 108;
export const LINK_SLL: u32 = 113;
export const LINK_IPV4: u32 = 228;
export const LINK_IPV6: u32 = 229;
export const LINK_SLL2: u32 = 276;

/** Link type of the frames from now on. */
export let linkType: u32 = LINK_ETHERNET;
export function setLinkType(type: u32): void {
  linkType = type;
}

/** How deep tunnels are followed; inside deeper ones nothing is looked at. */
export let maxTunnels: u32 = 4;
export function setMaxTunnels(depth: u32): void {
  maxTunnels = min<u32>(depth, 6);
}

/** UDP ports of tunnels, 0 for none: Teredo (any port when 65536), VXLAN (two), Geneve. */
export let teredoPort: u32 = 3544;
export let vxlanPort: u32 = 4789;
export let vxlanPort2: u32 = 8472;
export let genevePort: u32 = 6081;
export function setTunnelPorts(teredo: u32, vxlan: u32, vxlan2: u32, geneve: u32): void {
  teredoPort = teredo;
  vxlanPort = vxlan;
  vxlanPort2 = vxlan2;
  genevePort = geneve;
}
