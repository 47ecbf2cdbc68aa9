/** Operators that broadcast their inputs as numpy does. */
export const broadcasting: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Pow",
  "Max",
  "Min",
  "Mod",
  "Equal",
  "Greater",
  "GreaterOrEqual",
  "Less",
  "LessOrEqual",
  "And",
  "Or",
  "Where",
]);

/** Operators that treat every element of one array alike. */
export const unary: ReadonlySet<string> = new Set([
  "Abs",
  "Cast",
  "Ceil",
  "Clip",
  "Cos",
  "Elu",
  "Erf",
  "Exp",
  "Floor",
  "LeakyRelu",
  "Log",
  "Neg",
  "Not",
  "Reciprocal",
  "Relu",
  "Round",
  "Sigmoid",
  "Sign",
  "Sin",
  "Softplus",
  "Sqrt",
  "Tanh",
]);

/** Whether every element of the result depends only on the elements at the same place. */
export const isElementwise = (op: string): boolean => unary.has(op) || broadcasting.has(op) || op === "Sum";
