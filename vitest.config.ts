import { defineConfig } from "vitest/config";

// The tier of a test is in its file name: unit needs nothing, int real servers, e2e root and the kernel.
const tier = (name: string, timeout: number, parallel: boolean) => ({
  test: {
    name,
    include: [`{packages,services,cli,lab,bench,fuzz,e2e,wasm,conformance}/**/src/**/*.${name}.spec.ts`],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: timeout,
    hookTimeout: timeout * 2,
    fileParallelism: parallel,
    pool: "forks" as const,
  },
});

export default defineConfig({
  test: { projects: [tier("unit", 20_000, true), tier("int", 60_000, false), tier("e2e", 120_000, false)] },
});
