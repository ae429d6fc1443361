// What was told while an answer was on its way. The answer may be older than that: those conversations are read again after it.
const flights = new Set();

/** Whoever reads conversations again hangs in here: `again(ids)`. */
export const told = { again: null };
/** Something happened in this conversation. */
export const hearOf = (id) => flights.forEach((ids) => ids.add(id));
/** The answer of `read()`; what is told of until it is here is read again. */
export const reading = async (read) => {
  const ids = new Set();
  flights.add(ids);
  try {
    return await read();
  } finally {
    flights.delete(ids);
    if (ids.size) told.again?.(ids);
  }
};
