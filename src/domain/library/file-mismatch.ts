/** A file that is not what the media server says it is. */
export interface FileMismatch {
  itemId: string;
  title: string;
  localPath: string;
  /** `gone`: nothing lies there. `changed`: it has another size. */
  kind: 'gone' | 'changed';
}
