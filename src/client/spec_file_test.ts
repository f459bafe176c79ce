import { deepStrictEqual, match } from "node:assert/strict";
import { readSpec } from "./spec_file.ts";
import { isUsherError } from "../error/mod.ts";

function mistakeIn(
  text: string,
): { message: string; hint: string | undefined } {
  try {
    readSpec("web.yaml", text);
  } catch (error) {
    if (isUsherError(error, "invalid_input")) {
      return { message: error.message, hint: error.details.hint };
    }
    throw error;
  }
  throw new Error("No mistake was found");
}

Deno.test("readSpec() takes sizes with units, and the keys that show prints", () => {
  deepStrictEqual(
    readSpec(
      "web.yaml",
      [
        "vcpus: 2",
        "memory: 1GiB",
        "disks:",
        "  - base: /srv/debian.qcow2",
        "    size: 20GiB",
        "nics:",
        "  - kind: bridge",
        "    bridge: br0",
      ].join("\n"),
    ),
    {
      vcpus: 2,
      memoryMiB: 1024,
      disks: [{
        base: "/srv/debian.qcow2",
        format: "qcow2",
        readonly: false,
        shared: false,
        sizeMiB: 20480,
      }],
      nics: [{ kind: "bridge", bridge: "br0" }],
    },
  );
});

Deno.test("readSpec() of an empty file is an empty spec", () => {
  deepStrictEqual(readSpec("web.yaml", "# nothing\n"), {});
});

Deno.test("readSpec() names file, line, column, key, and the nearest key", () => {
  deepStrictEqual(mistakeIn("memory: 1GiB\nvcpu: 2\n"), {
    message: 'web.yaml:2:1: unknown key "vcpu"',
    hint: 'did you mean "vcpus"?',
  });
  deepStrictEqual(mistakeIn("disks:\n  - bse: /srv/a\n"), {
    message: 'web.yaml:2:5: unknown key "disks.0.bse"',
    hint: 'did you mean "base"?',
  });
});

Deno.test("readSpec() names a bad size with its line", () => {
  match(
    mistakeIn("vcpus: 1\nmemory: 4GB5\n").message,
    /^web\.yaml:2:1: memory: "4GB5" is no size/,
  );
});

Deno.test("readSpec() names what is no YAML with its line", () => {
  match(mistakeIn("a: 1\nb: [1\n").message, /^web\.yaml:\d+:\d+: /);
});
