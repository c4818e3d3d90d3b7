/** What a title is to the media server, as far as MediaFlow cares. */
export type TitleKind = 'movie' | 'show' | 'season' | 'episode';

/** Something happened to one title. */
interface TitleEvent {
  ratingKey: string;
  kind: TitleKind;
  /** Null when the server does not say. */
  sectionId: string | null;
  /** Epoch seconds, the server's own date of the title; null when it does not say. */
  updatedAt: number | null;
}

/** What a media server tells by itself. A hint and never a proof: whoever acts on it asks the server first. */
export type ServerEvent =
  /** The connection stands. What happened before it did was not heard. */
  | { type: 'listening' }
  /**
   * `isFinished` false: the server is still at it, or says so. `isAnalyzed`: it looked into the file, so that streams may
   * be other ones under the same date.
   */
  | ({ type: 'changed'; isFinished: boolean; isAnalyzed: boolean } & TitleEvent)
  | ({ type: 'removed' } & Pick<TitleEvent, 'ratingKey' | 'sectionId'>)
  | { type: 'playing'; ratingKey: string; state: 'playing' | 'paused' | 'buffering' | 'stopped' }
  /** A scan of some library is complete; the server does not say of which. */
  | { type: 'scanned' };
