/** A key pair in OpenSSH's formats: what stays here, and the line that goes to `authorized_keys` over there. */
export interface SshKeyPair {
  privateKey: string;
  publicKey: string;
}

/** Makes an ed25519 key pair; `comment` ends the public line and tells people whose key it is. */
export async function newSshKey(comment: string): Promise<SshKeyPair> {
  const { utils } = (await import('ssh2')).default;
  const pair = utils.generateKeyPairSync('ed25519', { comment });
  return { privateKey: pair.private, publicKey: pair.public };
}
