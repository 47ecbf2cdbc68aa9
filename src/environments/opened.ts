/**
 * An environment that has been found and whose options are checked: what the command line and the training loop open copies of,
 * wherever these run.
 *
 * @module
 */
import type { SimulatorSettings } from "../bridge/settings.js";
import type { Environment, EnvironmentSpec, ScriptedPolicy, TimeStepField, VectorEnvironment } from "../environment.js";
import { completeEnvironment } from "./complete.js";
import { type Maker, type MakerSource, vectorizeOver } from "./threads/index.js";

/** What a run gives its environments; a part of its configuration. */
export interface Resources {
  /** Threads that embedded copies are spread over; 0 steps them in the caller's. */
  readonly envThreads: number;
  /** How copies outside this process are run. */
  readonly simulators: SimulatorSettings;
  /** The fields that will be read; all where it is absent. Environments that can skip others are that much faster. */
  readonly read?: readonly TimeStepField[];
}

/** For whoever watches a run. */
export type Warn = (sentence: string) => void;

export interface OpenedEnvironment {
  /** Scripted policies of its family by name; none for an environment of one's own. */
  readonly policies: Readonly<Record<string, ScriptedPolicy>>;
  /** The options with their defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** For environments that hosts serve: what a host is told to serve, and the options of that. */
  readonly served?: { readonly environment: string; readonly options: Readonly<Record<string, unknown>> };
  /** Sizes and names, for which one copy is made and closed again. */
  spec(resources: Resources): Promise<EnvironmentSpec>;
  /**
   * Opens `copies` copies behind one call.
   *
   * @param warn hears, in sentences, of what goes wrong without ending the run.
   */
  vectorize(copies: number, resources: Resources, warn?: Warn): Promise<VectorEnvironment>;
}

/** An environment that this process can make itself. */
export interface EmbeddedEnvironment extends OpenedEnvironment {
  /** Makes one copy. */
  readonly make: () => Environment;
  /** How other threads make theirs. */
  readonly source: MakerSource;
}

/** Says whether an environment can be made in this process. */
export function isEmbedded(opened: OpenedEnvironment): opened is EmbeddedEnvironment {
  return "make" in opened;
}

/** The embedded environment that `maker` makes. */
export function embeddedEnvironment(
  maker: Maker,
  options: OpenedEnvironment["options"],
  policies: OpenedEnvironment["policies"] = {},
): EmbeddedEnvironment {
  return {
    ...maker,
    options,
    policies,
    async spec() {
      const probe = completeEnvironment(maker.make());
      probe.close?.();
      return probe.spec;
    },
    vectorize: (copies, { envThreads, read }) => vectorizeOver(envThreads, maker, copies, read),
  };
}
