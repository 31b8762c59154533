/** Whether fingers are what one works with here: there are hardly any keys, then. */
export const touch = matchMedia("(pointer: coarse)");
