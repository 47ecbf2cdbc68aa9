import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { kindLabel } from "../../src/bridge/launch/engine.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Debian 12 under the names that `envs/python/Containerfile` speaks of. */
const bases = ["localhost/debian:bookworm-slim", "docker.io/library/debian:bookworm-slim"];

/** Some machines (hybrid control groups, no CAP_SYS_RESOURCE) need these; see src/bridge/launch/README.md. */
const settings = `[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n`;

/**
 * Builds the slim image with podman and tries it. Where that cannot be done, says why in one line and returns false.
 */
export function podmanServes(): boolean {
  const reason = whyNot();
  if (reason) console.warn(`skipped: the tests of containers ${reason}`);
  return reason === undefined;
}

function whyNot(): string | undefined {
  if (podman("--version").status !== 0) return "need podman (Debian: apt-get install podman)";
  const base = bases.find((image) => podman("image", "exists", image).status === 0);
  if (!base) return `need the image ${bases.join(" or ")} (how to make it: envs/python/Containerfile)`;
  process.env.CONTAINERS_CONF ??= writeSettings();
  const file = join(root, "envs/python/Containerfile");
  const built = podman("build", "--network", "host", "--build-arg", `BASE=${base}`, "-t", "baton-python", "-f", file, root);
  if (built.status !== 0) return `need envs/python/Containerfile to be built, but: ${lastLine(built.stderr)}`;
  const tried = podman("run", "--rm", "--pull=never", "baton-python", "--help");
  return tried.status === 0 ? undefined : `need podman to run containers, but: ${lastLine(tried.stderr)}`;
}

function writeSettings(): string {
  const folder = mkdtempSync(join(tmpdir(), "baton-podman-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "containers.conf");
  const runc = ["/usr/sbin/runc", "/usr/bin/runc"].some((path) => existsSync(path));
  writeFileSync(file, settings + (runc ? `[engine]\nruntime = "runc"\n` : ""));
  return file;
}

function podman(...parameters: string[]) {
  return spawnSync("podman", parameters, { encoding: "utf8" });
}

/** Containers of a kind, `run` or `up`, running or not. */
export function containers(kind: string): string[] {
  const printed = execFileSync("podman", ["ps", "--all", "--filter", `label=${kindLabel}=${kind}`, "--format", "{{.Names}}"]);
  return printed.toString().split("\n").filter(Boolean);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "it said nothing";
}
