import { execa } from 'execa';
import { appendFile, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

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

  /** Leaves so many bytes free, also once the files that somebody was just writing are closed or gone. */
  async fill(leaveBytes = 0): Promise<void> {
    for (let steady = 0; steady < 3;) {
      const { bavail, bsize } = await statfs(this.path);
      const room = bavail * bsize - leaveBytes;
      if (room >= bsize) {
        await appendFile(this.filler, Buffer.alloc(room)).catch(noRoom);
        steady = 0;
      } else steady++;
      await sleep(100);
    }
  }

  async empty(): Promise<void> {
    await rm(this.filler, { force: true });
  }

  async unmount(): Promise<void> {
    await execa('umount', ['-l', this.path]);
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Somebody else may have taken the last of it meanwhile. */
function noRoom(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOSPC') throw error;
}
