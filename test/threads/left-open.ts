/** Starts threads, steps once, and ends without closing them: the process must end by itself. */
import { openEmbedded } from "../../envs/index.js";
import { vectorizeOver } from "../../src/environments/threads/index.js";
import { allocateVectorTimeStep } from "../../src/environments/timestep.js";

const environment = await vectorizeOver(2, await openEmbedded("skirmish/3m"), 2);
await environment.reset([0, 1], [1, 2], allocateVectorTimeStep(environment.spec, 2));
process.disconnect();
