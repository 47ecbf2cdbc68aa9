import { z } from "zod";

/** How simulators outside this process are run: the `simulators` part of a run's configuration. */
export const simulatorSettings = z
  .strictObject({
    launch: z
      .enum(["process", "podman", "docker", "connect"])
      .default("process")
      .describe("Where hosts come from: processes, containers, or hosts that run already."),
    image: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe("Image of the containers; null takes Baton's for the environment."),
    network: z
      .enum(["ports", "host"])
      .default("ports")
      .describe("Network of the containers: one port published on loopback, or this machine's."),
    memory: z
      .string()
      .regex(/^\d+[bkmg]$/i, "must be a number and a unit, e.g. 4g")
      .nullable()
      .default(null)
      .describe("Memory that each container may use, e.g. 4g; null sets no limit."),
    cpus: z
      .number()
      .positive()
      .max(4096)
      .nullable()
      .default(null)
      .describe("Cores that each container may use; null sets no limit."),
    connect: z.array(z.string().min(1)).default([]).describe("Endpoints of hosts that run already, e.g. tcp://127.0.0.1:5600."),
    keys: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe("client.json of `baton simulators keys`, for hosts beyond this machine."),
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
