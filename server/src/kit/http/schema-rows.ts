/** Flattens a JSON schema into the rows of a table of fields. */

export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxProperties?: number;
  readonly pattern?: string;
}

export interface FieldRow {
  /** `payer.openid`, `data[].id`. */
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  /** Limits, as short phrases. */
  readonly limits: readonly string[];
  readonly description: string;
}

const DEPTH_MAX = 6;

/** The fields of an object schema and of the objects within it, parents before their children. */
export function listFields(schema: JsonSchema, prefix = "", depth = 0): FieldRow[] {
  if (depth > DEPTH_MAX) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    const name = prefix + key;
    const row: FieldRow = {
      name,
      type: nameType(field),
      required: schema.required?.includes(key) ?? false,
      limits: listLimits(field),
      description: field.description ?? "",
    };
    return [row, ...listInside(field, name, depth)];
  });
}

function listInside(field: JsonSchema, name: string, depth: number): FieldRow[] {
  if (field.items) return listFields(field.items, `${name}[].`, depth + 1);
  if (field.anyOf) {
    // The variants of a choice share fields such as `type`; the first mention of each stands.
    const rows = field.anyOf.flatMap((variant) => listFields(variant, `${name}.`, depth + 1));
    return [...new Map(rows.toReversed().map((row) => [row.name, { ...row, required: false }])).values()].reverse();
  }
  return listFields(field, `${name}.`, depth + 1);
}

function nameType(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(nameType))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `list of ${schema.items ? nameType(schema.items) : "values"}`;
  if (schema.patternProperties) return "map of string to string";
  return [schema.type ?? "any"].flat().join(" or ");
}

function listLimits(schema: JsonSchema): string[] {
  const { minimum, maximum, minLength, maxLength, maxProperties, pattern, format } = schema;
  return [
    ...(format ? [format] : []),
    ...(minimum !== undefined ? [`≥ ${minimum}`] : []),
    ...(maximum !== undefined ? [`≤ ${maximum}`] : []),
    ...(minLength !== undefined || maxLength !== undefined ? [`${minLength ?? 0}–${maxLength ?? "∞"} characters`] : []),
    ...(maxProperties !== undefined ? [`≤ ${maxProperties} entries`] : []),
    ...(pattern ? [`pattern ${pattern}`] : []),
    ...(schema.default !== undefined ? [`default ${JSON.stringify(schema.default)}`] : []),
  ];
}
