import { deepStrictEqual, match } from "node:assert/strict";
import { startError } from "./start_error.ts";
import { wordsOf } from "./words.ts";

const EXIT = { code: 3, signal: null };

// As Xen 4.17 says it.
const SAID = {
  noMemory: `Parsing config from big.cfg
xc: error: panic: xg_dom_boot.c:119: xc_dom_boot_mem_init: can't allocate low memory for domain: Out of memory
libxl: error: libxl_dom.c:586:libxl__build_dom: xc_dom_boot_mem_init failed: Cannot allocate memory
libxl: error: libxl_create.c:1640:domcreate_rebuild_done: Domain 19:cannot (re-)build domain: -3
libxl: error: libxl_domain.c:1183:libxl__destroy_domid: Domain 19:Non-existant domain
libxl: error: libxl_domain.c:1137:domain_destroy_callback: Domain 19:Unable to destroy guest
`,
  name: `Parsing config from disky.cfg
libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain 15:Domain with name "disky" already exists.
libxl: error: libxl_create.c:1296:initiate_domain_create: Domain 15:cannot make domain: -6
`,
  kernel: `Parsing config from bk.cfg
xc: error: panic: xg_dom_core.c:689: xc_dom_find_loader: no loader found: Invalid kernel
`,
  disk:
    `libxl: error: libxl_device.c:1337:device_hotplug_child_death_cb: script: File /srv/a.raw is loopback-mounted through /dev/loop0,
which is mounted in a guest domain,
and so cannot be mounted now.
libxl: error: libxl_create.c:1887:domcreate_attach_devices: Domain 7:unable to add disk devices
`,
  bridge:
    `libxl: error: libxl_device.c:1337:device_hotplug_child_death_cb: script: Could not find bridge device nosuchbr
`,
};

Deno.test("xl's complaints keep their words, and get a code that says what to do", () => {
  const codes = Object.fromEntries(
    Object.entries(SAID).map(([key, said]) => [
      key,
      startError("web.lab.ann", EXIT, said).code,
    ]),
  );
  deepStrictEqual(codes, {
    noMemory: "insufficient_resources",
    name: "already_exists",
    kernel: "driver_failed",
    disk: "busy",
    bridge: "driver_failed",
  });
  match(
    startError("web.lab.ann", EXIT, SAID.noMemory).message,
    /^Cannot start VM "web\.lab\.ann": xl ended with exit code 3; it said: .*can't allocate low memory for domain: Out of memory/,
  );
});

Deno.test("xl's words: the cause comes first, without noise and places in its sources", () => {
  deepStrictEqual(
    wordsOf(SAID.name).split("; ")[0],
    'Domain with name "disky" already exists.',
  );
  deepStrictEqual(
    wordsOf("Parsing config from a.cfg\nxc: info: Saving domain 7\n\n"),
    "",
  );
});
