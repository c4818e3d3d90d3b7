import { z } from 'zod';
import { AppError, invalid } from '../domain/errors.js';
import { mergeSettings, Settings, type SettingsChange } from '../domain/settings/settings.js';
import { refusalMessage, refusedFields } from '../lib/plain-refusals.js';
import type { Document } from './document.js';

/** The owner's settings with the environment laid over them. */
export class SettingsDocument {
  readonly #document: Document<Settings>;
  readonly #overrides: SettingsChange;
  /** `plex.url` -> the variable that holds it. */
  readonly locked: Readonly<Record<string, string>>;
  #effective: Settings;
  #version = 0;

  constructor(document: Document<Settings>, overrides: SettingsChange, locked: Record<string, string>) {
    this.#document = document;
    this.#overrides = overrides;
    this.locked = locked;
    this.#effective = mergeSettings(document.value, overrides);
  }

  get value(): Settings {
    return this.#effective;
  }

  /** Another number than before: some setting changed since. */
  get version(): number {
    return this.#version;
  }

  /** Throws `invalid` with a message per field for unknown keys, wrong values and fields the environment holds. */
  async change(change: SettingsChange): Promise<Settings> {
    for (const [group, values] of Object.entries(change)) {
      const known = this.#document.value[group as keyof Settings] as object | undefined;
      for (const [name, value] of Object.entries(values)) {
        const field = `${group}.${name}`;
        if (!known || !(name in known)) throw invalid(`There is no setting ${field}`, { [field]: 'is not a setting' });
        const variable = this.locked[field];
        const same = JSON.stringify(this.#effective[group as keyof Settings][name as never]) === JSON.stringify(value);
        if (variable && !same) {
          throw invalid(`${field} is set by ${variable}. Change it there, or remove it there to change it here.`, {
            [field]: `is set by ${variable}`,
          });
        }
      }
    }
    await this.#document.put(this.#merge(change));
    this.#effective = mergeSettings(this.#document.value, this.#overrides);
    this.#version++;
    return this.#effective;
  }

  #merge(change: SettingsChange): Settings {
    try {
      return mergeSettings(this.#document.value, change);
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      const fields = refusedFields(Settings, error);
      throw new AppError('invalid', refusalMessage(fields), { fields, cause: error });
    }
  }

  async flush(): Promise<void> {
    await this.#document.flush();
  }
}
