/**
 * What somebody types is a value in filters and names, and nothing else.
 *
 * @module
 */
import { strictEqual, throws } from "node:assert/strict";
import { filled, inDn, inFilter } from "./escape.ts";

Deno.test("inFilter() leaves nothing that has a meaning in a filter", () => {
  strictEqual(inFilter("ann"), "ann");
  strictEqual(inFilter("*)(uid=*"), "\\2a\\29\\28uid=\\2a");
  strictEqual(inFilter("a\\b\0é"), "a\\5cb\\00\\c3\\a9");
});

Deno.test("inDn() leaves nothing that has a meaning in a name", () => {
  strictEqual(inDn("ann.lab"), "ann.lab");
  strictEqual(inDn("ann,ou=admins"), "ann\\2cou\\3dadmins");
  strictEqual(inDn(" #a+b "), "\\20\\23a\\2bb\\20");
});

Deno.test("filled() puts values in escaped, also ones that look like names", () => {
  strictEqual(
    filled("(&(uid={user})(m={dn}))", { user: "{dn}", dn: "(x)" }, inFilter),
    "(&(uid=\\7bdn\\7d)(m=\\28x\\29))",
  );
  throws(() => filled("(uid={users})", { user: "x" }, inFilter), /"{users}"/);
});
