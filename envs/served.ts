import type { z } from "zod";

/** A plug-in whose environments a Python host serves; the simulator's own package is the user's to install. */
export interface ServedFamily<Options> {
  /** The part before the slash. */
  readonly name: string;
  /** One sentence for `baton envs list`. */
  readonly summary: string;
  /** The part after the slash of every member. */
  readonly members: readonly string[];
  /** Options that `--set env.key=value` reaches; every field has a `.describe()`d sentence with its unit. */
  readonly options: z.ZodType<Options>;
  /** What has to be installed besides Baton, for people. */
  needs(member: string): string;
  /** What `baton_host` is told, `--env` and `--options`; see `envs/python/baton_host/adapters`. */
  host(member: string, options: Options): HostArguments;
}

export interface HostArguments {
  /** For example `smaclite:3m`. */
  readonly spec: string;
  readonly options: Readonly<Record<string, unknown>>;
}
