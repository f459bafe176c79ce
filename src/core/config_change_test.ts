import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CtrlConfig, LnmConfig } from "../schema/config.ts";
import { configChanges, withChanges } from "./config_change.ts";

Deno.test("configChanges() names what differs, as a file would say it, and what can be taken", () => {
  const before = CtrlConfig.parse({});
  const after = CtrlConfig.parse({
    drain: { parallel: 5 },
    history: { keep: "36h" },
    recording: { size: "2GiB" },
    listen: { clients: "127.0.0.1:1" },
    tls: { ca: "/a", cert: "/b", key: "/c" },
    plugin_dirs: ["/p"],
  });
  const shown = configChanges(CtrlConfig, before, after).map((
    { key, live, from, to },
  ) => `${live ? "live" : "restart"} ${key}: ${from} → ${to}`);
  deepStrictEqual(shown.toSorted(), [
    "live drain.parallel: 2 → 5",
    "live history.keep: 7d → 129600000ms",
    'live plugin_dirs: [] → ["/p"]',
    "live recording.size: 100MiB → 2GiB",
    "restart listen.clients: 0.0.0.0:8440 → 127.0.0.1:1",
    "restart tls.ca:  → /a",
    "restart tls.cert:  → /b",
    "restart tls.key:  → /c",
  ]);
  deepStrictEqual(configChanges(CtrlConfig, before, before), []);
});

Deno.test("configChanges() takes what people name as a whole, and sees knobs that the schema does not know", () => {
  const before = LnmConfig.parse({ labels: { a: "1", b: "2" } });
  const after = LnmConfig.parse({
    labels: { b: "2" },
    drivers: { sim: { bootMs: 5 } },
  });
  deepStrictEqual(
    configChanges(LnmConfig, before, after).map(({ key, live }) => [key, live]),
    [["labels", true], ["drivers.sim.bootMs", false]],
  );
});

Deno.test("withChanges() takes these keys and no others, and leaves the old one as it was", () => {
  const before = LnmConfig.parse({ capacity: { cpus: 4 } });
  const after = LnmConfig.parse({
    state_dir: "/other",
    overcommit: { memory: 2 },
    labels: { zone: "a" },
  });
  const live = configChanges(LnmConfig, before, after).filter((one) =>
    one.live
  );
  const taken = withChanges(before, after, live);
  deepStrictEqual(taken, { ...after, state_dir: before.state_dir });
  strictEqual("cpus" in taken.capacity, false, "what is gone is gone");
  strictEqual(before.capacity.cpus, 4);
});
