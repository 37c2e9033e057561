export { waitFor, WaitTimeoutError, type WaitOptions } from "./util/wait-for.js";
export { tempDir, type TempDir } from "./util/temp-dir.js";
export { freePort } from "./util/free-port.js";
export { repoRoot } from "./util/repo-root.js";
export { hasTool, requireTool, toolPath, ToolMissingError } from "./process/tools.js";
export { LogTail } from "./process/log-tail.js";
export { Child, ChildExitError, describeExit, type ChildOptions, type ExitStatus } from "./process/child.js";
export { CommandError, runCommand, type CommandOptions, type CommandResult } from "./process/command.js";
export { spawnService, type Service, type ServiceOptions } from "./process/service.js";
export {
  canKernel,
  needs,
  problemWith,
  REQUIRE_VARIABLE,
  RequirementError,
  skipReason,
  type Requirement,
} from "./requirements/requirements.js";
export { NatsServer, natsServerVersion, NatsUnsupportedError, type NatsServerOptions } from "./nats/nats-server.js";
export { readNatsInfo, type NatsInfo } from "./nats/info.js";
export { Lab } from "./lab/lab.js";
export { simpleLab, type SimpleLab } from "./lab/simple-lab.js";
export type { Namespace, SpawnOptions } from "./lab/namespace.js";
export type { Interface, LinkEnd, LinkSpec } from "./lab/links.js";
export type { Capture, CaptureOptions } from "./lab/capture.js";
export type { CapturedFrame } from "./lab/records.js";
export type { SendOptions } from "./lab/send.js";
export {
  httpGet,
  httpRequest,
  httpServer,
  HttpFailedError,
  type HttpRequestOptions,
  type HttpResponse,
  type HttpServer,
  type SeenRequest,
} from "./lab/http.js";
export { buildFrame, buildNetwork } from "./packet/build.js";
export { flagBits, tcpOptions } from "./packet/build-transport.js";
export { buildFragments } from "./packet/fragment.js";
export { tcpSession, type Peer, type SessionFrame, type SessionSpec, type Side, type Turn } from "./packet/tcp-session.js";
export {
  decodeFrame,
  type DecodedArp,
  type DecodedExtension,
  type DecodedFrame,
  type DecodedIpv4,
  type DecodedIpv6,
  type DecodedVlan,
} from "./packet/decode.js";
export type { DecodedIcmp, DecodedTcp, DecodedUdp, TransportCheck } from "./packet/decode-transport.js";
export { internetChecksum, pseudoHeader, type ChecksumOverride } from "./packet/checksum.js";
export { ipv4ToBytes, ipv4ToText, ipv6ToBytes, ipv6ToText, macToBytes, macToText } from "./packet/addresses.js";
export {
  ETHERTYPE,
  FrameSpecError,
  PROTOCOL,
  type ArpSpec,
  type EthSpec,
  type FrameSpec,
  type IcmpSpec,
  type Ipv4Spec,
  type Ipv6Extension,
  type Ipv6Spec,
  type TcpSpec,
  type UdpSpec,
  type VlanSpec,
} from "./packet/spec.js";
export { readPcap } from "./pcap/read.js";
export { pcapPieces, writePcap, type PcapInput, type PcapWriteOptions } from "./pcap/write.js";
export { LINKTYPE, MAX_PACKET_BYTES, PcapError, type PcapErrorCode, type PcapPacket } from "./pcap/format.js";
