/**
 * What a guest is known by: the same always, and no other guest's.
 *
 * @module
 */
import { match, notStrictEqual, strictEqual } from "node:assert/strict";
import { Mac } from "../schema/vm.ts";
import { newId } from "../sys/id.ts";
import { stableMac, uidOfUuid, uuidOfUid } from "./identity.ts";

const UID = "01m82khweq1ndh779jbbb1ee7y";

Deno.test("stableMac() is the same for a card, another for the next, and always unicast", () => {
  strictEqual(stableMac(UID, 0), stableMac(UID, 0));
  notStrictEqual(stableMac(UID, 0), stableMac(UID, 1));
  Mac.parse(stableMac(UID, 0));
  const many = new Set(
    Array.from({ length: 20_000 }, (_, index) => stableMac(UID, index)),
  );
  strictEqual(many.size, 20_000);
});

Deno.test("uuidOfUid() keeps all of a uid's bits", () => {
  match(uuidOfUid(UID), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  strictEqual(
    uuidOfUid("0".repeat(25) + "1"),
    "00000000-0000-0000-0000-000000000001",
  );
});

Deno.test("uidOfUuid() gives back the uid that a UUID was made of", () => {
  for (const uid of [UID, "0".repeat(26), newId()]) {
    strictEqual(uidOfUuid(uuidOfUid(uid)), uid);
  }
});
