/** The software bill of materials, in CycloneDX: what is in the executable. */

import { Buffer } from "node:buffer";
import { Enums, Models, Serialize, SPDX, Spec } from "@cyclonedx/cyclonedx-library";
import manifest from "../../deno.json" with { type: "json" };
import type { BundledPackage } from "./bundle.ts";
import { lockedPackage } from "./deno_lock.ts";
import { BUN_VERSION } from "./runtimes.ts";
import type { Platform } from "./platforms.ts";

/** What the bill is of. */
export interface SbomOptions {
  version: string;
  date: Date;
  packages: readonly BundledPackage[];
  /** Each has a runtime of its own. */
  platforms: readonly Platform[];
}

/** The bill as JSON, by version 1.6 of the specification. The same build gives the same text. */
export function sbom({ version, date, packages, platforms }: SbomOptions): string {
  const relay = new Models.Component(Enums.ComponentType.Application, "relay", {
    version,
    bomRef: `relay@${version}`,
    licenses: licenses("MIT"),
  });
  const runtimes = platforms.map(({ runtimePackage }) => ({
    name: runtimePackage,
    version: BUN_VERSION,
    license: "MIT",
  }));
  const components = new Map([...packages, ...runtimes].map((one) => [`${one.name}@${one.version}`, component(one)]));

  for (const { name, version } of packages) {
    const { bomRef, dependencies } = components.get(`${name}@${version}`)!;
    if (name in manifest.imports) relay.dependencies.add(bomRef);
    for (const needed of lockedPackage(name, version).dependencies ?? []) {
      const found = packages.find((one) => needed === one.name || needed === `${one.name}@${one.version}`);
      if (found) dependencies.add(components.get(`${found.name}@${found.version}`)!.bomRef);
    }
  }
  for (const { name, version } of runtimes) relay.dependencies.add(components.get(`${name}@${version}`)!.bomRef);

  const bom = new Models.Bom({
    metadata: new Models.Metadata({ timestamp: date, component: relay }),
    components: new Models.ComponentRepository(components.values()),
  });
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return serializer.serialize(bom, { sortLists: true, space: 2 }) + "\n";
}

/** A package of npm, with the checksum of the lock file. */
function component({ name: fullName, version, license, description }: BundledPackage): Models.Component {
  const [name, group] = fullName.split("/").reverse();
  const purl = `pkg:npm/${fullName.replace("@", "%40")}@${version}`;
  const sha512 = lockedPackage(fullName, version).integrity.replace("sha512-", "");
  const made = new Models.Component(Enums.ComponentType.Library, name!, {
    group,
    version,
    description,
    purl,
    bomRef: purl,
    licenses: licenses(license),
  });
  made.externalReferences.add(
    new Models.ExternalReference(purl, Enums.ExternalReferenceType.Distribution, {
      hashes: new Models.HashDictionary([[
        Enums.HashAlgorithm["SHA-512"],
        Buffer.from(sha512, "base64").toString("hex"),
      ]]),
    }),
  );
  return made;
}

function licenses(license: string): Models.LicenseRepository {
  return new Models.LicenseRepository([
    SPDX.isSupportedSpdxId(license) ? new Models.SpdxLicense(license) : new Models.NamedLicense(license),
  ]);
}
