import type { search as en } from "../en/search";

export const search: typeof en = {};
