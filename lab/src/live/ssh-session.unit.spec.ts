import { describe, expect, it } from "vitest";
import { sshSession } from "./ssh-session.js";

describe("sshSession", () => {
  it.each([
    ["198.51.100.7 50022 192.0.2.1 22", { src: "198.51.100.7", proto: "tcp", port: 22 }],
    ["2001:db8::7 50022 2001:db8::1 2222", { src: "2001:db8::7", proto: "tcp", port: 2222 }],
    [undefined, undefined], ["", undefined], ["not an address 1 2 3", undefined], ["198.51.100.7 1 192.0.2.1 99999", undefined], ["UNKNOWN 65535 UNKNOWN 22", undefined],
  ])("reads %j", (text, session) => {
    expect(sshSession(text)).toEqual(session);
  });
});
