import { execa } from 'execa';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real file system of a few megabytes that can be filled to the last byte. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Null where this user may not mount. */
  static async mount(sizeMb: number): Promise<SmallDisk | null> {
    const path = await mkdtemp(join(tmpdir(), 'mediaflow-disk-'));
    const { failed } = await execa('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', path], { reject: false });
    if (!failed) return new SmallDisk(path);
    await rm(path, { recursive: true });
    return null;
  }

  get filler(): string {
    return join(this.path, 'filler');
  }

  /** Leaves so many bytes free. */
  async fill(leaveBytes = 0): Promise<void> {
    const { bavail, bsize } = await statfs(this.path);
    await writeFile(this.filler, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
  }

  async empty(): Promise<void> {
    await rm(this.filler, { force: true });
  }

  async unmount(): Promise<void> {
    await execa('umount', ['-l', this.path]);
    await rm(this.path, { recursive: true, force: true });
  }
}
