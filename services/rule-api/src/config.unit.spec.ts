import { ConfigError, loadConfig } from "@secuxflow/service-kit";
import { describe, expect, it } from "vitest";
import { canonicalPrefixes, RuleApiConfig } from "./config.js";

const load = (env: Record<string, string>) => loadConfig({ schema: RuleApiConfig, env }).value;
const TOKEN = "0123456789abcdef";

describe("the configuration", () => {
  it("listens on loopback, without a token, by default", () => {
    expect(load({})).toMatchObject({
      policy: "default",
      api: { host: "127.0.0.1", port: 7_400 },
      managementPrefixes: ["127.0.0.0/8", "::1"],
    });
  });

  it.each(["0.0.0.0", "::", "10.0.0.1", "fw.example"])("refuses %s without a token", (host) => {
    expect(() => load({ SECUXFLOW_API_HOST: host })).toThrow(
      /no token is set: set api.token \(SECUXFLOW_API_TOKEN or SECUXFLOW_API_TOKEN_FILE\)/,
    );
    expect(load({ SECUXFLOW_API_HOST: host, SECUXFLOW_API_TOKEN: TOKEN }).api.token).toBe(TOKEN);
  });

  it("refuses a short token without showing it", () => {
    const refused = (): unknown => {
      try {
        return load({ SECUXFLOW_API_TOKEN: "hunter2" });
      } catch (error) {
        return error;
      }
    };
    expect(refused()).toBeInstanceOf(ConfigError);
    expect(String(refused())).toContain("16 characters");
    expect(String(refused())).not.toContain("hunter2");
  });

  it("reads management prefixes, and names one that is wrong", () => {
    expect(canonicalPrefixes(load({ SECUXFLOW_MANAGEMENT_PREFIXES: "10.9.0.0/24,2001:DB8::/32" }).managementPrefixes)).toEqual([
      "10.9.0.0/24",
      "2001:db8::/32",
    ]);
    expect(() => load({ SECUXFLOW_MANAGEMENT_PREFIXES: "10.9.0.1/24" })).toThrow(/host bits set; did you mean 10.9.0.0\/24/);
  });
});
