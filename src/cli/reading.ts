/** Says how far the reading of many files is. */
export const onRead = (read: number, of: number, what: string): void => {
  process.stderr.write(`reading: ${read} of ${of} ${what}  ${Math.floor((100 * read) / of)} %\n`);
};
