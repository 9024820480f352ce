/** Short, rare lists as JSON text; those of every chunk are in `columns.ts`. */

/** Any list of plain rows. */
export const listJson = (list: readonly unknown[]): string => JSON.stringify(list);
