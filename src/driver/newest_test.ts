/**
 * What a watcher is told, however slowly it reads.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import type { DomainState } from "../schema/vm.ts";
import type { DomainReport } from "./driver.ts";
import { NewestReports } from "./newest.ts";

function report(domain: string, state: DomainState): DomainReport {
  return {
    uid: domain,
    domain,
    name: domain,
    state,
    reason: "",
    incarnation: null,
    generation: 1,
  };
}

async function take(reports: NewestReports, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const { domain, state } of reports) {
    seen.push(`${domain} ${state}`);
    if (seen.length === count) break;
  }
  return seen;
}

Deno.test("NewestReports tells a slow reader the newest of each domain, oldest news first", async () => {
  const reports = new NewestReports(new AbortController().signal);
  reports.push(report("a", "starting"));
  reports.push(report("b", "running"));
  reports.push(report("a", "running"));

  deepStrictEqual(await take(reports, 2), ["b running", "a running"]);
});

Deno.test("NewestReports wakes a reader that waits", async () => {
  const reports = new NewestReports(new AbortController().signal);
  const taken = take(reports, 2);
  await Promise.resolve();
  reports.push(report("a", "starting"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  reports.push(report("a", "running"));

  deepStrictEqual(await taken, ["a starting", "a running"]);
});

Deno.test("NewestReports ends with its signal, and says once that it did", async () => {
  let closed = 0;
  const abort = new AbortController();
  const reports = new NewestReports(abort.signal, () => closed++);
  const taken = take(reports, 1);
  abort.abort();
  reports[Symbol.dispose]();
  reports.push(report("a", "running"));

  deepStrictEqual([await taken, closed], [[], 1]);
});

Deno.test("NewestReports is closed by a reader that has enough", async () => {
  let closed = 0;
  const reports = new NewestReports(
    new AbortController().signal,
    () => closed++,
  );
  reports.push(report("a", "running"));
  await take(reports, 1);

  deepStrictEqual(closed, 1);
});

Deno.test("NewestReports ends at once when its signal aborted before", async () => {
  const reports = new NewestReports(AbortSignal.abort());

  deepStrictEqual(await take(reports, 1), []);
});
