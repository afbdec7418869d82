// What a program found true: a line each, and the end of the program at the first that is not.

let count = 0;

/** Says that a fact holds, or ends the program where it does not; `seen` is what was found instead. */
export function fact(name, holds, seen) {
  if (!holds) {
    console.error(`not so: ${name}\nfound: ${JSON.stringify(seen, null, 2)}`);
    process.exit(1);
  }
  count += 1;
  console.log(`fact: ${name}`);
}

/** Says that two values are the same. */
export function same(name, found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  fact(name, left === right, { found, expected });
}

/** Expects that this fails, and gives the error. */
export async function refused(name, promise) {
  try {
    const answer = await promise;
    console.error(`not refused: ${name}\nfound: ${JSON.stringify(answer, null, 2)}`);
  } catch (error) {
    return error;
  }
  process.exit(1);
}

/** The last line: a program that ended early has none. */
export function done() {
  console.log(`${count} facts`);
}
