/**
 * Settings in, sentences out: checks a value against a zod schema and says, for every mistake, where it is, what it was and
 * what is allowed.
 *
 * @module
 */
import { z } from "zod";
import { BatonError, type ErrorCode } from "./errors.js";
import { nearestName } from "./names.js";

/** One mistake in a value given by the user. */
export interface SettingIssue {
  /** Where, relative to the value that was checked: `["optimiser", "rate"]`. For an unknown key, the key itself comes last. */
  readonly path: readonly (string | number)[];
  readonly code: Extract<ErrorCode, "unknown-name" | "invalid-value">;
  /** A sentence that names the path, the value and what was expected. */
  readonly message: string;
  /** How to mend it, where that is known. */
  readonly hint?: string;
}

/** The part of JSON Schema that {@link z.toJSONSchema} writes and that is read here. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema | false;
  readonly prefixItems?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** Joins a path for people: `env` + `["units", 2, "x"]` → `env.units[2].x`. */
export function formatPath(base: string, path: readonly (string | number)[]): string {
  let text = base;
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** JSON for people; undefined where there is none. Hosts send whole numbers beyond 2⁵³ as bigints, which JSON does not have. */
export const readableJson = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner));

/** A value as it should appear in a sentence: JSON, cut to a readable length. */
export function formatValue(value: unknown): string {
  const text = typeof value === "number" || value === undefined ? String(value) : (readableJson(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** Checks `value` and returns either what the schema made of it (defaults filled in) or every mistake found. */
export function checkSettings<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path = "",
): { readonly value: T; readonly issues?: undefined } | { readonly value?: undefined; readonly issues: readonly SettingIssue[] } {
  const json = z.toJSONSchema(schema, { unrepresentable: "any", io: "input" }) as JsonSchema;
  // Unknown keys are looked for here and not left to zod: a plain `z.object` would drop them in silence.
  const unknown = unknownKeys(json, value, [], path);
  const result = schema.safeParse(value);
  if (result.success && unknown.length === 0) return { value: result.data };
  const wrong = (result.error?.issues ?? [])
    .filter((issue) => issue.code !== "unrecognized_keys")
    .map((issue) => describeIssue(issue, json, value, path));
  return { issues: [...unknown, ...wrong] };
}

/**
 * Checks `value` and returns it with its defaults.
 *
 * @param path where the value stands, e.g. `env`; begins every path in the messages.
 * @throws BatonError `unknown-name` or `invalid-value`: a line for each mistake, with its path, the value, what is allowed and,
 *   for an unknown key, the nearest known one.
 */
export function parseSettings<T>(schema: z.ZodType<T>, value: unknown, path = ""): T {
  const checked = checkSettings(schema, value, path);
  if (checked.issues === undefined) return checked.value;
  throw settingsError(checked.issues);
}

/** One error for all of the mistakes, as {@link parseSettings} throws it. */
export function settingsError(issues: readonly SettingIssue[]): BatonError {
  const hints = issues.flatMap((issue) => issue.hint ?? []);
  const message = issues.map((issue) => issue.message).join("\n");
  return new BatonError(issues[0]?.code ?? "invalid-value", message, hints.length > 0 ? { hint: hints.join("\n") } : {});
}

function unknownKeys(schema: JsonSchema, value: unknown, at: readonly (string | number)[], base: string): SettingIssue[] {
  if (Array.isArray(value) && schema.items) {
    const { items } = schema;
    return value.flatMap((item, i) => unknownKeys(items, item, [...at, i], base));
  }
  if (!schema.properties || typeof value !== "object" || value === null || Array.isArray(value)) return [];
  // zod writes `{}` or a schema here for objects that accept further keys, and false or nothing for those that do not.
  const open = typeof schema.additionalProperties === "object" || schema.additionalProperties === true;
  const known = Object.keys(schema.properties);
  return Object.entries(value).flatMap(([key, inner]): SettingIssue[] => {
    const property = Object.hasOwn(schema.properties!, key) ? schema.properties![key] : undefined;
    if (property) return unknownKeys(property, inner, [...at, key], base);
    if (open) return [];
    const near = nearestName(key, known);
    const list = known.length > 0 ? `keys here: ${known.join(", ")}` : "there are no keys here";
    const path = [...at, key];
    const message = `unknown key "${formatPath(base, path)}" (value ${formatValue(inner)})`;
    return [{ path, code: "unknown-name", message, hint: near ? `did you mean "${near}"? (${list})` : list }];
  });
}

function describeIssue(issue: z.core.$ZodIssue, json: JsonSchema, root: unknown, base: string): SettingIssue {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  let schema: JsonSchema | undefined = json;
  let value = root;
  for (const part of path) {
    schema = typeof part === "number" ? (schema?.prefixItems?.[part] ?? (schema?.items || undefined)) : propertyOf(schema, part);
    value = (value as Readonly<Record<string | number, unknown>> | null | undefined)?.[part];
  }
  const name = formatPath(base, path) || "the value";
  // The schema says what is allowed in general; refinements and formats say it better in their own words.
  const allowed = issue.code === "custom" || issue.code === "invalid_format" ? undefined : schema && expectation(schema);
  const meaning = schema?.description ? ` (${schema.description})` : "";
  const found = value === undefined ? `${name} is missing` : `${name} is ${formatValue(value)}`;
  const message = allowed ? `${found}, but must be ${allowed}${meaning}` : `${found}: ${issue.message}${meaning}`;
  const choices = schema?.enum?.filter((choice) => typeof choice === "string");
  const near = choices && typeof value === "string" ? nearestName(value, choices) : undefined;
  return { path, code: "invalid-value", message, ...(near ? { hint: `did you mean "${near}"?` } : {}) };
}

function propertyOf(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  const property = schema?.properties?.[key];
  if (property) return property;
  return typeof schema?.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** What a schema allows, as the end of the sentence "must be …"; undefined when JSON Schema cannot tell. */
function expectation(schema: JsonSchema): string | undefined {
  if (schema.const !== undefined) return formatValue(schema.const);
  if (schema.enum) return `one of ${schema.enum.map(formatValue).join(", ")}`;
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) {
    const parts = variants.map(expectation);
    return parts.every((part) => part !== undefined) ? parts.join(", or ") : undefined;
  }
  switch (schema.type) {
    case "integer":
    case "number":
      return (schema.type === "integer" ? "a whole number" : "a number") + numberRange(schema);
    case "string":
      return `a text${sizeRange(schema.minLength, schema.maxLength, "characters")}`;
    case "boolean":
      return "true or false";
    case "array": {
      const of = schema.items ? expectation(schema.items) : undefined;
      const size = sizeRange(schema.minItems ?? schema.prefixItems?.length, schema.maxItems, "elements");
      return `a list${size}${of ? `, each ${of}` : ""}`;
    }
    case "object":
      return "a set of keys with values";
    case "null":
      return "null";
    default:
      return undefined;
  }
}

function numberRange(schema: JsonSchema): string {
  const safe = (bound: number | undefined) =>
    bound === undefined || Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound;
  const bounds = [
    safe(schema.minimum) !== undefined ? `at least ${schema.minimum}` : "",
    safe(schema.exclusiveMinimum) !== undefined ? `greater than ${schema.exclusiveMinimum}` : "",
    safe(schema.maximum) !== undefined ? `at most ${schema.maximum}` : "",
    safe(schema.exclusiveMaximum) !== undefined ? `less than ${schema.exclusiveMaximum}` : "",
    schema.multipleOf !== undefined ? `a multiple of ${schema.multipleOf}` : "",
  ].filter((text) => text !== "");
  return bounds.length > 0 ? `, ${bounds.join(" and ")}` : "";
}

function sizeRange(min: number | undefined, max: number | undefined, unit: string): string {
  if (min === undefined && max === undefined) return "";
  if (min === max) return ` of ${min} ${unit}`;
  if (max === undefined) return ` of at least ${min} ${unit}`;
  return min === undefined ? ` of at most ${max} ${unit}` : ` of ${min} to ${max} ${unit}`;
}
