import { TriageState } from "@secuxflow/contracts";
import { z } from "zod";
import type { AlertRow, StoredDetection, TriageRow } from "../domain/alert-row.js";

/** 64-bit numbers come as text from servers that quote them. All of ours are safe integers. */
export const Int = z.coerce.number().int();

const Text = z.string();
const Attributes = z.record(Text, Text);

/* What the queries of clickhouse-alerts.ts answer, checked before the domain sees it. */

const AlertRowShape = z.object({
  id: Int,
  bucket_us: Int,
  gkey: Text,
  first_us: Int,
  last_us: Int,
  n: Int,
  worst: Int,
  module_name: Text,
  rule: Int,
  name: Text,
  class: Text,
  src_address: Text,
  dst_address: Text,
  src_port: Int,
  dst_port: Int,
  protocol: Text,
  way: Text,
  dst_ports: Int,
  attrs: Attributes,
});
export const AlertRows = z.array(AlertRowShape) satisfies z.ZodType<AlertRow[]>;

/** The same with what else `fold` needs. Tuples come as arrays. */
export const KnownRows = z.array(
  AlertRowShape.extend({
    newest_seq: Int,
    attrs_full: Int,
    attrs_us: Int,
    attrs_seq: Int,
    ids: z.array(Text),
  }),
);

export const TriageRows = z.array(
  z.object({
    bucket_us: Int,
    gkey: Text,
    at_us: Int,
    actor: Text,
    state: TriageState,
    note: Text,
    rule_id: Int,
  }),
) satisfies z.ZodType<TriageRow[]>;

export const StoredDetections = z.array(
  z.object({
    id: Text,
    time_us: Int,
    policy: Text,
    inspector: Text,
    module: Text,
    module_version: Text,
    module_digest: Text,
    rule_id: Int,
    rule_name: Text,
    category: Text,
    severity: Int,
    confidence: Int,
    verdict_hint: z.enum(["none", "alert", "drop"]),
    flow_id: Text,
    src: Text,
    dst: Text,
    sport: Int,
    dport: Int,
    proto: Text,
    direction: z.enum(["to_server", "to_client", "unknown"]),
    ifindex: Int,
    vlan: Int,
    forward_id: Int,
    attributes: Attributes,
    packet: Text,
    wire_length: Int,
    eve: Text,
    payload: Text,
    seq: Int,
  }),
) satisfies z.ZodType<StoredDetection[]>;
