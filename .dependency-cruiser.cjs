// Imports run one way (see CONTRIBUTING.md). `npm run lint` checks it.
const room = (name) => `^${name}/`;
const forbidTo = (name, from, to, why) => ({
  name,
  comment: why,
  severity: "error",
  from: { path: from, pathNot: "\\.test\\.ts$" },
  to: { path: to },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } } },
    forbidTo(
      "tensor-knows-nothing-of-learning",
      room("src/tensor"),
      "^(src/(masked|replay|training|runs|viewer|bridge|cli|environments|agent|environment)|agents|envs)",
      "the engine stands alone",
    ),
    forbidTo(
      "masked-stands-on-tensor",
      room("src/masked"),
      "^(src/(replay|training|runs|viewer|bridge|cli|environments|agent|environment)|agents|envs)",
      "encoder blocks know no agents",
    ),
    forbidTo(
      "environments-know-no-agents",
      "^(envs|src/environments)/",
      "^(agents|src/(training|replay|runs|viewer|cli|masked|agent))",
      "simulators know nothing of learning",
    ),
    forbidTo(
      "replay-knows-no-networks",
      room("src/replay"),
      "^(agents|envs|src/(training|runs|viewer|cli|masked|bridge))",
      "the buffer knows nothing of networks",
    ),
    forbidTo(
      "agents-see-no-simulator",
      room("agents"),
      "^(envs|src/(training|replay|runs|viewer|cli|bridge))",
      "algorithms know no particular world",
    ),
    forbidTo(
      "runs-know-no-loop",
      room("src/runs"),
      "^(agents|envs|src/(training|replay|viewer|cli|bridge|masked))",
      "files know nothing of what fills them",
    ),
    forbidTo(
      "viewer-only-looks",
      room("src/viewer"),
      "^(agents|envs|src/(training|replay|cli|bridge|masked))",
      "pictures are made from records",
    ),
    forbidTo(
      "bridge-knows-no-learning",
      room("src/bridge"),
      "^(agents|src/(training|replay|runs|viewer|cli|masked|agent|tensor/(?!random)))",
      "simulators elsewhere are simulators still",
    ),
    forbidTo(
      "pretraining-knows-no-team",
      room("src/pretraining"),
      "^(agents|envs|src/(replay|viewer|cli|bridge|environments|agent|environment))",
      "pictures and videos have no agents",
    ),
    forbidTo(
      "trajectories-stand-on-top",
      "^(agents|envs|src/(tensor|masked|replay|runs|environments|bridge|pretraining|training|viewer))/",
      room("src/trajectory"),
      "nothing but the command line knows recordings",
    ),
    forbidTo(
      "trajectories-know-no-command-line",
      room("src/trajectory"),
      "^src/(cli|viewer)",
      "recordings can be used as a library",
    ),
    forbidTo("training-knows-no-command-line", room("src/training"), room("src/cli"), "the loop can be used as a library"),
  ],
  options: { doNotFollow: { path: "node_modules" }, tsConfig: { fileName: "tsconfig.json" }, tsPreCompilationDeps: true },
};
