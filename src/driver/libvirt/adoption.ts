/**
 * Taking over domains that usher did not make.
 *
 * Such a domain keeps its own definition, with all that a spec has no words for;
 * its spec tells of it what it can. Nothing is written into libvirt: that it is
 * usher's stands in a handle, with the definition, since a domain that was
 * created and never defined is known to libvirt only while it runs.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { DiskSpec, KernelBoot, NicSpec, VmSpec } from "../../schema/vm.ts";
import type { Adoption, DomainPlan, DomainReport } from "../driver.ts";
import { saveHandle } from "../kept_handles.ts";
import type { Book } from "./book.ts";
import { Domain } from "./domain.ts";
import { offSince } from "./ending.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import { type Handle, newHandle } from "./handle.ts";
import { elementAt, elementsAt, readXml, textAt, writeElement } from "./xml.ts";

type Identity = Pick<
  DomainPlan,
  "uid" | "name" | "generation" | "incarnation"
>;
type Element = ReturnType<typeof readXml>;

/** Adoption in the libvirt driver. */
export class LibvirtAdoption implements Adoption {
  readonly #env: LibvirtEnvironment;
  readonly #book: Book;

  constructor(env: LibvirtEnvironment, book: Book) {
    this.#env = env;
    this.#book = book;
  }

  /** See `Adoption.adopt`. */
  async adopt(
    uuid: string,
    identity: Identity,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    await this.#book.look(signal);
    const known = this.#book.byUuid(uuid);
    if (known !== undefined) return told(known);
    const foreign = this.#book.foreign(uuid);
    if (foreign === undefined) {
      throw new UsherError("not_found", `Cannot find domain "${uuid}"`);
    }
    const { virsh, bootId, layout } = this.#env;
    const xml = await virsh.ask(
      ["dumpxml", "--inactive", "--security-info", uuid],
      signal,
    );
    const persistent = /^Persistent: +yes$/m.test(
      await virsh.ask(["dominfo", uuid], signal),
    );
    const ending = offSince(foreign.sighting);
    const power = ending === null ? "on" : "off";
    const spec = { ...specOf(readXml(xml), identity.name), power } as const;
    const handle: Handle = {
      ...newHandle({ ...identity, spec }, bootId),
      uuid,
      // It may never have run: that it is off is no end of a run of usher's.
      ending,
      adopted: { definition: xml, persistent },
    };
    await saveHandle(layout, handle);
    const domain = new Domain(this.#env, handle);
    this.#book.add(domain);
    await this.#book.look(signal);
    return told(domain);
  }
}

function told(domain: Domain): DomainReport {
  const { spec } = domain.handle;
  return spec === null ? domain.report() : { ...domain.report(), spec };
}

/** What a definition is, in usher's words. Throws `unsupported` for one that those cannot describe. */
export function specOf(root: Element, name: string): VmSpec {
  const memoryKiB = Number(textAt(root, "memory"));
  const kernel = textAt(root, "os", "kernel");
  const machine = elementAt(root, "os", "type")?.getAttribute("machine");
  const parsed = VmSpec.safeParse({
    driver: "libvirt",
    memoryMiB: Math.round(memoryKiB / 1024),
    vcpus: Number(textAt(root, "vcpu")),
    boot: kernel === null ? null : KernelBoot.safeParse({
      kernel,
      initrd: textAt(root, "os", "initrd") ?? undefined,
      cmdline: textAt(root, "os", "cmdline") ?? undefined,
    }).data ?? null,
    disks: elementsAt(root, "devices", "disk").flatMap(diskOf),
    nics: elementsAt(root, "devices", "interface").flatMap(nicOf),
    libvirt: machine ? { machine } : {},
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsherError(
    "unsupported",
    `Cannot adopt domain "${name}": its ${
      issue?.path.join(".")
    } is none that a VM can have`,
    { hint: issue?.message },
  );
}

function diskOf(element: Element): DiskSpec[] {
  const source = elementAt(element, "source");
  const device = element.getAttribute("device") ?? "disk";
  const { data } = DiskSpec.safeParse({
    path: source?.getAttribute("file") ?? source?.getAttribute("dev"),
    format: elementAt(element, "driver")?.getAttribute("type"),
    readonly: elementAt(element, "readonly") !== null,
    shared: elementAt(element, "shareable") !== null,
  });
  return data === undefined || device !== "disk" ? [] : [data];
}

function nicOf(element: Element): NicSpec[] {
  const mac = elementAt(element, "mac")?.getAttribute("address") ?? undefined;
  const bridge = elementAt(element, "source")?.getAttribute("bridge");
  const type = element.getAttribute("type");
  const { data } = NicSpec.safeParse(
    type === "bridge"
      ? { kind: "bridge", bridge, mac }
      : { kind: type === "user" ? "user" : "other", mac },
  );
  return data === undefined ? [] : [data];
}

/**
 * The definition of an adopted domain for a new run: its own, with the memory
 * and the processors of `spec`. Throws `unsupported` when more of it has changed.
 */
export function redefined(
  definition: string,
  { name, spec }: Pick<DomainPlan, "name" | "spec">,
): string {
  const root = readXml(definition);
  const own = specOf(root, name);
  const hardware = ({ boot, disks, nics, libvirt }: VmSpec) =>
    JSON.stringify([boot, disks, nics, libvirt]);
  if (hardware(own) !== hardware(spec)) {
    throw new UsherError(
      "unsupported",
      `Cannot start VM "${name}": of an adopted domain usher changes memory and vcpus alone`,
      { hint: "Change the rest with virsh edit, on its node." },
    );
  }
  if (own.memoryMiB !== spec.memoryMiB) {
    for (const part of ["memory", "currentMemory"]) {
      const element = elementAt(root, part);
      element?.setAttribute("unit", "MiB");
      if (element !== null) element.textContent = String(spec.memoryMiB);
    }
  }
  const vcpu = elementAt(root, "vcpu");
  if (vcpu !== null && own.vcpus !== spec.vcpus) {
    vcpu.removeAttribute("current");
    vcpu.textContent = String(spec.vcpus);
  }
  return writeElement(root);
}
