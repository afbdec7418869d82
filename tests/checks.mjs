// Prints the passed checks of a program, one per line, and exits at the first failed check.

let count = 0;

/** Prints a passed check, or exits if it failed. `found` is the actual value. */
export function check(name, passed, found) {
  if (!passed) {
    console.error(`failed: ${name}\nfound: ${JSON.stringify(found, null, 2)}`);
    process.exit(1);
  }
  count += 1;
  console.log(`check: ${name}`);
}

/** Checks that two values are equal. */
export function checkEqual(name, found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  check(name, left === right, { found, expected });
}

/** Expects a promise to reject, and returns the error. */
export async function expectError(name, promise) {
  try {
    const answer = await promise;
    console.error(`no error: ${name}\nfound: ${JSON.stringify(answer, null, 2)}`);
  } catch (error) {
    return error;
  }
  process.exit(1);
}

/** Prints the count as the last line. It is missing if the program ended early. */
export function done() {
  console.log(`${count} checks`);
}
