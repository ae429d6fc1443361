// What the signed-in person may do, as the pages know it; the server refuses by itself. Permissions are written `area:what`
// here, as what the catalogues call a key looks the same with a dot.

/** The permissions of a list of words: `rights("flows:edit flows:publish")`. */
export const rights = (words) => words.split(" ").map((word) => word.replace(":", "."));
/** Whether `me` (`{permissions}`) has the permission `area:what`. */
export const may = (me, word) => Boolean(me?.permissions?.includes(word.replace(":", ".")));
