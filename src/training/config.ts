import { z } from "zod";
import { simulatorSettings } from "../bridge/settings.js";
import { deviceNames } from "../tensor/devices.js";

const count = (least = 1) => z.number().int().min(least);

/** The loop: how much experience, how much learning. */
export const trainingSchema = z
  .strictObject({
    environmentSteps: count().default(200_000).describe("Length of the run, in environment steps summed over all copies."),
    copies: count().max(4096).default(16).describe("Environment copies E that are stepped together."),
    updatesPerStep: z
      .number()
      .positive()
      .max(64)
      .default(0.1)
      .describe("Updates of the learner per environment step (0.1 = one update every ten steps)."),
    warmupSteps: count(0).default(1000).describe("Environment steps collected before the first update."),
    replayCapacity: count(100).default(100_000).describe("Time steps that the replay buffer keeps."),
  })
  .describe("How much is collected and learnt.");

/** How the run is judged. */
export const evaluationSchema = z
  .strictObject({
    everySteps: count().default(10_000).describe("Environment steps between two greedy evaluations."),
    episodes: count().max(10_000).default(32).describe("Greedy episodes in each evaluation."),
    stopAtWinRate: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .default(null)
      .describe("Ends the run once an evaluation reaches this share of wins (0 to 1); null never does."),
  })
  .describe("How the run is judged.");

/** What is kept. */
export const checkpointSchema = z
  .strictObject({
    everySteps: count().default(25_000).describe("Environment steps between two checkpoints."),
  })
  .describe("What is kept for resuming.");

/** A whole experiment. `env` and `agent` carry further keys, which the environment's and the agent's own schemas check. */
export const configSchema = z.strictObject({
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe("Seed of every random stream."),
  device: z.enum(deviceNames).default("auto").describe("Where networks run."),
  initial: z
    .string()
    .nullable()
    .default(null)
    .describe("Folder of a run whose best weights training starts from (warm start); null starts from random ones."),
  initialEncoder: z
    .string()
    .nullable()
    .default(null)
    .describe(
      "Folder of a trajectory pre-training (or of a run) whose encoder training starts from; null starts from a random one.",
    ),
  threads: count(0)
    .max(256)
    .default(0)
    .describe("Threads inside one operation; 0 takes one for small networks, else the cores that envThreads leaves."),
  envThreads: count(0)
    .max(256)
    .default(0)
    .describe("Threads that environment copies are spread over; 0 steps them in the main thread."),
  simulators: simulatorSettings.prefault({}),
  env: z
    .looseObject({ id: z.string().min(1).describe("Environment, e.g. skirmish/3m.") })
    .describe("The environment and its options."),
  agent: z
    .looseObject({ name: z.string().min(1).default("ace").describe("Algorithm, e.g. ace.") })
    .default({ name: "ace" })
    .describe("The agent and its settings."),
  training: trainingSchema.prefault({}),
  evaluation: evaluationSchema.prefault({}),
  checkpoint: checkpointSchema.prefault({}),
});

/** A resolved experiment: every setting has its value. */
export type Config = z.infer<typeof configSchema>;
