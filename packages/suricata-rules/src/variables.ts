// Variables of addresses and ports that rule files expect, with the values that Suricata's own configuration has.

const ADDRESSES: readonly (readonly [string, string])[] = [
  ["HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"],
  ["EXTERNAL_NET", "!$HOME_NET"],
  ...["HTTP", "SMTP", "SQL", "DNS", "TELNET", "AIM", "DC", "DNP3", "ENIP", "MODBUS", "SSH", "FTP", "SIP"].map(
    (name) => [`${name}_SERVERS`, "$HOME_NET"] as const,
  ),
  ...["DNP3_SERVER", "DNP3_CLIENT", "MODBUS_CLIENT", "MODBUS_SERVER", "ENIP_CLIENT", "ENIP_SERVER"].map(
    (name) => [name, "$HOME_NET"] as const,
  ),
];

const PORTS: readonly (readonly [string, string])[] = [
  ["HTTP_PORTS", "80"],
  ["SHELLCODE_PORTS", "!80"],
  ["ORACLE_PORTS", "1521"],
  ["SSH_PORTS", "22"],
  ["DNP3_PORTS", "20000"],
  ["MODBUS_PORTS", "502"],
  ["FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"],
  ["FTP_PORTS", "21"],
  ["GENEVE_PORTS", "6081"],
  ["VXLAN_PORTS", "4789"],
  ["TEREDO_PORTS", "3544"],
  ["SIP_PORTS", "[5060,5061]"],
];

/** Variables with values in the syntax of rule headers, names without the `$`. */
export interface Variables {
  addresses?: Readonly<Record<string, string>>;
  ports?: Readonly<Record<string, string>>;
}

/** The defaults with the given ones over them. */
export function allVariables(given: Variables = {}): { addresses: Map<string, string>; ports: Map<string, string> } {
  return {
    addresses: new Map([...ADDRESSES, ...Object.entries(given.addresses ?? {})]),
    ports: new Map([...PORTS, ...Object.entries(given.ports ?? {})]),
  };
}
