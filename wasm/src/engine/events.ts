// Names of what decoding and TCP tracking can find wrong, as Suricata rules name them after `decode-event:` and `stream-event:`.
// A name's place in its list is its number; wasm/engine/decode/events.ts has the same numbers (a test compares them).

/** Events of decoding and defragmentation; numbers 0 to 191. The last block is ours, Suricata has no names for it. */
export const DECODE_EVENTS: readonly string[] = [
  ...named("ipv4", "pkt_too_small hlen_too_small iplen_smaller_than_hlen trunc_pkt opt_invalid opt_invalid_len opt_malformed"),
  ...named("ipv4", "opt_pad_required opt_eol_required opt_duplicate opt_unknown wrong_ip_version icmpv6"),
  ...named("icmpv4", "pkt_too_small unknown_type unknown_code ipv4_trunc_pkt ipv4_unknown_ver"),
  ...named("icmpv6", "unknown_type unknown_code pkt_too_small ipv6_unknown_version ipv6_trunc_pkt"),
  ...named("icmpv6", "mld_message_with_invalid_hl unassigned_type experimentation_type"),
  ...named("ipv6", "pkt_too_small trunc_pkt trunc_exthdr exthdr_dupl_fh exthdr_useless_fh exthdr_dupl_rh exthdr_dupl_hh"),
  ...named("ipv6", "exthdr_dupl_dh exthdr_dupl_ah exthdr_dupl_eh exthdr_invalid_optlen wrong_ip_version"),
  ...named("ipv6", "exthdr_ah_res_not_null hopopts_unknown_opt hopopts_only_padding dstopts_unknown_opt"),
  ...named("ipv6", "dstopts_only_padding rh_type_0 zero_len_padn fh_non_zero_reserved_field data_after_none_header"),
  ...named("ipv6", "unknown_next_header icmpv4"),
  ...named("tcp", "pkt_too_small hlen_too_small invalid_optlen opt_invalid_len opt_duplicate"),
  ...named("udp", "pkt_too_small hlen_too_small hlen_invalid len_invalid"),
  "sll.pkt_too_small",
  "sll2.pkt_too_small",
  ...named("ethernet", "pkt_too_small unknown_ethertype"),
  ...named("ppp", "pkt_too_small vju_pkt_too_small ip4_pkt_too_small ip6_pkt_too_small wrong_type unsup_proto"),
  ...named("pppoe", "pkt_too_small wrong_code malformed_tags"),
  ...named("gre", "pkt_too_small wrong_version version0_recur version0_flags version0_hdr_too_big version0_malformed_sre_hdr"),
  ...named("gre", "version1_chksum version1_route version1_ssr version1_recur version1_flags version1_no_key"),
  ...named("gre", "version1_wrong_protocol version1_malformed_sre_hdr version1_hdr_too_big"),
  ...named("vlan", "header_too_small unknown_type too_many_layers"),
  "ieee8021ah.header_too_small",
  ...named("vntag", "header_too_small unknown_type"),
  "ipraw.invalid_ip_version",
  ...named("ltnull", "pkt_too_small unsupported_type"),
  "sctp.pkt_too_small",
  "esp.pkt_too_small",
  "ipv4.frag_pkt_too_large",
  "ipv6.frag_pkt_too_large",
  "ipv4.frag_overlap",
  "ipv6.frag_overlap",
  "ipv6.frag_invalid_length",
  "ipv4.frag_ignored",
  "ipv6.frag_ignored",
  ...named("ipv6", "ipv4_in_ipv6_too_small ipv4_in_ipv6_wrong_version ipv6_in_ipv6_too_small ipv6_in_ipv6_wrong_version"),
  ...named("mpls", "header_too_small pkt_too_small bad_label_router_alert bad_label_implicit_null bad_label_reserved"),
  "mpls.unknown_payload_type",
  "vxlan.unknown_payload_type",
  "geneve.unknown_payload_type",
  ...named("erspan", "header_too_small unsupported_version too_many_vlan_layers"),
  "dce.pkt_too_small",
  "chdlc.pkt_too_small",
  ...named("nsh", "header_too_small unsupported_version bad_header_length reserved_type unsupported_type unknown_payload"),
  ...named("arp", "pkt_too_small unsupported_hardware unsupported_protocol invalid_pkt invalid_hardware_size"),
  ...named("arp", "invalid_protocol_size unsupported_opcode"),
  "etag.header_too_small",
  "etag.unknown_type",
  "too_many_layers",
  ...named("ipv4", "checksum_invalid frag_timeout frag_different_data"),
  ...named("ipv6", "frag_timeout frag_different_data"),
  "tcp.checksum_invalid",
  "udp.checksum_invalid",
  "icmpv4.checksum_invalid",
  "icmpv6.checksum_invalid",
];

/** Events of TCP tracking and reassembly; number n is event {@link STREAM_EVENT_BASE} + n of a packet. */
export const STREAM_EVENTS: readonly string[] = [
  ..."3whs_ack_in_wrong_dir 3whs_async_wrong_seq 3whs_right_seq_wrong_ack_evasion 3whs_synack_in_wrong_direction".split(" "),
  ..."3whs_synack_resend_with_different_ack 3whs_synack_resend_with_diff_seq 3whs_synack_toserver_on_syn_recv".split(" "),
  ..."3whs_synack_with_wrong_ack 3whs_synack_flood 3whs_syn_flood 3whs_syn_resend_diff_seq_on_syn_recv".split(" "),
  ..."3whs_syn_toclient_on_syn_recv 3whs_wrong_seq_wrong_ack 3whs_ack_data_inject 3whs_synack_tfo_data_ignored".split(" "),
  ..."4whs_synack_with_wrong_ack 4whs_synack_with_wrong_syn 4whs_wrong_seq 4whs_invalid_ack".split(" "),
  ..."closewait_ack_out_of_window closewait_fin_out_of_window closewait_pkt_before_last_ack closewait_invalid_ack".split(" "),
  ..."closing_ack_wrong_seq closing_invalid_ack est_packet_out_of_window est_pkt_before_last_ack est_synack_resend".split(" "),
  ..."est_synack_resend_with_different_ack est_synack_resend_with_diff_seq est_synack_toserver est_syn_resend".split(" "),
  ..."est_syn_resend_diff_seq est_syn_toclient est_invalid_ack fin_invalid_ack fin1_ack_wrong_seq".split(" "),
  ..."fin1_fin_wrong_seq fin1_invalid_ack fin2_ack_wrong_seq fin2_fin_wrong_seq fin2_invalid_ack fin_but_no_session".split(" "),
  ..."fin_out_of_window fin_syn lastack_ack_wrong_seq lastack_invalid_ack rst_but_no_session timewait_ack_wrong_seq".split(" "),
  ..."timewait_invalid_ack shutdown_syn_resend pkt_invalid_timestamp pkt_invalid_ack pkt_broken_ack".split(" "),
  ..."rst_invalid_ack pkt_retransmission pkt_spurious_retransmission pkt_bad_window_update".split(" "),
  ..."suspected_rst_inject wrong_thread reassembly_segment_before_base_seq reassembly_no_segment".split(" "),
  ..."reassembly_seq_gap reassembly_overlap_different_data reassembly_depth_reached reassembly_insert_limit".split(" "),
  ..."reassembly_insert_memcap reassembly_insert_invalid urgent_oob_limit_reached".split(" "),
];

/** A packet's event bits: decode events from 0, stream events from here; 256 in all. */
export const STREAM_EVENT_BASE = 176;

/** Other names that rule files use for the same events: [used, listed above]. */
export const EVENT_ALIASES: ReadonlyMap<string, string> = new Map([
  ["3whs_synack_resend_with_diff_ack", "3whs_synack_resend_with_different_ack"],
  ["est_synack_resend_with_diff_ack", "est_synack_resend_with_different_ack"],
  ["ipv4.frag_too_large", "ipv4.frag_pkt_too_large"],
  ["ipv6.frag_too_large", "ipv6.frag_pkt_too_large"],
  ["ipv4.frag.too_large", "ipv4.frag_pkt_too_large"],
  ["ipv6.frag.too_large", "ipv6.frag_pkt_too_large"],
  ["ipv4.frag.overlap", "ipv4.frag_overlap"],
  ["ipv6.frag.overlap", "ipv6.frag_overlap"],
]);

function named(layer: string, events: string): string[] {
  return events.split(" ").map((event) => `${layer}.${event}`);
}
