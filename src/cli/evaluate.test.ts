import { expect, it, vi } from "vitest";
import { spec } from "../../test/random-play.js";
import { evaluateCommand } from "./evaluate.js";

const close = vi.fn();
const reset = () => {
  throw new Error("the simulator is gone");
};

vi.mock("./arguments.js", async (original) => ({
  ...(await original<typeof import("./arguments.js")>()),
  openFromCommandLine: async () => ({
    opened: { policies: { idle: {} }, vectorize: async () => ({ spec, copies: 1, reset, close }) },
    resources: {},
  }),
}));

it("closes its environment, whose threads and hosts would keep the process alive, also when an evaluation fails", async () => {
  const played = evaluateCommand().parseAsync(["--env", "any", "--policy", "idle", "--episodes", "1"], { from: "user" });
  await expect(played).rejects.toThrow("the simulator is gone");
  expect(close).toHaveBeenCalledOnce();
});
