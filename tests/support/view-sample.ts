import { z } from 'zod';

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  additionalProperties?: Schema | boolean;
  pattern?: string;
  format?: string;
  minimum?: number;
}

/**
 * An answer with everything in it that a schema allows: every optional field, one of each list, and `text` in every string that may
 * hold any. A view has to draw it, whatever it makes of it.
 */
export function sampleOf(output: z.ZodType, text: string): unknown {
  return valueOf(z.toJSONSchema(output, { io: 'output', unrepresentable: 'any' }) as Schema, text);
}

function valueOf(schema: Schema, text: string): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return valueOf(choices.find(({ type }) => type !== 'null') ?? {}, text);
  switch (schema.type) {
    case 'object':
      return {
        ...(typeof schema.additionalProperties === 'object'
          ? { [text]: valueOf(schema.additionalProperties, text) }
          : {}),
        ...Object.fromEntries(
          // The name of an icon is ours in every answer.
          Object.entries(schema.properties ?? {}).map(([name, field]) => [
            name,
            name === 'icon' ? 'queue' : valueOf(field, text),
          ]),
        ),
      };
    case 'array':
      return schema.items === undefined ? [] : [valueOf(schema.items, text)];
    case 'number':
    case 'integer':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return true;
    default:
      return schema.format === 'date-time' ? '2026-01-01T00:00:00.000Z' : text;
  }
}
