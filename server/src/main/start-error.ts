/**
 * Something outside the program keeps it from starting: a port in use, a database out of reach, a wrong setting.
 * The message is one whole sentence that says what to do; the command line prints it alone and exits with code 1.
 */
export class StartError extends Error {
  override name = "StartError";
}
