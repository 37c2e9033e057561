import { describe, expect, it } from "vitest";
import { attachmentAction, reportInterface } from "./plan.js";

const ours = new Set([7]);
const wanted = { name: "eth0", mode: "auto" as const };

describe("attachmentAction", () => {
  it.each([
    ["waits for an interface that is not there", undefined, "wait"],
    ["attaches where nothing runs", { ifindex: 2 }, "attach"],
    ["keeps what is ours", { ifindex: 2, programId: 7 }, "keep"],
    ["pushes nobody out", { ifindex: 2, programId: 8 }, "blocked"],
  ])("%s", (_name, found, action) => {
    expect(attachmentAction(found, ours)).toBe(action);
  });
});

describe("reportInterface", () => {
  it("names program and mode only where ours is attached", () => {
    const found = { ifindex: 2, programId: 7, mode: "generic" as const };
    expect(reportInterface(wanted, found, true)).toEqual({ name: "eth0", ifindex: 2, mode: "generic", programId: 7 });
    expect(reportInterface({ ...wanted, netns: "/run/netns/x" }, found, false)).toEqual({ name: "eth0", netns: "/run/netns/x", ifindex: 2, mode: "detached" });
    expect(reportInterface(wanted, undefined, false)).toEqual({ name: "eth0", ifindex: 0, mode: "detached" });
  });
});
