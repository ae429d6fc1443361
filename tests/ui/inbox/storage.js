// A browser's local storage, for tests.
export const storage = () => {
  const items = {};
  return { getItem: (name) => items[name] ?? null, setItem: (name, value) => (items[name] = String(value)), removeItem: (name) => delete items[name], all: () => items };
};
