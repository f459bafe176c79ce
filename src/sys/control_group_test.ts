import { strictEqual } from "node:assert/strict";
import { groupFolder } from "./control_group.ts";

const MOUNT =
  "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";

Deno.test("the folder of a process's own group is found where version 2 is mounted", () => {
  const at = (cgroup: string, mounts: string) => groupFolder(cgroup, mounts);
  const own = "0::/system.slice/usher-ctrl.service\n";
  strictEqual(
    at(own, `22 1 8:1 / / rw - ext4 /dev/vda rw\n${MOUNT}\n`),
    "/sys/fs/cgroup/system.slice/usher-ctrl.service",
  );
  // Beside version 1, as older systems have it.
  strictEqual(
    at(
      `9:memory:/a\n1:name=systemd:/b\n${own}`,
      `31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n${
        MOUNT.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
      }`,
    ),
    "/sys/fs/cgroup/unified/system.slice/usher-ctrl.service",
  );
  strictEqual(at("0::/\n", MOUNT), "/sys/fs/cgroup");
});

Deno.test("a part of the tree that is mounted alone is looked in from there, and nowhere else", () => {
  const part = MOUNT.replace(" / /sys", " /box/7 /sys");
  strictEqual(groupFolder("0::/box/7/usher\n", part), "/sys/fs/cgroup/usher");
  strictEqual(groupFolder("0::/box/7\n", part), "/sys/fs/cgroup");
  strictEqual(groupFolder("0::/box/77\n", part), null);
  // Outside of the namespace of groups that this process sees.
  strictEqual(groupFolder("0::/../other\n", MOUNT), null);
});

Deno.test("without version 2 there is no group", () => {
  strictEqual(groupFolder("5:memory:/a\n", MOUNT), null);
  strictEqual(
    groupFolder("0::/a\n", "22 1 8:1 / / rw - ext4 /dev/vda rw"),
    null,
  );
  strictEqual(groupFolder("", ""), null);
});

Deno.test("a place with a space in it is the place, and not its number", () => {
  strictEqual(
    groupFolder("0::/a\n", MOUNT.replace("/sys/fs/cgroup", "/my\\040groups")),
    "/my groups/a",
  );
});
