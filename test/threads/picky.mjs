/** An environment whose schema does not take what it makes of the options. */
import { z } from "zod";

export default {
  options: z.strictObject({ steps: z.string().transform(Number) }),
  make: ({ steps }) => ({
    spec: { id: "picky", agents: 1, actions: 2, observationSize: 1, episodeLimit: steps },
    reset() {},
    step() {},
  }),
};
