/**
 * As much of JSON Schema as our own schemas use, to hold documents to them.
 */
interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Everything in `value` that the schema does not allow. */
export function schemaProblems(root: Schema, value: unknown): string[] {
  return [...problems(root, root, value, '')];
}

function* problems(root: Schema, given: Schema, value: unknown, path: string): Generator<string> {
  const schema = given.$ref === undefined ? given : resolve(root, given.$ref);
  const at = path === '' ? '' : `${path}: `;
  if (schema.const !== undefined && value !== schema.const) yield `${at}is not ${schema.const}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    yield `${at}${JSON.stringify(value)} is not one of ${schema.enum.join(', ')}`;
  }
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isOf(type, value))) {
    yield `${at}${JSON.stringify(value)} is not of type ${types.join(' or ')}`;
    return;
  }
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) yield `${at}${value} is too small`;
    if (schema.maximum !== undefined && value > schema.maximum) yield `${at}${value} is too large`;
  }
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      if (schema.items !== undefined) yield* problems(root, schema.items, item, `${path}[${i}]`);
    }
  } else if (typeof value === 'object' && value !== null) {
    yield* ofObject(root, schema, value as Record<string, unknown>, path);
  }
}

function* ofObject(
  root: Schema,
  schema: Schema,
  value: Record<string, unknown>,
  path: string,
): Generator<string> {
  const within = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const name of schema.required ?? []) {
    if (!(name in value)) yield `missing field ${within(name)}`;
  }
  const { properties = {}, additionalProperties: others = true } = schema;
  for (const name of Object.keys(value)) {
    if (!(name in properties) && others === false) yield `unknown field ${within(name)}`;
  }
  for (const [name, item] of Object.entries(value)) {
    const known = properties[name] ?? (typeof others === 'object' ? others : null);
    if (known !== null) yield* problems(root, known, item, within(name));
  }
}

function resolve(root: Schema, ref: string): Schema {
  const found = root.$defs?.[ref.replace('#/$defs/', '')];
  if (found === undefined) throw new Error(`the schema has no ${ref}`);
  return found;
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object')
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}
