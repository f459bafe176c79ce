import { deepStrictEqual } from "node:assert/strict";
import type { Book } from "./book.ts";
import { diskHolder } from "./disk_users.ts";

Deno.test("diskHolder() names who has a disk, ours or not, and never the domain that cannot have it", () => {
  const spec = { disks: [{ path: "/srv/a.raw" }] };
  const ours = (uid: string, isUp: boolean) => ({
    isUp,
    handle: { uid, name: `${uid}.lab.ann`, spec },
  });
  const book = (isUp: boolean) =>
    ({
      domains: new Map([["web", ours("web", true)], ["db", ours("db", isUp)]]),
      foreignDiskUsers: () => [{ name: "old", disks: ["/srv/b.raw"] }],
    }) as unknown as Book;
  // A look may have seen it on its way up.
  deepStrictEqual(
    [true, false].map((isUp) => diskHolder(book(isUp), "/srv/a.raw", "web")),
    [{ name: "db.lab.ann", isVm: true }, null],
  );
  deepStrictEqual(diskHolder(book(true), "/srv/b.raw", "web"), {
    name: "old",
    isVm: false,
  });
});
