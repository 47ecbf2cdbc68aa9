import { Command } from "commander";
import pc from "picocolors";
import {
  type Finding,
  probeAllDevices,
  probeContainers,
  probeNode,
  probePackages,
  probePython,
  probeStarCraft,
} from "./doctor-probes.js";
import { printJson, printLines } from "./output.js";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Say what works on this machine, what is missing, and the command that mends it.")
    .option("--json", "Print the findings as one JSON object.")
    .action((options: { json?: boolean }) => doctor(options.json === true));
}

async function doctor(json: boolean): Promise<void> {
  const [packages, python, containers] = await Promise.all([probePackages(), probePython(), probeContainers()]);
  // Devices run small training steps: not beside the packages, which they load too.
  const devices = await probeAllDevices();
  const findings = [...probeNode(), ...packages, ...devices, ...python, ...probeStarCraft(), ...containers];
  const ok = canTrain(findings);
  if (json) printJson({ ok, findings });
  else printLines(...diagnosis(findings));
  if (!ok) process.exitCode = 1;
}

/** Nothing is missing that training with the embedded simulators needs. */
export function canTrain(findings: readonly Finding[]): boolean {
  return findings.every(({ works, required }) => works || !required);
}

const titles: Record<Finding["area"], string> = {
  node: "Node",
  packages: "Packages",
  devices: "Devices (--device)",
  python: "Python, for simulators over the bridge",
  simulators: "Simulators (the embedded ones need nothing)",
  containers: "Containers, for simulators in images",
};

/** The findings as lines for people, by area. */
export function diagnosis(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines: string[] = [];
  for (const area of Object.keys(titles) as Finding["area"][]) {
    const here = findings.filter((finding) => finding.area === area);
    if (here.length === 0) continue;
    lines.push(pc.bold(titles[area]));
    for (const { name, works, required, detail, mend } of here) {
      const mark = works ? pc.green("works  ") : required ? pc.red("missing") : pc.yellow("missing");
      lines.push(`  ${mark}  ${name.padEnd(width)}  ${detail}${mend ? `  → ${mend}` : ""}`);
    }
    lines.push("");
  }
  lines.push(
    canTrain(findings) ? "Baton can train here." : "Baton cannot train here before what is marked missing above is mended.",
  );
  return lines;
}
