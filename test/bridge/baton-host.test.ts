import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findPython } from "./python.js";

const python = findPython();

it.skipIf(!python)("baton_host passes its own tests", () => {
  const cwd = fileURLToPath(new URL("../../envs/python", import.meta.url));
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  const { status, stderr } = spawnSync(python!, ["-m", "unittest", "discover", "-s", "tests", "-t", "."], {
    cwd,
    env,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/^Ran [1-9]\d* tests/m) });
});
