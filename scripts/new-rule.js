// Writes an example of a rule and its test: `npm run rule:new -- my-rule`. Into --dir, MEDIAFLOW_RULES_DIR, or the project.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const at = args.indexOf('--dir');
const given = at < 0 ? process.env.MEDIAFLOW_RULES_DIR : args.splice(at, 2)[1];
const [id] = args;

if (args.length !== 1 || !/^[a-z0-9][a-z0-9-]{0,59}$/.test(id ?? '')) {
  fail('Name the rule: npm run rule:new -- my-rule. The name is its id: lower-case letters, digits and dashes.');
}
if (existsSync(join(root, 'rules', `${id}.ts`))) fail(`There is a built-in rule ${id} already. Choose another name.`);

if (given) {
  const dir = resolve(given);
  write({
    [join(dir, `${id}.js`)]: ruleText({ rule: 'mediaflow/rule', isTyped: false }),
    [join(dir, `${id}.test.js`)]: testText({ rule: `./${id}.js`, kit: 'mediaflow/rule-test' }),
  });
  if (!existsSync(join(dir, 'jsconfig.json'))) writeFileSync(join(dir, 'jsconfig.json'), editorText());
  console.log(`
Next:
  1. Change ${id}.js. Your editor knows the types (jsconfig.json tells it where they are).
  2. npm run rule:test -- ${id} --dir ${dir}
  3. MediaFlow with MEDIAFLOW_RULES_DIR=${dir} has the rule within seconds; its page under Rules says what is wrong with it.`);
} else {
  write({
    [join(root, 'rules', `${id}.ts`)]: ruleText({ rule: '../src/domain/rules/rule.js', isTyped: true }),
    [join(root, 'tests', 'rules', `${id}.test.ts`)]: testText({
      rule: `../../rules/${id}.js`,
      kit: '../support/rule-test.js',
    }),
  });
  console.log(`
Next:
  1. Change rules/${id}.ts and its test; npm run format before you commit.
  2. npx mocha --no-package --node-option import=tsx tests/rules/${id}.test.ts
  3. npx mocha --no-package --node-option import=tsx --timeout 60000 tests/rules/properties.test.ts   # odd files and options
For a rule of your own outside of the project, add --dir FOLDER or set MEDIAFLOW_RULES_DIR.`);
}

/** Writes all of the files or, where one is there already, none. */
function write(files) {
  for (const file of Object.keys(files)) if (existsSync(file)) fail(`${file} is there already. Nothing was written.`);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote ${file}`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

function ruleText({ rule, isTyped }) {
  return `import { z } from 'zod';
import { defineRule } from '${rule}';
${
  isTyped
    ? ''
    : `
/**
 * @typedef {import('${rule}').Subject} Subject the title (\`item\`) and the one of its files (\`file\`) that is looked at
 * @typedef {import('${rule}').LibraryFacts} LibraryFacts what is known of the whole library
 * @typedef {import('${rule}').Finding} Finding what would be better
 */
`
}
export default defineRule({
  title: 'Large 720p files',
  // Full sentences: they are read on the page of the rule.
  docs: {
    what: 'Finds 720p files above a size.',
    why: 'They hold more than the picture shows.',
    whenNotToUse: 'For archives.',
  },
  // Each option needs a default; title, description and limits make the form.
  options: z.object({
    preset: z.string().default('balanced').meta({ title: 'Preset' }),
    maxGb: z.number().min(0.1).max(500).default(6).meta({ title: 'Largest size in GB' }),
  }),

  // Pure: no files, no network, no clock, nothing kept between two calls. Null when there is nothing to say.
  evaluate({ file }, { preset, maxGb }) {
    if (!file.video || file.optimized || file.stackedParts > 1) return null;
    // What the preset makes must not be found again: HEVC is left alone.
    if (file.video.codec === 'hevc' || file.video.height !== 720 || file.sizeBytes <= maxGb * 1e9) return null;
    return {
      kind: 'transcode', // or remux; review and search only inform, their preset is null
      preset,
      severity: 'low', // or medium, high
      reason: \`\${(file.sizeBytes / 1e9).toFixed(1)} GB for 720p, more than \${maxGb} GB\`,
    };
  },

  // Asked where a title is shown by itself: why was it left alone?
  whyNot({ file }, { maxGb }) {
    if (file.video?.height !== 720) return 'The picture is not 720p.';
    return file.video.codec === 'hevc' ? 'It is HEVC already.' : \`Not more than \${maxGb} GB.\`;
  },
});
`;
}

function testText({ rule, kit }) {
  return `import rule from '${rule}';
import { anItem, ruleTest } from '${kit}';

// anItem() is a film of 12 GB in 1080p H.264; \`file\` changes its file. \`library\` adds other titles, \`options\` sets options.
ruleTest('${id}', rule, {
  flags: {
    'a large one': {
      item: anItem({ file: { sizeBytes: 8e9, video: { width: 1280, height: 720 } } }),
      finding: { kind: 'transcode', preset: 'balanced', reason: '8.0 GB for 720p, more than 6 GB' },
    },
    'a smaller one when told so': {
      item: anItem({ file: { sizeBytes: 3e9, video: { width: 1280, height: 720 } } }),
      options: { maxGb: 2 },
      finding: { severity: 'low' },
    },
  },
  ignores: {
    'a small one': { item: anItem({ file: { sizeBytes: 3e9, video: { width: 1280, height: 720 } } }), whyNot: /6 GB/ },
    '1080p': { item: anItem(), whyNot: /not 720p/ },
    'its own result': { item: anItem({ file: { sizeBytes: 8e9, video: { codec: 'hevc', width: 1280, height: 720 } } }) },
    'a file that was never analysed': { item: anItem({ file: { video: null } }) },
  },
});
`;
}

/** Tells an editor where the types are. */
function editorText() {
  const from = (source, built) => [existsSync(join(root, source)) ? join(root, source) : join(root, built)];
  const paths = {
    'mediaflow/rule': from('src/domain/rules/rule.ts', 'dist/src/domain/rules/rule.d.ts'),
    'mediaflow/rule-test': [join(root, 'tests/support/rule-test.ts')],
    zod: [join(root, 'node_modules/zod/index.d.ts')],
  };
  const compilerOptions = {
    ...{
      checkJs: true,
      maxNodeModuleJsDepth: 0,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: 'ES2023',
      lib: ['ES2023'],
    },
    ...{
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    paths,
  };
  return `${JSON.stringify({ compilerOptions, include: ['*.js', '*.mjs'] }, null, 2)}\n`;
}
