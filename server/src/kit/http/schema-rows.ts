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
  if (field.anyOf) return mergeVariants(field.anyOf.map((variant) => listFields(variant, `${name}.`, depth + 1)));
  return listFields(field, `${name}.`, depth + 1);
}

/** The variants of a choice share fields such as `type`, which may be any of what each variant says. */
function mergeVariants(variants: readonly FieldRow[][]): FieldRow[] {
  const merged = new Map<string, FieldRow>();
  for (const row of variants.flat()) {
    const known = merged.get(row.name);
    const type = known && known.type !== row.type ? `${known.type}, ${row.type}` : row.type;
    merged.set(row.name, { ...(known ?? row), type, required: false });
  }
  return [...merged.values()];
}

function nameType(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(nameType))].join(", ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum) return schema.enum.map(String).join(", ");
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
