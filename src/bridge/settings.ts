import { z } from "zod";

/** How simulators outside this process are run: the `simulators` part of a run's configuration. */
export const simulatorSettings = z
  .strictObject({
    hosts: z
      .number()
      .int()
      .min(1)
      .max(256)
      .default(1)
      .describe("Host processes that the environment copies are shared out to, for environments that are not embedded."),
    inFlight: z
      .number()
      .int()
      .min(1)
      .max(16)
      .default(2)
      .describe("Requests under way to each host: with 2 it steps one half of its copies while the other half is decided upon."),
    order: z
      .enum(["ready", "fixed"])
      .default("ready")
      .describe("Whose steps are taken first: of those that are ready, or of all in turn, which gives the same run every time."),
    python: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe("Python interpreter of the hosts; null takes the variable BATON_PYTHON, or python3."),
    startSeconds: z
      .number()
      .positive()
      .max(86_400)
      .default(120)
      .describe("Seconds that a host may take to start and load its simulators."),
    answerSeconds: z
      .number()
      .positive()
      .max(86_400)
      .default(120)
      .describe("Seconds that a reset or a step may take; a host that takes longer counts as hung and is replaced."),
    failures: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(5)
      .describe("Failures of one host in a row, no episode ending in between, after which the run stops."),
    backoffSeconds: z
      .number()
      .min(0)
      .max(600)
      .default(0.5)
      .describe("Seconds before a host that failed is started anew; doubled with every further failure in a row, up to 30."),
  })
  .describe("How simulators outside this process are run.");

export type SimulatorSettings = z.infer<typeof simulatorSettings>;

/** Every setting at its default. */
export const defaultSimulators: SimulatorSettings = simulatorSettings.parse({});
