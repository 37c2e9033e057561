// Names of application protocols as EVE has them.

import {
  PROTO_DCERPC, PROTO_DHCP, PROTO_DNP3, PROTO_DNS, PROTO_ENIP, PROTO_FAILED, PROTO_FTP, PROTO_FTP_DATA, PROTO_HTTP, PROTO_HTTP2,
  PROTO_IKE, PROTO_IMAP, PROTO_KRB5, PROTO_MODBUS, PROTO_MQTT, PROTO_NFS, PROTO_NTP, PROTO_POP3, PROTO_QUIC, PROTO_RDP, PROTO_RFB,
  PROTO_SIP, PROTO_SMB, PROTO_SMTP, PROTO_SNMP, PROTO_SSH, PROTO_TELNET, PROTO_TFTP, PROTO_TLS,
} from "../core/tx";

export function protocolName(proto: u8): string {
  switch (proto) {
    case PROTO_FAILED: return "failed";
    case PROTO_HTTP: return "http";
    case PROTO_TLS: return "tls";
    case PROTO_DNS: return "dns";
    case PROTO_SMTP: return "smtp";
    case PROTO_FTP: return "ftp";
    case PROTO_FTP_DATA: return "ftp-data";
    case PROTO_SSH: return "ssh";
    case PROTO_SMB: return "smb";
    case PROTO_DCERPC: return "dcerpc";
    case PROTO_HTTP2: return "http2";
    case PROTO_QUIC: return "quic";
    case PROTO_IMAP: return "imap";
    case PROTO_POP3: return "pop3";
    case PROTO_NTP: return "ntp";
    case PROTO_DHCP: return "dhcp";
    case PROTO_SNMP: return "snmp";
    case PROTO_TFTP: return "tftp";
    case PROTO_KRB5: return "krb5";
    case PROTO_SIP: return "sip";
    case PROTO_RDP: return "rdp";
    case PROTO_MQTT: return "mqtt";
    case PROTO_TELNET: return "telnet";
    case PROTO_IKE: return "ike";
    case PROTO_NFS: return "nfs";
    case PROTO_RFB: return "rfb";
    case PROTO_MODBUS: return "modbus";
    case PROTO_DNP3: return "dnp3";
    case PROTO_ENIP: return "enip";
    default: return "unknown";
  }
}

/** Names of transport protocols as EVE has them. */
export function transportName(proto: u32): string {
  switch (proto) {
    case 1: return "ICMP";
    case 2: return "IGMP";
    case 4: return "IP-in-IP";
    case 6: return "TCP";
    case 17: return "UDP";
    case 41: return "IPv6";
    case 47: return "GRE";
    case 50: return "ESP";
    case 51: return "AH";
    case 58: return "IPv6-ICMP";
    case 89: return "OSPFIGP";
    case 103: return "PIM";
    case 112: return "VRRP";
    case 132: return "SCTP";
    default: return "";
  }
}
