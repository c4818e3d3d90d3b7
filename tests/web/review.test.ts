import { expect } from 'chai';
import { startPreview } from '../support/preview.js';
import { Browser, type WebTest } from '../support/web.js';

describe('the question before many are approved', () => {
  let web: WebTest;
  before(async () => {
    web = await startPreview();
  });
  after(() => web.stop());

  it('counts files, those that it leaves out included', async () => {
    const owner = new Browser(web.url);
    await owner.signIn();
    const open = web.context.store.recommendations.where(({ state }) => state === 'open').map(({ id }) => id);
    const ids = Object.fromEntries(open.map((id, n) => [`ids[${n}]`, id]));
    const { text } = await owner.post('/recommendations/question', { decision: 'approve', ...ids });
    const [, approved = '', all = ''] = /Approve ([\d,]+) of ([\d,]+)\?/.exec(text) ?? [];
    const [, leftOut = ''] = /<b>([\d,]+) left out<\/b>/.exec(text) ?? [];
    expect(Number(leftOut), 'left out').to.be.above(0);
    expect(Number(approved) + Number(leftOut)).to.equal(Number(all));
  });
});
