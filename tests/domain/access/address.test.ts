import { expect } from 'chai';
import { isForbiddenHost, isHostWithPort, isIpOrNetwork, whyNoServerUrl } from '../../../src/domain/access/address.js';
import { guardedLookup } from '../../../src/plex/guarded-lookup.js';

describe('addresses of settings', () => {
  it('take what a server at home has', () => {
    for (const url of [
      'http://192.168.1.10:32400', 'https://plex.example/plex', 'http://tower:32400', 'http://[fd12:3456::1]:32400', 'http://127.0.0.1:1',
      'https://192-168-1-5.0123abcd.plex.direct:32400', 'http://host.docker.internal:32400', 'http://my_nas.lan',
    ]) expect(whyNoServerUrl(url), url).to.equal(null); // prettier-ignore
  });

  const BAD = [
    'http://169.254.169.254', 'http://169.254.1.1:32400', 'http://[fe80::1]:32400', 'http://[::ffff:169.254.169.254]', 'http://2852039166',
    'http://0xa9fea9fe', 'http://0251.0376.0251.0376', 'http://[fd00:ec2::254]', 'http://[64:ff9b::a9fe:a9fe]', 'http://metadata.google.internal',
    'http://metadata.google.internal.', 'file:///etc/passwd', 'ftp://nas', 'gopher://x', 'javascript:alert(1)', 'http://me:secret@nas', 'http://@nas',
    'http://nas\\@evil', 'http:nas', 'http://', 'http://nas?x', 'http://nas#x', 'http://na s', 'http://nas\n', 'nonsense', '//nas', `http://${'a'.repeat(300)}`,
    'http://exa$mple', 'http://[::1', 'http://nas:99999',
  ]; // prettier-ignore
  it(`refuse ${BAD.length} that no server has`, () => {
    for (const url of BAD) expect(whyNoServerUrl(url), url).to.be.a('string');
    expect(isForbiddenHost('fe80::1%eth0')).to.equal(true);
  });

  it('know names of hosts, and proxies', () => {
    for (const host of ['media.example', 'nas:9876', '[::1]:80', '10.0.0.1', 'tower']) expect(isHostWithPort(host), host).to.equal(true);
    for (const host of ['http://nas', 'a/b', 'a b', '', '*', 'a@b', 'nas:x', '..']) expect(isHostWithPort(host), host).to.equal(false);
    for (const proxy of ['172.18.0.2', '10.0.0.0/8', 'fd00::/8', '::1']) expect(isIpOrNetwork(proxy), proxy).to.equal(true);
    for (const proxy of ['proxy', '10.0.0.0/99', '1', '0x7f', '10.0.0.0/', '']) expect(isIpOrNetwork(proxy), proxy).to.equal(false);
  }); // prettier-ignore

  it('lead by name to no link-local address either', async () => {
    const ask = (host: string) =>
      new Promise((resolve) => {
        guardedLookup(host, {}, (error, address) => {
          resolve(error ? error.code : address);
        });
      });
    expect(await ask('127.0.0.1')).to.equal('127.0.0.1');
    // An address is its own answer, as a name in /etc/hosts would be.
    expect(await ask('169.254.169.254')).to.equal('ENOTFOUND');
    expect(await ask('fe80::1')).to.equal('ENOTFOUND');
  });
});
