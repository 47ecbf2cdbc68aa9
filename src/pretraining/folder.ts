/** What pre-trainings of all kinds share on disk: whose a run folder is, and which of its settings may still change. */
import { stringify } from "yaml";
import { BatonError } from "../errors.js";
import { writeFileAtomic } from "../runs/files.js";
import { RunFolder } from "../runs/index.js";
import { differences, mergeLayers, type SettingLayer, yamlLayer } from "../training/layers.js";
import { formatValue } from "../validation.js";

/** What `run.json` says in place of an algorithm's name: masked autoencoders of pictures and videos, and those of recorded episodes. */
export const maskedAgent = "masked-autoencoder";
export const trajectoryAgent = "trajectory-autoencoder";

/** What lengthens a training, watches it or computes it elsewhere; all else in a recipe makes it another training. */
const changeable = new Set(["updates", "reportEvery", "checkpointEvery", "device", "threads"]);

/** Opens a run of one kind. Throws a BatonError "incompatible" with this hint when it is of another. */
export function openRunOf(agent: string, path: string, hint: string): RunFolder {
  const run = RunFolder.open(path);
  const { info } = run;
  if (info.agent === agent) return run;
  const kind = agent === maskedAgent ? "baton pretrain on pictures or videos" : "baton pretrain on recorded episodes";
  throw new BatonError("incompatible", `${path} is a run of ${info.agent} on ${info.env}, not of ${kind}`, { hint });
}

/** The text of a run's config.yaml. */
const recipeText = (recipe: object): string =>
  `# The whole recipe of this run; \`baton pretrain --run …\` resumes with it.\n${stringify(recipe)}`;

/** Begins a run with this recipe; `info` is what `run.json` says. */
export const beginRunOf = (path: string, info: Parameters<typeof RunFolder.create>[1], recipe: object): RunFolder =>
  RunFolder.create(path, info, recipeText(recipe));

/** Makes a recipe the run's from now on. The run must be locked. */
export function keepRecipe(run: RunFolder, recipe: object): void {
  const text = recipeText(recipe);
  if (run.readConfig() !== text) writeFileAtomic(run.config, [Buffer.from(text)]);
}

/** The value at `a.b`; undefined where there is none. */
const valueAt = (settings: unknown, name: string): unknown =>
  name.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown> | null | undefined)?.[key], settings);

/**
 * The recipe by which a run goes on: its own, with what the command line says on top.
 *
 * @param named the recipe that was named, if any: it must be the run's.
 * @param given what was given besides.
 * @throws BatonError "incompatible" that names the settings which would make another training of it.
 */
export function resumedRecipe<R extends object>(
  run: RunFolder,
  resolve: (layers: readonly SettingLayer[]) => R,
  named: SettingLayer | undefined,
  given: SettingLayer,
): R {
  const config = yamlLayer(run.readConfig(), run.config);
  const own = resolve([config]);
  const asked = mergeLayers(named ? [named, given] : [given]);
  // what is no setting of such a recipe at all is for `resolve` to say
  const others = differences(asked, own as Readonly<Record<string, unknown>>).filter(
    (name) => !changeable.has(name) && valueAt(own, name) !== undefined,
  );
  if (others.length === 0) return resolve([config, given]);
  const sentence = (name: string) =>
    `${name} is ${formatValue(valueAt(own, name))} there, but ${formatValue(valueAt(asked.settings, name))} here`;
  const more = others.length > 3 ? `; and ${others.length - 3} more` : "";
  const message = others.slice(0, 3).map(sentence).join("; ");
  throw new BatonError("incompatible", `${run.path} holds another training: ${message}${more}`, {
    hint: `go on with it by its own settings: baton pretrain --run ${run.path}; or choose another folder with --run, or start over with --fresh`,
  });
}
