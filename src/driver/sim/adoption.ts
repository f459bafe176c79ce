/**
 * Adopting simulated domains that usher did not make: a record gets a uid and
 * a handle, and keeps its key.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { VmSpec } from "../../schema/vm.ts";
import type { Adoption, DomainPlan, DomainReport } from "../driver.ts";
import { foreignName, reportOf } from "./domain.ts";
import type { SimDomain } from "./domain_record.ts";
import type { SimHypervisor } from "./hypervisor.ts";
import { keptSpec, withSpec } from "./kept_spec.ts";
import type { Waits } from "./waits.ts";

/** Adoption in the sim driver. */
export class SimAdoption implements Adoption {
  readonly #hypervisor: SimHypervisor;
  readonly #waits: Waits;

  constructor(hypervisor: SimHypervisor, waits: Waits) {
    this.#hypervisor = hypervisor;
    this.#waits = waits;
  }

  /** See `Adoption.adopt`. */
  async adopt(
    domain: string,
    identity: Pick<DomainPlan, "uid" | "name" | "generation" | "incarnation">,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    await this.#waits.verb(signal);
    const foreign = this.#hypervisor.get(domain);
    if (foreign === null) {
      throw new UsherError("not_found", `Cannot find domain "${domain}"`);
    }
    if (foreign.uid === null) this.#hypervisor.put(ours(foreign, identity));
    const now = this.#hypervisor.get(domain);
    return withSpec(reportOf(now ?? foreign), now);
  }
}

function ours(
  foreign: SimDomain,
  { uid, name, generation, incarnation }: Parameters<Adoption["adopt"]>[1],
): SimDomain {
  const { memoryMiB, vcpus } = foreign;
  const spec = VmSpec.parse({
    driver: "sim",
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(vcpus === undefined ? {} : { vcpus }),
  });
  return {
    ...foreign,
    uid,
    name,
    handle: { generation, incarnation },
    spec: keptSpec(spec),
  };
}

/** The record as it was before it was adopted. */
export function givenBack({ spec: _, ...its }: SimDomain): SimDomain {
  return { ...its, uid: null, handle: null, name: foreignName(its.domain) };
}
