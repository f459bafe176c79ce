/**
 * What is told of domains that usher did not make.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { absent } from "./absent.ts";
import type { DomainReport } from "./driver.ts";
import { ForeignNews } from "./foreign_news.ts";

function report(domain: string, state: DomainReport["state"]): DomainReport {
  return { ...absent(domain), uid: null, domain, state };
}

Deno.test("ForeignNews tells what is new, and once that one is gone", () => {
  const told: string[] = [];
  const news = new ForeignNews(({ domain, state }) => {
    told.push(`${domain} ${state}`);
  });
  const since = () => told.splice(0);

  news.tell([report("a", "running"), report("b", "running")]);
  deepStrictEqual(since(), ["a running", "b running"]);
  news.tell([report("a", "running"), report("b", "paused")]);
  deepStrictEqual(since(), ["b paused"]);
  // One that usher has adopted is told of as its own.
  news.tell([report("a", "running")], (domain) => domain === "b");
  deepStrictEqual(since(), []);
  news.tell([]);
  news.tell([]);
  deepStrictEqual(since(), ["a absent"]);
});
