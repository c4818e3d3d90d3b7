import Handlebars from 'handlebars';

/** What a template may call whose answer depends on its arguments alone. */
export interface Constants {
  /** Helpers, by name. */
  helpers: Readonly<Record<string, (...args: unknown[]) => unknown>>;
  /** Partials that read nothing but what they are given, by name. */
  partials: Readonly<Record<string, (given: Record<string, unknown>) => string>>;
}

/**
 * A template with every call that always gives the same replaced by what it gives. A list of 25 rows draws some 400 icons;
 * each would be a partial with a copy of its row.
 */
export function foldConstants(source: string, constants: Constants): hbs.AST.Program {
  const program = Handlebars.parse(source);
  foldAll(program, constants);
  forgetPlaces(program);
  return program;
}

/** Where everything stood in its file took two megabytes, and nobody asks. */
const NOWHERE: hbs.AST.SourceLocation = { source: '', start: { line: 0, column: 0 }, end: { line: 0, column: 0 } };

function forgetPlaces(node: object): void {
  for (const [name, value] of Object.entries(node) as [string, unknown][]) {
    if (name === 'loc') (node as hbs.AST.Node).loc = NOWHERE;
    else if (typeof value === 'object' && value !== null) forgetPlaces(value);
  }
}

function foldAll(program: hbs.AST.Program | undefined, constants: Constants): void {
  if (!program) return;
  program.body = program.body.map((statement) => {
    const { program: inner, inverse } = statement as Partial<hbs.AST.BlockStatement>;
    foldAll(inner, constants);
    foldAll(inverse, constants);
    const text = constantOf(statement, constants);
    return text === null ? statement : toContent(statement, text);
  });
}

/** What a statement always gives, escaped; null when that is not known. */
function constantOf(statement: hbs.AST.Statement, { helpers, partials }: Constants): string | null {
  if (statement.type === 'MustacheStatement') {
    const { path, params, hash } = statement as hbs.AST.MustacheStatement;
    const helper = 'original' in path ? helpers[path.original] : undefined;
    const values = params.map(literalOf);
    if (!helper || values.length === 0 || hasPairs(hash) || values.includes(undefined)) return null;
    // Helpers are called with their options last.
    return Handlebars.escapeExpression(String(helper(...values, {})));
  }
  if (statement.type !== 'PartialStatement') return null;
  const { name, params, hash, indent } = statement as hbs.AST.PartialStatement;
  const partial = 'original' in name ? partials[name.original] : undefined;
  const given = ((hash as hbs.AST.Hash | undefined)?.pairs ?? []).map(
    ({ key, value }) => [key, literalOf(value)] as const,
  );
  if (!partial || params.length > 0 || given.some(([, value]) => value === undefined)) return null;
  return indent + partial(Object.fromEntries(given));
}

const hasPairs = (hash: hbs.AST.Hash | undefined): boolean => (hash?.pairs.length ?? 0) > 0;

const literalOf = (node: hbs.AST.Expression): string | undefined =>
  node.type === 'StringLiteral' ? (node as hbs.AST.StringLiteral).value : undefined;

const toContent = ({ loc }: hbs.AST.Statement, value: string): hbs.AST.Statement =>
  ({ type: 'ContentStatement', loc, value, original: value }) as unknown as hbs.AST.ContentStatement;
