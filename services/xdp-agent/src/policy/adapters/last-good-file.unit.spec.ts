import { appendFile, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { emptyPolicy, evolve, type PolicyEvent } from "@secuxflow/contracts";
import { tempDir, type TempDir } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rule } from "../../testing/policies.js";
import type { InForce } from "../application/policy-applier.js";
import { LastGoodFile } from "./last-good-file.js";

describe("LastGoodFile", () => {
  let files: TempDir;
  let path: string;
  const problems: (string | undefined)[] = [];
  const open = (): LastGoodFile => new LastGoodFile({ path, policy: "default", onSaved: (problem) => problems.push(problem) });
  let state = emptyPolicy;
  let revision = 0;

  beforeEach(async () => {
    files = await tempDir("last-good");
    path = join(files.path, "state", "default.last-good");
    state = emptyPolicy;
    revision = 0;
    problems.length = 0;
  });
  afterEach(() => files.remove());

  const next = (...ids: number[]): InForce => {
    const events = ids.map((id): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: rule(id) } }));
    state = events.reduce(evolve, state);
    revision += 1;
    return { revision, state, messages: [{ revision, previous: revision - 1, message: { actor: "a", at: "2026-01-01T00:00:00.000Z", events } }] };
  };
  const keep = async (file: LastGoodFile, policy: InForce): Promise<void> => {
    file.keep(policy);
    await file.idle();
  };
  const loaded = async () => {
    const found = await open().load();
    return found && { revision: found.revision, ids: [...found.state.rules.keys()], damage: found.damage };
  };

  it("has nothing at first, then what was kept last", async () => {
    expect(await loaded()).toBeUndefined();
    const file = open();
    await keep(file, next(1));
    await keep(file, next(2));
    expect(await loaded()).toEqual({ revision: 2, ids: [1, 2], damage: undefined });
    expect(problems).toEqual([undefined, undefined]);
    await file.close();
  });

  it("writes a change for its own length, not the whole policy again", async () => {
    const file = open();
    await keep(file, next(...Array.from({ length: 2_000 }, (_, i) => i + 1)));
    const before = (await stat(path)).mtimeMs;
    const whole = (await stat(path)).size;
    await keep(file, next(5_000));
    expect((await stat(path)).mtimeMs).toBe(before);
    expect((await stat(`${path}.changes`)).size).toBeLessThan(whole / 100);
    expect((await loaded())?.ids).toHaveLength(2_001);
    await file.close();
  });

  it("keeps a large change as a whole policy, and drops the changes that led there", async () => {
    const file = open();
    await keep(file, next(1));
    await keep(file, next(2));
    await keep(file, next(...Array.from({ length: 1_500 }, (_, i) => i + 10)));
    expect((await stat(`${path}.changes`)).size).toBe(0);
    expect(await loaded()).toMatchObject({ revision: 3, damage: undefined });
    await file.close();
  });

  it("writes over a change that was torn when the agent before ended", async () => {
    const file = open();
    await keep(file, next(1));
    await keep(file, next(2));
    await file.close();
    await appendFile(`${path}.changes`, "0123 half a ch");
    expect(await loaded()).toEqual({ revision: 2, ids: [1, 2], damage: undefined });
    const again = open();
    await again.load();
    await keep(again, next(3));
    expect(await loaded()).toEqual({ revision: 3, ids: [1, 2, 3], damage: undefined });
    await again.close();
  });

  it("goes as far as changes are whole, says where they are damaged, and writes the policy anew", async () => {
    const file = open();
    for (let id = 1; id <= 3; id++) await keep(file, next(id));
    await file.close();
    const text = await readFile(`${path}.changes`, "utf8");
    await writeFile(`${path}.changes`, text.replace('"id":2', '"id":9'));
    expect(await loaded()).toMatchObject({ revision: 1, damage: expect.stringMatching(/checksum/) as string });
    const again = open();
    await again.load();
    await keep(again, next(4));
    expect(await loaded()).toEqual({ revision: 4, ids: [1, 2, 3, 4], damage: undefined });
    await again.close();
  });

  it("tells when it cannot write, and when it can again", async () => {
    const file = open();
    await writeFile(join(files.path, "state"), "in the way");
    await keep(file, next(1));
    expect(problems.at(-1)).toMatch(/cannot be kept/);
    await files.remove();
    await keep(file, next(2));
    expect(problems.at(-1)).toBeUndefined();
    expect(await loaded()).toMatchObject({ revision: 2, ids: [1, 2] });
    await file.close();
    await truncate(path, 10);
    await expect(open().load()).rejects.toThrow(/checksum/);
  });
});
