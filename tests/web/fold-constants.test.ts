import { expect } from 'chai';
import Handlebars from 'handlebars';
import { foldConstants } from '../../src/web/fold-constants.js';

describe('what a template always says the same way', () => {
  const calls: string[] = [];
  const handlebars = Handlebars.create();
  const url = (path: unknown): string => {
    calls.push(String(path));
    return `/base${String(path)}`;
  };
  handlebars.registerHelper('url', url);
  handlebars.registerPartial('icon', '<svg class="{{size}}">{{name}}</svg>');
  const icon = handlebars.compile('<svg class="{{size}}">{{name}}</svg>');
  const drawn = (source: string, data: object): { plain: string; folded: string } => ({
    plain: handlebars.compile(source, { preventIndent: true })(data),
    folded: handlebars.compile(foldConstants(source, { helpers: { url }, partials: { icon: (given) => icon(given) } }))(
      data,
    ),
  });

  it('is text from the start, and the page is the same', () => {
    const source = `
      {{#each rows}}
        <a href="{{url "/a"}}" title="{{url '/<"&'}}">{{> icon name="x" size="s"}}</a>
        {{#if (url "/b")}}{{> icon name="<y>"}}{{else}}{{url "/c"}}{{/if}}
        {{> icon name="z"}}
      {{/each}}`;
    const { plain, folded } = drawn(source, { rows: [1, 2, 3] });
    expect(folded).to.equal(plain);
    calls.length = 0;
    handlebars.compile(foldConstants(source, { helpers: { url }, partials: {} }))({ rows: [] });
    expect(calls, 'asked once, whatever the rows').to.deep.equal(['/a', '/<"&', '/c']);
  });

  it('does not take in what depends on the row', () => {
    const source = '{{#each rows}}{{url this}}{{> icon name=this}}{{> icon name="a" size=this}}{{/each}}';
    const { plain, folded } = drawn(source, { rows: ['/1', '/2'] });
    expect(folded).to.equal(plain).and.contain('/base/1').and.contain('/base/2');
  });
});
