/**
 * A gym for JavaScript: Python environments with Gymnasium's interface.
 *
 * @module
 */
export { Env, type Metadata, make, type ParallelEnv, type ResetOptions, type Step } from "./env.js";
export type { Autoreset, Info, MakeOptions, RenderFrame } from "./session.js";
export {
  Box,
  type BoxDtype,
  type BoxValue,
  batchSpace,
  Dict,
  Discrete,
  MultiBinary,
  MultiDiscrete,
  Space,
  type SpaceValue,
  Tuple,
} from "./spaces.js";
export { makeVector, type ParallelVectorEnv, VectorEnv, type VectorOptions, type VectorStep } from "./vector.js";
