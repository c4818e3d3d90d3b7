/** A file that is not what the media server says it is. */
export interface Stranger {
  itemId: string;
  title: string;
  localPath: string;
  /** `gone`: nothing lies there. `changed`: it has another size. */
  kind: 'gone' | 'changed';
}
