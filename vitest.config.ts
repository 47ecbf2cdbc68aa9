import { defineConfig } from "vitest/config";
import { swiftShader } from "./test/swiftshader.js";

/** Files that run on every device of the machine, and so on a software GPU, too. */
const devices = ["test/tensor/**/*.test.ts", "src/tensor/devices.test.ts", "src/tensor/step.test.ts"];
const all = ["src/**/*.test.ts", "envs/**/*.test.ts", "agents/**/*.test.ts", "test/**/*.test.ts"];
/** Tests read the output of commands, which is coloured where a continuous integration's variables ask for it. */
const env = { NO_COLOR: "1" };
const test = { testTimeout: 120_000, hookTimeout: 120_000, env };

export default defineConfig({
  test: {
    projects: [
      { test: { ...test, name: "baton", include: all, exclude: ["**/node_modules/**", ...devices] } },
      { test: { ...test, name: "devices", include: devices, pool: "forks", env: { ...env, ...swiftShader()?.environment } } },
    ],
  },
});
