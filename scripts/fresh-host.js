// What a bare root has to know of this machine: where Debian's and npm's packages come from.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fail } from './fresh-process.js';

const NPM_SETTINGS = ['registry', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'];
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
const CERTIFICATES = '/etc/host-certificates.crt';

/** Debian's mirror, the suite of this machine and the lines of a `sources.list`, as apt itself understands its sources. */
export function readSources() {
  const suite = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const sources = targets().length > 0 ? targets() : (said('apt-get', ['update', '-qq']), targets());
  const main = sources.find(({ codename }) => codename === suite);
  if (!suite || !main) {
    fail(
      `apt knows no Debian mirror for ${suite ?? 'this machine'}. Put one into /etc/apt/sources.list and run apt-get update.`,
    );
  }
  const ours = sources.filter(({ codename }) => codename === suite || codename.startsWith(`${suite}-`));
  return { mirror: main.uri, suite, lines: [...new Set(ours.map(({ uri, release }) => `deb ${uri} ${release} main`))] };
}

function targets() {
  const format = '$(REPO_URI) $(RELEASE) $(CODENAME) $(ORIGIN)';
  return said('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , , origin]) => origin?.startsWith('Debian'))
    .map(([uri, release, codename]) => ({ uri, release, codename }));
}

let known;

/** How this machine reaches the network and the registries. What signs somebody in is not among it. */
export function hostSettings() {
  return (known ??= {
    aptOptions: said('apt-config', ['dump', '--format', '%F "%v";%n', 'Acquire'])
      .split('\n')
      .filter((line) => /^Acquire::(http|https|Retries|Check-|ForceIPv)/i.test(line) && !line.includes('""'))
      .join('\n')
      .concat('\n'),
    resolver: readIf('/etc/resolv.conf') ?? '',
    certificates: readIf(certificateFile()),
    env: environment(),
  });
}

function environment() {
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8' };
  for (const name of PROXIES) if (process.env[name]) env[name] = process.env[name];
  for (const name of NPM_SETTINGS) {
    const value = npmSetting(name);
    if (value) env[`npm_config_${name.replaceAll('-', '_')}`] = value;
  }
  if (certificateFile()) Object.assign(env, { NODE_EXTRA_CA_CERTS: CERTIFICATES, npm_config_cafile: CERTIFICATES });
  return { ...env, HOST: '127.0.0.1', PORT: '0', npm_config_update_notifier: 'false' };
}

const certificateFile = () => npmSetting('cafile') ?? process.env.NODE_EXTRA_CA_CERTS ?? null;

function npmSetting(name) {
  const value = said('npm', ['config', 'get', name]).trim();
  return ['', 'null', 'undefined'].includes(value) ? null : value;
}

function said(command, args) {
  return spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).stdout ?? '';
}

function readIf(path) {
  return path && existsSync(path) ? readFileSync(path, 'utf8') : null;
}
