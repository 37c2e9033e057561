// What an alert says besides its rule: the members of an EVE event that only the module knows, as JSON.

import { startsFold } from "../../sdk/assembly/bytes";
import { appEve } from "../app/app";
import { putNumber } from "../app/bytes";
import {
  JsonWriter, jsonArray, jsonArrayEnd, jsonBool, jsonBytes, jsonBytesIf, jsonClose, jsonItem, jsonMark, jsonNumber, jsonObject,
  jsonOpen, jsonRewind, jsonStart, jsonText,
} from "../app/json";
import { AppTx } from "../app/conn";
import { base64Encode } from "../codec/base64";
import { give, take } from "../core/memory";
import { File, fileAt } from "../app/file";
import { PROTO_HTTP, PROTO_UNKNOWN, Tx } from "../core/tx";
import { Flow } from "../flow/flow";
import { httpBuffer, httpBufferLen, httpFindHeader } from "../http/http";
import {
  BUF_CONTENT_TYPE, BUF_HOST_RAW, BUF_LOCATION, BUF_METHOD, BUF_PROTOCOL, BUF_REFERER, BUF_URI_RAW, BUF_USER_AGENT, HttpFile,
  HttpTx, messageOf,
} from "../http/types";
import { MAX_PACKETS, PF_REASSEMBLED, PF_REWRITTEN, PF_TEREDO, Packet, packetDst, packetSlot, packetSrc } from "../decode/packet";
import { destinationAddress, destinationPort, direction, flow, packet, proto, sourceAddress, sourcePort, state } from "./context";
import { FlowState } from "./flow-state";
import { protocolName, transportName } from "./protocol-names";
import { nameOf } from "./rules";

const writerAt = memory.data(32, 8);
const text = memory.data(64);
/** Longest EVE object: what does not fit is left out from the end. */
const LONGEST: u32 = 16384;

/** Writes the object to `ptr`; its length, 0 when there was no room. `tx` 0 without one. */
export function writeEve(
  ptr: usize, room: u32, tx: usize, stream: bool, pseudo: bool, allowed: bool, verdict: u32, gid: u32, dropReason: u32,
): u32 {
  const out = changetype<JsonWriter>(writerAt);
  if (room < 1024) return 0;
  jsonStart(out, ptr, min(room, LONGEST));
  jsonOpen(out);
  addresses(out);
  source(out, pseudo);
  const hasFlow = changetype<usize>(flow) != 0;
  jsonText(out, "direction", direction == 0 ? "to_server" : "to_client");
  jsonNumber(out, "stream", stream ? 1 : 0);
  if (gid != 1) jsonNumber(out, "gid", gid);
  jsonObject(out, "alert");
  jsonText(out, "action", allowed ? "allowed" : "blocked");
  jsonClose(out);
  jsonObject(out, "verdict");
  jsonText(out, "action", verdict == 0 ? "alert" : verdict == 1 ? "drop" : verdict == 3 ? "pass" : "drop");
  if (verdict == 2 || verdict == 4 || verdict == 5) rejectOf(out, verdict);
  jsonClose(out);
  if (dropReason != 0) {
    jsonObject(out, "drop");
    jsonText(out, "reason", reasonName(dropReason));
    jsonClose(out);
  }
  if (hasFlow) {
    protocols(out);
    flowObject(out);
    metadata(out);
  }
  tunnel(out);
  vlans(out);
  if (tx != 0) transaction(out, tx);
  packetBytes(out, pseudo);
  jsonClose(out);
  return out.overflow ? 0 : out.len;
}

function rejectOf(out: JsonWriter, verdict: u32): void {
  jsonArray(out, "reject");
  const what = proto == 6 ? "tcp-reset" : "icmp-prohib";
  for (let i = 0; i < what.length; i++) store<u8>(text + i, <u8>what.charCodeAt(i));
  jsonItem(out, text, what.length);
  jsonArrayEnd(out);
  const target = verdict == 2 ? "to_client" : verdict == 4 ? "to_server" : "both";
  jsonText(out, "reject-target", target);
  jsonText(out, "reject_target", target);
}

/** Names of Packet.dropReason, and those of this room: 32 rules, 33 the flow's rule, 34 the parser, 35 a rate. */
function reasonName(reason: u32): string {
  if (reason == 1) return "stream error";
  if (reason == 2) return "stream midstream";
  if (reason == 3) return "stream memcap";
  if (reason == 4) return "stream reassembly";
  if (reason == 5) return "flow memcap";
  if (reason == 6) return "defrag memcap";
  if (reason == 7) return "defrag error";
  if (reason == 8) return "decode error";
  if (reason == 9 || reason == 33) return "flow drop";
  if (reason == 34) return "applayer error";
  if (reason == 35) return "threshold detection_filter";
  return "rules";
}

function addresses(out: JsonWriter): void {
  jsonBytes(out, "src_ip", text, addressText(sourceAddress()));
  const ports = proto == 6 || proto == 17 || proto == 132;
  if (ports) jsonNumber(out, "src_port", sourcePort);
  jsonBytes(out, "dest_ip", text, addressText(destinationAddress()));
  if (ports) jsonNumber(out, "dest_port", destinationPort);
  jsonText(out, "proto", transportName(proto));
  if (changetype<usize>(packet) != 0 && (proto == 1 || proto == 58)) {
    jsonNumber(out, "icmp_type", packet.icmpType);
    jsonNumber(out, "icmp_code", packet.icmpCode);
  }
}

/** An address as Suricata writes it: dotted, or eight groups of four digits. Length of what is at `text`. */
function addressText(at: usize): u32 {
  let n: u32 = 0;
  if (load<u64>(at) == 0 && load<u32>(at, 8) == 0xffff0000) {
    for (let i: u32 = 12; i < 16; i++) {
      const v: u32 = load<u8>(at + i);
      if (v >= 100) store<u8>(text + n++, 48 + v / 100);
      if (v >= 10) store<u8>(text + n++, 48 + (v / 10) % 10);
      store<u8>(text + n++, 48 + (v % 10));
      if (i < 15) store<u8>(text + n++, 46);
    }
    return n;
  }
  for (let i: u32 = 0; i < 16; i++) {
    const v: u32 = load<u8>(at + i);
    store<u8>(text + n++, hex(v >> 4));
    store<u8>(text + n++, hex(v & 15));
    if ((i & 1) != 0 && i < 15) store<u8>(text + n++, 58);
  }
  return n;
}

function hex(v: u32): u32 {
  return v < 10 ? 48 + v : 87 + v;
}

function protocols(out: JsonWriter): void {
  if (flow.app != PROTO_UNKNOWN) jsonText(out, "app_proto", protocolName(flow.app));
  if (flow.appToServer != flow.app && flow.appToServer != PROTO_UNKNOWN)
    jsonText(out, "app_proto_ts", protocolName(flow.appToServer));
  if (flow.appToClient != flow.app && flow.appToClient != PROTO_UNKNOWN)
    jsonText(out, "app_proto_tc", protocolName(flow.appToClient));
}

function flowObject(out: JsonWriter): void {
  jsonObject(out, "flow");
  jsonNumber(out, "pkts_toserver", flow.packetsToServer);
  jsonNumber(out, "pkts_toclient", flow.packetsToClient);
  jsonNumber(out, "bytes_toserver", flow.bytesToServer);
  jsonNumber(out, "bytes_toclient", flow.bytesToClient);
  jsonBytes(out, "start", text, <u32>(putNumber(text, flow.startNs) - text));
  jsonBytes(out, "src_ip", text, addressText(changetype<usize>(flow) + offsetof<Flow>("client0")));
  jsonBytes(out, "dest_ip", text, addressText(changetype<usize>(flow) + offsetof<Flow>("server0")));
  if (proto == 6 || proto == 17 || proto == 132) {
    jsonNumber(out, "src_port", flow.clientPort);
    jsonNumber(out, "dest_port", flow.serverPort);
  }
  jsonClose(out);
}

function metadata(out: JsonWriter): void {
  if (state == 0) return;
  const s = changetype<FlowState>(state);
  if (s.bitCount == 0 && s.intCount == 0) return;
  const ids = countOf(s, TRAFFIC_ID);
  const labels = countOf(s, TRAFFIC_LABEL);
  if (ids + labels != 0) {
    jsonObject(out, "traffic");
    if (ids != 0) bitsOf(out, "id", s, TRAFFIC_ID);
    if (labels != 0) bitsOf(out, "label", s, TRAFFIC_LABEL);
    jsonClose(out);
  }
  jsonObject(out, "metadata");
  if (countOf(s, "") != 0) bitsOf(out, "flowbits", s, "");
  if (s.intCount != 0) {
    jsonObject(out, "flowints");
    for (let i: u32 = 0; i < s.intCount; i++) {
      const name = nameOf(load<u32>(s.ints + (<usize>i << 3)));
      if (name != 0) namedNumber(out, <usize>(<u32>name), <u32>(name >> 32), load<u32>(s.ints + (<usize>i << 3), 4));
    }
    jsonClose(out);
  }
  jsonClose(out);
}

/** Flow bits with these names label the traffic. */
const TRAFFIC_ID: string = "traffic/id/";
const TRAFFIC_LABEL: string = "traffic/label/";

/** Whether a name is in the family: starts with the prefix or, without one, with neither of the two. */
function inFamily(name: u64, prefix: string): bool {
  if (name == 0) return false;
  const at = <usize>(<u32>name);
  const n = <u32>(name >> 32);
  if (prefix.length != 0) return startsFold(at, n, prefix);
  return !startsFold(at, n, TRAFFIC_ID) && !startsFold(at, n, TRAFFIC_LABEL);
}

function countOf(s: FlowState, prefix: string): u32 {
  let n: u32 = 0;
  for (let i: u32 = 0; i < s.bitCount; i++) if (inFamily(nameOf(load<u32>(s.bits + (<usize>i << 2))), prefix)) n++;
  return n;
}

function bitsOf(out: JsonWriter, key: string, s: FlowState, prefix: string): void {
  jsonArray(out, key);
  const skip = <u32>prefix.length;
  for (let i: u32 = 0; i < s.bitCount; i++) {
    const name = nameOf(load<u32>(s.bits + (<usize>i << 2)));
    if (inFamily(name, prefix)) jsonItem(out, <usize>(<u32>name) + skip, <u32>(name >> 32) - skip);
  }
  jsonArrayEnd(out);
}

/** A member whose name is bytes: the writer's names are literals, so an item and what follows it. */
function namedNumber(out: JsonWriter, name: usize, len: u32, value: u32): void {
  jsonItem(out, name, len);
  if (out.len + 12 > out.capacity) {
    out.overflow = true;
    return;
  }
  store<u8>(out.ptr + out.len++, 58);
  let digits: u32 = 0;
  let rest = value;
  do {
    store<u8>(text + 63 - digits++, 48 + (rest % 10));
    rest /= 10;
  } while (rest != 0);
  memory.copy(out.ptr + out.len, text + 64 - digits, digits);
  out.len += digits;
}

/** Where the packet came from, when it is not the frame itself. */
function source(out: JsonWriter, pseudo: bool): void {
  if (pseudo) {
    jsonText(out, "pkt_src", "stream (flow timeout)");
    return;
  }
  if (changetype<usize>(packet) == 0) return;
  if ((packet.flags & PF_REASSEMBLED) != 0) {
    jsonText(out, "pkt_src", "defrag");
    return;
  }
  const outer = outerOf();
  if (outer == 0) return;
  const around = changetype<Packet>(outer);
  if ((packet.flags & PF_TEREDO) != 0) jsonText(out, "pkt_src", "teredo tunnel");
  else if (around.proto == 47) jsonText(out, "pkt_src", "gre tunnel");
  else if (around.proto == 17) jsonText(out, "pkt_src", around.dport == 6081 ? "geneve tunnel" : "vxlan tunnel");
  else jsonText(out, "pkt_src", around.family == 4 ? "ipv4 tunnel" : "ipv6 tunnel");
}

/** Longest packet that is told. */
const MOST_PACKET: u32 = 9216;

/** The packet's bytes where they are not those of the frame: put together from fragments, or changed. */
function packetBytes(out: JsonWriter, pseudo: bool): void {
  if (pseudo || changetype<usize>(packet) == 0 || (packet.flags & (PF_REASSEMBLED | PF_REWRITTEN)) == 0) return;
  const p = packet;
  const whole = (p.flags & PF_REASSEMBLED) != 0;
  const outer = packetSlot(0);
  // The frame's headers before IP go along where there is no tunnel between.
  const head: u32 = whole && p.depth == 0 && outer.ip > outer.frame ? <u32>(outer.ip - outer.frame) : 0;
  const from = whole ? p.ip : p.frame;
  const len = whole ? p.ipLen : p.frameLen;
  if (head > 256 || len > MOST_PACKET) return;
  const joined = take(head + len);
  const coded = take((head + len + 3) / 3 * 4);
  if (joined != 0 && coded != 0) {
    memory.copy(joined, outer.frame, head);
    memory.copy(joined + head, from, len);
    const mark = jsonMark(out);
    jsonBytes(out, "packet", coded, base64Encode(joined, head + len, coded));
    if (out.overflow) jsonRewind(out, mark);
  }
  give(joined);
  give(coded);
}

/** The packet that the one at hand was inside of, or 0. */
function outerOf(): usize {
  if (changetype<usize>(packet) == 0 || packet.depth == 0) return 0;
  for (let n = MAX_PACKETS; n > 0; n--) {
    const p = packetSlot(n - 1);
    if (changetype<usize>(p) < changetype<usize>(packet) && p.depth == packet.depth - 1) return changetype<usize>(p);
  }
  return 0;
}

/** The outer packet of a tunnel. */
function tunnel(out: JsonWriter): void {
  const at = outerOf();
  if (at == 0) return;
  const outer = changetype<Packet>(at);
  jsonObject(out, "tunnel");
  jsonBytes(out, "src_ip", text, addressText(packetSrc(outer)));
  jsonNumber(out, "src_port", outer.sport);
  jsonBytes(out, "dest_ip", text, addressText(packetDst(outer)));
  jsonNumber(out, "dest_port", outer.dport);
  jsonText(out, "proto", transportName(outer.proto));
  jsonNumber(out, "depth", packet.depth);
  jsonClose(out);
}

function vlans(out: JsonWriter): void {
  if (changetype<usize>(packet) == 0 || packet.vlans == 0) return;
  jsonArray(out, "vlan");
  const n = packet.vlans;
  for (let i: u32 = 0; i < n && out.len + 16 < out.capacity; i++) {
    if (i != 0) store<u8>(out.ptr + out.len++, 44);
    const id = i == 0 ? packet.vlan0 : i == 1 ? packet.vlan1 : packet.vlan2;
    out.len = <u32>(putNumber(out.ptr + out.len, id) - out.ptr);
  }
  jsonArrayEnd(out);
}

const FORWARDED = memory.data<u8>([120, 45, 102, 111, 114, 119, 97, 114, 100, 101, 100, 45, 102, 111, 114]); // x-forwarded-for

function transaction(out: JsonWriter, tx: usize): void {
  jsonNumber(out, "tx_id", changetype<Tx>(tx).id);
  const mark = jsonMark(out);
  if (changetype<Tx>(tx).proto == PROTO_HTTP) {
    http(out, tx);
    const client = httpFindHeader(tx, 0, FORWARDED, 15);
    if (client != 0 && httpBufferLen <= 256) jsonBytesIf(out, "xff", client, httpBufferLen);
  } else {
    appEve(tx, direction, out);
    appFiles(out, tx);
  }
  if (out.overflow) jsonRewind(out, mark);
}

function http(out: JsonWriter, tx: usize): void {
  const t = changetype<HttpTx>(tx);
  jsonObject(out, "http");
  httpText(out, tx, "hostname", BUF_HOST_RAW, 0);
  httpText(out, tx, "url", BUF_URI_RAW, 0);
  httpText(out, tx, "http_user_agent", BUF_USER_AGENT, 0);
  let type = httpBuffer(tx, BUF_CONTENT_TYPE, 1);
  let n: u32 = 0;
  while (type != 0 && n < httpBufferLen && load<u8>(type + n) != 59) n++;
  jsonBytesIf(out, "http_content_type", type, n);
  httpText(out, tx, "http_refer", BUF_REFERER, 0);
  httpText(out, tx, "http_method", BUF_METHOD, 0);
  httpText(out, tx, "protocol", BUF_PROTOCOL, 0);
  if (t.status != 0) jsonNumber(out, "status", t.status);
  httpText(out, tx, "redirect", BUF_LOCATION, 1);
  jsonNumber(out, "length", messageOf(tx, 1).bodyBytes);
  jsonClose(out);
  files(out, tx);
}

function httpText(out: JsonWriter, tx: usize, key: string, buffer: u32, dir: u32): void {
  const at = httpBuffer(tx, buffer, dir);
  jsonBytesIf(out, key, at, min<u32>(httpBufferLen, 2048));
}

function files(out: JsonWriter, tx: usize): void {
  let file = messageOf(tx, direction).files;
  if (file == 0) return;
  jsonArray(out, "files");
  for (let i = 0; i < 8 && file != 0; i++) {
    const f = changetype<HttpFile>(file);
    jsonOpen(out);
    jsonBytesIf(out, "filename", f.name, f.nameLen);
    jsonBool(out, "gaps", false);
    jsonText(out, "state", f.state == 0 ? "UNKNOWN" : f.state == 1 ? "CLOSED" : "TRUNCATED");
    jsonBool(out, "stored", false);
    jsonNumber(out, "size", f.size);
    jsonNumber(out, "tx_id", changetype<Tx>(tx).id);
    jsonClose(out);
    file = f.next;
  }
  jsonArrayEnd(out);
}

function appFiles(out: JsonWriter, tx: usize): void {
  if (changetype<AppTx>(tx).files == 0) return;
  jsonArray(out, "files");
  for (let i: u32 = 0; i < 8; i++) {
    const at = fileAt(changetype<AppTx>(tx), direction, i);
    if (at == 0) break;
    const f = changetype<File>(at);
    jsonOpen(out);
    jsonBytesIf(out, "filename", f.name, f.nameLen);
    jsonBool(out, "gaps", f.gap);
    jsonText(out, "state", !f.closed ? "UNKNOWN" : f.short || f.gap ? "TRUNCATED" : "CLOSED");
    jsonBool(out, "stored", false);
    jsonNumber(out, "size", f.size);
    jsonNumber(out, "tx_id", changetype<Tx>(tx).id);
    jsonClose(out);
  }
  jsonArrayEnd(out);
}
