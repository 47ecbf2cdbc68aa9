import { defineConfig } from "vitest/config";
import { swiftShader } from "./test/swiftshader.js";

/** Files that run on every device of the machine, and so on a software GPU, too. */
const devices = ["test/tensor/**/*.test.ts", "src/tensor/devices.test.ts", "src/tensor/step.test.ts"];
const all = ["src/**/*.test.ts", "envs/**/*.test.ts", "agents/**/*.test.ts", "test/**/*.test.ts"];
const test = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { ...test, name: "baton", include: all, exclude: ["**/node_modules/**", ...devices] } },
      { test: { ...test, name: "devices", include: devices, pool: "forks", env: swiftShader()?.environment ?? {} } },
    ],
  },
});
