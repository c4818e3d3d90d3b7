import { expect } from 'chai';
import { presetOfJob } from '../../../src/domain/presets/merge.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import { recipeHash } from '../../../src/domain/presets/recipe.js';

const preset = (change: object = {}, video: object = {}): Preset =>
  Preset.parse({
    ...{ id: 'own', title: 'Own', description: 'Mine', container: 'mkv', audio: { codec: 'copy' } },
    video: { codec: 'hevc', quality: 22, ...video },
    ...change,
  });

describe('the hash of a recipe', () => {
  it('is the same for what makes the same file, whatever it is called and however it is written', () => {
    const hash = recipeHash(preset());
    expect(hash).to.match(/^[0-9a-f]{16}$/);
    expect(recipeHash(preset({ id: 'other', title: 'Other', description: 'Renamed' }))).to.equal(hash);
    const { video, ...rest } = preset();
    const turned = { video: Object.fromEntries(Object.entries(video).reverse()), ...rest } as Preset;
    expect(recipeHash(turned)).to.equal(hash);
  });

  it('is another after any change that makes another file', () => {
    const variants = [
      preset(),
      preset({ container: 'keep' }),
      preset({ subtitles: 'drop' }),
      preset({ audio: { codec: 'aac' } }),
      preset({ audio: { codec: 'aac', kbpsPerChannel: 96 } }),
      preset({}, { quality: 23 }),
      preset({}, { speed: 'slow' }),
      preset({}, { maxHeight: 1080 }),
      preset({}, { tune: 'grain' }),
      preset({}, { bitDepth: '10' }),
    ];
    expect(new Set(variants.map(recipeHash)).size).to.equal(variants.length);
  });
});

describe('the recipe of a job', () => {
  const before = preset();
  const after = preset({}, { quality: 30 });
  const presets = { get: () => after, list: () => [after] };

  it('is the preset it was made with, also after that was edited', () => {
    expect(presetOfJob({ presetId: 'own', alsoPresetIds: [], preset: before }, presets)).to.equal(before);
  });

  it('is the preset of its name where nobody noted it', () => {
    expect(presetOfJob({ presetId: 'own', alsoPresetIds: [], preset: null }, presets)).to.equal(after);
  });
});
