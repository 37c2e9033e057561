import { tempDir, type TempDir } from "@secuxflow/testkit";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watModule } from "../../testing/wat-modules.js";
import { ModuleFolder } from "./module-folder.js";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir("modules");
});
afterEach(async () => dir.remove());

const put = async (name: string, bytes: Uint8Array | string): Promise<void> => writeFile(join(dir.path, name), bytes);
const folder = (names: string[] = [], limits = {}): ModuleFolder => new ModuleFolder({ dir: dir.path, names, limits });
const scan = async (of: ModuleFolder) => {
  const { modules, problems } = await of.scan();
  return { offered: modules.map(({ manifest }) => `${manifest.id} ${manifest.version}`), problems };
};

describe("ModuleFolder", () => {
  it("offers every module, and the wanted ones where some are named", async () => {
    await put("a.wasm", watModule("ips", "silent"));
    await put("b.wasm", watModule("waf", "silent"));
    await put("notes.txt", "not a module");
    expect(await scan(folder())).toEqual({ offered: ["ips 1.0.0", "waf 1.0.0"], problems: [] });
    expect(await scan(folder(["waf"]))).toEqual({ offered: ["waf 1.0.0"], problems: [] });
    expect(await scan(folder(["dns"])))
      .toEqual({ offered: [], problems: ["module \"dns\" is wanted and not in the module folder"] });
  });

  it("keeps a version whose file became unreadable, and takes the next one", async () => {
    const watched = folder();
    await put("ips.wasm", watModule("ips", "silent"));
    await scan(watched);
    await put("ips.wasm", "half written");
    const { offered, problems } = await scan(watched);
    expect(offered).toEqual(["ips 1.0.0"]);
    expect(problems.join()).toContain("ips.wasm: module rejected (malformed)");
    expect((await scan(watched)).problems).toEqual(problems);
    await put("ips.wasm", watModule("ips", "silent", "2.0.0"));
    expect(await scan(watched)).toEqual({ offered: ["ips 2.0.0"], problems: [] });
  });

  it("says what it leaves out", async () => {
    await put("a.wasm", watModule("ips", "silent"));
    await put("b.wasm", watModule("ips", "finds"));
    expect((await scan(folder())).problems).toEqual(["b.wasm is a second module \"ips\" and is left out"]);
    expect((await scan(folder([], { memoryPagesMax: 16 }))).problems.join()).toContain("the host allows 16");
    const gone = new ModuleFolder({ dir: join(dir.path, "gone"), names: [], limits: {} });
    expect((await scan(gone)).problems.join()).toContain("set modules.dir");
  });
});
