import { describe, expect, it } from "vitest";
import { differences, setLayer, yamlLayer } from "./layers.js";

const held = { env: { id: "skirmish/3m", difficulty: "7" }, agent: { hidden: 64, order: "fixed" }, seed: 0 };

describe("differences", () => {
  it("names the settings that a layer gives other values than those held", () => {
    const preset = yamlLayer("env:\n  id: skirmish/3m\nagent:\n  hidden: 32\n  order: fixed\n  gamma: 0.9\nseed: 1\n", "my.yaml");
    expect(differences(preset, held)).toEqual(["agent.hidden", "agent.gamma", "seed"]);
  });

  it("takes a value for the same however it is written", () => {
    expect(differences(setLayer(["env.difficulty=7", "seed=0"]), held)).toEqual([]);
  });
});
