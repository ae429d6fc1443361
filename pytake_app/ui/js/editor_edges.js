// Where an edge's name stands and how much of it there is room for. Nothing here knows React or the page.
const GAP = 96; // between two columns, as auto-layout leaves it
const CARD = 260;
const PORTS = 14; // what the round ends of both cards take of a gap
const BACK = 140; // room of an edge that goes back: it runs above everything
const LETTER = 6.4;
const SIDES = 18; // the pill around the letters
const TALL = 20;
const SMALL = /\s+(\S{1,3})$/;

/** As many whole words of an edge's name as fit, at least `least` letters; the exit's own row says all of it. */
const fitting = (text, room, least) => {
  const letters = Math.floor((room - SIDES) / LETTER);
  if (text.length <= letters) return text;
  let short = text.slice(0, letters + 1).replace(/\s*\S*$/, "");
  while (SMALL.test(short)) short = short.replace(SMALL, "");
  return short.length >= least ? short : "";
};

/** Height of React Flow's curve between two cards at a share of its width. */
const heightAt = (from, to, share) => {
  let [low, high] = [0, 1];
  for (let i = 0; i < 16; i += 1) {
    const t = (low + high) / 2;
    if (1.5 * t * (1 - t) + t ** 3 < share) low = t;
    else high = t;
  }
  return from + (to - from) * (3 * low ** 2 - 2 * low ** 3);
};

/** Whether an edge is so long that another column may stand between its cards. */
export const isFar = ({ sourceX, targetX }) => targetX - sourceX > GAP + CARD;

/** The name of an edge in its middle: `{words, x, y}`. `back`: it goes back, above both of its cards. */
export const inMiddle = ({ sourceX, targetX }, [x, y], text, back) => ({ words: fitting(text, back ? BACK : targetX - sourceX - PORTS, 6), x, y });

/** The name of an edge in the gap beside its own card, where no other stands. */
export const inGap = ({ sourceX, sourceY, targetX, targetY }, text, back) => ({ words: fitting(text, GAP - PORTS, 4), x: sourceX + GAP / 2, y: back ? sourceY : heightAt(sourceY, targetY, GAP / 2 / (targetX - sourceX)) });

/** Whether a name would lie on one of these rectangles (`{x, y, width, height}`). */
export const liesOn = ({ words, x, y }, rects) => {
  const half = (SIDES + LETTER * words.length) / 2;
  return rects.some((rect) => x - half < rect.x + rect.width && rect.x < x + half && y - TALL / 2 < rect.y + rect.height && rect.y < y + TALL / 2);
};
