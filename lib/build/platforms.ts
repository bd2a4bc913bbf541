/** The platforms that a release has an executable for. */

/** A platform. */
export interface Platform {
  /** As the file of its executable names it. */
  name: string;
  /** As `bun build --target` names it. */
  bunTarget: string;
  /** The npm package that holds its runtime. */
  runtimePackage: string;
  /** Path of the runtime in that package. */
  runtimePath: string;
  /** Debian's name for it, where there is a package for Debian. */
  debian?: string;
}

export const platforms: readonly Platform[] = [
  platform("linux-x64", "linux-x64", { debian: "amd64" }),
  platform("linux-arm64", "linux-aarch64", { debian: "arm64" }),
  platform("darwin-x64", "darwin-x64"),
  platform("darwin-arm64", "darwin-aarch64"),
  platform("windows-x64", "windows-x64", { runtimePath: "bin/bun.exe" }),
];

/**
 * The platform of this name.
 * @throws {Error} if there is none.
 */
export function platformNamed(name: string): Platform {
  const found = platforms.find((one) => one.name === name);
  if (found) return found;
  throw new Error(`Cannot make a release for ${name}: there are ${platforms.map((one) => one.name).join(", ")}`);
}

function platform(name: string, bunName: string, more: Partial<Platform> = {}): Platform {
  return {
    name,
    bunTarget: `bun-${name}`,
    runtimePackage: `@oven/bun-${bunName}`,
    runtimePath: "bin/bun",
    ...more,
  };
}

/** Name of the file that holds a platform's executable. */
export function executableName(version: string, { name }: Platform): string {
  return `relay-${version}-${name}${name.startsWith("windows") ? ".exe" : ""}`;
}
