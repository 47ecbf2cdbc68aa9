/** Colours that the canvas takes from the style sheet, by their custom property. */
export const colourNames = [
  ...["world", "grid", "line", "text", "card", "team", "enemy", "neutral"],
  ...["health", "health-low", "shield", "energy", "bar-back", "hit", "heal", "shot", "high", "ramp", "cliff", "wall"],
] as const;
export type Colours = Readonly<Record<string, string>>;

/** The name of a team, which is also that of its colour. */
export const teamName = (team: number) => (team === 0 ? "team" : team === 1 ? "enemy" : "neutral");
